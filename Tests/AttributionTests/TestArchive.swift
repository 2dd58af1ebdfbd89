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
      unlink("\(path)/days/\(day)/\(Layout.tail(first: 0))")
      rmdir("\(path)/days/\(day)")
    }
    for name in ["index", "rebuilt"] {
      Index.discard(Index.path(in: path + "/" + name))
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
    mkdir("\(path)/days/\(day)", 0o700)
    let fd = open("\(path)/days/\(day)/\(Layout.tail(first: 0))", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    guard fd >= 0 else { throw ArchiveError("open", path) }
    defer { close(fd) }
    var done = 0
    while done < lines.count {
      let n = lines.withUnsafeBytes { write(fd, $0.baseAddress! + done, $0.count - done) }
      guard n > 0 else { throw ArchiveError("write", path) }
      done += n
    }
  }

  /// A record with one or several events.
  func record(
    _ time: Timestamp, via: Via = .udp, source: String? = nil, site: String? = nil, events: [JSONValue], raw: String? = "x"
  ) throws {
    var line: [UInt8] = []
    writer.begin(
      &line, microseconds: time.microseconds, offsetMinutes: time.offsetMinutes,
      sender: RecordWriter.sender(via: via, source: source, site: site).span)
    if let raw { RecordWriter.raw(&line, utf8: Array(raw.utf8).span) }
    line.append(",\"events\":")
    JSONValue.array(events).write(into: &line)
    line.append("}\n")
    try append(line, at: time)
  }

  func index(_ name: String = "index") throws -> Index { try Index.opened(in: path + "/" + name, for: folder) }

  /// Follows the archive from where the index stands.
  @discardableResult func follow(_ index: Index) throws -> Int { try IndexFollower(index, of: folder).catchUp() }

  func questions(_ indexes: Index..., now: Timestamp, live: Bool = true) -> Questions {
    Questions(
      indexes, blocks: indexes.isEmpty ? [] : [BlockIndex(in: path + "/index", for: folder, logID: Self.logID)], zone: Self.zone,
      clock: now, isLive: live)
  }
}
