/// An instant, and the offset from UTC with which it is written.
public struct Timestamp: Hashable, Sendable, CustomStringConvertible {
  /// Since 1970-01-01T00:00:00Z.
  public var microseconds: Int64
  /// East of UTC.
  public var offsetMinutes: Int
  /// Digits of the fraction: 6 in a record's `time`, in an event as many as the device wrote (at most 6).
  public var fractionDigits: Int

  public init(microseconds: Int64, offsetMinutes: Int = 0, fractionDigits: Int = 6) {
    self.microseconds = microseconds
    self.offsetMinutes = offsetMinutes
    self.fractionDigits = fractionDigits
  }

  public static let second: Int64 = 1_000_000
  public static let minute: Int64 = 60 * second
  public static let hour: Int64 = 3600 * second
  public static let day: Int64 = 86_400 * second

  /// The day in the offset of this time.
  public var localDay: CalendarDay {
    CalendarDay(number: Int((microseconds + Int64(offsetMinutes) * Self.minute).flooredQuotient(Self.day)))
  }

  /// RFC 3339 with a numeric offset or Z, `T` or a space between, at most nine digits of fraction (those behind the
  /// sixth are dropped). nil for anything else, and for days and times that do not exist (a leap second is second 60).
  public init?(rfc3339 text: Span<UInt8>) {
    guard text.count >= 20, let day = CalendarDay(text: text.extracting(0..<10)), text[10] == 0x54 || text[10] == 0x20 || text[10] == 0x74,
      let clock = ClockTime(text: text, at: 11)
    else { return nil }
    let rest = text.extracting(clock.end..<text.count)
    var offset = 0
    if !(rest.count == 1 && rest[0] | 0x20 == 0x7a) {
      guard let o = Self.offset(rest) else { return nil }
      offset = o
    }
    self.init(day: day, clock: clock, offsetMinutes: offset)
  }

  public init?(rfc3339 text: String) { self.init(rfc3339: Array(text.utf8).span) }

  public init(day: CalendarDay, clock: ClockTime, offsetMinutes: Int) {
    microseconds = Int64(day.number) * Self.day + clock.microseconds - Int64(offsetMinutes) * Self.minute
    self.offsetMinutes = offsetMinutes
    fractionDigits = clock.fractionDigits
  }

  /// `+03:00`; up to 14 hours.
  private static func offset(_ text: Span<UInt8>) -> Int? {
    guard text.count == 6, text[0] == 0x2b || text[0] == 0x2d, text[3] == 0x3a, let h = text.extracting(1..<3).decimal,
      let m = text.extracting(4..<6).decimal, m < 60, h * 60 + m <= 14 * 60
    else { return nil }
    return text[0] == 0x2d ? -(h * 60 + m) : h * 60 + m
  }

  /// The same instant as people in that zone write it.
  public func at(offsetMinutes: Int) -> Timestamp {
    Timestamp(microseconds: microseconds, offsetMinutes: offsetMinutes, fractionDigits: fractionDigits)
  }

  public var description: String {
    var out: [UInt8] = []
    out.append(self)
    return String(decoding: out, as: UTF8.self)
  }
}

/// A time of day as written: `HH:MM:SS`, optionally a fraction.
public struct ClockTime: Sendable {
  public var microseconds: Int64
  public var fractionDigits: Int
  /// Index behind the last byte that belongs to it.
  public var end: Int

  /// The fraction begins with `.` or `,` and has one to nine digits.
  public init?(text: Span<UInt8>, at start: Int) {
    guard start >= 0, start <= text.count - 8, text[start + 2] == 0x3a, text[start + 5] == 0x3a,
      let h = text.twoDigits(at: start), let m = text.twoDigits(at: start + 3), let s = text.twoDigits(at: start + 6), h < 24, m < 60,
      s <= 60
    else { return nil }
    end = start + 8
    microseconds = Int64(h * 3600 + m * 60 + s) * Timestamp.second
    fractionDigits = 0
    guard end < text.count - 1, text[end] == 0x2e || text[end] == 0x2c, text[end + 1].isDigit else { return }
    var scale: Int64 = 100_000
    var i = end + 1
    while i < text.count, text[i].isDigit {
      guard i - end <= 9 else { return nil }
      microseconds += Int64(text[i] &- 0x30) * scale
      scale /= 10
      i += 1
    }
    fractionDigits = min(i - end - 1, 6)
    end = i
  }
}

extension FixedWidthInteger {
  /// Division that rounds down, so that times before 1970 fall into the right day.
  @inlinable public func flooredQuotient(_ divisor: Self) -> Self {
    let q = self / divisor
    return self % divisor < 0 ? q - 1 : q
  }
}

extension [UInt8] {
  /// RFC 3339 with numeric offset.
  public mutating func append(_ time: Timestamp) { append(room: TextRoom.longestTime) { $0.put(time) } }
}

extension TextRoom {
  /// A year may have more digits than four.
  static var longestTime: Int { 48 }

  mutating func put(_ time: Timestamp) {
    let local = time.microseconds &+ Int64(time.offsetMinutes) &* Timestamp.minute
    let days = local.flooredQuotient(Timestamp.day)
    let rest = Int(local - days * Timestamp.day)
    put(CalendarDay(number: Int(days)))
    put(0x54)
    let seconds = rest / 1_000_000
    put(seconds / 3600, digits: 2)
    put(0x3a)
    put(seconds / 60 % 60, digits: 2)
    put(0x3a)
    put(seconds % 60, digits: 2)
    if time.fractionDigits > 0 {
      put(0x2e)
      var fraction = rest % 1_000_000
      for _ in Swift.min(time.fractionDigits, 6)..<6 { fraction /= 10 }
      put(fraction, digits: Swift.min(time.fractionDigits, 6))
    }
    put(time.offsetMinutes < 0 ? 0x2d : 0x2b)
    put(abs(time.offsetMinutes) / 60, digits: 2)
    put(0x3a)
    put(abs(time.offsetMinutes) % 60, digits: 2)
  }
}
