// Attribution: from events to who held an address.
//
// An index is an SQLite file with what the events of one archive say: observations (a lease acknowledged, an address seen
// with a device, a login), and the intervals that follow from them by the rules of design section 8. It is derived: it lies
// outside the archive, can be deleted at any time, and is built again by reading the records.
//
// Always true:
// - An index is a function of the archive's records in their order. Live, after a restart, in `reindex` and for an
//   auditor's copy the same `IndexFollower` reads them, so that all of these give the same rows. Only messages whose
//   dialects have changed since are read again by the log's own daemon where it builds an index from nothing (`Rereader`).
// - The intervals of an address are a function of its observations sorted by time (`Timeline`). The order in which they
//   arrived does not matter: what comes late is sorted in and the address is read again from there.
// - The position up to which the archive was read is in the same transaction as the rows that follow from it. After a
//   crash the reading goes on from the last commit; nothing is missing or doubled.
// - An answer never says more than its observations: `Judgement` gives the certainty, `gaps` what may have been missed.
//
// Start with `Observation` and `Timeline` (the rules), then `Index` (how they are kept) and `Questions`.
