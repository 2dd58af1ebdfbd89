import Record
import Testing

@Suite struct StrictJSONTests {
  static let permitted = [
    "{}", #"{"a":null}"#, #"{"a":true,"b":false}"#, #"{"a":0,"b":-1,"c":9223372036854775807,"d":-9223372036854775808}"#,
    #"{"a":"\"\\\b\f\n\r\t\u0000\u001f"}"#, #"{"a":[],"b":[1,[2,{}]]}"#, #"{"ş":"Ü/\#u{7f}\#u{2028}😀"}"#, #"{"":""}"#,
  ]

  @Test("what is read is written back as the same bytes", arguments: permitted)
  func roundTrip(_ text: String) throws {
    #expect(try StrictJSON.object(Array(text.utf8).span).text == text)
    #expect(throws: Never.self) { try StrictJSON.check(Array(text.utf8).span) }
  }

  static let malformed = [
    "", "null", "[]", #"{"a":1"#, #"{"a":1}}"#, #"{"a":1} "#, #" {"a":1}"#, #"{"a": 1}"#, #"{"a" :1}"#, #"{"a":1,}"#, #"{,}"#,
    #"{"a":1,"b"}"#,
    #"{"a":1,"a":2}"#, #"{"a":01}"#, #"{"a":-0}"#, #"{"a":-01}"#, #"{"a":1.0}"#, #"{"a":1e3}"#, #"{"a":1E3}"#, #"{"a":+1}"#, #"{"a":-}"#,
    #"{"a":9223372036854775808}"#, #"{"a":-9223372036854775809}"#, #"{"a":99999999999999999999}"#, #"{"a":"\/"}"#, #"{"a":"\u0041"}"#,
    #"{"a":"\u000A"}"#, #"{"a":"\u000a"}"#, #"{"a":"\u0008"}"#, #"{"a":"\u001F"}"#, #"{"a":"\u0020"}"#, #"{"a":"\ud800"}"#, #"{"a":"\x"}"#,
    #"{"a":"\"#, #"{"a":""#, "{\"a\":\"\n\"}", "{\"a\":\"\u{1}\"}", #"{"a":tru}"#, #"{"a":nul}"#, #"{"a":undefined}"#, #"{'a':1}"#,
    #"{a:1}"#,
    "\u{feff}{}", #"{"a":[1,]}"#, #"{"a":[1"#, #"{"a":[1 ,2]}"#, #"{"a":1//x"# + "\n}",
  ]

  @Test("everything else is malformed", arguments: malformed)
  func rejects(_ text: String) {
    #expect(throws: Malformed.self) { _ = try StrictJSON.object(Array(text.utf8).span) }
    #expect(throws: Malformed.self) { try StrictJSON.check(Array(text.utf8).span) }
  }

  @Test(
    "invalid UTF-8 is malformed",
    arguments: [[0xde], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]] as [[UInt8]])
  func utf8(_ bytes: [UInt8]) {
    let text = Array("{\"a\":\"".utf8) + bytes + Array("\"}".utf8)
    #expect(throws: Malformed.self) { _ = try StrictJSON.object(text.span) }
    let valid = text.span.isUTF8
    #expect(!valid)
  }

  @Test("nesting is 32 deep at most, counted from the object")
  func nesting() {
    let deep = { (n: Int) in Array(("{\"a\":" + String(repeating: "[", count: n) + String(repeating: "]", count: n) + "}").utf8) }
    #expect(throws: Never.self) { _ = try StrictJSON.object(deep(32).span) }
    #expect(throws: Malformed.self) { _ = try StrictJSON.object(deep(33).span) }
    #expect(throws: Malformed.self) { _ = try StrictJSON.object(deep(400_000).span) }
  }

  @Test("a line is 1 MiB at most, its LF not counted")
  func length() {
    let line = { (n: Int) in Array(("{\"a\":\"" + String(repeating: "x", count: n - 8) + "\"}").utf8) }
    #expect(throws: Never.self) { _ = try StrictJSON.object(line(1 << 20).span) }
    #expect(throws: Malformed.self) { _ = try StrictJSON.object(line(1 << 20 + 1).span) }
  }

  @Test("a key twice is found among many")
  func manyKeys() {
    let keys = (0..<5000).map { "\"k\($0)\":0" }
    #expect(throws: Never.self) { _ = try StrictJSON.object(Array("{\(keys.joined(separator: ","))}".utf8).span) }
    #expect(throws: Malformed.self) { _ = try StrictJSON.object(Array("{\((keys + ["\"k17\":1"]).joined(separator: ","))}".utf8).span) }
    #expect(throws: Malformed.self) { try StrictJSON.check(Array("{\((keys + ["\"k4999\":1"]).joined(separator: ","))}".utf8).span) }
  }

  @Test(
    "a contract file is one object and one LF",
    arguments: [("{}\n", true), ("{}", false), ("{}\n\n", false), ("{}\r\n", false), ("", false)])
  func file(_ text: String, _ good: Bool) {
    let read = try? StrictJSON.file(Array(text.utf8).span)
    #expect((read != nil) == good)
  }

  @Test("composed and decomposed keys are two keys")
  func normalisation() throws {
    #expect(try StrictJSON.object(Array("{\"\u{e7}\":1,\"c\u{327}\":2}".utf8).span).object?.count == 2)
  }

  @Test("every text cut short is malformed and no trap")
  func truncated() {
    let text = Array(#"{"time":"2026","a":[1,-2,{"b":"\u0000ş"}],"c":null,"d":true}"#.utf8)
    for n in 0..<text.count { #expect(throws: Malformed.self) { _ = try StrictJSON.object(text.span.extracting(0..<n)) } }
  }
}
