import CVector

// Strict JSON, written (design section 3): no white space, the fewest escapes, integers as they are.

extension [UInt8] {
  /// A JSON string of valid UTF-8: only `"`, `\` and U+0000 to U+001F are escaped.
  public mutating func append(jsonString text: Span<UInt8>) {
    append(room: text.count * 6 + 2 + JSONEscape.overrun) { room in
      room.put(0x22)
      room.put(jsonEscaped: text)
      room.put(0x22)
    }
  }

  public mutating func append(jsonString text: String) { append(jsonString: Array(text.utf8).span) }

  /// The inside of a JSON string.
  public mutating func append(jsonEscaped text: Span<UInt8>) {
    append(room: text.count * 6 + JSONEscape.overrun) { $0.put(jsonEscaped: text) }
  }

  /// `"name":`, after a comma unless it is the first of its object. `name` needs no escape.
  public mutating func append(jsonMember name: StaticString) {
    if let last, last != 0x7b, last != 0x5b { append(0x2c) }
    append(0x22)
    append(name)
    append("\":")
  }
}

/// The escapes of a JSON string: `"`, `\` and U+0000 to U+001F.
enum JSONEscape {
  /// What `write` may write behind the text: sixteen bytes are written whole and count in part.
  static let overrun = 16

  /// Writes the inside of a JSON string.
  /// - Parameter to: has room for six bytes for each of `text`, and for `overrun` more.
  /// - Returns: the place behind it.
  @inline(__always) static func write(_ text: Span<UInt8>, at start: UnsafeMutablePointer<UInt8>) -> UnsafeMutablePointer<UInt8> {
    var to = unsafe start
    let count = text.count
    var i = 0
    // Where a byte goes depends on those before it; which of sixteen need an escape does not.
    while i <= count - 32 {
      let lanes = text.uncheckedLanes(at: i)
      unsafe store(lanes, at: to)
      var special = vector_escaped(lanes)
      var done = 0
      while special != 0 {
        let n = special.trailingZeroBitCount
        unsafe to += n - done
        unsafe to += write(text[i + n], at: to)
        done = n + 1
        unsafe store(text.uncheckedLanes(at: i + done), at: to)
        special &= special &- 1
      }
      unsafe to += 16 - done
      i += 16
    }
    while i <= count - 16 {
      let lanes = text.uncheckedLanes(at: i)
      unsafe store(lanes, at: to)
      let special = vector_escaped(lanes)
      let n = special == 0 ? 16 : special.trailingZeroBitCount
      unsafe to += n
      i += n
      if special == 0 { continue }
      unsafe to += write(text[i], at: to)
      i += 1
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

  @inline(__always) private static func store(_ lanes: SIMD16<UInt8>, at to: UnsafeMutablePointer<UInt8>) {
    unsafe UnsafeMutableRawPointer(to).storeBytes(of: lanes, as: SIMD16<UInt8>.self)
  }

  @inline(__always) static func isNeeded(_ b: UInt8) -> Bool { b < 0x20 || b == 0x22 || b == 0x5c }

  /// Writes the escape of a byte that needs one.
  /// - Returns: its length, 2 or 6; there must be room for it.
  @inline(__always) static func write(_ b: UInt8, at to: UnsafeMutablePointer<UInt8>) -> Int {
    unsafe to[0] = 0x5c
    // Quotation marks are most of what needs an escape.
    guard b < 0x20 else {
      unsafe to[1] = b
      return 2
    }
    switch b {
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
