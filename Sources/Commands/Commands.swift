// Commands: what the product is asked and told to do, the same over the control socket and on a folder.
//
// A command line is read by one table (`Arguments`, `CommandTable`) into an `Invocation`. `Client` has it carried out:
// by this process on a folder (`OfflineLog`), or by the daemon, to which the same command line goes over the socket
// (`ControlChannel`) and is read again by the same table. `Commands.run` answers in JSON; `Rendering` makes the text for
// people out of that JSON alone, in the caller's process.
//
// Always true here:
// - An answer does not depend on who carries the command out; only a daemon adds the notice of who asked, and it adds
//   it before the answer leaves.
// - Nothing that a caller sends is trusted because our program sends it otherwise: the daemon reads, judges and refuses.
// - What came from outside is shown to people with control and bidirectional characters made visible (`visible`).
//
// Start with `CommandTable`, then `Commands.run`.
import Archive
import Record

public enum Commands {
  /// Carries a command out.
  /// - Parameters:
  ///   - caller: who asks through the socket; nil on a folder, where no notice is written.
  ///   - file: the open file of an `import`; stays the caller's.
  ///   - progress: takes lines for people, each replacing the one before.
  public static func run(
    _ invocation: Invocation, on log: any LogAccess, for caller: Caller? = nil, file: CInt? = nil, progress: (String) -> Void = { _ in }
  ) -> Reply {
    do {
      if let refusal = WrongUse.refusal(invocation) { throw refusal }
      let asks = invocation.command.access == .question
      if asks, let caller, caller.requiresCase, (invocation.value("case") ?? "").isEmpty {
        throw UsageError("a question needs a case number here", hint: "--case NO")
      }
      let reply = try withoutActuallyEscaping(progress) { try carryOut(invocation, log, caller, file, $0) }
      if asks, let caller { try note(invocation, caller, reply, log) }
      return reply
    } catch { return Refusal(error).reply }
  }

  /// Reads a request of the socket and says what its caller must be permitted, before anything is done.
  public static func read(_ request: Request) throws(UsageError) -> Invocation {
    guard case .run(let invocation) = try Arguments.read(request.arguments) else { throw UsageError("no command") }
    guard invocation.command.place == .log, !invocation.has("archive"), !invocation.has("index"), !invocation.has("keys") else {
      throw UsageError("this command is not the daemon's")
    }
    return invocation
  }

  static func carryOut(
    _ invocation: Invocation, _ log: any LogAccess, _ caller: Caller?, _ file: CInt?, _ progress: @escaping (String) -> Void
  ) throws -> Reply {
    switch invocation.name {
    case .who where invocation.has("export"): try Export(log: log, caller: caller, progress: progress).who(invocation)
    case .who: try HolderQuestions(log: log, progress: progress).who(invocation)
    case .nat: try HolderQuestions(log: log, progress: progress).nat(invocation)
    case .device: try HolderQuestions(log: log, progress: progress).device(invocation)
    case .table: try HolderQuestions(log: log, progress: progress).table(invocation)
    case .search: try Search(log: log, progress: progress).run(invocation)
    case .show: try Records(log: log).show(invocation)
    case .days: try Days(log: log).days()
    case .heads: try Days(log: log).heads()
    case .status: Reply(.answered, json: try log.status().bytes)
    case .seal: try Administration(log: log, progress: progress).seal(invocation)
    case .copy where invocation.has("check"): try CopyCheck(log: log, progress: progress).run(invocation)
    case .copy: try ArchiveCopy(log: log, caller: caller, progress: progress).run(invocation)
    case .hold: try Hold(log: log, caller: caller, progress: progress).run(invocation)
    case .queries: try Queries(log: log, progress: progress).run(invocation)
    case .destruction: try Destruction(log: log, progress: progress).run(invocation)
    case .drill: try Drill(log: log, caller: caller, progress: progress).run(invocation)
    case .reindex: try Administration(log: log, progress: progress).reindex()
    case .`import`: try ImportFile(log: log, progress: progress).run(invocation, file: file)
    case .export: try Export(log: log, caller: caller, progress: progress).export(invocation)
    case .explain, .`init`, .checkConfig: throw UsageError("\(invocation.name.rawValue) is not carried out on a log")
    }
  }

  /// The `query` notice (design section 12.23), written before the answer leaves: what was asked is recorded, or not answered.
  private static func note(_ invocation: Invocation, _ caller: Caller, _ reply: Reply, _ log: any LogAccess) throws {
    var arguments = invocation.words
    for option in invocation.command.options where option.name != "case" {
      for value in invocation.values[option.name] ?? [] { arguments += ["--" + option.name] + (option.value == nil ? [] : [value]) }
    }
    let members = [
      JSONMember("uid", .integer(Int(caller.uid))), JSONMember("user", .string(caller.user)),
      JSONMember("command", .string(invocation.name.rawValue)), JSONMember("arguments", .array(arguments.map(JSONValue.string))),
    ]
    let end = [JSONMember("answers", .integer(reply.answers))]
    let number = invocation.value("case").map { [JSONMember("case", .string($0))] } ?? []
    do { try log.writing().notice("query", members + number + end) } catch {
      throw Refusal(.unreachable, "the question could not be recorded, so it is not answered: \(error)")
    }
  }
}
