import Archive
import Attribution
import Glibc
import Record

/// An archive that no daemon holds, as `--archive` names it: an auditor's copy, or a log whose daemon is stopped.
public final class OfflineLog: LogAccess {
  public let archive: ArchiveFolder
  public let identity: LogIdentity
  public let zone: Zone
  public let seals: SealCatalog
  private let indexFolder: String?

  /// - Throws: exit 4 where the folder cannot be read or a daemon holds it; 1 where it is no archive.
  public convenience init(_ invocation: Invocation) throws(Refusal) {
    try self.init(archive: invocation.value("archive") ?? "", index: invocation.value("index"))
  }

  /// - Parameter index: where its index lies; nil means the usual place.
  init(archive path: String, index: String? = nil) throws(Refusal) {
    archive = ArchiveFolder(path)
    indexFolder = index
    var status = stat()
    guard stat(path, &status) != 0 || status.st_mode & S_IFMT == S_IFDIR else {
      throw Refusal(
        .unreachable, "\(path): \(String(cString: strerror(ENOTDIR)))",
        hint: "an archive is the folder that holds \(Layout.log); an evidence bundle is read by muhur-verify")
    }
    guard access(path, R_OK | X_OK) == 0 else { throw Refusal(.unreachable, "\(path): \(String(cString: strerror(errno)))") }
    do throws(ArchiveError) { identity = try archive.log() } catch {
      guard error.code == nil else { throw Refusal(.unreachable, "\(path)/\(error)") }
      throw Refusal(.noAnswer, "\(path)/\(error)", hint: "an archive has a \(Layout.log), which `muhur init` makes")
    }
    guard let zone = Zone(named: identity.timezone) else {
      throw Refusal(
        .unreachable, "the archive's time zone \(visible(identity.timezone)) is not known here", hint: "install the package tzdata")
    }
    self.zone = zone
    seals = SealCatalog(archive)
    try Self.refuseWhereHeld(archive)
  }

  /// A daemon holds its archive by a lock on log.json. It is only looked at, so that a daemon can start meanwhile.
  private static func refuseWhereHeld(_ archive: ArchiveFolder) throws(Refusal) {
    let file = open(archive.path(Layout.log), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard file >= 0 else { throw Refusal(.unreachable, "\(archive.path(Layout.log)): \(String(cString: strerror(errno)))") }
    defer { close(file) }
    // Where a file system knows no locks, no daemon can hold one.
    if flock(file, LOCK_SH | LOCK_NB) != 0, errno == EWOULDBLOCK {
      throw Refusal(
        .unreachable, "a daemon holds \(archive.path)", hint: "ask it: leave out --archive; questions to a running log are recorded")
    }
  }

  /// The index's folder: $XDG_CACHE_HOME/muhur/LOGID, or where `--index` says.
  private func indexPlace() throws(Refusal) -> String {
    if let indexFolder { return indexFolder }
    func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) }.flatMap { $0.hasPrefix("/") ? $0 : nil } }
    guard let cache = variable("XDG_CACHE_HOME") ?? variable("HOME").map({ $0 + "/.cache" }) else {
      throw Refusal(
        .unreachable, "there is no folder for the index: neither XDG_CACHE_HOME nor HOME is set", hint: "name one with --index DIR")
    }
    var path = cache
    for part in ["", "/muhur"] {
      path += part
      guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
        throw Refusal(.unreachable, "\(path): \(String(cString: strerror(errno)))", hint: "name a folder with --index DIR")
      }
    }
    return path + "/" + identity.id
  }

  private func index() throws -> LogIndex {
    LogIndex(archive: archive, identity: identity, zone: zone, folder: try indexPlace(), isLive: false)
  }

  public func questions(blocks: Bool, progress: (String) -> Void) throws -> Questions {
    try index().questions(blocks: blocks, progress: progress)
  }

  public func reindex(progress: (String) -> Void) throws -> ReindexCount { try index().rebuild(progress: progress) }

  public func writing() throws -> any LogWriting { throw Refusal(.usage, "an archive that is read is not written") }

  /// What the folder alone tells; who sends what, only the daemon knows.
  public func status() throws -> JSONValue {
    var last: JSONValue = .null
    var waiting = 0
    var dropped = 0
    for day in try archive.days() {
      let seals = try seals.seals(of: day)
      dropped += seals.last?.dropped ?? 0
      waiting += seals.count { $0.tokens.isEmpty }
      if let seal = seals.last {
        last = [
          "number": .integer(seal.number), "day": .string(day.description), "records": .integer(seal.records),
          "made": JSONValue(seal.made?.description), "final": .bool(seal.final),
        ]
      }
    }
    var disk = statvfs()
    let free: JSONValue = statvfs(archive.path, &disk) == 0 ? .integer(Int(disk.f_bavail) * Int(disk.f_frsize)) : .null
    return [
      "sources": [], "unlisted": [], "dropped": .integer(dropped), "seals": ["last": last, "waiting_for_token": .integer(waiting)],
      "authorities": [], "disk": ["free_bytes": free, "days_left": .null],
      "warnings": ["no daemon holds this archive: nothing is being received"],
    ]
  }
}
