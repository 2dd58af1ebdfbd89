import Record
import Testing

@testable import Dialects

/// Text that is cut into named values: the forms key-value, csv and json.
@Suite struct CuttingTests {
  /// A dialect `test` for the program `prog`, of that form, with a case that takes `src_ip` and `user` of two values.
  private func set(_ form: String, _ cases: String? = nil) throws -> DialectSet {
    let text = """
      { name: "test", version: 1, applies: { app: ["prog"] }, \(form),
        cases: [\(cases ?? #"{ name: "c", values: { src: "{src_ip}", "user?": "{user}" }, event: { kind: "session", action: "open" } }"#)],
        examples: [{ input: "x", events: null }] }
      """
    return try DialectSet.load(file: Array(text.utf8).span, path: "test.json5", name: "test")
  }

  private func explain(_ set: DialectSet, _ message: String, header: String = "<30>prog: ") -> Explanation {
    var normaliser = Normaliser(set)
    let received = Timestamp(rfc3339: "2026-11-23T12:00:00Z")?.microseconds ?? 0
    return normaliser.explain(Array((header + message).utf8).span, received: received, sender: 1, source: SourceReading(zone: .utc))
  }

  private static let pairs = #"form: "key-value""#
  private static let commas = #"form: "key-value", text: { separator: "," }"#
  private static let colons = #"form: "key-value", text: { separator: ";", assign: ":" }"#

  @Test(
    "pairs are cut at their separators, values at their quotes",
    arguments: [
      (pairs, #"src=10.0.0.1 user=ali"#, "ali"), (pairs, #"src="10.0.0.1"   user="ali veli""#, "ali veli"),
      (pairs, #"noise src=10.0.0.1 [x] user="a \"b\" \\ c" more"#, #"a "b" \ c"#),
      (pairs, #"src=10.0.0.1 user=EFELER\ali"#, #"EFELER\ali"#),
      // A quote that nobody escaped, and a pair inside a quoted value.
      (pairs, #"src=10.0.0.1 user="a"b" x=1"#, #"a"b"#), (pairs, #"msg="x src=10.0.0.9 " src=10.0.0.1 user=u"#, "u"),
      (pairs, #"src=10.0.0.1 user="#, ""), (pairs, #"src=10.0.0.1 user="""#, ""),
      (commas, #"src=10.0.0.1, user=ali veli ,x=1"#, "ali veli"), (commas, #"a b = 1,src=10.0.0.1,user=a\, b"#, "a, b"),
      (commas, #"src=10.0.0.1,user="a, b",c=d"#, "a, b"), (colons, #"src:"10.0.0.1"; user:"ali: veli"; "#, "ali: veli"),
    ] as [(String, String, String)])
  func keyValue(_ form: String, _ message: String, _ user: String) throws {
    let found = explain(try set(form), message)
    #expect(found.events.first?["src_ip"]?.string == "10.0.0.1", "\(found.why ?? "")")
    #expect(found.events.first?["user"]?.string ?? "" == user)
  }

  @Test(
    "a value that is one field and is not in its usual form is read like any other, or named",
    arguments: [
      ("10.0.0.1", "7", #""src_ip":"10.0.0.1","bytes_in":7"#), ("2001:DB8::1", "7", #""src_ip":"2001:db8::1","bytes_in":7"#),
      ("10.0.0.1 ", "7", #""src_ip":"10.0.0.1","bytes_in":7"#), ("10.0.0.256", "7", nil), ("010.0.0.1", "7", nil), ("10.0.0.1:1", "7", nil),
      ("10.0.0.1", "7x", nil),
      ("10.0.0.1", "999999999999999999", #""src_ip":"10.0.0.1","bytes_in":999999999999999999"#),
      ("10.0.0.1", "9999999999999999999", nil), ("10.0.0.1", "-7", nil), ("10.0.0.1", "", #""src_ip":"10.0.0.1""#), ("", "7", nil),
    ] as [(String, String, String?)])
  func plainRules(_ ip: String, _ number: String, _ wanted: String?) throws {
    let set = try set(
      Self.pairs,
      #"{ name: "c", values: { src: "{src_ip}", "n?": "{bytes_in}" }, event: { kind: "session", action: "open" } }"#)
    // The values behind each other, with and without escapes, which copy them.
    for text in [#"src="\#(ip)" n="\#(number)""#, #"n="\#(number)" src="\#(ip)" x=5"#] {
      let found = explain(set, text)
      guard let wanted else {
        #expect(found.events.isEmpty && found.why != nil, "\(text)")
        continue
      }
      var out: [UInt8] = []
      for event in found.events { event.write(into: &out) }
      #expect(String(decoding: out, as: UTF8.self).contains(#""action":"open","# + wanted + ","), "\(text): \(found.why ?? "")")
    }
  }

  @Test("values of RFC 5424's structured data are cut like pairs")
  func structuredData() throws {
    let set = try set(
      #"form: "key-value", text: { part: "structured_data" }"#,
      #"{ name: "c", when: { "@msgid": "OPEN" }, values: { src: "{src_ip}", "user?": "{user}" }, event: { kind: "session", action: "open" } }"#
    )
    let found = explain(set, #"[junos@2636.1 src="10.0.0.1" user="a\]b"]"#, header: "<30>1 2026-11-23T12:00:00Z h prog - OPEN ")
    #expect(found.events.first?["user"]?.string == "a]b", "\(found.why ?? "")")
    #expect(explain(set, #"[x src="10.0.0.1"]"#, header: "<30>1 - h prog - CLOSE ").events.isEmpty)
    #expect(explain(set, "src=10.0.0.1").events.isEmpty)
  }

  @Test(
    "CEF: a value goes up to the next key, escapes are resolved",
    arguments: [
      ("CEF:0|V|P|1|7|name|3|src=10.0.0.1 user=ali veli act=x", "ali veli"),
      (#"CEF:0|V|P|1|7|na\|me|3|src=10.0.0.1 user=a\=b\\c"#, #"a=b\c"#),
      ("CEF:0|V|P|1|7|name|3|msg=see http://x/?a=1 src=10.0.0.1 user=u ", "u"), ("CEF:0|V|P|1|7|name|3|src=10.0.0.1 user= act=x", ""),
      (#"CEF:0|V|P|1|7|name|3|request=/a\=b c src=10.0.0.1 user=EFELER\ali"#, #"EFELER\ali"#),
      ("CEF:0|V|P|1|7|name|src=10.0.0.1 user=u", nil), ("CEF:0|V|P|1|7|name|3|", nil), ("CEF:0|V", nil),
    ] as [(String, String?)])
  func cef(_ message: String, _ user: String?) throws {
    let found = explain(try set(#"form: "key-value", text: { layout: "cef" }"#), message)
    #expect(found.events.isEmpty == (user == nil), "\(found.why ?? "")")
    if let user { #expect(found.events.first?["user"]?.string ?? "" == user) }
  }

  @Test("CEF's header is values too")
  func cefHeader() throws {
    let set = try set(
      #"form: "key-value", text: { layout: "cef" }"#,
      #"{ name: "c", when: { "@vendor": "V", "@id": "7", "@name": "*close" }, values: { src: "{src_ip}" }, event: { kind: "session", action: "close" } }"#
    )
    #expect(explain(set, "CEF:0|V|P|1|7|traffic close|3|src=10.0.0.1").events.count == 1)
    #expect(explain(set, "CEF:0|W|P|1|7|traffic close|3|src=10.0.0.1").why == "test/1: no case's when holds")
  }

  @Test(
    "LEEF: attributes between tabs, or what version 2.0 names",
    arguments: [
      "LEEF:1.0|V|P|1|7|src=10.0.0.1\tuser=ali veli", "LEEF:2.0|V|P|1|7|^|src=10.0.0.1^user=ali veli^x=1",
      "LEEF:2.0|V|P|1|7|x5E|src=10.0.0.1^user=ali veli", "LEEF:2.0|V|P|1|7||src=10.0.0.1\tuser=ali veli",
    ])
  func leef(_ message: String) throws {
    let found = explain(try set(#"form: "key-value", text: { layout: "leef" }"#), message)
    #expect(found.events.first?["user"]?.string == "ali veli", "\(found.why ?? "")")
  }

  @Test(
    "csv: columns by their place, named by the kind of row",
    arguments: [
      ("1,A,10.0.0.1,ali", "ali"), (#"1,A,10.0.0.1,"a, ""b""",more"#, #"a, "b""#), ("1,A,10.0.0.1", nil), (#"1,A,10.0.0.1,"ali"#, nil),
      (#"1,A,10.0.0.1,"a"b"#, nil), ("1,B,ali,10.0.0.1", "ali"), ("1,B,,10.0.0.1,x,y", ""), ("1,C,10.0.0.1,ali", nil),
    ] as [(String, String?)])
  func csv(_ message: String, _ user: String?) throws {
    let set = try set(
      """
      form: "csv", rows: [
        { when: { "#2": "A" }, columns: ["", "", "src", "user", "extra?"] }, { when: { "#2": "B" }, columns: ["", "", "user", "src"] },
      ]
      """)
    let found = explain(set, message)
    #expect(found.events.isEmpty == (user == nil), "\(found.why ?? "")")
    if let user { #expect(found.events.first?["user"]?.string ?? "" == user) }
  }

  @Test(
    "json: members by the way to them, whole objects only",
    arguments: [
      (#"{"src":"10.0.0.1","user":{"name":"ali"}}"#, "ali"),
      (#" {"x":[{"src":"10.0.0.9"},1,null],"src" : "10.0.0.1", "user.name":"\u015e\u00fc\uD83D\uDE00\n\/"} "#, "Şü😀\n/"),
      (#"{"src":"10.0.0.1","user":{"name":42}}"#, "42"), (#"{"src":"10.0.0.1","user":{"name":null}}"#, ""),
      (#"{"src":"10.0.0.1","user":{"name":"ali"}"#, nil), (#"{"src":"10.0.0.1","user":{"name":"al"#, nil),
      (#"{"src":"10.0.0.1","user":{"name":"\uD83D"}}"#, nil), (#"{"src":"10.0.0.1"} x"#, nil), (#"{"src":"10.0.0.1",}"#, nil),
      (#"{"src":10}"#, nil),
      (#"[{"src":"10.0.0.1"}]"#, nil),
    ] as [(String, String?)])
  func json(_ message: String, _ user: String?) throws {
    let set = try set(
      #"form: "json""#, #"{ name: "c", values: { src: "{src_ip}", "user.name?": "{user}" }, event: { kind: "session", action: "open" } }"#)
    let found = explain(set, message)
    #expect(found.events.isEmpty == (user == nil), "\(found.why ?? "")")
    if let user { #expect(found.events.first?["user"]?.string ?? "" == user) }
  }

  @Test(
    "the first case whose when holds reads the message",
    arguments: [
      (#"{ a: "1" }"#, "a=1", true), (#"{ a: 1 }"#, "a=1", true), (#"{ a: "1" }"#, "a=11", false), (#"{ a: ["1", "2"] }"#, "a=2", true),
      (#"{ a: "1*" }"#, "a=12", true), (#"{ a: "*2" }"#, "a=12", true), (#"{ a: "*2*" }"#, "a=123", true),
      (#"{ a: "*2*" }"#, "a=13", false),
      (#"{ a: "*" }"#, "a=x", true), (#"{ a: "*" }"#, "a=", false), (#"{ a: "*" }"#, "b=1", false), (#"{ a: null }"#, "b=1", true),
      (#"{ a: null }"#, "a=N/A", true),
      (#"{ a: null }"#, "a=1", false), (#"{ a: { not: "1" } }"#, "a=2", true), (#"{ a: { not: ["1", null] } }"#, "b=1", false),
      (#"{ a: { not: "*$" } }"#, "a=PC1$", false), (#"{ a: "1", b: "2" }"#, "a=1 b=2", true), (#"{ a: "1", b: "2" }"#, "a=1", false),
      // Twice the same says the same; twice different says nothing.
      (#"{ a: "1" }"#, "a=1 a=1", true), (#"{ a: "1" }"#, "a=1 a=2", false), (#"{ a: "1", "a#2": "2" }"#, "a=1 a=2", true),
    ])
  func when(_ when: String, _ message: String, _ holds: Bool) throws {
    let set = try set(
      #"form: "key-value", none: ["N/A"]"#,
      "{ name: \"c\", when: \(when), values: { src: \"{src_ip}\" }, event: { kind: \"session\", action: \"open\" } }, { name: \"rest\", event: null }"
    )
    let found = explain(set, message + " src=10.0.0.1")
    #expect(found.events.isEmpty == !holds, "\(found.why ?? "")")
    if !holds { #expect(found.why == "test/1 case rest: a message that gives or takes no address") }
  }

  @Test(
    "values become fields, or the message is not understood, and explain says why",
    arguments: [
      (#"{ src: "{src_ip}" }"#, "x=1", nil, "test/1 case c: src is missing or empty"),
      (#"{ src: "{src_ip}" }"#, "src=10.0.0", nil, #"test/1 case c: src is "10.0.0", expected an IP address"#),
      (#"{ src: "{src_ip}" }"#, "src=10.0.0.1/24", nil, #"test/1 case c: src is "10.0.0.1/24", which says more than its pattern"#),
      (#"{ src: "{src_ip}" }"#, "src=10.0.0.1 src=10.0.0.2", nil, "test/1 case c: src stands several times with different values"),
      (
        #"{ src: "{src_ip}", a: { action: { x: "deny" } } }"#, "src=10.0.0.1 a=y", nil,
        #"test/1 case c: a is "y", which stands for nothing known"#
      ),
      (#"{ src: "{src_ip}", a: { action: { x: "deny", "*": "close" } } }"#, "src=10.0.0.1 a=y", #""action":"close""#, nil),
      (#"{ src: "{src_ip}:{src_port}{?:{:rest}}" }"#, "src=10.0.0.1:514:X0:pc", #""src_ip":"10.0.0.1","src_port":514"#, nil),
      (#"{ src: "{src_ip}", "p?": ["0", "{src_port}"] }"#, "src=10.0.0.1 p=65536", nil, #"test/1 case c: p is "65536", expected a port"#),
      (#"{ src: "{src_ip}", "p?": ["0", "{src_port}"] }"#, "src=10.0.0.1 p=0", #""src_ip":"10.0.0.1","dialect""#, nil),
      (#"{ src: "{src_ip}", p: "{protocol}" }"#, "src=10.0.0.1 p=17", #""protocol":"udp""#, nil),
      (#"{ src: "{src_ip}", p: "{protocol}/{:rest}" }"#, "src=10.0.0.1 p=TCP/https", #""protocol":"tcp""#, nil),
      (#"{ src: "{src_ip}", p: "{protocol}" }"#, "src=10.0.0.1 p=gre", #""protocol":"gre","src_ip":"10.0.0.1","dialect""#, nil),
      (
        #"{ src: "{src_ip}", p: "{protocol}", s: "{src_port}" }"#, "src=10.0.0.1 p=icmp s=8",
        #""protocol":"icmp","src_ip":"10.0.0.1","dialect""#, nil
      ),
      (
        #"{ src: "{src_ip}", n: "{nat_ip}", m: "{nat_port}", s: "{src_port}" }"#, "src=10.0.0.1 s=5 n=10.0.0.1 m=5",
        #""src_port":5,"dialect""#, nil
      ),
      (
        #"{ src: "{src_ip}", n: "{nat_ip}", m: "{nat_port}", s: "{src_port}" }"#, "src=10.0.0.1 s=5 n=10.0.0.1 m=6",
        #""nat_ip":"10.0.0.1","nat_port":6"#, nil
      ),
      (#"{ src: "{src_ip}", n: "{nat_ip}" }"#, "src=10.0.0.1 n=0.0.0.0", #""src_ip":"10.0.0.1","dialect""#, nil),
      (
        #"{ src: "{src_ip}", "d + t + z?": ["{time:zoned-time}", "{time}"] }"#, "src=10.0.0.1 d=2026-11-20 t=10:00:00 z=+0300",
        #""time":"2026-11-20T07:00:00+00:00""#, nil
      ),
      (
        #"{ src: "{src_ip}", "d + t + z?": ["{time:zoned-time}", "{time}"] }"#, "src=10.0.0.1 d=2026/11/20 t=10:00:00",
        #""time":"2026-11-20T10:00:00+00:00""#, nil
      ),
      (#"{ src: "{src_ip}", t: "{time:unix-time}" }"#, "src=10.0.0.1 t=1795158902", #""time":"2026-11-20T07:15:02+00:00""#, nil),
      (
        #"{ src: "{src_ip}", t: "{time:unix-time}" }"#, "src=10.0.0.1 t=1795158902123456789", #""time":"2026-11-20T07:15:02.123456+00:00""#,
        nil
      ),
      (#"{ src: "{src_ip}", t: "{time:unix-time}" }"#, "src=10.0.0.1 t=1795158902.25", #""time":"2026-11-20T07:15:02.25+00:00""#, nil),
      (
        #"{ src: "{src_ip}", t: "{time:month-time}" }"#, #"src=10.0.0.1 t="Fri Nov 20 10:15:02 2026""#,
        #""time":"2026-11-20T10:15:02+00:00""#, nil
      ),
      (
        #"{ src: "{src_ip}", t: "{time:american-time}" }"#, #"src=10.0.0.1 t="11/20/26 10:15:02""#, #""time":"2026-11-20T10:15:02+00:00""#,
        nil
      ),
      (#"{ src: "{src_ip}", t: "{duration:duration}" }"#, "src=10.0.0.1 t=1:02:03", #""duration":3723"#, nil),
      (#"{ src: "{src_ip}", t: "{duration:seconds}" }"#, "src=10.0.0.1 t=61.9", #""duration":61"#, nil),
      (#"{ src: "{src_ip}", t: "{duration:milliseconds}" }"#, "src=10.0.0.1 t=61900", #""duration":61"#, nil),
      (
        #"{ src: "{src_ip}", t: "{:phrase}user: {user:word} {:rest}" }"#, #"src=10.0.0.1 t="a user: ali user: veli x""#, #""user":"ali""#,
        nil
      ),
    ] as [(String, String, String?, String?)])
  func values(_ values: String, _ message: String, _ expected: String?, _ why: String?) throws {
    let set = try set(Self.pairs, "{ name: \"c\", values: \(values), event: { kind: \"session\", action: null } }")
    let found = explain(set, message)
    if let expected { #expect(found.events.first?.text.contains(expected) == true, "\(found.events.map(\.text)) \(found.why ?? "")") }
    if let why { #expect(found.why == why) }
    #expect(found.events.isEmpty == (expected == nil))
  }

  @Test("a message cut off inside a quoted value has no event, unless its case says so")
  func cutOff() throws {
    let set = try set(
      Self.pairs,
      """
      { name: "whole", when: { a: "1" }, values: { src: "{src_ip}" }, event: { kind: "session", action: "open" } },
      { name: "cut", when: { a: "2" }, cut_off: true, values: { src: "{src_ip}" }, event: { kind: "session", action: "open" } }
      """)
    #expect(explain(set, #"a=1 src=10.0.0.1 m="x"#).why == "test/1 case whole: the message was cut off inside a quoted value")
    #expect(explain(set, #"a=2 src=10.0.0.1 m="x"#).events.count == 1)
    #expect(explain(set, #"a=2 m="x src=10.0.0.1"#).events.isEmpty)
  }

  @Test("a reading may be chosen by how the text begins and what it contains, with any header or none")
  func beginnings() throws {
    let text = """
      { name: "test", version: 1, applies: { begins: ["id=fw "], contains: ["src="], any_app: true }, form: "key-value",
        cases: [{ name: "c", values: { src: "{src_ip}" }, event: { kind: "session", action: "open" } }],
        also: [{ applies: { begins: ["{"], any_app: true }, form: "json" }],
        examples: [{ input: "x", events: null }] }
      """
    let set = try DialectSet.load(file: Array(text.utf8).span, path: "test.json5", name: "test")
    for header in ["", "<30>", "<30>Nov 23 10:15:02 gw ", "<30>Nov 23 10:15:02 gw other[1]: ", "<30>1 2026-11-23T10:15:02Z h a - - - "] {
      #expect(explain(set, "id=fw src=10.0.0.1", header: header).events.count == 1, "\(header)")
      #expect(explain(set, #"{"src":"10.0.0.1"}"#, header: header).events.count == 1, "\(header)")
      #expect(explain(set, "id=fx src=10.0.0.1", header: header).dialect == nil, "\(header)")
      #expect(explain(set, "id=fw dst=10.0.0.1", header: header).dialect == nil, "\(header)")
    }
  }

  @Test("a forwarder's tag does not hide messages from the dialects that their source names")
  func ownDialects() {
    let text = Array("<13>Nov 23 10:15:02 dc1 forwarder: 10,11/23/26,08:14:40,Assign,10.20.3.57,PC,3C52821A7F09,,1,0,,,,,,,,,0".utf8)
    for (dialects, count) in [(nil, 0), (DialectSet.builtIn.index(of: "windows-dhcp").map { [$0] }, 1)] {
      var normaliser = Normaliser(.builtIn)
      let found = normaliser.explain(text.span, received: 0, sender: 1, source: SourceReading(zone: .utc, dialects: dialects))
      #expect(found.events.count == count, "\(found.why ?? "")")
    }
  }

  @Test("what stands before the pairs is a head, whose own fields are values")
  func head() throws {
    let set = try set(
      #"form: "key-value", head: "({_what:word}) {?fw }""#,
      #"{ name: "c", when: { _what: "up" }, values: { src: "{src_ip}" }, event: { kind: "session", action: "open" } }"#)
    #expect(explain(set, "(up) fw src=10.0.0.1").events.count == 1)
    #expect(explain(set, "(down) src=10.0.0.1").events.isEmpty)
    #expect(explain(set, "up src=10.0.0.1").why == #"test/1 head stopped at byte 10: expected "(", found "up src=10.0.0.1""#)
  }

  @Test(
    "what is wrong with a form is said with line and path",
    arguments: [
      (#"form: "key-value", text: { separator: "ab" }"#, nil, "text.separator: expected one character, or null for none"),
      (#"form: "key-value", text: { layout: "xml" }"#, nil, "text.layout: expected pairs, cef or leef"),
      (#"form: "xml""#, nil, "unknown form xml"),
      (#"form: "csv""#, nil, "has no rows"), (#"form: "json", rows: []"#, nil, "only the form csv has rows"),
      (#"form: "csv", rows: [{ columns: ["a?", "b"] }]"#, nil, "rows[0].columns[1]: expected ? behind a column"),
      (#"form: "csv", rows: [{ when: { a: "1" }, columns: ["a"] }]"#, nil, "expected the number of a column, such as #4"),
      (pairs, #"{ name: "c", values: ["x"], event: null }"#, "cases[0].values[0]: no x in values"),
      (pairs, #"{ name: "c", values: { a: "{srcip}" }, event: null }"#, "{srcip} is no field of events"),
      (pairs, #"{ name: "c", values: { a: "{protocol:word}" }, event: null }"#, "protocol cannot hold a word"),
      (pairs, #"{ name: "c", values: { a: { src_ip: { x: "1" } } }, event: null }"#, "expected one field that holds a word"),
      (pairs, #"{ name: "c", event: null }, { name: "c", event: null }"#, "two cases are called c"),
      (pairs, #"{ name: "c", when: { "a#9": "1" }, event: null }"#, "expected #2 to #8"),
      (pairs + #", patterns: []"#, nil, "only the form pattern has patterns"),
    ] as [(String, String?, String)])
  func wrong(_ form: String, _ cases: String?, _ expected: String) {
    do {
      _ = try set(form, cases)
      Issue.record("no error")
    } catch { #expect("\(error)".contains(expected), "\(error)") }
  }

  @Test("what a device wrote before does not change how a message is read") func keyOrder() throws {
    let texts = [
      #"src=10.0.0.1 user=ali x=1"#, #"user=ali src=10.0.0.1"#, #"src=10.0.0.1 usr=ali user=veli"#, #"src =10.0.0.1 user= ali"#,
      #"src=10.0.0.1 userx=ali"#, #"src=10.0.0.1 use=ali"#, #"src=10.0.0.1 user"#, #"src=10.0.0.1 user=""#, #"src="10.0.0.1" user="a b""#,
      #"src=10.0.0.1 a_long_name_of_more_than_sixteen=1 user=ali"#, #"src=10.0.0.1 a_long_name_of_more_than_sixteex=1 user=ali"#,
      #"src=10.0.0.1 user"=ali user=veli"#, #"src=10.0.0.1 src=10.0.0.2 user=ali"#, "", "src=10.0.0.1", "user=ali src=10.0.0.1 user=ali",
    ].map { Array(("<30>prog: " + $0).utf8) }
    for form in [Self.pairs, Self.commas] {
      let set = try set(form)
      func read(_ text: [UInt8], _ normaliser: inout Normaliser) -> [UInt8] {
        var events = EventList()
        var out: [UInt8] = []
        _ = normaliser.read(text.span, received: 0, sender: 1, source: SourceReading(zone: .utc), into: &events)
        events.write(into: &out)
        return out
      }
      var warm = Normaliser(set)
      for before in texts {
        for text in texts {
          var fresh = Normaliser(set)
          _ = read(before, &warm)
          #expect(read(text, &warm) == read(text, &fresh), "\(text.span.string) after \(before.span.string)")
        }
      }
    }
  }
}
