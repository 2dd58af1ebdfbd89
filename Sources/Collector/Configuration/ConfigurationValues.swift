import Evidence
import Record

/// How single values are written. Each says what it expected where it is not so.
enum ConfigurationValue {
  static func text(_ node: JSON5Node) throws(JSON5Error) -> String {
    let text = try node.string()
    guard !text.isEmpty else { throw node.error("is empty") }
    return text
  }

  /// Relative paths would depend on where the daemon was started.
  static func path(_ node: JSON5Node) throws(JSON5Error) -> String {
    let text = try text(node)
    guard text.utf8.first == 0x2f else { throw node.error("expected a whole path, beginning with /, found \(quoted(text))") }
    guard !text.utf8.contains(0), text.utf8.count <= 4000 else { throw node.error("expected a path without NUL, of at most 4000 bytes") }
    return text
  }

  /// A file, or a key in a PKCS#11 token (RFC 7512).
  static func keyPlace(_ node: JSON5Node) throws(JSON5Error) -> String {
    let text = try text(node)
    guard text.hasPrefix("pkcs11:") else { return try path(node) }
    guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }), text.utf8.count > 7, !text.contains("pin-value") else {
      throw node.error("expected a PKCS#11 URI without PIN, as in \"pkcs11:token=muhur;object=seal\", found \(quoted(text))")
    }
    return text
  }

  /// unix(7): `sun_path` has 108 bytes, the last of them NUL.
  static func socketPath(_ node: JSON5Node) throws(JSON5Error) -> String {
    let text = try path(node)
    guard text.utf8.count <= 107 else { throw node.error("a socket's path has at most 107 bytes; this one has \(text.utf8.count)") }
    return text
  }

  static func choice(_ node: JSON5Node, _ choices: [String]) throws(JSON5Error) -> String {
    let text = try node.string()
    guard choices.contains(text) else {
      throw node.error("expected one of " + choices.joined(separator: ", ") + ", found \(quoted(text))" + Suggestion.text(text, choices))
    }
    return text
  }

  // MARK: - Times

  /// Digits and one of d h m s, and ms where that is asked for.
  static func period(
    _ node: JSON5Node, from least: String, to most: String, milliseconds: Bool = false
  ) throws(JSON5Error) -> Configuration.Period {
    let units = milliseconds ? "one of d h m s ms" : "one of d h m s"
    let example = milliseconds ? "\"500ms\"" : "\"8h\""
    if case .integer(let number) = node.value {
      throw node.error("expected a time with its unit in quotes, as in \(example), found \(number)")
    }
    let text = try node.string()
    guard let found = microseconds(text, milliseconds: milliseconds) else {
      throw node.error("expected digits and \(units), as in \(example), found \(quoted(text))")
    }
    guard found >= microseconds(least, milliseconds: true) ?? 0, found <= microseconds(most, milliseconds: true) ?? .max else {
      throw node.error("expected a time from \(least) to \(most), found \(quoted(text))")
    }
    return Configuration.Period(text: text, microseconds: found)
  }

  private static func microseconds(_ text: String, milliseconds: Bool) -> Int64? {
    let bytes = Array(text.utf8)
    let digits = bytes.prefix { $0.isDigit }
    guard digits.count <= 9, let number = Array(digits).span.decimal else { return nil }
    let unit: Int64
    switch String(decoding: bytes[digits.count...], as: UTF8.self) {
    case "d": unit = Timestamp.day
    case "h": unit = Timestamp.hour
    case "m": unit = Timestamp.minute
    case "s": unit = Timestamp.second
    case "ms" where milliseconds: unit = 1000
    default: return nil
    }
    // Too long to count is too long for every key.
    let (product, overflow) = Int64(number).multipliedReportingOverflow(by: unit)
    return overflow ? .max : product
  }

  static func zone(_ node: JSON5Node) throws(JSON5Error) -> Zone {
    let name = try text(node)
    guard let zone = Zone(named: name) else {
      throw node.error("no time zone \(quoted(name)) is known here; expected a name as in \"Europe/Istanbul\" (package tzdata)")
    }
    return zone
  }

  static func since(_ node: JSON5Node) throws(JSON5Error) -> Configuration.StaticAddress.Since {
    let text = try text(node)
    if let day = CalendarDay(text) { return .day(day) }
    if let time = Timestamp(rfc3339: text) { return .time(time) }
    throw node.error(
      "expected a day or a time with its offset, as in \"2026-01-01\" or \"2026-01-01T08:00:00+03:00\", found \(quoted(text))")
  }

  // MARK: - Addresses

  static func address(_ node: JSON5Node) throws(JSON5Error) -> IPAddress {
    let text = try text(node)
    guard let address = IPAddress(text) else { throw node.error("expected an IPv4 or IPv6 address, found \(quoted(text))") }
    return address
  }

  static func prefix(_ node: JSON5Node) throws(JSON5Error) -> IPPrefix {
    let text = try text(node)
    guard let prefix = IPPrefix(text) else {
      throw node.error("expected an address or a block, as in \"10.20.0.2\", \"10.20.0.0/16\" or \"2001:db8::/32\", found \(quoted(text))")
    }
    return prefix
  }

  static func mac(_ node: JSON5Node) throws(JSON5Error) -> MACAddress {
    let text = try text(node)
    guard let mac = MACAddress(text) else { throw node.error("expected a MAC address, as in \"3c:52:82:1a:7f:09\", found \(quoted(text))") }
    guard !mac.isGroup else { throw node.error("\(mac) is a group address; no device has it") }
    return mac
  }

  /// `[::]:514`, `127.0.0.1:5514`.
  static func listen(_ node: JSON5Node) throws(JSON5Error) -> (address: IPAddress, port: UInt16) {
    if case .integer(let number) = node.value {
      throw node.error("expected an address and a port in quotes, as in \"127.0.0.1:\(number)\"")
    }
    let text = try text(node)
    let bytes = Array(text.utf8)
    guard let colon = bytes.lastIndex(of: 0x3a), let address = host(Array(bytes[..<colon])) else {
      throw node.error("expected an address and a port, as in \"[::]:514\" or \"127.0.0.1:5514\", found \(quoted(text))")
    }
    guard let port = Array(bytes[(colon + 1)...]).span.decimal, (1...65535).contains(port) else {
      throw node.error("expected a port from 1 to 65535 behind the address, found \(quoted(text))")
    }
    return (address, UInt16(port))
  }

  /// IPv6 in brackets, IPv4 without: else it could not be told where the port begins.
  private static func host(_ bytes: [UInt8]) -> IPAddress? {
    if bytes.first == 0x5b, bytes.last == 0x5d, bytes.count > 2 { return IPAddress(text: bytes[1..<bytes.count - 1].span) }
    return bytes.contains(0x3a) ? nil : IPAddress(text: bytes.span)
  }

  static func webAddress(_ node: JSON5Node) throws(JSON5Error) -> WebAddress {
    let text = try text(node)
    guard let address = WebAddress(text) else {
      throw node.error("expected a URL with http:// or https://, without user and password, found \(quoted(text))")
    }
    return address
  }

  /// `udp://10.20.0.9:514`, `tcp://log.example:601`; without a scheme UDP is meant, without a port 514 or, for TCP, 601.
  static func syslogServer(_ node: JSON5Node) throws(JSON5Error) -> Configuration.Publisher.SyslogServer {
    let text = try text(node)
    let wrong = node.error("expected a server as in \"udp://10.20.0.9:514\" or \"tcp://log.example:601\", found \(quoted(text))")
    var rest = Array(text.utf8)[...]
    var transport = Configuration.Publisher.SyslogServer.Transport.udp
    for one in Configuration.Publisher.SyslogServer.Transport.allCases {
      for scheme in ["\(one.rawValue)://", "\(one.rawValue):"] where rest.starts(with: Array(scheme.utf8)) {
        transport = one
        rest = rest.dropFirst(scheme.utf8.count)
      }
    }
    var port = transport == .udp ? 514 : 601
    let isBracketed = rest.first == 0x5b
    let hostEnd = isBracketed ? rest.firstIndex(of: 0x5d).map { $0 + 1 } ?? rest.endIndex : rest.firstIndex(of: 0x3a) ?? rest.endIndex
    if hostEnd < rest.endIndex {
      guard rest[hostEnd] == 0x3a, let number = Array(rest[(hostEnd + 1)...]).span.decimal, (1...65535).contains(number) else {
        throw wrong
      }
      port = number
    }
    var host = Array(rest[..<hostEnd])
    if isBracketed { host = Array(host.dropFirst().dropLast()) }
    guard !host.isEmpty, host.count <= 253, host.allSatisfy({ $0.isLetter || $0.isDigit || $0 == 0x2e || $0 == 0x2d || $0 == 0x3a }) else {
      throw wrong
    }
    return .init(transport: transport, host: String(decoding: host, as: UTF8.self), port: UInt16(port))
  }

  /// One address that sendmail can be given as an argument: nothing in it steers that program or adds a header.
  static func mailAddress(_ node: JSON5Node) throws(JSON5Error) -> String {
    let text = try text(node)
    guard text.utf8.count <= 254, text.utf8.first != 0x2d, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != 0x2c && $0 != 0x3b }),
      !text.utf8.contains(0x3c), !text.utf8.contains(0x3e)
    else { throw node.error("expected one mail address, as in \"denetim@efeler.bel.tr\", found \(quoted(text))") }
    return text
  }

  // MARK: - Names

  /// What records, questions and file names carry: no blank, no sign that a shell or a table would stumble over.
  static func name(_ node: JSON5Node) throws(JSON5Error) -> String {
    let text = try text(node)
    guard
      text.unicodeScalars.allSatisfy({
        $0.properties.isAlphabetic || $0.properties.numericType == .decimal || "._-".unicodeScalars.contains($0)
      }),
      text.utf8.count <= 64
    else { throw node.error("expected letters, digits, \".\", \"_\" and \"-\", at most 64 bytes, found \(quoted(text))") }
    return text
  }

  /// A network interface: what the kernel takes for a name (`dev_valid_name`).
  static func interface(_ node: JSON5Node) throws(JSON5Error) -> String {
    let text = try text(node)
    guard text.utf8.count < 16, text != ".", text != "..", text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x2f && $0 != 0x3a && $0 != 0x7f })
    else { throw node.error("expected an interface such as \"eth1\", found \(quoted(text))") }
    return text
  }

  /// It becomes part of a file's name (design section 12.8).
  static func authorityName(_ node: JSON5Node) throws(JSON5Error) -> String {
    let text = try text(node)
    guard text.utf8.allSatisfy({ $0.isLetter || $0.isDigit || $0 == 0x5f || $0 == 0x2d }), text.utf8.count <= 64 else {
      throw node.error("expected letters from a to z, digits, \"_\" and \"-\", at most 64, found \(quoted(text))")
    }
    return text
  }

  static func objectIdentifier(_ node: JSON5Node) throws(JSON5Error) -> String {
    let text = try text(node)
    let arcs = text.split(separator: ".", omittingEmptySubsequences: false)
    guard arcs.count >= 2, text.utf8.count <= 200, arcs.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(\.isDigit) }),
      ["0", "1", "2"].contains(arcs[0])
    else { throw node.error("expected an object identifier, as in \"2.16.792.1.2.1\", found \(quoted(text))") }
    return text
  }

  static func customerNumber(_ node: JSON5Node) throws(JSON5Error) -> Int {
    guard case .integer(let number) = node.value else { throw node.error("expected the customer's number, without quotes") }
    guard number > 0 else { throw node.error("expected the customer's number, found \(number)") }
    return Int(number)
  }

  /// RFC 7617 section 2: no colon in it.
  static func basicUser(_ node: JSON5Node) throws(JSON5Error) -> String {
    let text = try label(node)
    guard !text.utf8.contains(0x3a) else { throw node.error("a user name has no \":\" in it") }
    return text
  }

  /// A host name as people give it: anything that can be printed.
  static func label(_ node: JSON5Node) throws(JSON5Error) -> String {
    let text = try text(node)
    guard text.utf8.count <= 255, text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else {
      throw node.error("expected text without control characters, at most 255 bytes")
    }
    return text
  }

  static func charset(_ node: JSON5Node) throws(JSON5Error) -> Charset {
    let text = try text(node)
    let names = Charset.allCases.map(\.rawValue)
    if let charset = Charset(rawValue: text) { return charset }
    throw node.error("expected one of " + names.joined(separator: ", ") + ", found \(quoted(text))" + Suggestion.text(text, names))
  }

  static func accessEntry(_ node: JSON5Node) throws(JSON5Error) -> String {
    let text = try text(node)
    guard let colon = text.utf8.firstIndex(of: 0x3a), ["group", "user"].contains(String(text[..<colon])),
      text.utf8.count > colon.utf16Offset(in: text) + 1, text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7f })
    else { throw node.error("expected \"group:NAME\" or \"user:NAME\", found \(quoted(text))") }
    return text
  }

  /// What was found, short enough for a line and without control characters.
  static func quoted(_ text: String) -> String {
    var out = "\""
    for scalar in text.unicodeScalars.prefix(60) {
      out.unicodeScalars.append(scalar.value < 0x20 || scalar.value == 0x7f ? "\u{fffd}" : scalar)
    }
    return out + (text.unicodeScalars.count > 60 ? "…\"" : "\"")
  }
}
