import Archive
import Glibc
import Record

@testable import Attribution

/// An archive folder with records and nothing else, and an index that follows it.
final class TestArchive {
  let path: String
  let folder: ArchiveFolder
  private var writer = RecordWriter()
  private var counts: [CalendarDay: Int] = [:]
  private var openDay: CalendarDay?
  /// The number of the first record in a day's tail.
  private var tails: [CalendarDay: Int] = [:]
  static let zone = Zone(named: "Europe/Istanbul") ?? .utc
  static let logID = String(repeating: "ab", count: 16)

  init() throws {
    var template = Array("/tmp/muhur-attribution-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else { throw ArchiveError("mkdtemp", "/tmp") }
    path = String(cString: made)
    folder = ArchiveFolder(path)
    mkdir(path + "/days", 0o700)
    let created = Timestamp(microseconds: 0)
    let log = LogIdentity(id: Self.logID, name: "test", timezone: "Europe/Istanbul", created: created)
    let fd = open("\(path)/\(Layout.log)", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    guard fd >= 0 else { throw ArchiveError("open", path) }
    defer { close(fd) }
    let bytes = log.fileBytes
    guard bytes.withUnsafeBytes({ write(fd, $0.baseAddress, $0.count) }) == bytes.count else { throw ArchiveError("write", path) }
  }

  deinit {
    guard let list = opendir(path + "/days") else { return }
    var days: [String] = []
    while let entry = readdir(list) {
      days.append(withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
    }
    closedir(list)
    for day in days where day != "." && day != ".." {
      for entry in (try? folderEntries("\(path)/days/\(day)")) ?? [] { unlink("\(path)/days/\(day)/\(entry.name)") }
      rmdir("\(path)/days/\(day)")
    }
    for name in ["index", "rebuilt"] {
      Index.discard(Index.path(in: path + "/" + name))
      for entry in (try? folderEntries("\(path)/\(name)/blocks")) ?? [] { unlink("\(path)/\(name)/blocks/\(entry.name)") }
      rmdir("\(path)/\(name)/blocks")
      rmdir(path + "/" + name)
    }
    unlink(path + "/" + Layout.log)
    rmdir(path + "/days")
    rmdir(path)
  }

  /// Appends lines (each with its LF) to the day of the first, as the writer would.
  func append(_ lines: [UInt8], at time: Timestamp) throws {
    let day = max(openDay ?? time.localDay, time.localDay)
    openDay = day
    try append(lines, to: day)
  }

  private func append(_ lines: [UInt8], to day: CalendarDay) throws {
    mkdir("\(path)/days/\(day)", 0o700)
    let fd = open("\(path)/days/\(day)/\(Layout.tail(first: tails[day] ?? 0))", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    guard fd >= 0 else { throw ArchiveError("open", path) }
    defer { close(fd) }
    var done = 0
    while done < lines.count {
      let n = lines.withUnsafeBytes { write(fd, $0.baseAddress! + done, $0.count - done) }
      guard n > 0 else { throw ArchiveError("write", path) }
      done += n
    }
  }

  /// Moves whole blocks of a day from its tail into its .gz, as the keeper does; all of it where the day is closed.
  func pack(_ day: CalendarDay, closing: Bool = false) throws {
    var lines: [[UInt8]] = []
    let first = tails[day] ?? 0
    try DayReader(folder.day(day), from: first).forEach { _, line in
      lines.append(line.array)
      return true
    }
    let gz = "\(path)/days/\(day)/\(Layout.records)"
    let fd = open(gz, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    guard fd >= 0 else { throw ArchiveError("open", gz) }
    defer { close(fd) }
    var offset = Int(lseek(fd, 0, SEEK_END))
    let writer = BlockWriter()
    var done = 0
    while lines.count - done >= Block.records || closing && done < lines.count {
      writer.begin(fd, at: offset, path: gz)
      for line in lines[done..<min(done + Block.records, lines.count)] { try writer.append(line.span) }
      done += writer.records
      offset += try writer.finish()
    }
    tails[day] = first + done
    if done < lines.count, done > 0 { try append(Array(lines[done...].joined(separator: [0x0a])) + [0x0a], to: day) }
    if done > 0 { unlink("\(path)/days/\(day)/\(Layout.tail(first: first))") }
  }

  func blocks(_ name: String = "index") -> BlockIndex { BlockIndex(in: path + "/" + name, for: folder, logID: Self.logID) }

  /// A record with one or several events.
  func record(
    _ time: Timestamp, via: Via = .udp, source: String? = nil, site: String? = nil, events: [JSONValue], raw: String? = "x"
  ) throws {
    try append(line(time, via: via, source: source, site: site, events: events, raw: raw), at: time)
  }

  /// A record's line, with its LF.
  func line(
    _ time: Timestamp, via: Via = .udp, source: String? = nil, site: String? = nil, events: [JSONValue], raw: String? = "x"
  ) -> [UInt8] {
    var line: [UInt8] = []
    writer.begin(
      &line, microseconds: time.microseconds, offsetMinutes: time.offsetMinutes,
      sender: RecordWriter.sender(via: via, source: source, site: site).span)
    if let raw { RecordWriter.raw(&line, utf8: Array(raw.utf8).span) }
    line.append(",\"events\":")
    JSONValue.array(events).write(into: &line)
    line.append("}\n")
    return line
  }

  func index(_ name: String = "index") throws -> Index { try Index.opened(in: path + "/" + name, for: folder) }

  /// Follows the archive from where the index stands.
  @discardableResult func follow(_ index: Index) throws -> Int { try IndexFollower(index, of: folder).catchUp() }

  func questions(_ indexes: Index..., now: Timestamp, live: Bool = true) -> Questions {
    Questions(
      indexes, blocks: indexes.isEmpty ? [] : [blocks()], zone: Self.zone,
      clock: now, isLive: live)
  }
}
