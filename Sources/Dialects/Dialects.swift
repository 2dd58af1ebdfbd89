// Dialects: message text to events, driven by dialect files (etc/dialects/*.json5). A new device is a new file.
//
// A dialect says which messages it reads (`applies`), what stands before all of them (`head`), and patterns: literal
// text with named, typed fields, each with the event it means, or null for a line that is understood and means
// nothing. etc/dialects/isc-dhcpd.json5 teaches the format in the comment at its head.
//
// Always true here:
// - Nothing is guessed. A pattern matches a whole message or it does not; a field holds a valid value of its type or
//   the pattern does not match; a message that no pattern matches has no event.
// - Reading is linear: no pattern is tried twice on a message, and nothing is ever taken back except an optional part
//   that did not match, once. There are no regular expressions.
// - Reading a message allocates nothing. All that is compiled is compiled once, when the files are loaded.
// - The same messages with the same record times give the same events: `after` looks at record times, not at a clock,
//   so that re-reading an archive gives what was read live.
//
// Start with `DialectSet` (loading) and `Normaliser` (reading); `PatternCompiler` has the grammar of patterns,
// `PatternMatcher` what each type accepts.
