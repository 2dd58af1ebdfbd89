/// A command of `muhur` as the parser, the help and the daemon's access control see it.
public struct CommandDescription: Sendable {
  public enum Count: Sendable { case one, optional, many }

  public struct Word: Sendable {
    public var name: String
    public var count = Count.one
  }

  public struct Option: Sendable {
    /// Without the dashes.
    public var name: String
    /// What stands for the value in the help; nil for a switch.
    public var value: String?
    public var about: String
    public var repeats = false
  }

  public struct Example: Sendable {
    public var line: String
    public var about: String
  }

  /// Where a command is carried out.
  public enum Place: Sendable {
    /// By this process alone.
    case here
    /// On the log: by the daemon behind the socket, or on the folder that `--archive` names.
    case log
  }

  /// What the daemon asks of a caller (design section 12.23).
  public enum Access: Sendable {
    /// The right to query; the question is recorded in a `query` notice.
    case question
    /// The right to query; no notice.
    case view
    /// The right to administer.
    case administration
  }

  public var name: CommandName
  /// One line, for the overview.
  public var summary: String
  public var words: [Word] = []
  public var options: [Option] = []
  /// Paragraphs.
  public var about: [String]
  public var examples: [Example] = []
  /// What the exit codes mean here, where they are more than those of every command.
  public var exits: [(code: Int, meaning: String)] = []
  public var place = Place.log
  public var access: Access
  /// Words that are paths of the caller, to be made absolute before a daemon sees them.
  public var pathOptions: [String] = []
  public var wordsArePaths = false

  public func option(_ name: String) -> Option? { options.first { $0.name == name } }
}

public enum CommandName: String, Sendable, CaseIterable {
  case who, nat, device, table, search, show, days, heads, status, export
  case `import`, explain
  case `init`, seal, copy, reindex, hold, queries, destruction, drill
  case checkConfig = "check-config"
}

/// What every command ends with (design section 6).
public enum ExitCode: Int, Sendable {
  case answered = 0
  /// No answer, or it was refused and nothing was changed.
  case noAnswer = 1
  case usage = 2
  case unproven = 3
  case unreachable = 4
}

/// What the caller did wrong, and what helps.
public struct UsageError: Error, Hashable, CustomStringConvertible {
  public var words: String
  public var hint: String?

  public init(_ words: String, hint: String? = nil) {
    self.words = words
    self.hint = hint
  }

  public var description: String { words }
}
