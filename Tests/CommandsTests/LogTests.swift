import Archive
import Attribution
import Dialects
import Evidence
import Glibc
import Record
import Synchronization
import TestSupport
import Testing

@testable import Commands

/// A folder of a test, removed with it.
final class Scratch {
  let path: String

  init() throws {
    var template = Array("/tmp/muhur-commands-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else { throw ArchiveError("mkdtemp", "/tmp") }
    path = String(cString: made)
  }

  deinit { Self.remove(path) }

  private static func remove(_ path: String) {
    for entry in (try? folderEntries(path)) ?? [] {
      let inside = path + "/" + entry.name
      if entry.kind == .folder { remove(inside) } else { unlink(inside) }
    }
    rmdir(path)
  }
}

private func invocation(_ words: [String]) throws -> Invocation {
  guard case .run(let invocation) = try Arguments.read(words) else { throw UsageError("no invocation") }
  return invocation
}

private func answer(_ reply: Reply) throws -> JSONValue { try StrictJSON.object(reply.json.span, limit: .max) }

/// A log of another implementation of the contract, read as an auditor's copy is.
@Suite(.enabled(if: Corpus.isThere)) struct CorpusLogTests {
  static let archive = Corpus.folder + "/archives/golden/twelve-days/archive"
  let scratch: Scratch
  let log: OfflineLog

  init() throws {
    scratch = try Scratch()
    log = try OfflineLog(invocation(["--archive", Self.archive, "--index", scratch.path, "days"]))
  }

  private func run(_ words: String...) throws -> Reply { Commands.run(try invocation(words), on: log) }

  @Test("days: what seals say, and in the open day what came after them")
  func days() throws {
    let days = try #require(answer(run("days"))["days"]?.array)
    #expect(days.count == 12)
    #expect(
      days.first?.text
        == #"{"day":"2026-11-02","records":306,"bytes":132754,"seals":24,"sealed_records":306,"final":true,"token":true,"dropped":0,"deleted":false}"#
    )
    #expect(days.last?["final"] == false)
    #expect((days.last?["records"]?.integer ?? 0) > (days.last?["sealed_records"]?.integer ?? 0))
  }

  @Test("heads: a line for each closed day, with the log's id")
  func heads() throws {
    let heads = try #require(answer(run("heads"))["heads"]?.array)
    #expect(heads.count == 11)
    #expect(heads.allSatisfy { $0.string?.hasPrefix("muhur-head-1 \(log.identity.id) ") == true })
  }

  @Test("show: the line as it lies there, its seal, and when that was proven")
  func show() throws {
    let shown = try answer(run("show", "2026-11-06", "3"))
    #expect(
      shown["line"]?.string.map { Array($0.utf8) } == (try DayReader.record(3, of: log.archive.day(#require(CalendarDay("2026-11-06"))))))
    #expect(shown["seal"] == 41)
    #expect(shown["proven_at"] == "2026-11-06T06:00:02+03:00")
    let open = try answer(run("show", "2026-11-13", "1100"))
    #expect(open["seal"]?.isNull == true && open["proven_at"]?.isNull == true)
  }

  @Test(
    "what is not there is no answer; what is no day or number is wrong usage",
    arguments: [
      (["show", "2026-11-06", "604"], 1), (["show", "2027-01-01", "0"], 1), (["show", "2026-11-06", "x1"], 2), (["show", "today", "0"], 2),
      (["who", "10.20.3.999", "--at", "2026-11-06 12:00"], 2), (["who", "10.20.3.9"], 2), (["who", "10.20.3.9", "--at", ""], 2),
      (["who", "10.99.9.9", "--at", "2026-11-06 12:00"], 1), (["table", "2026-13-01"], 2), (["search", "x", "--from", "2026-11-06"], 2),
      (["search", "x", "--from", "2026-11-07", "--to", "2026-11-06"], 2),
      (["search", "x", "--from", "0", "--to", "1", "--kind", "leas"], 2),
      (["search", "no such text", "--from", "2026-11-02", "--to", "2026-11-13"], 1), (["nat", "1.2.3.4:5", "--at", "0"], 1),
      (["nat", "1.2.3.4", "--at", "0"], 2),
      (["nat", "1.2.3.4:99999", "--at", "0"], 2), (["nat", "1.2.3.4:5"], 2), (["nat", "1.2.3.4:5", "--at", "0", "--protocol", "x"], 2),
      (["nat", "1.2.3.4", "--at", "0", "--to", "2.2.2.2:0"], 2), (["nat", "[2001:db8::1]:5", "--at", "0", "--to", "2.2.2.2"], 1),
      (["seal"], 2),
    ] as [([String], Int)])
  func codes(words: [String], code: Int) throws {
    let reply = Commands.run(try invocation(words), on: log)
    #expect(reply.exit.rawValue == code, "\(reply.words)")
    #expect(code != 2 || !reply.words.isEmpty)
  }

  @Test("search: exactly the records of the span whose line holds the text")
  func search() throws {
    let text = "oturum kapandı"
    let from = try #require(Timestamp(rfc3339: "2026-11-06T06:00:00+03:00"))
    let to = try #require(Timestamp(rfc3339: "2026-11-07T03:00:00+03:00"))
    var expected: [String] = []
    for day in try log.archive.days() {
      try DayReader(log.archive.day(day)).forEach { number, line in
        let record = try RecordLine(line)
        let holds = record.text.map { String(decoding: $0, as: UTF8.self).contains(text) } ?? false
        if holds, record.time.microseconds >= from.microseconds, record.time.microseconds <= to.microseconds {
          expected.append("\(day) \(number)")
        }
        return true
      }
    }
    let found = try answer(run("search", text, "--from", from.description, "--to", to.description))
    #expect(found["records"]?.array?.map { "\($0["day"]?.string ?? "") \($0["record"]?.integer ?? -1)" } == expected)
    #expect(found["truncated"] == false)
    #expect(expected.count > 3)
  }

  @Test("who and table agree, and each answer names records about that address")
  func holders() throws {
    let rows = try #require(answer(run("table", "2026-11-06"))["rows"]?.array)
    #expect(rows.count > 20)
    for row in rows.prefix(40) {
      let ip = try #require(row["ip"]?.string)
      let start = try #require(row["start"]?.string)
      let reply = try run("who", ip, "--at", start)
      #expect(reply.exit == .answered, "\(ip) at \(start)")
      let answers = try #require(answer(reply)["answers"]?.array)
      #expect(answers.contains { $0["mac"] == row["mac"] && $0["start"] == row["start"] })
      for place in answers.flatMap({ $0["evidence"]?.array ?? [] }) {
        let day = try #require(place["day"]?.string.flatMap { CalendarDay($0) })
        let line = try #require(try DayReader.record(place["record"]?.integer ?? -1, of: log.archive.day(day)))
        #expect(String(decoding: line, as: UTF8.self).contains(ip))
      }
    }
  }

  @Test("copy: the same files, and a second time nothing; a damaged copy is broken and mended by copying again")
  func copy() throws {
    let to = scratch.path + "/copy"
    let first = try answer(run("copy", to))
    #expect(first["result"] == "ok" && first["days"] == 12)
    #expect(try files(to) == files(Self.archive))
    #expect(try answer(run("copy", to))["bytes"] == 0)
    let damaged = to + "/days/2026-11-06/records.ndjson.gz"
    let file = open(damaged, O_WRONLY)
    #expect(pwrite(file, [0xff], 1, 3000) == 1)
    close(file)
    #expect((try answer(run("copy", to))["bytes"]?.integer ?? 0) > 0)
    #expect(try files(to) == files(Self.archive))
    #expect(try run("copy", scratch.path).exit == .noAnswer)
    #expect(try run("copy", Self.archive + "/inside").exit == .usage)
  }

  private func files(_ path: String, _ name: String = "") throws -> [String: [UInt8]] {
    var out: [String: [UInt8]] = [:]
    for entry in try folderEntries(path + name) ?? [] {
      let inside = name + "/" + entry.name
      if entry.kind == .folder {
        out.merge(try files(path, inside)) { a, _ in a }
      } else {
        out[inside] = try RegularFile.bytes(path + inside, limit: 1 << 24)
      }
    }
    return out
  }

  @Test("a folder tells of its newest seal what a daemon tells")
  func status() throws {
    let last = try #require(answer(run("status"))["seals"]?["last"])
    for name in ["number", "day", "records", "made"] { #expect(last[name]?.isNull == false, "\(last)") }
  }

  @Test("a file is called no folder, not forbidden")
  func noFolder() throws {
    let file = try invocation(["--archive", "/etc/hostname", "days"])
    do throws(Refusal) { _ = try OfflineLog(file) } catch {
      #expect(error.exit == .unreachable && error.words.contains("Not a directory"), "\(error.words)")
    }
  }

  @Test("who asks for a device and means an address is told")
  func addressForDevice() throws {
    let reply = try run("device", "10.20.3.9", "--from", "2026-11-02", "--to", "2026-11-13")
    #expect(reply.exit == .noAnswer && reply.words.contains { $0.contains("muhur who") }, "\(reply.words)")
  }

  @Test("an archive whose log.json a daemon has locked is refused")
  func held() throws {
    let copy = scratch.path + "/held"
    #expect(try run("copy", copy).exit == .answered)
    let lock = open(copy + "/log.json", O_RDONLY)
    defer { close(lock) }
    #expect(flock(lock, LOCK_EX | LOCK_NB) == 0)
    let refusal = #expect(throws: Refusal.self) { try OfflineLog(invocation(["--archive", copy, "days"])) }
    #expect(refusal?.exit == .unreachable)
  }
}

/// A log whose writer is this test.
private final class TestLog: LogAccess, LogWriting, @unchecked Sendable {
  let archive: ArchiveFolder
  let identity = LogIdentity(name: "test", timezone: "Europe/Istanbul", created: Timestamp(microseconds: 0))
  let zone: Zone
  let seals: SealCatalog
  private let tail: TailWriter
  private var recordWriter = RecordWriter()
  var failsNotices = false

  init(_ path: String) throws {
    archive = ArchiveFolder(path)
    zone = try #require(Zone(named: "Europe/Istanbul"))
    seals = SealCatalog(archive)
    try Disk.makeFolder(archive.path(Layout.days))
    let day = try #require(CalendarDay("2026-11-26"))
    tail = try TailWriter(archive, resuming: Recovery.recover(archive, day, sealed: 0), queue: TailQueue())
  }

  func append(_ lines: [UInt8], records: Int) throws { try tail.append(lines.span, count: records) }

  func notice(_ what: String, _ members: [JSONMember]) throws {
    if failsNotices { throw Refusal(.unreachable, "the disk is full") }
    var line: [UInt8] = []
    recordWriter.notice(&line, microseconds: 1_795_600_000_000_000, offsetMinutes: 180, what: what, members: members)
    try append(line, records: 1)
  }

  func commit() throws {}
  func seal(final day: CalendarDay?, confirmClock: Bool) throws -> SealDone { throw Refusal(.noAnswer, "none") }
  func seal(holding change: @escaping @Sendable ([Seal.Hold]) -> [Seal.Hold]) throws -> SealDone { throw Refusal(.noAnswer, "none") }

  func source(named name: String) throws -> ImportSource? {
    guard name != "unknown" else { return nil }
    return ImportSource(
      name: name, site: "merkez", charset: .windows1254, dialects: .builtIn, reading: SourceReading(zone: zone, name: name))
  }

  func questions(blocks: Bool, progress: (String) -> Void) throws -> Questions {
    Questions([], blocks: [], zone: zone, clock: zone.timestamp(0), isLive: true)
  }
  func reindex(progress: (String) -> Void) throws -> ReindexCount { ReindexCount(days: 0, records: 0, events: 0) }
  func status() throws -> JSONValue { ["warnings": []] }
  func writing() throws -> any LogWriting { self }

  var records: [RecordLine] {
    get throws {
      var out: [RecordLine] = []
      guard let day = try archive.days().first else { return [] }
      try DayReader(archive.day(day)).forEach { _, line in
        out.append(try RecordLine(line))
        return true
      }
      return out
    }
  }
}

@Suite struct NoticeTests {
  static let caller = Caller(uid: 1000, user: "memur", requiresCase: false)

  @Test("a question leaves a notice of who asked what for which case, a view leaves none")
  func notices() throws {
    let scratch = try Scratch()
    let log = try TestLog(scratch.path)
    let asked = try invocation(["show", "2026-11-26", "0", "--case", "2026/7712 Sor."])
    _ = Commands.run(asked, on: log, for: Self.caller)
    _ = Commands.run(try invocation(["days"]), on: log, for: Self.caller)
    _ = Commands.run(try invocation(["search", "x", "--from", "0", "--to", "1"]), on: log)
    let notices = try log.records.flatMap(\.events)
    // The log was empty: no record 0, no answer, and that is no reason to leave the question out.
    #expect(notices.isEmpty || notices.count == 1)
    _ = Commands.run(try invocation(["search", "x", "--from", "0", "--to", "1"]), on: log, for: Self.caller)
    let query = try #require(try log.records.last?.events.first)
    #expect(query.what == "query")
    #expect(query.json["uid"] == 1000 && query.json["user"] == "memur" && query.json["command"] == "search")
    #expect(query.json["arguments"] == ["x", "--from", "0", "--to", "1"])
    #expect(query.json["answers"] == 0)
  }

  @Test("what cannot be recorded is not answered")
  func unrecorded() throws {
    let scratch = try Scratch()
    let log = try TestLog(scratch.path)
    try log.notice("started", [])
    let question = try invocation(["show", "2026-11-26", "0"])
    #expect(Commands.run(question, on: log, for: Self.caller).exit == .answered)
    log.failsNotices = true
    let reply = Commands.run(question, on: log, for: Self.caller)
    #expect(reply.exit == .unreachable)
    #expect(reply.json.isEmpty)
  }

  @Test("where a case number is necessary, a question without one is wrong usage")
  func cases() throws {
    let scratch = try Scratch()
    let log = try TestLog(scratch.path)
    try log.notice("started", [])
    let caller = Caller(uid: 1000, user: "memur", requiresCase: true)
    #expect(Commands.run(try invocation(["show", "2026-11-26", "0"]), on: log, for: caller).exit == .usage)
    #expect(Commands.run(try invocation(["show", "2026-11-26", "0", "--case="]), on: log, for: caller).exit == .usage)
    #expect(Commands.run(try invocation(["show", "2026-11-26", "0", "--case", "7"]), on: log, for: caller).exit == .answered)
    #expect(Commands.run(try invocation(["days"]), on: log, for: caller).exit == .answered)
  }
}

@Suite struct ImportTests {
  let scratch: Scratch
  private let log: TestLog

  init() throws {
    scratch = try Scratch()
    log = try TestLog(scratch.path)
  }

  private func run(_ content: [UInt8], _ options: String...) throws -> Reply {
    let path = scratch.path + "/file"
    unlink(path)
    try Disk.place(content, at: path)
    let file = open(path, O_RDONLY)
    defer { close(file) }
    return Commands.run(try invocation(["import", path, "--source", "dhcp1"] + options), on: log, file: file)
  }

  @Test("every line is kept byte for byte with its place, and the file's hash in a notice")
  func bytes() throws {
    let long = [UInt8](repeating: 0x78, count: 70_000)
    let lines: [[UInt8]] = [
      Array("Nov 20 10:15:02 dhcp1 dhcpd[812]: DHCPACK on 10.20.3.57 to 3c:52:82:1a:7f:09 (BIM-PC) via eth1".utf8), [],
      Array("with CR\r".utf8), [0xfe, 0x00, 0xdd], long, Array("no LF at the end".utf8),
    ]
    let content = Array(lines.joined(separator: [0x0a]))
    let reply = try run(content, "--year", "2024")
    #expect(reply.exit == .answered, "\(reply.words)")
    let records = try log.records
    #expect(records.count == 6)
    let kept = lines.filter { !$0.isEmpty }
    for (record, line) in zip(records, kept) {
      #expect(record.via == .import && record.source == "dhcp1" && record.site == "merkez")
      #expect(record.raw == Array(line.prefix(65_535)))
      let at = try #require(record.json["at"]?.integer)
      #expect(Array(content[at..<at + (record.raw?.count ?? 0)]) == record.raw)
    }
    #expect(records[2].json["text"] == "ş\0İ")
    #expect(records[3].json["cut"] == 70_000)
    let event = try #require(records[0].events.first)
    #expect(event.json["ip"] == "10.20.3.57" && event.json["time"] == "2024-11-20T10:15:02+03:00" && event.json["clock"] == "device")
    let notice = try #require(records.last?.events.first)
    #expect(notice.what == "imported" && notice.json["sha256"]?.string == SHA256.hash(content).description)
    #expect(notice.json["records"] == 5 && notice.json["events"] == 1)
  }

  @Test("the same file again is refused and writes nothing, unless --again")
  func again() throws {
    let content = Array("Nov 20 10:15:02 h a: b\n".utf8)
    #expect(try run(content).exit == .answered)
    let count = try log.records.count
    #expect(try run(content).exit == .noAnswer)
    #expect(try log.records.count == count)
    #expect(try run(content, "--again").exit == .answered)
    #expect(try log.records.count == 2 * count)
    #expect(try run(content + [0x0a]).exit == .answered)
  }

  @Test("a message that quotes a notice does not count as an import")
  func quoted() throws {
    let content = Array("Nov 20 10:15:02 h a: b\n".utf8)
    let hash = SHA256.hash(content).description
    #expect(try run(Array(#"{"kind":"notice","what":"imported","sha256":"\#(hash)"}"#.utf8), "--format", "syslog").exit == .answered)
    #expect(try run(content).exit == .answered)
  }

  @Test("years are counted from the first line on")
  func years() throws {
    let text = ["Dec 31 23:59:58", "Jan  1 00:00:03", "Dec 30 23:59:59", "Mar  1 10:00:00", "Feb 20 10:00:00"]
    let reply = try run(
      Array(text.map { "\($0) dhcp1 dhcpd: DHCPACK on 10.20.3.57 to 3c:52:82:1a:7f:09 via eth1\n" }.joined().utf8), "--year", "2021")
    #expect(reply.exit == .answered)
    let times = try log.records.compactMap { $0.events.first?.json["time"]?.string?.prefix(10) }
    #expect(times == ["2021-12-31", "2022-01-01", "2022-12-30", "2023-03-01", "2024-02-20"])
  }

  @Test("each format is known by its content, and an entry of several lines is one record")
  func lease() throws {
    let text = """
      # The format of this file is documented in the dhcpd.leases(5) manual page.

      lease 10.20.3.57 {
        starts 5 2026/11/20 07:15:02;
        ends 5 2026/11/20 08:15:02;
        binding state active;
        hardware ethernet 3c:52:82:1a:7f:09;
        client-hostname "B\\330M";
      }

      """
    #expect(try run(Array(text.utf8)).exit == .answered)
    let records = try log.records
    #expect(records.count == 3)
    #expect(records[1].raw == Array(text.utf8.dropFirst(77).dropLast()))
    let event = try #require(records[1].events.first)
    #expect(event.json["hostname"] == "BØM" && event.json["lease_seconds"] == 3600 && event.json["time"] == "2026-11-20T10:15:02+03:00")
    #expect(event.json["clock"] == "device" && event.json["dialect"] == "isc-leases/1")
    #expect(records[2].events.first?.json["format"] == "isc-leases")
  }

  /// A pcap file of Ethernet: (seconds, packet) each.
  private static func capture(_ packets: [(Int, [UInt8])], linkType: UInt8 = 1) -> [UInt8] {
    func u32(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(value >> (8 * $0) & 255) } }
    return [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0] + u32(0) + u32(0) + u32(65_535) + [linkType, 0, 0, 0]
      + packets.flatMap { u32($0) + u32(250_000) + u32($1.count) + u32($1.count + 4) + $1 }
  }

  private static func arp(_ last: UInt8) -> [UInt8] {
    let head: [UInt8] = [255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 1, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1]
    return head + [2, 0, 0, 0, 0, last, 10, 0, 0, 9] + [UInt8](repeating: 0, count: 10)
  }

  @Test("of a capture, packets that say something become records, with their own time")
  func packets() throws {
    let other = [UInt8](repeating: 7, count: 60)
    let bytes = Self.capture([
      (1_795_000_000, Self.arp(1)), (1_795_000_001, other), (1_795_000_002, Self.arp(1)), (1_795_000_003, Self.arp(2)),
    ])
    let reply = try run(bytes)
    #expect(reply.exit == .answered)
    let answer = try StrictJSON.object(reply.json.span)
    #expect(answer["records"] == 2 && answer["events"] == 2 && answer["packets"] == 4 && answer["thinned"] == 1)
    let records = try log.records
    #expect(records[0].raw == Self.arp(1) && records[0].linkType == 1 && records[0].via == .import)
    #expect(records[0].json["at"] == 24 && records[0].json["cut"] == 46)
    let event = try #require(records[0].events.first)
    #expect(event.kind == .binding && event.json["time"] == "2026-11-18T14:06:40.250000+03:00" && event.json["clock"] == "device")
    #expect(records[2].events.first?.json["format"] == "pcap")
    #expect(try run(bytes).exit == .noAnswer)
    #expect(try run(bytes, "--again").exit == .answered)
  }

  @Test("of a damaged capture what stands before the damage is read, and the damage told")
  func damagedPackets() throws {
    let reply = try run(Self.capture([(1_795_000_000, Self.arp(1)), (1_795_000_001, Self.arp(2))]).dropLast(5))
    #expect(reply.exit == .answered)
    #expect(reply.words.first?.contains("the 1 packets before that were read") == true)
    #expect(try log.records.last?.events.first?.json["fault"] != nil)
    let frameRelay = try run(Self.capture([(1_795_000_000, Self.arp(1))], linkType: 107))
    #expect(frameRelay.exit == .noAnswer && frameRelay.words.first?.contains("link type 107") == true)
  }

  @Test("other formats and unknown devices are refused by name, and nothing is written")
  func formats() throws {
    #expect(try run([0xd4, 0xc3, 0xb2, 0xa1, 0, 0]).exit == .noAnswer)
    #expect(try run([0x1f, 0x8b, 8, 0]).words.first?.contains("gzip") == true)
    #expect(try run(Array("x\nyz".utf8), "--format", "pcap").words.first?.contains("no capture of pcap") == true)
    #expect(try run(Array("x\n".utf8), "--format", "pcapp").exit == .usage)
    #expect(try run(Array("x\n".utf8), "--year", "21").exit == .usage)
    let unknown = try invocation(["import", "/etc/hostname", "--source", "unknown"])
    let file = open("/etc/hostname", O_RDONLY)
    defer { close(file) }
    #expect(Commands.run(unknown, on: log, file: file).exit == .usage)
    #expect(try log.records.isEmpty)
  }
}

@Suite struct InitTests {
  @Test("a log and its keys are made for their owner alone, and never overwritten")
  func once() throws {
    let scratch = try Scratch()
    let words = [
      "init", "--archive", scratch.path + "/var/archive", "--keys", scratch.path + "/etc/keys", "--log", "efeler.bel.tr", "--timezone",
      "Europe/Istanbul",
    ]
    let reply = MakeLog.run(try invocation(words))
    #expect(reply.exit == .answered, "\(reply.words)")
    let made = try answer(reply)
    let log = try ArchiveFolder(scratch.path + "/var/archive").log()
    #expect(made["id"]?.string == log.id && made["log"] == "efeler.bel.tr" && log.timezone == "Europe/Istanbul")
    for (path, mode) in [
      ("/var/archive", 0o700), ("/var/archive/days", 0o700), ("/etc/keys", 0o700), ("/etc/keys/signer.key", 0o600),
      ("/etc/keys/tsa.key", 0o600),
    ] as [(String, mode_t)] {
      var status = stat()
      #expect(stat(scratch.path + path, &status) == 0 && status.st_mode & 0o777 == mode, "\(path)")
    }
    #expect(MakeLog.run(try invocation(words)).exit == .noAnswer)
    #expect(try ArchiveFolder(scratch.path + "/var/archive").log() == log)
    #expect(
      MakeLog.run(try invocation(["init", "--archive", scratch.path + "/other", "--keys", scratch.path + "/etc/keys"])).exit == .noAnswer)
    #expect(access(scratch.path + "/other", F_OK) != 0)
    let inside = MakeLog.run(try invocation(["init", "--archive", scratch.path + "/in", "--keys", scratch.path + "/in/./keys"]))
    #expect(inside.exit == .usage && access(scratch.path + "/in", F_OK) != 0, "\(inside.words)")
    #expect(
      MakeLog.run(try invocation(["init", "--archive", scratch.path + "/x", "--keys", scratch.path + "/y", "--timezone", "Europe/Efeler"]))
        .exit == .usage)
  }
}
