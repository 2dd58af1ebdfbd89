import Glibc
import Record
import TestSupport
import Testing

@testable import Archive
@testable import Attribution

/// Events of all kinds with whatever values their fields may have.
struct EventMaker {
  var generator: Seeded

  static let texts = [
    "", "pc-1", "PC-1", "Yazıcı", "İLHAN", "ilhan", "a\"b\\c", "tab\there", "\u{1}\u{0}", "4711", "/var/log/x", "é", "e\u{301}",
  ]

  mutating func pick<T>(_ from: [T]) -> T { from[Int.random(in: 0..<from.count, using: &generator)] }
  mutating func chance(_ n: Int) -> Bool { Int.random(in: 0..<n, using: &generator) == 0 }

  mutating func ip() -> IPAddress {
    switch Int.random(in: 0..<8, using: &generator) {
    case 0: IPAddress(v6: UInt128(0x2001_0db8) << 96 | UInt128(Int.random(in: 0..<50, using: &generator)))
    case 1: IPAddress(v6: UInt128(Int.random(in: 0..<2, using: &generator)))
    default: IPAddress(v4: 0x0a00_0000 | UInt32.random(in: 0..<40, using: &generator))
    }
  }

  mutating func time(near microseconds: Int64) -> Timestamp {
    let digits = Int.random(in: 0...6, using: &generator)
    var step: Int64 = 1
    for _ in digits..<6 { step *= 10 }
    let far: Int64 = chance(20) ? 400 * 365 * Timestamp.day : 7200 * Timestamp.second
    let time = microseconds + Int64.random(in: -far...far, using: &generator)
    return Timestamp(microseconds: time - time % step, offsetMinutes: pick([0, 180, -570, 840]), fractionDigits: digits)
  }

  mutating func set(_ field: EventField, near: Int64, _ events: inout EventList) {
    switch field.form {
    case .word:
      switch field {
      case .clock: events.set(field, word: chance(2) ? "device" : "collector")
      case .leaseFrom: events.set(field, word: chance(2) ? "configuration" : "message")
      case .basis: events.set(field, word: chance(2) ? "declared" : "seen")
      case .macSource: events.set(field, word: chance(2) ? "duid" : "chaddr")
      default: events.set(field, word: chance(2) ? "tcp" : "udp")
      }
    case .text: events.set(field, text: Array(pick(Self.texts).utf8).span)
    case .ip: events.set(field, ip())
    case .prefix: events.set(field, IPPrefix(text: Array("2001:db8:\(Int.random(in: 0..<9, using: &generator))::/48".utf8).span)!)
    case .mac: events.set(field, MACAddress(value: UInt64.random(in: 0..<9, using: &generator)))
    case .hex: events.set(field, hex: [1, UInt8.random(in: 0..<4, using: &generator)].span)
    case .integer: events.set(field, pick([0, 1, 80, 443, 1024, 3600, 65_535, 65_536, -1, 1 << 40, .max, .min + 1]))
    case .time: events.set(field, time(near: near))
    case .list: events.set(field, list: [10, 20])
    }
  }

  static let session: [EventField] = [
    .proto, .srcIP, .srcPort, .natIP, .natPort, .dstIP, .dstPort, .user, .mac, .sessionID, .start, .end, .duration, .bytesOut, .time,
  ]

  mutating func add(_ kind: EventKind, near: Int64, to events: inout EventList) {
    switch kind.actions.isEmpty || chance(9) ? nil : pick(kind.actions) {
    case "assign"?: events.begin(kind, action: "assign")
    case "renew"?: events.begin(kind, action: "renew")
    case "release"?: events.begin(kind, action: "release")
    case "expire"?: events.begin(kind, action: "expire")
    case "decline"?: events.begin(kind, action: "decline")
    case "nak"?: events.begin(kind, action: "nak")
    case "open"?: events.begin(kind, action: "open")
    case "update"?: events.begin(kind, action: "update")
    case "close"?: events.begin(kind, action: "close")
    case "deny"?: events.begin(kind, action: "deny")
    case "allocate"?: events.begin(kind, action: "allocate")
    case "free"?: events.begin(kind, action: "free")
    case "start"?: events.begin(kind, action: "start")
    case "stop"?: events.begin(kind, action: "stop")
    default: events.begin(kind)
    }
    if kind == .session, !chance(4) {
      for field in Self.session where !chance(3) { set(field, near: near, &events) }
    } else {
      let usual = chance(2) ? 2 : 6
      let unusual: [EventField] = chance(3) ? [] : [.prefix, .srcIP, .natIP, .dstIP]
      for field in EventField.allCases
      where field != .kind && field != .action && field != .what && !unusual.contains(field) && chance(usual) {
        set(field, near: near, &events)
      }
    }
    if kind == .notice { events.set(.what, word: "dropped") }
    if chance(12) {
      // No decoder does so, and nothing may rest on it.
      events.set(pick([.srcIP, .srcPort, .user, .time, .mac]), text: Array("10.0.0.7".utf8).span)
    }
    if chance(3) { events.setWhereAbsent(event: events.count - 1, .duration, 60) }
  }

  mutating func events(near: Int64, into events: inout EventList) {
    events.removeAll()
    guard !chance(4) else { return }
    for _ in 0..<pick([1, 1, 1, 1, 2, 3]) {
      add(chance(2) ? .session : pick(EventKind.allCases), near: near, to: &events)
    }
  }
}

/// Makes records as the daemon's writer does, with what it gathers beside them.
struct FeedingWriter {
  struct Sender {
    var fed: RecordFeed.Sender
    var members: [UInt8]

    init(_ via: Via, _ source: String?, _ site: String?) {
      members = RecordWriter.sender(via: via, source: source, site: site, from: "10.1.1.1:514")
      fed = RecordFeed.Sender(via: via, source: source, site: site, members: members)
    }
  }

  var gathering: RecordGathering
  var record = RecordWriter()
  var lines: [UInt8] = []
  var count = 0

  init(_ feed: RecordFeed) { gathering = RecordGathering(for: feed) }

  mutating func add(_ time: Timestamp, _ sender: Sender, _ events: borrowing EventList) {
    let start = lines.count
    record.begin(&lines, microseconds: time.microseconds, offsetMinutes: time.offsetMinutes, sender: sender.members.span)
    RecordWriter.position(&lines, at: 17, cut: .some(nil))
    RecordWriter.raw(&lines, utf8: Array("a \"message\" with ,\"events\":[ in it".utf8).span)
    gathering.end(&lines, from: start, microseconds: time.microseconds, sender: sender.fed, events: events)
    count += 1
  }

  mutating func notice(_ time: Timestamp, _ what: String, _ members: [JSONMember] = []) {
    var line: [UInt8] = []
    record.notice(&line, microseconds: time.microseconds, offsetMinutes: time.offsetMinutes, what: what, members: members)
    lines += line
    gathering.add(notice: line.span)
    count += 1
  }
}

@Suite("What the writer hands to the index") struct RecordFeedTests {
  static let senders = Via.allCases.filter { $0 != .internal }.flatMap { via in
    [(nil, nil), ("fw", nil), ("fw", "okul"), (nil, "okul"), ("Ağ \"1\"\\", "default")].map { FeedingWriter.Sender(via, $0.0, $0.1) }
  }

  let begin: Timestamp
  init() throws { begin = try Scenario.time("10:00:00") }

  func at(_ seconds: Double) -> Timestamp {
    Timestamp(microseconds: begin.microseconds + Int64(seconds * 1e6), offsetMinutes: 180)
  }

  func take(_ feed: RecordFeed, at place: RecordPosition) -> FedRecords? {
    guard case .records(let fed) = feed.next(at: place) else { return nil }
    return fed
  }

  /// A feed that somebody comes for, with its writer, at the beginning of a day.
  func opened() -> (RecordFeed, FeedingWriter, RecordPosition) {
    let feed = RecordFeed()
    var writer = FeedingWriter(feed)
    let place = RecordPosition(day: begin.localDay, record: 0)
    _ = feed.next(at: place)
    writer.gathering.written(0, day: place.day, end: 0)
    return (feed, writer, place)
  }

  @Test("a record gives the same keys and times as its line does", arguments: 1...20 as ClosedRange<UInt64>)
  func keys(seed: UInt64) throws {
    var maker = EventMaker(generator: Seeded(seed))
    var events = EventList()
    var plain = 0
    var sessions = 0
    var facts = 0
    for i in 0..<300 {
      let (feed, _, place) = opened()
      var writer = FeedingWriter(feed)
      writer.gathering.written(0, day: place.day, end: 0)
      let time = at(Double(i))
      maker.events(near: time.microseconds, into: &events)
      writer.add(time, maker.pick(Self.senders), events)
      writer.gathering.written(1, day: place.day, end: 1)
      let fed = try #require(take(feed, at: place))
      let line = writer.lines.span.extracting(0..<writer.lines.count - 1)
      var read = BlockSummary()
      read.add(line)
      var given = BlockSummary()
      for part in fed.parts {
        switch part.content {
        case .event(let event):
          facts += 1
          given.add(EventReading(event, of: fed), of: RecordReading(time: event.received, sender: fed.senders[event.sender]))
        case .line(let range, _):
          given.addEvents(of: try RecordReading(fed.text.span.extracting(range)))
        }
      }
      given.add(fed)
      given.removeRepeated()
      read.removeRepeated()
      let text = String(decoding: writer.lines, as: UTF8.self)
      #expect(given.keys.sorted() == read.keys.sorted(), "seed \(seed): \(text)")
      #expect(given.received == read.received && given.happened == read.happened && given.records == 1, "seed \(seed): \(text)")
      // What SQLite needs is in a part.
      let matters = RecordReading.hasEvents(line) ? try RecordReading(line).matters : false
      #expect(!matters || !fed.parts.isEmpty, "seed \(seed): \(text)")
      if !events.isEmpty, (0..<events.count).allSatisfy({ events.equals(event: $0, .kind, "session") }) {
        sessions += 1
        if fed.parts.isEmpty { plain += 1 }
      }
    }
    #expect(sessions > 30 && plain > sessions / 8, "\(plain) of \(sessions) sessions were plain")
    #expect(facts > 20, "\(facts) events came with their fields")
  }

  @Test("sessions as devices write them are plain, leases and logins come with their fields; only the rest comes as a line")
  func plain() throws {
    func part(_ kind: EventKind, _ action: StaticString, _ set: (inout EventList) -> Void = { _ in }) throws -> FedRecords.Content? {
      var (feed, writer, place) = opened()
      var events = EventList()
      events.begin(kind, action: action)
      if kind == .session {
        events.set(.srcIP, IPAddress(v4: 0x0a00_0001))
        events.set(.srcPort, 1024)
      }
      set(&events)
      writer.add(begin, Self.senders[1], events)
      writer.gathering.written(1, day: place.day, end: 1)
      return try #require(take(feed, at: place)).parts.first?.content
    }
    func isPlain(_ kind: EventKind, _ action: StaticString, _ set: (inout EventList) -> Void = { _ in }) throws -> Bool {
      try part(kind, action, set) == nil
    }
    func isLine(_ kind: EventKind, _ action: StaticString, _ set: (inout EventList) -> Void = { _ in }) throws -> Bool {
      if case .line? = try part(kind, action, set) { true } else { false }
    }
    #expect(try isPlain(.session, "open"))
    #expect(try isPlain(.session, "close") { $0.set(.natIP, IPAddress(v4: 1)) })
    #expect(try isPlain(.session, "deny") { $0.set(.user, text: Array("Ali".utf8).span) })
    #expect(try isPlain(.session, "open") { $0.set(.sessionID, text: Array("4711".utf8).span) })
    #expect(try !isPlain(.session, "allocate"))
    #expect(try !isPlain(.session, "open") { $0.set(.natPortLast, 2000) })
    #expect(try !isPlain(.session, "open") { $0.set(.user, text: Array("İlhan".utf8).span) })
    #expect(try !isPlain(.lease, "assign"))
    #expect(try !isPlain(.login, "start"))
    #expect(try isLine(.session, "allocate"))
    #expect(try isLine(.lease, "assign") { $0.set(.natIP, IPAddress(v4: 1)) })
    #expect(try !isLine(.lease, "assign"))
    #expect(try !isLine(.lease, "assign") { $0.set(.relay, IPAddress(v4: 1)) })
    #expect(try isLine(.lease, "assign") { $0.set(.relay, text: Array("here".utf8).span) })
    #expect(try isLine(.lease, "assign") { $0.set(.leaseSeconds, .max) })
    #expect(try isLine(.lease, "assign") { $0.set(.prefix, IPPrefix(IPAddress(v4: 1))) })
    #expect(try isLine(.notice, "assign"))
  }

  @Test("what nobody comes for does not fill the memory, and the writer gathers no more until somebody comes") func bounded() throws {
    var (feed, writer, place) = opened()
    var events = EventList()
    events.begin(.lease, action: "assign")
    events.set(.hostname, text: [UInt8](repeating: 0x61, count: 4000).span)
    var n = 0
    while feed.isOpen, n < 100_000 {
      for _ in 0..<256 { writer.add(begin, Self.senders[0], events) }
      n += 256
      writer.lines.removeAll()
      writer.gathering.written(256, day: place.day, end: n)
    }
    #expect(feed.isPressed)
    #expect(n < 4_096, "\(n) records of 4 KB wait")
    let dropped = feed.dropped.load(ordering: .relaxed)
    #expect(dropped > 0)
    writer.add(begin, Self.senders[0], events)
    writer.gathering.written(1, day: place.day, end: n + 1)
    var at = place
    while let fed = take(feed, at: at) { at = fed.end }
    #expect(at.record == n - dropped)
    guard case .disk(until: nil) = feed.next(at: at) else { throw IndexError(.system, "", "the rest is on the disk alone") }
    #expect(!feed.isPressed)
  }

  @Test("records that follow each other are one piece, up to a block's end; what begins elsewhere is not taken") func places() throws {
    var (feed, writer, place) = opened()
    var n = 0
    func write(_ count: Int) {
      for _ in 0..<count { writer.add(begin, Self.senders[0], EventList()) }
      n += count
      writer.gathering.written(count, day: place.day, end: n)
    }
    write(1000)
    write(24)
    write(10)
    // An import.
    writer.gathering.written(50, day: place.day, end: n + 50)
    n += 50
    write(6)
    let first = try #require(take(feed, at: place))
    #expect(first.count == 1024)
    feed.giveBack(first)
    #expect(try #require(take(feed, at: first.end)).count == 10)
    guard case .disk(until: 1084) = feed.next(at: RecordPosition(day: place.day, record: 1034)) else { throw Problem() }
    guard case .disk(until: 1090) = feed.next(at: RecordPosition(day: place.day, record: 1086)) else { throw Problem() }
    guard case .upToDate = feed.next(at: RecordPosition(day: place.day, record: 1090)) else { throw Problem() }
    writer.add(begin, Self.senders[0], EventList())
    writer.gathering.forget()
    writer.gathering.written(0, day: place.day.adding(days: 1), end: 0)
    guard case .disk(until: nil) = feed.next(at: RecordPosition(day: place.day, record: 1090)) else { throw Problem() }
  }

  private struct Problem: Error {}

  @Test("rows may wait to be written together; nobody else waits for them, and whoever asks for all gets them") func lazy() throws {
    let archive = try TestArchive()
    let index = try archive.index()
    let follower = IndexFollower(index, of: archive.folder)
    func observations() throws -> Int {
      let reader = try Index(reading: index.path, logID: TestArchive.logID)
      return try contents(reader).count { $0.hasPrefix("|" + Hex.text(Array("observation".utf8))) }
    }
    func record(_ seconds: Double, _ ip: String) throws {
      let event: JSONValue = [
        "kind": "lease", "action": "assign", "ip": .string(ip), "mac": .string(Scenario.mac("A")), "lease_seconds": 60,
      ]
      try archive.record(at(seconds), events: [event])
    }
    try record(1, "10.0.0.1")
    try follower.catchUp(isLazy: true)
    #expect(try observations() == 1, "an address that is new has begun a transaction")
    try record(2, "10.0.0.1")
    #expect(try follower.catchUp(isLazy: true) == 1)
    #expect(try observations() == 1)
    let other = try Database(index.path, writable: true)
    try other.run("BEGIN IMMEDIATE; ROLLBACK")
    #expect(try follower.catchUp() == 0)
    #expect(try observations() == 2)
    #expect(index.next.record == 2)
  }

  @Test(
    "however records come, from the feed or from the disk, the index and the files of blocks are those that are built from the archive",
    arguments: 1...8 as ClosedRange<UInt64>)
  func equal(seed: UInt64) throws {
    var maker = EventMaker(generator: Seeded(seed))
    let archive = try TestArchive()
    let feed = RecordFeed()
    let gathered = GatheredBlocks()
    var index = try archive.index()
    var follower = IndexFollower(index, of: archive.folder, gathered: gathered, feed: feed)
    func makeBlocks() -> BlockIndex {
      BlockIndex(in: archive.path + "/index", for: archive.folder, logID: TestArchive.logID, gathered: gathered)
    }
    var blocks = makeBlocks()
    var writer = FeedingWriter(feed)
    var events = EventList()
    var day = begin.localDay
    var records = 0
    var time = begin
    var all = 0

    func flush(isTold: Bool = false) throws {
      let (lines, count) = (writer.lines, writer.count)
      writer.lines.removeAll()
      writer.count = 0
      guard count > 0 else { return }
      let fate = isTold ? 9 : Int.random(in: 0..<30, using: &maker.generator)
      // A full disk.
      if fate == 0 { return writer.gathering.forget() }
      // Written by somebody who gathers nothing, and perhaps says nothing.
      if fate <= 2 { writer.gathering.forget() }
      try archive.append(lines, at: time)
      records += count
      all += count
      if fate != 2 { writer.gathering.written(count, day: day, end: records) }
    }

    while all < 6_000 {
      let count = min(maker.pick([1, 3, 40, 700, 1_024]), Block.records - records % Block.records)
      for _ in 0..<count {
        time.microseconds += Int64.random(in: 0..<9 * Timestamp.second, using: &maker.generator)
        if maker.chance(100) {
          writer.notice(time, maker.pick(["started", "stopped", "dropped", "configuration-changed"]), [.init("binding_timeout", "10m")])
        } else {
          maker.events(near: time.microseconds, into: &events)
          writer.add(time, maker.pick(Self.senders), events)
        }
        // A day begins with its first record.
        if time.localDay > day { break }
      }
      if time.localDay > day {
        writer.lines.removeAll()
        writer.count = 0
        writer.gathering.forget()
        let old = day
        day = time.localDay
        records = 0
        writer.gathering.written(0, day: day, end: 0)
        maker.events(near: time.microseconds, into: &events)
        writer.add(time, Self.senders[0], events)
        try flush(isTold: true)
        try archive.pack(old, closing: true)
      }
      try flush()
      if maker.chance(3) { try archive.pack(day) }
      if maker.chance(2) { try follower.catchUp(records: maker.pick([1, 500, .max]), isLazy: maker.chance(2)) }
      if maker.chance(4) { try blocks.catchUp(isBusy: maker.chance(2)) }
      // What waited is gone.
      if maker.chance(12) { _ = feed.next(at: RecordPosition(day: day.adding(days: 1), record: 0)) }
      // The program ends and starts again, or another index takes this one's place.
      if maker.chance(25) {
        index = try archive.index()
        follower = IndexFollower(index, of: archive.folder, gathered: gathered, feed: feed)
      }
      if maker.chance(25) { blocks = makeBlocks() }
    }
    writer.notice(time, "stopped")
    try flush(isTold: true)
    while try follower.catchUp() > 0 {}
    if records >= Block.records { try archive.pack(day) }
    try blocks.catchUp()
    let live = try contents(index)
    let rebuilt = try contents(try Index.rebuilt(in: archive.path + "/rebuilt", for: archive.folder))
    #expect(live == rebuilt, "seed \(seed): \(zip(live, rebuilt).first { $0 != $1 } ?? ("\(live.count)", "\(rebuilt.count)"))")
    try archive.blocks("rebuilt").catchUp()
    func files(_ name: String) throws -> [String: [UInt8]] {
      var found: [String: [UInt8]] = [:]
      let folder = "\(archive.path)/\(name)/blocks"
      for entry in try folderEntries(folder) ?? [] { found[entry.name] = try RegularFile.bytes(folder + "/" + entry.name, limit: 1 << 24) }
      return found
    }
    #expect(try files("index") == files("rebuilt"), "seed \(seed)")
    #expect(try !files("index").isEmpty)
    let taken = feed.taken.load(ordering: .relaxed)
    #expect(taken > 1_000 && taken < all, "seed \(seed): \(taken) of \(all) records came from the feed")
  }
}
