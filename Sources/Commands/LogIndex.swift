import Archive
import Attribution
import Glibc
import Record
import Synchronization

/// The index of one log, kept up to date: by a thread of the daemon, or by the one question that a folder is asked.
///
/// One index is written at a time, under a lock; each question reads the file on a connection of its own, beside the
/// writer. An index that is missing, damaged, of another log or another version is built again: it is derived from the
/// archive, so nothing is lost but time.
public final class LogIndex: Sendable {
  private let archive: ArchiveFolder
  private let identity: LogIdentity
  private let zone: Zone
  private let folder: String
  private let isLive: Bool
  private let lock = Mutex(())
  /// One at a time.
  private let rebuilding = Mutex(())
  /// Whoever builds the index of blocks; they are read without it.
  private let blocks: Mutex<Blocks>
  private let writing = Writing()
  /// How messages are read again where an index is built from nothing; nil takes all events as they are recorded.
  private let rereading = Mutex<Rereading?>(nil)
  private let gathered = GatheredBlocks()
  private let feed: RecordFeed?

  /// `@unchecked`: only whoever holds the `Mutex` around it looks at it.
  private final class Blocks: @unchecked Sendable {
    let index: BlockIndex
    init(_ index: BlockIndex) { self.index = index }
  }

  /// `@unchecked`: only whoever holds `lock` looks at it.
  private final class Writing: @unchecked Sendable {
    var follower: IndexFollower?
  }

  /// Records read between two words of progress.
  private static let stretch = 65_536

  /// - Parameters:
  ///   - folder: where the index lies; made where it is not there.
  ///   - isLive: whether a daemon is writing the archive, so that what is not in it did not happen yet.
  ///   - feed: of the writer, where that is in this process.
  public init(archive: ArchiveFolder, identity: LogIdentity, zone: Zone, folder: String, isLive: Bool, feed: RecordFeed? = nil) {
    self.feed = feed
    self.archive = archive
    self.identity = identity
    self.zone = zone
    self.folder = folder
    self.isLive = isLive
    blocks = Mutex(Blocks(BlockIndex(in: folder, for: archive, logID: identity.id, gathered: gathered)))
  }

  /// Takes over how messages are read today. What is indexed already stays until `rebuild`.
  public func use(_ new: Rereading?) {
    rereading.withLock { $0 = new }
    blocks.withLock { $0.index.use(new) }
  }

  /// Reads what has come since the last time.
  /// - Parameter isLazy: whether it may be written later, together with more: questions call for all of it.
  /// - Returns: the number of records read.
  @discardableResult public func catchUp(isLazy: Bool = false, progress: (String) -> Void = { _ in }) throws -> Int {
    try lock.withLock { _ in
      let follower = try writing.follower ?? following(opened(progress))
      writing.follower = follower
      var read = 0
      while case let n = try follower.catchUp(records: Self.stretch, isLazy: isLazy), n > 0 {
        read += n
        if read >= Self.stretch { progress(Self.words(read)) }
      }
      return read
    }
  }

  /// Blocks that are indexed before others get their turn.
  private static let blockStretch = 64

  /// Indexes the blocks that have been closed since the last time (`BlockIndex`).
  /// - Parameters:
  ///   - isBusy: whether those wait that nobody has read for another purpose.
  ///   - goesOn: asked every few dozen blocks.
  public func catchUpBlocks(
    isBusy: Bool = false, progress: (String) -> Void = { _ in }, while goesOn: () -> Bool = { true }
  ) throws {
    var done = 0
    while goesOn() {
      let n = try blocks.withLock { try $0.index.catchUp(blocks: Self.blockStretch, isBusy: isBusy) }
      done += n
      if n < Self.blockStretch { return }
      progress("indexing blocks: \(Words.grouped(done * 1024)) records")
    }
  }

  /// One that was damaged and is empty is filled as `rebuild` would.
  private func following(_ index: Index) -> IndexFollower {
    IndexFollower(index, of: archive, rereading: index.next.raw == 0 ? rereading.withLock { $0 } : nil, gathered: gathered, feed: feed)
  }

  /// An index that is not there is built in bulk: that is many times faster than following the archive.
  private func opened(_ progress: (String) -> Void) throws -> Index {
    if access(Index.path(in: folder), F_OK) == 0 { return try Index.opened(in: folder, for: archive, remark: progress) }
    return try Index.rebuilt(in: folder, for: archive, rereading: rereading.withLock { $0 }) { progress(Self.words($0)) }
  }

  private static func words(_ records: Int) -> String { "reading the archive for the index: \(Words.grouped(records)) records" }

  /// Questions to an index that holds all that is in the archive now. For the calling thread alone.
  public func questions(blocks: Bool = false, progress: (String) -> Void) throws -> Questions {
    try catchUp(progress: progress)
    if blocks { try catchUpBlocks(progress: progress) }
    let index = try reading()
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    let clock = zone.timestamp(Int64(now.tv_sec) * Timestamp.second + Int64(now.tv_nsec) / 1000)
    let blocks = BlockIndex(in: folder, for: archive, logID: identity.id, rereading: rereading.withLock { $0 })
    return Questions([index], blocks: [blocks], zone: zone, clock: clock, isLive: isLive)
  }

  private func reading() throws -> Index {
    do { return try Index(reading: Index.path(in: folder), logID: identity.id) } catch {
      // For an instant while a new index takes the old one's name there is none.
      usleep(100_000)
      return try Index(reading: Index.path(in: folder), logID: identity.id)
    }
  }

  /// Builds the index again from the archive. Until it is ready the old one is followed and answers.
  public func rebuild(progress: (String) -> Void) throws -> ReindexCount {
    try rebuilding.withLock { _ in
      let index = try Index.rebuilt(in: folder, for: archive, rereading: rereading.withLock { $0 }) { progress(Self.words($0)) }
      let counts = index.counts
      let follower = IndexFollower(index, of: archive, gathered: gathered, feed: feed)
      lock.withLock { _ in writing.follower = follower }
      gathered.discard()
      try blocks.withLock { try $0.index.discard() }
      try catchUpBlocks(progress: progress)
      return ReindexCount(days: try archive.days().count, records: counts.records, events: counts.events)
    }
  }
}
