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
  private let writing = Writing()

  /// `@unchecked`: only whoever holds `lock` looks at it.
  private final class Writing: @unchecked Sendable {
    var follower: IndexFollower?
  }

  /// Records read between two words of progress.
  private static let stretch = 65_536

  /// - Parameters:
  ///   - folder: where the index lies; made where it is not there.
  ///   - isLive: whether a daemon is writing the archive, so that what is not in it did not happen yet.
  public init(archive: ArchiveFolder, identity: LogIdentity, zone: Zone, folder: String, isLive: Bool) {
    self.archive = archive
    self.identity = identity
    self.zone = zone
    self.folder = folder
    self.isLive = isLive
  }

  /// Reads what has come since the last time.
  /// - Returns: the number of records read.
  @discardableResult public func catchUp(progress: (String) -> Void = { _ in }) throws -> Int {
    try lock.withLock { _ in
      let follower = try writing.follower ?? IndexFollower(opened(progress), of: archive)
      writing.follower = follower
      var read = 0
      while case let n = try follower.catchUp(records: Self.stretch), n > 0 {
        read += n
        if read >= Self.stretch { progress("reading the archive for the index: \(Words.grouped(read)) records") }
      }
      return read
    }
  }

  /// Questions to an index that holds all that is in the archive now. For the calling thread alone.
  public func questions(progress: (String) -> Void) throws -> Questions {
    try catchUp(progress: progress)
    let index = try Index(reading: path, logID: identity.id)
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    let clock = zone.timestamp(Int64(now.tv_sec) * Timestamp.second + Int64(now.tv_nsec) / 1000)
    return Questions([index], zone: zone, clock: clock, isLive: isLive)
  }

  /// Builds the index again from the archive.
  public func rebuild(progress: (String) -> Void) throws -> ReindexCount {
    lock.withLock { _ in
      writing.follower = nil
      Index.discard(path)
    }
    try catchUp(progress: progress)
    let index = try Index(reading: path, logID: identity.id)
    return ReindexCount(days: try archive.days().count, records: index.counts.records, events: index.counts.events)
  }

  private var path: String { folder + "/attribution.sqlite" }

  private func opened(_ remark: (String) -> Void) throws -> Index {
    guard mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw ArchiveError("mkdir", folder) }
    do { return try Index(path, logID: identity.id) } catch let error as IndexError where error.kind == .damaged || error.kind == .foreign {
      remark("the index is built again: \(error)")
      Index.discard(path)
      return try Index(path, logID: identity.id)
    }
  }
}
