/// What people write by hand, configuration and dialects, is JSON5 (json5.org): JSON with comments, trailing commas,
/// keys without quotes, single quotes, hexadecimal numbers and continued lines. Every value knows where it stands, so
/// that whatever is wrong with it later can be said with line and key path.
public enum JSON5 {
  /// Bytes of a file.
  public static let maximumBytes = 1 << 20
  /// Objects and arrays inside each other.
  public static let maximumDepth = 64

  /// The one value in these bytes.
  /// - Throws: the first error: syntax, a repeated key, bytes that are not UTF-8, or a limit.
  public static func read(_ bytes: Span<UInt8>) throws(JSON5Error) -> JSON5Node {
    var reader = JSON5Reader(bytes)
    return try reader.whole()
  }

  public static func read(_ text: String) throws(JSON5Error) -> JSON5Node { try read(Array(text.utf8).span) }
}

/// What is wrong with a file, and where.
public struct JSON5Error: Error, Equatable, Sendable, CustomStringConvertible {
  /// From 1.
  public var line: Int
  /// Bytes from the start of the line, from 1.
  public var column: Int
  /// `devices[0].clock`; empty for the file as a whole.
  public var path: String
  public var what: String

  public init(line: Int, column: Int, path: String, what: String) {
    self.line = line
    self.column = column
    self.path = path
    self.what = what
  }

  public var description: String { path.isEmpty ? "line \(line): \(what)" : "line \(line): \(path): \(what)" }
}

/// A value and where it stands.
public struct JSON5Node: Sendable {
  public var value: JSON5Value
  public var place: JSON5Path
  /// From 1.
  public var line: Int
  /// Bytes from the start of the line, from 1.
  public var column: Int

  /// `devices[0].clock`; empty for the whole file.
  public var path: String { place.description }

  /// What is wrong with this value, for throwing or collecting.
  public func error(_ what: String) -> JSON5Error { JSON5Error(line: line, column: column, path: path, what: what) }
}

public enum JSON5Value: Sendable {
  case null
  case bool(Bool)
  /// Decimal or hexadecimal, without fraction and exponent.
  case integer(Int)
  case number(Double)
  case string(String)
  case array([JSON5Node])
  /// In the order in which they stand; no name twice.
  case object([JSON5Member])

  /// What it is, in words: "a string".
  public var kind: String {
    switch self {
    case .null: "null"
    case .bool: "true or false"
    case .integer: "an integer"
    case .number: "a number"
    case .string: "a string"
    case .array: "a list"
    case .object: "an object"
    }
  }
}

public struct JSON5Member: Sendable {
  public var name: String
  /// Where the name stands.
  public var line: Int
  public var column: Int
  public var node: JSON5Node
}

/// The way from the whole file to a value. A chain and not a text: a long key with many values behind it would
/// otherwise cost their product.
public indirect enum JSON5Path: Sendable, CustomStringConvertible {
  case root
  case member(JSON5Path, String)
  case element(JSON5Path, Int)

  public var description: String {
    switch self {
    case .root: ""
    case .member(.root, let name): name
    case .member(let parent, let name): "\(parent).\(name)"
    case .element(let parent, let index): "\(parent)[\(index)]"
    }
  }
}

// Walking a tree with what is wrong said in one place.
extension JSON5Node {
  /// A member of an object; nil where there is none or this is no object.
  public subscript(name: String) -> JSON5Node? {
    guard case .object(let members) = value else { return nil }
    return members.first { $0.name == name }?.node
  }

  public func string() throws(JSON5Error) -> String {
    guard case .string(let text) = value else { throw expected("a string") }
    return text
  }

  public func integer(in range: ClosedRange<Int> = .min ... .max) throws(JSON5Error) -> Int {
    guard case .integer(let number) = value else { throw expected("an integer") }
    guard range.contains(number) else { throw error("expected a number from \(range.lowerBound) to \(range.upperBound), found \(number)") }
    return number
  }

  public func bool() throws(JSON5Error) -> Bool {
    guard case .bool(let truth) = value else { throw expected("true or false") }
    return truth
  }

  public func elements() throws(JSON5Error) -> [JSON5Node] {
    guard case .array(let nodes) = value else { throw expected("a list") }
    return nodes
  }

  public func members() throws(JSON5Error) -> [JSON5Member] {
    guard case .object(let members) = value else { throw expected("an object") }
    return members
  }

  /// The member of that name, which must be there.
  public func member(_ name: String) throws(JSON5Error) -> JSON5Node {
    _ = try members()
    guard let node = self[name] else { throw error("has no \(name)") }
    return node
  }

  /// The members that have none of these names, as errors.
  public func unknownMembers(besides known: [String]) -> [JSON5Error] {
    guard case .object(let members) = value else { return [] }
    return members.filter { !known.contains($0.name) }.map { member in
      let names = known.joined(separator: ", ")
      return JSON5Error(line: member.line, column: member.column, path: member.node.path, what: "unknown key; known are \(names)")
    }
  }

  public func expected(_ what: String) -> JSON5Error { error("expected \(what), found \(value.kind)") }

  /// The same value in the form of records; nil where it holds a number that is no integer.
  public var json: JSONValue? {
    switch value {
    case .null: return .null
    case .bool(let truth): return .bool(truth)
    case .integer(let number): return .integer(number)
    case .number: return nil
    case .string(let text): return .string(text)
    case .array(let nodes):
      var values: [JSONValue] = []
      for node in nodes {
        guard let value = node.json else { return nil }
        values.append(value)
      }
      return .array(values)
    case .object(let members):
      var values: [JSONMember] = []
      for member in members {
        guard let value = member.node.json else { return nil }
        values.append(JSONMember(member.name, value))
      }
      return .object(values)
    }
  }
}
