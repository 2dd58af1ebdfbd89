public import Archive
import Glibc
import Record

/// Verifies what a path leads to. Shares no state with a daemon; reads, and never writes.
public enum Verifier {
  /// Why there is nothing to report.
  public enum Unable: Error, Sendable {
    /// The path, or something in it, cannot be reached.
    case unreachable(ArchiveError)
  }

  /// - Parameters:
  ///   - path: an archive, a day's folder, or an evidence bundle.
  ///   - progress: is told now and then how far it is, by any thread.
  public static func verify(
    _ path: String, _ options: VerifierOptions, progress: (@Sendable (VerifierProgress) -> Void)? = nil
  ) throws(Unable) -> VerifierReport {
    var status = stat()
    guard stat(path, &status) == 0 else { throw .unreachable(ArchiveError("open", path)) }
    guard status.st_mode & S_IFMT == S_IFDIR else { return try bundle(path, status.st_mode & S_IFMT == S_IFREG, options) }
    do throws(ArchiveError) { return try ArchiveCheck(path, options, progress: progress).run() } catch {
      throw .unreachable(ArchiveError(error.kind, error.path == path ? path : path + "/" + error.path, error.detail))
    }
  }

  /// What is no folder: a bundle, or a broken one.
  private static func bundle(_ path: String, _ isRegular: Bool, _ options: VerifierOptions) throws(Unable) -> VerifierReport {
    guard isRegular else { return VerifierReport(path: path, malformed: "neither an archive nor an evidence bundle") }
    do throws(ArchiveError) {
      let bytes = try RegularFile.bytes(realPath(path), name: path, limit: BundleCheck.maximumBytes)
      return try BundleCheck.run(path, bytes, options)
    } catch {
      guard error.code == nil else { throw .unreachable(error) }
      return VerifierReport(path: path, malformed: error.detail)
    }
  }

  /// A bundle's bytes, as they are before they lie anywhere.
  public static func verify(bundle bytes: [UInt8], called path: String, _ options: VerifierOptions) throws(ArchiveError) -> VerifierReport {
    try BundleCheck.run(path, bytes, options)
  }
}

/// Without links, and without `.` and `..`; the path itself where that is not to be had.
func realPath(_ path: String) -> String {
  guard let real = Glibc.realpath(path, nil) else { return path }
  defer { free(real) }
  return String(cString: real)
}
