import Glibc
import Record

/// Turns an open day's tails into blocks and keeps what a seal states about it. Owned by one thread.
///
/// Only records that are synced in a tail are taken, so the order of design section 4 holds by itself: tail synced, block
/// appended and synced, tail unlinked, folder synced. A crash between any two steps leaves an overlap, which is legal.
public final class DayKeeper {
  public let day: CalendarDay
  private let folder: DayFolder
  public let digest: DayDigest
  public let salt: DaySalt
  /// The sum of the day's `dropped` notices.
  public private(set) var dropped = 0

  private let blocks = BlockWriter()
  private var file: Int32
  private var fileBytes: Int
  private let path: String
  private var isDirty = false
  /// A write failed half-way: what is on disk behind the last whole block is not known. The day must be opened anew.
  public private(set) var isInDoubt = false
  private var tail: TailFile?

  /// Goes on with a day as recovery left it: whole blocks, then tails.
  /// - Parameters:
  ///   - making: begins the day's folder where there is none.
  ///   - progress: how many records have been read again so far.
  public init(_ archive: ArchiveFolder, _ day: CalendarDay, making: Bool = false, progress: ((Int) -> Void)? = nil) throws {
    self.day = day
    folder = making ? try TailWriter.makeDay(archive, day) : archive.day(day)
    salt = try folder.salt()
    digest = DayDigest(salt: salt)
    path = folder.path(Layout.records)
    file = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
    if file < 0 {
      guard errno == ENOENT else { throw ArchiveError("open", path) }
      file = try Disk.create(path)
      try Disk.syncFolder(folder.path)
    }
    var status = stat()
    guard fstat(file, &status) == 0 else { throw ArchiveError("fstat", path) }
    fileBytes = status.st_size
    let blockRecords = try BlockFile(folder).wholeBlocks() * Block.records
    try DayReader(folder).forEach { number, line in
      guard number < blockRecords else { return false }
      note(line)
      if number % 65_536 == 0 { progress?(number) }
      return true
    }
    blocks.begin(file, at: fileBytes, path: path)
  }

  /// Records waiting at once from which on blocks are packed fast rather than small: some 8,000 a second at the default
  /// commit interval. A small site's log is packed small, a flood does not take a second core.
  private static let hurryRecords = 4096
  private var effort = BlockWriter.Effort.dense

  deinit { close(file) }

  /// Records taken so far, from blocks and tails.
  public var records: Int { digest.records }

  /// `internal`, as `word(at:)` gives it.
  private static let internalWord: UInt64 = 0x6c61_6e72_6574_6e69

  private func note(_ line: Span<UInt8>) {
    digest.add(line)
    // The collector's own records are few; only their losses count here. One comparison tells all others.
    guard line.count > 58, line.word(at: 50) == Self.internalWord else { return }
    if line.starts(with: ",\"via\":\"internal\"", at: 42), let record = try? RecordLine(line) {
      for event in record.events where event.what == "dropped" { dropped += max(0, event.json["count"]?.integer ?? 0) }
    }
  }

  /// Takes the records of a tail that are not taken yet, as far as it is synced.
  /// - Parameter waiting: records that are not taken yet, of later tails too: a tail may end shortly behind what is taken while
  ///   a flood goes on in the next. nil: those of this one.
  public func take(_ segment: TailQueue.Segment, synced: Int, waiting: Int? = nil) throws(ArchiveError) {
    let end = segment.first + synced
    guard end > records else { return }
    let tail: TailFile
    if let open = self.tail, open.first == segment.first { tail = open } else { tail = try TailFile(folder, first: segment.first) }
    self.tail = tail
    effort = waiting ?? (end - records) >= Self.hurryRecords ? .fast : .dense
    // A block that could not be written on a full disk is tried again before anything follows it.
    if blocks.records == Block.records { try finishBlock() }
    while tail.next < end {
      let number = tail.next
      guard let line = try tail.nextLine() else { throw ArchiveError(.missing, tail.name, "record \(number) was written but is not there") }
      guard number >= records else { continue }
      let span = line.assumingMemoryBound(to: UInt8.self).span
      do throws(ArchiveError) { try blocks.append(span) } catch {
        // A block too large for memory is written while it grows, and cannot be begun again from memory.
        isInDoubt = true
        throw error
      }
      note(span)
      if blocks.records == Block.records { try finishBlock() }
    }
  }

  private func finishBlock() throws(ArchiveError) {
    let length: Int
    do throws(ArchiveError) { length = try blocks.finish() } catch {
      isInDoubt = isInDoubt || !blocks.canFinishAgain
      throw error
    }
    fileBytes += length
    isDirty = true
    blocks.begin(file, at: fileBytes, path: path, effort: effort)
  }

  /// Makes the blocks written so far safe.
  public func sync() throws(ArchiveError) {
    guard isDirty else { return }
    try Disk.sync(file, path: path)
    isDirty = false
  }

  /// Whether all of a closed tail's records are in blocks on disk.
  public func holds(_ segment: TailQueue.Segment) -> Bool {
    !isDirty && segment.isClosed && segment.first + segment.records <= records - blocks.records
  }

  /// Unlinks a tail whose records are in blocks on disk.
  public func release(_ segment: TailQueue.Segment) throws(ArchiveError) {
    precondition(holds(segment))
    if tail?.first == segment.first { tail = nil }
    try Disk.remove(folder.path(Layout.tail(first: segment.first)))
    try Disk.syncFolder(folder.path)
  }

  /// Ends the day: the last, shorter block; an empty member where the day has no record.
  public func finish() throws(ArchiveError) {
    if blocks.records > 0 || fileBytes == 0 { try finishBlock() }
    try sync()
  }
}

extension BlockFile {
  /// Blocks of 1,024 records that are there; a torn or short member ends them.
  func wholeBlocks() throws(ArchiveError) -> Int {
    var count = 0
    do throws(ArchiveError) {
      while try member(count) != nil { count += 1 }
    } catch {
      guard error.kind == .torn else { throw error }
    }
    // A short block is unpacked by recovery before a day goes on, so only the last can be another length.
    guard count > 0, let last = try member(count - 1) else { return count }
    let decoder = BlockDecoder()
    try decoder.open(file, last, block: count - 1)
    return decoder.records == Block.records ? count : count - 1
  }
}
