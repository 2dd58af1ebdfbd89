import Evidence
import Record
import Synchronization

/// What `status` and metrics say of the keeper; read from any thread.
final class KeeperState: Sendable {
  struct Values: Sendable {
    var newest: (number: Int, day: CalendarDay, records: Int, made: Timestamp)?
    /// Seals that have no token yet.
    var waiting = 0
    /// By authority, what it said when it failed last.
    var authorityErrors: [String: String] = [:]
    /// Of who signs.
    var signer: Certificate?
    /// In words, while something behind the writer fails.
    var error: String?
  }

  private let values = Mutex(Values())

  var now: Values { values.withLock { $0 } }

  func set(newest: (Int, CalendarDay, Int, Timestamp)?, waiting: Int, errors: [String: String], signer: Certificate?) {
    values.withLock {
      $0.newest = newest.map { (number: $0.0, day: $0.1, records: $0.2, made: $0.3) }
      $0.waiting = waiting
      $0.authorityErrors = errors
      $0.signer = signer
    }
  }

  func set(error: String?) { values.withLock { $0.error = error } }
}
