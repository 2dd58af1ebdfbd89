import Archive
import Evidence
import Glibc
import Record
import Testing

@testable import Commands

private func invocation(_ words: [String]) throws -> Invocation {
  guard case .run(let invocation) = try Arguments.read(words) else { throw UsageError("no invocation") }
  return invocation
}

/// A collector whose archive this test writes. All it receives is of one day.
private final class WrittenLog {
  static let day = "2026-11-23"
  let path: String
  private let scratch: Scratch
  private let name: String
  /// How much later than the other it receives the same, microseconds.
  private let delay: Int64
  private let id: String
  private var writer = RecordWriter()
  private var lines: [UInt8] = []

  init(_ scratch: Scratch, _ name: String, delay: Int64 = 0, timezone: String = "Europe/Istanbul") throws {
    self.scratch = scratch
    self.name = name
    self.delay = delay
    path = scratch.path + "/" + name
    try Disk.makeFolder(path)
    let identity = LogIdentity(name: name, timezone: timezone, created: Timestamp(microseconds: 0))
    id = identity.id
    try Disk.place(identity.fileBytes, at: path + "/" + Layout.log)
    try notice("08:00:00", "started", [.init("binding_timeout", "1h"), .init("clock_tolerance", "2s")])
  }

  static func time(_ clock: String) throws -> Timestamp { try #require(Timestamp(rfc3339: "\(day)T\(clock)+03:00")) }

  func notice(_ clock: String, _ what: String, _ members: [JSONMember] = []) throws {
    let time = try Self.time(clock)
    writer.notice(&lines, microseconds: time.microseconds, offsetMinutes: 180, what: what, members: members)
  }

  func event(_ clock: String, _ members: [JSONMember]) throws {
    let time = try Self.time(clock)
    writer.begin(
      &lines, microseconds: time.microseconds + delay, offsetMinutes: 180, sender: RecordWriter.sender(via: .udp, source: "dhcp1").span)
    RecordWriter.raw(&lines, utf8: Array("message of \(clock)".utf8).span)
    lines.append(",\"events\":")
    JSONValue.array([.object(members)]).write(into: &lines)
    lines.append("}\n")
  }

  func lease(_ clock: String, _ action: String, _ ip: String, _ mac: String, name: String? = nil) throws {
    try event(
      clock,
      [
        .init("kind", "lease"), .init("action", .string(action)), .init("ip", .string(ip)), .init("mac", .string(mac)),
        .init("mac_source", "dhcp"),
      ] + (name.map { [.init("hostname", .string($0))] } ?? []) + (action == "release" ? [] : [.init("lease_seconds", 3600)]))
  }

  func session(_ clock: String, _ action: String) throws {
    try event(
      clock,
      [
        .init("kind", "session"), .init("action", .string(action)), .init("protocol", "tcp"), .init("src_ip", "10.0.0.1"),
        .init("src_port", 5000), .init("nat_ip", "9.9.9.9"), .init("nat_port", 4000), .init("dst_ip", "1.1.1.1"), .init("dst_port", 443),
      ])
  }

  /// As `--archive` opens it.
  func opened() throws -> OfflineLog {
    let folder = path + "/days/" + Self.day
    for made in [path + "/days", folder] { try Disk.makeFolder(made) }
    try Disk.place(lines, at: folder + "/" + Layout.tail(first: 0))
    return try OfflineLog(archive: path, index: scratch.path + "/index-" + name)
  }
}

private let x = "3c:52:82:1a:7f:01"
private let y = "3c:52:82:1a:7f:02"

/// Two collectors of one network.
private struct Pair {
  let scratch: Scratch
  let a: WrittenLog
  let b: WrittenLog

  init() throws {
    scratch = try Scratch()
    a = try WrittenLog(scratch, "collector-a")
    b = try WrittenLog(scratch, "collector-b", delay: 120_000)
  }

  var both: [WrittenLog] { [a, b] }

  /// To both comes one more message, so that they are known to have listened until then.
  func opened() throws -> SeveralLogs {
    for log in both { try log.lease("20:00:00", "assign", "10.0.9.9", "3c:52:82:1a:7f:99") }
    return try SeveralLogs(both.map { try $0.opened() })
  }
}

/// What is asked, and the answer in JSON and as text.
private struct Asked {
  var reply: Reply
  var json: JSONValue
  var text: String

  init(_ logs: SeveralLogs, _ words: String...) throws {
    let asked = try invocation(words)
    let reply = logs.run(asked)
    try #require(!reply.json.isEmpty, "\(reply.words)")
    let json = try StrictJSON.object(reply.json.span, limit: .max)
    (self.reply, self.json) = (reply, json)
    text = Rendering.text(asked.name, json, style: Style(colour: false))
  }

  var answers: [JSONValue] { json["answers"]?.array ?? [] }
  static func logs(_ answer: JSONValue?) -> [String] { (answer?["evidence"]?.array ?? []).compactMap { $0["log"]?.string } }
  static func clock(_ value: JSONValue?) -> String { String((value?.string ?? "").dropFirst(11).prefix(8)) }
}

@Suite struct SeveralLogsTests {
  @Test("what both saw is one answer with the evidence of both")
  func same() throws {
    let pair = try Pair()
    for log in pair.both {
      try log.lease("10:00:00", "assign", "10.0.0.1", x, name: log === pair.b ? "BIM-PC" : nil)
      try log.lease("10:30:00", "renew", "10.0.0.1", x)
      try log.event(
        "10:31:00",
        [
          .init("kind", "login"), .init("action", "start"), .init("ip", "10.0.0.1"), .init("mac", .string(x)), .init("user", "ayse"),
          .init("method", "radius"),
        ])
      try log.lease("10:40:00", "release", "10.0.0.1", x)
    }
    let logs = try pair.opened()
    let asked = try Asked(logs, "who", "10.0.0.1", "--at", "2026-11-23 10:35")
    #expect(asked.reply.exit == .answered && asked.reply.answers == 1)
    let answer = try #require(asked.answers.first)
    #expect(asked.answers.count == 1 && answer["mac"]?.string == x && answer["certainty"] == "confirmed")
    #expect(answer["hostname"] == "BIM-PC")
    #expect(answer["start"]?.string == "2026-11-23T10:00:00.000000+03:00" && answer["end_reason"] == "released")
    #expect(answer["end"]?.string == "2026-11-23T10:40:00.000000+03:00")
    #expect(Set(Asked.logs(answer)) == ["collector-a", "collector-b"])
    let users = try #require(answer["users"]?.array)
    #expect(users.count == 1 && users.first?["user"] == "ayse" && Asked.logs(users.first) == ["collector-a", "collector-b"])
    #expect(asked.json["complete"] == true && asked.json["gaps"] == [] && asked.json["before"]?.isNull == true)
    #expect(asked.json["logs"]?.array?.map { $0["log"]?.string } == ["collector-a", "collector-b"])
    #expect(asked.text.contains("[collector-a]") && asked.text.contains("[collector-b]") && !asked.text.contains("omplete"))
    let device = try Asked(logs, "device", x, "--from", "2026-11-23", "--to", "2026-11-23")
    #expect(device.answers.count == 1 && Set(Asked.logs(device.answers.first)) == ["collector-a", "collector-b"])
    // With one log nothing of this is there.
    let alone = Commands.run(try invocation(["who", "10.0.0.1", "--at", "2026-11-23 10:35"]), on: logs.logs[0].log)
    let json = try StrictJSON.object(alone.json.span)
    #expect(json["logs"] == nil && json["answers"]?.array?.first?["evidence"]?.array?.first?["log"] == nil)
  }

  @Test("where one was down the other is believed, and what the one missed is told")
  func down() throws {
    let pair = try Pair()
    for log in pair.both { for n in 1...3 { try log.lease("10:00:00", "assign", "10.0.0.\(n)", x) } }
    try pair.a.notice("10:05:00", "stopped")
    try pair.b.lease("10:20:00", "release", "10.0.0.1", x)
    try pair.b.lease("10:25:00", "assign", "10.0.0.1", y)
    for n in 1...3 { try pair.b.lease("10:30:00", "renew", "10.0.0.\(n)", n == 1 ? y : x) }
    try pair.b.lease("11:10:00", "release", "10.0.0.2", x)
    try pair.b.lease("11:20:00", "renew", "10.0.0.3", x)
    try pair.b.notice("13:00:00", "stopped")
    try pair.b.notice("13:30:00", "started", [.init("binding_timeout", "1h"), .init("clock_tolerance", "2s")])
    try pair.a.notice("13:10:00", "started", [.init("binding_timeout", "1h"), .init("clock_tolerance", "2s")])
    let logs = try pair.opened()

    let other = try Asked(logs, "who", "10.0.0.1", "--at", "2026-11-23 10:40")
    #expect(other.answers.map { $0["mac"]?.string } == [y, x])
    #expect(other.answers.map { $0["certainty"]?.string } == ["confirmed", "possible"])
    #expect(other.json["complete"] == true)
    let gap = try #require(other.json["gaps"]?.array?.first)
    #expect(gap["what"] == "collector-down" && gap["log"] == "collector-a")
    #expect(other.text.contains("Complete: collector-b had no gap") && other.text.contains("[collector-a]\n"))
    #expect(!other.text.contains("do not decide"))

    // The expiry that the one calculated is not the end where the other saw more.
    let released = try Asked(logs, "who", "10.0.0.2", "--at", "2026-11-23 10:40")
    #expect(released.answers.count == 1 && released.answers.first?["certainty"] == "confirmed")
    #expect(released.answers.first?["end_reason"] == "released" && Asked.clock(released.answers.first?["end"]) == "11:10:00")
    let expired = try Asked(logs, "who", "10.0.0.3", "--at", "2026-11-23 10:40")
    #expect(expired.answers.first?["end_reason"] == "expired" && Asked.clock(expired.answers.first?["end"]) == "12:20:00")
    #expect(Asked.clock(expired.answers.first?["last_seen"]) == "11:20:00")

    let neither = try Asked(logs, "who", "10.0.0.1", "--at", "2026-11-23 13:05")
    #expect(neither.reply.exit == .noAnswer && neither.json["complete"] == false)
    #expect(Set((neither.json["gaps"]?.array ?? []).compactMap { $0["log"]?.string }) == ["collector-a", "collector-b"])
    // Only the second knows who had it last.
    #expect(neither.json["before"]?["mac"]?.string == y && neither.text.contains("Incomplete"))
    #expect(Asked.logs(neither.json["before"]).allSatisfy { $0 == "collector-b" })
  }

  @Test("two confirmed holders contradict each other: both are shown, none is more than possible")
  func contradiction() throws {
    let pair = try Pair()
    for (log, mac) in zip(pair.both, [x, y]) {
      try log.lease("10:00:00", "assign", "10.0.0.1", mac)
      try log.lease("10:30:00", "renew", "10.0.0.1", mac)
    }
    let asked = try Asked(try pair.opened(), "who", "10.0.0.1", "--at", "2026-11-23 10:15")
    #expect(asked.answers.map { $0["mac"]?.string } == [x, y])
    #expect(asked.answers.allSatisfy { $0["certainty"] == "possible" })
    #expect(asked.text.contains("2 candidates: the records do not decide between them."))
  }

  @Test("a conflict that one log recorded stays one, though the other saw only one of the devices")
  func ownConflict() throws {
    let pair = try Pair()
    for log in pair.both {
      try log.lease("10:00:00", "assign", "10.0.0.1", x)
      if log === pair.a { try log.event("10:10:00", [.init("kind", "binding"), .init("ip", "10.0.0.1"), .init("mac", .string(y))]) }
      try log.lease("10:30:00", "renew", "10.0.0.1", x)
    }
    let logs = try pair.opened()
    let ask = try invocation(["who", "10.0.0.1", "--at", "2026-11-23 10:15"])
    let alone = try StrictJSON.object(Commands.run(ask, on: logs.logs[1].log).json.span)
    #expect(alone["answers"]?.array?.first?["certainty"] == "confirmed")
    let asked = try Asked(logs, "who", "10.0.0.1", "--at", "2026-11-23 10:15")
    #expect(Set(asked.answers.map { $0["mac"]?.string }) == [x, y])
    #expect(asked.answers.allSatisfy { $0["certainty"] == "possible" }, "\(asked.text)")
  }

  @Test("what one log heard given back is over, though the other missed it")
  func missedRelease() throws {
    let pair = try Pair()
    for log in pair.both { for n in 1...2 { try log.lease("10:00:00", "assign", "10.0.0.\(n)", x) } }
    for n in 1...2 { try pair.a.lease("10:30:00", "release", "10.0.0.\(n)", x) }
    try pair.b.lease("10:40:00", "renew", "10.0.0.2", x)
    let logs = try pair.opened()
    for time in ["10:45", "11:30"] {
      let asked = try Asked(logs, "who", "10.0.0.1", "--at", "2026-11-23 \(time)")
      let before = asked.json["before"]
      #expect(asked.reply.exit == .noAnswer && before?["mac"]?.string == x && before?["end_reason"] == "released", "\(asked.text)")
      #expect(Asked.clock(before?["end"]) == "10:30:00" && Set(Asked.logs(before)) == ["collector-a", "collector-b"])
    }
    // Seen since: it came back.
    let back = try Asked(logs, "who", "10.0.0.2", "--at", "2026-11-23 10:45")
    #expect(back.answers.count == 1 && Asked.logs(back.answers.first).allSatisfy { $0 == "collector-b" })
  }

  @Test("logs that name different holders of one session contradict each other")
  func natContradiction() throws {
    let pair = try Pair()
    for (log, mac) in zip(pair.both, [x, y]) {
      try log.lease("10:00:00", "assign", "10.0.0.1", mac)
      try log.session("10:10:00", "open")
      try log.session("10:20:00", "close")
      try log.lease("10:30:00", "renew", "10.0.0.1", mac)
    }
    let asked = try Asked(try pair.opened(), "nat", "9.9.9.9:4000", "--at", "2026-11-23 10:15")
    #expect(Set(asked.answers.map { $0["mac"]?.string }) == [x, y])
    #expect(asked.answers.allSatisfy { $0["certainty"] == "possible" })
  }

  @Test("a login that one log knows alone is the user of the other's lease")
  func loginAlone() throws {
    let pair = try Pair()
    try pair.b.lease("10:00:00", "assign", "10.0.0.1", x)
    try pair.a.event(
      "10:05:00", [.init("kind", "login"), .init("action", "start"), .init("ip", "10.0.0.1"), .init("user", "ayse")])
    let asked = try Asked(try pair.opened(), "who", "10.0.0.1", "--at", "2026-11-23 10:15")
    let answer = try #require(asked.answers.first)
    #expect(asked.answers.count == 1 && answer["mac"]?.string == x && answer["basis"] == "lease" && answer["certainty"] == "confirmed")
    #expect(Asked.clock(answer["start"]) == "10:00:00" && answer["users"]?.array?.first?["user"] == "ayse")
    #expect(Set(Asked.logs(answer)) == ["collector-a", "collector-b"])
  }

  @Test("a session that both logged is one answer, also where one missed its end")
  func nat() throws {
    let pair = try Pair()
    for log in pair.both {
      try log.lease("10:00:00", "assign", "10.0.0.1", x)
      try log.session("10:10:00", "open")
    }
    try pair.a.session("10:20:00", "close")
    for log in pair.both { try log.session("10:40:00", "open") }
    let logs = try pair.opened()
    let asked = try Asked(logs, "nat", "9.9.9.9:4000", "--at", "2026-11-23 10:15")
    let answer = try #require(asked.answers.first)
    #expect(asked.answers.count == 1 && answer["mac"]?.string == x && answer["certainty"] == "confirmed")
    #expect(Set(Asked.logs(answer)) == ["collector-a", "collector-b"])
    #expect(Asked.clock(answer["session"]?["start"]) == "10:10:00" && Asked.clock(answer["session"]?["end"]) == "10:20:00")
    #expect(asked.json["question"]?["port"] == 4000)
    let none = try Asked(logs, "nat", "9.9.9.9:4001", "--at", "2026-11-23 10:15")
    #expect(none.reply.exit == .noAnswer && none.answers.isEmpty)
  }

  @Test("table: one row for what both saw, by address and time")
  func table() throws {
    let pair = try Pair()
    for log in pair.both {
      try log.lease("10:00:00", "assign", "10.0.0.10", x)
      try log.lease("10:20:00", "release", "10.0.0.10", x)
      try log.lease("11:00:00", "assign", "10.0.0.10", x)
    }
    try pair.b.lease("11:10:00", "assign", "10.0.0.9", y)
    let asked = try Asked(try pair.opened(), "table", "2026-11-23")
    let rows = (asked.json["rows"]?.array ?? []).filter { $0["ip"] != "10.0.9.9" }
    #expect(rows.map { $0["ip"]?.string } == ["10.0.0.9", "10.0.0.10", "10.0.0.10"])
    #expect(rows.map { $0["mac"]?.string } == [y, x, x])
    #expect(rows.map { Asked.clock($0["start"]) } == ["11:10:00", "10:00:00", "11:00:00"])
    #expect(rows.map { $0["logs"] } == [["collector-b"], ["collector-a", "collector-b"], ["collector-a", "collector-b"]])
    #expect(asked.text.contains("4 intervals") && CSV.table(asked.json).split(separator: "\r\n").count == 5)
  }

  @Test("search, days and heads name the log of each")
  func lists() throws {
    let pair = try Pair()
    for log in pair.both { try log.lease("10:00:00", "assign", "10.0.0.1", x) }
    try pair.a.lease("10:30:00", "renew", "10.0.0.1", x)
    let logs = try pair.opened()
    let found = try Asked(logs, "search", x, "--from", "2026-11-23", "--to", "2026-11-23")
    #expect(found.json["records"]?.array?.map { $0["log"]?.string } == ["collector-a", "collector-b", "collector-a"])
    #expect(found.json["truncated"] == false && found.text.contains(" [collector-b]  "))
    let days = try Asked(logs, "days")
    #expect(days.json["days"]?.array?.map { $0["log"]?.string } == ["collector-a", "collector-b"])
    #expect(days.text.contains("LOG\n") && days.text.contains("  collector-b\n"))
    let heads = try Asked(logs, "heads")
    #expect(heads.json["heads"] == [] && heads.json["logs"]?.array?.count == 2)
    let id = logs.logs[1].log.identity.id
    let line = "muhur-head-1 \(id) 3 2026-11-22 \(String(repeating: "0", count: 64))"
    let text = Rendering.text(.heads, heads.json.with("heads", .array([.string(line)])), style: Style(colour: false))
    #expect(text == "collector-b: \(line)\n")
  }

  @Test("a log that cannot be opened is named, and nothing is answered")
  func missing() throws {
    let pair = try Pair()
    _ = try pair.opened()
    let absent = pair.scratch.path + "/absent"
    let empty = pair.scratch.path + "/empty"
    try Disk.makeFolder(empty)
    for path in [absent, empty, "/etc/hostname"] {
      let words = ["--archive", pair.a.path, "--archive", path, "who", "10.0.0.1", "--at", "2026-11-23 10:15"]
      let refusal = #expect(throws: Refusal.self) { try SeveralLogs(opening: invocation(words)) }
      #expect(refusal?.exit == .unreachable && refusal?.words.contains(path) == true, "\(refusal?.words ?? "")")
    }
    let twice = ["--archive", pair.a.path, "--archive", pair.a.path + "/", "days"]
    #expect(#expect(throws: Refusal.self) { try SeveralLogs(opening: invocation(twice)) }?.exit == .usage)
  }

  @Test(
    "what takes one archive says so",
    arguments: [
      (["show", "2026-11-23", "0"], "show takes one --archive"), (["status"], "status takes one --archive"),
      (["seal"], "seal takes one --archive"), (["reindex"], "reindex takes one --archive"), (["days", "--index", "/i"], "--index"),
      (["who", "10.0.0.1", "--at", "0", "--export", "x.zip"], "--export takes one archive"),
    ])
  func usage(words: [String], why: String) throws {
    let refusal = WrongUse.refusal(try invocation(["--archive", "/a", "--archive", "/b"] + words))
    #expect(refusal?.words.contains(why) == true, "\(refusal?.words ?? "")")
    #expect(WrongUse.refusal(try invocation(["--archive", "/a"] + words)) == nil)
  }

  @Test("logs of different zones are asked with an offset")
  func zones() throws {
    let scratch = try Scratch()
    let a = try WrittenLog(scratch, "collector-a")
    let b = try WrittenLog(scratch, "collector-b", timezone: "UTC")
    for log in [a, b] {
      try log.lease("10:00:00", "assign", "10.0.0.1", x)
      try log.lease("12:00:00", "renew", "10.0.0.1", x)
    }
    let logs = try SeveralLogs([try a.opened(), try b.opened()])
    let naive = logs.run(try invocation(["who", "10.0.0.1", "--at", "2026-11-23 10:15"]))
    #expect(naive.exit == .usage && naive.json.isEmpty && naive.words.first?.contains("time zones") == true)
    #expect(logs.run(try invocation(["table", "2026-11-23"])).exit == .usage)
    let exact = try Asked(logs, "who", "10.0.0.1", "--at", "2026-11-23T10:15:00+03:00")
    #expect(exact.reply.exit == .answered && exact.answers.count == 1)
  }

  @Test("logs of one name are told apart by their ids")
  func names() throws {
    let scratch = try Scratch()
    let first = try WrittenLog(scratch, "muhur").opened()
    let second = try WrittenLog(Scratch(), "muhur").opened()
    let logs = try SeveralLogs([first, second])
    #expect(logs.logs.map(\.name) == [first, second].map { "muhur \($0.identity.id.prefix(8))" })
  }
}
