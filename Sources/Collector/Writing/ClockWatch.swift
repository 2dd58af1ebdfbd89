import Glibc
import Record

/// Sees the clock being set while the daemon runs: the wall clock moves against the time since boot, which nobody sets.
struct ClockWatch {
  struct Step: Equatable {
    /// What the clock said before and after, since 1970, in microseconds.
    var before: Int64
    var after: Int64
    var microseconds: Int64 { after - before }
  }

  /// Less than this is how NTP makes a clock right: some parts in ten thousand, spread over time.
  static let limit = Timestamp.second / 2

  private var last: (wall: Int64, boot: Int64)?

  /// - Parameters:
  ///   - wall: the clock.
  ///   - boot: time since boot, sleep included; both in microseconds.
  /// - Returns: the step between this look and the one before.
  mutating func look(wall: Int64, boot: Int64) -> Step? {
    defer { last = (wall, boot) }
    guard let last else { return nil }
    let expected = last.wall + (boot - last.boot)
    return abs(wall - expected) >= Self.limit ? Step(before: expected, after: wall) : nil
  }

  mutating func look() -> Step? {
    var boot = timespec()
    clock_gettime(CLOCK_BOOTTIME, &boot)
    return look(wall: Clock.microseconds(), boot: Int64(boot.tv_sec) * Timestamp.second + Int64(boot.tv_nsec) / 1000)
  }
}
