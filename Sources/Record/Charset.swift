/// Character sets in which devices write (design section 3: `text`).
public enum Charset: String, Sendable, CaseIterable {
  case utf8 = "utf-8"
  case windows1254 = "windows-1254"
  case iso88599 = "iso-8859-9"
  /// RFC 2781, without a byte order mark's say: the configuration says which.
  case utf16LittleEndian = "utf-16le"
  case utf16BigEndian = "utf-16be"
  /// The OEM code pages of Turkish and of American Windows: what programs of the console write.
  case cp857
  case cp437

  /// Whether ASCII text is the same bytes in it.
  public var containsASCII: Bool { self != .utf16LittleEndian && self != .utf16BigEndian }

  /// Whether a message of a device that writes in this is text as it stands: valid UTF-8, which nothing else is by chance,
  /// but for the zeros of UTF-16.
  public func isText(_ bytes: Span<UInt8>) -> Bool { containsASCII && bytes.isUTF8 }

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
    case .utf16LittleEndian: Self.utf16(bytes, low: 0, into: &out)
    case .utf16BigEndian: Self.utf16(bytes, low: 1, into: &out)
    case .cp857: Self.oem(bytes, Self.upper857, into: &out)
    case .cp437: Self.oem(bytes, Self.upper437, into: &out)
    }
  }

  /// - Parameter low: which of two bytes is the less significant one.
  private static func utf16(_ bytes: Span<UInt8>, low: Int, into out: inout [UInt8]) {
    var i = 0
    func unit(_ i: Int) -> UInt32 { UInt32(bytes[i + low]) | UInt32(bytes[i + 1 - low]) << 8 }
    while i + 1 < bytes.count {
      var value = unit(i)
      i += 2
      if value & 0xfc00 == 0xd800, i + 1 < bytes.count, unit(i) & 0xfc00 == 0xdc00 {
        value = 0x10000 + (value & 0x3ff) << 10 + unit(i) & 0x3ff
        i += 2
      }
      // Half a pair is no character.
      out.append(scalar: Unicode.Scalar(value) ?? "\u{fffd}")
    }
    if i < bytes.count { out.append(scalar: "\u{fffd}") }
  }

  private static func oem(_ bytes: Span<UInt8>, _ upper: [Unicode.Scalar], into out: inout [UInt8]) {
    for i in bytes.indices { out.append(scalar: bytes[i] < 0x80 ? Unicode.Scalar(bytes[i]) : upper[Int(bytes[i]) - 0x80]) }
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

  /// From 0x80 on, as published by Unicode (CP857.TXT, CP437.TXT).
  private static let upper857 = Array(
    ("ÇüéâäàåçêëèïîıÄÅÉæÆôöòûùİÖÜø£ØŞşáíóúñÑĞğ¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ºªÊËÈ\u{fffd}ÍÎÏ┘┌█▄¦Ì▀"
      + "ÓßÔÒõÕµ\u{fffd}×ÚÛÙìÿ¯´\u{ad}±\u{fffd}¾¶§÷¸°¨·¹³²■\u{a0}").unicodeScalars)
  private static let upper437 = Array(
    ("ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀"
      + "αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}").unicodeScalars)
}
