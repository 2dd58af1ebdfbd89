// Collector: a log being kept (design sections 1 and 10).
//
// `LogCore` is a log that this process writes: its lock, recovery, and three threads. The writer (`Writing`) makes a
// record of each message and appends it to the open day's tail; the keeper (`Keeping`) syncs the tails, hashes and packs
// them, closes days and seals; the index thread reads the archive's records for the questions. `Daemon` puts sources
// (`Receiving`), the control socket and the metrics page (`Control`) around it, and follows systemd and signals.
// `Configuration` says how.
//
// Always true here:
// - Nothing waits for the keeper: the tails on disk are the queue between receiving and everything else, so a long seal or
//   a slow disk costs no message.
// - What is received and not recorded is counted, and told in a `dropped` notice.
// - A thread owns what it works on; others reach it by a `Handover`. Every hand-over has a limit.
// - A crash leaves whole lines and at most one torn one, which `Recovery` cuts off and a `recovered` notice keeps.
//
// Start with `LogCore`, then `Writer`.
