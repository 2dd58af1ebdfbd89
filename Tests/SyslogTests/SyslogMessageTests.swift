import Record
import Syslog
import TestSupport
import Testing

@Suite struct SyslogMessageTests {
  private struct Parts: Equatable {
    var priority: Int?
    var host: String?
    var app: String?
    var procid: String?
    var message: String?
  }

  private func parts(_ text: String) -> Parts {
    let bytes = Array(text.utf8)
    let m = SyslogMessage(bytes.span)
    func part(_ range: Range<Int>?) -> String? { range.map { String(decoding: bytes[$0], as: UTF8.self) } }
    return Parts(priority: m.priority, host: part(m.host), app: part(m.app), procid: part(m.procid), message: part(m.message))
  }

  @Test("a tag is taken only where it is one")
  func tags() {
    #expect(parts("<30>Nov 20 10:15:02 h a: m") == Parts(priority: 30, host: "h", app: "a", message: "m"))
    #expect(parts("<30>Nov 20 10:15:02 a[1]: m") == Parts(priority: 30, app: "a", procid: "1", message: "m"))
    #expect(parts("<30>Nov 20 10:15:02 h a[1] m") == Parts(priority: 30, host: "h", app: "a", procid: "1", message: "m"))
    #expect(parts("<30>a[1]: m") == Parts(priority: 30, app: "a", procid: "1", message: "m"))
    #expect(parts("a[1]: m") == Parts(message: "a[1]: m"))
    #expect(parts("<30>Nov 20 10:15:02 h key=value: m") == Parts(priority: 30, host: "h", message: "key=value: m"))
    #expect(parts("<30>Nov 20 10:15:02 h \"quoted\": m") == Parts(priority: 30, host: "h", message: "\"quoted\": m"))
    #expect(parts("<30>Nov 20 10:15:02 h ::1: m") == Parts(priority: 30, host: "h", message: "::1: m"))
    #expect(parts("<30>Nov 20 10:15:02 h a[1") == Parts(priority: 30, host: "h", message: "a[1"))
    #expect(parts("<30>Nov 20 10:15:02 dev01: %ASA-6-302013: m") == Parts(priority: 30, host: "dev01", app: "%ASA-6-302013", message: "m"))
    #expect(parts("<30>Nov 20 10:15:02 h Rib: %AGENT-6-X: m") == Parts(priority: 30, host: "h", app: "Rib", message: "%AGENT-6-X: m"))
    let long = String(repeating: "x", count: 129)
    #expect(parts("<30>Nov 20 10:15:02 h \(long): m").app == nil)
  }

  @Test("Cisco's numbers, names and zones stand before the tag")
  func cisco() {
    #expect(
      parts("<189>25877: 012345: Dec 23 03:25:30.899 CET: %AUTHMGR-5-START: m")
        == Parts(priority: 189, app: "%AUTHMGR-5-START", message: "m"))
    #expect(
      parts("<189>44124: sw-kat2: .Nov 20 2026 10:15:02.123 TRT: %SYS-5-X: m")
        == Parts(priority: 189, host: "sw-kat2", app: "%SYS-5-X", message: "m"))
    // As a relay wrote it to a file behind a header of its own.
    #expect(
      parts("Jun 20 02:41:40 198.51.100.2 1663303: Jun 20 02:41:39.326: %SEC-6-X: m")
        == Parts(host: "198.51.100.2", app: "%SEC-6-X", message: "m"))
    #expect(parts("<30>Nov 20 10:15:02 h 1663303: m") == Parts(priority: 30, host: "h", app: "1663303", message: "m"))
    #expect(parts("<189>44124: hello: world") == Parts(priority: 189, message: "44124: hello: world"))
  }

  @Test("a program's own file with a date is no syslog header")
  func ownFile() {
    let line = "2026-08-02 09:53:52.326 INFO  [kea-dhcp4.leases/617] DHCP4_X y"
    #expect(parts(line) == Parts(message: line))
  }

  @Test(
    "a priority has one to three digits and is at most 191",
    arguments: [
      ("<0>x", 0), ("<191>x", 191), ("<192>x", nil), ("<>x", nil), ("<1234>x", nil), ("<-1>x", nil), ("<1 >x", nil), ("<1", nil),
      ("<", nil), ("", nil),
    ] as [(String, Int?)])
  func priority(_ text: String, _ value: Int?) { #expect(parts(text).priority == value) }

  @Test("CR, LF and NUL at the end are no part of the message; those inside are")
  func ends() {
    #expect(parts("<30>a: x\ny\r\n\0\0").message == "x\ny")
    #expect(parts("<30>1 - - - - - - x\0y\n").message == "x\0y")
    #expect(parts("\r\n\0").message == nil)
  }

  @Test("a valid message cut short anywhere never gains a version or traps")
  func truncated() {
    for text in [
      "<165>1 2003-10-11T22:14:15.003Z m a p i [x@1 a=\"1\" b=\"\\]\"][y@2 c=\"d\"] \u{feff}An application",
      "<189>44124: sw-kat2: .Nov 20 2026 10:15:02.123 TRT: %SYS-5-CONFIG_I: x",
      "<134>1 2026-11-20T07:15:02Z g C 7 - [action:\"Accept\"; flags:\"4\"]",
      "<14>1 2011-10-23T02:06:26.544 S R - I [junos@2636.1.1 a=\"b\" c=d]",
    ] {
      let bytes = Array(text.utf8)
      for n in 0...bytes.count {
        let m = SyslogMessage(bytes.span.extracting(0..<n))
        for range in [m.timestamp, m.host, m.app, m.procid, m.msgid, m.structuredData, m.message].compactMap({ $0 }) {
          #expect(range.lowerBound >= 0 && range.upperBound <= n)
        }
      }
    }
  }

  @Test("at most 64 elements of structured data are compared")
  func elements() {
    let text = { (n: Int) in "<13>1 - - - - - " + (0..<n).map { "[x\($0)]" }.joined() }
    #expect(SyslogMessage(Array(text(64).utf8).span).version == 1)
    #expect(SyslogMessage(Array(text(65).utf8).span).version == nil)
  }
}

@Suite struct DeviceTimeTests {
  private func resolve(_ text: String, received: String, zone: String = "Europe/Berlin") -> String? {
    let bytes = Array("<30>\(text) h a: m".utf8)
    guard let zone = Zone(named: zone), let received = Timestamp(rfc3339: received) else { return "no zone" }
    return SyslogMessage(bytes.span).time?.resolved(zone: zone, received: received.microseconds)?.description
  }

  @Test(
    "the year is the nearest, and not more than a day ahead",
    arguments: [
      ("Dec 31 23:59:59", "2027-01-01T00:00:10+01:00", "2026-12-31T23:59:59+01:00"),
      ("Jan  1 00:00:10", "2026-12-31T23:59:00+01:00", "2027-01-01T00:00:10+01:00"),
      ("Jul  1 12:00:00", "2026-12-31T23:59:00+01:00", "2026-07-01T12:00:00+02:00"),
      ("Jun 15 12:00:00", "2026-01-10T00:00:00+01:00", "2025-06-15T12:00:00+02:00"),
      ("Nov 25 12:00:00", "2026-11-23T12:00:00+01:00", "2025-11-25T12:00:00+01:00"),
      ("Nov 24 11:59:59", "2026-11-23T12:00:00+01:00", "2026-11-24T11:59:59+01:00"),
      ("Feb 29 12:00:00", "2028-03-01T12:00:00+01:00", "2028-02-29T12:00:00+01:00"),
    ])
  func year(_ text: String, _ received: String, _ time: String) { #expect(resolve(text, received: received) == time) }

  @Test(
    "a day that no year near has is no time",
    arguments: ["Feb 29 12:00:00", "Feb 30 12:00:00", "Nov 31 12:00:00", "Jun 31 2026 12:00:00", "2026-02-29T12:00:00"])
  func noDay(_ text: String) { #expect(resolve(text, received: "2026-11-23T12:00:00+01:00") == nil) }

  @Test("of an hour that comes twice the one nearer to reception is meant; an hour left out is none")
  func changes() {
    #expect(resolve("Oct 25 02:30:00", received: "2026-10-25T02:30:01+02:00") == "2026-10-25T02:30:00+02:00")
    #expect(resolve("Oct 25 02:30:00", received: "2026-10-25T02:30:01+01:00") == "2026-10-25T02:30:00+01:00")
    #expect(resolve("Mar 29 02:30:00", received: "2026-03-29T03:30:01+02:00") == nil)
  }

  @Test(
    "Turkish months, years on either side, fractions and offsets are read",
    arguments: [
      ("Kas 20 10:15:02", "2026-11-20T10:15:02+03:00"), ("Şub  3 10:15:02", "2026-02-03T10:15:02+03:00"),
      ("Ağu  3 10:15:02", "2026-08-03T10:15:02+03:00"),
      ("Nov 20 10:15:02 2026", "2026-11-20T10:15:02+03:00"), ("Nov 20 2024 10:15:02.5", "2024-11-20T10:15:02.5+03:00"),
      ("2026-11-20T07:15:02Z", "2026-11-20T10:15:02+03:00"), ("2026-11-20T10:15:02+0300", "2026-11-20T10:15:02+03:00"),
      ("2026-11-20T10:15:02,123", "2026-11-20T10:15:02.123+03:00"), ("2026-11-20 10:15:02", "2026-11-20T10:15:02+03:00"),
    ])
  func forms(_ text: String, _ time: String) {
    #expect(resolve(text, received: "2026-11-23T12:00:00+03:00", zone: "Europe/Istanbul") == time)
  }

  @Test(
    "a zone's name is taken only where it means one offset",
    arguments: [
      ("2018-01-06 01:02:03 CET", "2018-01-06T00:02:03+00:00"), ("2026-11-20 09:00:00 +03", "2026-11-20T06:00:00+00:00"),
      ("2026-11-20 09:00:00 -0330", "2026-11-20T12:30:00+00:00"), ("2026-11-20 09:00:00 CST", nil), ("2026-11-20 09:00:00 PST", nil),
    ] as [(String, String?)])
  func zones(_ text: String, _ time: String?) {
    #expect(DeviceTime.zoned(Array(text.utf8).span, at: 0)?.time.resolved(zone: .utc, received: 0)?.description == time)
  }
}
