/// A JSON value as contract files have it: integers only, members in the order in which they stand.
public indirect enum JSONValue: Hashable, Sendable {
  case null
  case bool(Bool)
  case integer(Int)
  case string(String)
  case array([JSONValue])
  case object([JSONMember])

  public subscript(name: String) -> JSONValue? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.name == name }?.value
  }

  public var string: String? { if case .string(let s) = self { s } else { nil } }
  public var integer: Int? { if case .integer(let i) = self { i } else { nil } }
  public var bool: Bool? { if case .bool(let b) = self { b } else { nil } }
  public var array: [JSONValue]? { if case .array(let a) = self { a } else { nil } }
  public var object: [JSONMember]? { if case .object(let o) = self { o } else { nil } }
  public var isNull: Bool { self == .null }

  /// Text in the one permitted form.
  public var bytes: [UInt8] {
    var out: [UInt8] = []
    write(into: &out)
    return out
  }

  public var text: String { String(decoding: bytes, as: UTF8.self) }

  public func write(into out: inout [UInt8]) {
    switch self {
    case .null: out.append("null")
    case .bool(let b): out.append(b ? "true" : "false")
    case .integer(let i): out.append(decimal: i)
    case .string(let s): out.append(jsonString: s)
    case .array(let values):
      out.append(0x5b)
      for (i, value) in values.enumerated() {
        if i > 0 { out.append(0x2c) }
        value.write(into: &out)
      }
      out.append(0x5d)
    case .object(let members):
      out.append(0x7b)
      for (i, member) in members.enumerated() {
        if i > 0 { out.append(0x2c) }
        out.append(jsonString: member.name)
        out.append(0x3a)
        member.value.write(into: &out)
      }
      out.append(0x7d)
    }
  }
}

public struct JSONMember: Hashable, Sendable {
  public var name: String
  public var value: JSONValue

  public init(_ name: String, _ value: JSONValue) {
    self.name = name
    self.value = value
  }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral,
  ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
  public init(stringLiteral value: String) { self = .string(value) }
  public init(integerLiteral value: Int) { self = .integer(value) }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
  public init(dictionaryLiteral elements: (String, JSONValue)...) { self = .object(elements.map(JSONMember.init)) }
  public init(nilLiteral: ()) { self = .null }
  /// null where there is nothing.
  public init(_ text: String?) { self = text.map(JSONValue.string) ?? .null }
}

/// Reads the one permitted form of JSON (design sections 3 and 12.2) and calls everything else malformed: white space,
/// needless or upper-case escapes, fractions, exponents, -0, integers beyond 64 bits, duplicate keys, invalid UTF-8,
/// nesting deeper than 32. What it accepts is exactly what writing the value again would give.
public enum StrictJSON {
  /// Bytes of a record's line, its LF not counted.
  public static let maximumLine = 1 << 20
  public static let maximumDepth = 32

  /// One object and nothing else.
  /// - Parameter limit: more bytes are refused; another than a line's only for texts of our own making.
  public static func object(_ line: Span<UInt8>, limit: Int = maximumLine) throws(Malformed) -> JSONValue {
    guard line.count <= limit else { throw Malformed(offset: limit, field: "line over 1 MiB") }
    var scanner = Scanner(bytes: line, keep: true)
    return try scanner.whole()
  }

  /// The same judgement without making values: allocates nothing for objects of up to 16 members.
  public static func check(_ line: Span<UInt8>) throws(Malformed) {
    guard line.count <= maximumLine else { throw Malformed(offset: maximumLine, field: "line over 1 MiB") }
    var scanner = Scanner(bytes: line, keep: false)
    _ = try scanner.whole()
  }

  /// A contract file: one object and one LF (design section 12.1).
  /// - Parameter limit: of the object; a bundle's may be longer than a line.
  public static func file(_ bytes: Span<UInt8>, limit: Int = maximumLine) throws(Malformed) -> JSONValue {
    guard bytes.count > 0, bytes[bytes.count - 1] == 0x0a else { throw Malformed(offset: bytes.count, field: "LF at the end") }
    return try object(bytes.extracting(0..<bytes.count - 1), limit: limit)
  }
}

private struct Scanner: ~Escapable {
  let bytes: Span<UInt8>
  let keep: Bool
  var at = 0

  @_lifetime(copy bytes)
  init(bytes: Span<UInt8>, keep: Bool) {
    self.bytes = bytes
    self.keep = keep
  }

  func fail(_ field: StaticString) -> Malformed { Malformed(offset: at, field: field) }
  var next: UInt8? { at < bytes.count ? bytes[at] : nil }

  mutating func whole() throws(Malformed) -> JSONValue {
    guard next == 0x7b else { throw fail("an object") }
    let value = try object(depth: 0)
    guard at == bytes.count else { throw fail("the end") }
    return value
  }

  mutating func expect(_ text: StaticString) throws(Malformed) {
    guard bytes.starts(with: text, at: at) else { throw fail("a JSON value") }
    at += text.utf8CodeUnitCount
  }

  mutating func value(depth: Int) throws(Malformed) -> JSONValue {
    switch next {
    case 0x22?:
      let text = try string()
      return keep ? .string(decoded(text)) : .null
    case 0x7b?: return try object(depth: depth + 1)
    case 0x5b?: return try array(depth: depth + 1)
    case 0x74?:
      try expect("true")
      return .bool(true)
    case 0x66?:
      try expect("false")
      return .bool(false)
    case 0x6e?:
      try expect("null")
      return .null
    default: return .integer(try integer())
    }
  }

  mutating func integer() throws(Malformed) -> Int {
    let negative = next == 0x2d
    if negative { at += 1 }
    let start = at
    var magnitude: UInt64 = 0
    while let b = next, b.isDigit {
      let (scaled, over) = magnitude.multipliedReportingOverflow(by: 10)
      let (sum, over2) = scaled.addingReportingOverflow(UInt64(b &- 0x30))
      guard !over, !over2 else { throw fail("an integer of 64 bits") }
      magnitude = sum
      at += 1
    }
    guard at > start else { throw fail("a JSON value") }
    if bytes[start] == 0x30, at - start > 1 || negative { throw fail("an integer without leading zero") }
    if let b = next, b == 0x2e || b | 0x20 == 0x65 { throw fail("an integer without fraction or exponent") }
    if negative {
      guard magnitude <= UInt64(Int.max) + 1 else { throw fail("an integer of 64 bits") }
      return Int(truncatingIfNeeded: 0 &- magnitude)
    }
    guard magnitude <= UInt64(Int.max) else { throw fail("an integer of 64 bits") }
    return Int(magnitude)
  }

  /// The range between the quotes, escapes checked but not resolved.
  mutating func string() throws(Malformed) -> Range<Int> {
    at += 1
    let start = at
    while at < bytes.count {
      let b = bytes[at]
      if b == 0x22 {
        at += 1
        return start..<at - 1
      }
      if b == 0x5c {
        try escape()
      } else if b >= 0x80 {
        guard let n = bytes.utf8Length(at: at) else { throw fail("UTF-8") }
        at += n
      } else {
        guard b >= 0x20 else { throw fail("an escaped control character") }
        at += 1
      }
    }
    throw fail("the end of a string")
  }

  private mutating func escape() throws(Malformed) {
    guard at + 1 < bytes.count else { throw fail("an escape") }
    switch bytes[at + 1] {
    case 0x22, 0x5c, 0x62, 0x66, 0x6e, 0x72, 0x74: at += 2
    case 0x75:
      guard at + 6 <= bytes.count, bytes[at + 2] == 0x30, bytes[at + 3] == 0x30, let high = bytes[at + 4].hexValue, high <= 1,
        let low = bytes[at + 5].hexValue, bytes[at + 5] < 0x41 || bytes[at + 5] > 0x46
      else { throw fail("a permitted escape") }
      let code = high << 4 | low
      guard code != 8, code != 9, code != 10, code != 12, code != 13 else { throw fail("the short escape") }
      at += 6
    default: throw fail("a permitted escape")
    }
  }

  func decoded(_ range: Range<Int>) -> String {
    let text = bytes.extracting(range)
    guard text.firstIndex(of: 0x5c) != nil else { return text.string }
    return String(decoding: StrictJSON.unescaped(text), as: UTF8.self)
  }

  mutating func array(depth: Int) throws(Malformed) -> JSONValue {
    guard depth <= StrictJSON.maximumDepth else { throw fail("nesting of at most 32") }
    at += 1
    var values: [JSONValue] = []
    if next == 0x5d {
      at += 1
      return .array([])
    }
    while true {
      let v = try value(depth: depth)
      if keep { values.append(v) }
      guard let b = next else { throw fail("the end of an array") }
      at += 1
      if b == 0x5d { return .array(values) }
      guard b == 0x2c else {
        at -= 1
        throw fail("a comma")
      }
    }
  }

  mutating func object(depth: Int) throws(Malformed) -> JSONValue {
    guard depth <= StrictJSON.maximumDepth else { throw fail("nesting of at most 32") }
    at += 1
    var members: [JSONMember] = []
    if next == 0x7d {
      at += 1
      return .object([])
    }
    // The permitted form of a key is unique, so keys are equal where their bytes are. A few are compared one by one;
    // an object of many goes into a set, or hostile input would cost the square of its length.
    var few = InlineArray<16, Range<Int>>(repeating: 0..<0)
    var count = 0
    var many: Set<[UInt8]> = []
    while true {
      guard next == 0x22 else { throw fail("a key") }
      let key = try string()
      let name = bytes.extracting(key)
      if count < few.count {
        for i in 0..<count where bytes.extracting(few[i]).equals(name) { throw fail("a key that is not there yet") }
        few[count] = key
      } else {
        if count == few.count { for i in few.indices { many.insert(bytes.extracting(few[i]).array) } }
        guard many.insert(name.array).inserted else { throw fail("a key that is not there yet") }
      }
      count += 1
      guard next == 0x3a else { throw fail("a colon") }
      at += 1
      let v = try value(depth: depth)
      if keep { members.append(JSONMember(decoded(key), v)) }
      guard let b = next else { throw fail("the end of an object") }
      at += 1
      if b == 0x7d { return .object(members) }
      guard b == 0x2c else {
        at -= 1
        throw fail("a comma")
      }
    }
  }
}

extension StrictJSON {
  /// The text of a checked string's inside, its escapes resolved.
  public static func unescaped(_ text: Span<UInt8>) -> [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(text.count)
    var i = 0
    while i < text.count {
      guard text[i] == 0x5c, i + 1 < text.count else {
        out.append(text[i])
        i += 1
        continue
      }
      switch text[i + 1] {
      case 0x62: out.append(0x08)
      case 0x66: out.append(0x0c)
      case 0x6e: out.append(0x0a)
      case 0x72: out.append(0x0d)
      case 0x74: out.append(0x09)
      case 0x75:
        if i + 5 < text.count, let high = text[i + 4].hexValue, let low = text[i + 5].hexValue { out.append(high << 4 | low) }
        i += 4
      default: out.append(text[i + 1])
      }
      i += 2
    }
    return out
  }
}
