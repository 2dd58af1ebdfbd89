import Record

/// Messages that came and are not in the archive, until a `dropped` notice says so.
struct Losses {
  struct Loss: Equatable {
    var place: String
    var count: Int
    /// When the first of them was lost, or the latest moment before it that is known to be without loss.
    var since: Int64
  }

  private var waiting: [Loss] = []
  /// When they were told last, since 1970.
  private(set) var lastTold: Int64 = Clock.microseconds()

  mutating func add(_ count: Int, since: Int64, where place: String) {
    guard count > 0 else { return }
    if let i = waiting.firstIndex(where: { $0.place == place }) {
      waiting[i].count += count
    } else {
      waiting.append(Loss(place: place, count: count, since: since))
    }
  }

  var isEmpty: Bool { waiting.isEmpty }

  mutating func take(now: Int64) -> [Loss] {
    defer { waiting.removeAll() }
    lastTold = now
    return waiting
  }

  /// Whether it is time to tell: something was lost, and the last notice is a second old.
  func isDue(now: Int64) -> Bool {
    if waiting.isEmpty { return false }
    return now - lastTold >= Timestamp.second || now < lastTold
  }
}
