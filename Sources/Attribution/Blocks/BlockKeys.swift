import Archive
import Record

/// The typed keys by which a record can be looked for in the archive's blocks.
enum BlockKey {
  /// A public address and port: where there is no translation, the source's own.
  static func endpoint(_ ip: IPAddress, _ port: Int) -> UInt64 { KeyHash.of(0x6e, ip, UInt64(port)) }
  /// An address of the institution: of a lease, a sighting, a login, or the source of a session.
  static func inside(_ ip: IPAddress) -> UInt64 { KeyHash.of(0x73, ip) }
  /// Any other: the destination, the translated address, where a VPN's user came from.
  static func outside(_ ip: IPAddress) -> UInt64 { KeyHash.of(0x64, ip) }
  static func mac(_ mac: MACAddress) -> UInt64 { KeyHash.of(0x6d, IPAddress(v6: UInt128(mac.value))) }
  /// Folded, as are host names.
  static func user(_ name: Span<UInt8>) -> UInt64 { KeyHash.of(userType, name) }
  static func hostname(_ name: Span<UInt8>) -> UInt64 { KeyHash.of(hostnameType, name) }
  static let userType: UInt8 = 0x75
  static let hostnameType: UInt8 = 0x68
  /// A DUID or client identifier in hexadecimal.
  static func identifier(_ text: Span<UInt8>) -> UInt64 { KeyHash.of(0x69, text) }
  /// The number that a device gives a session.
  static func number(_ number: [UInt8], site: [UInt8], source: [UInt8]?) -> UInt64 {
    KeyHash.end(KeyHash.add(number.span, to: numbers(site: site, source: source)))
  }

  /// The beginning of the keys (`KeyHash.begin`) of one device's numbers: its site and its configured name come before them.
  /// No separator stands in a site's name or a number of ours; two that fall together cost one look more.
  static func numbers(site: [UInt8], source: [UInt8]?) -> UInt64 {
    KeyHash.add((site + [0] + (source ?? []) + [0]).span, to: KeyHash.begin(0x63))
  }
}

extension EventReading {
  /// The public side of a session: the translated source, or the source itself where nothing is translated.
  var publicSide: Endpoint { Endpoint(ip: nat.ip ?? src.ip, port: nat.port ?? src.port) }

  /// Of a session whose messages belong together by number; nil where they name the ends.
  func numberKey(site: [UInt8], source: [UInt8]?) -> UInt64? {
    guard let session, isOpenWithNumber || isCloseByNumber else { return nil }
    return BlockKey.number(session, site: site, source: source)
  }

  func addKeys(to keys: inout [UInt64]) {
    if let ip { keys.append(BlockKey.inside(ip)) }
    if let prefix { keys.append(BlockKey.inside(prefix.address)) }
    if let ip = src.ip { keys.append(BlockKey.inside(ip)) }
    if let ip = dst.ip { keys.append(BlockKey.outside(ip)) }
    if let ip = nat.ip { keys.append(BlockKey.outside(ip)) }
    if let outerIP { keys.append(BlockKey.outside(outerIP)) }
    let side = publicSide
    if kind == .session, natPortLast == nil, let ip = side.ip, let port = side.port { keys.append(BlockKey.endpoint(ip, port)) }
    if let mac { keys.append(BlockKey.mac(mac)) }
    if let user { addKey(BlockKey.userType, user, to: &keys) }
    if let phone { addKey(BlockKey.userType, phone, to: &keys) }
    if let hostname { addKey(BlockKey.hostnameType, hostname, to: &keys) }
    if let duid { keys.append(BlockKey.identifier(duid.span)) }
    if let clientID { keys.append(BlockKey.identifier(clientID.span)) }
  }
}

extension EventReading {
  private func addKey(_ type: UInt8, _ name: [UInt8], to keys: inout [UInt64]) {
    guard !name.isEmpty else { return }
    keys.append(KeyHash.ofFolded(type, name.span) ?? KeyHash.of(type, Folding.fold(name).span))
  }
}

/// What is kept of a block while its records are read.
struct BlockSummary {
  private(set) var keys: [UInt64] = []
  /// Memory of `removeRepeated`.
  private var table: [UInt64] = []
  private(set) var records = 0
  var received = TimeRange()
  /// Of the events, a session from its beginning to its end.
  var happened = TimeRange()

  /// Microseconds since 1970; empty until something is put in.
  struct TimeRange: Hashable {
    var least = Int64.max
    var greatest = Int64.min

    mutating func add(_ time: Moment) {
      least = min(least, time.microseconds)
      greatest = max(greatest, time.microseconds)
    }

    mutating func add(_ other: TimeRange) {
      least = min(least, other.least)
      greatest = max(greatest, other.greatest)
    }

    func touches(_ span: ClosedRange<Int64>) -> Bool { least <= span.upperBound && greatest >= span.lowerBound }
  }

  /// Its memory is kept for the next.
  mutating func removeAll() {
    keys.removeAll(keepingCapacity: true)
    records = 0
    received = .init()
    happened = .init()
  }

  mutating func add(_ line: Span<UInt8>) { add(line, RecordReading.hasEvents(line) ? try? RecordReading(line) : nil) }

  /// What the writer gathered of some records, but for their `parts`.
  mutating func add(_ fed: borrowing FedRecords) {
    records += fed.count
    received.add(fed.received)
    happened.add(fed.happened)
    keys.append(contentsOf: fed.keys)
  }

  /// - Parameter record: what the line says, where it has events and is a record.
  mutating func add(_ line: Span<UInt8>, _ record: RecordReading?) {
    records += 1
    guard let record else {
      if let time = RecordTime.leading(line) { received.add(Moment(time)) }
      return
    }
    received.add(record.time)
    addEvents(of: record)
  }

  mutating func addEvents(of record: RecordReading) {
    for event in record.facts { add(event, of: record) }
    for event in record.sessions { add(event, of: record) }
  }

  mutating func add(_ event: EventReading, of record: RecordReading) {
    event.addKeys(to: &keys)
    if event.kind == .session {
      if let key = event.numberKey(site: record.site ?? Array(RecordLine.defaultSite.utf8), source: record.source) { keys.append(key) }
      let times = SessionTimes(event, of: record)
      happened.add(times.start ?? times.at)
      happened.add(times.end ?? times.at)
    }
    happened.add(event.believesDevice(record.via) ? event.time.map(Moment.init) ?? record.time : record.time)
  }

  /// Of the keys, each once.
  mutating func filter() -> [UInt8] {
    removeRepeated()
    return BlockFilter.make(keys)
  }

  mutating func removeRepeated() {
    var places = 16
    while places < 2 * keys.count { places *= 2 }
    // Open addressing; 0 is a free place, and the key 0 stands beside the table.
    table.removeAll(keepingCapacity: true)
    table.append(contentsOf: repeatElement(0, count: places))
    let shift = UInt64(UInt64.bitWidth - places.trailingZeroBitCount)
    let multiplier = Self.multiplier
    var count = 0
    keys.withUnsafeMutableBufferPointer { keys in
      table.withUnsafeMutableBufferPointer { table in
        var hasZero = false
        for i in keys.indices {
          let key = keys[i]
          if key == 0 {
            if hasZero { continue }
            hasZero = true
          } else {
            var place = Int(truncatingIfNeeded: (key &* multiplier) >> shift)
            while table[place] != 0, table[place] != key { place = (place + 1) & (places - 1) }
            guard table[place] == 0 else { continue }
            table[place] = key
          }
          keys[count] = key
          count += 1
        }
      }
    }
    keys.removeLast(keys.count - count)
  }

  /// Whoever sends us messages may choose what is hashed, and must not know which keys fall together.
  private static let multiplier = UInt64.random(in: .min ... .max) | 1
}
