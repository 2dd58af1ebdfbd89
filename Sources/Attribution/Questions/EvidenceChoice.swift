import Record

/// Which of a device's observations an answer names: those that began it, those nearest to the time asked for, and the
/// last. A lease of two years has tens of thousands; two dozen at most are looked for, however long it lasted.
enum EvidenceChoice {
  static let first = 4
  static let before = 4
  static let after = 2
  static let last = 2
  /// Rows looked at for each of these: where other devices' observations lie between, fewer may be found.
  static let rows = 64
}

extension Index {
  /// The observations of an interval's device nearest to a time.
  struct Nearby {
    /// At or before it, the nearest first.
    var before: [Observation] = []
    /// After it, the nearest first.
    var after: [Observation] = []
  }

  func nearby(_ interval: Interval, _ address: Int, at time: Moment) throws -> Nearby {
    Nearby(
      before: try seen(interval, address, from: interval.start, to: time, count: EvidenceChoice.before, newestFirst: true),
      after: try seen(
        interval, address, from: Moment(raw: (time.raw | 7) + 1), to: interval.lastSeen, count: EvidenceChoice.after, newestFirst: false))
  }

  /// Observations of the interval's device from one time to another.
  func seen(_ interval: Interval, _ address: Int, from: Moment, to: Moment, count: Int, newestFirst: Bool) throws -> [Observation] {
    let track: Observation.Track = interval.basis == .declared ? .declared : .address
    let order = newestFirst ? "DESC" : "ASC"
    let statement = try database.statement(
      """
      \(Observation.joined) WHERE o.address=? AND o.track=? AND o.time>=? AND o.time<=?
      ORDER BY o.time \(order), o.position \(order), o.number \(order) LIMIT \(EvidenceChoice.rows)
      """)
    statement.bind(1, address).bind(2, track.rawValue).bind(3, from.raw & ~7).bind(4, to.raw | 7)
    var found: [Observation] = []
    try statement.forEach { row in
      guard let o = Observation(row) else { return true }
      if o.key < interval.first { return true }
      if interval.covers(o) { found.append(o) }
      return found.count < count
    }
    return found
  }

  /// The records that an answer about an interval rests on, in the order of their time.
  func evidence(_ interval: Interval, _ address: Int, near: Nearby?, number: Int) throws -> [EvidencePlace] {
    var chosen = try seen(interval, address, from: interval.start, to: interval.lastSeen, count: EvidenceChoice.first, newestFirst: false)
    chosen += try seen(interval, address, from: interval.start, to: interval.lastSeen, count: EvidenceChoice.last, newestFirst: true)
    if let near { chosen += near.before + near.after }
    var positions: [RecordPosition] = []
    for o in chosen.sorted(by: { $0.key < $1.key }) where !positions.contains(o.key.position) { positions.append(o.key.position) }
    if let end = interval.endPosition, !positions.contains(end) { positions.append(end) }
    return positions.map { EvidencePlace(index: number, position: $0) }
  }
}

extension Interval {
  /// Whether an observation of its address within its time is one of it.
  func covers(_ o: Observation) -> Bool {
    guard identity.matches(o.identity) ?? o.identity.isEmpty else { return false }
    switch basis {
    case .lease: return true
    case .binding: return o.action == .seen
    case .declared: return true
    }
  }
}
