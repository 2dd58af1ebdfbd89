import Record

/// Follows the numbers that a sender gives its own messages (RFC 5424 section 7.3.1 `sequenceId`, Cisco's sequence
/// numbers) and tells how many are missing.
///
/// A number beyond the expected one opens a hole. Messages that come late fill it; what is missing after
/// `patienceMicroseconds` is lost. A number far below the expected one is a new beginning (a restart, 2147483647 before
/// 1), one a little below it came twice or very late: neither is a loss. Where a hole is filled from its beginning on in
/// order while the numbers behind it go on too, two programs count for themselves: each is followed then, and nothing is
/// lost.
///
/// Bounded: some runs, some holes in each.
struct SequenceTracker {
  /// What is missing between two numbers.
  struct Gap: Equatable {
    var count: Int
    /// Receive times of the messages before and behind, since 1970.
    var since: Int64
    var until: Int64
  }

  private struct Hole {
    var first: Int64
    var last: Int64
    var missing: Int64
    /// The number that would fill it from its beginning, and how many have.
    var next: Int64
    var inOrder = 0
    var since: Int64
    var until: Int64
    /// When the latest number filled it, or when it opened.
    var touched: Int64
  }

  private struct Run {
    var next: Int64
    var latest: Int64
    var holes: [Hole] = []
    /// Of the latest numbers: all, and those that jumped; halved now and then.
    var seen = 0
    var jumped = 0
  }

  private var runs: [Run] = []
  /// Holes that made room for newer ones.
  private var overdue: Gap?

  /// How long a message may be late.
  static let patienceMicroseconds = 2 * Timestamp.second
  /// A number further ahead is a new beginning: nobody loses so much between two messages.
  static let farthest: Int64 = 1_000_000
  /// A number so little below the expected one came late or twice.
  private static let lateness: Int64 = 64
  /// A hole of more is not mere disorder.
  private static let disorder: Int64 = 32
  private static let maximumHoles = 16
  private static let maximumRuns = 4

  /// Whether the numbers leave out so much that they count what is not sent here (messages below the level of this
  /// destination, those of another one): they tell nothing then, and no gap is made of them.
  var isSparse: Bool { runs.contains { $0.seen >= 16 && $0.jumped * 2 > $0.seen } }

  /// Whether something may be missing that is not known to be lost.
  var isWaiting: Bool { overdue != nil || runs.contains { !$0.holes.isEmpty } }

  /// Takes the number of a message.
  /// - Parameter now: its receive time, since 1970.
  mutating func see(_ number: Int64, now: Int64) {
    if let i = runs.firstIndex(where: { $0.next == number }) { return follow(i, number, now, jumped: false) }
    for i in runs.indices where fill(i, number, now) { return }
    guard let i = nearest(number) else {
      runs.append(Run(next: number &+ 1, latest: now))
      return
    }
    let ahead = number - runs[i].next
    if ahead < 0, ahead >= -Self.lateness { return }
    if ahead > 0, ahead <= Self.farthest { open(i, number, now) }
    follow(i, number, now, jumped: ahead > 0)
  }

  /// Takes what is known to be missing now, or all that is missing.
  mutating func take(now: Int64, all: Bool = false) -> Gap? {
    var lost = overdue
    overdue = nil
    let isSparse = isSparse
    for i in runs.indices where !runs[i].holes.isEmpty {
      runs[i].holes.removeAll { hole in
        guard all || now - hole.touched >= Self.patienceMicroseconds || now < hole.touched else { return false }
        Self.add(hole, to: &lost)
        return true
      }
    }
    return isSparse ? nil : lost
  }

  private static func add(_ hole: Hole, to gap: inout Gap?) {
    let before = gap ?? Gap(count: 0, since: hole.since, until: hole.until)
    gap = Gap(count: before.count + Int(hole.missing), since: min(before.since, hole.since), until: max(before.until, hole.until))
  }

  private mutating func follow(_ i: Int, _ number: Int64, _ now: Int64, jumped: Bool) {
    runs[i].next = number &+ 1
    runs[i].latest = now
    runs[i].seen += 1
    if jumped { runs[i].jumped += 1 }
    guard runs[i].seen >= 64 else { return }
    runs[i].seen /= 2
    runs[i].jumped /= 2
  }

  /// The run that a number belongs to that is not the next of any: the one it is least far ahead of, else the one it is
  /// least far behind.
  private func nearest(_ number: Int64) -> Int? {
    let before = runs.indices.filter { runs[$0].next <= number }.max { runs[$0].next < runs[$1].next }
    return before ?? runs.indices.min { runs[$0].next < runs[$1].next }
  }

  private mutating func open(_ i: Int, _ number: Int64, _ now: Int64) {
    if runs[i].holes.count >= Self.maximumHoles { Self.add(runs[i].holes.removeFirst(), to: &overdue) }
    let first = runs[i].next
    runs[i].holes.append(
      Hole(first: first, last: number - 1, missing: number - first, next: first, since: runs[i].latest, until: now, touched: now))
  }

  /// Whether the number was missing.
  private mutating func fill(_ i: Int, _ number: Int64, _ now: Int64) -> Bool {
    guard let h = runs[i].holes.firstIndex(where: { $0.first <= number && number <= $0.last }) else { return false }
    runs[i].holes[h].missing -= 1
    runs[i].holes[h].touched = now
    if number == runs[i].holes[h].next {
      runs[i].holes[h].next += 1
      runs[i].holes[h].inOrder += 1
    }
    let hole = runs[i].holes[h]
    if hole.missing <= 0 {
      runs[i].holes.remove(at: h)
    } else if hole.inOrder >= 3, hole.missing > Self.disorder, runs.count < Self.maximumRuns {
      runs[i].holes.remove(at: h)
      runs.append(Run(next: hole.next, latest: now))
    }
    return true
  }
}
