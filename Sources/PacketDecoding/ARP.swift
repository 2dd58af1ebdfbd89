import Record

/// Address resolution (RFC 826) for IPv4 on Ethernet: who says that an address is its own.
struct ARP {
  var sender: (mac: MACAddress, ip: IPAddress)

  /// nil for all that says no such thing: reverse and inverse ARP, other kinds of addresses, a probe (RFC 5227: the
  /// sender's address is still 0.0.0.0), an address that cannot be one machine's.
  init?(_ bytes: Span<UInt8>) {
    var c = ByteCursor(bytes)
    do {
      // IEEE 802 networks (6) have addresses like Ethernet's (1).
      let hardware = try c.uint16("hardware type")
      guard hardware == 1 || hardware == 6, try c.uint16("protocol type") == 0x0800, try c.uint8("length") == 6,
        try c.uint8("length") == 4
      else { return nil }
      let operation = try c.uint16("operation")
      guard operation == 1 || operation == 2 else { return nil }
      guard let mac = MACAddress(bytes: try c.take(6, "sender")), let ip = IPAddress(bytes: try c.take(4, "sender")) else { return nil }
      try c.skip(10, "target")
      guard mac.isStation, ip.isHost else { return nil }
      sender = (mac, ip)
    } catch { return nil }
  }
}

extension MACAddress {
  /// Whether it can be one machine's.
  var isStation: Bool { !isGroup && value != 0 }
}

extension IPAddress {
  var isUnspecified: Bool { value == 0 || v4 == 0 }

  /// Whether it can be one machine's: no group, not "any", not "all".
  var isHost: Bool {
    if let v4 { return v4 != 0 && v4 >> 28 != 0xe && v4 != .max }
    return value > 1 && value >> 120 != 0xff
  }

  /// fe80::/10.
  var isLinkLocal: Bool { value >> 118 == 0x3fa }
}
