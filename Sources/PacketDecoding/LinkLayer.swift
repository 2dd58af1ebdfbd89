import Record

/// What a packet's link layer carries.
struct Frame {
  /// Of the protocol inside (IEEE 802 numbers).
  var etherType: UInt16
  /// Who sent the frame, where the link layer says so.
  var source: MACAddress?
  var payload: Range<Int>

  static let ipv4: UInt16 = 0x0800
  static let arp: UInt16 = 0x0806
  static let ipv6: UInt16 = 0x86dd
}

enum LinkLayer {
  /// Takes link layer and VLAN tags off.
  /// - Parameter vlans: gets the tags' numbers, outermost first.
  /// - Returns: nil for what carries nothing that is read here.
  static func decode(_ packet: Span<UInt8>, _ type: LinkType, vlans: inout [Int]) -> Frame? {
    vlans.removeAll(keepingCapacity: true)
    var c = ByteCursor(packet)
    do {
      switch type {
      case .ethernet: return try ethernet(&c, packet, &vlans)
      case .linuxCooked: return try cooked(&c, packet, &vlans)
      case .linuxCooked2: return try cooked2(&c, packet, &vlans)
      case .null, .loop: return try loopback(&c, packet, type)
      case .raw, .ipv4, .ipv6: return try raw(packet)
      case .ieee80211: return try ieee80211(&c, packet, &vlans, isPadded: false)
      case .radiotap: return try radiotap(&c, packet, &vlans)
      default: return type.rawValue == 12 || type.rawValue == 14 ? try raw(packet) : nil
      }
    } catch { return nil }
  }

  static let maximumTags = 64

  private static func ethernet(_ c: inout ByteCursor, _ packet: Span<UInt8>, _ vlans: inout [Int]) throws(Malformed) -> Frame? {
    try c.skip(6, "destination")
    let source = MACAddress(bytes: try c.take(6, "source"))
    return try tagged(try c.uint16("type"), &c, packet, &vlans, source)
  }

  /// From an EtherType on: tags of 802.1Q and 802.1ad (0x9100 and 0x9200 before that was a standard), any number of them, and
  /// then a protocol, or a length with LLC behind it.
  private static func tagged(
    _ first: UInt16, _ c: inout ByteCursor, _ packet: Span<UInt8>, _ vlans: inout [Int], _ source: MACAddress?
  ) throws(Malformed) -> Frame? {
    var type = first
    while type == 0x8100 || type == 0x88a8 || type == 0x9100 || type == 0x9200 {
      // Nobody nests so deep: the numbers would fill the record.
      guard vlans.count < maximumTags else { return nil }
      vlans.append(Int(try c.uint16("tag") & 0x0fff))
      type = try c.uint16("type")
    }
    if type <= 1500 { return try llc(&c, packet, source, length: Int(type)) }
    return Frame(etherType: type, source: source, payload: c.offset..<packet.count)
  }

  /// IEEE 802.2 with SNAP (RFC 1042).
  private static func llc(_ c: inout ByteCursor, _ packet: Span<UInt8>, _ source: MACAddress?, length: Int?) throws(Malformed) -> Frame? {
    let end = length.map { min($0, c.remaining) + c.offset } ?? packet.count
    guard try c.uint16("LLC") == 0xaaaa, try c.uint8("LLC control") == 3 else { return nil }
    let organisation = try c.take(3, "organisation")
    // 00-00-F8: RFC 1042 frames as bridges pass them on (IEEE 802.1H).
    guard organisation[0] == 0, organisation[1] == 0, organisation[2] == 0 || organisation[2] == 0xf8 else { return nil }
    let type = try c.uint16("type")
    guard type > 1500, c.offset <= end else { return nil }
    return Frame(etherType: type, source: source, payload: c.offset..<end)
  }

  /// LINKTYPE_LINUX_SLL.
  private static func cooked(_ c: inout ByteCursor, _ packet: Span<UInt8>, _ vlans: inout [Int]) throws(Malformed) -> Frame? {
    try c.skip(2, "packet type")
    let hardware = try c.uint16("ARPHRD")
    let length = try c.uint16("address length")
    let address = try c.take(8, "address")
    return try cooked(try c.uint16("protocol"), hardware, Int(length), address, &c, packet, &vlans)
  }

  /// LINKTYPE_LINUX_SLL2.
  private static func cooked2(_ c: inout ByteCursor, _ packet: Span<UInt8>, _ vlans: inout [Int]) throws(Malformed) -> Frame? {
    let type = try c.uint16("protocol")
    try c.skip(6, "interface")
    let hardware = try c.uint16("ARPHRD")
    try c.skip(1, "packet type")
    let length = try c.uint8("address length")
    let address = try c.take(8, "address")
    return try cooked(type, hardware, Int(length), address, &c, packet, &vlans)
  }

  private static func cooked(
    _ type: UInt16, _ hardware: UInt16, _ length: Int, _ address: Span<UInt8>, _ c: inout ByteCursor, _ packet: Span<UInt8>,
    _ vlans: inout [Int]
  ) throws(Malformed) -> Frame? {
    // Netlink, and interfaces whose packets have come out of a tunnel (ip(6)tnl, SIT, GRE): `protocol` is something else, or
    // the network another one.
    switch hardware {
    case 768, 769, 776, 778, 823, 824: return nil
    default: break
    }
    let source = length == 6 ? MACAddress(bytes: address.extracting(0..<6)) : nil
    if type == 4 { return try llc(&c, packet, source, length: nil) }
    guard type > 1500 else { return nil }
    return try tagged(type, &c, packet, &vlans, source)
  }

  /// The family as the capturing machine numbers it, in its byte order (LINKTYPE_NULL) or the network's (LINKTYPE_LOOP).
  private static func loopback(_ c: inout ByteCursor, _ packet: Span<UInt8>, _ type: LinkType) throws(Malformed) -> Frame? {
    var family = try c.uint32("family")
    if type == .null, family > 0xffff { family = family.byteSwapped }
    switch family {
    case 2: return Frame(etherType: Frame.ipv4, source: nil, payload: c.offset..<packet.count)
    // Linux, NetBSD and OpenBSD, FreeBSD, macOS.
    case 10, 24, 28, 30: return Frame(etherType: Frame.ipv6, source: nil, payload: c.offset..<packet.count)
    default: return nil
    }
  }

  private static func raw(_ packet: Span<UInt8>) throws(Malformed) -> Frame? {
    guard packet.count > 0 else { return nil }
    switch packet[0] >> 4 {
    case 4: return Frame(etherType: Frame.ipv4, source: nil, payload: 0..<packet.count)
    case 6: return Frame(etherType: Frame.ipv6, source: nil, payload: 0..<packet.count)
    default: return nil
    }
  }

  /// A radiotap header (https://www.radiotap.org), of which only the flags matter.
  private static func radiotap(_ c: inout ByteCursor, _ packet: Span<UInt8>, _ vlans: inout [Int]) throws(Malformed) -> Frame? {
    guard try c.uint8("version") == 0 else { return nil }
    try c.skip(1, "padding")
    let length = Int(try c.uint16("length").byteSwapped)
    var present = try c.uint32LittleEndian("present")
    let first = present
    while present >> 31 == 1 { present = try c.uint32LittleEndian("present") }
    var flags: UInt8 = 0
    if first & 1 == 1 { try c.skip((8 - c.offset % 8) % 8 + 8, "time") }
    if first & 2 == 2 { flags = try c.uint8("flags") }
    guard length >= c.offset else { return nil }
    try c.skip(length - c.offset, "radiotap")
    // The frame failed its check sum.
    guard flags & 0x40 == 0 else { return nil }
    return try ieee80211(&c, packet, &vlans, isPadded: flags & 0x20 != 0)
  }

  /// A data frame (IEEE 802.11-2020 section 9.3.2.1) that is not encrypted and holds one message.
  private static func ieee80211(
    _ c: inout ByteCursor, _ packet: Span<UInt8>, _ vlans: inout [Int], isPadded: Bool
  ) throws(Malformed) -> Frame? {
    let start = c.offset
    let control = try c.uint8("frame control")
    let flags = try c.uint8("flags")
    // Version 0, type data, not one of the subtypes without data; not protected, not a later fragment.
    guard control & 0x0f == 0x08, control & 0x40 == 0, flags & 0x40 == 0 else { return nil }
    try c.skip(2, "duration")
    try c.skip(6, "address 1")
    let second = MACAddress(bytes: try c.take(6, "address 2"))
    let third = MACAddress(bytes: try c.take(6, "address 3"))
    let sequence = try c.uint16("sequence control").byteSwapped
    guard sequence & 15 == 0, flags & 4 == 0 else { return nil }
    let toDS = flags & 1 == 1
    let fromDS = flags & 2 == 2
    var source = fromDS ? third : second
    if toDS, fromDS { source = MACAddress(bytes: try c.take(6, "address 4")) }
    if control & 0x80 != 0 {
      // Several messages in one frame (A-MSDU) are not taken apart.
      guard try c.uint16("QoS").byteSwapped & 0x80 == 0 else { return nil }
      if flags & 0x80 != 0 { try c.skip(4, "HT control") }
    }
    if isPadded { try c.skip((4 - (c.offset - start) % 4) % 4, "padding") }
    return try llc(&c, packet, source, length: nil)
  }
}
