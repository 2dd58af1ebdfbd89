public import Record

/// What is asked of one or several indexes together.
public struct Questions {
  public var indexes: [Index]
  /// Those of the same logs' blocks, in the same order.
  public var blocks: [BlockIndex]
  /// In which times are answered.
  public var zone: Zone
  /// The clock of whoever asks.
  public var clock: Timestamp
  /// Whether a daemon is writing the archive at this moment: then nothing later than `clock` is unknown. Of a folder,
  /// only what its last record still saw is known.
  public var isLive: Bool

  public init(_ indexes: [Index], blocks: [BlockIndex], zone: Zone, clock: Timestamp, isLive: Bool) {
    self.indexes = indexes
    self.blocks = blocks
    self.zone = zone
    self.clock = clock
    self.isLive = isLive
  }

  /// Until when an index knows what happened.
  func horizon(_ index: Index) -> Moment {
    let now = Moment(clock)
    return isLive ? now : min(now, index.newest ?? now)
  }
}

extension Index {
  /// An address as the index has it.
  struct Place: Hashable {
    var id: Int
    var site: [UInt8]
    var ip: IPAddress
    /// Counted from the first of 128 bits.
    var length: Int

    /// How an answer names it.
    var text: String { length == 128 ? ip.description : "\(ip)/\(ip.isV4 ? length - 96 : length)" }
  }

  private static let place = "SELECT a.id, s.name, a.ip, a.length FROM address a JOIN site s ON s.id = a.site"

  private func places(_ row: Statement, into found: inout [Place]) {
    guard let bytes = row.bytes(2), let ip = IPAddress(bytes: bytes.span) else { return }
    found.append(Place(id: row.int(0), site: row.bytes(1) ?? [], ip: ip, length: row.int(3)))
  }

  /// The address itself, and every delegated prefix in which it lies, in one site or in all.
  func places(of ip: IPAddress, site: String?) throws -> [Place] {
    var found: [Place] = []
    var lengths: [Int] = []
    // A loose index scan: one probe for each length there is.
    try database.statement(
      """
      WITH RECURSIVE l(n) AS (SELECT min(length) FROM address UNION ALL SELECT (SELECT min(length) FROM address WHERE length > n) FROM l WHERE n IS NOT NULL)
      SELECT n FROM l WHERE n IS NOT NULL
      """
    ).forEach { row in
      lengths.append(row.int(0))
      return true
    }
    // The address itself before the prefixes around it, the narrowest first.
    for length in lengths.reversed() where (0...LoginPlace.greatestPrefix).contains(length) {
      let free = UInt128(128 - length)
      let masked = IPAddress(v6: length == 0 ? 0 : (ip.value >> free) << free)
      try database.statement("\(Self.place) WHERE a.ip=? AND a.length=? ORDER BY s.name").bind(1, masked.bytes).bind(2, length).forEach {
        row in
        places(row, into: &found)
        return true
      }
    }
    guard let site else { return found }
    return found.filter { $0.site == Array(site.utf8) }
  }

  /// Every address, by site and address.
  func allPlaces() throws -> [Place] {
    var found: [Place] = []
    try database.statement("\(Self.place) WHERE a.length<=\(LoginPlace.greatestPrefix) ORDER BY s.name, a.ip, a.length").forEach { row in
      places(row, into: &found)
      return true
    }
    return found
  }

  /// Addresses that were seen with one of these names (`NameKey`) before a time.
  func places(named keys: [[UInt8]], before to: Moment) throws -> [Place] {
    let last = Int(to.microseconds.flooredQuotient(Timestamp.day)) + 1
    var ids: Set<Int> = []
    for key in keys {
      try database.statement("SELECT address, first, last FROM name WHERE key=?").bind(1, key).forEach { row in
        // The names of an interval may all be older than what is asked about, so only what is newer is left out.
        if row.int(1) <= last { ids.insert(row.int(0)) }
        return true
      }
    }
    var found: [Place] = []
    for id in ids.sorted() {
      try database.statement("\(Self.place) WHERE a.id=?").bind(1, id).forEach { row in
        places(row, into: &found)
        return true
      }
    }
    return found.sorted { $0.site == $1.site ? ($0.ip, $0.length) < ($1.ip, $1.length) : $0.site.lexicographicallyPrecedes($1.site) }
  }

  /// Intervals that may touch the time from `from` to `to`, by start. Declared ones are made here, from their lists.
  func intervals(of address: Int, from: Moment, to: Moment) throws -> [Interval] {
    let lower = Moment(raw: from.raw & ~7)
    let upper = Moment(raw: to.raw | 7)
    var found = try intervals(
      """
      SELECT \(Interval.columns) FROM interval WHERE address=?1 AND basis=0 AND start<=?3
      AND start >= coalesce((SELECT max(start) FROM interval WHERE address=?1 AND basis=0 AND start<=?2), ?2)
      """
    ) { $0.bind(1, address).bind(2, lower.raw).bind(3, upper.raw) }
    // A moment counts eighths of a microsecond.
    found += try intervals(
      "SELECT \(Interval.columns) FROM interval WHERE address=?1 AND basis=1 AND start<=?3 AND last_seen + timeout * 8000000 >= ?2"
    ) { $0.bind(1, address).bind(2, lower.raw).bind(3, upper.raw) }
    found += try declared(address).filter { $0.start <= upper }
    return found.filter { $0.possibleUntil.microseconds > from.microseconds || $0.start.microseconds >= from.microseconds }
      .sorted { $0.first < $1.first }
  }

  /// Declared static addresses: from `since` until the first list that no longer has them.
  func declared(_ address: Int) throws -> [Interval] {
    let said = try observations("\(Observation.joined) WHERE o.address=? AND o.track=2 ORDER BY o.position, o.number") {
      $0.bind(1, address)
    }
    var found: [Interval] = []
    for o in said {
      let list = o.seconds ?? 0
      if let i = found.lastIndex(where: { $0.identity.matches(o.identity) ?? ($0.identity.isEmpty && o.identity.isEmpty) }),
        list - found[i].list <= 1
      {
        found[i].take(o)
        found[i].list = list
        found[i].lastSeen = o.until ?? o.time
      } else {
        var new = Interval(.declared, o)
        new.list = list
        new.lastSeen = o.until ?? o.time
        found.append(new)
      }
    }
    for i in found.indices where found[i].list != Observation.importedList {
      try database.statement("SELECT time FROM list WHERE number=?").bind(1, found[i].list + 1).forEach { row in
        found[i].close(at: Moment(raw: row.int64(0)), .unknown)
        return false
      }
    }
    // Of imported ones a later declaration for another device ends the one before.
    let imported = found.indices.filter { found[$0].list == Observation.importedList }.sorted { found[$0].first < found[$1].first }
    for (i, next) in zip(imported, imported.dropFirst()) { found[i].close(at: found[next].start, .superseded) }
    return found.filter { $0.start < $0.possibleUntil }
  }

  /// The nearest interval that was over before a time, and the nearest that began after it.
  func neighbours(of address: Int, at time: Moment) throws -> (before: Interval?, after: Interval?) {
    let key = Moment(raw: time.raw | 7).raw
    var before: [Interval] = []
    var after: [Interval] = []
    for basis in 0...1 {
      before += try intervals(
        "SELECT \(Interval.columns) FROM interval WHERE address=? AND basis=? AND start<=? ORDER BY start DESC, position DESC, number DESC LIMIT 16"
      ) { $0.bind(1, address).bind(2, basis).bind(3, key) }
      after += try intervals(
        "SELECT \(Interval.columns) FROM interval WHERE address=? AND basis=? AND start>? ORDER BY start, position, number LIMIT 1"
      ) { $0.bind(1, address).bind(2, basis).bind(3, key) }
    }
    for interval in try declared(address) { if interval.start.raw <= key { before.append(interval) } else { after.append(interval) } }
    return (
      before.filter { $0.possibleUntil.microseconds <= time.microseconds }.max { $0.possibleUntil < $1.possibleUntil },
      after.min { $0.first < $1.first }
    )
  }
}
