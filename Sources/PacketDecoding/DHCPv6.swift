import Record

/// A DHCPv6 message (RFC 8415) out of the relays' messages around it, read whole: whatever breaks its form makes it
/// `Malformed`.
struct DHCPv6 {
  /// RFC 8415 section 7.3.
  enum Kind: UInt8 {
    case solicit = 1
    case advertise, request, confirm, renew, rebind, reply, release, decline, reconfigure, informationRequest, relayForward, relayReply
  }

  /// An address or prefix in an identity association.
  struct Lease {
    var iaid: UInt32
    var ip: IPAddress?
    var prefix: IPPrefix?
    /// Valid lifetime, seconds.
    var valid: UInt32
    var isRefused: Bool
  }

  /// nil for kinds that concern no lease.
  var kind: Kind?
  var transaction: UInt32
  /// Relays around it.
  var relayCount = 0
  /// The relay nearest to the client.
  var relay: IPAddress?
  /// From option 79 of that relay (RFC 6939): seen on the wire.
  var linkLayer: MACAddress?
  /// Out of the client's DUID, which may be another card's.
  var macInDUID: MACAddress?
  /// Option 13 of the whole message.
  var status = 0
  var isRapid = false

  // In the scratch buffer given to `init`.
  var duid: Range<Int>?
  var fqdn: Range<Int>?
  /// Interface-id and remote-id of the relay nearest to the client.
  var circuitID: Range<Int>?
  var remoteID: Range<Int>?

  /// RFC 8415 section 21 and others.
  private enum Option {
    static let clientID: UInt16 = 1
    static let nonTemporary: UInt16 = 3
    static let temporary: UInt16 = 4
    static let address: UInt16 = 5
    static let relayMessage: UInt16 = 9
    static let status: UInt16 = 13
    static let rapidCommit: UInt16 = 14
    static let interfaceID: UInt16 = 18
    static let delegation: UInt16 = 25
    static let prefix: UInt16 = 26
    static let remoteID: UInt16 = 37
    static let fqdn: UInt16 = 39
    static let linkLayer: UInt16 = 79
  }

  /// RFC 3315 let a message pass 32 relays, RFC 8415 eight.
  static let maximumRelays = 32
  /// More addresses in one message are a misreading. Each is an event with all identifiers in it, and a record has its limit.
  static let maximumLeases = 128
  /// Longer interface-ids and remote-ids are left out, for the same reason.
  static let maximumIdentifier = 255

  /// - Parameters:
  ///   - scratch: emptied; holds the identifiers and names then.
  ///   - leases: emptied; the addresses and prefixes of the message.
  init(_ message: Span<UInt8>, scratch: inout [UInt8], leases: inout [Lease]) throws(Malformed) {
    scratch.removeAll(keepingCapacity: true)
    leases.removeAll(keepingCapacity: true)
    var range = 0..<message.count
    transaction = 0
    while true {
      var c = ByteCursor(message.extracting(range))
      let type = try c.uint8("type")
      guard type == Kind.relayForward.rawValue || type == Kind.relayReply.rawValue else {
        kind = Kind(rawValue: type)
        transaction = UInt32(try c.uint8("transaction")) << 16 | UInt32(try c.uint16("transaction"))
        break
      }
      guard relayCount < Self.maximumRelays else { throw Malformed(offset: range.lowerBound, field: "relays") }
      relayCount += 1
      guard let inner = try readRelay(message, range, &scratch) else {
        throw Malformed(offset: range.lowerBound, field: "relay message")
      }
      range = inner
    }
    try readOptions(message, range.lowerBound + 4..<range.upperBound, &scratch, &leases)
  }

  /// Every option of an area that must be full of them.
  private static func walk(
    _ message: Span<UInt8>, _ area: Range<Int>, _ body: (UInt16, Range<Int>) throws(Malformed) -> Void
  ) throws(Malformed) {
    var at = area.lowerBound
    while at < area.upperBound {
      guard area.upperBound - at >= 4 else { throw Malformed(offset: at, field: "option") }
      let code = UInt16(message[at]) << 8 | UInt16(message[at + 1])
      let length = Int(message[at + 2]) << 8 | Int(message[at + 3])
      at += 4
      guard length <= area.upperBound - at else { throw Malformed(offset: at, field: "option") }
      try body(code, at..<at + length)
      at += length
    }
  }

  /// RFC 8415 section 9.
  /// - Returns: where the message lies that it passes on.
  private mutating func readRelay(_ message: Span<UInt8>, _ range: Range<Int>, _ scratch: inout [UInt8]) throws(Malformed) -> Range<Int>? {
    guard range.count >= 34 else { throw Malformed(offset: range.lowerBound, field: "relay") }
    // What the relay nearest to the client says replaces what those before it said.
    let link = IPAddress(bytes: message.extracting(range.lowerBound + 2..<range.lowerBound + 18))
    relay = link.flatMap { $0.isUnspecified ? nil : $0 }
    circuitID = nil
    remoteID = nil
    linkLayer = nil
    var inner: Range<Int>?
    var found = (circuit: Range<Int>?.none, remote: Range<Int>?.none, link: MACAddress?.none)
    try Self.walk(message, range.lowerBound + 34..<range.upperBound) { (code, value) throws(Malformed) in
      switch code {
      case Option.relayMessage: inner = value
      case Option.interfaceID: found.circuit = value
      case Option.remoteID:
        // An enterprise number and what that enterprise made up (RFC 4649).
        guard value.count >= 4 else { throw Malformed(offset: value.lowerBound, field: "option 37") }
        found.remote = value.lowerBound + 4..<value.upperBound
      case Option.linkLayer:
        if value.count == 8, message[value.lowerBound] == 0, message[value.lowerBound + 1] == 1 {
          found.link = MACAddress(bytes: message.extracting(value.lowerBound + 2..<value.upperBound))
        }
      default: break
      }
    }
    linkLayer = found.link
    if let circuit = found.circuit, circuit.count <= Self.maximumIdentifier { circuitID = Self.keep(message, circuit, &scratch) }
    if let remote = found.remote, remote.count <= Self.maximumIdentifier { remoteID = Self.keep(message, remote, &scratch) }
    return inner
  }

  private static func keep(_ message: Span<UInt8>, _ range: Range<Int>, _ scratch: inout [UInt8]) -> Range<Int> {
    let start = scratch.count
    scratch.append(message.extracting(range))
    return start..<scratch.count
  }

  private mutating func readOptions(
    _ message: Span<UInt8>, _ area: Range<Int>, _ scratch: inout [UInt8], _ leases: inout [Lease]
  ) throws(Malformed) {
    guard area.lowerBound <= area.upperBound else { throw Malformed(offset: area.upperBound, field: "options") }
    try Self.walk(message, area) { (code, value) throws(Malformed) in
      switch code {
      case Option.clientID:
        guard (3...130).contains(value.count) else { throw Malformed(offset: value.lowerBound, field: "DUID") }
        duid = Self.keep(message, value, &scratch)
        macInDUID = Self.mac(inDUID: message.extracting(value))
      case Option.fqdn:
        // RFC 4704 section 4: flags and a name.
        if value.count > 1 { fqdn = DomainName.text(message.extracting(value.lowerBound + 1..<value.upperBound), into: &scratch) }
      case Option.status: status = try Self.status(message, value)
      case Option.rapidCommit: isRapid = true
      case Option.nonTemporary, Option.delegation: try Self.readAssociation(message, value, header: 12, code, &leases)
      case Option.temporary: try Self.readAssociation(message, value, header: 4, code, &leases)
      default: break
      }
    }
  }

  /// RFC 8415 section 11: DUID-LLT and DUID-LL of Ethernet.
  private static func mac(inDUID duid: Span<UInt8>) -> MACAddress? {
    guard duid.count >= 4, duid[0] == 0, duid[2] == 0, duid[3] == 1 else { return nil }
    if duid[1] == 1, duid.count == 14 { return MACAddress(bytes: duid.extracting(8..<14)) }
    if duid[1] == 3, duid.count == 10 { return MACAddress(bytes: duid.extracting(4..<10)) }
    return nil
  }

  private static func status(_ message: Span<UInt8>, _ value: Range<Int>) throws(Malformed) -> Int {
    guard value.count >= 2 else { throw Malformed(offset: value.lowerBound, field: "status") }
    return Int(message[value.lowerBound]) << 8 | Int(message[value.lowerBound + 1])
  }

  /// IA_NA, IA_TA, IA_PD (RFC 8415 sections 21.4, 21.5, 21.21).
  private static func readAssociation(
    _ message: Span<UInt8>, _ value: Range<Int>, header: Int, _ code: UInt16, _ leases: inout [Lease]
  ) throws(Malformed) {
    guard value.count >= header else { throw Malformed(offset: value.lowerBound, field: "identity association") }
    let iaid = uint32(message, value.lowerBound)
    let first = leases.count
    var refused = false
    try walk(message, value.lowerBound + header..<value.upperBound) { (inner, body) throws(Malformed) in
      switch (inner, code) {
      case (Option.status, _): refused = try status(message, body) != 0 || refused
      case (Option.address, Option.nonTemporary), (Option.address, Option.temporary):
        guard body.count >= 24 else { throw Malformed(offset: body.lowerBound, field: "address") }
        leases.append(
          Lease(
            iaid: iaid, ip: IPAddress(bytes: message.extracting(body.lowerBound..<body.lowerBound + 16)),
            valid: uint32(message, body.lowerBound + 20), isRefused: try isRefused(message, body.lowerBound + 24..<body.upperBound)))
      case (Option.prefix, Option.delegation):
        guard body.count >= 25, let address = IPAddress(bytes: message.extracting(body.lowerBound + 9..<body.lowerBound + 25)),
          let prefix = IPPrefix(address, length: Int(message[body.lowerBound + 8]))
        else { throw Malformed(offset: body.lowerBound, field: "prefix") }
        leases.append(
          Lease(
            iaid: iaid, prefix: prefix, valid: uint32(message, body.lowerBound + 4),
            isRefused: try isRefused(message, body.lowerBound + 25..<body.upperBound)))
      default: break
      }
      guard leases.count <= maximumLeases else { throw Malformed(offset: body.lowerBound, field: "number of addresses") }
    }
    if refused { for i in first..<leases.count { leases[i].isRefused = true } }
  }

  /// Whether an address's own options hold a status that is not success.
  private static func isRefused(_ message: Span<UInt8>, _ area: Range<Int>) throws(Malformed) -> Bool {
    var refused = false
    try walk(message, area) { (code, value) throws(Malformed) in
      if code == Option.status { refused = try status(message, value) != 0 || refused }
    }
    return refused
  }

  private static func uint32(_ message: Span<UInt8>, _ at: Int) -> UInt32 {
    UInt32(message[at]) << 24 | UInt32(message[at + 1]) << 16 | UInt32(message[at + 2]) << 8 | UInt32(message[at + 3])
  }
}
