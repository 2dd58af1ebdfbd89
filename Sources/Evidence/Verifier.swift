public import Archive
import Glibc
public import Record

/// Verifies what a path leads to. Shares no state with a daemon; reads, and never writes.
public enum Verifier {
  /// Why there is nothing to report.
  public enum Unable: Error, Sendable {
    /// The path, or something in it, cannot be reached.
    case unreachable(ArchiveError)
    /// A kind of evidence that this program does not read.
    case unsupported(String)
  }

  /// - Parameters:
  ///   - path: an archive, or a day's folder.
  ///   - progress: is told the day and the number of a record now and then.
  public static func verify(
    _ path: String, _ options: VerifierOptions, progress: ((CalendarDay, Int) -> Void)? = nil
  ) throws(Unable) -> VerifierReport {
    var status = stat()
    guard stat(path, &status) == 0 else { throw .unreachable(ArchiveError("open", path)) }
    guard status.st_mode & S_IFMT == S_IFDIR else { return try file(path, status.st_mode & S_IFMT == S_IFREG) }
    do throws(ArchiveError) { return try ArchiveCheck(path, options, progress: progress).run() } catch {
      throw .unreachable(ArchiveError(error.kind, error.path == path ? path : path + "/" + error.path, error.detail))
    }
  }

  /// What is no folder: a bundle, or broken.
  private static func file(_ path: String, _ isRegular: Bool) throws(Unable) -> VerifierReport {
    var detail = "neither an archive nor an evidence bundle"
    if isRegular {
      let bytes: [UInt8]
      do throws(ArchiveError) {
        let file = try RegularFile(realPath(path), name: path)
        var failure: ArchiveError?
        bytes = [UInt8](unsafeUninitializedCapacity: 4) { buffer, count in
          do throws(ArchiveError) { count = try file.read(into: UnsafeMutableRawBufferPointer(buffer), at: 0) } catch { failure = error }
        }
        if let failure { throw failure }
      } catch {
        throw .unreachable(error)
      }
      if bytes == [0x50, 0x4b, 0x03, 0x04] {
        throw .unsupported("\(path): evidence bundles (.zip) are not read yet; give an archive or a day's folder")
      }
      detail = "not a zip file: a broken evidence bundle"
    }
    var findings = Findings()
    findings.add(.malformed, nil, path, detail)
    var report = VerifierReport(path: path, result: findings.result)
    report.findings = findings.all
    return report
  }
}

/// Without links, and without `.` and `..`; the path itself where that is not to be had.
func realPath(_ path: String) -> String {
  guard let real = Glibc.realpath(path, nil) else { return path }
  defer { free(real) }
  return String(cString: real)
}
