public import Record

/// The one form in which records carry their time: `2026-11-23T14:03:07.123456+03:00`.
public enum RecordTime {
  public static let count = 32

  /// nil unless the text is exactly of that form and names a time that exists.
  public static func parse(_ text: Span<UInt8>) -> Timestamp? {
    guard text.count == count, text[19] == 0x2e else { return nil }
    return strict(text)
  }

  /// RFC 3339 with `T`, a numeric offset and up to nine digits of fraction: how every time in a contract file is
  /// written, seals' `made` included. No leap second: neither daemon nor kernel writes one.
  public static func strict(_ text: Span<UInt8>) -> Timestamp? {
    guard text.count >= 25, text[10] == 0x54, text[17] < 0x36, text[19] != 0x2c else { return nil }
    guard text[text.count - 3] == 0x3a else { return nil }
    return Timestamp(rfc3339: text)
  }

  public static func strict(_ text: String) -> Timestamp? { strict(Array(text.utf8).span) }

  /// The time of a record whose line begins with it, as every line we write does; nil otherwise.
  @inline(__always) public static func leading(_ line: Span<UInt8>) -> Timestamp? {
    guard line.count > 42, line.starts(with: "{\"time\":\""), line[41] == 0x22 else { return nil }
    return parse(line.extracting(9..<41))
  }

  /// The time of any record, wherever the member stands; nil where the line has none or is malformed.
  public static func of(_ line: Span<UInt8>) -> Timestamp? {
    if let time = leading(line) { return time }
    guard let value = try? StrictJSON.object(line), let text = value["time"]?.string else { return nil }
    return parse(Array(text.utf8).span)
  }
}

/// Reads the times at the beginnings of lines, one after another: most are of the second that was read last, and then only
/// the fraction is looked at.
struct RecordTimes {
  /// `"time":"2026-11-23T14:03:07` and `+03:00",` of the second at hand, as words.
  private var second: (UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0)
  /// The beginning of that second.
  private var start: Timestamp?

  /// The same as `RecordTime.of`.
  mutating func time(of line: Span<UInt8>) -> Timestamp? {
    guard line.count >= 43 else { return RecordTime.of(line) }
    let words = (line.word(at: 1), line.word(at: 9), line.word(at: 17), line.word(at: 20), line.word(at: 35))
    if let start, words == second, line[0] == 0x7b, line[28] == 0x2e {
      // The fraction's six digits, as the last of eight.
      if let fraction = Self.number(line.word(at: 29) << 16 | 0x3030) {
        return Timestamp(microseconds: start.microseconds + fraction, offsetMinutes: start.offsetMinutes)
      }
    }
    guard let time = RecordTime.leading(line) else { return RecordTime.of(line) }
    second = words
    start = Timestamp(
      microseconds: time.microseconds.flooredQuotient(Timestamp.second) * Timestamp.second, offsetMinutes: time.offsetMinutes)
    return time
  }

  /// What eight decimal digits say, the first in the least significant byte; nil where one is none. Pairs of neighbours are
  /// put together, then fours, then all.
  private static func number(_ digits: UInt64) -> Int64? {
    let high: UInt64 = 0xf0f0_f0f0_f0f0_f0f0
    guard digits & high == 0x3030_3030_3030_3030, (digits &+ 0x0606_0606_0606_0606) & high == 0x3030_3030_3030_3030 else { return nil }
    let pairs = ((digits & ~high) &* (10 << 8 | 1)) >> 8 & 0x00ff_00ff_00ff_00ff
    let fours = (pairs &* (100 << 16 | 1)) >> 16 & 0x0000_ffff_0000_ffff
    return Int64((fours &* (10_000 << 32 | 1)) >> 32)
  }
}
