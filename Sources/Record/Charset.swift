/// Character sets in which devices write (design section 3: `text`).
public enum Charset: String, Sendable, CaseIterable {
  case utf8 = "utf-8"
  case windows1254 = "windows-1254"
  case iso88599 = "iso-8859-9"

  /// Whether its characters have two bytes, so that ASCII is not written as ASCII.
  public var isWide: Bool { false }

  /// Appends these bytes as UTF-8; what the charset does not define becomes U+FFFD.
  public func decode(_ bytes: Span<UInt8>, into out: inout [UInt8]) {
    switch self {
    case .utf8:
      var i = 0
      while i < bytes.count {
        if let n = bytes.utf8Length(at: i) {
          out.append(bytes.extracting(i..<i + n))
          i += n
        } else {
          out.append(scalar: "\u{fffd}")
          i += 1
        }
      }
    case .windows1254:
      for i in bytes.indices { out.append(scalar: Self.windows1254(bytes[i])) }
    case .iso88599:
      for i in bytes.indices { out.append(scalar: bytes[i] < 0xa0 ? Unicode.Scalar(bytes[i]) : Self.windows1254(bytes[i])) }
    }
  }

  /// Microsoft code page 1254 (Turkish) as published by Unicode (CP1254.TXT).
  private static func windows1254(_ byte: UInt8) -> Unicode.Scalar {
    switch byte {
    case 0x00...0x7f: Unicode.Scalar(byte)
    case 0x80...0x9f: high[Int(byte) - 0x80]
    case 0xd0: "\u{11e}"
    case 0xdd: "\u{130}"
    case 0xde: "\u{15e}"
    case 0xf0: "\u{11f}"
    case 0xfd: "\u{131}"
    case 0xfe: "\u{15f}"
    default: Unicode.Scalar(byte)
    }
  }

  private static let high: [Unicode.Scalar] = [
    "\u{20ac}", "\u{fffd}", "\u{201a}", "\u{192}", "\u{201e}", "\u{2026}", "\u{2020}", "\u{2021}", "\u{2c6}", "\u{2030}", "\u{160}",
    "\u{2039}",
    "\u{152}", "\u{fffd}", "\u{fffd}", "\u{fffd}", "\u{fffd}", "\u{2018}", "\u{2019}", "\u{201c}", "\u{201d}", "\u{2022}", "\u{2013}",
    "\u{2014}",
    "\u{2dc}", "\u{2122}", "\u{161}", "\u{203a}", "\u{153}", "\u{fffd}", "\u{fffd}", "\u{178}",
  ]
}
