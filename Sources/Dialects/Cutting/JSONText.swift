import Record

// Text of the json form (RFC 8259): a member's name is the way to it, `winlog.event_data.IpAddress`. The whole text must
// be one object. Lists are read over.

extension ValueTable {
  mutating func cutJSON(_ text: Span<UInt8>, from start: Int, _ reading: CutReading) -> CutFault? {
    var at = start
    skip(text, &at)
    guard at < text.count, text[at] == 0x7b else { return CutFault(at: at, expected: "{") }
    if let fault = member(text, &at, reading, depth: 0, isWanted: true) { return fault }
    skip(text, &at)
    return at == text.count ? nil : CutFault(at: at, expected: "the end")
  }

  private static let maximumDepth = 32

  private func skip(_ text: Span<UInt8>, _ at: inout Int) {
    while at < text.count, text[at].isBlank || text[at] == 0x0a || text[at] == 0x0d { at += 1 }
  }

  /// Reads one value, whose name is `path`.
  private mutating func member(
    _ text: Span<UInt8>, _ at: inout Int, _ reading: CutReading, depth: Int, isWanted: Bool
  ) -> CutFault? {
    guard at < text.count else { return CutFault(at: at, expected: "a value") }
    switch text[at] {
    case 0x7b:
      guard depth < Self.maximumDepth else { return CutFault(at: at, expected: "at most 32 objects inside each other") }
      return object(text, &at, reading, depth: depth, isWanted: isWanted)
    case 0x5b:
      guard depth < Self.maximumDepth else { return CutFault(at: at, expected: "at most 32 lists inside each other") }
      return list(text, &at, reading, depth: depth)
    case 0x22:
      guard let inside = string(text, &at) else { return CutFault(at: at, expected: "the end of a string") }
      let entry = isWanted ? entry(reading) : -1
      if entry >= 0 {
        begin()
        guard appendString(text, inside) else { return CutFault(at: inside.lowerBound, expected: "a string with escapes of JSON") }
        end(entry, reading)
      }
      return nil
    default:
      let begin = at
      while at < text.count, text[at].isLetter || text[at].isDigit || text[at] == 0x2d || text[at] == 0x2b || text[at] == 0x2e { at += 1 }
      let word = text.extracting(begin..<at)
      guard word.count > 0 else { return CutFault(at: begin, expected: "a value") }
      if word.equals("null") { return nil }
      guard word.equals("true") || word.equals("false") || word[0].isDigit || word[0] == 0x2d else {
        return CutFault(at: begin, expected: "a value")
      }
      let entry = isWanted ? entry(reading) : -1
      if entry >= 0 { set(entry, word, reading) }
      return nil
    }
  }

  private func entry(_ reading: CutReading) -> Int {
    // Hashing long ways again for each member would cost the square of their length.
    path.count <= KeyTable.maximumName ? reading.keys.entry(path.span, 0..<path.count) : -1
  }

  private mutating func object(
    _ text: Span<UInt8>, _ at: inout Int, _ reading: CutReading, depth: Int, isWanted: Bool
  ) -> CutFault? {
    at += 1
    skip(text, &at)
    if at < text.count, text[at] == 0x7d {
      at += 1
      return nil
    }
    let length = path.count
    while true {
      skip(text, &at)
      guard at < text.count, text[at] == 0x22, let name = string(text, &at) else { return CutFault(at: at, expected: "a member's name") }
      skip(text, &at)
      guard at < text.count, text[at] == 0x3a else { return CutFault(at: at, expected: ":") }
      at += 1
      skip(text, &at)
      let fits = isWanted && name.count <= KeyTable.maximumName
      if fits {
        if length > 0 { path.append(0x2e) }
        path.append(text.extracting(name))
      }
      if let fault = member(text, &at, reading, depth: depth + 1, isWanted: fits) { return fault }
      path.removeLast(path.count - length)
      skip(text, &at)
      guard at < text.count, text[at] == 0x2c || text[at] == 0x7d else { return CutFault(at: at, expected: ", or }") }
      at += 1
      if text[at - 1] == 0x7d { return nil }
    }
  }

  private mutating func list(_ text: Span<UInt8>, _ at: inout Int, _ reading: CutReading, depth: Int) -> CutFault? {
    at += 1
    skip(text, &at)
    if at < text.count, text[at] == 0x5d {
      at += 1
      return nil
    }
    while true {
      skip(text, &at)
      if let fault = member(text, &at, reading, depth: depth + 1, isWanted: false) { return fault }
      skip(text, &at)
      guard at < text.count, text[at] == 0x2c || text[at] == 0x5d else { return CutFault(at: at, expected: ", or ]") }
      at += 1
      if text[at - 1] == 0x5d { return nil }
    }
  }

  /// The inside of the string that begins here.
  private func string(_ text: Span<UInt8>, _ at: inout Int) -> Range<Int>? {
    var end = at + 1
    while end < text.count, text[end] != 0x22 { end += text[end] == 0x5c ? 2 : 1 }
    guard end < text.count else { return nil }
    defer { at = end + 1 }
    return at + 1..<end
  }

  private mutating func appendString(_ text: Span<UInt8>, _ range: Range<Int>) -> Bool {
    var at = range.lowerBound
    while at < range.upperBound {
      guard text[at] == 0x5c else {
        append(text[at])
        at += 1
        continue
      }
      guard at + 1 < range.upperBound else { return false }
      at += 2
      switch text[at - 1] {
      case 0x22, 0x2f, 0x5c: append(text[at - 1])
      case 0x62: append(0x08)
      case 0x66: append(0x0c)
      case 0x6e: append(0x0a)
      case 0x72: append(0x0d)
      case 0x74: append(0x09)
      case 0x75:
        guard var scalar = unit(text, at, range.upperBound) else { return false }
        at += 4
        if scalar & 0xfc00 == 0xd800 {
          guard at + 1 < range.upperBound, text[at] == 0x5c, text[at + 1] == 0x75, let low = unit(text, at + 2, range.upperBound),
            low & 0xfc00 == 0xdc00
          else { return false }
          scalar = 0x10000 + (scalar & 0x3ff) << 10 + (low & 0x3ff)
          at += 6
        }
        guard let character = Unicode.Scalar(scalar) else { return false }
        appendUTF8(character)
      default: return false
      }
    }
    return true
  }

  private func unit(_ text: Span<UInt8>, _ at: Int, _ end: Int) -> UInt32? {
    guard end - at >= 4 else { return nil }
    var value: UInt32 = 0
    for i in at..<at + 4 {
      guard let digit = text[i].hexValue else { return nil }
      value = value << 4 | UInt32(digit)
    }
    return value
  }

  private mutating func appendUTF8(_ scalar: Unicode.Scalar) {
    let v = scalar.value
    func tail(_ shift: UInt32) -> UInt8 { UInt8(truncatingIfNeeded: v >> shift & 0x3f) | 0x80 }
    switch v {
    case 0..<0x80: append(UInt8(truncatingIfNeeded: v))
    case 0x80..<0x800:
      append(UInt8(truncatingIfNeeded: v >> 6) | 0xc0)
      append(tail(0))
    case 0x800..<0x10000:
      append(UInt8(truncatingIfNeeded: v >> 12) | 0xe0)
      append(tail(6))
      append(tail(0))
    default:
      append(UInt8(truncatingIfNeeded: v >> 18) | 0xf0)
      append(tail(12))
      append(tail(6))
      append(tail(0))
    }
  }
}
