import Testing

@testable import Commands

@Suite struct ArgumentsTests {
  private func invocation(_ words: String...) throws -> Invocation {
    guard case .run(let invocation) = try Arguments.read(words) else { throw UsageError("no invocation") }
    return invocation
  }

  @Test("options stand before and behind the command, joined or apart")
  func places() throws {
    for words in [
      ["--socket", "/s", "who", "10.20.3.57", "--at", "2026-11-20 14:03", "--json"],
      ["who", "--at=2026-11-20 14:03", "10.20.3.57", "--json", "--socket=/s"],
      ["--json", "--at", "2026-11-20 14:03", "--socket", "/s", "who", "--", "10.20.3.57"],
    ] {
      guard case .run(let invocation) = try Arguments.read(words) else { throw UsageError("no invocation") }
      #expect(invocation.name == .who)
      #expect(invocation.words == ["10.20.3.57"])
      #expect(invocation.value("at") == "2026-11-20 14:03")
      #expect(invocation.value("socket") == "/s")
      #expect(invocation.has("json"))
    }
  }

  @Test(
    "what is wrong is named, and the nearest right word",
    arguments: [
      (["whoo", "10.20.3.57"], "`whoo` is no command", "did you mean `who`?"),
      (["who", "10.20.3.57", "--att", "1"], "`--att` is no option of who", "did you mean `--at`?"),
      (["who", "10.20.3.57", "--at"], "--at: the value is missing", "--at TIME"),
      (["who", "10.20.3.57", "--at", "--json"], "--at: the value is missing", "--at TIME"),
      (["who", "10.20.3.57", "--at", "1", "--at", "2"], "--at is given twice", nil),
      (["who", "--at", "1"], "IP is missing", "muhur [--archive DIR [--index DIR] | --socket PATH] who IP [OPTION…]"),
      (["days", "--json=yes"], "--json takes no value", "write `--json` alone"),
      (["days", "more"], "`more` is one word too many", "muhur [--archive DIR [--index DIR] | --socket PATH] days"),
      (["days", "-x"], "`-x` is no option", "options begin with two dashes; `muhur --help` lists them"),
      (["days", "--csv"], "`--csv` is no option of days", "`muhur days --help` lists them"),
      (["--no-such-option"], "`--no-such-option` is no option", "`muhur --help` lists them"),
      (["--json"], "no command", "`muhur --help` lists them"),
      (["xyzzy"], "`xyzzy` is no command", "`muhur --help` lists them"),
    ] as [([String], String, String?)])
  func faults(words: [String], message: String, hint: String?) {
    let error = #expect(throws: UsageError.self) { try Arguments.read(words) }
    #expect(error?.words == message)
    #expect(error?.hint == hint)
  }

  @Test("help is asked of the program and of each command, whatever else is missing", arguments: CommandName.allCases)
  func help(name: CommandName) throws {
    for words in [
      [name.rawValue, "--help"], ["--help", name.rawValue], ["help", name.rawValue], [name.rawValue, "-h", "--no-such-option"],
    ] {
      guard case .help(let command?) = try Arguments.read(words) else {
        Issue.record("\(words) is no request for help")
        continue
      }
      let text = Help.text(command)
      #expect(text.contains(name.rawValue) && text.contains("Exit codes:") && text.contains("Options:") && !command.examples.isEmpty)
      #expect(text.split(separator: "\n").allSatisfy { $0.count <= 140 })
    }
    #expect(Help.overview.contains("  \(name.rawValue) "))
    guard case .help(nil) = try Arguments.read(["--help"]) else {
      Issue.record("--help is no request for help")
      return
    }
  }

  @Test("an option of one name is of one kind in every command") func kinds() {
    var kinds: [String: Bool] = [:]
    for command in CommandTable.all {
      #expect(CommandTable.command(command.name.rawValue)?.name == command.name)
      for option in command.options + CommandTable.places + CommandTable.common {
        #expect(kinds[option.name, default: option.value != nil] == (option.value != nil), "\(option.name)")
        kinds[option.name] = option.value != nil
      }
    }
    #expect(CommandTable.all.count == CommandName.allCases.count)
  }

  @Test("a command line that goes to the daemon is read there as the same")
  func portable() throws {
    let sent = try invocation("--archive", "/a", "search", "--from", "1", "--to", "-2", "--json", "--", "--text")
    guard case .run(let read) = try Arguments.read(sent.portable) else { throw UsageError("no invocation") }
    #expect(read.name == .search)
    #expect(read.words == ["--text"])
    #expect(read.values == ["from": ["1"], "to": ["-2"]])
    #expect(try Commands.read(Request(arguments: sent.portable)).words == ["--text"])
  }

  @Test(
    "the daemon carries out nothing that is not its own",
    arguments: [["init", "--archive", "/a", "--keys", "/k"], ["--archive", "/a", "days"], ["help"], []])
  func foreign(words: [String]) {
    #expect(throws: UsageError.self) { try Commands.read(Request(arguments: words)) }
  }

  @Test("questions, views and administration are told apart")
  func access() {
    func names(_ access: CommandDescription.Access) -> [CommandName] { CommandTable.all.filter { $0.access == access }.map(\.name) }
    #expect(names(.question) == [.who, .nat, .device, .table, .search, .show, .export])
    #expect(names(.view) == [.days, .heads, .status, .explain])
    #expect(names(.administration) == [.`init`, .seal, .`import`, .copy, .reindex, .hold, .queries, .destruction, .drill, .checkConfig])
  }
}
