// Syslog: a message taken apart into what its header says and what is left.
//
// `SyslogMessage` reads RFC 5424 strictly, and everything else as RFC 3164 "describes what is seen": with or without
// priority, time, host and tag, in the forms that devices really send. `DeviceTime` is the time a device writes, which
// needs a zone and a year from elsewhere to become an instant.
//
// Always true here:
// - Every sequence of bytes is a message: nothing fails, nothing traps, nothing allocates. What is not there is nil.
// - Parts are ranges of the message's own bytes; nothing is copied, changed or invented. A date that does not exist
//   stays text and never becomes another day.
// - A message is read front to back; no byte is looked at more than a fixed number of times.
//
// Start with `SyslogMessage`.
