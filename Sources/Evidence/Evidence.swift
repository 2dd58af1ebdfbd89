// Evidence: what makes a log provable to others, and the proof (design sections 5 and 6).
//
// A `Seal` states what a day holds so far; a detached CMS `Signature` stands over it, and an RFC 3161 `TimeStampToken` of an
// authority over the signature. `Sealer` makes them, `Verifier` judges them and every record below them. OpenSSL stays
// inside: no type of it leaves this target.
//
// Always true here:
// - Trust comes from the certificates that the caller names, never from the archive.
// - What is not proven is not called so: a constraint that cannot be evaluated, a token that is not trusted and a
//   certificate that does not chain are findings.
// - A certificate is judged at the time that is proven for its use, not at today's.
// - Files of a seal are placed whole or not at all, in the order .json, .p7s, .tsr; a token is never replaced. A crash
//   leaves at most a newest .json without signature, which is signed as it stands, or a seal whose token is still due.
// - The verifier reads; it opens regular files only, holds some MB, and ends on whatever it is given.
//
// Start with `Seal`, then `ArchiveCheck` for what is checked in which order.
