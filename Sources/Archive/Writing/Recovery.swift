import Glibc
import Record

/// What recovery had to do to a day, for the `recovered` notice and for people.
public struct RecoveryNote: Sendable, Equatable {
  /// Seen from the archive's root.
  public var file: String
  public var detail: String
  /// What was cut off, at most `Recovery.keptBytes` of it.
  public var bytes: [UInt8]
  /// How much was cut off.
  public var cut: Int
}

/// A day that can be gone on with.
public struct RecoveredDay: Sendable {
  public var day: CalendarDay
  /// Records there are, in blocks and tails.
  public var records: Int
  /// The tails that are not wholly in blocks. The last is open unless there is none.
  public var segments: [TailQueue.Segment]
  public var notes: [RecoveryNote]
}

/// Brings a day that has no final seal into the form that the writer and keeper go on with: whole blocks of 1,024, then
/// tails of whole lines without a gap. Whatever a crash left is in one of these states:
///
/// - a torn last member: its records are still in a tail, and the member is cut off;
/// - a torn last line: the message was being written when the machine stopped; the line is cut off and kept in the note;
/// - a short last block, of a day that was being closed: it goes back into a tail;
/// - a tail whose records are in blocks: it is unlinked;
/// - a gap before a tail, which no crash leaves: where nothing sealed is missing, the later records move up, and the
///   note says how many are gone; else the archive was changed, and nothing is done.
public enum Recovery {
  public static let keptBytes = 64 << 10

  /// - Parameter sealed: records that the day's newest seal covers.
  /// - Throws: `.missing` where sealed records are not there; `.malformed`, `.system`. Nothing was cut off then that a
  ///   second attempt would need.
  public static func recover(_ archive: ArchiveFolder, _ day: CalendarDay, sealed: Int) throws -> RecoveredDay {
    let folder = try TailWriter.makeDay(archive, day)
    var recovered = RecoveredDay(day: day, records: 0, segments: [], notes: [])
    let (blockRecords, note) = try mendBlocks(folder)
    if let note { recovered.notes.append(note) }
    try mendTails(folder, after: blockRecords, sealed: sealed, &recovered)
    guard recovered.records >= sealed else {
      throw ArchiveError(
        .missing, folder.name(Layout.records),
        "\(recovered.records) records are here, a seal covers \(sealed): put back the missing files from a copy, or begin a new log")
    }
    return recovered
  }

  /// Cuts off a torn member and unpacks a short one.
  /// - Returns: the records that stay in blocks.
  public static func mendBlocks(_ folder: DayFolder) throws -> (records: Int, note: RecoveryNote?) {
    var note: RecoveryNote?
    let blocks: BlockFile
    do throws(ArchiveError) { blocks = try BlockFile(folder) } catch {
      guard error.code == ENOENT else { throw error }
      return (0, nil)
    }
    let whole = try blocks.wholeBlocks()
    let end = whole == 0 ? 0 : try blocks.member(whole - 1).map { $0.offset + $0.length } ?? 0
    let size = try blocks.file.size()
    guard size > end else { return (whole * Block.records, nil) }
    let first = whole * Block.records
    let short = try? blocks.member(whole)
    if let short {
      let decoder = BlockDecoder()
      try decoder.open(blocks.file, short, block: whole)
      var text: [UInt8] = []
      while let line = try decoder.nextLine(blocks.file) {
        text.append(line.assumingMemoryBound(to: UInt8.self).span)
        text.append(0x0a)
      }
      let covered = try folder.tails().contains { tail in
        guard tail <= first else { return false }
        return try tail + lines(folder, tail).count >= first + decoder.records
      }
      if !covered, decoder.records > 0 { try Disk.place(text, at: folder.path(Layout.tail(first: first)), replacing: true) }
    } else {
      note = RecoveryNote(
        file: folder.name(Layout.records), detail: "a block that was being written; its records are in a tail", bytes: [], cut: size - end)
    }
    let path = folder.path(Layout.records)
    let file = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW)
    guard file >= 0 else { throw ArchiveError("open", path) }
    defer { close(file) }
    try Disk.truncate(file, to: end, path: path)
    try Disk.sync(file, path: path)
    return (first, note)
  }

  private static func mendTails(_ folder: DayFolder, after blockRecords: Int, sealed: Int, _ recovered: inout RecoveredDay) throws {
    var position = blockRecords
    let tails = try folder.tails()
    for tail in tails {
      let path = folder.path(Layout.tail(first: tail))
      let content = try lines(folder, tail)
      if content.restBytes > 0 {
        let file = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else { throw ArchiveError("open", path) }
        defer { close(file) }
        try Disk.truncate(file, to: content.bytes, path: path)
        try Disk.sync(file, path: path)
        recovered.notes.append(
          RecoveryNote(
            file: folder.name(Layout.tail(first: tail)), detail: "a line that was being written", bytes: content.rest,
            cut: content.restBytes))
      }
      var first = tail
      if first > position {
        guard position >= sealed else {
          throw ArchiveError(
            .missing, folder.name(Layout.tail(first: tail)),
            "records \(position) to \(first - 1) are in no file, and a seal covers \(sealed): put the missing tail back from a copy; nothing was changed"
          )
        }
        recovered.notes.append(
          RecoveryNote(
            file: folder.name(Layout.tail(first: tail)), detail: "records \(position) to \(first - 1) were in no file; later ones moved up",
            bytes: [],
            cut: 0))
        try Disk.rename(path, folder.path(Layout.tail(first: position)))
        try Disk.syncFolder(folder.path)
        first = position
      }
      let end = first + content.count
      if end <= blockRecords {
        try Disk.remove(folder.path(Layout.tail(first: first)))
        continue
      }
      recovered.segments.append(
        TailQueue.Segment(day: recovered.day, first: first, bytes: content.bytes, records: content.count, isClosed: true, endsDay: false))
      position = max(position, end)
    }
    try Disk.syncFolder(folder.path)
    // Only the last tail is gone on with, and only where it reaches to the end.
    if let last = recovered.segments.indices.last, recovered.segments[last].first + recovered.segments[last].records == position {
      recovered.segments[last].isClosed = false
    }
    recovered.records = position
  }

  private struct Content {
    /// Whole lines, and their bytes.
    var count = 0
    var bytes = 0
    /// What stands behind the last LF.
    var rest: [UInt8] = []
    var restBytes = 0
  }

  private static func lines(_ folder: DayFolder, _ tail: Int) throws(ArchiveError) -> Content {
    let file = try folder.open(Layout.tail(first: tail))
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
    defer { buffer.deallocate() }
    var content = Content()
    var offset = 0
    while case let n = try file.read(into: buffer, at: offset), n > 0 {
      for i in 0..<n where buffer[i] == 0x0a {
        content.count += 1
        content.bytes = offset + i + 1
      }
      offset += n
    }
    content.restBytes = offset - content.bytes
    if content.restBytes > 0 {
      let n = try file.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[0..<min(content.restBytes, keptBytes)]), at: content.bytes)
      content.rest = Array(buffer[0..<n])
    }
    return content
  }
}
