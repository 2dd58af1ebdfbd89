import Record

/// What senders say, by their numbers or in words, that never came; until `source-gap` notices tell it. Owned by the
/// writer.
///
/// Bounded: whatever is sent, a sender has one notice a second at most, all together `noticesASecond`; what has no notice yet
/// is gathered.
struct SourceGaps {
  /// One notice.
  struct Gap: Equatable {
    var source: String
    /// Messages that are missing; nil where nobody knows how many.
    var count: Int?
    /// Receive times between which they are missing, since 1970.
    var since: Int64
    var until: Int64
    /// How it is known.
    var how: String
  }

  private struct Numbering {
    var source: String
    var tracker = SequenceTracker()
  }

  private var numberings: [UInt64: Numbering] = [:]
  /// Numberings in which something may be missing.
  private var doubtful: Set<UInt64> = []
  private var waiting: [String: Gap] = [:]
  private var order: [String] = []
  private var told: [String: Int64] = [:]
  /// Since when a sender has paused, until it says something.
  private var paused: [String: Int64] = [:]

  /// More are forgotten and begun anew: forged senders must not fill the memory.
  private static let maximumNumberings = 4096
  private static let maximumWaiting = 1024
  static let noticesASecond = 10

  /// A message has this number.
  /// - Parameter key: the same for all messages that are numbered together.
  mutating func see(_ number: Int64, key: UInt64, source: String, now: Int64) {
    if numberings[key] == nil {
      if numberings.count >= Self.maximumNumberings {
        numberings.removeAll(keepingCapacity: true)
        doubtful.removeAll(keepingCapacity: true)
      }
      numberings[key] = Numbering(source: source)
    }
    numberings[key]?.tracker.see(number, now: now)
    if numberings[key]?.tracker.isWaiting == true { doubtful.insert(key) }
  }

  /// A sender says that messages before this one are missing.
  mutating func lost(_ count: Int?, source: String, since: Int64, until: Int64) {
    add(Gap(source: source, count: count, since: since, until: until, how: "told"))
  }

  /// A sender says that it writes nothing from now on.
  mutating func pauses(source: String, at now: Int64) {
    add(Gap(source: source, count: nil, since: now, until: now, how: "told"))
    if paused.count < Self.maximumNumberings { paused[source] = now }
  }

  var hasPaused: Bool { !paused.isEmpty }

  /// A sender says something again.
  mutating func speaks(source: String, at now: Int64) {
    guard let since = paused.removeValue(forKey: source) else { return }
    add(Gap(source: source, count: nil, since: since, until: now, how: "told"))
  }

  /// Senders whose numbers tell nothing.
  var sparse: [String] { Set(numberings.values.filter(\.tracker.isSparse).map(\.source)).sorted() }

  private mutating func add(_ gap: Gap) {
    guard var known = waiting[gap.source] else {
      guard waiting.count < Self.maximumWaiting else { return }
      waiting[gap.source] = gap
      order.append(gap.source)
      return
    }
    if let more = gap.count { known.count = (known.count ?? 0) + more }
    known.since = min(known.since, gap.since)
    known.until = max(known.until, gap.until)
    if known.how != gap.how { known.how = "numbers and told" }
    waiting[gap.source] = known
  }

  /// The notices that are due.
  /// - Parameter all: whether the daemon stops: nothing is left untold.
  mutating func take(now: Int64, all: Bool = false) -> [Gap] {
    for key in doubtful {
      guard var numbering = numberings.removeValue(forKey: key) else { continue }
      if let gap = numbering.tracker.take(now: now, all: all) {
        add(Gap(source: numbering.source, count: gap.count, since: gap.since, until: gap.until, how: "numbers"))
      }
      if !numbering.tracker.isWaiting { doubtful.remove(key) }
      numberings[key] = numbering
    }
    guard !waiting.isEmpty else {
      if told.count > Self.maximumWaiting { told.removeAll() }
      return []
    }
    var due: [Gap] = []
    order.removeAll { source in
      guard all || due.count < Self.noticesASecond, let gap = waiting[source] else { return false }
      let last = told[source] ?? .min
      guard all || last == .min || now - last >= Timestamp.second || now < last else { return false }
      due.append(gap)
      waiting[source] = nil
      told[source] = now
      return true
    }
    return due
  }
}
