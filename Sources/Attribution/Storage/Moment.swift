public import Record

/// An instant and with how many digits of a second it was written, in one integer that sorts by time: microseconds
/// since 1970, three bits for the digits. It is what the index stores.
public struct Moment: Hashable, Comparable, Sendable {
  public let raw: Int64

  /// Years 1 to 9999: what lies outside is taken for the nearest inside.
  static let earliest: Int64 = -62_135_596_800_000_000 + Timestamp.day
  static let latest: Int64 = 253_402_300_799_999_999 - Timestamp.day

  public init(raw: Int64) { self.raw = raw }

  public init(microseconds: Int64, digits: Int = 6) {
    raw = min(max(microseconds, Self.earliest), Self.latest) << 3 | Int64(min(max(digits, 0), 6))
  }

  public init(_ time: Timestamp) { self.init(microseconds: time.microseconds, digits: time.fractionDigits) }

  public var microseconds: Int64 { raw >> 3 }
  public var digits: Int { Int(raw & 7) }

  public func adding(_ microseconds: Int64) -> Moment {
    let (sum, over) = self.microseconds.addingReportingOverflow(microseconds)
    return Moment(microseconds: over ? (microseconds < 0 ? .min : .max) : sum, digits: digits)
  }

  public func timestamp(in zone: Zone) -> Timestamp { zone.timestamp(microseconds, fractionDigits: digits) }

  public static func < (a: Moment, b: Moment) -> Bool { a.raw < b.raw }
}

/// Where a record stands in the archive, in one integer that sorts in that order.
public struct RecordPosition: Hashable, Comparable, Sendable {
  public let raw: Int64

  public init(raw: Int64) { self.raw = raw }
  public init(day: CalendarDay, record: Int) { raw = Int64(day.number) << 32 | Int64(UInt32(clamping: record)) }

  public var day: CalendarDay { CalendarDay(number: Int(raw >> 32)) }
  public var record: Int { Int(raw & 0xffff_ffff) }

  public static func < (a: RecordPosition, b: RecordPosition) -> Bool { a.raw < b.raw }
}
