import Archive
import Glibc
import Record

/// The program `muhur`: reads the command line, has the command carried out where it belongs, prints.
public struct Client {
  /// What needs the daemon's configuration, which this target does not know: the program gives it.
  public struct Local {
    /// Reads and judges a configuration; nil means the usual one.
    public var checkConfiguration: (_ path: String?) -> Reply
    public var explain: (_ invocation: Invocation, _ give: ([UInt8]) -> Bool) -> Reply

    /// Opens an archive that no daemon holds, to write it: the collector without its sources.
    public var openForWriting: OpenForWriting
    /// Where it does not seal, it needs no keys.
    public typealias OpenForWriting = (
      _ archive: String, _ keys: String?, _ seals: Bool, _ progress: @escaping @Sendable (String) -> Void
    ) throws -> OpenedLog

    public init(
      checkConfiguration: @escaping (String?) -> Reply, explain: @escaping (Invocation, (_ line: [UInt8]) -> Bool) -> Reply,
      openForWriting: @escaping OpenForWriting
    ) {
      self.checkConfiguration = checkConfiguration
      self.explain = explain
      self.openForWriting = openForWriting
    }
  }

  /// A log that this process writes.
  public struct OpenedLog {
    public var log: any LogAccess
    /// Ends it: what was written is safe, and sealed where there are keys.
    /// - Returns: an exit code.
    public var close: () -> Int32

    public init(log: any LogAccess, close: @escaping () -> Int32) {
      self.log = log
      self.close = close
    }
  }

  private let terminal = Terminal(program: "muhur")
  private let local: Local

  public init(local: Local) { self.local = local }

  /// - Parameter arguments: without the program's name.
  /// - Returns: the exit code.
  public func run(_ arguments: [String]) -> Int32 {
    do throws(UsageError) {
      if arguments.isEmpty {
        _ = terminal.write(Array(Help.overview.utf8), to: 2)
        return 2
      }
      switch try Arguments.read(arguments) {
      case .version: return print("muhur \(Release.version)\n", .answered)
      case .help(let command?): return print(Help.text(command), .answered)
      case .help(nil): return print(Help.overview, .answered)
      case .run(let invocation): return try carryOut(invocation)
      }
    } catch {
      terminal.complain(error.words, hint: error.hint)
      return 2
    }
  }

  private func carryOut(_ invocation: Invocation) throws(UsageError) -> Int32 {
    if let refusal = WrongUse.refusal(invocation) { throw refusal }
    switch invocation.name {
    case .`init`: return finish(invocation, MakeLog.run(invocation))
    case .checkConfig:
      let path = invocation.value("config") ?? invocation.words.first
      guard invocation.value("config") == nil || invocation.words.isEmpty else { throw UsageError("the configuration is named twice") }
      return finish(invocation, local.checkConfiguration(path))
    case .explain: return explain(invocation)
    default: break
    }
    if let path = Self.outputPath(invocation), let code = try refuse(output: path) { return code }
    if invocation.has("archive") {
      guard !invocation.has("socket") else { throw UsageError("--archive and --socket exclude each other") }
      return (invocation.values["archive"]?.count ?? 0) > 1 ? onFolders(invocation) : try onFolder(invocation)
    }
    guard !invocation.has("index"), !invocation.has("keys") else {
      throw UsageError(
        "--\(invocation.has("index") ? "index" : "keys") belongs to --archive", hint: "without --archive the daemon is asked")
    }
    return try throughSocket(invocation)
  }

  /// Looks at the file that is to be made before anything is asked: a question is recorded, also one whose answer is lost.
  /// - Returns: the exit code; nil where nothing is in the way.
  private func refuse(output path: String) throws(UsageError) -> Int32? {
    guard !path.isEmpty else { throw UsageError("the file that is to be written has no name") }
    if access(path, F_OK) == 0 {
      terminal.complain("\(path) exists already; nothing was asked", hint: "nothing is overwritten: name another file")
      return 1
    }
    guard access(Disk.parent(path), W_OK | X_OK) == 0 else {
      terminal.complain("\(path): \(String(cString: strerror(errno))); nothing was asked", hint: "name a file in a folder that is yours")
      return 4
    }
    return nil
  }

  // MARK: - Where

  private func onFolder(_ invocation: Invocation) throws(UsageError) -> Int32 {
    do throws(Refusal) {
      // Also what is to be written is looked at first: a daemon that holds it, or no archive at all, is said in the same words.
      let log = try OfflineLog(invocation)
      guard invocation.name == .`import` || invocation.name == .seal || invocation.name == .hold else {
        guard !invocation.has("keys") else { throw Refusal(.usage, "--keys is for commands that write") }
        let code = finish(invocation, Commands.run(invocation, on: log) { terminal.progress($0) })
        if invocation.command.access == .question { terminal.say("asked of a folder: no record of this question was made") }
        return code
      }
      return try write(invocation)
    } catch { return finish(invocation, error.reply) }
  }

  private func onFolders(_ invocation: Invocation) -> Int32 {
    do throws(Refusal) {
      let logs = try SeveralLogs(opening: invocation)
      let terminal = terminal
      let code = finish(invocation, logs.run(invocation) { terminal.progress($0) })
      if invocation.command.access == .question { terminal.say("asked of folders: no record of this question was made") }
      return code
    } catch { return finish(invocation, error.reply) }
  }

  private func write(_ invocation: Invocation) throws(Refusal) -> Int32 {
    let opened: OpenedLog
    do {
      let terminal = terminal
      // The usual keys may be those of another log: an import seals only where its own are named.
      let keys = invocation.value("keys")
      opened = try local.openForWriting(invocation.value("archive") ?? "", keys, keys != nil || invocation.name != .`import`) {
        terminal.progress($0)
      }
    } catch { throw Refusal(error) }
    var code: Int32
    if invocation.name == .`import` {
      code = each(invocation) { one, file in Commands.run(one, on: opened.log, file: file) { terminal.progress($0) } }
    } else {
      code = finish(invocation, Commands.run(invocation, on: opened.log) { terminal.progress($0) })
    }
    let closed = opened.close()
    if code == 0 { code = closed }
    return code
  }

  private func throughSocket(_ invocation: Invocation) throws(UsageError) -> Int32 {
    let path = invocation.value("socket") ?? CommandTable.defaultSocket
    func ask(_ one: Invocation, _ file: CInt?) -> Reply {
      do {
        let channel = try ControlChannel(connectingTo: path)
        var reply = Reply(.answered)
        let code = try channel.ask(Request(arguments: one.absolute.portable), file: file) { piece in
          switch piece.kind {
          case .progress: terminal.progress(String(decoding: piece.content, as: UTF8.self))
          case .words: reply.words.append(String(decoding: piece.content, as: UTF8.self))
          case .answer: reply.json += piece.content
          case .file: reply.file += piece.content
          case .request, .end: break
          }
        }
        reply.exit = ExitCode(rawValue: code) ?? .unreachable
        return reply
      } catch {
        return Refusal(.unreachable, "the daemon cannot be asked: \(error)", hint: Self.hint(error, path)).reply
      }
    }
    if invocation.name == .`import` { return each(invocation, ask) }
    let reply = ask(invocation, nil)
    return finish(invocation, reply)
  }

  private static func hint(_ error: any Error, _ path: String) -> String? {
    guard let error = error as? ChannelError else { return nil }
    switch error.code {
    case ENOENT, ECONNREFUSED:
      return "is muhurd running? `systemctl status muhurd` tells; another socket is named by --socket, a folder by --archive"
    case EACCES: return "this user may not open \(path); its group is the one that may ask"
    default: return nil
    }
  }

  /// Carries out an import file by file; each is answered for itself.
  private func each(_ invocation: Invocation, _ run: (Invocation, CInt?) -> Reply) -> Int32 {
    var worst: Int32 = 0
    for path in invocation.words {
      var one = invocation
      one.words = [path]
      let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
      guard file >= 0 else {
        terminal.complain("\(path): \(String(cString: strerror(errno)))")
        worst = max(worst, 4)
        continue
      }
      // Whoever carries it out closes its own copy; this one is ours.
      defer { close(file) }
      worst = max(worst, finish(one, run(one, file)))
    }
    return worst
  }

  private func explain(_ invocation: Invocation) -> Int32 {
    let json = invocation.has("json")
    let reply = local.explain(invocation) { line in
      if json { return terminal.write(line + [0x0a]) }
      guard let answer = try? StrictJSON.object(line.span) else { return terminal.write(line + [0x0a]) }
      return terminal.write(Rendering.text(.explain, answer, style: terminal.style) + "\n")
    }
    for line in reply.words { terminal.say(line) }
    return Int32(reply.exit.rawValue)
  }

  // MARK: - What is printed

  private func finish(_ invocation: Invocation, _ reply: Reply) -> Int32 {
    terminal.endProgress()
    for line in reply.words { terminal.say(line) }
    if !reply.file.isEmpty, let path = Self.outputPath(invocation) {
      do throws(ArchiveError) { try Disk.place(reply.file, at: path) } catch {
        terminal.complain("\(error)")
        return 4
      }
      let isBundle = invocation.command.access == .question
      terminal.say("wrote \(path), \(Words.grouped(reply.file.count)) bytes" + (isBundle ? "; check it with: muhur-verify \(path)" : ""))
    }
    guard !reply.json.isEmpty else { return Int32(reply.exit.rawValue) }
    if invocation.has("json") {
      return wrote(terminal.write(reply.json + [0x0a]), reply.exit)
    }
    guard let answer = try? StrictJSON.object(reply.json.span, limit: .max) else {
      terminal.complain("the answer is no JSON")
      return 4
    }
    if invocation.name == .table, invocation.has("csv") { return print(CSV.table(answer), reply.exit) }
    return print(Rendering.text(invocation.name, answer, style: terminal.style), reply.exit)
  }

  /// The file that a command makes.
  private static func outputPath(_ invocation: Invocation) -> String? { invocation.value("export") ?? invocation.value("out") }

  private func print(_ text: String, _ exit: ExitCode) -> Int32 { wrote(terminal.write(text), exit) }

  private func wrote(_ whole: Bool, _ exit: ExitCode) -> Int32 {
    guard whole else {
      terminal.complain("the answer could not be written: \(String(cString: strerror(errno)))")
      return 4
    }
    return Int32(exit.rawValue)
  }
}

extension Invocation {
  /// With the caller's relative paths made absolute: a daemon stands in another folder.
  var absolute: Invocation {
    var out = self
    if command.wordsArePaths { out.words = words.map(Self.absolute) }
    for option in command.pathOptions { out.values[option] = values[option]?.map(Self.absolute) }
    return out
  }

  private static func absolute(_ path: String) -> String {
    guard !path.hasPrefix("/"), let here = getcwd(nil, 0) else { return path }
    defer { free(here) }
    return String(cString: here) + "/" + path
  }
}
