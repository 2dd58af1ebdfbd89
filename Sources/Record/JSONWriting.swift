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
    if !text.needsJSONEscape { return append(text) }
    // At most six bytes for one.
    append(addingCapacity: text.count * 6) { out in
      for i in text.indices {
        let b = text[i]
        if b >= 0x20, b != 0x22, b != 0x5c {
          out.append(b)
          continue
        }
        out.append(0x5c)
        switch b {
        case 0x22, 0x5c: out.append(b)
        case 0x08: out.append(0x62)
        case 0x09: out.append(0x74)
        case 0x0a: out.append(0x6e)
        case 0x0c: out.append(0x66)
        case 0x0d: out.append(0x72)
        default:
          out.append(0x75)
          out.append(0x30)
          out.append(0x30)
          out.append(Hex.digit(b >> 4))
          out.append(Hex.digit(b & 15))
        }
      }
    }
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
