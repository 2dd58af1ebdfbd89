import Record
import Testing

@Suite struct TimeTests {
  @Test(
    "RFC 3339 is read and written back with its offset and precision",
    arguments: [
      "2026-11-23T14:03:07.123456+03:00", "2026-11-23T14:03:07+03:00", "2026-11-23T14:03:07.1-05:30", "2028-02-29T00:00:00+00:00",
      "1969-12-31T23:59:59.999999+00:00", "0001-01-01T00:00:00+00:00",
    ])
  func roundTrip(_ text: String) { #expect(Timestamp(rfc3339: text)?.description == text) }

  @Test(
    "Z, a space and long fractions are read",
    arguments: [
      ("2026-11-23T11:03:07Z", "2026-11-23T11:03:07+00:00"), ("2026-11-23 11:03:07.5z", "2026-11-23T11:03:07.5+00:00"),
      ("2026-11-23T11:03:07.123456789Z", "2026-11-23T11:03:07.123456+00:00"),
    ])
  func variants(_ text: String, _ written: String) { #expect(Timestamp(rfc3339: text)?.description == written) }

  @Test(
    "times that do not exist are none",
    arguments: [
      "", "2026-11-31T00:00:00Z", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-11-23T24:00:00Z",
      "2026-11-23T00:60:00Z",
      "2026-11-23T00:00:61Z", "2026-11-23T00:00:00", "2026-11-23T00:00:00+3:00", "2026-11-23T00:00:00+0300", "2026-11-23T00:00:00+15:00",
      "2026-11-23T00:00:00Z ", "2026-11-23T00:00:00.Z", "26-11-23T00:00:00Z", "2026-11-23T0:00:00Z", "0000-01-01T00:00:00Z",
    ])
  func rejects(_ text: String) { #expect(Timestamp(rfc3339: text) == nil) }

  @Test("days count through leap years and centuries")
  func days() throws {
    #expect(CalendarDay("1970-01-01")?.number == 0)
    #expect(CalendarDay("2000-02-29")?.adding(days: 1).description == "2000-03-01")
    #expect(CalendarDay("1900-02-29") == nil && CalendarDay("2100-02-29") == nil && CalendarDay("2026-11-31") == nil)
    var day = try #require(CalendarDay("1999-12-25"))
    for _ in 0..<1000 {
      #expect(CalendarDay(day.description) == day)
      day = day.adding(days: 1)
    }
    #expect(day.description == "2002-09-20")
  }

  @Test("the local day is that of the offset")
  func localDay() throws {
    #expect(try #require(Timestamp(rfc3339: "2026-11-23T23:30:00Z")).at(offsetMinutes: 180).localDay.description == "2026-11-24")
    #expect(try #require(Timestamp(rfc3339: "1969-12-31T23:30:00Z")).localDay.description == "1969-12-31")
  }

  @Test(
    "a zone has the offsets of its past",
    arguments: [
      ("Europe/Istanbul", "2015-01-05T12:00:00Z", 120), ("Europe/Istanbul", "2015-07-01T12:00:00Z", 180),
      ("Europe/Istanbul", "2026-01-05T12:00:00Z", 180),
      ("Europe/Istanbul", "2049-07-05T12:00:00Z", 180), ("Europe/Berlin", "2026-01-05T12:00:00Z", 60),
      ("Europe/Berlin", "2026-07-05T12:00:00Z", 120),
      ("Europe/Berlin", "2026-10-25T00:59:59Z", 120), ("Europe/Berlin", "2026-10-25T01:00:00Z", 60),
      ("Europe/Berlin", "2060-07-05T12:00:00Z", 120),
      ("Europe/Berlin", "2060-01-05T12:00:00Z", 60), ("America/New_York", "2060-07-05T12:00:00Z", -240),
      ("Australia/Sydney", "2060-01-05T12:00:00Z", 660),
      ("Australia/Sydney", "2060-07-05T12:00:00Z", 600), ("Asia/Kolkata", "2026-01-05T12:00:00Z", 330), ("UTC", "2026-01-05T12:00:00Z", 0),
    ])
  func offsets(_ name: String, _ at: String, _ minutes: Int) throws {
    let zone = try #require(Zone(named: name))
    let time = try #require(Timestamp(rfc3339: at))
    #expect(zone.offsetMinutes(at: time.microseconds) == minutes)
    let (seconds, until) = zone.offset(at: time.microseconds / Timestamp.second)
    #expect(seconds == minutes * 60 && until > time.microseconds / Timestamp.second)
  }

  @Test(
    "a name that is no zone is none, wherever it points",
    arguments: [
      "", "Europe/Efeler", "../../etc/passwd", "/etc/passwd", "Europe", "zone.tab", "Europe/../Europe/Istanbul", "1UTC",
    ])
  func noZone(_ name: String) { #expect(Zone(named: name) == nil) }

  @Test(
    "a local time is one instant, two where clocks are set back, none where they are set forward",
    arguments: [
      ("2026-10-25", "02:30:00", ["2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"]), ("2026-03-29", "02:30:00", []),
      ("2026-07-01", "12:00:00.5", ["2026-07-01T12:00:00.5+02:00"]), ("2026-03-29", "03:00:00", ["2026-03-29T03:00:00+02:00"]),
    ])
  func local(_ day: String, _ clock: String, _ instants: [String]) throws {
    let zone = try #require(Zone(named: "Europe/Berlin"))
    guard let clock = ClockTime(text: Array(clock.utf8).span, at: 0) else {
      Issue.record("no time")
      return
    }
    #expect(zone.timestamps(day: try #require(CalendarDay(day)), clock: clock).map(\.description) == instants)
  }
}
