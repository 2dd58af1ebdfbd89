import Archive
import Glibc

/// A file that holds room on the archive's disk. When the disk is full it is given up, so that the notice about it and the
/// seals still find room; when there is room again it is made anew.
struct Reserve {
  private let path: String
  let bytes: Int

  /// One per cent of the disk, at least 256 KiB and at most 16 MiB.
  init(_ archive: ArchiveFolder) {
    path = archive.path(Layout.reserve)
    let size = DiskSpace(of: archive.path)?.totalBytes ?? 0
    bytes = max(256 << 10, min(16 << 20, size / 100))
  }

  /// Makes it, where there is room for four of it.
  /// - Returns: whether it is there.
  @discardableResult func restore(freeBytes: Int) -> Bool {
    if access(path, F_OK) == 0 { return true }
    guard freeBytes >= 4 * bytes else { return false }
    let file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard file >= 0 else { return false }
    defer { close(file) }
    if posix_fallocate(file, 0, bytes) != 0 {
      unlink(path)
      return false
    }
    return true
  }

  func giveUp() { unlink(path) }
}

/// Room on the disk that a path lies on.
struct DiskSpace: Sendable {
  /// For a user without privileges.
  var freeBytes: Int
  var totalBytes: Int

  init?(of path: String) {
    var s = statvfs()
    guard statvfs(path, &s) == 0 else { return nil }
    freeBytes = Int(s.f_bavail) * Int(s.f_frsize)
    totalBytes = Int(s.f_blocks) * Int(s.f_frsize)
  }
}
