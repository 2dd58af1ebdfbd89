import Archive
import Glibc
import Record

/// How far files were read before, from the archive's own records: each says of which file it is (`from`) and where it
/// stood there (`at`).
///
/// So that a start need not read days of records, what was found is written down beside the index, with the record up to
/// which it holds; only what came behind that is read. Like the index it can be deleted at any time.
struct PositionSearch {
  let archive: ArchiveFolder
  let logID: String
  /// Where it is written down.
  let path: String
  /// Of whose records to take notice.
  let pattern: String
  /// Whether the server writes the file anew now and then, so that every entry is to be known again.
  let remembersEntries: Bool

  /// How many days are looked through without anything written down: a log that is overwritten weekly, and a day more.
  static let maximumDays = 9

  /// The next record of the open day.
  struct Place: Sendable, Equatable {
    var day: CalendarDay
    var record: Int
  }

  // MARK: - Searching

  func positions(progress: (String) -> Void = { _ in }) -> FileHistory {
    do {
      let days = try archive.days()
      if let (place, known) = written(), days.contains(place.day), try isThere(place) {
        var found = known
        for day in days where day >= place.day { try read(day, from: day == place.day ? place.record : 0, into: &found) }
        return found
      }
      var found = FileHistory()
      for day in days.suffix(Self.maximumDays) {
        progress("\(pattern): looking in the records of \(day) for how far it was read")
        try read(day, from: 0, into: &found)
      }
      return found
    } catch {
      // The verifier names what is wrong with the archive. Reading a file again is better than not reading it.
      Log.warning("\(pattern): how far it was read cannot be found out (\(error)); it is read from its beginning")
      return FileHistory()
    }
  }

  /// Whether the archive reaches up to there: one that was put back from an older copy does not.
  private func isThere(_ place: Place) throws -> Bool {
    place.record == 0 ? true : try DayReader.record(place.record - 1, of: archive.day(place.day)) != nil
  }

  private func read(_ day: CalendarDay, from record: Int, into found: inout FileHistory) throws {
    try DayReader(archive.day(day), from: record).forEach { _, line in
      // `via` stands behind the time, which has always as many bytes.
      guard line.starts(with: ",\"via\":\"file\"", at: 42), let record = try? RecordLine(line), record.via == .file, let path = record.from,
        let at = record.json["at"]?.integer, let raw = record.raw, isOurs(path)
      else { return true }
      found.note(
        path, SHA256.hash(raw), raw, at: at, length: record.json["cut"]?.integer ?? raw.count, remembersEntry: remembersEntries)
      return true
    }
  }

  /// A file of the pattern, or what a rotation made of one.
  private func isOurs(_ path: String) -> Bool { path == pattern || fnmatch(pattern, path, FNM_PATHNAME) == 0 || path.hasPrefix(pattern) }

  // MARK: - Written down

  private static let format = "muhur-followed-1"

  /// - Parameter place: up to which record the positions hold.
  func write(_ history: FileHistory, upTo place: Place) {
    var text = "\(Self.format) \(logID) \(place.day) \(place.record)\n"
    for generation in history.generations.sorted(by: { $0.order < $1.order }) where !generation.path.utf8.contains(0x0a) {
      let (path, position) = (generation.path, generation.position)
      text += "file \(position.next) \(path)\n"
      for mark in position.marks { text += "mark \(mark.at) \(mark.length) \(mark.digest)\n" }
      for digest in position.known { text += "known \(digest)\n" }
    }
    // What cannot be written costs time at the next start, nothing else.
    let temporary = path + ".tmp"
    let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard file >= 0 else { return }
    let isWritten = (try? Disk.write(file, Array(text.utf8).span, path: temporary)) != nil
    close(file)
    if isWritten { Glibc.rename(temporary, path) } else { unlink(temporary) }
  }

  private func written() -> (Place, FileHistory)? {
    guard let bytes = try? RegularFile.bytes(path, limit: 1 << 28) else { return nil }
    var lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: true).makeIterator()
    let head = (lines.next() ?? "").split(separator: " ")
    guard head.count == 4, head[0] == Self.format, head[1] == logID, let day = CalendarDay(String(head[2])), let record = Int(head[3]),
      record >= 0
    else { return nil }
    var found = FileHistory()
    var path: String?
    var marks: [FilePosition.Mark] = []
    var known: Set<Digest> = []
    var next = 0
    func settle() { if let path { found.add(path, FilePosition(marks: marks, next: next, known: known)) } }
    while let line = lines.next() {
      if line.hasPrefix("file ") {
        settle()
        let parts = line.split(separator: " ", maxSplits: 2)
        guard parts.count == 3, let place = Int(parts[1]), place >= 0 else { return nil }
        (path, next, marks, known) = (String(parts[2]), place, [], [])
      } else if line.hasPrefix("mark ") {
        let parts = line.split(separator: " ")
        guard parts.count == 4, let at = Int(parts[1]), let length = Int(parts[2]), let digest = Digest(hex: String(parts[3])), at >= 0,
          (0...1 << 16).contains(length)
        else { return nil }
        marks.append(FilePosition.Mark(at: at, length: length, digest: digest))
      } else if line.hasPrefix("known "), let digest = Digest(hex: String(line.dropFirst(6))) {
        known.insert(digest)
      } else {
        return nil
      }
    }
    settle()
    return (Place(day: day, record: record), found)
  }
}
