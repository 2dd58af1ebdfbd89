import Record

/// How sure an answer is: design section 8, for one address at one time.
struct Judgement {
  /// An interval that covers the time, and its device's observations around it.
  struct Candidate {
    var interval: Interval
    var near: Index.Nearby
  }

  var time: Moment
  /// How near to `time` changes of holder and gaps are looked for, microseconds.
  var window: Int64
  /// How far clocks may be wrong, microseconds.
  var tolerance: Int64

  /// - Parameter lowering: takes the gaps that made it less than it would be.
  func certainty(_ candidate: Candidate, among all: [Candidate], gaps: [Gap], lowering: (Gap) -> Void) -> Certainty {
    let interval = candidate.interval
    if all.contains(where: { conflicts(candidate, with: $0) }) { return .possible }
    let best = plain(interval)
    if best == .possible { return .possible }
    var result = best
    let end = interval.possibleUntil
    if near(interval.start) || near(end) { result = .likely }
    // A change may have gone unseen in a gap between the observations around the time.
    let since = max(candidate.near.before.first?.time.microseconds ?? interval.start.microseconds, time.microseconds - window)
    let until = min(candidate.near.after.first?.time.microseconds ?? .max, time.microseconds + window)
    for gap in gaps where gap.concerns(interval.source) && gap.touches(since, until) {
      lowering(gap)
      result = .likely
    }
    return result
  }

  /// Without regard to others, gaps and clocks.
  private func plain(_ interval: Interval) -> Certainty {
    let t = time.microseconds
    switch interval.basis {
    case .declared: return .likely
    case .binding: return t <= interval.lastSeen.microseconds ? .confirmed : .possible
    case .lease:
      if t <= interval.lastSeen.microseconds { return .confirmed }
      if let known = interval.knownUntil, t < known.microseconds { return .confirmed }
      if let assumed = interval.assumedUntil, t < assumed.microseconds { return .likely }
      return .possible
    }
  }

  private func near(_ boundary: Moment) -> Bool {
    boundary != Interval.forever && abs(boundary.microseconds - time.microseconds) < tolerance
  }

  /// Whether another device claims the address too: seen or leased on both sides of the time, or seen since this one was
  /// seen last. What the administrator declared never speaks against what was observed.
  private func conflicts(_ candidate: Candidate, with other: Candidate) -> Bool {
    guard other.interval.identity.matches(candidate.interval.identity) == false else { return false }
    if other.interval.basis == .declared { return false }
    if candidate.interval.basis == .declared { return true }
    let t = time.microseconds
    if t <= other.interval.lastSeen.microseconds { return true }
    if other.interval.basis == .lease, let until = other.interval.leaseUntil, t < until.microseconds { return true }
    guard let seen = candidate.near.before.first else { return true }
    return seen.time <= other.interval.lastSeen
  }

  /// Of whole intervals of one address, where no moment is asked about: the best that holds inside each, unless another
  /// device was observed on the address meanwhile.
  /// - Parameter intervals: by start.
  static func overall(_ intervals: [Interval]) -> [Certainty] {
    var result = intervals.map(alone)
    // What is being observed when the next begins. `Timeline` keeps few open at once, so this stays short.
    var active: [Int] = []
    for (i, interval) in intervals.enumerated() where interval.basis != .declared {
      active.removeAll { intervals[$0].lastSeen <= interval.start }
      for other in active where intervals[other].identity.matches(interval.identity) == false && interval.start < interval.lastSeen {
        result[i] = .possible
        result[other] = .possible
      }
      active.append(i)
    }
    for (i, declared) in intervals.enumerated() where declared.basis == .declared {
      let contradicts = intervals.contains { other in
        other.basis != .declared && other.start < declared.possibleUntil && declared.start < other.possibleUntil
          && other.identity.matches(declared.identity) == false
      }
      if contradicts { result[i] = .possible }
    }
    return result
  }

  /// Of an interval without regard to others.
  static func alone(_ interval: Interval) -> Certainty {
    switch interval.basis {
    case .declared: return .likely
    case .binding: return interval.start < interval.lastSeen ? .confirmed : .possible
    case .lease:
      if interval.knownUntil != nil || interval.start < interval.lastSeen { return .confirmed }
      return interval.assumedUntil != nil ? .likely : .possible
    }
  }
}

/// A stretch of time in which something may have been lost.
struct Gap: Hashable {
  var since: Int64
  var until: Int64?
  /// nil where it concerns all sources.
  var source: [UInt8]?
  var what: String

  func touches(_ from: Int64, _ to: Int64) -> Bool { since <= to && (until ?? .max) >= from }
  /// What was dropped is named by where that was (a socket, an interface, the disk), not by whose messages they were.
  func concerns(_ source: [UInt8]?) -> Bool { self.source == nil || source == nil || self.source == source || what == "dropped" }
}

extension Index {
  /// Gaps that touch the time from one moment to another, oldest first.
  func gaps(from: Int64, to: Int64) throws -> [Gap] {
    var found: [Gap] = []
    try database.statement(
      "SELECT since, until, source, what FROM gap WHERE since<=? AND (until IS NULL OR until>=?) ORDER BY since, position"
    )
    .bind(1, Moment(microseconds: to).raw | 7).bind(2, Moment(microseconds: from).raw & ~7).forEach { row in
      found.append(
        Gap(
          since: Moment(raw: row.int64(0)).microseconds, until: row.optionalInt64(1).map { Moment(raw: $0).microseconds },
          source: row.bytes(2), what: row.text(3) ?? ""))
      return true
    }
    return found
  }
}

extension Gap {
  func answer(in zone: Zone) -> GapAnswer {
    GapAnswer(
      from: since == .min ? nil : zone.timestamp(since), to: until.map { zone.timestamp($0) },
      source: source.map { String(decoding: $0, as: UTF8.self) }, what: what)
  }
}
