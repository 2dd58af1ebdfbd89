import Record

/// A neighbour advertisement (RFC 4861 section 4.4) that names the sender's link-layer address. The other messages of
/// neighbour discovery claim no address of the sender's that is not in its advertisements.
struct NeighbourAdvertisement {
  var target: IPAddress
  var mac: MACAddress

  /// nil for all else, and for what a host must not believe: section 7.1.2, and RFC 6980 (fragments).
  init?(_ message: Span<UInt8>, of packet: IPPacket) {
    guard packet.hopLimit == 255, packet.fragment == nil, !packet.isCut else { return nil }
    var c = ByteCursor(message)
    do {
      guard try c.uint8("type") == 136, try c.uint8("code") == 0 else { return nil }
      try c.skip(2, "checksum")
      let flags = try c.uint32("flags")
      guard let target = IPAddress(bytes: try c.take(16, "target")), target.isHost else { return nil }
      // To a group nobody can have asked.
      if flags >> 30 & 1 == 1, packet.destination.value >> 120 == 0xff { return nil }
      var mac: MACAddress?
      while !c.isAtEnd {
        let type = try c.uint8("option")
        let units = Int(try c.uint8("length"))
        guard units > 0 else { return nil }
        let value = try c.take(units * 8 - 2, "option")
        if type == 2 { mac = MACAddress(bytes: value) }
      }
      guard let mac, mac.isStation else { return nil }
      self.target = target
      self.mac = mac
    } catch { return nil }
  }
}
