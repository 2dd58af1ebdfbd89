import Record
import Testing

@testable import Commands

@Suite struct VisibleTests {
  @Test(
    "what a terminal obeys or a reader cannot see is written out",
    arguments: [
      ("BIM-PC", "BIM-PC"), ("Muhasebe ŞÜKRÜ ığüşöç", "Muhasebe ŞÜKRÜ ığüşöç"), ("a\u{1b}[31mb", "a\\u{1b}[31mb"),
      ("a\nb\r\tc\0", "a\\u{a}b\\u{d}\\u{9}c\\u{0}"),
      ("\u{202e}cod.exe", "\\u{202e}cod.exe"), ("a\u{2066}b\u{2069}", "a\\u{2066}b\\u{2069}"),
      ("a\u{200b}b\u{feff}", "a\\u{200b}b\\u{feff}"),
      ("\u{9b}2J", "\\u{9b}2J"), ("\u{7f}", "\\u{7f}"), ("a\u{2028}b", "a\\u{2028}b"), ("a\u{3000}b", "a\\u{3000}b"),
      ("\u{e0041}", "\\u{e0041}"),
      ("😀", "😀"), ("DOMAIN\\user", "DOMAIN\\user"),
    ])
  func written(text: String, expected: String) { #expect(visible(text) == expected) }

  @Test("a spreadsheet takes no cell for a formula, and RFC 4180 holds")
  func csv() {
    #expect(CSV.cell("=1+1") == "'=1+1")
    #expect(CSV.cell("-5") == "'-5")
    #expect(CSV.cell("@x") == "'@x")
    #expect(CSV.cell("+9") == "'+9")
    #expect(CSV.cell("a,b") == "\"a,b\"")
    #expect(CSV.cell("a\"b") == "\"a\"\"b\"")
    #expect(CSV.cell("=\"x\"") == "\"'=\"\"x\"\"\"")
    #expect(CSV.cell("\t=1") == "\\u{9}=1")
    #expect(CSV.cell("10.20.3.57") == "10.20.3.57")
    #expect(
      CSV.table(["day": "2026-11-20", "rows": [["ip": "10.20.3.57", "hostname": "=x"]]])
        == "site,ip,start,end,end_reason,mac,hostname,user,certainty\r\n,10.20.3.57,,,,,'=x,,\r\n")
  }

  @Test("an answer shows its times with offset and in UTC, and nothing raw of strangers")
  func holder() {
    let text = Rendering.text(
      .who,
      [
        "question": ["ip": "10.20.3.57", "at": "2026-11-20T01:03:00+03:00"], "complete": true, "gaps": [],
        "answers": [
          [
            "site": "default", "ip": "10.20.3.57", "mac": "3c:52:82:1a:7f:09", "hostname": "a\u{1b}[2Jb", "basis": "lease",
            "start": "2026-11-20T00:30:00+03:00", "last_seen": "2026-11-20T00:45:00+03:00",
            "end": nil, "end_reason": "open", "certainty": "confirmed", "clock": "receive", "users": [],
            "evidence": [["day": "2026-11-20", "record": 7, "seal": 3, "proven_at": "2026-11-20T02:00:00+03:00"]],
          ]
        ], "before": nil, "after": nil,
      ], style: Style(colour: false))
    #expect(
      text == """
        10.20.3.57 at 2026-11-20 01:03:00 +03:00 (2026-11-19 22:03:00 UTC)

        confirmed  3c:52:82:1a:7f:09  a\\u{1b}[2Jb
          address      10.20.3.57
          from         2026-11-20 00:30:00 +03:00 (2026-11-19 21:30:00 UTC)
          to           still open
          last seen    2026-11-20 00:45:00 +03:00 (2026-11-19 21:45:00 UTC)
          basis        lease
          evidence     2026-11-20 record 7, seal 3, proven at 2026-11-20 02:00:00 +03:00 (2026-11-19 23:00:00 UTC)

        """)
  }

  @Test("a message that is not whole says so, and one by UDP that nobody vouches for its sender")
  func cut() {
    func shown(_ members: String) -> String {
      let line = #"{"time":"2026-11-20T01:03:00.000000+03:00",\#(members),"raw":"x"}"#
      return RecordText(style: Style(colour: false)).show(["day": "2026-11-20", "record": 1, "line": .string(line)])
    }
    #expect(shown(#""via":"udp","from":"10.0.0.1:514","cut":70000"#).contains("cut off   the message had 70,000 bytes\n"))
    #expect(shown(#""via":"tcp","from":"10.0.0.1:514","cut":null"#).contains("cut off   the connection ended before the message did\n"))
    #expect(shown(#""via":"udp","from":"10.0.0.1:514""#).contains("udp, from 10.0.0.1:514, not authenticated\n"))
    #expect(!shown(#""via":"tls","from":"10.0.0.1:514""#).contains("not authenticated"))
  }

  @Test("an IPv6 address and its port are told apart")
  func endpoints() {
    let text = Rendering.text(
      .nat,
      [
        "question": [
          "ip": "2001:db8::1", "port": 443, "at": "2026-11-20T01:03:00+03:00", "to": "[2001:db8::2]:53", "protocol": "udp",
        ], "complete": true, "gaps": [], "answers": [], "before": nil, "after": nil,
      ], style: Style(colour: false))
    #expect(text.hasPrefix("[2001:db8::1]:443 to [2001:db8::2]:53, udp at 2026-11-20 01:03:00 +03:00"), "\(text)")
  }
}
