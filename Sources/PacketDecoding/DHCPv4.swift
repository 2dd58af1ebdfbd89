import Record

/// A DHCP or BOOTP message (RFC 2131, RFC 951), read whole: whatever breaks its form makes it `Malformed`.
struct DHCPv4 {
  /// Option 53 (RFC 2132 section 9.6).
  enum Kind: UInt8 {
    case discover = 1
    case offer, request, decline, ack, nak, release, inform
  }

  var isReply: Bool
  /// nil for BOOTP, which has no option 53, and for kinds that concern no lease (lease queries, FORCERENEW).
  var kind: Kind?
  var isBOOTP: Bool
  var transaction: UInt32
  var client: IPAddress
  var yours: IPAddress
  var relay: IPAddress
  /// chaddr, where it is an Ethernet address and not zero.
  var mac: MACAddress?
  /// chaddr with its type and length, for telling clients apart.
  var hardware: (UInt64, UInt64)

  var requested: IPAddress?
  var server: IPAddress?
  var leaseSeconds: UInt32?
  /// Bytes of text and of identifiers, in the scratch buffer given to `init`.
  var hostname: Range<Int>?
  /// The name of option 81, as text.
  var fqdn: Range<Int>?
  var clientID: Range<Int>?
  var vendorClass: Range<Int>?
  var circuitID: Range<Int>?
  var remoteID: Range<Int>?

  /// RFC 2132 section 9.12 and others.
  private enum Option {
    static let pad: UInt8 = 0
    static let hostname: UInt8 = 12
    static let requested: UInt8 = 50
    static let lease: UInt8 = 51
    static let overload: UInt8 = 52
    static let kind: UInt8 = 53
    static let server: UInt8 = 54
    static let vendorClass: UInt8 = 60
    static let clientID: UInt8 = 61
    static let fqdn: UInt8 = 81
    static let relayAgent: UInt8 = 82
    static let end: UInt8 = 255
  }

  /// sname, file and options, in the fixed header.
  private static let sname = 44..<108
  private static let file = 108..<236
  private static let headerLength = 236
  private static let cookie: UInt32 = 0x6382_5363

  /// - Parameter scratch: emptied; holds the texts and identifiers then.
  init(_ message: Span<UInt8>, scratch: inout [UInt8]) throws(Malformed) {
    scratch.removeAll(keepingCapacity: true)
    var c = ByteCursor(message)
    let op = try c.uint8("op")
    guard op == 1 || op == 2 else { throw Malformed(offset: 0, field: "op") }
    isReply = op == 2
    let hardwareType = try c.uint8("htype")
    let hardwareLength = try c.uint8("hlen")
    guard hardwareLength <= 16 else { throw Malformed(offset: 2, field: "hlen") }
    try c.skip(1, "hops")
    transaction = try c.uint32("xid")
    try c.skip(4, "secs and flags")
    client = IPAddress(v4: try c.uint32("ciaddr"))
    yours = IPAddress(v4: try c.uint32("yiaddr"))
    try c.skip(4, "siaddr")
    relay = IPAddress(v4: try c.uint32("giaddr"))
    let address = try c.take(16, "chaddr").extracting(0..<Int(hardwareLength))
    var hash = KeyHash()
    hash.mix(address)
    hardware = (hash.a, hash.b)
    // Ethernet, or IEEE 802 networks, whose addresses have the same form.
    if hardwareType == 1 || hardwareType == 6, let found = MACAddress(bytes: address), found.value != 0 { mac = found }
    try c.skip(192, "sname and file")
    guard c.remaining > 0 else {
      // BOOTP without a vendor area.
      isBOOTP = true
      return
    }
    let magic = try c.uint32("magic cookie")
    guard magic == Self.cookie else {
      // RFC 951: the vendor area may be empty. Somebody else's vendor area says nothing to us.
      guard magic == 0, c.rest().isZero else { throw Malformed(offset: Self.headerLength, field: "magic cookie") }
      isBOOTP = true
      return
    }
    isBOOTP = false
    try read(message, scratch: &scratch)
  }

  /// The fields that may hold options, in the order in which RFC 3396 section 5 joins them.
  private struct Areas {
    var list: (Range<Int>, Range<Int>?, Range<Int>?)
  }

  private mutating func read(_ message: Span<UInt8>, scratch: inout [UInt8]) throws(Malformed) {
    let options = Self.headerLength + 4..<message.count
    var seen = Seen()
    try Self.walk(message, options) { code, _ in seen.insert(code) }
    var areas = Areas(list: (options, nil, nil))
    if seen.contains(Option.overload) {
      let start = scratch.count
      try Self.gather(Option.overload, message, areas, &scratch)
      guard scratch.count == start + 1, (1...3).contains(scratch[start]) else { throw Malformed(offset: 240, field: "option 52") }
      if scratch[start] & 1 == 1 { areas.list.1 = Self.file }
      if scratch[start] & 2 == 2 { areas.list.2 = Self.sname }
      if let more = areas.list.1 { try Self.walk(message, more) { code, _ in seen.insert(code) } }
      if let more = areas.list.2 { try Self.walk(message, more) { code, _ in seen.insert(code) } }
    }
    func value(_ code: UInt8, _ scratch: inout [UInt8]) throws(Malformed) -> Range<Int>? {
      guard seen.contains(code) else { return nil }
      let start = scratch.count
      try Self.gather(code, message, areas, &scratch)
      return start..<scratch.count
    }
    func number(_ code: UInt8, _ scratch: inout [UInt8]) throws(Malformed) -> UInt32? {
      guard let range = try value(code, &scratch) else { return nil }
      guard range.count == 4 else { throw Malformed(offset: 240, field: "length of an option") }
      var n: UInt32 = 0
      for i in range { n = n << 8 | UInt32(scratch[i]) }
      return n
    }
    if let range = try value(Option.kind, &scratch) {
      guard range.count == 1 else { throw Malformed(offset: 240, field: "option 53") }
      kind = Kind(rawValue: scratch[range.lowerBound])
    } else {
      isBOOTP = true
    }
    requested = try number(Option.requested, &scratch).map { IPAddress(v4: $0) }
    server = try number(Option.server, &scratch).map { IPAddress(v4: $0) }
    leaseSeconds = try number(Option.lease, &scratch)
    hostname = try value(Option.hostname, &scratch)
    vendorClass = try value(Option.vendorClass, &scratch)
    clientID = try value(Option.clientID, &scratch)
    if let range = try value(Option.fqdn, &scratch) { fqdn = Self.name(range, &scratch) }
    if let range = try value(Option.relayAgent, &scratch) { try readRelayAgent(range, scratch) }
  }

  /// Which options were seen.
  private struct Seen {
    private var bits: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    mutating func insert(_ code: UInt8) {
      let bit: UInt64 = 1 << UInt64(code & 63)
      switch code >> 6 {
      case 0: bits.0 |= bit
      case 1: bits.1 |= bit
      case 2: bits.2 |= bit
      default: bits.3 |= bit
      }
    }

    func contains(_ code: UInt8) -> Bool {
      let bit: UInt64 = 1 << UInt64(code & 63)
      switch code >> 6 {
      case 0: return bits.0 & bit != 0
      case 1: return bits.1 & bit != 0
      case 2: return bits.2 & bit != 0
      default: return bits.3 & bit != 0
      }
    }
  }

  /// Every option of a field, up to the end option or the field's end.
  private static func walk(_ message: Span<UInt8>, _ area: Range<Int>, _ body: (UInt8, Range<Int>) -> Void) throws(Malformed) {
    var at = area.lowerBound
    while at < area.upperBound {
      let code = message[at]
      at += 1
      if code == Option.pad { continue }
      if code == Option.end { return }
      guard at < area.upperBound else { throw Malformed(offset: at, field: "length of an option") }
      let length = Int(message[at])
      at += 1
      guard length <= area.upperBound - at else { throw Malformed(offset: at, field: "option") }
      body(code, at..<at + length)
      at += length
    }
  }

  /// Appends an option's value: all its appearances joined (RFC 3396).
  private static func gather(_ wanted: UInt8, _ message: Span<UInt8>, _ areas: Areas, _ out: inout [UInt8]) throws(Malformed) {
    func gather(_ area: Range<Int>, _ out: inout [UInt8]) throws(Malformed) {
      try walk(message, area) { code, range in
        if code == wanted { out.append(message.extracting(range)) }
      }
    }
    try gather(areas.list.0, &out)
    if let area = areas.list.1 { try gather(area, &out) }
    if let area = areas.list.2 { try gather(area, &out) }
  }

  /// RFC 4702 section 2: flags, two codes that mean nothing now, and the name, in ASCII or, with flag E, in the form of
  /// DNS. A name that cannot be read is none.
  private static func name(_ range: Range<Int>, _ scratch: inout [UInt8]) -> Range<Int>? {
    guard range.count > 3 else { return nil }
    let name = range.lowerBound + 3..<range.upperBound
    guard scratch[range.lowerBound] & 4 == 4 else { return name }
    let bytes = Array(scratch[name])
    return DomainName.text(bytes.span, into: &scratch)
  }

  /// RFC 3046: sub-options, each as in DHCP itself but without pad and end.
  private mutating func readRelayAgent(_ range: Range<Int>, _ scratch: [UInt8]) throws(Malformed) {
    var at = range.lowerBound
    while at < range.upperBound {
      guard at + 1 < range.upperBound else {
        // Some agents end with a stray zero or the end option.
        if scratch[at] == 0 || scratch[at] == 255 { return }
        throw Malformed(offset: 240, field: "option 82")
      }
      let length = Int(scratch[at + 1])
      guard length <= range.upperBound - at - 2 else { throw Malformed(offset: 240, field: "option 82") }
      let value = at + 2..<at + 2 + length
      if scratch[at] == 1 { circuitID = value }
      if scratch[at] == 2 { remoteID = value }
      at = value.upperBound
    }
  }
}

/// A name in the form of DNS (RFC 1035 section 3.1), without compression.
enum DomainName {
  /// Appends the name with dots between its labels, without one at its end. A missing last label (a partial name) is legal.
  /// - Returns: where it lies in `out`; nil where it is no such name, or empty.
  static func text(_ bytes: Span<UInt8>, into out: inout [UInt8]) -> Range<Int>? {
    let start = out.count
    var at = 0
    while at < bytes.count {
      let length = Int(bytes[at])
      if length == 0 { break }
      guard length < 64, length < bytes.count - at else {
        out.removeLast(out.count - start)
        return nil
      }
      if out.count > start { out.append(0x2e) }
      out.append(bytes.extracting(at + 1..<at + 1 + length))
      at += 1 + length
    }
    return out.count > start && out.count - start <= 255 ? start..<out.count : nil
  }
}

extension Span<UInt8> {
  var isZero: Bool {
    for i in indices where self[i] != 0 { return false }
    return true
  }
}
