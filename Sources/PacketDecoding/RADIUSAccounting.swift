import Record

/// An Accounting-Request (RFC 2866), read whole.
struct RADIUSAccounting {
  /// Acct-Status-Type.
  enum Status: UInt32 {
    case start = 1
    case stop = 2
    case interim = 3
    case on = 7
    case off = 8
  }

  var status: Status?
  /// Framed-IP-Address, else Framed-IPv6-Address (RFC 6911).
  var ip: IPAddress?
  /// NAS-IP-Address or NAS-IPv6-Address.
  var nasAddress: IPAddress?

  // Where they lie in the message.
  var user: Range<Int>?
  var session: Range<Int>?
  var callingStation: Range<Int>?
  var calledStation: Range<Int>?
  var nasIdentifier: Range<Int>?

  /// nil where the bytes are no Accounting-Request at all.
  /// - Throws: where one breaks its form.
  init?(_ message: Span<UInt8>) throws(Malformed) {
    var c = ByteCursor(message)
    guard message.count >= 20, try c.uint8("code") == 4 else { return nil }
    try c.skip(1, "identifier")
    let length = Int(try c.uint16("length"))
    // What is behind the length is padding (section 3).
    guard (20...4096).contains(length), length <= message.count else { throw Malformed(offset: 2, field: "length") }
    try c.skip(16, "authenticator")
    while c.offset < length {
      let type = try c.uint8("attribute")
      let size = Int(try c.uint8("attribute length"))
      guard size >= 2, size - 2 <= length - c.offset else { throw Malformed(offset: c.offset, field: "attribute length") }
      let range = c.offset..<c.offset + size - 2
      let value = try c.take(size - 2, "attribute")
      switch type {
      case 1: user = range
      case 4: if value.count == 4 { nasAddress = IPAddress(bytes: value) }
      case 8:
        // 255.255.255.255 and …254 leave the choice to somebody (RFC 2865 section 5.8).
        if value.count == 4, let found = IPAddress(bytes: value), found.isHost, found.v4 != 0xffff_fffe { ip = found }
      case 30: calledStation = range
      case 31: callingStation = range
      case 32: nasIdentifier = range
      case 40:
        guard value.count == 4 else { throw Malformed(offset: range.lowerBound, field: "Acct-Status-Type") }
        status = Status(rawValue: UInt32(value[0]) << 24 | UInt32(value[1]) << 16 | UInt32(value[2]) << 8 | UInt32(value[3]))
      case 44: session = range
      case 95: if value.count == 16, nasAddress == nil { nasAddress = IPAddress(bytes: value) }
      case 168: if value.count == 16, ip == nil, let found = IPAddress(bytes: value), found.isHost { ip = found }
      default: break
      }
    }
  }
}
