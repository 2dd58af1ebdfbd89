import Evidence
import Synchronization

/// What is known of each authority: written by the stamper, read by `status` and metrics from any thread.
final class AuthorityBoard: Sendable {
  struct Entry: Sendable {
    /// In words, why it gave no token when it was asked last; nil where it did.
    var stampError: String?
    /// In words, why it did not say how many credits there are.
    var creditError: String?
    var credits: Int?
    /// How many days they last at the present rate.
    var daysLeft: Int?
    var tokens = 0
    /// The newest that it gave.
    var token: TimeStampToken?
    /// In words, where its clock and ours differ.
    var clockDoubt: String?

    var lastError: String? { stampError ?? creditError }
  }

  private let entries = Mutex<[String: Entry]>([:])

  subscript(name: String) -> Entry { entries.withLock { $0[name] ?? Entry() } }

  func update(_ name: String, _ body: (inout Entry) -> Void) { entries.withLock { body(&$0[name, default: Entry()]) } }

  /// Forgets authorities that are configured no more.
  func keep(_ names: [String]) { entries.withLock { $0 = $0.filter { names.contains($0.key) } } }
}
