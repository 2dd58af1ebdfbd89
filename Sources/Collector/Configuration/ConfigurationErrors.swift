import Record

/// Something in the configuration, or in a dialect file that it names, that is wrong.
public struct ConfigurationFault: Error, Sendable, Equatable, CustomStringConvertible {
  public var file: String
  /// From 1; 0 for the file as a whole.
  public var line: Int
  /// `devices[0].clock`; empty for the file as a whole.
  public var path: String
  /// What is wrong, and what would be right.
  public var what: String

  public init(file: String, line: Int = 0, path: String = "", what: String) {
    self.file = file
    self.line = line
    self.path = path
    self.what = what
  }

  init(file: String, _ error: JSON5Error) { self.init(file: file, line: error.line, path: error.path, what: error.what) }

  public var description: String { (line > 0 ? "\(file):\(line): " : "\(file): ") + (path.isEmpty ? what : "\(path): \(what)") }

  public var json: JSONValue {
    .object([
      JSONMember("file", .string(file)), JSONMember("line", line > 0 ? .integer(line) : .null), JSONMember("path", .string(path)),
      JSONMember("what", .string(what)),
    ])
  }
}

/// Everything that is wrong with a configuration, in the order of the file: whoever corrects it does so once.
public struct ConfigurationErrors: Error, Sendable, Equatable, CustomStringConvertible {
  /// At least one.
  public var faults: [ConfigurationFault]
  /// 2: the file is wrong; 4: it cannot be read.
  public var exitCode: Int32 = 2

  public var text: String { faults.map(\.description).joined(separator: "\n") }
  public var description: String { text }
  /// The answer of `check-config --json`.
  public var json: JSONValue { .object([JSONMember("result", "wrong"), JSONMember("errors", .array(faults.map(\.json)))]) }
}
