/// A day of the proleptic Gregorian calendar, without a time zone.
public struct CalendarDay: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// Days since 1970-01-01.
  public let number: Int

  public init(number: Int) { self.number = number }

  /// nil where there is no such day (31 November).
  public init?(year: Int, month: Int, day: Int) {
    guard (1...9999).contains(year), (1...12).contains(month), day >= 1, day <= Self.length(year: year, month: month) else { return nil }
    // Days from civil: the year begins in March, so that the leap day comes last.
    let y = month <= 2 ? year - 1 : year
    let era = y / 400
    let yearOfEra = y - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    number = era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  /// `2026-11-23` and nothing else.
  public init?(text: Span<UInt8>) {
    guard text.count == 10, text[4] == 0x2d, text[7] == 0x2d, let y = text.extracting(0..<4).decimal,
      let m = text.extracting(5..<7).decimal,
      let d = text.extracting(8..<10).decimal
    else { return nil }
    self.init(year: y, month: m, day: d)
  }

  public init?(_ text: String) { self.init(text: Array(text.utf8).span) }

  public var date: (year: Int, month: Int, day: Int) {
    let z = number + 719_468
    let era = (z >= 0 ? z : z - 146_096) / 146_097
    let dayOfEra = z - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let m = (5 * dayOfYear + 2) / 153
    let month = m < 10 ? m + 3 : m - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * m + 2) / 5 + 1)
  }

  public static func length(year: Int, month: Int) -> Int {
    switch month {
    case 2: year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400)) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  public func adding(days: Int) -> CalendarDay { CalendarDay(number: number + days) }
  public static func < (a: CalendarDay, b: CalendarDay) -> Bool { a.number < b.number }
  public var description: String {
    var out: [UInt8] = []
    out.append(self)
    return String(decoding: out, as: UTF8.self)
  }
}

extension [UInt8] {
  public mutating func append(_ day: CalendarDay) { append(room: 10) { $0.put(day) } }
}

extension TextRoom {
  /// 10 bytes.
  mutating func put(_ day: CalendarDay) {
    let (y, m, d) = day.date
    put(y, digits: 4)
    put(0x2d)
    put(m, digits: 2)
    put(0x2d)
    put(d, digits: 2)
  }
}
