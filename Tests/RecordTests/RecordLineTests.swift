import Record
import Testing

@Suite struct RecordLineTests {
  private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

  @Test("a record is written as design section 3 shows it, and read back")
  func example() throws {
    var events = EventList()
    events.begin(.lease, action: "assign")
    events.set(.mac, try #require(MACAddress("3c:52:82:1a:7f:09")))
    events.set(.hostname, text: Array("BIM-PC".utf8).span)
    events.set(.ip, try #require(IPAddress("10.20.3.57")))
    events.set(.time, try #require(Timestamp(rfc3339: "2026-11-23T14:03:07+03:00")))
    events.set(.dialect, word: "isc-dhcpd/1")
    var writer = RecordWriter()
    var line: [UInt8] = []
    let at = try #require(Timestamp(rfc3339: "2026-11-23T14:03:07.123456+03:00"))
    let sender = RecordWriter.sender(via: .udp, source: "dhcp1", site: "default", from: "10.20.0.2:51412")
    writer.begin(&line, microseconds: at.microseconds, offsetMinutes: 180, sender: sender.span)
    RecordWriter.raw(&line, utf8: Array("<30>x \"y\"\n\u{0}".utf8).span)
    RecordWriter.end(&line, events: events)
    #expect(
      text(line)
        == #"{"time":"2026-11-23T14:03:07.123456+03:00","via":"udp","source":"dhcp1","from":"10.20.0.2:51412","raw":"<30>x \"y\"\n\u0000","events":[{"kind":"lease","action":"assign","ip":"10.20.3.57","mac":"3c:52:82:1a:7f:09","hostname":"BIM-PC","dialect":"isc-dhcpd/1","time":"2026-11-23T14:03:07+03:00"}]}"#
        + "\n")
    let read = try RecordLine(line.span.extracting(0..<line.count - 1))
    #expect(read.raw == Array("<30>x \"y\"\n\u{0}".utf8) && read.site == RecordLine.defaultSite && read.events.count == 1)
    #expect(read.json.bytes + [0x0a] == line)
    #expect(read.events.first?.ip(.ip)?.description == "10.20.3.57")
  }

  @Test("times within a second and across seconds are written right")
  func times() {
    var writer = RecordWriter()
    for (micros, wanted) in [
      (0, "1970-01-01T03:00:00.000000"), (999_999, "1970-01-01T03:00:00.999999"), (1_000_000, "1970-01-01T03:00:01.000000"),
      (-1, "1970-01-01T02:59:59.999999"), (5, "1970-01-01T03:00:00.000005"),
    ] {
      var line: [UInt8] = []
      writer.begin(&line, microseconds: Int64(micros), offsetMinutes: 180, sender: Span())
      #expect(text(line) == "{\"time\":\"\(wanted)+03:00\"")
    }
  }

  @Test("any bytes come back from a record", arguments: [[], [0], [0xff], [0xde, 0xfe], Array(0...255)] as [[UInt8]])
  func anyBytes(_ raw: [UInt8]) throws {
    var writer = RecordWriter()
    var line: [UInt8] = []
    writer.begin(&line, microseconds: 0, offsetMinutes: 0, sender: RecordWriter.sender(via: .tcp).span)
    if raw.span.isUTF8 {
      RecordWriter.raw(&line, utf8: raw.span)
    } else {
      var decoded: [UInt8] = []
      Charset.windows1254.decode(raw.span, into: &decoded)
      RecordWriter.raw(&line, bytes: raw.span, text: decoded)
    }
    RecordWriter.end(&line, events: EventList())
    #expect(try RecordLine(line.span.extracting(0..<line.count - 1)).raw == raw)
  }

  @Test(
    "a record without time, with a short fraction or an unknown way is malformed",
    arguments: [
      #"{"via":"udp"}"#, #"{"time":"2026-11-23T14:03:07+03:00","via":"udp"}"#, #"{"time":"2026-11-23T14:03:07.123456+03:00"}"#,
      #"{"time":"2026-11-23T14:03:07.123456+03:00","via":"pigeon"}"#,
      #"{"time":"2026-11-23T14:03:07.123456+03:00","via":"udp","raw_base64":"A"}"#,
    ])
  func malformed(_ line: String) { #expect(throws: Malformed.self) { _ = try RecordLine(Array(line.utf8).span) } }

  @Test("unknown keys and events of unknown kinds are no error")
  func unknown() throws {
    let line = #"{"time":"2026-11-23T14:03:07.123456+03:00","via":"udp","new":[1],"events":[{"kind":"new"},{"kind":"lease"}]}"#
    let read = try RecordLine(Array(line.utf8).span)
    #expect(read.events.map(\.kind) == [.lease])
  }

  @Test("windows-1254 is Turkish")
  func charset() {
    var out: [UInt8] = []
    Charset.windows1254.decode(([0xde, 0xdc, 0x4b, 0xd0, 0xdd, 0xf0, 0xfd, 0xfe, 0x80, 0x81] as [UInt8]).span, into: &out)
    #expect(text(out) == "ŞÜKĞİğış€\u{fffd}")
    out = []
    Charset.utf8.decode(([0x41, 0xde, 0xc5, 0x9e] as [UInt8]).span, into: &out)
    #expect(text(out) == "A\u{fffd}Ş")
    out = []
    Charset.iso88599.decode(([0x80, 0xdd] as [UInt8]).span, into: &out)
    #expect(text(out) == "\u{80}İ")
  }

  @Test(
    "character sets of Windows",
    arguments: [
      (.utf16LittleEndian, [0x5e, 0x01, 0x41, 0x00, 0x3d, 0xd8, 0x00, 0xde, 0x0a, 0x00], "ŞA\u{1f600}\n"),
      (.utf16BigEndian, [0x01, 0x5e, 0x00, 0x41, 0xd8, 0x3d, 0xde, 0x00, 0x00, 0x0a], "ŞA\u{1f600}\n"),
      // Halves of pairs, alone and the wrong way round; half a unit at the end.
      (.utf16LittleEndian, [0x3d, 0xd8, 0x41, 0x00, 0x00, 0xde, 0x3d, 0xd8, 0x41], "\u{fffd}A\u{fffd}\u{fffd}\u{fffd}"),
      (.utf16BigEndian, [0xde, 0x00, 0xd8, 0x3d], "\u{fffd}\u{fffd}"),
      (.utf16LittleEndian, [], ""),
      (.cp857, [0x9e, 0x9a, 0x4b, 0xa6, 0x98, 0xa7, 0x8d, 0x9f, 0x80, 0x87, 0x94, 0xd5, 0xf2], "ŞÜKĞİğışÇçö\u{fffd}\u{fffd}"),
      (.cp437, [0x80, 0x87, 0x94, 0x81, 0xe1, 0xff, 0x00], "Ççöüß\u{a0}\0"),
    ] as [(Charset, [UInt8], String)])
  func windows(_ charset: Charset, _ bytes: [UInt8], _ expected: String) {
    var out: [UInt8] = []
    charset.decode(bytes.span, into: &out)
    #expect(text(out) == expected)
  }

  @Test("every byte is a character in every character set", arguments: Charset.allCases)
  func everyByte(_ charset: Charset) {
    var out: [UInt8] = []
    let bytes = [UInt8](0...255)
    charset.decode(bytes.span, into: &out)
    let isUTF8 = out.span.isUTF8
    #expect(isUTF8)
    // Of the 128 units of UTF-16 two are the halves of one pair.
    #expect(text(out).unicodeScalars.count == (charset.containsASCII ? 256 : 127))
  }

  @Test("an event that is taken back leaves nothing behind")
  func cancel() {
    var events = EventList()
    events.begin(.lease, action: "assign")
    events.set(.leaseSeconds, 1)
    events.begin(.lease, action: "release")
    events.set(.leaseSeconds, 2)
    events.cancel()
    events.begin(.binding)
    events.set(.duid, hex: ([0, 1, 0xab] as [UInt8]).span)
    events.setWhereAbsent(event: 0, .leaseSeconds, 5)
    events.setWhereAbsent(event: 0, .server, text: Array("s".utf8).span)
    var out: [UInt8] = []
    events.write(into: &out)
    #expect(text(out) == #"[{"kind":"lease","action":"assign","lease_seconds":1,"server":"s"},{"kind":"binding","duid":"00:01:ab"}]"#)
  }

  @Test("a field set twice keeps the later value")
  func twice() {
    var events = EventList()
    events.begin(.session, action: "open")
    events.set(.srcPort, 1)
    events.set(.srcPort, 2)
    events.set(.vlans, list: [3, 4])
    var out: [UInt8] = []
    events.write(into: &out)
    #expect(text(out) == #"[{"kind":"session","action":"open","vlans":[3,4],"src_port":2}]"#)
  }

  @Test("every field has one name")
  func names() {
    #expect(Set(EventField.allCases.map(\.name.description)).count == EventField.allCases.count)
    for field in EventField.allCases { #expect(EventField(name: field.name.description) == field) }
    #expect(EventField(name: "nothing") == nil)
  }
}
