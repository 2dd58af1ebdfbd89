import Glibc
import Record
import TestSupport
import Testing

/// The manual pages and completions say what the programs' `--help` says.
@Suite struct ManualTests {
  private static let man = "/usr/bin/man"
  private static let python = "/usr/bin/python3"
  private static let pages = ["muhurd.8", "muhur.1", "muhur-verify.1", "muhur.json5.5"]

  @Test(.enabled(if: access(man, X_OK) == 0), arguments: pages)
  func `a page is rendered without a warning`(page: String) throws {
    let outcome = try Self.run(Self.man, ["--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", Corpus.package + "/man/" + page])
    #expect(outcome.code == 0 && outcome.errors.isEmpty && outcome.words.utf8.count > 500, "\(outcome.errors)")
  }

  // MARK: What the pages explain

  @Test func `muhur(1) has every command with its options, and nothing else`() throws {
    let page = try #require(ManualPage("muhur.1"))
    let overview = try Self.run("muhur", ["--help"]).words
    let everywhere = Self.options(overview)
    #expect(page.options("OPTIONS") == everywhere)
    let commands = overview.split(separator: "\n").prefix { $0 != "Where:" }.filter { $0.hasPrefix("  ") && !$0.hasPrefix("  muhur ") }
      .compactMap { $0.split(separator: " ").first.map(String.init) }
    #expect(commands.count > 15)
    let text = String(decoding: try #require(Corpus.file(Corpus.package + "/man/muhur.1")), as: UTF8.self)
    for command in commands {
      #expect(!text.ranges(of: "\n.Ss \(command)\n.D1 Nm Cm \(command)").isEmpty, "man/muhur.1 lacks \(command)")
      let own = Self.options(try Self.run("muhur", [command, "--help"]).words).subtracting(everywhere)
      #expect(page.options(command) == own, "the options of \(command)")
    }
    let others = text.split(separator: "\n").filter { $0.hasPrefix(".Ss ") }.map { String($0.dropFirst(4)) }.filter {
      !commands.contains($0)
    }
    #expect(others.isEmpty, "man/muhur.1 explains what is no command")
  }

  @Test(arguments: [("muhurd", "muhurd.8"), ("muhur-verify", "muhur-verify.1")])
  func `the page of a program has every option, and nothing else`(program: String, name: String) throws {
    let said = Self.options(try Self.run(program, ["--help"]).words)
    let page = try #require(ManualPage(name))
    #expect(said.count > 2 && page.options() == said)
  }

  // MARK: Completions

  @Test(.enabled(if: access(python, X_OK) == 0)) func `the completions are those of today's help`() throws {
    let names = ["muhur.bash", "_muhur", "muhur.fish"]
    let folder = try Self.folder()
    defer { Self.remove(folder, names) }
    let made = try Self.run(Self.python, [Corpus.package + "/scripts/completions", Process.folder, folder])
    #expect(made.code == 0, "\(made.errors)")
    for name in names {
      let same = Corpus.file("\(folder)/\(name)") == Corpus.file("\(Corpus.package)/completions/\(name)")
      #expect(same, "completions/\(name) is not what the help says: run scripts/completions")
    }
  }

  @Test(arguments: [
    ("muhur wh", "who"), ("muhur --json sta", "status"), ("muhur who 10.0.0.1 --ex", "--export"), ("muhur copy --ch", "--check"),
    ("muhur search x --kind le", "lease"), ("muhur import --format = isc", "isc-leases"),
    ("muhur --archive /x explain --charset cp8", "cp857"),
    ("muhurd --con", "--config"), ("muhur-verify --max", "--max-delay"), ("muhur help quer", "queries"),
  ])
  func `bash completes`(line: String, word: String) throws {
    let program = """
      source "$1"; shift
      COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _muhur; printf '%s ' "${COMPREPLY[@]}"
      """
    let words = line.split(separator: " ").map(String.init)
    let outcome = try Self.run("/bin/bash", ["-c", program, "bash", Corpus.package + "/completions/muhur.bash"] + words)
    #expect(outcome.words == word + " ", "\(outcome)")
  }

  // MARK: -

  /// The options that a help text lists, with what stands for their values: `--at TIME`.
  private static func options(_ help: String) -> Set<String> {
    var found: Set<String> = []
    for line in help.split(separator: "\n") where line.hasPrefix("  --") {
      // Two spaces end what is listed; one line may list two options.
      let head = line.dropFirst(2).ranges(of: "  ").first.map { line.dropFirst(2)[..<$0.lowerBound] } ?? line.dropFirst(2)
      for option in head.replacing(" --", with: "\n--").split(separator: "\n") { found.insert(String(option)) }
    }
    return found
  }

  private static func folder() throws -> String {
    var template = Array("/tmp/muhur-manual.XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw Process.Failure(description: "mkdtemp") }
    return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  private static func remove(_ folder: String, _ names: [String]) {
    for name in names { unlink("\(folder)/\(name)") }
    rmdir(folder)
  }

  private static func run(_ program: String, _ arguments: [String]) throws -> (code: Int32, words: String, errors: String) {
    let folder = try folder()
    defer { remove(folder, ["out", "err"]) }
    let code = try Process(program, arguments, output: folder + "/out", errors: folder + "/err").end(within: 60)
    func text(_ name: String) -> String { String(decoding: Corpus.file("\(folder)/\(name)") ?? [], as: UTF8.self) }
    return (code, text("out"), text("err"))
  }
}
