import Archive
import Dialects
import Record

/// Why a command was not carried out.
public struct Refusal: Error, Sendable, CustomStringConvertible {
  public var exit: ExitCode
  public var words: String
  public var hint: String?

  public init(_ exit: ExitCode, _ words: String, hint: String? = nil) {
    self.exit = exit
    self.words = words
    self.hint = hint
  }

  public var description: String { words }
  public var reply: Reply { Reply(exit, words: ["error: " + words] + (hint.map { ["  " + $0] } ?? [])) }

  /// What any error of a command means to its caller: wrong usage is 2; what the system refuses, 4; an archive that is
  /// damaged, 1, since a file that is missing or malformed must not look like wrong usage (design section 6).
  public init(_ error: any Error) {
    switch error {
    case let error as Refusal: self = error
    case let error as UsageError: self.init(.usage, error.words, hint: error.hint)
    case let error as ArchiveError:
      self.init(error.code == nil ? .noAnswer : .unreachable, "\(error)")
    default: self.init(.unreachable, "\(error)")
    }
  }
}

/// What is wrong with a command line of which each option is right.
enum WrongUse {
  static func refusal(_ invocation: Invocation) -> UsageError? {
    if invocation.name == .`import`, let format = invocation.value("format"), FileFormat(rawValue: format) == nil {
      return UsageError(
        "--format: \(Arguments.quoted(format)) is no format", hint: FileFormat.allCases.map(\.rawValue).joined(separator: ", "))
    }
    return (invocation.values["archive"]?.count ?? 0) > 1 ? severalArchives(invocation) : nil
  }

  private static func severalArchives(_ invocation: Invocation) -> UsageError? {
    guard SeveralLogs.commands.contains(invocation.name) else {
      let able = SeveralLogs.commands.map(\.rawValue).joined(separator: ", ")
      return UsageError("\(invocation.name.rawValue) takes one --archive", hint: "several may be given to: \(able)")
    }
    if invocation.has("export") {
      return UsageError("--export takes one archive", hint: "export from each of them: every log has its own seals")
    }
    if invocation.has("index") {
      return UsageError("--index belongs to one archive", hint: "leave it out: the index of each log then lies in the usual place")
    }
    if invocation.has("keys") { return UsageError("--keys is for commands that write") }
    return nil
  }
}
