import Record

/// What clients asked lately, under transaction number and client: an answer of DHCP says whose address it gives, but not
/// always who that calls itself, nor what was asked. Of a fixed size; what is forgotten is missing in events, no more.
struct Exchanges: Sendable {
  /// The latest message of a client in one exchange, with what those before it said.
  struct Request: Sendable {
    var kind: UInt8
    var time: Int64?
    /// The address that a DHCPv4 client asked for.
    var wanted: IPAddress?
    var device = PacketReader.Device()
    /// Its texts, one behind the other.
    var text: [UInt8] = []
    var hostname: Range<Int>?
    var fqdn: Range<Int>?
    var clientID: Range<Int>?
    var vendorClass: Range<Int>?
    var circuitID: Range<Int>?
    var remoteID: Range<Int>?

    init(kind: UInt8, time: Int64?) {
      self.kind = kind
      self.time = time
    }

    /// Keeps a text: the message's own, else the one that an earlier message of the exchange had.
    mutating func keep(_ own: Range<Int>?, of bytes: Span<UInt8>, else old: Range<Int>?, of earlier: Request?) -> Range<Int>? {
      if let own { return add(bytes.extracting(own)) }
      guard let old, let earlier else { return nil }
      return add(earlier.text.span.extracting(old))
    }

    private mutating func add(_ bytes: Span<UInt8>) -> Range<Int>? {
      guard bytes.count <= Exchanges.maximumText - text.count else { return nil }
      let start = text.count
      text.append(bytes)
      return start..<text.count
    }
  }

  typealias Key = BoundedTable<Request>.Key

  /// Sets of four exchanges.
  private static let sets = 512
  /// Answers come within seconds; a client gives up within a minute or two (RFC 2131 section 4.1).
  private static let lifetime = 300 * Timestamp.second
  /// Of one exchange; texts beyond it are left out. An option has at most 255 bytes where it is not joined.
  static let maximumText = 1024

  private var table = BoundedTable<Request>(sets: sets)

  static func key(_ dhcp: DHCPv4) -> Key {
    Key(a: dhcp.hardware.0 ^ UInt64(dhcp.transaction) &* 0x9e37_79b9_7f4a_7c15, b: dhcp.hardware.1 ^ 4)
  }

  static func key(_ transaction: UInt32, _ client: (UInt64, UInt64)) -> Key {
    Key(a: client.0 ^ UInt64(transaction) &* 0x9e37_79b9_7f4a_7c15, b: client.1 ^ 6)
  }

  /// What was asked under that key, not too long before.
  func find(_ key: Key, time: Int64?) -> Request? {
    guard let found = table[key] else { return nil }
    // A captured answer may bear a time a little before that of what it answers.
    if let time, let asked = found.time, abs(time &- asked) > Self.lifetime { return nil }
    return found
  }

  mutating func note(_ dhcp: DHCPv4, _ bytes: Span<UInt8>, at key: Key, time: Int64?) {
    let earlier = find(key, time: time)
    var request = Request(kind: dhcp.kind?.rawValue ?? 0, time: time)
    request.wanted = dhcp.requested ?? (dhcp.client.isUnspecified ? nil : dhcp.client)
    request.hostname = request.keep(dhcp.hostname, of: bytes, else: earlier?.hostname, of: earlier)
    request.fqdn = request.keep(dhcp.fqdn, of: bytes, else: earlier?.fqdn, of: earlier)
    request.clientID = request.keep(dhcp.clientID, of: bytes, else: earlier?.clientID, of: earlier)
    request.vendorClass = request.keep(dhcp.vendorClass, of: bytes, else: earlier?.vendorClass, of: earlier)
    request.circuitID = request.keep(dhcp.circuitID, of: bytes, else: earlier?.circuitID, of: earlier)
    request.remoteID = request.keep(dhcp.remoteID, of: bytes, else: earlier?.remoteID, of: earlier)
    table.put(request, at: key)
  }

  mutating func note(_ dhcp: DHCPv6, _ bytes: Span<UInt8>, device: PacketReader.Device, at key: Key, time: Int64?) {
    let earlier = find(key, time: time)
    var request = Request(kind: dhcp.kind?.rawValue ?? 0, time: time)
    request.device.observed = device.observed ?? earlier?.device.observed
    request.device.linkLayer = device.linkLayer ?? earlier?.device.linkLayer
    request.fqdn = request.keep(dhcp.fqdn, of: bytes, else: earlier?.fqdn, of: earlier)
    table.put(request, at: key)
  }
}

/// Which addresses clients hold, as far as it was captured: an acknowledgement of an address that its client holds is a
/// renewal. Of a fixed size.
struct HeldLeases: Sendable {
  typealias Key = BoundedTable<Int64>.Key

  /// Until when, microseconds.
  private var table = BoundedTable<Int64>(sets: 2048)

  static func key(_ ip: IPAddress, _ length: Int, _ client: (UInt64, UInt64)) -> Key {
    var hash = KeyHash()
    hash.mix(ip.value)
    hash.mix(UInt64(truncatingIfNeeded: length))
    hash.mix(client.0)
    hash.mix(client.1)
    return Key(a: hash.a, b: hash.b)
  }

  /// - Parameter seconds: for how long it is given; nil or all ones: for ever.
  /// - Returns: whether it was held.
  mutating func take(_ key: Key, seconds: UInt32?, time: Int64?) -> Bool {
    let isHeld = table[key].map { time ?? .min <= $0 } ?? false
    var until = Int64.max
    if let time, let seconds, seconds != .max { until = time &+ Int64(seconds) * Timestamp.second }
    table.put(until, at: key)
    return isHeld
  }

  mutating func remove(_ key: Key) { table.remove(key) }
}

/// Which device an address was seen with, and when that was recorded last. Of a fixed size: what is forgotten is recorded
/// again.
struct Sightings: Sendable {
  private struct Sighting: Sendable {
    var mac: MACAddress
    var time: Int64
  }

  private var table = BoundedTable<Sighting>(sets: 4096)

  /// Whether the pair was recorded less than that many microseconds before, and no other device since. Notes it if not.
  mutating func isRepeated(_ ip: IPAddress, _ mac: MACAddress, _ vlans: [Int], at time: Int64, within limit: Int64) -> Bool {
    var hash = KeyHash()
    hash.mix(ip.value)
    for vlan in vlans { hash.mix(UInt64(truncatingIfNeeded: vlan)) }
    let key = BoundedTable<Sighting>.Key(a: hash.a, b: hash.b)
    // A time that goes back is a sighting of its own.
    if let last = table[key], last.mac == mac, time >= last.time, time &- last.time < limit { return true }
    table.put(Sighting(mac: mac, time: time), at: key)
    return false
  }
}
