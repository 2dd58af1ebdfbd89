// Archive: a log as a folder of days, and how its records are read, packed and hashed (design section 4).
//
// A record is a line. The day's records lie in `records.ndjson.gz`, 1,024 to a gzip member, and behind them in plain tails;
// `Layout` spells every name. Whoever reads records does it through `DayReader` (in order, from any number on, also of a
// day that grows) or, where nothing may be taken on trust, `DayAudit`. `DayDigest` turns lines into what a seal states;
// `BlockWriter` packs them; `Disk` is the one way to the disk.
//
// Always true here:
// - A record that was written is never changed. Its number is its place in the day.
// - Records are appended to a tail, and synced there, before they are packed; a tail goes only once the blocks that hold
//   all of it are synced. So a crash leaves an overlap, a torn last line or a torn last member, never a gap.
// - Readers open regular files only, follow no link, and hold some MB whatever a file claims about itself.
// - A block's records are given out only after all of the block has been checked.
//
// Start with `Layout`, then `DayReader`.
