import Record
import Testing

@testable import Dialects

@Suite struct FormatTests {
  // MARK: - What a file is

  struct Head: Sendable, CustomStringConvertible {
    var text: String
    var format: FileFormat
    init(_ text: String, _ format: FileFormat) { (self.text, self.format) = (text, format) }
    var description: String { String(text.prefix(40)) }
  }

  static let heads: [Head] = [
    Head("Nov 20 10:15:02 gw dnsmasq-dhcp[1834]: DHCPACK(br-lan) 10.20.8.30 3c:52:82:1a:7f:09\n", .syslog),
    Head("<30>1 2026-11-20T10:15:02Z h a - - - lease 10.0.0.1 {\n", .syslog), Head("", .syslog), Head("lease of life\n", .syslog),
    Head("1795162502 a b c d\n", .syslog), Head("duid tape\n", .syslog), Head("address, please\n", .syslog),
    Head("# by hand\n\nlease 10.20.3.57 {\n", .iscLeases), Head("server-duid \"\\000\\001\";\n", .iscLeases),
    Head("ia-na \"a\" {\r\n", .iscLeases), Head("address,hwaddr,client_id,valid_lifetime\n", .keaLeases),
    Head("address,duid,valid_lifetime,expire\n", .keaLeases), Head("1795162502 3c:52:82:1a:7f:09 10.20.8.30 * *\n", .dnsmasqLeases),
    Head("duid 00:01:00:01\n", .dnsmasqLeases), Head("0 06-3c:52:82:1a:7f:09 10.20.8.30 * ff:01\n", .dnsmasqLeases),
    Head("Fri Nov 20 10:15:02 2026\n\tUser-Name = \"a\"\n", .radiusDetail), Head("Fri Nov 20 10:15:02 2026\nsome text\n", .syslog),
    Head(
      "\t\tMicrosoft DHCP Hizmeti Etkinlik G\u{fc}nl\u{fc}\u{11f}\u{fc}\r\n\r\n10,11/20/26,08:01:12,Ata,10.20.3.57,BIM,3C52821A7F09,\r\n",
      .windowsDHCP),
    Head("\u{feff}ID,Date,Time,Description,IPv6 Address\r\n", .windowsDHCP), Head("ip,mac,hostname,since\n", .declared),
    Head("10.20.1.5;3c-52-82-1a-7f-09;yazici;2026-01-01\r\n", .declared),
  ]

  @Test("what a file is, its first lines say", arguments: heads)
  func format(_ head: Head) {
    let bytes = Array(head.text.utf8)
    #expect(FileFormat.of(bytes.span) == head.format)
    // The same in UTF-16, which Windows may write.
    let wide = head.text.utf16.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] }
    let little: [UInt8] = [0xff, 0xfe] + wide
    #expect(FileFormat.of(little.span) == head.format)
  }

  @Test("every format is found by its name, as the contract has them")
  func names() {
    #expect(
      FileFormat.allCases.map(\.rawValue)
        == ["syslog", "isc-leases", "kea-leases", "dnsmasq-leases", "windows-dhcp", "radius-detail", "pcap", "static"])
    #expect(FileFormat.of([0x0a, 0x0d, 0x0d, 0x0a, 0].span) == .packets)
  }

  // MARK: - Where entries end

  private func taken(_ bytes: [UInt8], _ format: FileFormat, cuts: [Int], _ encoding: FileEncoding = .narrow) -> [(Int, [UInt8])] {
    var framing = EntryFraming(format, encoding)
    var found: [(Int, [UInt8])] = []
    var from = 0
    for cut in cuts + [bytes.count] where cut >= from {
      framing.take(bytes.span.extracting(from..<cut)) { entry, at, _ in found.append((at, entry)) }
      from = cut
    }
    framing.finish { entry, at, _ in found.append((at, entry)) }
    #expect(framing.steps <= 3 * bytes.count)
    return found
  }

  static let files: [(FileFormat, String, Int)] = [
    (.syslog, "one\n\ntwo\r\n\r\nthree", 3), (.keaLeases, "address,hwaddr\n10.0.0.1,,\n", 2),
    (.radiusDetail, "\n\nFri Nov 20 10:15:02 2026\n\tA = 1\n\tB = \"x\"\n\nSat Nov 21 10:15:02 2026\n\tA = 2\n  \nSun\n\tC = 3", 3),
    // An empty line is missing.
    (.radiusDetail, "Fri Nov 20 10:15:02 2026\n\tA = 1\nSat Nov 21 10:15:02 2026\n\tA = 2\n\n", 2),
    (
      .iscLeases,
      "# one } {\nserver-duid \"\\\"};{\";\n\nlease 1.2.3.4 {\n  a \"}\"; # }\n  b { c; }\n}\nlease 1.2.3.5 { x; } ia-na \"a\" {\n}\n}\nlease 1.2.3.6",
      7
    ),
    // A power cut ended the first in the middle.
    (.iscLeases, "lease 1.2.3.4 {\n  starts 5 20\nlease 1.2.3.5 {\n  a;\n}\n", 2),
  ]

  @Test("entries are the same wherever the file is cut", arguments: files)
  func cuts(_ format: FileFormat, _ text: String, _ count: Int) {
    let bytes = Array(text.utf8)
    let whole = taken(bytes, format, cuts: [])
    #expect(whole.count == count, "\(whole.map { String(decoding: $0.1, as: UTF8.self) })")
    for (at, entry) in whole { #expect(Array(bytes[at..<at + entry.count]) == entry) }
    for i in 0...bytes.count {
      for j in [i, (i + bytes.count) / 2] {
        let cut = taken(bytes, format, cuts: [i, j])
        #expect(cut.map(\.0) == whole.map(\.0) && cut.map(\.1) == whole.map(\.1), "cut at \(i) and \(j)")
      }
    }
    #expect(taken(bytes, format, cuts: Array(0..<bytes.count)).map(\.1) == whole.map(\.1))
  }

  @Test("of an entry longer than the limit the first bytes are kept, and its length told", arguments: FileFormat.allCases)
  func limit(_ format: FileFormat) {
    let head = Array("Fri Nov 20 10:15:02 2026 {".utf8)
    let bytes = head + [UInt8](repeating: 0x78, count: 200_000) + Array("}\n\nx;\n".utf8)
    var framing = EntryFraming(format)
    var found: [(Int, Int)] = []
    framing.take(bytes.span) { entry, _, length in found.append((entry.count, length)) }
    framing.finish { entry, _, length in found.append((entry.count, length)) }
    #expect(found.first?.0 == EntryFraming.limit)
    #expect(found.first?.1 == head.count + 200_001)
    #expect(found.count == 2)
  }

  @Test(
    "the worst that can be made costs no more than in proportion to its bytes", arguments: FileFormat.allCases,
    [
      "", "\n", " ", "\n\t", "{", "}", "\"", "\\", "#", "lease ", "\nlease ", "\nx", ";", ",", "ia-na \"a\" { iaaddr ::1 { ", "\u{0}",
      "\r\n",
    ])
  func worst(_ format: FileFormat, _ piece: String) {
    let head = format == .iscLeases ? "lease 1.2.3.4 { " : format == .radiusDetail ? "Fri Nov 20 10:15:02 2026\n" : ""
    let bytes = Array((head + String(repeating: piece, count: 20_000)).utf8)
    var framing = EntryFraming(format)
    var reader = format.reader
    var list = EventList()
    var entrySteps = 0
    func take(_ entry: [UInt8], _ at: Int, _ length: Int) {
      list.removeAll()
      _ = reader?.read(entry.span, charset: .windows1254, source: SourceReading(zone: .utc), into: &list)
      if case .isc(let isc)? = reader { entrySteps += isc.steps }
    }
    framing.take(bytes.span, take)
    framing.finish(take)
    #expect(framing.steps <= 3 * bytes.count + 16)
    #expect(entrySteps <= 3 * bytes.count + 16)
  }

  // MARK: - What entries mean

  struct Entry: Sendable, CustomStringConvertible {
    var format: FileFormat
    var text: String
    /// nil: not understood; empty: understood, and nothing.
    var events: String?
    init(_ format: FileFormat, _ text: String, _ events: String?) { (self.format, self.text, self.events) = (format, text, events) }
    var description: String { "\(format.rawValue) \(text.prefix(60))" }
  }

  static let meanings: [Entry] = [
    // ISC: states
    Entry(
      .iscLeases, "lease 10.0.0.1 { starts 5 2026/11/20 07:15:02; ends never; hardware ethernet 0:1:2:a:b:c; }",
      #"{"kind":"lease","action":"assign","ip":"10.0.0.1","mac":"00:01:02:0a:0b:0c","lease_seconds":4294967295,"lease_from":"log","server":"s","dialect":"isc-leases/1","time":"2026-11-20T07:15:02+00:00"}"#
    ),
    Entry(
      .iscLeases,
      "lease 10.0.0.1 { starts epoch 1795158902; ends epoch 1795162502; binding state active; uid 1:3c:52; client-hostname \"\\305\\237\"; }",
      #"{"kind":"lease","action":"assign","ip":"10.0.0.1","client_id":"01:3c:52","hostname":"ş","lease_seconds":3600,"lease_from":"log","server":"s","dialect":"isc-leases/1","time":"2026-11-20T07:15:02+00:00"}"#
    ),
    Entry(.iscLeases, "lease 10.0.0.1 { starts 5 2026/11/20 07:15:02; binding state free; hardware ethernet 0:1:2:a:b:c; }", ""),
    Entry(.iscLeases, "lease 10.0.0.1 { starts 5 2026/11/20 07:15:02; binding state abandoned; }", ""),
    Entry(.iscLeases, "lease 10.0.0.1 { starts 5 2026/11/20 07:15:02; abandoned; hardware ethernet 0:1:2:a:b:c; }", ""),
    Entry(.iscLeases, "lease 10.0.0.1 { starts 5 2026/11/20 07:15:02; binding state active; }", nil),
    Entry(.iscLeases, "lease 10.0.0.1 { binding state active; hardware ethernet 0:1:2:a:b:c; }", nil),
    Entry(.iscLeases, "lease 10.0.0.1 { starts 5 2026/02/30 07:15:02; hardware ethernet 0:1:2:a:b:c; }", nil),
    Entry(.iscLeases, "lease 10.0.0.1 { starts 5 2026/11/20 07:15:02; hardware ethernet 0:1:2:a:b:c;", nil),
    Entry(.iscLeases, "lease 10.0.0.256 { }", nil), Entry(.iscLeases, "lease 10.0.0.1 { } x", nil),
    Entry(.iscLeases, "authoring-byte-order little-endian;", ""), Entry(.iscLeases, "# a comment", ""),
    Entry(.iscLeases, "failover peer \"a\" state { my state normal at 5 2026/11/20 07:15:02; }", ""),
    Entry(.iscLeases, "something else;", nil),
    // IPv6, whose IAID cannot be told without the order of its bytes; an address that is no longer active beside one that is.
    Entry(
      .iscLeases,
      "ia-na \"\\001\\000\\000\\000\\000\\003\\000\\001RT\\000a\\004!\" { cltt 2 2026/11/24 02:10:15; iaaddr fd51::1 { binding state active; max-life 30; } iaaddr fd51::2 { binding state expired; max-life 30; } }",
      #"{"kind":"lease","action":"assign","ip":"fd51::1","duid":"00:03:00:01:52:54:00:61:04:21","lease_seconds":30,"lease_from":"log","server":"s","dialect":"isc-leases/1","time":"2026-11-24T02:10:15+00:00"}"#
    ),
    Entry(
      .iscLeases,
      "ia-pd \"\\001\\000\\000\\000\\000\\003\\000\\001RT\" { iaprefix fd51::/48 { binding state released; ends 2 2026/11/24 02:10:15; } }",
      ""),
    Entry(.iscLeases, "ia-na \"\\001\\000\\000\" { iaaddr fd51::1 { binding state active; max-life 30; } }", nil),
    Entry(.iscLeases, "ia-na \"\\001\\000\\000\\000\\000\\003\\000\\001RT\" { iaprefix fd51::/48 { binding state active; } }", nil),
    // Kea
    Entry(
      .keaLeases, "10.0.0.1,,ff:01,4294967295,6090126197,1,0,0,a&#x2cb,0,,0",
      #"{"kind":"lease","action":"assign","ip":"10.0.0.1","client_id":"ff:01","hostname":"a,b","lease_seconds":4294967295,"lease_from":"log","server":"s","dialect":"kea-leases/1","time":"2026-11-20T07:15:02+00:00"}"#
    ),
    Entry(.keaLeases, "10.0.0.1,3c:52:82:1a:7f:09,,0,1795162502,1,0,0,,0,", ""),
    Entry(.keaLeases, "10.0.0.1,3c:52:82:1a:7f:09,,30,1795162502,1,0,0,,2,", ""),
    Entry(
      .keaLeases, "10.0.0.1,,,600,1795159502,1,0,0,,1,",
      #"{"kind":"lease","action":"decline","ip":"10.0.0.1","server":"s","dialect":"kea-leases/1","time":"2026-11-20T07:15:02+00:00"}"#),
    Entry(.keaLeases, "10.0.0.1,3c:52:82:1a:7f:09,,30,1795162502,1,0,0,,7,", nil),
    Entry(.keaLeases, "10.0.0.1,3c:52:82:1a:7f,,x,1795162502,1,0,0,,0,", nil),
    Entry(.keaLeases, "10.0.0.1,3c:52:82:1a:7f:09", nil), Entry(.keaLeases, "10.0.0.1,,,30,1795162502,1,0,0,,0,", nil),
    Entry(.keaLeases, "10.0.0.1,,01,30,10,1,0,0,,0,", nil),
    Entry(
      .keaLeases, "fd51:0:0:8000::,00:03:00:01:52:54:00:61:04:21,30,1795158932,1,20,2,7,60,0,0,basin-9.,52:54:00:61:04:21,0,,1,2",
      #"{"kind":"lease","action":"assign","prefix":"fd51:0:0:8000::/60","mac":"52:54:00:61:04:21","mac_source":"duid","duid":"00:03:00:01:52:54:00:61:04:21","iaid":7,"hostname":"basin-9.","lease_seconds":30,"lease_from":"log","server":"s","dialect":"kea-leases/1","time":"2026-11-20T07:15:02+00:00"}"#
    ),
    // dnsmasq
    Entry(
      .dnsmasqLeases, "0 06-01:02:03 10.0.0.1 * ff:aa",
      #"{"kind":"lease","action":"assign","ip":"10.0.0.1","client_id":"ff:aa","lease_seconds":4294967295,"lease_from":"log","server":"s","dialect":"dnsmasq-leases/1"}"#
    ),
    Entry(
      .dnsmasqLeases, "1795162502 T5 fd51::1 pc 00:01:02",
      #"{"kind":"lease","action":"assign","ip":"fd51::1","duid":"00:01:02","iaid":5,"hostname":"pc","lease_until":"2026-11-20T08:15:02+00:00","lease_from":"log","server":"s","dialect":"dnsmasq-leases/1"}"#
    ),
    Entry(.dnsmasqLeases, "1795162502 3c:52:82:1a:7f:09 10.20.8.30 pc", nil),
    Entry(.dnsmasqLeases, "1795162502 3c:52:82:1a:7f:09 10.20.8.30 pc * x", nil),
    Entry(.dnsmasqLeases, "1795162502 3c:52:82:1a:7f 10.20.8.30 pc *", nil), Entry(.dnsmasqLeases, "1795162502 1 fd51::1 pc *", nil),
    // RADIUS
    Entry(
      .radiusDetail,
      "Fri Nov 20 10:15:02 2026\n\tAcct-Status-Type = Alive\n\tUser-Name = \"a\\\\b\"\n\tCalling-Station-Id = \"203.0.113.7\"",
      #"{"kind":"login","action":"update","server":"s","user":"a\\b","outer_ip":"203.0.113.7","method":"radius","dialect":"radius-detail/1","time":"2026-11-20T10:15:02+00:00"}"#
    ),
    Entry(
      .radiusDetail,
      "Fri Nov 20 10:15:02 2026\n\tAcct-Status-Type = Stop\n\tUser-Name = \"a\"\n\tCalling-Station-Id = \"905321112233\"\n\tFramed-IP-Address = 255.255.255.254\n\tNAS-Port-Type = Virtual\n\tTimestamp = 1795158902",
      #"{"kind":"login","action":"stop","server":"s","user":"a","method":"radius","dialect":"radius-detail/1","time":"2026-11-20T07:15:02+00:00"}"#
    ),
    Entry(
      .radiusDetail,
      "Fri Nov 20 10:15:02 2026\n\tAcct-Status-Type = Start\n\tUser-Name = \"a\"\n\tCalling-Station-Id = \"+905321112233\"\n\tCalled-Station-Id = \"00-11-22-33-44-55:Bel:ediye\"\n\tNAS-IP-Address = 10.0.0.3",
      #"{"kind":"login","action":"start","server":"s","user":"a","phone":"+905321112233","method":"radius","nas":"10.0.0.3","ssid":"Bel:ediye","dialect":"radius-detail/1","time":"2026-11-20T10:15:02+00:00"}"#
    ),
    Entry(.radiusDetail, "Fri Nov 20 10:15:02 2026\n\tAcct-Status-Type = Accounting-On", ""),
    Entry(.radiusDetail, "Fri Nov 20 10:15:02 2026\n\tPacket-Type = Access-Request\n\tUser-Name = \"a\"", ""),
    Entry(.radiusDetail, "Fri Nov 20 10:15:02 2026\n\tUser-Name = \"a\"", nil),
    Entry(.radiusDetail, "Fri Nov 20 10:15:02 2026\n\tUser-Name", nil),
    // Declared
    Entry(
      .declared, "10.20.1.5,3c:52:82:1a:7f:09,\"yazici, 2\",2026-01-01",
      #"{"kind":"binding","ip":"10.20.1.5","mac":"3c:52:82:1a:7f:09","hostname":"yazici, 2","server":"s","basis":"declared","dialect":"static/1","time":"2026-01-01T00:00:00+00:00"}"#
    ),
    Entry(
      .declared, "10.20.1.5; 3c52.821a.7f09",
      #"{"kind":"binding","ip":"10.20.1.5","mac":"3c:52:82:1a:7f:09","server":"s","basis":"declared","dialect":"static/1"}"#),
    Entry(.declared, "# by hand", ""), Entry(.declared, "IP,MAC,Hostname", ""),
    Entry(.declared, "10.20.1.5,3c:52:82:1a:7f:09,a,yesterday", nil),
    Entry(.declared, "10.20.1.5,01:00:5e:00:00:01", nil), Entry(.declared, "10.20.1.5", nil),
    Entry(.declared, "10.20.1.5,3c:52:82:1a:7f:09,a,2026-01-01,x", nil),
  ]

  @Test("what an entry means", arguments: meanings)
  func meaning(_ entry: Entry) throws {
    var reader = try #require(entry.format.reader)
    var list = EventList()
    let bytes = Array(entry.text.utf8)
    let outcome = reader.read(bytes.span, charset: .windows1254, source: SourceReading(zone: .utc, name: "s"), into: &list)
    var text: [UInt8] = []
    for event in list.events { event.json.write(into: &text) }
    #expect(String(decoding: text, as: UTF8.self) == entry.events ?? "")
    #expect(outcome == (entry.events == nil ? .notUnderstood : entry.events == "" ? .nothing : .events))
  }

  @Test("the IAID in dhcpd's file is in the order of bytes that the file names", arguments: ["little", "big"])
  func byteOrder(_ order: String) {
    var reader = EntryReader.isc(ISCLeases())
    var list = EventList()
    for text in [
      "authoring-byte-order \(order)-endian;",
      "ia-na \"\\001\\002\\000\\000\\000\\003\\000\\001RT\" { iaaddr fd51::1 { binding state active; max-life 30; ends epoch 1795158932; } }",
    ] {
      let bytes = Array(text.utf8)
      _ = reader.read(bytes.span, charset: .windows1254, source: SourceReading(zone: .utc), into: &list)
    }
    #expect(list.events.first?.integer(.iaid) == (order == "little" ? 0x201 : 0x102_0000))
    #expect(list.events.first?.time()?.microseconds == 1_795_158_902_000_000)
  }
}
