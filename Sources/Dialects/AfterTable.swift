import Record

/// Lines that a later line may need to have come before it (`after`). Bounded: a new line takes the place of an older
/// one whose key falls on the same slot, and the later line is then read as if the earlier had not come.
struct AfterTable: Sendable {
  static let slots = 4096

  private struct Slot: Sendable {
    var key: UInt64 = 0
    /// Microseconds since 1970 of the record.
    var at: Int64 = 0
    var armed = false
  }

  /// When a line was remembered last.
  private var latest: Int64?
  private var table = [Slot](repeating: Slot(), count: slots)

  /// A line of its kind came; `armed` false takes back what came before.
  mutating func remember(_ key: UInt64, at: Int64, armed: Bool) {
    let i = Int(truncatingIfNeeded: key) & (Self.slots - 1)
    if !armed, table[i].key != key { return }
    table[i] = Slot(key: key, at: at, armed: armed)
    if armed { latest = max(latest ?? at, at) }
  }

  /// Whether any line that came could still matter: nearly always not, and then nobody need look for it.
  func mayHold(at: Int64) -> Bool {
    guard let latest else { return false }
    return at <= latest || at.subtractingReportingOverflow(latest).partialValue.magnitude <= After.window
  }

  /// Whether such a line came at most ten seconds ago; it answers once.
  mutating func take(_ key: UInt64, at: Int64) -> Bool {
    let i = Int(truncatingIfNeeded: key) & (Self.slots - 1)
    guard table[i].key == key, table[i].armed, at.subtractingReportingOverflow(table[i].at).partialValue.magnitude <= After.window else {
      return false
    }
    table[i].armed = false
    return true
  }
}
