// Record: the vocabulary that everything else speaks.
//
// A record is one line of strict JSON: what was received, byte for byte, when, from whom, and what it means
// (`events`). This target holds the values in it (addresses, times, days), the events and their fields, and the
// reading and writing of the JSON itself, on bytes. It knows no file, no socket and no format of anybody else.
//
// Always true here:
// - Nothing traps on bytes from outside: they are read through `ByteCursor` or `Span`, and what does not fit is
//   `Malformed` or nil.
// - Text is bytes. Swift's String takes CR LF for one character and composed and decomposed letters for equal; both
//   are wrong for evidence, so String appears only where people or small configuration are concerned.
// - What is written here reads back as the same value, and canonical text is the only text that is written.
//
// Start with `EventField` (the words), `EventList` (how a decoder says what it read), `RecordWriter` (the line) and
// `StrictJSON` (how a line is read back and judged).
