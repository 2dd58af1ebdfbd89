import Record

// How observations and intervals are written to and read from rows.

extension Observation {
  private static let deviceClock = 16
  private static let configuredSeconds = 32
  private static let macInDUID = 64

  private static let columns = """
    o.time, o.position, o.number, o.flags, o.mac, o.seconds, o.until, o.difference,
    d.mac_source, d.duid, d.client_id, d.hostname, d.relay, d.circuit_id, d.source, d.user, d.phone, d.method, d.session,
    d.nas, d.outer_ip
    """
  private static let tables = "FROM observation o JOIN detail d ON d.id = o.detail"
  static let joined = "SELECT \(columns) \(tables)"
  /// The same with the address behind the other columns. CROSS: observations in their order, details looked up.
  static let joinedWithAddress = "SELECT \(columns), o.address FROM observation o CROSS JOIN detail d ON d.id = o.detail"
  static let addressColumn: Int32 = 21

  /// A row of table `observation`.
  struct Row {
    var address: Int
    var track: Track
    var key: Key
    private var flags: Int
    private var mac: MACAddress?
    private var seconds: Int?
    private var until: Moment?
    private var difference: Int?
    private var detail: Int

    init(_ o: borrowing Observation, address: Int, detail: Int) {
      self.address = address
      track = o.action.track
      key = o.key
      flags = o.action.rawValue
      if o.clockIsDevice { flags |= Observation.deviceClock }
      if o.secondsAreConfigured { flags |= Observation.configuredSeconds }
      if o.identity.macInDUID != nil { flags |= Observation.macInDUID }
      mac = o.identity.mac ?? o.identity.macInDUID
      seconds = o.seconds
      until = o.until
      difference = o.difference
      self.detail = detail
    }

    static let columns = 11

    func bind(to row: Statement) {
      row.bind(1, address).bind(2, track.rawValue).bind(3, key.time.raw).bind(4, key.position.raw).bind(5, key.number).bind(6, flags)
        .bind(7, mac.map { Int($0.value) }).bind(8, seconds).bind(9, until?.raw).bind(10, difference).bind(11, detail)
    }
  }

  /// From a row of `joined`, whose first column stands at `c`.
  init?(_ row: Statement, at c: Int32 = 0) {
    let flags = row.int(c + 3)
    guard let action = Action(rawValue: flags & 15) else { return nil }
    self.init(
      key: Key(time: Moment(raw: row.int64(c)), position: RecordPosition(raw: row.int64(c + 1)), number: row.int(c + 2)), action: action)
    clockIsDevice = flags & Self.deviceClock != 0
    secondsAreConfigured = flags & Self.configuredSeconds != 0
    let mac = row.optionalInt64(c + 4).map { MACAddress(value: UInt64(truncatingIfNeeded: $0)) }
    if flags & Self.macInDUID != 0 { identity.macInDUID = mac } else { identity.mac = mac }
    seconds = row.optionalInt(c + 5)
    until = row.optionalInt64(c + 6).map(Moment.init(raw:))
    difference = row.optionalInt(c + 7)
    identity.macSource = row.bytes(c + 8)
    identity.duid = row.bytes(c + 9)
    identity.clientID = row.bytes(c + 10)
    detail = Detail(
      hostname: row.bytes(c + 11), relay: row.bytes(c + 12), circuitID: row.bytes(c + 13), source: row.bytes(c + 14),
      user: row.bytes(c + 15),
      phone: row.bytes(c + 16), method: row.bytes(c + 17), session: row.bytes(c + 18), nas: row.bytes(c + 19),
      outerIP: row.bytes(c + 20).flatMap { IPAddress(bytes: $0.span) })
  }
}

/// Rows of table `detail` on their way there, their values one behind another, so that no object need be found again.
struct DetailRows {
  static let columns = 14
  private var values: [(column: Int32, range: Range<Int>)] = []
  private var bytes: [UInt8] = []
  /// Where each row's values end.
  private var ends: [Int] = []

  var count: Int { ends.count }

  mutating func add(_ o: borrowing Observation) {
    add(2, o.identity.macSource)
    add(3, o.identity.duid)
    add(4, o.identity.clientID)
    let detail = o.detail
    add(5, detail.hostname)
    add(6, detail.relay)
    add(7, detail.circuitID)
    add(8, detail.source)
    add(9, detail.user)
    add(10, detail.phone)
    add(11, detail.method)
    add(12, detail.session)
    add(13, detail.nas)
    add(14, detail.outerIP?.bytes)
    ends.append(values.count)
  }

  private mutating func add(_ column: Int32, _ value: [UInt8]?) {
    guard let value else { return }
    values.append((column, bytes.count..<bytes.count + value.count))
    bytes += value
  }

  func bind(_ row: Int, id: Int, to statement: Statement) {
    statement.bind(1, id)
    for i in (row > 0 ? ends[row - 1] : 0)..<ends[row] { statement.bind(values[i].column, bytes, values[i].range) }
  }

  /// Its memory is kept for the next.
  mutating func removeAll() {
    values.removeAll(keepingCapacity: true)
    bytes.removeAll(keepingCapacity: true)
    ends.removeAll(keepingCapacity: true)
  }
}

extension Interval {
  static let columns = """
    basis, start, position, number, last_seen, last_ack, first_timed, last_timed, known_until, assumed_until, longest, configured, timeout, end,
    reason, end_position, mac, mac_in_duid, mac_source, duid, client_id, hostname, relay, circuit_id, source, clock_device, difference
    """
  static let insertion =
    "INSERT OR REPLACE INTO interval(address, \(columns)) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"

  func bind(to row: Statement, address: Int) {
    row.bind(1, address).bind(2, basis.rawValue).bind(3, first.time.raw).bind(4, first.position.raw).bind(5, first.number)
      .bind(6, lastSeen.raw).bind(7, lastAck.raw).bind(8, firstTimedAck?.raw).bind(9, lastTimedAck?.raw).bind(10, knownUntil?.raw)
      .bind(11, assumedUntil?.raw).bind(12, longestSeconds).bind(13, configuredSeconds).bind(14, timeout).bind(15, end?.raw)
      .bind(16, endReason?.rawValue).bind(17, endPosition?.raw).bind(18, identity.mac.map { Int($0.value) })
      .bind(19, identity.macInDUID.map { Int($0.value) }).bind(20, identity.macSource).bind(21, identity.duid).bind(22, identity.clientID)
      .bind(23, hostname).bind(24, relay).bind(25, circuitID).bind(26, source).bind(27, clockIsDevice ? 1 : 0).bind(28, difference)
  }

  /// From a row of `columns`, whose first stands at `c`.
  init?(_ row: Statement, at c: Int32 = 0) {
    guard let basis = Basis(rawValue: row.int(c)) else { return nil }
    func moment(_ column: Int32) -> Moment? { row.optionalInt64(c + column).map(Moment.init(raw:)) }
    func mac(_ column: Int32) -> MACAddress? { row.optionalInt64(c + column).map { MACAddress(value: UInt64(truncatingIfNeeded: $0)) } }
    let key = Observation.Key(time: Moment(raw: row.int64(c + 1)), position: RecordPosition(raw: row.int64(c + 2)), number: row.int(c + 3))
    self.init(basis, Observation(key: key, action: .seen))
    lastSeen = Moment(raw: row.int64(c + 4))
    lastAck = Moment(raw: row.int64(c + 5))
    firstTimedAck = moment(6)
    lastTimedAck = moment(7)
    knownUntil = moment(8)
    assumedUntil = moment(9)
    longestSeconds = row.optionalInt(c + 10)
    configuredSeconds = row.optionalInt(c + 11)
    timeout = row.int(c + 12)
    end = moment(13)
    endReason = row.optionalInt(c + 14).flatMap(EndReason.init(rawValue:))
    endPosition = row.optionalInt64(c + 15).map(RecordPosition.init(raw:))
    identity.mac = mac(16)
    identity.macInDUID = mac(17)
    identity.macSource = row.bytes(c + 18)
    identity.duid = row.bytes(c + 19)
    identity.clientID = row.bytes(c + 20)
    hostname = row.bytes(c + 21)
    relay = row.bytes(c + 22)
    circuitID = row.bytes(c + 23)
    source = row.bytes(c + 24)
    clockIsDevice = row.int(c + 25) != 0
    difference = row.optionalInt(c + 26)
  }
}
