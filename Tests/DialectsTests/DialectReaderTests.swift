import Glibc
import Record
import TestSupport
import Testing

@testable import Dialects

@Suite struct DialectReaderTests {
  private static let good = """
    {
      name: "test", version: 1,
      applies: { app: ["prog"] },
      patterns: [
        { name: "a", text: "go {ip}", event: { kind: "lease", action: "assign" } },
      ],
      examples: [ { input: "<30>prog: go 10.0.0.1", events: [{ kind: "lease", action: "assign", ip: "10.0.0.1" }] } ],
    }
    """

  private func error(_ text: String) -> String {
    do throws(DialectError) {
      _ = try DialectSet.load(file: Array(text.utf8).span, path: "/d/test.json5", name: "test")
      return ""
    } catch {
      return error.description
    }
  }

  @Test("the plain dialect is read")
  func plain() { #expect(error(Self.good) == "") }

  @Test(
    "what is wrong is said with file, line and path",
    arguments: [
      ("name: \"test\"", "name: \"other\"", "/d/test.json5:2: name: expected \"test\": a dialect is called like its file"),
      ("version: 1", "version: 0", "/d/test.json5:2: version: expected a number from 1 to 9999, found 0"),
      ("version: 1,", "version: 1, verion: 2,", "unknown key"),
      ("version: 1,", "version: 1, form: \"csv\",", "has no rows"),
      ("version: 1,", "version: 1, cases: [],", "the form pattern has no cases"),
      ("version: 1,", "version: 1, form: \"xml\",", "unknown form xml"),
      ("version: 1,", "version: 1, form: \"key-value\", text: { quote: \"'\", escape: \"'\" },", "quote and escape must differ"),
      ("{ app: [\"prog\"] }", "{}", "/d/test.json5:3: applies: expected app, begins or bare: it would read nothing"),
      ("{ip}", "{ipp}", "/d/test.json5:5: patterns[0].text: {ipp} is no field of events; a name of your own begins with _"),
      ("{ip}", "{ip:mac}", "ip cannot hold a MAC address"),
      ("{ip}", "{ip:adress}", "unknown type adress; known are ip, "), ("{ip}", "{ip", "expected } at the end of a field"),
      ("{ip}", "{ip}}", "expected }} for a brace, found }"),
      ("{ip}", "{?{ip}", "expected } at the end of an optional part"), ("{ip}", "{@p}", "no part p in parts"),
      ("{ip}", "{_x}", "a name of your own has none by itself"),
      ("{ip}", "{ip} {hostname}{mac}", "expected literal text behind a field that holds any text"),
      ("{ip}", "{ip} {hostname:rest}x", "expected nothing behind a field of type rest"),
      ("{ip}", "x", "a lease needs {ip} or {prefix}"),
      ("action: \"assign\" } },", "action: \"give\" } },", "patterns[0].event.action: expected assign, renew"),
      (", action: \"assign\" } },", " } },", "has no action"),
      ("kind: \"lease\", action: \"assign\" } },", "kind: \"notice\" } },", "expected lease, binding, session or login"),
      ("action: \"assign\" } },", "action: \"assign\", ip: \"x\" } },", "patterns[0].event.ip: unknown key"),
      ("event: { kind", "after: { pattern: \"b\", equal: [\"ip\"] }, event: { kind", "no other pattern is called b"),
      ("patterns: [", "patterns: [ { name: \"a\", text: \"x {ip}\", event: null },", "two patterns are called a"),
      ("examples: [", "examples: [ { input: 7, events: null },", "examples[0].input: expected a string"), ("go {ip}", "", "expected text"),
    ])
  func wrong(_ from: String, _ to: String, _ expected: String) {
    let text = replace(Self.good, from, to)
    #expect(text != Self.good)
    #expect(error(text).contains(expected), "\(error(text))")
  }

  private func replace(_ text: String, _ from: String, _ to: String) -> String {
    guard let range = text.firstRange(of: from) else { return text }
    return text.replacingCharacters(in: range, with: to)
  }

  @Test("an example that does not hold is an error with its line")
  func examples() throws {
    let text = replace(Self.good, "ip: \"10.0.0.1\" }] }", "ip: \"10.0.0.2\" }] }")
    let set = try DialectSet.load(file: Array(text.utf8).span, path: "/d/test.json5", name: "test")
    #expect(set.checkExamples().map(\.description) == ["/d/test.json5:7: examples[0]: expected ip \"10.0.0.2\", found \"10.0.0.1\""])
    let fewer = replace(Self.good, ", ip: \"10.0.0.1\" }] }", " }] }")
    #expect(
      try DialectSet.load(file: Array(fewer.utf8).span, path: "f", name: "test").checkExamples().first?.what
        == "expected no ip, found \"10.0.0.1\"")
    let none = replace(Self.good, "events: [{ kind: \"lease\", action: \"assign\", ip: \"10.0.0.1\" }]", "events: null")
    #expect(try DialectSet.load(file: Array(none.utf8).span, path: "f", name: "test").checkExamples().count == 1)
  }

  @Test("a part that includes itself is refused")
  func recursion() {
    #expect(
      error(
        replace(Self.good, "patterns: [", "parts: { p: \"x {@p}\" }, patterns: [ { name: \"r\", text: \"go {@p} {ip}\", event: null },")
      ).contains("expected at most 4 parts inside each other"))
  }

  @Test("a pattern has a limited number of parts and optional parts inside each other")
  func limits() {
    let many = String(repeating: "{:integer} ", count: 200)
    #expect(error(replace(Self.good, "go {ip}", "go {ip} " + many)).contains("expected at most 256 parts"))
    #expect(
      error(replace(Self.good, "go {ip}", "go {ip}" + String(repeating: "{? x", count: 9) + String(repeating: "}", count: 9))).contains(
        "expected at most 8 optional parts"))
    // Five in a part, which stands in four others.
    let five = String(repeating: "{? x", count: 5) + String(repeating: "}", count: 5)
    let nested = "patterns: [ { name: \"r\", text: \"go {ip}{? y{? y{? y{? y{@p}}}}}\", event: null },"
    #expect(
      error(replace(Self.good, "patterns: [", "parts: { p: \"\(five)\" }, " + nested)).contains(
        "expected at most 8 optional parts inside each other"))
  }

  @Test("an administrator's folder stands before the installed one and over what is built in")
  func folders() throws {
    let root = "/tmp/dialects-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    defer { for path in ["/a/test.json5", "/a/kea.json5", "/b/test.json5", "/a", "/b", ""] { remove(root + path) } }
    for folder in ["", "/a", "/b"] { mkdir(root + folder, 0o700) }
    func write(_ path: String, _ text: String) throws {
      let file = try #require(fopen(root + path, "w"))
      fputs(text, file)
      fclose(file)
    }
    try write("/a/test.json5", Self.good)
    try write("/b/test.json5", replace(Self.good, "version: 1", "version: 2"))
    try write("/a/kea.json5", replace(Self.good, "name: \"test\"", "name: \"kea\""))
    let set = try DialectSet.load(folders: [root + "/a", root + "/missing", root + "/b"])
    #expect(set.dialects.map(\.name) == (DialectSet.builtIn.dialects.map(\.name) + ["test"]).sorted())
    #expect(set.label(try #require(set.index(of: "test"))) == "test/1")
    #expect(set.dialects[try #require(set.index(of: "kea"))].file == root + "/a/kea.json5")
    try write("/b/test.json5", "{")
    #expect(throws: DialectError.self) { _ = try DialectSet.load(folders: [root + "/b"]) }
  }
}

extension String {
  fileprivate func firstRange(of text: String) -> Range<String.Index>? {
    indices.first { self[$0...].hasPrefix(text) }.map { $0..<index($0, offsetBy: text.count) }
  }
  fileprivate func replacingCharacters(in range: Range<String.Index>, with text: String) -> String {
    String(self[..<range.lowerBound]) + text + String(self[range.upperBound...])
  }
}
