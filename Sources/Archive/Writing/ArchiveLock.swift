import Glibc
import Record

/// The right to write an archive: an exclusive flock on log.json, held as long as this lives. One daemon per archive; the
/// kernel lets go of it however a process ends.
public final class ArchiveLock: Sendable {
  private let file: Int32

  /// - Throws: `.system(EWOULDBLOCK)` where another process holds it.
  public init(_ archive: ArchiveFolder) throws(ArchiveError) {
    let path = archive.path(Layout.log)
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else { throw ArchiveError("open", path) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let code = errno
      close(descriptor)
      if code == EWOULDBLOCK {
        throw ArchiveError(.system(code), archive.path, "another process holds this archive: one daemon per archive")
      }
      throw ArchiveError("flock", path, code: code)
    }
    file = descriptor  // Last: from here on deinit closes it.
  }

  deinit { close(file) }
}
