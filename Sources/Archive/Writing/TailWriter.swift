import Glibc
import Record

/// Appends records to the open day: the one place where they are first written. Owned by one thread.
///
/// A batch of whole lines is one write. When it fails (full disk) the file is cut back to the last whole line, the batch
/// counts as not written, and the next may succeed. Syncing is the keeper's work.
public final class TailWriter {
  private let archive: ArchiveFolder
  private let queue: TailQueue
  public private(set) var day: CalendarDay
  /// Records of the day so far, those of earlier lives included.
  public private(set) var records: Int
  private var file: Int32
  private var first: Int
  private var bytes: Int
  private var path: String

  /// A tail is closed at the first border of a block at which it has one of these; so fsyncs follow the clock, and a
  /// small site's records become a block once there are 1,024.
  private static let rotateBytes = 32 << 20
  private static let rotateBlocks = 64
  private static let rotateSeconds: Int64 = 2
  private var opened: Int64

  /// Goes on in what recovery found.
  public init(_ archive: ArchiveFolder, resuming state: RecoveredDay, queue: TailQueue) throws(ArchiveError) {
    self.archive = archive
    self.queue = queue
    day = state.day
    records = state.records
    let folder = archive.day(state.day)
    for segment in state.segments { queue.append(segment) }
    if let last = state.segments.last, !last.isClosed {
      first = last.first
      bytes = last.bytes
      path = folder.path(Layout.tail(first: first))
      file = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW)
      guard file >= 0 else { throw ArchiveError("open", path) }
    } else {
      first = records
      bytes = 0
      path = folder.path(Layout.tail(first: first))
      file = try Self.newTail(path, folder)
      queue.append(TailQueue.Segment(day: day, first: first, bytes: 0, records: 0, isClosed: false, endsDay: false))
    }
    opened = Self.monotonicSeconds()
  }

  deinit { close(file) }

  /// Writes whole lines.
  /// - Parameters:
  ///   - lines: each ended by LF.
  ///   - count: how many they are; at most `roomInBlock`.
  /// - Throws: the batch is not in the archive then, and nothing of it stays.
  public func append(_ lines: Span<UInt8>, count: Int) throws(ArchiveError) {
    do throws(ArchiveError) {
      try Disk.write(file, lines, at: bytes, path: path)
    } catch {
      // What a failed write left is no record: the next write begins at the same place, so even a cut that fails is
      // mended by it or by recovery.
      try? Disk.truncate(file, to: bytes, path: path)
      throw error
    }
    bytes += lines.count
    records += count
    queue.update(bytes: bytes, records: records - first)
    if records % Block.records == 0, isDueForRotation { rotate() }
  }

  /// Records that may still be appended before a batch must end, so that a tail can be closed at a block's border.
  public var roomInBlock: Int { Block.records - records % Block.records }

  private var isDueForRotation: Bool {
    bytes >= Self.rotateBytes || records - first >= Self.rotateBlocks * Block.records
      || Self.monotonicSeconds() - opened >= Self.rotateSeconds
  }

  private func rotate() {
    let next = archive.day(day).path(Layout.tail(first: records))
    // On a full disk the old tail goes on.
    guard let descriptor = try? Self.newTail(next, archive.day(day)) else { return }
    queue.close(endsDay: false)
    switchTo(descriptor, path: next)
  }

  /// Ends the open day and begins a later one; its folder and salt are on disk when this returns.
  public func begin(_ next: CalendarDay) throws(ArchiveError) {
    precondition(next > day, "a day never goes back")
    let folder = try Self.makeDay(archive, next)
    let nextPath = folder.path(Layout.tail(first: 0))
    let descriptor = try Self.newTail(nextPath, folder)
    queue.close(endsDay: true)
    day = next
    records = 0
    switchTo(descriptor, path: nextPath)
  }

  private func switchTo(_ descriptor: Int32, path: String) {
    close(file)
    file = descriptor
    self.path = path
    first = records
    bytes = 0
    opened = Self.monotonicSeconds()
    queue.append(TailQueue.Segment(day: day, first: first, bytes: 0, records: 0, isClosed: false, endsDay: false))
  }

  private static func newTail(_ path: String, _ folder: DayFolder) throws(ArchiveError) -> Int32 {
    // A tail of this name can only be one that a failed rotation left, or that recovery emptied.
    try Disk.remove(path)
    let descriptor = try Disk.create(path)
    do throws(ArchiveError) { try Disk.syncFolder(folder.path) } catch {
      close(descriptor)
      throw error
    }
    return descriptor
  }

  /// Makes a day's folder with its salt and the folder for its seals; what a crash left half-made is completed.
  static func makeDay(_ archive: ArchiveFolder, _ day: CalendarDay) throws(ArchiveError) -> DayFolder {
    let folder = archive.day(day)
    try Disk.makeFolder(folder.path, orExisting: true)
    try Disk.makeFolder(folder.path(Layout.seals), orExisting: true)
    if access(folder.path(Layout.salt), F_OK) != 0 {
      try Disk.place(DaySalt.random().fileBytes, at: folder.path(Layout.salt))
    }
    return folder
  }

  private static func monotonicSeconds() -> Int64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return Int64(now.tv_sec)
  }
}
