import Glibc
import Record
import TestSupport
import Testing

@testable import Archive
@testable import Attribution

@Suite("The index of blocks") struct BlockIndexTests {
  let begin: Timestamp
  init() throws { begin = try Scenario.time("06:00:00") }

  func at(_ seconds: Double) -> Timestamp {
    Timestamp(microseconds: begin.microseconds + Int64(seconds * 1e6), offsetMinutes: 180)
  }
  func ip(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }
  var days: [CalendarDay] { (0..<4).map { begin.localDay.adding(days: $0) } }

  /// Sessions of 250 devices, one a second, 60 s long: session n is over n seconds after the beginning.
  func fill(_ archive: TestArchive, _ numbers: Range<Int>, every seconds: Double = 1) throws {
    var lines: [UInt8] = []
    for n in numbers {
      if n > numbers.lowerBound, at(Double(n) * seconds).localDay != at(Double(n - 1) * seconds).localDay {
        try archive.append(lines, at: at(Double(n - 1) * seconds))
        lines.removeAll()
      }
      lines += archive.line(
        at(Double(n) * seconds), source: "fw",
        events: [
          [
            "kind": "session", "action": "close", "protocol": "tcp", "src_ip": .string("10.0.0.\(n % 250)"), "src_port": .integer(1024 + n),
            "nat_ip": "195.142.10.8", "nat_port": .integer(1024 + n), "dst_ip": .string("93.184.\(n % 200).\(n % 13)"), "dst_port": 443,
            "mac": .string("02:00:00:00:00:" + String(n % 250 + 256, radix: 16).dropFirst()), "duration": 60,
          ]
        ])
    }
    try archive.append(lines, at: at(Double(numbers.upperBound - 1) * seconds))
  }

  /// Seconds between two sessions.
  let step = 86_400 / 2560.0 * 0.999

  /// Four days of three blocks each, the third of them short.
  func large() throws -> TestArchive {
    let archive = try TestArchive()
    try fill(archive, 0..<10_240, every: step)
    for day in days.dropLast() { try archive.pack(day, closing: true) }
    try archive.pack(days[3])
    return archive
  }

  func ask(_ archive: TestArchive, port: Int, at time: Timestamp, blocks: BlockIndex) throws -> [Answer] {
    let index = try archive.index()
    try archive.follow(index)
    let questions = Questions([index], blocks: [blocks], zone: TestArchive.zone, clock: at(10 * 86_400), isLive: true)
    return try questions.nat(Nat(ip: ip("195.142.10.8"), port: port, at: time)).answers
  }

  @Test("a question reads the blocks that may hold its answer, and no others") func reads() throws {
    let archive = try large()
    #expect(try archive.blocks().catchUp() >= 9)
    for n in [0, 2_500, 3_777, 6_345, 10_000] {
      let blocks = archive.blocks()
      let time = at(Double(n) * step - 30)
      let answers = try ask(archive, port: 1024 + n, at: time, blocks: blocks)
      #expect(answers.map(\.ip) == ["10.0.0.\(n % 250)"], "session \(n)")
      #expect(blocks.blocksRead <= 3, "session \(n): one block holds it; a filter errs once in a hundred times")
      // What is in no whole block of the open day yet is read from the tail.
      #expect(blocks.recordsReadBesides < 2 * Block.records)
    }
  }

  @Test("a close that names a number alone is found in its block, and no others are read") func numbers() throws {
    let archive = try large()
    // Opens on the second day, closes on the third, among the sessions of another firewall.
    var lines: [UInt8] = []
    let (opened, closed) = (at(86_400 * 4), at(86_400 * 4 + 40_000))
    for (time, action) in [(opened, "open"), (closed, "close")] {
      for n in 0..<3 * Block.records {
        var event: [JSONMember] = [.init("kind", "session"), .init("action", .string(action)), .init("protocol", "tcp")]
        if action == "open" {
          event += [
            .init("src_ip", .string("10.1.0.\(n % 250)")), .init("src_port", .integer(1024 + n)), .init("nat_ip", "195.142.10.9"),
            .init("nat_port", .integer(1024 + n)),
          ]
        }
        event.append(.init("session_id", .string("\(70_000 + n)")))
        let then = Timestamp(microseconds: time.microseconds + Int64(n) * 1_000, offsetMinutes: 180)
        lines += archive.line(then, source: "asa", events: [.object(event)])
      }
    }
    try archive.append(lines, at: opened)
    try archive.pack(opened.localDay)
    try archive.blocks().catchUp()
    let index = try archive.index()
    try archive.follow(index)
    let blocks = archive.blocks()
    let questions = Questions([index], blocks: [blocks], zone: TestArchive.zone, clock: at(10 * 86_400), isLive: true)
    let answers = try questions.nat(Nat(ip: ip("195.142.10.9"), port: 1024 + 1500, at: at(86_400 * 4 + 20_000))).answers
    #expect(
      answers.map(\.session?["end"]?.string) == [Timestamp(microseconds: closed.microseconds + 1_500_000, offsetMinutes: 180).description])
    #expect(answers.map(\.certainty) == [.possible], "nobody is known to have had the address")
    #expect(blocks.blocksRead <= 6, "two hold it, one of them is read twice; a filter errs once in a hundred times")
  }

  @Test("days whose blocks cannot hold the answer are not looked at") func otherDays() throws {
    let archive = try large()
    try archive.blocks().catchUp()
    let blocks = archive.blocks()
    #expect(try ask(archive, port: 1025, at: at(-40 * 86_400), blocks: blocks).isEmpty)
    #expect(blocks.blocksRead == 0)
  }

  @Test("nothing indexed, half indexed, or all of it: the answers are the same") func partly() throws {
    let archive = try large()
    let time = at(3_777 * step - 30)
    let without = archive.blocks()
    #expect(try ask(archive, port: 4801, at: time, blocks: without).count == 1)
    #expect(without.blocksRead == 0 && without.recordsReadBesides > 3_777)
    let building = archive.blocks()
    while try building.catchUp(blocks: 3) == 3 {
      #expect(try ask(archive, port: 4801, at: time, blocks: archive.blocks()).count == 1)
    }
    // What was indexed of a day is not read again from it.
    let after = archive.blocks()
    #expect(try ask(archive, port: 4801, at: time, blocks: after).count == 1)
    #expect(after.recordsReadBesides < 2 * Block.records)
  }

  func files(_ archive: TestArchive, _ name: String) throws -> [String: [UInt8]] {
    var found: [String: [UInt8]] = [:]
    let folder = "\(archive.path)/\(name)/blocks"
    for entry in try folderEntries(folder) ?? [] { found[entry.name] = try RegularFile.bytes(folder + "/" + entry.name, limit: 1 << 24) }
    return found
  }

  @Test("a rebuilt index is the live one, whenever it was stopped between", arguments: 1...3 as ClosedRange<UInt64>)
  func rebuilt(seed: UInt64) throws {
    var generator = Seeded(seed)
    let archive = try TestArchive()
    var live = archive.blocks()
    mkdir(archive.path + "/index", 0o700)
    var n = 0
    while n < 3_500 {
      let more = Int.random(in: 1...900, using: &generator)
      try fill(archive, n..<n + more, every: 60)
      n += more
      for (i, day) in days.enumerated() where at(Double(n) * 60).localDay >= day {
        try archive.pack(day, closing: i + 1 < days.count && at(Double(n - 1) * 60).localDay > day)
      }
      if Bool.random(using: &generator) { try live.catchUp(blocks: Int.random(in: 1...3, using: &generator)) }
      // The program ends and starts again.
      if Int.random(in: 0..<5, using: &generator) == 0 { live = archive.blocks() }
    }
    try live.catchUp()
    mkdir(archive.path + "/rebuilt", 0o700)
    try archive.blocks("rebuilt").catchUp()
    #expect(try files(archive, "index") == files(archive, "rebuilt"), "seed \(seed)")
    #expect(try files(archive, "index").count >= 2)
  }

  @Test("a file that is damaged anywhere is made again, and answers are right meanwhile") func damaged() throws {
    let archive = try large()
    try archive.blocks().catchUp()
    let whole = try files(archive, "index")
    let day = days[1]
    let path = archive.blocks().path(day)
    let time = at(3_777 * step - 30)
    var generator = Seeded(7)
    let size = try #require(whole["\(day).blocks"]).count
    for place in [0, 9, 13, 40, 60, size / 2, size - 1, size - 30] + (0..<4).map({ _ in Int.random(in: 0..<size, using: &generator) }) {
      let fd = open(path, O_WRONLY | O_CLOEXEC)
      var byte = try #require(whole["\(day).blocks"])[place] ^ 0x40
      pwrite(fd, &byte, 1, off_t(place))
      close(fd)
      #expect(try ask(archive, port: 4801, at: time, blocks: archive.blocks()).map(\.ip) == ["10.0.0.27"], "byte \(place)")
      try archive.blocks().catchUp()
      #expect(try files(archive, "index") == whole, "byte \(place)")
    }
    for length in [0, 5, 32, 33, 100, size - 57, size - 20] {
      #expect(truncate(path, length) == 0)
      #expect(try ask(archive, port: 4801, at: time, blocks: archive.blocks()).map(\.ip) == ["10.0.0.27"], "cut at \(length)")
      try archive.blocks().catchUp()
      #expect(try files(archive, "index") == whole, "cut at \(length)")
    }
    // Of another day: its entries speak of other blocks.
    rename(archive.blocks().path(days[0]), path)
    #expect(try ask(archive, port: 4801, at: time, blocks: archive.blocks()).map(\.ip) == ["10.0.0.27"])
    try archive.blocks().catchUp()
    #expect(try files(archive, "index") == whole)
    unlink(path)
    try archive.blocks().catchUp()
    #expect(try files(archive, "index") == whole)
  }

  @Test("the file of a day that was deleted goes too") func gone() throws {
    let archive = try large()
    let blocks = archive.blocks()
    try blocks.catchUp()
    for entry in try #require(try folderEntries(archive.folder.day(days[0]).path)) { unlink(archive.folder.day(days[0]).path(entry.name)) }
    rmdir(archive.folder.day(days[0]).path)
    try blocks.catchUp()
    #expect(try files(archive, "index").keys.sorted() == days.dropFirst().map { "\($0).blocks" })
  }

  @Test("search finds an address, a MAC, a user and a host name in whatever event") func search() throws {
    let archive = try large()
    try archive.record(
      at(86_400 * 3.5),
      events: [
        [
          "kind": "lease", "action": "assign", "ip": "10.9.9.9", "mac": .string(Scenario.mac("A")), "hostname": "BİM-PC",
          "duid": "00:01:aa",
        ],
        ["kind": "login", "action": "start", "ip": "10.9.9.9", "user": "Ayşe", "outer_ip": "198.51.100.9", "phone": "905321112233"],
      ])
    try archive.blocks().catchUp()
    let index = try archive.index()
    func count(_ text: String, _ from: Double, _ to: Double, _ kind: EventKind? = nil) throws -> Int {
      var found = 0
      try archive.questions(index, now: at(10 * 86_400)).forEachRecord(naming: text, from: at(from), to: at(to), kind: kind) { _, _ in
        found += 1
        return true
      }
      return found
    }
    for text in ["10.9.9.9", Scenario.mac("A"), "bim-pc", "AYŞE", "905321112233", "198.51.100.9", "0001AA"] {
      #expect(try count(text, 0, 86_400 * 4) == 1, "\(text)")
      #expect(try count(text, 0, 86_400 * 3) == 0, "\(text)")
    }
    #expect(try count("10.9.9.9", 0, 86_400 * 4, .session) == 0)
    // Sessions are found by each of their ends, by when they were and not only by when they were logged.
    #expect(try count("10.0.0.7", 0, 86_400 * 4) == 41)
    let sessions = try count("93.184.7.7", 0, 86_400, .session)
    #expect(try sessions > 0 && count("93.184.7.7", 0, 86_400) == sessions)
    #expect(try count("02-00-00-00-00-07", 0, 86_400 * 4) == 41)
    #expect(try count("10.0.0.0", -55, -10) == 1)
    #expect(try count("nobody", 0, 86_400 * 4) == 0)
  }

  @Test("any bytes can be read as an index: none traps, and what is read is written back") func hostile() throws {
    var generator = Seeded(11)
    let archive = try large()
    try archive.blocks().catchUp()
    let file = try #require(try files(archive, "index").values.first)
    for _ in 0..<300 {
      var bytes = Array(file[32...].prefix(Int.random(in: 0...3_000, using: &generator)))
      for _ in 0..<Int.random(in: 0...4, using: &generator) where !bytes.isEmpty {
        bytes[Int.random(in: bytes.indices, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      }
      #expect(BlockIndexCheck.fault(bytes.span) == nil)
    }
    for length in [UInt8(0), 55, 56, 57, 255] {
      #expect(BlockIndexCheck.fault(([length] + [UInt8](repeating: 255, count: 200)).span) == nil)
    }
  }

  @Test("a filter never loses a key, and rarely finds one that is not there") func filter() {
    var generator = Seeded(3)
    for count in [0, 1, 7, 100, 5_000] {
      let keys = (0..<count).map { _ in UInt64.random(in: .min ... .max, using: &generator) }
      let filter = BlockFilter.make(keys)
      let lost = keys.count { !BlockFilter.mayHold($0, filter.span) }
      #expect(lost == 0)
      let wrong = (0..<10_000).count { _ in BlockFilter.mayHold(.random(in: .min ... .max, using: &generator), filter.span) }
      #expect(wrong < 250, "\(count) keys: \(wrong) of 10,000")
    }
  }
}
