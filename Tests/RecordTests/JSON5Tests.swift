import Record
import Testing

@Suite struct JSON5Tests {
  static let json5: [(text: String, json: String)] = [
    ("{}", "{}"),
    ("[]", "[]"),
    (" // comment\n { /* a\n b */ a : 1 , } ", #"{"a":1}"#),
    ("{a: 'it\"s', \"b\": \"it's\", 'c d': null}", #"{"a":"it\"s","b":"it's","c d":null}"#),
    ("{$_x1: true, ş: false}", #"{"$_x1":true,"ş":false}"#),
    ("[0x1F, -0x10, +7, -0, 0, 9223372036854775807, -9223372036854775808]", "[31,-16,7,0,0,9223372036854775807,-9223372036854775808]"),
    ("'a\\\nb\\\r\nc'", #""abc""#),
    ("'a\\\u{2028}b'", #""ab""#),
    (#"'\b\f\n\r\t\v\0\x41\u00e7\uD83D\uDE00\q\''"#, #""\b\f\n\r\t\u000b\u0000Aç😀q'""#),
    ("\u{feff}[1,\u{a0}2,\u{3000}3]", "[1,2,3]"),
    (#"{\u0061b: 1}"#, #"{"ab":1}"#),
    ("[1,2,]", "[1,2]"),
  ]

  @Test("reads what JSON5 allows", arguments: json5)
  func reads(_ text: String, _ json: String) throws {
    #expect(try JSON5.read(text).json?.text == json)
  }

  @Test(
    "reads numbers with a point or an exponent",
    arguments: [
      ("0.5", 0.5), (".5", 0.5), ("5.", 5), ("5.e3", 5000), ("-1e-3", -0.001), ("+1E+2", 100), ("Infinity", .infinity),
      ("-Infinity", -.infinity),
    ] as [(String, Double)])
  func numbers(_ text: String, _ number: Double) throws {
    guard case .number(number) = try JSON5.read(text).value else {
      Issue.record("\(text)")
      return
    }
  }

  static let wrong: [(text: String, error: String)] = [
    ("", "line 1: expected a value, found the end of the file"),
    ("{\n  a: 1\n  b: 2 }", "line 3: a: expected a comma or }, found \"b\""),
    ("{\n a: 1,\n\n a: 2 }", "line 4: a: this key stands in line 2 already"),
    ("{ x: [ { a: 1, 'a': 2 } ] }", "line 1: x[0].a: this key stands in line 1 already"),
    ("{ devices: [ { clock: receive } ] }", "line 1: devices[0].clock: expected a value, found receive; text needs quotes"),
    ("{ a: 500ms }", "line 1: a: expected the end of the number; text needs quotes, found \"m\""),
    ("{\n a: 'x\n }", "line 2: a: expected the closing quote of the text, found the end of the line"),
    ("{\n a: 'x", "line 2: a: expected the closing quote of this text, found the end of the file"),
    ("\n/* never closed", "line 2: expected */ at the end of this comment, found the end of the file"),
    ("[1\n,", "line 1: expected ] at the end of this list, found the end of the file"),
    ("\n{", "line 2: expected } at the end of this object, found the end of the file"),
    ("{} x", "line 1: expected nothing behind the value, found \"x\""),
    ("[,]", "line 1: [0]: expected a value, found \",\""),
    ("[01]", "line 1: [0]: expected a number without leading zeros"),
    ("[9223372036854775808]", "line 1: [0]: expected a number of 64 bits"),
    ("[0x]", "line 1: [0]: expected a digit, found \"]\""),
    ("[.]", "line 1: [0]: expected a number, found \".\""),
    ("[1.2.3]", "line 1: [0]: expected a number, found \"1\""),
    (#"'\uD800'"#, "line 1: expected a character, found half a surrogate pair"),
    (#"'\uD800\u0041'"#, "line 1: expected the second half of a surrogate pair"),
    (#"'\8'"#, "line 1: expected an escape (there are no octal ones), found \"8\""),
    ("{1a: 1}", "line 1: expected a key, found \"1\""),
    ("{a 1}", "line 1: a: expected a colon, found \"1\""),
    ("a: 1", "line 1: expected a value, found a; text needs quotes"),
    ("\r\n\r[", "line 3: expected ] at the end of this list, found the end of the file"),
  ]

  @Test("says line, key path and what was expected", arguments: wrong)
  func rejects(_ text: String, _ error: String) {
    var found = ""
    do throws(JSON5Error) { _ = try JSON5.read(text) } catch { found = error.description }
    #expect(found == error)
  }

  @Test("rejects bytes that are not UTF-8, with their line")
  func notUTF8() {
    let bytes: [UInt8] = Array("{\n a: '".utf8) + [0xde] + Array("' }".utf8)
    var found = ""
    do throws(JSON5Error) { _ = try JSON5.read(bytes.span) } catch { found = error.description }
    #expect(found == "line 2: expected UTF-8, found byte 0xde")
  }

  @Test("keeps composed and decomposed letters apart")
  func normalisation() throws {
    #expect(try JSON5.read("{'\u{e7}': 1, 'c\u{327}': 2}").members().count == 2)
  }

  @Test("allows 64 levels and no more")
  func depth() {
    let deep = { (n: Int) in String(repeating: "[", count: n) + String(repeating: "]", count: n) }
    #expect(throws: Never.self) { _ = try JSON5.read(deep(64)) }
    #expect(throws: JSON5Error.self) { _ = try JSON5.read(deep(65)) }
    #expect(throws: JSON5Error.self) { _ = try JSON5.read(String(repeating: "[", count: 1 << 20)) }
    #expect(throws: JSON5Error.self) { _ = try JSON5.read(String(repeating: "{a:", count: 300_000)) }
    #expect(throws: JSON5Error.self) { _ = try JSON5.read(String(repeating: " ", count: 1 << 20 + 1)) }
  }

  @Test("a node knows its line, column and path")
  func places() throws {
    let root = try JSON5.read("{\n  devices: [\n    { name: 'a' },\n    { name: 7 },\n  ],\n}")
    let second = try root.member("devices").elements()[1]
    let name = try second.member("name")
    #expect(name.path == "devices[1].name" && name.line == 4 && name.column == 13)
    var found = ""
    do throws(JSON5Error) { _ = try name.string() } catch { found = error.description }
    #expect(found == "line 4: devices[1].name: expected a string, found an integer")
    #expect(second.unknownMembers(besides: ["ip"]).map(\.description) == ["line 4: devices[1].name: unknown key; known are ip"])
    #expect(root["nothing"] == nil)
  }

  @Test("every file cut short is an error and no trap")
  func truncated() {
    let text = Array("/* c */ { a: [1, -0x2, .5e3, 'x\\u00e7\\\n', { $b: null, }, true], } // end".utf8)
    for n in 0..<60 {
      #expect(throws: JSON5Error.self) { _ = try JSON5.read(text.span.extracting(0..<n)) }
    }
  }
}
