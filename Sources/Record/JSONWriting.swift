// Strict JSON, written (design section 3): no white space, the fewest escapes, integers as they are.

extension [UInt8] {
  /// A JSON string of valid UTF-8: only `"`, `\` and U+0000 to U+001F are escaped.
  public mutating func append(jsonString text: Span<UInt8>) {
    append(0x22)
    append(jsonEscaped: text)
    append(0x22)
  }

  public mutating func append(jsonString text: String) { append(jsonString: Array(text.utf8).span) }

  /// The inside of a JSON string.
  public mutating func append(jsonEscaped text: Span<UInt8>) {
    append(room: text.count * 6 + 8) { $0.put(jsonEscaped: text) }
  }

  /// `"name":`, after a comma unless it is the first of its object. `name` needs no escape.
  public mutating func append(jsonMember name: StaticString) {
    if let last, last != 0x7b, last != 0x5b { append(0x2c) }
    append(0x22)
    append(name)
    append("\":")
  }
}

extension Span<UInt8> {
  /// Whether a JSON string of these bytes differs from them. Written so that the compiler makes vector code of it.
  public var needsJSONEscape: Bool {
    var found: UInt8 = 0
    for i in indices {
      let b = self[i]
      found |= (b < 0x20 ? 1 : 0) | (b == 0x22 ? 1 : 0) | (b == 0x5c ? 1 : 0)
    }
    return found != 0
  }
}

/// The escapes of a JSON string: `"`, `\` and U+0000 to U+001F.
enum JSONEscape {
  /// Writes the inside of a JSON string.
  /// - Parameter to: has room for six bytes for each of `text`, and for eight more: a word is written whole and counts in part.
  /// - Returns: the place behind it.
  @inline(__always) static func write(_ text: Span<UInt8>, at start: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
    var to = unsafe start
    let count = text.count
    var i = 0
    while i + 8 <= count {
      let word = unsafe text.bytes.unsafeLoadUnaligned(fromByteOffset: i, as: UInt64.self)
      unsafe UnsafeMutableRawPointer(to).storeBytes(of: word, as: UInt64.self)
      let clean = cleanBytes(UInt64(littleEndian: word))
      unsafe to += clean
      i += clean
      if clean < 8 {
        unsafe to += write(text[i], at: to)
        i += 1
      }
    }
    while i < count {
      let b = text[i]
      if isNeeded(b) {
        unsafe to += write(b, at: to)
      } else {
        unsafe to.pointee = b
        unsafe to += 1
      }
      i += 1
    }
    return unsafe to
  }

  @inline(__always) static func isNeeded(_ b: UInt8) -> Bool { b < 0x20 || b == 0x22 || b == 0x5c }

  /// How many of a word's bytes, from its least significant one on, stand for themselves: 0 to 8.
  @inline(__always) static func cleanBytes(_ word: UInt64) -> Int {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let highs: UInt64 = 0x8080_8080_8080_8080
    let quote = word ^ (ones &* 0x22)
    let backslash = word ^ (ones &* 0x5c)
    // The usual test for a zero byte (and for one below 0x20): exact up to and at the first such byte.
    let found = ((quote &- ones) & ~quote | (backslash &- ones) & ~backslash | (word &- ones &* 0x20) & ~word) & highs
    return found == 0 ? 8 : found.trailingZeroBitCount >> 3
  }

  /// Writes the escape of a byte that needs one.
  /// - Returns: its length, 2 or 6; there must be room for it.
  @inline(__always) static func write(_ b: UInt8, at to: UnsafeMutablePointer<UInt8>) -> Int {
    unsafe to[0] = 0x5c
    switch b {
    case 0x22, 0x5c: unsafe to[1] = b
    case 0x08: unsafe to[1] = 0x62
    case 0x09: unsafe to[1] = 0x74
    case 0x0a: unsafe to[1] = 0x6e
    case 0x0c: unsafe to[1] = 0x66
    case 0x0d: unsafe to[1] = 0x72
    default:
      unsafe to[1] = 0x75
      unsafe to[2] = 0x30
      unsafe to[3] = 0x30
      unsafe to[4] = Hex.digit(b >> 4)
      unsafe to[5] = Hex.digit(b & 15)
      return 6
    }
    return 2
  }
}
