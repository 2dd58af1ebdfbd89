import Record

/// Ports of a public address that were given to one internal address for some time (RFC 6888: one line for the block, none
/// for its sessions). A message without ports is about all of them.
struct PortBlock: Hashable {
  var site: [UInt8]
  var natIP: IPAddress
  var ports: ClosedRange<Int>
  var src: IPAddress
  /// nil: of all protocols.
  var proto: [UInt8]?
  var source: [UInt8]?
  var start: Moment
  /// The last message that says it is held.
  var last: Moment
  /// nil while nothing says that it was given back.
  var end: Moment?
  /// It was given to another without a word that it was given back.
  var isSuperseded = false
  /// The records that began it, said it goes on, ended it: at most three.
  var positions: [(position: RecordPosition, number: Int)]

  static func == (a: PortBlock, b: PortBlock) -> Bool {
    a.natIP == b.natIP && a.ports == b.ports && a.src == b.src && a.start == b.start && a.end == b.end && a.site == b.site
  }
  func hash(into hasher: inout Hasher) {
    hasher.combine(natIP)
    hasher.combine(start)
  }

  /// - Returns: nil where it was not held then.
  func certainty(at time: Moment, window: Int64) -> Certainty? {
    let t = time.microseconds
    guard start.microseconds &- window <= t, t <= (end?.microseconds ?? .max - window) &+ window else { return nil }
    guard start.microseconds <= t, t <= end?.microseconds ?? .max else { return .likely }
    if t <= last.microseconds { return .confirmed }
    return end != nil && !isSuperseded ? .confirmed : .likely
  }
}

extension EventReading {
  /// Whether the message gives out or takes back ports rather than telling of one session.
  var isPortBlock: Bool {
    guard kind == .session, nat.ip != nil, src.ip != nil, sessionAction != .deny else { return false }
    if natPortLast != nil { return nat.port != nil }
    return nat.port == nil && (sessionAction == .allocate || sessionAction == .free)
  }
}

extension Index {
  /// Keeps what a message says of a block of ports.
  func apply(block event: EventReading, of record: RecordReading, site: Int, at position: RecordPosition) throws {
    guard event.isPortBlock, let natIP = event.nat.ip, let src = event.src.ip else { return }
    let first = event.nat.port ?? 0
    let last = event.natPortLast ?? 65535
    guard first <= last else { return }
    let sign = SessionSign(event, of: record, at: position)
    let isFree = event.sessionAction == .free || event.sessionAction == .close
    try database.statement("INSERT OR REPLACE INTO port_block VALUES(?,?,?,?,?,?,?,?,?,?,?)").bind(1, natIP.bytes).bind(2, first)
      .bind(3, (isFree ? sign.end : sign.start)?.raw ?? sign.at.raw).bind(4, position.raw).bind(5, event.number).bind(6, last).bind(7, site)
      .bind(8, src.bytes).bind(9, event.proto).bind(10, isFree ? 1 : 0).bind(11, record.source).run()
  }

  /// Rows read on each side of the time for one first port.
  private static let rows = 200

  /// Blocks with a port of a public address that were held at some time near.
  func portBlocks(_ natIP: IPAddress, port: Int, near time: Moment) throws -> [PortBlock] {
    var firsts: [Int] = []
    // A loose index scan: one probe for each first port there is.
    try database.statement(
      """
      WITH RECURSIVE l(n) AS (SELECT min(first) FROM port_block WHERE nat_ip=?1 UNION ALL
        SELECT (SELECT min(first) FROM port_block WHERE nat_ip=?1 AND first > n) FROM l WHERE n < ?2)
      SELECT n FROM l WHERE n <= ?2
      """
    ).bind(1, natIP.bytes).bind(2, port).forEach { row in
      firsts.append(row.int(0))
      return true
    }
    var found: [PortBlock] = []
    for first in firsts {
      var rows: [Row] = []
      let columns =
        "SELECT time, position, number, last, s.name, src_ip, protocol, is_free, source FROM port_block JOIN site s ON s.id = site"
      func read(_ sql: String) throws {
        try database.statement("\(columns) WHERE nat_ip=? AND first=? AND \(sql)").bind(1, natIP.bytes).bind(2, first).bind(3, time.raw | 7)
          .forEach { row in
            if let row = Row(row) { rows.append(row) }
            return true
          }
      }
      try read("time<=? ORDER BY time DESC, position DESC, number DESC LIMIT \(Self.rows)")
      rows.reverse()
      try read("time>? ORDER BY time, position, number LIMIT \(Self.rows)")
      found += Self.blocks(rows, natIP, first)
    }
    return found.filter { $0.ports.contains(port) }.sorted { $0.start < $1.start }
  }

  private struct Row {
    var time: Moment
    var position: RecordPosition
    var number: Int
    var last: Int
    var site: [UInt8]
    var src: IPAddress
    var proto: [UInt8]?
    var isFree: Bool
    var source: [UInt8]?

    init?(_ row: Statement) {
      guard let src = row.bytes(5).flatMap({ IPAddress(bytes: $0.span) }) else { return nil }
      time = Moment(raw: row.int64(0))
      position = RecordPosition(raw: row.int64(1))
      number = row.int(2)
      last = row.int(3)
      site = row.bytes(4) ?? []
      self.src = src
      proto = row.bytes(6)
      isFree = row.int(7) != 0
      source = row.bytes(8)
    }
  }

  private static func blocks(_ rows: [Row], _ natIP: IPAddress, _ first: Int) -> [PortBlock] {
    var found: [PortBlock] = []
    var open: [PortBlock] = []
    for row in rows {
      let place = (row.position, row.number)
      let same = open.firstIndex {
        $0.src == row.src && $0.site == row.site && $0.ports.upperBound == row.last && $0.proto == row.proto
      }
      if let i = same {
        if row.isFree {
          var over = open.remove(at: i)
          over.end = row.time
          over.positions.append(place)
          found.append(over)
        } else {
          open[i].last = row.time
          if open[i].positions.count > 1 { open[i].positions.removeLast() }
          open[i].positions.append(place)
        }
      } else if !row.isFree {
        // The ports are another's now.
        for i in open.indices.reversed()
        where open[i].site == row.site && (open[i].proto == nil || row.proto == nil || open[i].proto == row.proto) {
          var over = open.remove(at: i)
          over.end = row.time
          over.isSuperseded = true
          over.positions.append(place)
          found.append(over)
        }
        open.append(
          PortBlock(
            site: row.site, natIP: natIP, ports: first...max(first, row.last), src: row.src, proto: row.proto, source: row.source,
            start: row.time, last: row.time, positions: [place]))
      }
    }
    return found + open
  }
}
