import Record

/// How long the archive's disk lasts.
struct DiskOutlook: Equatable, Sendable {
  var freeBytes: Int
  var totalBytes: Int
  /// What the archive takes a day at the rate since the start; nil where nothing was written.
  var bytesPerDay: Int?
  /// Whether the daemon has run long enough for that rate to mean something.
  var isSettled: Bool

  /// Below it the administrator is warned.
  static let warningDays = 30

  /// - Parameters:
  ///   - recordBytes: of the records written since `started`, as text.
  ///   - started: since 1970, in microseconds, as `now`.
  init(_ disk: DiskSpace, recordBytes: Int, started: Int64, now: Int64) {
    freeBytes = disk.freeBytes
    totalBytes = disk.totalBytes
    let elapsed = Int((now - started) / Timestamp.second)
    // Blocks take about a sixth of the text.
    isSettled = elapsed >= 600
    if elapsed > 0, recordBytes > 0 { bytesPerDay = max(1, Int(Double(recordBytes) / 6 * 86_400 / Double(elapsed))) }
  }

  var daysLeft: Int? { bytesPerDay.map { freeBytes / $0 } }

  /// Fewer than 30 days left, or less than a twentieth of the disk.
  var isLow: Bool { isSoonFull || freeBytes < totalBytes / 20 }

  private var isSoonFull: Bool { isSettled && daysLeft.map { $0 < Self.warningDays } ?? false }

  func words(_ path: String) -> String {
    if isSoonFull, let daysLeft { return "at the present rate the disk is full in \(daysLeft) days (\(path))" }
    return "the disk of \(path) is more than 95 % full"
  }
}
