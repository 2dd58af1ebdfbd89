import Record
import Testing

@testable import Commands

@Suite struct TimeArgumentTests {
  let istanbul: Zone

  init() throws { istanbul = try #require(Zone(named: "Europe/Istanbul")) }

  @Test(
    "every permitted form",
    arguments: [
      ("2026-11-20 14:03", "2026-11-20T14:03:00+03:00"),
      ("2026-11-20T14:03", "2026-11-20T14:03:00+03:00"),
      ("2026-11-20 14:03:07", "2026-11-20T14:03:07+03:00"),
      ("2026-11-20 14:03:07.25", "2026-11-20T14:03:07.25+03:00"),
      ("2026-11-20T14:03:00+03:00", "2026-11-20T14:03:00+03:00"),
      ("2026-11-20T11:03:00Z", "2026-11-20T14:03:00+03:00"),
      ("2026-11-20 14:03+03:00", "2026-11-20T14:03:00+03:00"),
      ("2026-11-20 14:03:07.5 +03:00", "2026-11-20T14:03:07.5+03:00"),
      ("2026-11-20T06:03-0500", "2026-11-20T14:03:00+03:00"),
      ("20.11.2026 14:03", "2026-11-20T14:03:00+03:00"),
      ("20.11.2026T14:03:07", "2026-11-20T14:03:07+03:00"),
      ("20.11.2026 14:03:07+03:00", "2026-11-20T14:03:07+03:00"),
      ("1795172580", "2026-11-20T14:03:00+03:00"),
      ("1795172580.000001", "2026-11-20T14:03:00.000001+03:00"),
      ("0", "1970-01-01T02:00:00+02:00"),
      // Summer time, as Turkey had it until 2016.
      ("2015-07-01 12:00", "2015-07-01T12:00:00+03:00"),
      ("2015-12-01 12:00", "2015-12-01T12:00:00+02:00"),
    ])
  func forms(text: String, expected: String) throws {
    let wanted = try #require(Timestamp(rfc3339: expected))
    let read = try TimeArgument(text).instant(in: istanbul)
    #expect(read.microseconds == wanted.microseconds)
    #expect(read.offsetMinutes == wanted.offsetMinutes)
  }

  @Test(
    "what is no time is refused",
    arguments: [
      "", "yesterdayish", "2026-13-40 10:00", "2026-02-29 10:00", "2026-11-20 24:00", "2026-11-20 14:60", "2026-11-20 14",
      "2026-11-20  14:03",
      "2026-11-20 14:03:60", "2026-11-20 14:03 EET", "2026-11-20 14:03+15:00", "2026-11-20 14:03:07.", "2026-11-20 14:03 ",
      "20.11.26 14:03",
      "31.11.2026 10:00", "-5", "1e9", "1795172580.0000001", "999999999999999999999", "2026-11-20", "2026-11-20T14:03:00+3:00", "14:03",
    ])
  func refused(text: String) {
    #expect(throws: UsageError.self) { try TimeArgument(text).instant(in: istanbul) }
  }

  @Test("a time that a clock showed twice is refused with both readings")
  func twice() throws {
    // 2015-11-08 04:00 +03:00 became 03:00 +02:00.
    let error = #expect(throws: UsageError.self) { try TimeArgument("2015-11-08 03:30").instant(in: istanbul) }
    #expect(error?.words == "`2015-11-08 03:30` was twice in Europe/Istanbul: 2015-11-08T03:30:00+03:00 and 2015-11-08T03:30:00+02:00")
    #expect(try TimeArgument("2015-11-08 03:30+02:00").instant(in: istanbul).description == "2015-11-08T03:30:00+02:00")
    #expect(try TimeArgument("2015-11-08 02:59").instant(in: istanbul).offsetMinutes == 180)
    #expect(try TimeArgument("2015-11-08 04:00").instant(in: istanbul).offsetMinutes == 120)
  }

  @Test("a time that a clock was set forward over is refused with both readings")
  func never() {
    let error = #expect(throws: UsageError.self) { try TimeArgument("2015-03-29 03:30").instant(in: istanbul) }
    #expect(error?.words.contains("2015-03-29T03:30:00+02:00 or 2015-03-29T03:30:00+03:00") == true)
  }

  @Test("a day alone begins and ends a span")
  func days() throws {
    let day = try TimeArgument("20.11.2026")
    #expect(try day.beginning(in: istanbul).description == "2026-11-20T00:00:00+03:00")
    #expect(try day.end(in: istanbul).description == "2026-11-20T23:59:59.999999+03:00")
    // In Beirut the clock went from 00:00 to 01:00 that day.
    let beirut = try #require(Zone(named: "Asia/Beirut"))
    #expect(try TimeArgument("2025-03-30").beginning(in: beirut).description == "2025-03-30T01:00:00+03:00")
  }

  @Test("durations are digits and one of d h m s")
  func durations() throws {
    #expect(try DurationArgument.read("5m", option: "window") == 300_000_000)
    #expect(try DurationArgument.read("0s", option: "window") == 0)
    #expect(try DurationArgument.read("730d", option: "window") == 730 * 86_400_000_000)
    for bad in ["", "5", "m", "-5m", "5 m", "5min", "1.5h", "99999999999999999d", "5ms"] {
      #expect(throws: UsageError.self, "\(bad)") { try DurationArgument.read(bad, option: "window") }
    }
  }
}
