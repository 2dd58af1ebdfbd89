import Record
import Syslog

/// Which year a line of a file is of, where it does not say.
struct YearRule {
  let zone: Zone
  /// From here back the nearest such date is taken; microseconds.
  private var horizon: Int64
  private let isCounted: Bool

  /// - Parameters:
  ///   - first: the year of the first line.
  ///   - changed: the file's last change.
  init(zone: Zone, first: Int?, changed: Int64) {
    self.zone = zone
    isCounted = first != nil
    horizon = changed
    // `DeviceTime` goes at most a day beyond: the year's last moment, less that day.
    if let first, let new = CalendarDay(year: first + 1, month: 1, day: 1) {
      horizon = TimeArgument.firstMoment(of: new, in: zone).microseconds - Timestamp.day - 1
    }
  }

  /// The message's time, or what stands for it.
  mutating func reference(_ message: SyslogMessage) -> Int64 {
    guard let time = message.time?.resolved(zone: zone, received: horizon) else { return horizon }
    // Lines follow each other: the next is not more than a day before this one, and not more than 364 days after it.
    if isCounted { horizon = time.microseconds + 363 * Timestamp.day }
    return time.microseconds
  }
}
