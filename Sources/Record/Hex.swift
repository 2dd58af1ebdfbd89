// Hexadecimal and base64 (RFC 4648 section 4), the two ways in which records and seals carry binary values.

public enum Hex {
  @inlinable public static func digit(_ value: UInt8) -> UInt8 { value &+ (value < 10 ? 0x30 : 0x57) }

  /// Lower case, without separator.
  public static func text(_ bytes: Span<UInt8>) -> String {
    var out: [UInt8] = []
    out.append(hex: bytes)
    return String(decoding: out, as: UTF8.self)
  }

  public static func text(_ bytes: [UInt8]) -> String { text(bytes.span) }

  /// The bytes of an even number of hexadecimal digits in lower case, else nil.
  public static func bytes(lowerCase text: String) -> [UInt8]? {
    let digits = Array(text.utf8)
    guard digits.count.isMultiple(of: 2) else { return nil }
    var out: [UInt8] = []
    out.reserveCapacity(digits.count / 2)
    for i in stride(from: 0, to: digits.count, by: 2) {
      guard let high = digits[i].hexValue, let low = digits[i + 1].hexValue else { return nil }
      if (0x41...0x46).contains(digits[i]) || (0x41...0x46).contains(digits[i + 1]) { return nil }
      out.append(high << 4 | low)
    }
    return out
  }
}

extension [UInt8] {
  /// Lower-case digits; `separator` between bytes where it is not nil.
  public mutating func append(hex bytes: Span<UInt8>, separator: UInt8? = nil) {
    append(room: bytes.count * 3) { $0.put(hex: bytes, separator: separator) }
  }

  public mutating func append(base64 bytes: Span<UInt8>) {
    append(addingCapacity: (bytes.count + 2) / 3 * 4) { out in
      var i = 0
      while i < bytes.count {
        let left = bytes.count - i
        let b0 = bytes[i]
        let b1 = left > 1 ? bytes[i + 1] : 0
        let b2 = left > 2 ? bytes[i + 2] : 0
        out.append(Base64.letter(b0 >> 2))
        out.append(Base64.letter((b0 & 3) << 4 | b1 >> 4))
        out.append(left > 1 ? Base64.letter((b1 & 15) << 2 | b2 >> 6) : 0x3d)
        out.append(left > 2 ? Base64.letter(b2 & 63) : 0x3d)
        i += 3
      }
    }
  }
}

public enum Base64 {
  @inlinable static func letter(_ value: UInt8) -> UInt8 {
    switch value {
    case 0..<26: value &+ 0x41
    case 26..<52: value &+ 0x47
    case 52..<62: value &- 4
    case 62: 0x2b
    default: 0x2f
    }
  }

  @inlinable static func value(_ letter: UInt8) -> UInt8? {
    switch letter {
    case 0x41...0x5a: letter &- 0x41
    case 0x61...0x7a: letter &- 0x47
    case 0x30...0x39: letter &+ 4
    case 0x2b: 62
    case 0x2f: 63
    default: nil
    }
  }

  /// The bytes, or nil unless the text is exactly what encoding them would give (padding, no spaces, no loose bits).
  public static func bytes(_ text: Span<UInt8>) -> [UInt8]? {
    guard text.count.isMultiple(of: 4) else { return nil }
    var out: [UInt8] = []
    out.reserveCapacity(text.count / 4 * 3)
    var i = 0
    while i < text.count {
      let last = i + 4 == text.count
      let pad = last ? (text[i + 3] == 0x3d ? (text[i + 2] == 0x3d ? 2 : 1) : 0) : 0
      guard let a = value(text[i]), let b = value(text[i + 1]) else { return nil }
      let c = pad == 2 ? 0 : value(text[i + 2])
      let d = pad > 0 ? 0 : value(text[i + 3])
      guard let c, let d else { return nil }
      if pad == 2, b & 15 != 0 { return nil }
      if pad == 1, c & 3 != 0 { return nil }
      out.append(a << 2 | b >> 4)
      if pad < 2 { out.append(b << 4 | c >> 2) }
      if pad < 1 { out.append(c << 6 | d) }
      i += 4
    }
    return out
  }
}
