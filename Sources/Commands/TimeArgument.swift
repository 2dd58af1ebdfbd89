import Record

/// A time as a caller writes it (design section 7): `2026-11-20 14:03`, `2026-11-20T14:03:00+03:00`, `20.11.2026 14:03`
/// (a space or T between; seconds, fraction and offset optional), or Unix seconds.
public enum TimeArgument: Sendable {
  case instant(microseconds: Int64)
  /// Without offset: what it means depends on the archive's zone.
  case local(CalendarDay, ClockTime, text: String)
  /// A day alone; permitted where a span begins or ends.
  case day(CalendarDay)

  /// - Throws: with the forms that are permitted.
  public init(_ text: String) throws(UsageError) {
    let bytes = Array(text.utf8)
    guard let read = Self.read(bytes.span, text) else {
      throw UsageError(
        "\(Arguments.quoted(text)) is no time",
        hint: "write 2026-11-20 14:03, 2026-11-20T14:03:00+03:00, 20.11.2026 14:03 or Unix seconds")
    }
    self = read
  }

  private static func read(_ bytes: Span<UInt8>, _ text: String) -> TimeArgument? {
    if let unix = unixSeconds(bytes) { return .instant(microseconds: unix) }
    guard bytes.count >= 10, let day = CalendarDay(text: bytes.extracting(0..<10)) ?? turkishDay(bytes.extracting(0..<10)) else {
      return nil
    }
    if bytes.count == 10 { return .day(day) }
    guard bytes[10] == UInt8(ascii: " ") || bytes[10] | 0x20 == UInt8(ascii: "t"), let (clock, end) = clock(bytes, at: 11) else {
      return nil
    }
    var rest = bytes.extracting(end..<bytes.count)
    if rest.count == 0 { return .local(day, clock, text: text) }
    if rest[0] == UInt8(ascii: " ") { rest = rest.extracting(1..<rest.count) }
    guard let offset = offsetMinutes(rest) else { return nil }
    return .instant(microseconds: Timestamp(day: day, clock: clock, offsetMinutes: offset).microseconds)
  }

  /// `20.11.2026`
  private static func turkishDay(_ t: Span<UInt8>) -> CalendarDay? {
    guard t[2] == UInt8(ascii: "."), t[5] == UInt8(ascii: "."), let d = t.extracting(0..<2).decimal, let m = t.extracting(3..<5).decimal,
      let y = t.extracting(6..<10).decimal
    else { return nil }
    return CalendarDay(year: y, month: m, day: d)
  }

  /// `14:03`, `14:03:07` or `14:03:07.123456`.
  private static func clock(_ t: Span<UInt8>, at start: Int) -> (ClockTime, end: Int)? {
    if let clock = ClockTime(text: t, at: start) {
      // A leap second is no instant of ours.
      guard t[start + 6] < UInt8(ascii: "6") else { return nil }
      return (clock, clock.end)
    }
    guard start <= t.count - 5, let clock = ClockTime(text: (t.extracting(start..<start + 5).array + Array(":00".utf8)).span, at: 0),
      start + 5 == t.count || t[start + 5] != UInt8(ascii: ":")
    else { return nil }
    return (clock, start + 5)
  }

  /// `Z`, `+03:00`, `+0300` or `+03`, at most 14 hours.
  private static func offsetMinutes(_ t: Span<UInt8>) -> Int? {
    if t.count == 1, t[0] | 0x20 == UInt8(ascii: "z") { return 0 }
    guard t.count == 3 || t.count == 5 || t.count == 6, t[0] == UInt8(ascii: "+") || t[0] == UInt8(ascii: "-"),
      let hours = t.extracting(1..<3).decimal
    else { return nil }
    if t.count == 6, t[3] != UInt8(ascii: ":") { return nil }
    guard let minutes = t.count == 3 ? 0 : t.extracting(t.count - 2..<t.count).decimal, minutes < 60, hours * 60 + minutes <= 14 * 60 else {
      return nil
    }
    return t[0] == UInt8(ascii: "-") ? -(hours * 60 + minutes) : hours * 60 + minutes
  }

  /// Digits, optionally a fraction of at most six; up to the year 9999.
  private static func unixSeconds(_ t: Span<UInt8>) -> Int64? {
    let point = t.firstIndex(of: UInt8(ascii: ".")) ?? t.count
    guard let seconds = t.extracting(0..<point).decimal, seconds < 253_402_300_800 else { return nil }
    var fraction = 0
    if point < t.count {
      let digits = t.extracting(point + 1..<t.count)
      guard digits.count <= 6, var value = digits.decimal else { return nil }
      for _ in digits.count..<6 { value *= 10 }
      fraction = value
    }
    return Int64(seconds) * Timestamp.second + Int64(fraction)
  }

  /// The instant in the archive's zone.
  /// - Throws: where a clock in that zone showed the time twice or never, with both readings.
  public func instant(in zone: Zone) throws(UsageError) -> Timestamp {
    switch self {
    case .instant(let microseconds): return Self.written(microseconds, in: zone)
    case .day(let day):
      throw UsageError("\(day) is a day, not a time", hint: "write \(day) 14:03")
    case .local(let day, let clock, let text):
      let found = zone.timestamps(day: day, clock: clock)
      if found.count == 1 { return Self.written(found[0].microseconds, in: zone) }
      if found.count > 1 {
        throw UsageError(
          "\(Arguments.quoted(text)) was twice in \(zone.name): \(found.map(Self.written).joined(separator: " and "))",
          hint: "write it with the offset that is meant")
      }
      // The clock went over it: as it reads with the offset before and with the one after.
      let naive = Int64(day.number) * Timestamp.day + clock.microseconds
      let readings = [naive - Timestamp.day, naive + Timestamp.day].map { probe -> String in
        let minutes = zone.offsetMinutes(at: probe)
        return Self.written(Timestamp(day: day, clock: clock, offsetMinutes: minutes))
      }
      throw UsageError(
        "\(Arguments.quoted(text)) never was in \(zone.name), the clock was set forward over it: \(readings.joined(separator: " or "))",
        hint: "write it with the offset that is meant")
    }
  }

  private static func written(_ time: Timestamp) -> String {
    Timestamp(microseconds: time.microseconds, offsetMinutes: time.offsetMinutes, fractionDigits: digits(time.microseconds)).description
  }

  /// With a fraction only where there is one.
  private static func written(_ microseconds: Int64, in zone: Zone) -> Timestamp {
    zone.timestamp(microseconds, fractionDigits: digits(microseconds))
  }

  private static func digits(_ microseconds: Int64) -> Int { microseconds.isMultiple(of: Timestamp.second) ? 0 : 6 }

  /// The beginning of a span: a day alone means its first moment.
  public func beginning(in zone: Zone) throws(UsageError) -> Timestamp {
    guard case .day(let day) = self else { return try instant(in: zone) }
    return Self.firstMoment(of: day, in: zone)
  }

  /// The end of a span, inclusive: a day alone means its last moment, anything else is the instant itself.
  public func end(in zone: Zone) throws(UsageError) -> Timestamp {
    guard case .day(let day) = self else { return try instant(in: zone) }
    return Self.written(Self.firstMoment(of: day.adding(days: 1), in: zone).microseconds - 1, in: zone)
  }

  /// Midnight, or where a clock went over it the first instant behind.
  static func firstMoment(of day: CalendarDay, in zone: Zone) -> Timestamp {
    for minute in 0..<180 {
      var text: [UInt8] = []
      text.append(minute / 60, digits: 2)
      text.append(":")
      text.append(minute % 60, digits: 2)
      text.append(":00")
      if let clock = ClockTime(text: text.span, at: 0), let first = zone.timestamps(day: day, clock: clock).first {
        return written(first.microseconds, in: zone)
      }
    }
    return written(Int64(day.number) * Timestamp.day, in: zone)
  }
}

/// A length of time as a caller writes it: digits and one of d h m s (design section 12.13).
public enum DurationArgument {
  /// Microseconds.
  public static func read(_ text: String, option: String) throws(UsageError) -> Int64 {
    let bytes = Array(text.utf8)
    let units: [UInt8: Int64] = [
      UInt8(ascii: "d"): Timestamp.day, UInt8(ascii: "h"): Timestamp.hour, UInt8(ascii: "m"): Timestamp.minute,
      UInt8(ascii: "s"): Timestamp.second,
    ]
    guard let last = bytes.last, let unit = units[last], let count = bytes.span.extracting(0..<bytes.count - 1).decimal,
      count <= 36_500 * 86_400,
      case (let value, let over) = Int64(count).multipliedReportingOverflow(by: unit), !over, value <= 36_500 * Timestamp.day
    else { throw UsageError("--\(option): \(Arguments.quoted(text)) is no duration", hint: "write digits and one of d, h, m, s: 5m") }
    return value
  }
}

extension CalendarDay {
  /// `2026-11-20` or `20.11.2026`.
  static func argument(_ text: String) throws(UsageError) -> CalendarDay {
    if let time = try? TimeArgument(text), case .day(let day) = time { return day }
    throw UsageError("\(Arguments.quoted(text)) is no day", hint: "write it as 2026-11-20")
  }
}
