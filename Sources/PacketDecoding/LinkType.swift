/// The link layer of a capture, by its number in files (LINKTYPE_ of https://www.tcpdump.org/linktypes.html). Numbers that
/// libpcap itself uses for raw IP on some systems (12, 14) are taken as well.
public struct LinkType: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  public var rawValue: Int
  public init(rawValue: Int) { self.rawValue = rawValue }

  public static let null = LinkType(rawValue: 0)
  public static let ethernet = LinkType(rawValue: 1)
  public static let raw = LinkType(rawValue: 101)
  public static let ieee80211 = LinkType(rawValue: 105)
  public static let loop = LinkType(rawValue: 108)
  public static let linuxCooked = LinkType(rawValue: 113)
  public static let radiotap = LinkType(rawValue: 127)
  public static let ipv4 = LinkType(rawValue: 228)
  public static let ipv6 = LinkType(rawValue: 229)
  public static let linuxCooked2 = LinkType(rawValue: 276)

  /// Whether packets of it are looked into.
  public var isReadable: Bool {
    switch self {
    case .null, .ethernet, .raw, .ieee80211, .loop, .linuxCooked, .radiotap, .ipv4, .ipv6, .linuxCooked2: true
    default: rawValue == 12 || rawValue == 14
    }
  }

  public var description: String {
    switch self {
    case .null: "BSD loopback"
    case .ethernet: "Ethernet"
    case .raw: "raw IP"
    case .ieee80211: "IEEE 802.11"
    case .loop: "OpenBSD loopback"
    case .linuxCooked: "Linux cooked"
    case .radiotap: "IEEE 802.11 with radiotap"
    case .ipv4: "raw IPv4"
    case .ipv6: "raw IPv6"
    case .linuxCooked2: "Linux cooked v2"
    default: "link type \(rawValue)"
    }
  }
}
