internal import CLinux
import Glibc
import Record

/// Walks over the members of a JSON object that a record's writer made: finds each member's name and value without
/// making values of them. It judges only what it needs; whoever must know that a line is well formed asks `StrictJSON`.
struct ObjectScanner: ~Escapable {
  private let bytes: Span<UInt8>
  private var at: Int
  private let inArray: Bool

  enum Kind { case string, number, object, array, word }

  struct Value {
    var kind: Kind
    /// The inside of a string (escapes unresolved), the whole text of anything else.
    var range: Range<Int>
  }

  /// - Parameter start: where `{` (or `[`) stands.
  @_lifetime(copy bytes)
  init(_ bytes: Span<UInt8>, at start: Int, array: Bool = false) throws(Malformed) {
    self.bytes = bytes
    inArray = array
    guard start < bytes.count, bytes[start] == (array ? 0x5b : 0x7b) else { throw Malformed(offset: start, field: "an object") }
    at = start + 1
  }

  /// The next member: its name (escapes unresolved) and value; nil behind the last.
  mutating func member() throws(Malformed) -> (name: Range<Int>, value: Value)? {
    guard try separator() else { return nil }
    let name = try string()
    guard at < bytes.count, bytes[at] == 0x3a else { throw fail("a colon") }
    at += 1
    return (name.range, try value())
  }

  /// Where the next member begins like `member`, goes on to `text` behind it, if that is there.
  mutating func skip(_ member: StaticString, to text: StaticString) {
    guard bytes.starts(with: member, at: at), let found = bytes.place(of: text, from: at) else { return }
    at = found
  }

  /// Where the next member or the end stands.
  var place: Int { at }

  /// Goes on behind what was read from here by another scanner.
  mutating func go(to place: Int) { at = place }

  /// Whether an object begins here; the comma before it is passed.
  mutating func beginsObject() -> Bool {
    if at < bytes.count, bytes[at] == 0x2c { at += 1 }
    return at < bytes.count && bytes[at] == 0x7b
  }

  /// The next element of an array.
  mutating func element() throws(Malformed) -> Value? {
    guard try separator() else { return nil }
    return try value()
  }

  /// - Returns: false at the end.
  private mutating func separator() throws(Malformed) -> Bool {
    guard at < bytes.count else { throw fail("the end of an object") }
    if bytes[at] == (inArray ? 0x5d : 0x7d) { return false }
    if bytes[at] == 0x2c { at += 1 }
    return true
  }

  private func fail(_ field: StaticString) -> Malformed { Malformed(offset: at, field: field) }

  private mutating func value() throws(Malformed) -> Value {
    guard at < bytes.count else { throw fail("a value") }
    switch bytes[at] {
    case 0x22: return try string()
    case 0x7b: return Value(kind: .object, range: try nested())
    case 0x5b: return Value(kind: .array, range: try nested())
    case let first:
      let start = at
      while at < bytes.count, bytes[at] != 0x2c, bytes[at] != 0x7d, bytes[at] != 0x5d { at += 1 }
      // Else whoever asks for the next element would be given this nothing for ever.
      guard at > start else { throw fail("a value") }
      return Value(kind: first == 0x2d || first.isDigit ? .number : .word, range: start..<at)
    }
  }

  private mutating func string() throws(Malformed) -> Value {
    guard at < bytes.count, bytes[at] == 0x22 else { throw fail("a string") }
    let start = at + 1
    var from = start
    while let quote = bytes.quote(from: from) {
      // Escaped where an odd number of backslashes stands before it.
      var before = quote
      while before > start, bytes[before - 1] == 0x5c { before -= 1 }
      if (quote - before).isMultiple(of: 2) {
        at = quote + 1
        return Value(kind: .string, range: start..<quote)
      }
      from = quote + 1
    }
    throw fail("the end of a string")
  }

  /// An object or array with all that is in it: brackets are counted outside strings.
  private mutating func nested() throws(Malformed) -> Range<Int> {
    let start = at
    var depth = 0
    while at < bytes.count {
      switch bytes[at] {
      case 0x22:
        _ = try string()
        continue
      case 0x7b, 0x5b: depth += 1
      case 0x7d, 0x5d:
        depth -= 1
        if depth == 0 {
          at += 1
          return start..<at
        }
      default: break
      }
      at += 1
    }
    throw fail("the end of an object")
  }
}

extension ObjectScanner.Value {
  /// The text of a string, else nil.
  func text(in bytes: Span<UInt8>) -> [UInt8]? {
    guard kind == .string else { return nil }
    let text = bytes.extracting(range)
    return text.firstIndex(of: 0x5c) == nil ? text.array : StrictJSON.unescaped(text)
  }

  func integer(in bytes: Span<UInt8>) -> Int? {
    guard kind == .number else { return nil }
    let digits = bytes.extracting(range)
    if digits.count > 1, digits[0] == 0x2d { return digits.extracting(1..<digits.count).decimal.map { -$0 } }
    return digits.decimal
  }

  func isText(_ text: StaticString, in bytes: Span<UInt8>) -> Bool { kind == .string && bytes.extracting(range).equals(text) }
}

extension Span<UInt8> {
  /// Place of the first such text from `start` on.
  fileprivate func place(of text: StaticString, from start: Int) -> Int? {
    guard start < count else { return nil }
    let found = extracting(start..<count).withUnsafeBytes { linux_find($0.baseAddress, $0.count, text.utf8Start, text.utf8CodeUnitCount) }
    return found < 0 ? nil : start + Int(found)
  }

  /// Place of the first `"` from `start` on.
  fileprivate func quote(from start: Int) -> Int? {
    let found = ByteSearch(0x22).first(in: self, from: start)
    return found < count ? found : nil
  }
}
