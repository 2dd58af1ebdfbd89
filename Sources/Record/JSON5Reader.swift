/// Reads JSON5 from front to back. Nothing here is quadratic: every byte is looked at a fixed number of times.
struct JSON5Reader: ~Escapable {
  private let bytes: Span<UInt8>
  private var at = 0
  private var line = 1
  private var lineStart = 0

  @_lifetime(copy bytes)
  init(_ bytes: Span<UInt8>) { self.bytes = bytes }

  mutating func whole() throws(JSON5Error) -> JSON5Node {
    guard bytes.count <= JSON5.maximumBytes else { throw fail("a file of at most \(JSON5.maximumBytes) bytes", .root) }
    try checkUTF8()
    try skip(.root)
    guard at < bytes.count else { throw fail("a value", .root) }
    let node = try value(.root, depth: 0)
    try skip(.root)
    guard at == bytes.count else { throw fail("nothing behind the value", .root) }
    return node
  }

  private func checkUTF8() throws(JSON5Error) {
    var i = 0
    var lines = 1
    var start = 0
    while i < bytes.count {
      guard let n = bytes.utf8Length(at: i) else {
        throw JSON5Error(line: lines, column: i - start + 1, path: "", what: "expected UTF-8, found byte 0x" + Hex.text([bytes[i]]))
      }
      // CR LF is one end of line, a lone CR another (old editors).
      if bytes[i] == 0x0a || bytes[i] == 0x0d && !(i + 1 < bytes.count && bytes[i + 1] == 0x0a) {
        lines += 1
        start = i + 1
      }
      i += n
    }
  }

  // MARK: - Where we are

  private var next: UInt8? { at < bytes.count ? bytes[at] : nil }
  private func byte(_ ahead: Int) -> UInt8? { ahead < bytes.count - at ? bytes[at + ahead] : nil }
  private var column: Int { at - lineStart + 1 }

  private func wrong(_ what: String, _ place: JSON5Path) -> JSON5Error {
    JSON5Error(line: line, column: column, path: place.description, what: what)
  }

  private func fail(_ expected: String, _ place: JSON5Path) -> JSON5Error {
    guard let n = at < bytes.count ? bytes.utf8Length(at: at) : nil else {
      return wrong("expected \(expected), found the end of the file", place)
    }
    let found = bytes[at] < 0x20 ? "a control character" : "\"" + bytes.extracting(at..<at + n).string + "\""
    return wrong("expected \(expected), found \(bytes[at] == 0x0a || bytes[at] == 0x0d ? "the end of the line" : found)", place)
  }

  /// Steps over one character and counts lines.
  private mutating func step() {
    guard at < bytes.count else { return }
    let b = bytes[at]
    if b == 0x0d, byte(1) == 0x0a { at += 1 }
    at += b < 0x80 ? 1 : bytes.utf8Length(at: at) ?? 1
    if b == 0x0a || b == 0x0d {
      line += 1
      lineStart = at
    }
  }

  /// The character here and its length; the bytes were checked.
  private func scalar() -> (scalar: Unicode.Scalar, length: Int)? {
    guard at < bytes.count, let n = bytes.utf8Length(at: at) else { return nil }
    var value = UInt32(bytes[at])
    if n > 1 {
      value &= n == 2 ? 0x1f : n == 3 ? 0x0f : 0x07
      for i in 1..<n { value = value << 6 | UInt32(bytes[at + i] & 0x3f) }
    }
    return Unicode.Scalar(value).map { ($0, n) }
  }

  // MARK: - White space and comments

  private mutating func skip(_ place: JSON5Path) throws(JSON5Error) {
    while let b = next {
      switch b {
      case 0x09...0x0d, 0x20: step()
      case 0x2f:
        if byte(1) == 0x2f {
          while let c = next, c != 0x0a, c != 0x0d { at += 1 }
        } else if byte(1) == 0x2a {
          let (startLine, startColumn) = (line, column)
          at += 2
          while next != nil, !(next == 0x2a && byte(1) == 0x2f) { step() }
          guard next != nil else {
            throw JSON5Error(
              line: startLine, column: startColumn, path: place.description,
              what: "expected */ at the end of this comment, found the end of the file")
          }
          at += 2
        } else {
          throw fail("a value or a comment", place)
        }
      case 0x80...:
        // json5.org section 8: the byte order mark and every space of Unicode.
        guard let (s, n) = scalar(),
          s == "\u{feff}" || s == "\u{2028}" || s == "\u{2029}" || s.properties.generalCategory == .spaceSeparator
        else { return }
        at += n
      default: return
      }
    }
  }

  // MARK: - Values

  private mutating func value(_ place: JSON5Path, depth: Int) throws(JSON5Error) -> JSON5Node {
    let (line, column) = (line, column)
    let value: JSON5Value
    switch next {
    case 0x7b?: value = .object(try object(place, depth: depth + 1))
    case 0x5b?: value = .array(try array(place, depth: depth + 1))
    case 0x22?, 0x27?: value = .string(try string(place))
    case let b? where b.isDigit || b == 0x2b || b == 0x2d || b == 0x2e: value = try number(place)
    case let b? where b.isLetter: value = try word(place)
    default: throw fail("a value", place)
    }
    return JSON5Node(value: value, place: place, line: line, column: column)
  }

  private mutating func word(_ place: JSON5Path) throws(JSON5Error) -> JSON5Value {
    let start = at
    let (line, column) = (line, column)
    while let b = next, b.isLetter || b.isDigit || b == 0x5f { at += 1 }
    let text = bytes.extracting(start..<at)
    if text.equals("true") { return .bool(true) }
    if text.equals("false") { return .bool(false) }
    if text.equals("null") { return .null }
    if text.equals("Infinity") { return .number(.infinity) }
    if text.equals("NaN") { return .number(.nan) }
    throw JSON5Error(
      line: line, column: column, path: place.description,
      what: "expected a value, found \(text.extracting(0..<min(text.count, 40)).string); text needs quotes")
  }

  private mutating func number(_ place: JSON5Path) throws(JSON5Error) -> JSON5Value {
    let negative = next == 0x2d
    if negative || next == 0x2b { at += 1 }
    if bytes.starts(with: "Infinity", at: at) || bytes.starts(with: "NaN", at: at) {
      guard case .number(let n) = try word(place) else { throw fail("a number", place) }
      return .number(negative ? -n : n)
    }
    if next == 0x30, let x = byte(1), x | 0x20 == 0x78 {
      at += 2
      return .integer(try integer(radix: 16, negative: negative, place))
    }
    let start = at
    var fraction = false
    while let b = next {
      if b.isDigit {
        at += 1
      } else if b == 0x2e {
        fraction = true
        at += 1
      } else if b | 0x20 == 0x65 {
        fraction = true
        at += 1
        if next == 0x2b || next == 0x2d { at += 1 }
      } else {
        break
      }
      guard at - start <= 100 else { throw fail("a number of at most 100 digits", place) }
    }
    if at - start > 1, bytes[start] == 0x30, bytes[start + 1].isDigit {
      at = start
      throw wrong("expected a number without leading zeros", place)
    }
    if !fraction {
      at = start
      return .integer(try integer(radix: 10, negative: negative, place))
    }
    // JSON5 allows what Swift's reader does not: a point at either end.
    var text = bytes.extracting(start..<at).string
    if text.hasPrefix(".") { text = "0" + text }
    if text.hasSuffix(".") { text += "0" }
    if let point = text.firstIndex(of: "."), let after = text[point...].dropFirst().first, !after.isNumber {
      text.insert("0", at: text.index(after: point))
    }
    guard text.utf8.first != 0x2e, bytes[start].isDigit || byteIsDigit(start + 1), let n = Double(text) else {
      at = start
      throw fail("a number", place)
    }
    try endOfNumber(place)
    return .number(negative ? -n : n)
  }

  private func byteIsDigit(_ i: Int) -> Bool { i < bytes.count && bytes[i].isDigit }

  private mutating func integer(radix: Int, negative: Bool, _ place: JSON5Path) throws(JSON5Error) -> Int {
    var value = 0
    let start = at
    while let b = next, let digit = b.hexValue, digit < radix {
      let (scaled, over) = value.multipliedReportingOverflow(by: radix)
      let (sum, over2) = negative ? scaled.subtractingReportingOverflow(Int(digit)) : scaled.addingReportingOverflow(Int(digit))
      guard !over, !over2 else { throw wrong("expected a number of 64 bits", place) }
      value = sum
      at += 1
    }
    guard at > start else { throw fail("a digit", place) }
    try endOfNumber(place)
    return value
  }

  private func endOfNumber(_ place: JSON5Path) throws(JSON5Error) {
    if let b = next, b.isLetter || b.isDigit || b == 0x5f || b == 0x2e { throw fail("the end of the number; text needs quotes", place) }
  }

  private mutating func array(_ place: JSON5Path, depth: Int) throws(JSON5Error) -> [JSON5Node] {
    guard depth <= JSON5.maximumDepth else { throw wrong("expected at most \(JSON5.maximumDepth) levels of nesting", place) }
    let (startLine, startColumn) = (line, column)
    at += 1
    var nodes: [JSON5Node] = []
    while true {
      try skip(place)
      if next == 0x5d { break }
      guard next != nil else { throw unclosed("]", startLine, startColumn, place) }
      nodes.append(try value(.element(place, nodes.count), depth: depth))
      try skip(place)
      if next == 0x5d { break }
      guard next != nil else { throw unclosed("]", startLine, startColumn, place) }
      guard next == 0x2c else { throw fail("a comma or ]", place) }
      at += 1
    }
    at += 1
    return nodes
  }

  private mutating func object(_ place: JSON5Path, depth: Int) throws(JSON5Error) -> [JSON5Member] {
    guard depth <= JSON5.maximumDepth else { throw wrong("expected at most \(JSON5.maximumDepth) levels of nesting", place) }
    let (startLine, startColumn) = (line, column)
    at += 1
    var members: [JSON5Member] = []
    // Bytes and not String: to String, composed and decomposed letters are equal.
    var lines: [[UInt8]: Int] = [:]
    while true {
      try skip(place)
      if next == 0x7d { break }
      guard next != nil else { throw unclosed("}", startLine, startColumn, place) }
      let (keyLine, keyColumn) = (line, column)
      let name = next == 0x22 || next == 0x27 ? try string(place) : try identifier(place)
      let inner = JSON5Path.member(place, name)
      if let first = lines.updateValue(keyLine, forKey: Array(name.utf8)) {
        throw JSON5Error(line: keyLine, column: keyColumn, path: inner.description, what: "this key stands in line \(first) already")
      }
      try skip(inner)
      guard next == 0x3a else { throw fail("a colon", inner) }
      at += 1
      try skip(inner)
      let node = try value(inner, depth: depth)
      members.append(JSON5Member(name: name, line: keyLine, column: keyColumn, node: node))
      try skip(place)
      if next == 0x7d { break }
      guard next != nil else { throw unclosed("}", startLine, startColumn, place) }
      guard next == 0x2c else { throw fail("a comma or }", inner) }
      at += 1
    }
    at += 1
    return members
  }

  private func unclosed(_ closing: String, _ line: Int, _ column: Int, _ place: JSON5Path) -> JSON5Error {
    let what = closing == "}" ? "object" : "list"
    return JSON5Error(
      line: line, column: column, path: place.description, what: "expected \(closing) at the end of this \(what), found the end of the file"
    )
  }

  // MARK: - Text

  /// A key without quotes: letters, digits, `_` and `$` (ECMAScript 5.1 section 7.6, escapes included).
  private mutating func identifier(_ place: JSON5Path) throws(JSON5Error) -> String {
    var out: [UInt8] = []
    while let (s, n) = scalar() {
      if s == "\\" {
        at += 1
        guard next == 0x75 else { throw fail("u", place) }
        at += 1
        let unit = try hexDigits(4, place)
        guard let letter = Unicode.Scalar(unit), letter.properties.isAlphabetic else { throw wrong("expected a letter", place) }
        out.append(scalar: letter)
        continue
      }
      let letter = s == "_" || s == "$" || s.properties.isAlphabetic
      let digit = s.isASCII ? UInt8(truncatingIfNeeded: s.value).isDigit : s.properties.generalCategory == .decimalNumber
      guard letter || digit && !out.isEmpty else { break }
      out.append(scalar: s)
      at += n
    }
    guard !out.isEmpty else { throw fail("a key", place) }
    return String(decoding: out, as: UTF8.self)
  }

  private mutating func string(_ place: JSON5Path) throws(JSON5Error) -> String {
    let quote = bytes[at]
    let (startLine, startColumn) = (line, column)
    at += 1
    var out: [UInt8] = []
    while let b = next {
      if b == quote {
        at += 1
        return String(decoding: out, as: UTF8.self)
      }
      switch b {
      case 0x0a, 0x0d: throw fail("the closing quote of the text", place)
      case 0x5c:
        at += 1
        try escape(into: &out, place)
      default:
        out.append(b)
        at += 1
      }
    }
    throw JSON5Error(
      line: startLine, column: startColumn, path: place.description,
      what: "expected the closing quote of this text, found the end of the file")
  }

  private mutating func escape(into out: inout [UInt8], _ place: JSON5Path) throws(JSON5Error) {
    guard let b = next else { throw fail("the rest of the escape", place) }
    switch b {
    case 0x62: out.append(0x08)
    case 0x66: out.append(0x0c)
    case 0x6e: out.append(0x0a)
    case 0x72: out.append(0x0d)
    case 0x74: out.append(0x09)
    case 0x76: out.append(0x0b)
    case 0x30:
      if let d = byte(1), d.isDigit { throw fail("an escape (there are no octal ones)", place) }
      out.append(0x00)
    case 0x31...0x39: throw fail("an escape (there are no octal ones)", place)
    case 0x0a, 0x0d:
      step()
      return
    case 0x78:
      at += 1
      guard let s = Unicode.Scalar(try hexDigits(2, place)) else { throw wrong("expected a character", place) }
      out.append(scalar: s)
      return
    case 0x75:
      at += 1
      var unit = try hexDigits(4, place)
      if (0xd800...0xdbff).contains(unit), next == 0x5c, byte(1) == 0x75 {
        at += 2
        let low = try hexDigits(4, place)
        guard (0xdc00...0xdfff).contains(low) else { throw wrong("expected the second half of a surrogate pair", place) }
        unit = 0x10000 + (unit - 0xd800) << 10 + (low - 0xdc00)
      }
      guard let s = Unicode.Scalar(unit) else { throw wrong("expected a character, found half a surrogate pair", place) }
      out.append(scalar: s)
      return
    default:
      guard let (s, n) = scalar() else { throw fail("an escape", place) }
      // A continued line may also end in one of Unicode's own line ends.
      if s != "\u{2028}", s != "\u{2029}" { out.append(scalar: s) }
      at += n
      return
    }
    at += 1
  }

  private mutating func hexDigits(_ count: Int, _ place: JSON5Path) throws(JSON5Error) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<count {
      guard let b = next, let digit = b.hexValue else { throw fail("a hexadecimal digit", place) }
      value = value << 4 | UInt32(digit)
      at += 1
    }
    return value
  }
}
