import Archive
import Dialects
import Glibc
import Record
import Testing

@testable import Collector

/// A folder of files that are written, rotated and read, and the records that came of it.
final class FileWorld {
  let folder: String
  /// What was read: the archive's records, as far as positions need them.
  var records: [(path: String, entry: [UInt8], at: Int, length: Int)] = []
  var following: Following
  var clock: Int64 = 0
  private let pattern: String
  private let format: FileFormat?

  init(_ pattern: String, format: FileFormat? = .syslog) throws {
    var template = Array("/tmp/muhur-follow-XXXXXX\0".utf8.map { CChar(bitPattern: $0) })
    guard mkdtemp(&template) != nil else { throw ArchiveError("mkdtemp", "/tmp") }
    folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    self.pattern = folder + "/" + pattern
    self.format = format
    following = Following(self.pattern, format: format, history: FileHistory())
    restart()
  }

  deinit {
    for path in Following.matches(folder + "/*") { unlink(path) }
    rmdir(folder)
  }

  func path(_ name: String) -> String { folder + "/" + name }

  /// As after kill -9: all that is known is what was recorded.
  func restart() {
    var history = FileHistory()
    for record in records {
      history.note(
        record.path, SHA256.hash(record.entry), record.entry, at: record.at, length: record.length,
        remembersEntry: Following.format(of: record.path, given: format)?.isRewritten == true)
    }
    following = Following(pattern, format: format, history: history, now: { [unowned self] in clock })
  }

  func poll(_ times: Int = 1) {
    for _ in 0..<times {
      clock += 500
      following.poll { file, entry, at, length in self.records.append((file.path, entry, at, length)) }
    }
  }

  func append(_ bytes: [UInt8], to file: CInt) throws { try Disk.write(file, bytes.span, path: folder) }
  func append(_ text: String, to name: String) throws {
    let file = open(path(name), O_WRONLY | O_CREAT | O_APPEND, 0o600)
    defer { close(file) }
    try append(Array(text.utf8), to: file)
  }

  func write(_ text: String, over name: String) throws {
    let file = open(path(name), O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    defer { close(file) }
    try append(Array(text.utf8), to: file)
  }

  var texts: [String] { records.map { String(decoding: $0.entry, as: UTF8.self) } }
}

/// Numbers that are the same in every run of a seed.
struct Dice: RandomNumberGenerator {
  var state: UInt64
  init(_ seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 | 1 }
  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state
  }
}

@Suite struct FollowingTests {
  @Test("a line is recorded once it has ended, with its place in the file")
  func lines() throws {
    let world = try FileWorld("log")
    try world.append("one\ntw", to: "log")
    world.poll(2)
    #expect(world.texts == ["one"])
    try world.append("o\r\n\n\r\nthree\n", to: "log")
    world.poll()
    #expect(world.texts == ["one", "two\r", "three"])
    #expect(world.records.map(\.at) == [0, 4, 12])
    world.restart()
    world.poll()
    try world.append("four\n", to: "log")
    world.poll()
    #expect(world.texts == ["one", "two\r", "three", "four"])
  }

  @Test("a rotated file is read to its end, also what is written after it lost its name", arguments: ["log", "log*"])
  func rotation(_ pattern: String) throws {
    let world = try FileWorld(pattern)
    let old = open(world.path("log"), O_WRONLY | O_CREAT | O_APPEND, 0o600)
    defer { close(old) }
    try world.append(Array("1\n2\n".utf8), to: old)
    world.poll()
    try world.append(Array("3\n".utf8), to: old)
    rename(world.path("log"), world.path("log.1"))
    try world.append("5\n", to: "log")
    world.poll(8)
    try world.append(Array("4\nunended".utf8), to: old)
    world.poll(8)
    #expect(Set(world.texts) == ["1", "2", "3", "4", "5"])
    #expect(world.texts.count == 5)
    guard pattern == "log" else { return }
    world.clock += Following.graceMilliseconds
    world.poll(2)
    #expect(world.texts.last == "unended")
  }

  @Test("what was rotated while nobody looked is read first", arguments: ["log", "log*"])
  func missedRotations(_ pattern: String) throws {
    let world = try FileWorld(pattern)
    try world.append("1\n2\n", to: "log")
    world.poll()
    try world.append("3\n", to: "log")
    for (text, time) in [("4\n", 100), ("5\n", 200)] {
      rename(world.path("log.1"), world.path("log.2"))
      rename(world.path("log"), world.path("log.1"))
      try world.append(text, to: "log")
      var times = [timespec(tv_sec: time, tv_nsec: 0), timespec(tv_sec: time, tv_nsec: 0)]
      utimensat(AT_FDCWD, world.path("log"), &times, 0)
    }
    var times = [timespec(tv_sec: 50, tv_nsec: 0), timespec(tv_sec: 50, tv_nsec: 0)]
    utimensat(AT_FDCWD, world.path("log.2"), &times, 0)
    world.restart()
    world.poll(5)
    #expect(world.texts == ["1", "2", "3", "4", "5"])
    world.restart()
    world.poll(5)
    #expect(world.texts.count == 5)
  }

  @Test("a file that is copied and cut off loses nothing", arguments: ["log", "log*"])
  func copyTruncate(_ pattern: String) throws {
    let world = try FileWorld(pattern)
    try world.append("1\n2\n", to: "log")
    world.poll()
    try world.append("3\n", to: "log")
    try world.write("1\n2\n3\n", over: "log.1")
    truncate(world.path("log"), 0)
    world.poll(5)
    try world.append("4\n", to: "log")
    world.poll(5)
    #expect(world.texts.sorted() == ["1", "2", "3", "4"])
  }

  @Test("a log that is overwritten every week is read anew, also where it has grown beyond its old length")
  func overwritten() throws {
    let world = try FileWorld("DhcpSrvLog-*.log")
    let head = "\t\tMicrosoft DHCP Service Activity Log\r\n\r\n\r\nEvent ID  Meaning\r\n"
    try world.append(head + "00,11/16/26,00:00:03,Started,,,\r\n", to: "DhcpSrvLog-Mon.log")
    world.poll(2)
    #expect(world.texts.count == 3)
    try world.write(head + "00,11/23/26,00:00:03,Started,,,\r\n10,11/23/26,00:00:05,Assign,,,\r\n", over: "DhcpSrvLog-Mon.log")
    world.poll(2)
    #expect(world.texts.count == 7)
    #expect(world.texts.last == "10,11/23/26,00:00:05,Assign,,,\r")
    world.restart()
    try world.write(head + "00,11/30/26,00:00:03,Started,,,\r\n10,11/30/26,00:00:05,Assign,,,\r\n", over: "DhcpSrvLog-Mon.log")
    world.poll(2)
    // That nothing but the title was read of it is possible, and the title is the same.
    #expect(world.texts.suffix(2) == ["00,11/30/26,00:00:03,Started,,,\r", "10,11/30/26,00:00:05,Assign,,,\r"])
    #expect(world.texts.count >= 10)
  }

  @Test("a file written anew gives only what is new in it", arguments: [false, true], [nil, .dnsmasqLeases] as [FileFormat?])
  func rewritten(_ restarts: Bool, _ format: FileFormat?) throws {
    let world = try FileWorld("dnsmasq.leases", format: format)
    let lines = (0..<5).map { "17954868\(90 + $0) 52:54:00:61:04:2\($0) 10.61.4.3\($0) pc\($0) *" }
    try world.write(lines[0] + "\n" + lines[1] + "\n", over: "dnsmasq.leases")
    world.poll(4)
    #expect(world.texts == Array(lines[0..<2]))
    if restarts { world.restart() }
    // In place, with the same length, in the middle.
    try world.write(lines[2] + "\n" + lines[1] + "\n", over: "dnsmasq.leases")
    world.poll(4)
    #expect(world.texts == Array(lines[0..<3]))
    if restarts { world.restart() }
    try world.write(lines[1] + "\n", over: "dnsmasq.leases")
    world.poll(4)
    try world.write(lines[1] + "\n" + lines[0] + "\n" + lines[3] + "\n", over: "dnsmasq.leases")
    world.poll(4)
    // A lease that had gone and came back the same is new again only to who has not forgotten it.
    #expect(world.texts.filter { $0 == lines[3] }.count == 1 && world.texts.filter { $0 == lines[1] }.count == 1)
  }

  @Test(
    "a new lease file that takes the old one's name gives only what is new in it", arguments: [false, true],
    [nil, .iscLeases] as [FileFormat?])
  func replaced(_ restarts: Bool, _ format: FileFormat?) throws {
    let world = try FileWorld("dhcpd.leases", format: format)
    func lease(_ n: Int) -> String { "lease 10.0.0.\(n) {\n  binding state active;\n}\n" }
    try world.append("# head\n" + lease(1) + lease(2) + "lease 10.0.0.3 {\n  binding", to: "dhcpd.leases")
    world.poll()
    #expect(world.texts.count == 3)
    try world.append(" state active;\n}\n", to: "dhcpd.leases")
    world.poll()
    #expect(world.texts.count == 4)
    if restarts { world.restart() }
    try world.write("# head\n" + lease(2) + lease(3) + lease(4), over: "dhcpd.leases.1795")
    rename(world.path("dhcpd.leases.1795"), world.path("dhcpd.leases"))
    world.poll(2)
    try world.append(lease(5), to: "dhcpd.leases")
    world.poll()
    #expect(world.texts.count == 6)
    #expect(world.texts.last?.contains("10.0.0.5") == true)
  }

  @Test("UTF-16 with its byte order mark is cut into lines by whole characters, wherever it is cut")
  func wide() throws {
    let text = "ID,Date\r\n10,İ\u{10a}\u{a00}\r\n"
    let bytes: [UInt8] = [0xff, 0xfe] + Array(text.utf16).flatMap { [UInt8(truncatingIfNeeded: $0), UInt8(truncatingIfNeeded: $0 >> 8)] }
    for cut in 0...bytes.count {
      let world = try FileWorld("log", format: .windowsDHCP)
      let file = open(world.path("log"), O_WRONLY | O_CREAT, 0o600)
      try world.append(Array(bytes[..<cut]), to: file)
      world.poll()
      if cut.isMultiple(of: 2) { world.restart() }
      try world.append(Array(bytes[cut...]), to: file)
      close(file)
      world.poll(2)
      #expect(world.records.map(\.length) == [18, 14], "cut at \(cut)")
    }
  }

  @Test("zeros where text is still to come are waited for")
  func holes() throws {
    let world = try FileWorld("log")
    let file = open(world.path("log"), O_RDWR | O_CREAT, 0o600)
    defer { close(file) }
    try world.append(Array("1\n2".utf8) + [0, 0, 0, 0, 0], to: file)
    world.poll(2)
    #expect(world.texts == ["1"])
    try Disk.write(file, Array("23\n4\n".utf8).span, at: 3, path: world.folder)
    world.poll(2)
    #expect(world.texts == ["1", "223", "4"])
  }

  @Test("what cannot be read is said, and read once it can")
  func unreadable() throws {
    let world = try FileWorld("log")
    world.poll()
    #expect(world.following.troubles.count == 1)
    mkdir(world.path("log"), 0o700)
    world.poll()
    #expect(world.following.troubles.first?.value.contains("no file") == true)
    rmdir(world.path("log"))
    try world.append("1\n", to: "log")
    world.poll()
    #expect(world.following.troubles.isEmpty && world.texts == ["1"])
  }

  /// Whatever is done to a file between looks: every line that was ever whole is recorded, once.
  @Test("no line is lost or repeated, whatever becomes of the file", arguments: 1...40, ["log", "log*"])
  func anything(_ seed: Int, _ pattern: String) throws {
    let world = try FileWorld(pattern)
    var dice = Dice(UInt64(seed))
    var written: [String] = []
    var file = open(world.path("log"), O_WRONLY | O_CREAT | O_APPEND, 0o600)
    var rest: [UInt8] = []
    /// Writes some of what waits: lines are cut anywhere.
    func some(_ dice: inout Dice) throws {
      if rest.isEmpty {
        for _ in 0..<Int.random(in: 1...4, using: &dice) {
          let line = "line \(written.count) " + String(repeating: "x", count: Int.random(in: 0...300, using: &dice))
          written.append(line)
          rest += Array(line.utf8) + [0x0a]
        }
      }
      let count = Int.random(in: 1...rest.count, using: &dice)
      try world.append(Array(rest[..<count]), to: file)
      rest.removeFirst(count)
    }
    func all() throws {
      try world.append(rest, to: file)
      rest = []
    }
    // Of a file that nothing was read of nobody can know that it has been rotated.
    try some(&dice)
    try all()
    world.poll(2)
    for _ in 0..<60 {
      switch Int.random(in: 0..<12, using: &dice) {
      case 0...4: try some(&dice)
      case 5...7: world.poll(Int.random(in: 1...5, using: &dice))
      case 8: world.restart()
      case 9:
        // logrotate: programs write on for a moment, then into the new file.
        unlink(world.path("log.3"))
        for n in [2, 1] { rename(world.path("log.\(n)"), world.path("log.\(n + 1)")) }
        rename(world.path("log"), world.path("log.1"))
        if Bool.random(using: &dice) { world.poll() }
        try all()
        close(file)
        file = open(world.path("log"), O_WRONLY | O_CREAT | O_APPEND, 0o600)
        // Rotations are a day apart: nothing is rotated away that was never looked at.
        if Bool.random(using: &dice) { try some(&dice) }
        world.poll(5)
      case 10:
        // copytruncate, between two lines, of a file that something was read of.
        try some(&dice)
        try all()
        world.poll()
        try some(&dice)
        try all()
        unlink(world.path("log.3"))
        for n in [2, 1] { rename(world.path("log.\(n)"), world.path("log.\(n + 1)")) }
        let content = FileBytes.read(open(world.path("log"), O_RDONLY), 1 << 20, at: 0) ?? []
        let copy = open(world.path("log.1"), O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        try world.append(content, to: copy)
        close(copy)
        ftruncate(file, 0)
        world.poll(5)
      default: world.clock += Int64.random(in: 0...90_000, using: &dice)
      }
    }
    try all()
    world.poll(10)
    close(file)
    let texts = world.texts
    let (lost, repeated) = (Set(written).subtracting(texts), texts.count - Set(texts).count)
    #expect(lost.isEmpty && repeated == 0, "seed \(seed): \(lost.map { $0.prefix(9) }) lost, \(repeated) repeated")
  }
}
