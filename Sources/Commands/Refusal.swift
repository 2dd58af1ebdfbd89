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

/// Commands and options that are part of the contract and are not there yet. They are refused by name: a question must
/// not look answered, nor an order carried out.
enum NotYet {
  static func refusal(_ invocation: Invocation) -> UsageError? {
    switch invocation.name {
    case .`import`:
      guard let format = invocation.value("format"), FileFormat(rawValue: format) == nil else { return nil }
      return UsageError(
        "--format: \(Arguments.quoted(format)) is no format", hint: FileFormat.allCases.map(\.rawValue).joined(separator: ", "))
    default: break
    }
    return (invocation.values["archive"]?.count ?? 0) > 1 ? of("asking several archives at once") : nil
  }

  private static func of(_ what: String) -> UsageError {
    UsageError("\(what) is not there yet", hint: "this release (\(Release.version)) does not have it")
  }
}
