import Record

/// Protocols above IP as devices name them, and as events do.
public enum TransportProtocol {
  case known(StaticString)
  /// A number without a name here.
  case unnamed

  /// A name in any case or a number (IANA, Assigned Internet Protocol Numbers); nil for anything else.
  public static func read(_ text: Span<UInt8>) -> TransportProtocol? {
    if let number = text.decimal {
      guard number < 256 else { return nil }
      return name(number).map { .known($0) } ?? .unnamed
    }
    for (name, number) in names where text.equals(ignoringCase: name) { return Self.name(number).map { .known($0) } }
    return nil
  }

  private static func name(_ number: Int) -> StaticString? {
    switch number {
    case 1: "icmp"
    case 2: "igmp"
    case 4: "ipip"
    case 6: "tcp"
    case 17: "udp"
    case 33: "dccp"
    case 41: "ipv6"
    case 47: "gre"
    case 50: "esp"
    case 51: "ah"
    case 58: "icmp6"
    case 88: "eigrp"
    case 89: "ospf"
    case 103: "pim"
    case 112: "vrrp"
    case 132: "sctp"
    case 136: "udplite"
    default: nil
    }
  }

  private static let names: [(StaticString, Int)] = [
    ("tcp", 6), ("udp", 17), ("icmp", 1), ("icmp6", 58), ("icmpv6", 58), ("ipv6-icmp", 58), ("icmp-v6", 58), ("gre", 47), ("esp", 50),
    ("ah", 51),
    ("igmp", 2), ("sctp", 132), ("ospf", 89), ("eigrp", 88), ("pim", 103), ("vrrp", 112), ("ipip", 4), ("ipinip", 4), ("ipv6", 41),
    ("dccp", 33),
    ("udplite", 136),
  ]
}
