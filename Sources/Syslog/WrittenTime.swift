import Record

// Times as devices write them inside their messages.
extension DeviceTime {
  /// `2026/11/20 10:15:02`, month and day also with one digit.
  public static func slashed(_ text: Span<UInt8>, at start: Int) -> (time: DeviceTime, end: Int)? {
    var at = start
    guard let year = number(text, &at, digits: 4...4), slash(text, &at), let month = number(text, &at, digits: 1...2), slash(text, &at),
      let day = number(text, &at, digits: 1...2), at < text.count, text[at] == 0x20
    else { return nil }
    return local(text, at + 1, year, month, day)
  }

  /// `11/20/26 08:01:12`: month, day, and a year of two (of this century) or four digits; a comma or a colon may stand
  /// before the time of day.
  public static func american(_ text: Span<UInt8>, at start: Int) -> (time: DeviceTime, end: Int)? {
    var at = start
    guard let month = number(text, &at, digits: 1...2), slash(text, &at), let day = number(text, &at, digits: 1...2), slash(text, &at)
    else { return nil }
    let yearStart = at
    guard let year = number(text, &at, digits: 2...4), at - yearStart != 3, at < text.count,
      text[at] == 0x20 || text[at] == 0x2c || text[at] == 0x3a
    else { return nil }
    return local(text, at + 1, at - yearStart == 2 ? 2000 + year : year, month, day)
  }

  /// `Nov 20 10:15:02 2026` and the like, the day of the week before it read over.
  public static func month(_ text: Span<UInt8>, at start: Int) -> (time: DeviceTime, end: Int)? {
    if let found = bsd(text, at: start) { return found }
    var at = start
    while at < text.count, text[at].isLetter, at - start < 9 { at += 1 }
    guard at > start else { return nil }
    if at < text.count, text[at] == 0x2c { at += 1 }
    guard at < text.count, text[at] == 0x20 else { return nil }
    return bsd(text, at: at + 1)
  }

  /// `1795158902.123456789`: seconds since 1970, ten digits of them, and up to nine of a fraction; with thirteen digits
  /// milliseconds, with sixteen micro-, with nineteen nanoseconds.
  public static func unix(_ text: Span<UInt8>, at start: Int) -> (time: DeviceTime, end: Int)? {
    guard start >= 0 else { return nil }
    var end = start
    var value: Int64 = 0
    while end < text.count, text[end].isDigit, end - start < 18 {
      value = value * 10 + Int64(text[end] &- 0x30)
      end += 1
    }
    // The nineteenth digit is below what an event holds.
    if end - start == 18, end < text.count, text[end].isDigit { end += 1 }
    guard end == text.count || !text[end].isDigit else { return nil }
    switch end - start {
    case 10:
      var microseconds = value * Timestamp.second
      guard end + 1 < text.count, text[end] == 0x2e, text[end + 1].isDigit else {
        return (.instant(Timestamp(microseconds: microseconds, fractionDigits: 0)), end)
      }
      let point = end
      var scale: Int64 = 100_000
      end += 1
      while end < text.count, text[end].isDigit, end - point <= 9 {
        microseconds += Int64(text[end] &- 0x30) * scale
        scale /= 10
        end += 1
      }
      guard end == text.count || !text[end].isDigit else { return nil }
      return (.instant(Timestamp(microseconds: microseconds, fractionDigits: min(end - point - 1, 6))), end)
    case 13: return (.instant(Timestamp(microseconds: value * 1000, fractionDigits: 3)), end)
    case 16: return (.instant(Timestamp(microseconds: value, fractionDigits: 6)), end)
    // Of nineteen digits eighteen were read.
    case 19: return (.instant(Timestamp(microseconds: value / 100, fractionDigits: 6)), end)
    default: return nil
    }
  }

  private static func number(_ text: Span<UInt8>, _ at: inout Int, digits: ClosedRange<Int>) -> Int? {
    let start = at
    while at < text.count, text[at].isDigit, at - start < digits.upperBound { at += 1 }
    guard at - start >= digits.lowerBound else { return nil }
    return text.extracting(start..<at).decimal
  }

  private static func slash(_ text: Span<UInt8>, _ at: inout Int) -> Bool {
    guard at < text.count, text[at] == 0x2f else { return false }
    at += 1
    return true
  }

  private static func local(_ text: Span<UInt8>, _ at: Int, _ year: Int, _ month: Int, _ day: Int) -> (time: DeviceTime, end: Int)? {
    guard let clock = ClockTime(text: text, at: at) else { return nil }
    guard let date = CalendarDay(year: year, month: month, day: day) else { return (.impossible, clock.end) }
    return (.local(date, clock), clock.end)
  }
}
