import Glibc
import Record
import TestSupport
import Testing

@testable import Archive
@testable import Attribution

/// Everything an index says, without the numbers of rows.
func contents(_ index: Index) throws -> [String] {
  var lines: [String] = []
  let rows = [
    "SELECT 'interval', a.site, a.ip, a.length, i.* FROM interval i JOIN address a ON a.id = i.address ORDER BY 2,3,4,6,7,8,9",
    """
    SELECT 'observation', a.site, a.ip, a.length, o.track, o.time, o.position, o.number, o.flags, o.mac, o.seconds, o.until, o.difference,
    d.mac_source, d.duid, d.client_id, d.hostname, d.relay, d.circuit_id, d.source, d.user, d.phone, d.method, d.session,
    d.nas, d.outer_ip
    FROM observation o JOIN address a ON a.id = o.address JOIN detail d ON d.id = o.detail ORDER BY 2,3,4,5,6,7,8
    """,
    "SELECT 'name', a.site, a.ip, a.length, n.key, n.first, n.last FROM name n JOIN address a ON a.id = n.address ORDER BY 2,3,4,5",
    "SELECT 'port_block', * FROM port_block", "SELECT 'gap', * FROM gap", "SELECT 'list', * FROM list", "SELECT 'setting', * FROM setting",
    "SELECT 'site', * FROM site",
    "SELECT 'meta', * FROM meta",
  ]
  for sql in rows {
    let statement = try index.database.statement(sql)
    try statement.forEach { row in
      var line = ""
      for column in 0..<statement.columns { line += "|" + (row.bytes(column).map { Hex.text($0) } ?? "-") }
      lines.append(line)
      return true
    }
  }
  return lines
}

@Suite("The index") struct IndexTests {
  let begin: Timestamp
  init() throws { begin = try Scenario.time("10:00:00") }

  func ip(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

  func at(_ seconds: Double) -> Timestamp {
    Timestamp(microseconds: begin.microseconds + Int64(seconds * 1e6), offsetMinutes: 180)
  }

  /// Events of a few devices on a few addresses over a day, as the devices' own clocks have them.
  func random(_ count: Int, _ generator: inout Seeded) -> [(time: Timestamp, event: JSONValue)] {
    (0..<count).map { _ in
      let time = Timestamp(
        microseconds: begin.microseconds + Int64.random(in: 0..<86_400, using: &generator) * Timestamp.second, offsetMinutes: 180,
        fractionDigits: 0)
      let device = Int.random(in: 0..<4, using: &generator)
      var members: [JSONMember] = []
      let kind = Int.random(in: 0..<10, using: &generator)
      if kind < 8 {
        let action = ["assign", "assign", "assign", "renew", "release", "expire", "decline", "nak"][kind]
        members = [.init("kind", "lease"), .init("action", .string(action))]
      } else {
        members = [.init("kind", "binding")]
      }
      members.append(.init("ip", .string("10.0.0.\(Int.random(in: 1...3, using: &generator))")))
      if Int.random(in: 0..<5, using: &generator) > 0 { members.append(.init("mac", .string(Scenario.mac(["A", "B", "C", "D"][device])))) }
      if Int.random(in: 0..<3, using: &generator) == 0 { members.append(.init("client_id", .string("0\(device)"))) }
      if Int.random(in: 0..<3, using: &generator) == 0 {
        members.append(.init("hostname", .string("PC-\(Int.random(in: 0..<2, using: &generator))")))
      }
      if kind < 4, Int.random(in: 0..<4, using: &generator) > 0 {
        members.append(.init("lease_seconds", .integer([600, 3600, 14_400][Int.random(in: 0..<3, using: &generator)])))
        if Int.random(in: 0..<4, using: &generator) == 0 { members.append(.init("lease_from", "configuration")) }
      }
      members += [.init("clock", "device"), .init("time", .string(time.description))]
      return (time, .object(members))
    }
  }

  @Test(
    "a rebuilt index is the live one, whatever the order of arrival and wherever the reading stopped",
    arguments: 1...30 as ClosedRange<UInt64>)
  func rebuilt(seed: UInt64) throws {
    var generator = Seeded(seed)
    let archive = try TestArchive()
    var index = try archive.index()
    var events = random(300, &generator)
    // Nearly in order, or not at all.
    if seed.isMultiple(of: 2) { events.sort { $0.time.microseconds < $1.time.microseconds } }
    if seed.isMultiple(of: 4) {
      for i in stride(from: 0, to: 290, by: 7) { events.swapAt(i, i + Int.random(in: 0..<9, using: &generator)) }
    }
    for (i, event) in events.enumerated() {
      if i.isMultiple(of: 50) {
        try archive.record(
          at(Double(i)), via: .internal,
          events: [["kind": "notice", "what": "started", "binding_timeout": .string(["10m", "1h"][i / 50 % 2])]], raw: nil)
      }
      try archive.record(at(Double(i)), source: "dhcp1", events: [event.event])
      if Int.random(in: 0..<6, using: &generator) == 0 { try archive.follow(index) }
      if Int.random(in: 0..<40, using: &generator) == 0 { index = try archive.index() }
    }
    try archive.follow(index)
    let live = try contents(index)
    let rebuilt = try contents(try Index.rebuilt(in: archive.path + "/rebuilt", for: archive.folder))
    #expect(live == rebuilt, "seed \(seed): \(zip(live, rebuilt).first { $0 != $1 } ?? ("\(live.count)", "\(rebuilt.count)"))")
    #expect(live.contains { $0.hasPrefix("|" + Hex.text(Array("interval".utf8))) })
  }

  @Test("intervals do not depend on the order in which observations arrived", arguments: 1...20 as ClosedRange<UInt64>)
  func shuffled(seed: UInt64) throws {
    var generator = Seeded(seed)
    var events = random(200, &generator)
    // One event a second, or their places in the archive would decide.
    events = events.enumerated().map { i, e in
      let time = Timestamp(microseconds: begin.microseconds + Int64(i) * 300 * Timestamp.second, offsetMinutes: 180, fractionDigits: 0)
      guard case .object(var members) = e.event else { return e }
      members[members.count - 1].value = .string(time.description)
      return (time, .object(members))
    }
    func answers(_ events: [(time: Timestamp, event: JSONValue)]) throws -> [String] {
      let archive = try TestArchive()
      let index = try archive.index()
      for (i, event) in events.enumerated() {
        try archive.record(at(Double(i)), events: [event.event])
        if i.isMultiple(of: 9) { try archive.follow(index) }
      }
      try archive.follow(index)
      let questions = archive.questions(index, now: at(10 * 86_400))
      return try (-1...1).flatMap { try questions.table((CalendarDay("2026-11-23") ?? at(0).localDay).adding(days: $0)).map(\.json.text) }
    }
    let inOrder = try answers(events)
    events.shuffle(using: &generator)
    #expect(try answers(events) == inOrder, "seed \(seed)")
    #expect(inOrder.count > 3)
  }

  @Test("a damaged index is built again, and says so") func damaged() throws {
    let archive = try TestArchive()
    try archive.record(
      at(0), events: [["kind": "lease", "action": "assign", "ip": "10.0.0.1", "mac": .string(Scenario.mac("A")), "lease_seconds": 3600]])
    do { try archive.follow(try archive.index()) }
    let path = Index.path(in: archive.path + "/index")
    let fd = open(path, O_WRONLY | O_CLOEXEC)
    _ = [UInt8](repeating: 0x55, count: 8192).withUnsafeBytes { pwrite(fd, $0.baseAddress, $0.count, 0) }
    close(fd)
    var remarks: [String] = []
    let index = try Index.opened(in: archive.path + "/index", for: archive.folder) { remarks.append($0) }
    try archive.follow(index)
    #expect(remarks.count == 1)
    #expect(try archive.questions(index, now: at(20)).who(Who(ip: ip("10.0.0.1"), at: at(10))).answers.count == 1)
  }

  @Test("the index of another log or version is not used") func foreign() throws {
    let archive = try TestArchive()
    do { _ = try archive.index() }
    let path = Index.path(in: archive.path + "/index")
    #expect(throws: IndexError.self) { _ = try Index(path, logID: String(repeating: "cd", count: 16)) }
    do { try Database(path, writable: true).run("PRAGMA user_version=99") }
    #expect(throws: IndexError.self) { _ = try Index(path, logID: TestArchive.logID) }
    var remarks: [String] = []
    _ = try Index.opened(in: archive.path + "/index", for: archive.folder) { remarks.append($0) }
    #expect(remarks.count == 1 && remarks[0].contains("version 99"))
  }

  @Test("hostile events trap nothing and give nothing absurd") func hostile() throws {
    let archive = try TestArchive()
    let index = try archive.index()
    let lease: [JSONValue] = [0, -1, 1, 4_294_967_294, 4_294_967_295, .integer(.max), .integer(.min), "x", nil]
    let times: [JSONValue] = ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-14:00", "2026-02-30T00:00:00Z", "", nil, 5]
    let addresses: [JSONValue] = ["10.0.0.1", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "10.0.0.999", "", nil]
    var n = 0.0
    for l in lease {
      for t in times {
        for a in addresses {
          for action in ["assign", "release", "decline", "expire", "x"] {
            try archive.record(
              at(n),
              events: [
                .object([
                  .init("kind", "lease"), .init("action", .string(action)), .init("ip", a),
                  .init("mac", .string(Scenario.mac(n > 500 ? "A" : "B"))),
                  .init("lease_seconds", l), .init("lease_until", t), .init("clock", "device"), .init("time", t),
                ]), .object([.init("kind", "binding"), .init("prefix", "::/0"), .init("mac", nil)]), nil, 5, .array([]),
                .object([
                  .init("kind", "login"), .init("action", "start"), .init("ip", a),
                  .init("user", .string(String(repeating: "İ", count: 50))),
                ]),
              ])
            n += 1
          }
        }
      }
    }
    for what in ["started", "dropped", "source-silent", "source-back", "static", "clock-stepped", "stopped"] {
      try archive.record(
        at(n), via: .internal,
        events: [["kind": "notice", "what": .string(what), "since": "x", "binding_timeout": "99999999999d", "clock_tolerance": -5]],
        raw: nil)
    }
    // Lines that are no records at all.
    for line in [
      "", "{", "{\"time\":\"x\",\"events\":[{\"kind\":\"lease\"}]}", "{\"events\":[{\"kind\":\"lease\"",
      ",\"events\":[{\"kind\":\"lease\"}]",
    ] {
      try archive.append(Array(line.utf8) + [0x0a], at: at(n))
    }
    try archive.follow(index)
    let questions = archive.questions(index, now: at(n))
    for text in ["10.0.0.1", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"] {
      for time in [
        at(0), at(n), Timestamp(microseconds: Moment.earliest), Timestamp(microseconds: Moment.latest), Timestamp(microseconds: .max / 16),
      ] {
        _ = try questions.who(Who(ip: ip(text), at: time, window: .max)).json { _ in (nil, nil) }.text
      }
    }
    #expect(try contents(index) == contents(try Index.rebuilt(in: archive.path + "/rebuilt", for: archive.folder)))
  }

  @Test("a reading that stops in the middle of a day goes on there, and over midnight") func days() throws {
    let archive = try TestArchive()
    let index = try archive.index()
    let follower = IndexFollower(index, of: archive.folder)
    for hour in 0..<60 {
      try archive.record(
        at(Double(hour) * 3600),
        events: [["kind": "lease", "action": "assign", "ip": "10.0.0.1", "mac": .string(Scenario.mac("A")), "lease_seconds": 7200]])
      #expect(try follower.catchUp() == (hour == 0 ? 1 : 1))
    }
    #expect(index.counts.events == 60)
    let answer = try #require(
      try archive.questions(index, now: at(60 * 3600)).who(Who(ip: ip("10.0.0.1"), at: at(50 * 3600))).answers.first)
    #expect(answer.start == at(0))
    #expect(answer.certainty == .confirmed)
    #expect(Set(answer.evidence.map(\.day)).count == 2)
    #expect(answer.evidence.count <= 12)
  }
}
