import Record

/// An IP packet without its headers.
struct IPPacket {
  var source: IPAddress
  var destination: IPAddress
  /// IANA's protocol number of what is inside.
  var transport: UInt8
  /// IPv4's time to live.
  var hopLimit: UInt8
  /// What is inside, as far as it was captured.
  var payload: Range<Int>
  /// Bytes that the packet said were inside.
  var payloadLength: Int
  var fragment: Fragment?

  struct Fragment {
    var id: UInt32
    /// In bytes.
    var offset: Int
    var isLast: Bool
  }

  static let icmpv6: UInt8 = 58
  static let udp: UInt8 = 17

  var isCut: Bool { payload.count < payloadLength }

  /// RFC 791.
  /// - Throws: where it is no IPv4 packet, or its header was not captured.
  init(v4 bytes: Span<UInt8>) throws(Malformed) {
    var c = ByteCursor(bytes)
    let first = try c.uint8("version")
    let header = Int(first & 15) * 4
    guard first >> 4 == 4, header >= 20 else { throw Malformed(offset: 0, field: "version") }
    try c.skip(1, "service")
    var total = Int(try c.uint16("length"))
    // Left out by a machine that lets its network card cut large packets up (TSO).
    if total == 0 { total = bytes.count }
    guard total >= header else { throw Malformed(offset: 2, field: "length") }
    let id = try c.uint16("identification")
    let place = try c.uint16("fragment")
    hopLimit = try c.uint8("time to live")
    transport = try c.uint8("protocol")
    try c.skip(2, "checksum")
    source = IPAddress(v4: try c.uint32("source"))
    destination = IPAddress(v4: try c.uint32("destination"))
    try c.skip(header - 20, "options")
    payloadLength = total - header
    payload = header..<min(total, bytes.count)
    let offset = Int(place & 0x1fff) * 8
    let isMore = place & 0x2000 != 0
    if isMore || offset > 0 { fragment = Fragment(id: UInt32(id), offset: offset, isLast: !isMore) }
  }

  /// RFC 8200: the header and the extension headers behind it.
  /// - Throws: where it is no IPv6 packet, or a header was not captured.
  init(v6 bytes: Span<UInt8>) throws(Malformed) {
    var c = ByteCursor(bytes)
    guard try c.uint32("version") >> 28 == 6 else { throw Malformed(offset: 0, field: "version") }
    let length = Int(try c.uint16("length"))
    var next = try c.uint8("next header")
    hopLimit = try c.uint8("hop limit")
    guard let from = IPAddress(bytes: try c.take(16, "source")), let to = IPAddress(bytes: try c.take(16, "destination")) else {
      throw Malformed(offset: 8, field: "address")
    }
    source = from
    destination = to
    let end = 40 + length
    // Every extension header has at least eight bytes, so this ends.
    headers: while true {
      switch next {
      case 0, 43, 60, 135, 139, 140:
        // Hop by hop, routing, destination, mobility, HIP, shim6.
        next = try c.uint8("next header")
        let units = Int(try c.uint8("header length"))
        try c.skip(units * 8 + 6, "extension header")
      case 51:
        // Authentication (RFC 4302) counts in units of four.
        next = try c.uint8("next header")
        let units = Int(try c.uint8("header length"))
        try c.skip(units * 4 + 6, "authentication header")
      case 44:
        next = try c.uint8("next header")
        try c.skip(1, "reserved")
        let place = try c.uint16("fragment")
        let id = try c.uint32("identification")
        fragment = Fragment(id: id, offset: Int(place & 0xfff8), isLast: place & 1 == 0)
        // What is behind a later fragment's header is data.
        if place & 0xfff8 != 0 { break headers }
      default: break headers
      }
    }
    guard c.offset <= end else { throw Malformed(offset: 4, field: "length") }
    transport = next
    payloadLength = end - c.offset
    payload = c.offset..<max(c.offset, min(end, bytes.count))
  }
}

/// RFC 768.
struct UDPDatagram {
  var source: UInt16
  var destination: UInt16
  var payload: Range<Int>
  /// Not all of it was captured, or it claims to be shorter than its own header.
  var isCut: Bool

  /// - Parameter range: where it lies in `bytes`.
  init(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(Malformed) {
    var c = ByteCursor(bytes.extracting(range))
    source = try c.uint16("source port")
    destination = try c.uint16("destination port")
    let length = Int(try c.uint16("length"))
    try c.skip(2, "checksum")
    isCut = length < 8 || length > range.count
    payload = range.lowerBound + 8..<range.lowerBound + max(8, min(length, range.count))
  }
}
