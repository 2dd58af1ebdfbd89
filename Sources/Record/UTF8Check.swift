extension Span<UInt8> {
  /// Whether no byte has its high bit set. Written so that the compiler makes vector code of it.
  public var isASCII: Bool {
    var all: UInt8 = 0
    for i in indices { all |= self[i] }
    return all < 0x80
  }

  /// Whether these bytes are UTF-8 (RFC 3629: no overlong form, no surrogate, nothing above U+10FFFF).
  public var isUTF8: Bool {
    if isASCII { return true }
    var i = 0
    while i < count {
      guard let n = utf8Length(at: i) else { return false }
      i += n
    }
    return true
  }

  /// Length of the UTF-8 sequence that begins here, nil where none does.
  public func utf8Length(at i: Int) -> Int? {
    let b = self[i]
    if b < 0x80 { return 1 }
    let left = count - i
    func follows(_ k: Int, _ low: UInt8 = 0x80, _ high: UInt8 = 0xbf) -> Bool { k < left && self[i + k] >= low && self[i + k] <= high }
    switch b {
    case 0xc2...0xdf: return follows(1) ? 2 : nil
    case 0xe0: return follows(1, 0xa0) && follows(2) ? 3 : nil
    case 0xed: return follows(1, 0x80, 0x9f) && follows(2) ? 3 : nil
    case 0xe1...0xef: return follows(1) && follows(2) ? 3 : nil
    case 0xf0: return follows(1, 0x90) && follows(2) && follows(3) ? 4 : nil
    case 0xf1...0xf3: return follows(1) && follows(2) && follows(3) ? 4 : nil
    case 0xf4: return follows(1, 0x80, 0x8f) && follows(2) && follows(3) ? 4 : nil
    default: return nil
    }
  }
}

extension [UInt8] {
  /// Appends a character in UTF-8.
  public mutating func append(scalar: Unicode.Scalar) {
    if scalar.value < 0x80 { return append(UInt8(truncatingIfNeeded: scalar.value)) }
    append(contentsOf: Unicode.UTF8.encode(scalar) ?? Unicode.UTF8.encodedReplacementCharacter)
  }
}
