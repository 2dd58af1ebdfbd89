import CLinux
import Glibc
import Record

/// The machine's clock.
enum Clock {
  /// Since 1970-01-01T00:00:00Z.
  static func microseconds() -> Int64 {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return Int64(now.tv_sec) * Timestamp.second + Int64(now.tv_nsec) / 1000
  }

  /// Since some moment; never set.
  static func monotonicMilliseconds() -> Int64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
  }

  /// What the kernel says of it (adjtimex).
  static func state() -> (isSynchronised: Bool, errorMicroseconds: Int) {
    var error: Int64 = 0
    let good = linux_clock_is_synchronised(&error) != 0
    return (good, Int(error))
  }
}
