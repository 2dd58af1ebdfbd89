import Glibc
import Record
import Testing

@testable import Archive

/// A log without a daemon around it: writer and keeper, driven by hand.
final class HandLog {
  let folder: ScratchFolder
  let archive: ArchiveFolder
  let queue = TailQueue()
  let tail: TailWriter
  var keeper: DayKeeper
  let notes: [RecoveryNote]

  static let day = CalendarDay("2026-11-23") ?? CalendarDay(number: 0)

  /// - Parameter sealed: what a seal is supposed to cover.
  init(_ folder: ScratchFolder, sealed: Int = 0) throws {
    self.folder = folder
    archive = ArchiveFolder(folder.path)
    try Disk.makeFolder(archive.path(Layout.days), orExisting: true)
    let recovered = try Recovery.recover(archive, Self.day, sealed: sealed)
    notes = recovered.notes
    tail = try TailWriter(archive, resuming: recovered, queue: queue)
    keeper = try DayKeeper(archive, Self.day)
  }

  static func line(_ number: Int) -> [UInt8] {
    let time = Timestamp(microseconds: 1_763_895_600_000_000 + Int64(number), offsetMinutes: 180)
    return Array("{\"time\":\"\(time)\",\"via\":\"udp\",\"raw\":\"record \(number)\"}".utf8)
  }

  /// Appends records up to this number, as the writer does: batches that end where a block ends.
  func write(upTo end: Int) throws {
    while tail.records < end {
      let count = min(tail.roomInBlock, end - tail.records, 300)
      var lines: [UInt8] = []
      for i in 0..<count { lines += Self.line(tail.records + i) + [0x0a] }
      try tail.append(lines.span, count: count)
    }
  }

  /// What the keeper's thread does at each tick.
  func keep() throws {
    for segment in queue.waiting {
      try keeper.take(segment, synced: segment.records)
      guard segment.isClosed else { continue }
      try keeper.sync()
      while let oldest = queue.waiting.first, keeper.holds(oldest) {
        try keeper.release(oldest)
        queue.removeFirst()
      }
    }
  }

  var dayFolder: DayFolder { archive.day(Self.day) }

  func records() throws -> [[UInt8]] {
    var found: [[UInt8]] = []
    try DayReader(dayFolder).forEach { _, line in
      found.append(line.array)
      return true
    }
    return found
  }

  /// Everything that is there is records 0, 1, 2 …, each once.
  func check(_ count: ClosedRange<Int>, _ where_: Comment? = nil, at location: SourceLocation = #_sourceLocation) throws {
    let found = try records()
    #expect(count.contains(found.count), where_, sourceLocation: location)
    for (i, line) in found.enumerated() where line != Self.line(i) {
      Issue.record("record \(i) is \(String(decoding: line, as: UTF8.self))", sourceLocation: location)
      break
    }
  }
}

@Suite struct TailWriterTests {
  @Test("records come back in order from tails, from blocks and from both", arguments: [1, 1023, 1024, 1025, 5000])
  func order(count: Int) throws {
    let log = try HandLog(ScratchFolder())
    try log.write(upTo: count / 2)
    try log.keep()
    try log.check(count / 2...count / 2)
    try log.write(upTo: count)
    try log.keep()
    try log.check(count...count)
    #expect(log.keeper.records == count)
  }

  @Test("a day that ends has its records in blocks alone, and the digest says what zcat says")
  func ends() throws {
    let log = try HandLog(ScratchFolder())
    try log.write(upTo: 2500)
    try log.tail.begin(HandLog.day.adding(days: 1))
    for segment in log.queue.waiting where segment.day == HandLog.day {
      try log.keeper.take(segment, synced: segment.records)
      try log.keeper.finish()
      try log.keeper.release(segment)
      log.queue.removeFirst()
    }
    try log.check(2500...2500)
    #expect(try log.dayFolder.tails().isEmpty)
    let text = try #require(zcat(log.dayFolder.path(Layout.records)))
    let state = log.keeper.digest.snapshot()
    #expect(state.bytes == text.count)
    #expect(state.sha256 == SHA256.hash(text))
  }

  @Test("a day without records is one empty member")
  func empty() throws {
    let log = try HandLog(ScratchFolder())
    try log.keeper.finish()
    #expect(zcat(log.dayFolder.path(Layout.records)) == [])
  }

  @Test("a failed write leaves nothing of its batch, and the next one is whole")
  func failedWrite() throws {
    let log = try HandLog(ScratchFolder())
    try log.write(upTo: 10)
    let path = log.dayFolder.path(Layout.tail(first: 0))
    // A limit on the file's size stops a write half-way, as a full disk does.
    let size = try RegularFile.bytes(path, limit: 1 << 20).count
    var old = rlimit()
    getrlimit(__rlimit_resource_t(1), &old)
    signal(SIGXFSZ, SIG_IGN)
    var limit = rlimit(rlim_cur: rlim_t(size + 100), rlim_max: old.rlim_max)
    setrlimit(__rlimit_resource_t(1), &limit)
    #expect(throws: ArchiveError.self) { try log.write(upTo: 20) }
    setrlimit(__rlimit_resource_t(1), &old)
    try log.check(10...10)
    #expect(try RegularFile.bytes(path, limit: 1 << 20).count == size)
    try log.write(upTo: 20)
    try log.check(20...20)
  }
}

@Suite(.serialized) struct RecoveryTests {
  /// Opens the log anew, as after a crash.
  private func reopen(_ log: HandLog, sealed: Int = 0) throws -> HandLog { try HandLog(log.folder, sealed: sealed) }

  private func append(_ bytes: [UInt8], to path: String) throws {
    let file = open(path, O_WRONLY | O_APPEND | O_CREAT, 0o600)
    defer { close(file) }
    try Disk.write(file, bytes, path: path)
  }

  @Test("a torn last line is cut off, kept in the note, and what follows is whole")
  func tornLine() throws {
    let log = try HandLog(ScratchFolder())
    try log.write(upTo: 1500)
    let torn = Array(HandLog.line(1500).prefix(30))
    try append(torn, to: log.dayFolder.path(Layout.tail(first: try #require(try log.dayFolder.tails().last))))
    let again = try reopen(log)
    #expect(again.notes.map(\.bytes) == [torn])
    try again.check(1500...1500)
    try again.write(upTo: 3000)
    try again.keep()
    try again.check(3000...3000)
  }

  @Test("a torn last member is cut off: its records are in a tail", arguments: [1, 10, 19, 25, 200])
  func tornMember(bytes: Int) throws {
    let log = try HandLog(ScratchFolder())
    try log.write(upTo: 2000)
    try log.keep()
    let path = log.dayFolder.path(Layout.records)
    let whole = try RegularFile.bytes(path, limit: 1 << 20)
    // The block that would have come next, as far as it got.
    try append(Array(whole.prefix(bytes)), to: path)
    let again = try reopen(log)
    #expect(again.notes.map(\.cut) == [bytes])
    try again.check(2000...2000)
    try again.write(upTo: 4000)
    try again.keep()
    try again.check(4000...4000)
    #expect(zcat(path).map { $0.filter { $0 == 0x0a }.count } == again.keeper.records - again.keeper.records % 1024)
  }

  @Test("tails that are in blocks already are unlinked")
  func overlap() throws {
    let log = try HandLog(ScratchFolder())
    try log.write(upTo: 1024)
    let path = log.dayFolder.path(Layout.tail(first: 0))
    let tail = try RegularFile.bytes(path, limit: 1 << 20)
    try log.keep()
    let again = try reopen(log)
    try append(tail, to: again.dayFolder.path(Layout.tail(first: 0)))
    let third = try reopen(again)
    try third.check(1024...1024)
    try third.write(upTo: 1100)
    try third.check(1100...1100)
  }

  @Test("a day that was being closed when the machine stopped goes on, with the short block back in a tail")
  func shortBlock() throws {
    let log = try HandLog(ScratchFolder())
    try log.write(upTo: 1500)
    for segment in log.queue.waiting {
      try log.keeper.take(segment, synced: segment.records)
      try Disk.remove(log.dayFolder.path(Layout.tail(first: segment.first)))
    }
    try log.keeper.finish()
    let again = try reopen(log)
    try again.check(1500...1500)
    try again.write(upTo: 2100)
    try again.keep()
    try again.check(2100...2100)
  }

  @Test("a missing tail is a loss that is told while nothing sealed is missing, and a refusal where something is")
  func missingTail() throws {
    let log = try HandLog(ScratchFolder())
    try log.write(upTo: 100)
    let tail = log.dayFolder.path(Layout.tail(first: 0))
    try Disk.rename(tail, log.dayFolder.path(Layout.tail(first: 50)))
    #expect { try reopen(log, sealed: 60) } throws: { error in
      (error as? ArchiveError)?.kind == .missing && "\(error)".contains("records 0 to 49")
    }
    #expect(try log.dayFolder.tails() == [50], "nothing was changed")
    let again = try reopen(log)
    #expect(again.notes.contains { $0.detail.contains("records 0 to 49 were in no file") })
    #expect(try again.records().count == 100)
  }

  @Test("records that a seal covers and that are not there are a refusal")
  func missingEnd() throws {
    let log = try HandLog(ScratchFolder())
    try log.write(upTo: 100)
    #expect { try reopen(log, sealed: 101) } throws: { error in (error as? ArchiveError)?.kind == .missing }
  }

  @Test("a full disk at any step of writing, packing and closing loses nothing that was appended, and doubles nothing")
  func fullDiskEverywhere() throws {
    var n = 0
    while true {
      let log = try HandLog(ScratchFolder())
      try log.write(upTo: 900)
      let failing = n
      let mine = log.folder.path
      let counter = Counter()
      Disk.setFault { _, path in path.hasPrefix(mine) && counter.next() == failing ? ENOSPC : nil }
      defer { Disk.setFault(nil) }
      var appended = 900
      var isStopped = false
      for end in [1500, 2048, 2600] where !isStopped {
        do {
          try log.write(upTo: end)
          try log.keep()
        } catch { isStopped = true }
        appended = log.tail.records
      }
      Disk.setFault(nil)
      // The daemon goes on in the same life …
      try log.check(appended...appended, "after failure \(n)")
      // … or is killed there.
      let again = try reopen(log)
      try again.check(appended...appended, "recovered after failure \(n)")
      try again.write(upTo: 3000)
      try again.keep()
      try again.check(3000...3000, "gone on after failure \(n)")
      if !isStopped, counter.value <= failing { return }
      n += 1
      try #require(n < 500)
    }
  }
}

private final class Counter: @unchecked Sendable {
  // Only touched under the lock of Disk's fault.
  private(set) var value = 0
  func next() -> Int {
    defer { value += 1 }
    return value
  }
}
