import Archive
import Dialects
import Record
import Testing

@testable import Attribution

@Suite("Reading again") struct RereadingTests {
  let begin: Timestamp
  let archive: TestArchive
  init() throws {
    begin = try Scenario.time("10:00:00")
    archive = try TestArchive()
  }

  func at(_ seconds: Double) -> Timestamp {
    Timestamp(microseconds: begin.microseconds + Int64(seconds * 1e6), offsetMinutes: 180)
  }

  static func reading(_ name: String?) -> SourceReading { SourceReading(zone: TestArchive.zone, name: name, leaseSeconds: 600) }

  static let listed = Rereading(
    dialects: .builtIn, devices: ["dhcp1": reading("dhcp1"), "asa": reading("asa")], files: ["file1": reading("file1")],
    imports: ["dhcp1": reading("dhcp1")], anybody: nil)
  static let open = Rereading(dialects: .builtIn, devices: [:], files: [:], imports: [:], anybody: reading(nil))

  static let message = "<30>dhcpd[812]: DHCPACK on 10.20.3.57 to 3c:52:82:1a:7f:09 (BIM-PC) via 10.20.3.1"
  static let current = DialectSet.builtIn.index(of: "isc-dhcpd").map { DialectSet.builtIn.label($0) } ?? ""

  static func lease(_ hostname: String, dialect: String, more: [JSONMember] = []) -> JSONValue {
    .object(
      [
        .init("kind", "lease"), .init("action", "assign"), .init("ip", "10.20.3.57"), .init("mac", "3c:52:82:1a:7f:09"),
        .init("hostname", .string(hostname)), .init("lease_seconds", 600), .init("dialect", .string(dialect)),
      ] + more)
  }

  /// What was received so long after ten o'clock.
  func record(
    _ seconds: Double, _ raw: String, via: Via = .udp, source: String? = "dhcp1", from: String = "10.20.0.2:514", cut: Bool = false,
    events: [JSONValue] = []
  ) throws {
    var line: [UInt8] = []
    var writer = RecordWriter()
    writer.begin(
      &line, microseconds: at(seconds).microseconds, offsetMinutes: 180,
      sender: RecordWriter.sender(via: via, source: source, from: from).span)
    if cut { RecordWriter.position(&line, cut: .some(70_000)) }
    RecordWriter.raw(&line, utf8: Array(raw.utf8).span)
    if !events.isEmpty {
      line.append(",\"events\":")
      JSONValue.array(events).write(into: &line)
    }
    line.append("}\n")
    try archive.append(line, at: at(seconds))
  }

  func rebuilt(_ rereading: Rereading?) throws -> Index {
    try Index.rebuilt(in: archive.path + "/rebuilt", for: archive.folder, rereading: rereading)
  }

  func who(_ index: Index, _ ip: String = "10.20.3.57", at seconds: Double = 60) throws -> [Answer] {
    let ip = try #require(IPAddress(ip))
    return try archive.questions(index, now: at(86_400)).who(Who(ip: ip, at: at(seconds))).answers
  }

  @Test("a message that was not understood is read with today's dialects, as its source is configured") func notUnderstood() throws {
    try record(0, Self.message)
    #expect(try who(rebuilt(nil)).isEmpty)
    let answers = try who(rebuilt(Self.listed))
    #expect(answers.map(\.hostname) == ["BIM-PC"])
    #expect(answers.map(\.end) == [at(600)], "the configuration's lease time")
    #expect(answers.first?.evidence.map(\.record) == [0])
  }

  @Test("events of another version give way; those of today's stay as they are recorded") func versions() throws {
    for (label, expected) in [("isc-dhcpd/0", "BIM-PC"), ("gone/7", "BIM-PC"), (Self.current, "RECORDED")] {
      let here = try RereadingTests()
      try here.record(0, Self.message, events: [Self.lease("RECORDED", dialect: label)])
      #expect(try here.who(here.rebuilt(Self.listed)).map(\.hostname) == [expected], "\(label)")
      #expect(try here.who(here.rebuilt(nil)).map(\.hostname) == ["RECORDED"], "\(label)")
    }
    // What gives no event today keeps the recorded one.
    try record(0, "<30>dhcpd[812]: DHCPACK 10.20.3.57 in words of another year", events: [Self.lease("RECORDED", dialect: "isc-dhcpd/0")])
    #expect(try who(rebuilt(Self.listed)).map(\.hostname) == ["RECORDED"])
  }

  @Test("not one event of a sender that is not configured, where any is")
  func unlisted() throws {
    try record(0, Self.message, source: nil)
    try record(1, Self.message, source: "former")
    #expect(try who(rebuilt(Self.listed)).isEmpty)
    #expect(try who(rebuilt(Self.open)).count == 1)
    let here = try RereadingTests()
    try here.record(0, Self.message, source: "former")
    #expect(try here.who(here.rebuilt(Self.open)).isEmpty, "whose messages they were is not known any more")
  }

  @Test("half a message, packets, notices, and what was received since are not read again") func others() throws {
    try record(0, Self.message, cut: true)
    try record(1, Self.message, via: .internal)
    try record(2, Self.message, via: .pcap)
    #expect(try who(rebuilt(Self.listed)).isEmpty)
    try record(3, Self.message)
    var since = Self.listed
    since.until = at(3).microseconds
    #expect(try who(rebuilt(since)).isEmpty)
    #expect(try who(rebuilt(Self.listed)).count == 1)
  }

  @Test("what a line needs of the lines before it is remembered, for each sender, until the collector starts anew") func after() throws {
    let host = "<30>Nov 23 10:00:00 gw dnsmasq-dhcp[433]: 2240501741 "
    let inform = host + "DHCPINFORM(lan0) 10.61.4.200 52:54:00:61:04:23 "
    let acknowledged = host + "DHCPACK(lan0) 10.61.4.200 52:54:00:61:04:23 "
    func basis() throws -> [String?] { try who(rebuilt(Self.listed), "10.61.4.200", at: 5).map { $0.basis?.rawValue } }
    try record(0, inform)
    try record(1, acknowledged)
    #expect(try basis() == ["binding"])
    let here = try RereadingTests()
    try here.record(0, inform)
    try here.record(1, acknowledged, from: "10.20.0.3:514")
    #expect(try here.who(here.rebuilt(Self.listed), "10.61.4.200", at: 5).map(\.basis) == [.lease], "another sender's")
    let again = try RereadingTests()
    try again.record(0, inform)
    try again.archive.record(
      again.at(0.5), via: .internal, events: [["kind": "notice", "what": "started", "binding_timeout": "1h"]], raw: nil)
    try again.record(1, acknowledged)
    #expect(try again.who(again.rebuilt(Self.listed), "10.61.4.200", at: 5).map(\.basis) == [.lease])
  }

  @Test("where no dialect has changed, an index that is built anew is the live one") func unchanged() throws {
    var normaliser = Normaliser(.builtIn)
    let sender = "10.20.0.2".utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    let index = try archive.index()
    let reading = Self.reading("dhcp1")
    for (n, text) in [
      Self.message, "<13>cron[9]: nothing to do",
      "<30>Nov 23 10:00:00 gw dnsmasq-dhcp[433]: 77 DHCPINFORM(lan0) 10.61.4.200 52:54:00:61:04:23 ",
      "<30>Nov 23 10:00:00 gw dnsmasq-dhcp[433]: 77 DHCPACK(lan0) 10.61.4.200 52:54:00:61:04:23 ",
      "<30>Nov 23 10:00:00 gw dnsmasq-dhcp[433]: 78 DHCPACK(lan0) 10.61.4.201 52:54:00:61:04:24 ",
      "<30>dhcpd[812]: DHCPRELEASE of 10.20.3.57 from 3c:52:82:1a:7f:09 (BIM-PC) via eth0 (found)",
    ].enumerated() {
      var events = EventList()
      let bytes = Array(text.utf8)
      _ = normaliser.read(bytes.span, received: at(Double(n)).microseconds, sender: sender, source: reading, into: &events)
      var json: [UInt8] = []
      events.write(into: &json)
      let list = try StrictJSON.object(Array("{\"e\":".utf8 + json + "}".utf8).span)["e"]?.array ?? []
      try record(Double(n), text, events: list)
      try archive.follow(index)
    }
    #expect(try contents(index) == contents(rebuilt(Self.listed)))
    #expect(index.counts.events == 4)
  }

  @Test("an imported line is read again where its year is written, or its recorded event says it")
  func imports() throws {
    let dated = "Nov 23 09:00:00 dhcp1 dhcpd[812]: DHCPACK on 10.20.3.57 to 3c:52:82:1a:7f:09 (BIM-PC) via 10.20.3.1"
    let written = "2026-11-23T09:00:00+03:00 dhcp1 dhcpd[812]: DHCPACK on 10.20.3.57 to 3c:52:82:1a:7f:09 (BIM-PC) via 10.20.3.1"
    func names(_ text: String, _ events: [JSONValue] = [], _ source: String? = "dhcp1", _ rereading: Rereading = Self.listed) throws
      -> [String?]
    {
      let here = try RereadingTests()
      try here.record(0, text, via: .import, source: source, from: "/srv/old.log", events: events)
      return try here.who(here.rebuilt(rereading), at: -3540).map(\.hostname)
    }
    #expect(try names(dated).isEmpty)
    #expect(try names(written) == ["BIM-PC"])
    let time = JSONMember("time", .string(at(-3600).description))
    #expect(try names(dated, [Self.lease("OLD", dialect: "isc-dhcpd/0", more: [time])]) == ["BIM-PC"])
    #expect(try names(written, [], "fremd").isEmpty)
    #expect(try names(written, [], "fremd", Self.open) == ["BIM-PC"])
  }

  @Test("lines of followed files are read by their own times; entries of other formats are left alone") func files() throws {
    let line = "Nov 23 09:00:00 dhcp1 dhcpd[812]: DHCPACK on 10.20.3.57 to 3c:52:82:1a:7f:09 (BIM-PC) via 10.20.3.1"
    try record(0, line, via: .file, source: "file1", from: "/var/log/dhcpd.log")
    #expect(try who(rebuilt(Self.listed), at: -3540).map(\.hostname) == ["BIM-PC"])
    let here = try RereadingTests()
    try here.record(0, "lease", via: .file, source: "file1", from: "/leases", events: [Self.lease("OLD", dialect: "isc-leases/1")])
    try here.record(1, line, via: .file, source: "file1", from: "/leases")
    #expect(try here.who(here.rebuilt(Self.listed), at: 60).map(\.hostname) == ["OLD"])
  }

  @Test("a record that is no JSON is passed over", arguments: ["[}]", "[x{},}]", "[,]", "[\"a\":1}]", "[", "[{]"])
  func malformed(_ events: String) {
    let line = #"{"time":"2026-11-23T10:00:00.000000+03:00","via":"udp","source":"dhcp1","raw":"x","events":"# + events + "}"
    var rereader = Rereader(Self.listed, inOrder: true)
    #expect(rereader.read(Array(line.utf8).span) == nil)
    #expect(BlockIndexCheck.fault(Array(line.utf8).span) == nil)
    // A comma is missing.
    let written = #"{"time":"2026-11-23T10:00:00.000000+03:00","via":"udp","source":"dhcp1","raw":""# + Self.message
    #expect(rereader.read(Array((written + #""}"#).utf8).span) != nil)
    #expect(rereader.read(Array((written + #"""events":[]}"#).utf8).span) == nil)
  }

  @Test("sessions are found by today's reading too, indexed or not", arguments: [false, true]) func sessions(indexed: Bool) throws {
    try record(
      0,
      "<166>Nov 23 2026 10:00:00 asa-edge : %ASA-6-302013: Built outbound TCP connection 5117 for outside:203.0.113.80/443 (203.0.113.80/443) to inside:10.20.3.57/51234 (88.255.1.10/40112)",
      source: "asa")
    try record(
      67,
      "<166>Nov 23 2026 10:01:07 asa-edge : %ASA-6-302014: Teardown TCP connection 5117 for outside:203.0.113.80/443 to inside:10.20.3.57/51234 duration 0:01:07 bytes 38110 TCP FINs",
      source: "asa")
    try record(86_400, "<13>cron[9]: nothing to do", source: "asa")
    try archive.pack(begin.localDay, closing: true)
    func blocks() -> BlockIndex {
      BlockIndex(in: archive.path + "/index", for: archive.folder, logID: TestArchive.logID, rereading: Self.listed)
    }
    if indexed { try blocks().catchUp() }
    let questions = Questions([try rebuilt(Self.listed)], blocks: [blocks()], zone: TestArchive.zone, clock: at(90_000), isLive: true)
    let answers = try questions.nat(Nat(ip: #require(IPAddress("88.255.1.10")), port: 40112, at: at(30))).answers
    #expect(answers.map(\.ip) == ["10.20.3.57"])
    #expect(answers.first?.session?["duration"]?.integer == 67)
    #expect(answers.first?.session?["end"]?.string == at(67).description)
    var lines: [String] = []
    try questions.forEachRecord(naming: "10.20.3.57", from: at(0), to: at(100)) { place, line in
      lines.append("\(place.record) \(line.string.contains("\"events\""))")
      return true
    }
    #expect(lines == ["0 false"], "the record is shown as it stands in the archive")
    // Without: as it is recorded.
    let recorded = Questions([try rebuilt(nil)], blocks: [archive.blocks("none")], zone: TestArchive.zone, clock: at(90_000), isLive: true)
    #expect(try recorded.nat(Nat(ip: #require(IPAddress("88.255.1.10")), port: 40112, at: at(30))).answers.isEmpty)
  }
}
