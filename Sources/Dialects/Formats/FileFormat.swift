public import Record

/// The files that devices and servers write, by the names that `import --format` and the configuration use.
///
/// A file is cut into entries (`EntryFraming`); each entry is one record. What an entry means a dialect says, or, where
/// `reader` is not nil, the reader of its format.
public enum FileFormat: String, Sendable, CaseIterable {
  case syslog
  case iscLeases = "isc-leases"
  case keaLeases = "kea-leases"
  case dnsmasqLeases = "dnsmasq-leases"
  case windowsDHCP = "windows-dhcp"
  case radiusDetail = "radius-detail"
  case packets = "pcap"
  case declared = "static"

  /// What it is, for people.
  public var title: String {
    switch self {
    case .syslog: "lines of syslog"
    case .iscLeases: "dhcpd's lease file"
    case .keaLeases: "Kea's lease file"
    case .dnsmasqLeases: "dnsmasq's lease file"
    case .windowsDHCP: "a Windows DHCP audit log"
    case .radiusDetail: "a FreeRADIUS detail file"
    case .packets: "a packet capture"
    case .declared: "a list of declared addresses"
    }
  }

  /// Whether the server writes the whole file anew now and then, with entries that were in it before.
  public var isRewritten: Bool {
    switch self {
    case .iscLeases, .keaLeases, .dnsmasqLeases: true
    default: false
    }
  }

  /// Whether it does so in the file itself, and not in a new one that takes its name.
  public var isRewrittenInPlace: Bool { self == .dnsmasqLeases }

  /// The only dialect that reads its lines, where there is one.
  public var dialect: String? { self == .windowsDHCP ? "windows-dhcp" : nil }

  /// Reads its entries; nil where a dialect does, or there are none.
  public var reader: EntryReader? {
    switch self {
    case .iscLeases: .isc(ISCLeases())
    case .keaLeases: .kea
    case .dnsmasqLeases: .dnsmasq
    case .radiusDetail: .detail
    case .declared: .declared
    case .syslog, .windowsDHCP, .packets: nil
    }
  }

  // MARK: - By its content

  /// How many of a file's first bytes `of` needs.
  public static let headBytes = 4096

  /// What a file is, by its first bytes; `syslog` where it is nothing else.
  public static func of(_ head: Span<UInt8>) -> FileFormat {
    for magic in [
      [0xd4, 0xc3, 0xb2, 0xa1], [0xa1, 0xb2, 0xc3, 0xd4], [0x4d, 0x3c, 0xb2, 0xa1], [0xa1, 0xb2, 0x3c, 0x4d], [0x0a, 0x0d, 0x0d, 0x0a],
      [0x34, 0xcd, 0xb2, 0xa1], [0xa1, 0xb2, 0xcd, 0x34],
    ] as [[UInt8]]
    where head.count >= 4 && head.extracting(0..<4).equals(magic.span) { return .packets }
    let narrow = FileEncoding.of(head).narrowed(head)
    let text = narrow.span
    var at = 0
    var lines = 0
    // Comments and titles may come first.
    while at < text.count, lines < 60 {
      let end = text.firstIndex(of: 0x0a, from: at) ?? text.count
      var line = text.extracting(at..<end)
      while line.count > 0, line[line.count - 1] == 0x0d || line[line.count - 1].isBlank { line = line.extracting(0..<line.count - 1) }
      if line.count > 0, let found = of(line: line, next: text.extracting(min(end + 1, text.count)..<text.count)) { return found }
      at = end + 1
      lines += 1
    }
    return .syslog
  }

  /// What a line that stands near a file's beginning shows the file to be; nil where it shows nothing.
  private static func of(line: Span<UInt8>, next: Span<UInt8>) -> FileFormat? {
    if line.starts(with: "address,hwaddr,") || line.starts(with: "address,duid,") { return .keaLeases }
    if ISCLeases.begins(line) { return .iscLeases }
    if WindowsDHCPLog.isLine(line) { return .windowsDHCP }
    if DnsmasqLeases.isLine(line) { return .dnsmasqLeases }
    if next.count > 0, next[0] == 0x09, RADIUSDetail.isHeader(line) { return .radiusDetail }
    if DeclaredAddresses.isLine(line) { return .declared }
    return nil
  }
}

/// How the characters of a file are put into bytes, by its first ones.
public enum FileEncoding: Sendable {
  /// A byte a character, or UTF-8: the source's charset says which.
  case narrow
  case utf16LittleEndian, utf16BigEndian

  /// A byte order mark says it (Unicode section 23.8); without one, every other of the first bytes being 0 does.
  public static func of(_ head: Span<UInt8>) -> FileEncoding {
    guard head.count >= 2 else { return .narrow }
    if head[0] == 0xff, head[1] == 0xfe { return .utf16LittleEndian }
    if head[0] == 0xfe, head[1] == 0xff { return .utf16BigEndian }
    let pairs = min(head.count, 64) / 2
    guard pairs >= 8 else { return .narrow }
    var zeros = (even: 0, odd: 0)
    for i in 0..<pairs {
      if head[2 * i] == 0 { zeros.even += 1 }
      if head[2 * i + 1] == 0 { zeros.odd += 1 }
    }
    if zeros.even == 0, zeros.odd >= pairs - 2 { return .utf16LittleEndian }
    if zeros.odd == 0, zeros.even >= pairs - 2 { return .utf16BigEndian }
    return .narrow
  }

  public var isWide: Bool { if case .narrow = self { false } else { true } }

  /// The charset of its lines, where the file itself says it.
  public var charset: Charset? {
    switch self {
    case .narrow: nil
    case .utf16LittleEndian: .utf16LittleEndian
    case .utf16BigEndian: .utf16BigEndian
    }
  }

  /// The ASCII characters of a text; others become `?`. For looking at it only.
  func narrowed(_ text: Span<UInt8>) -> [UInt8] {
    guard isWide else { return text.extracting(text.starts(with: "\u{feff}") ? 3..<text.count : 0..<text.count).array }
    let first = self == .utf16LittleEndian ? 0 : 1
    var out: [UInt8] = []
    var i = 0
    while i + 1 < text.count {
      let (low, high) = (text[i + first], text[i + 1 - first])
      if !(high == 0xfe && low == 0xff) { out.append(high == 0 && low < 0x80 ? low : 0x3f) }
      i += 2
    }
    return out
  }
}
