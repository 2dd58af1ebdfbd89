import Synchronization

/// What the daemon counts while it runs; read by `status` and metrics from any thread.
final class Counters: Sendable {
  /// Messages written as records.
  let recorded = Atomic(0)
  let recordedBytes = Atomic(0)
  let events = Atomic(0)
  /// Messages that no dialect understood.
  let notUnderstood = Atomic(0)
  /// Sightings of an unchanged pair of addresses that were not recorded again.
  let thinned = Atomic(0)
  /// Messages longer than what is kept of one.
  let cut = Atomic(0)
  /// Messages that came and are not in the archive, since start.
  let dropped = Atomic(0)
  /// `source-gap` notices, and the messages that they say are missing.
  let sourceGaps = Atomic(0)
  let sourceGapMessages = Atomic(0)
  /// Devices that have been silent beyond their `silent_after`.
  let silentSources = Mutex<[String: Bool]>([:])
  let seals = Atomic(0)
  let notices = Atomic(0)
  /// Times that syncing, packing or sealing failed and was tried again.
  let keeperErrors = Atomic(0)
  /// Monotonic milliseconds at which the writer and the keeper last came round; the watchdog looks at them.
  let writerAlive = Atomic<Int64>(0)
  let keeperAlive = Atomic<Int64>(0)
  let diskFull = Atomic(false)
}

extension Atomic where Value == Int {
  @inline(__always) borrowing func add(_ n: Int) { add(n, ordering: .relaxed) }
  var value: Int { load(ordering: .relaxed) }
}
