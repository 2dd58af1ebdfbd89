import Record

/// The time a device writes into its message, before it is an instant: RFC 3164 has neither year nor zone.
public enum DeviceTime: Sendable {
  /// With offset: an instant whatever the source's zone.
  case instant(Timestamp)
  /// A day with its year and a time of day, of a clock in the source's zone.
  case local(CalendarDay, ClockTime)
  /// Month (1 to 12) and day of a year that is not written.
  case yearless(month: Int, day: Int, ClockTime)
  /// Looks like a time, but there is no such day.
  case impossible

  /// The instant that the device claims, written at the zone's offset; nil where there is none.
  ///
  /// - A year that is not written is the one that puts the time nearest to reception, but not more than a day after it.
  /// - Where a clock was set back, a local time means two instants: the one nearer to reception is taken, since
  ///   messages are received as they are written. A time that the clock was set forward over is none.
  /// - Parameter received: microseconds since 1970 of the reception, or of what stands for it in an imported file.
  public func resolved(zone: Zone, received: Int64) -> Timestamp? {
    switch self {
    case .impossible: return nil
    case .instant(let time): return time.at(offsetMinutes: zone.offsetMinutes(at: time.microseconds))
    case .local(let day, let clock): return Self.nearest(zone.instants(day: day, clock: clock), received)
    case .yearless(let month, let day, let clock):
      let year = zone.timestamp(received).localDay.date.year
      var best: Timestamp?
      // Within half a year of reception no other year is nearer, also if the clock was set forward over this time.
      if let day = CalendarDay(year: year, month: month, day: day) {
        let local = Int64(day.number) * Timestamp.day + clock.microseconds
        let ahead = local - Int64(zone.offsetMinutes(at: local)) * Timestamp.minute - received
        if ahead <= Timestamp.day, ahead > -182 * Timestamp.day { return Self.nearest(zone.instants(day: day, clock: clock), received) }
      }
      for candidate in year - 1...year + 1 {
        guard let day = CalendarDay(year: candidate, month: month, day: day),
          let time = Self.nearest(zone.instants(day: day, clock: clock), received), time.microseconds - received <= Timestamp.day
        else { continue }
        if let found = best, Self.distance(found, received) <= Self.distance(time, received) { continue }
        best = time
      }
      return best
    }
  }

  private static func distance(_ time: Timestamp, _ received: Int64) -> UInt64 { (time.microseconds - received).magnitude }

  private static func nearest(_ instants: (first: Timestamp?, second: Timestamp?), _ received: Int64) -> Timestamp? {
    guard let first = instants.first, let second = instants.second else { return instants.first }
    return distance(second, received) < distance(first, received) ? second : first
  }
}

// Reading.
extension DeviceTime {
  private var hasFraction: Bool {
    switch self {
    case .local(_, let clock), .yearless(_, _, let clock): clock.fractionDigits > 0
    case .instant, .impossible: false
    }
  }

  /// `2026-11-20T10:15:02.123+03:00` and the index behind it.
  /// - Parameter strict: exactly RFC 5424 section 6.2.3. Else also a space for T, a comma before the fraction, nine
  ///   digits of it, an offset without colon or without minutes, or none.
  public static func iso(_ text: Span<UInt8>, at start: Int, strict: Bool) -> (time: DeviceTime, end: Int)? {
    guard start >= 0, start <= text.count - 19, text[start + 4] == 0x2d, text[start + 7] == 0x2d, let century = text.twoDigits(at: start),
      let rest = text.twoDigits(at: start + 2), let month = text.twoDigits(at: start + 5), let dayOfMonth = text.twoDigits(at: start + 8),
      text[start + 10] == 0x54 || !strict && text[start + 10] == 0x20, let clock = ClockTime(text: text, at: start + 11)
    else { return nil }
    var end = clock.end
    let next = end < text.count ? text[end] : 0
    if strict {
      guard clock.fractionDigits == 0 || text[start + 19] == 0x2e && end - start <= 26, clock.microseconds < Timestamp.day,
        text[start + 17] < 0x36, next == 0x5a || next == 0x2b || next == 0x2d
      else { return nil }
    }
    guard let day = CalendarDay(year: century * 100 + rest, month: month, day: dayOfMonth) else { return strict ? nil : (.impossible, end) }
    if next == 0x5a { return (.instant(Timestamp(day: day, clock: clock, offsetMinutes: 0)), end + 1) }
    guard next == 0x2b || next == 0x2d, let hours = text.twoDigits(at: end + 1), hours < 24 else { return (.local(day, clock), end) }
    end += 3
    var minutes = 0
    if end < text.count, text[end] == 0x3a, let m = text.twoDigits(at: end + 1) {
      minutes = m
      end += 3
    } else if strict {
      return nil
    } else if let m = text.twoDigits(at: end) {
      minutes = m
      end += 2
    }
    guard minutes < 60 else { return nil }
    let offset = (hours * 60 + minutes) * (next == 0x2d ? -1 : 1)
    return (.instant(Timestamp(day: day, clock: clock, offsetMinutes: offset)), end)
  }

  /// `Nov 20 10:15:02`, with a fraction, with the year before or behind the time of day, in English or Turkish.
  public static func bsd(_ text: Span<UInt8>, at start: Int) -> (time: DeviceTime, end: Int)? {
    guard start >= 0, start <= text.count - 14, let (month, length) = month(text, start), text[start + length] == 0x20 else { return nil }
    var i = start + length + 1
    if text[i] == 0x20 { i += 1 }
    var day = 0
    let dayStart = i
    while i < text.count, text[i].isDigit, i - dayStart < 2 {
      day = day * 10 + Int(text[i] &- 0x30)
      i += 1
    }
    guard i > dayStart, i < text.count, text[i] == 0x20 else { return nil }
    i += 1
    var year = Self.year(text, i)
    if year != nil { i += 5 }
    guard let clock = ClockTime(text: text, at: i) else { return nil }
    var end = clock.end
    if year == nil, end < text.count, text[end] == 0x20, let behind = Self.year(text, end + 1) {
      year = behind
      end += 5
    }
    guard end >= text.count || !text[end].isDigit, (1...31).contains(day) else { return nil }
    if let year {
      guard let day = CalendarDay(year: year, month: month, day: day) else { return (.impossible, end) }
      return (.local(day, clock), end)
    }
    // 2028 has every day that a year can have.
    guard day <= CalendarDay.length(year: 2028, month: month) else { return (.impossible, end) }
    return (.yearless(month: month, day: day, clock), end)
  }

  /// Four digits from 1970 to 2099, and a blank, a colon or the end behind them.
  private static func year(_ text: Span<UInt8>, _ start: Int) -> Int? {
    guard let century = text.twoDigits(at: start), let rest = text.twoDigits(at: start + 2) else { return nil }
    let year = century * 100 + rest
    guard (1970...2099).contains(year) else { return nil }
    guard start + 4 < text.count else { return year }
    return text[start + 4] == 0x20 || text[start + 4] == 0x3a ? year : nil
  }

  /// The month (1 to 12) whose short name stands there, and its bytes.
  private static func month(_ text: Span<UInt8>, _ i: Int) -> (Int, Int)? {
    let name = UInt32(text[i]) << 16 | UInt32(text[i + 1]) << 8 | UInt32(text[i + 2])
    switch name {
    case 0x4a616e, 0x4f6361: return (1, 3)  // Jan, Oca
    case 0x466562: return (2, 3)  // Feb
    case 0x4d6172: return (3, 3)  // Mar
    case 0x417072, 0x4e6973: return (4, 3)  // Apr, Nis
    case 0x4d6179: return (5, 3)  // May
    case 0x4a756e, 0x48617a: return (6, 3)  // Jun, Haz
    case 0x4a756c, 0x54656d: return (7, 3)  // Jul, Tem
    case 0x417567: return (8, 3)  // Aug
    case 0x536570, 0x45796c: return (9, 3)  // Sep, Eyl
    case 0x4f6374, 0x456b69: return (10, 3)  // Oct, Eki
    case 0x4e6f76, 0x4b6173: return (11, 3)  // Nov, Kas
    case 0x446563, 0x417261: return (12, 3)  // Dec, Ara
    case 0xc59e75: return text[i + 3] == 0x62 ? (2, 4) : nil  // Şub
    case 0x41c49f: return text[i + 3] == 0x75 ? (8, 4) : nil  // Ağu
    default: return nil
    }
  }

  /// Cisco's form: the time may be marked (`*` never synchronised, `.` lost its source) and name its zone before the
  /// message: `*Mar  1 00:00:00.123 UTC: %LINK-3-UPDOWN: …`. Without these it is the plain form.
  struct Marked {
    var time: DeviceTime?
    /// The time alone.
    var range: Range<Int>
    /// Behind the zone's name.
    var end: Int

    /// - Parameter cisco: whether what stands before has shown that this is Cisco's; else a mark or a fraction must,
    ///   or `Nov 20 10:15:02 EDGE: %ASA-…` would lose its host.
    init(_ text: Span<UInt8>, at start: Int, cisco: Bool = false) {
      var i = start
      let marked = i < text.count && (text[i] == 0x2a || text[i] == 0x2e)
      if marked { i += 1 }
      guard let (read, behind) = DeviceTime.bsd(text, at: i) else {
        (time, range, end) = (nil, start..<start, start)
        return
      }
      (time, range, end) = (read, i..<behind, behind)
      guard cisco || marked || read.hasFraction, behind < text.count, text[behind] == 0x20 else { return }
      var j = behind + 1
      while j < text.count, text[j] &- 0x41 < 26 || text[j].isDigit || text[j] == 0x2b || text[j] == 0x2d, j - behind <= 6 { j += 1 }
      guard j > behind + 1, text.starts(with: ": %", at: j) else { return }
      let zone = text.extracting(behind + 1..<j)
      end = j
      // Other abbreviations are ambiguous; the source's zone says what they mean.
      guard zone.equals("UTC") || zone.equals("GMT"), case .local(let day, let clock) = read else { return }
      time = .instant(Timestamp(day: day, clock: clock, offsetMinutes: 0))
    }
  }
}

// Times that name their zone.
extension DeviceTime {
  /// `2018-01-06 01:02:03 CET`, `… +03` or `… +03:00`: a time and what strftime's `%Z` writes. Names that mean one offset are
  /// taken; others (CST, IST, BST …) are not, and the time is `impossible`: a wrong instant would be a guess.
  public static func zoned(_ text: Span<UInt8>, at start: Int) -> (time: DeviceTime, end: Int)? {
    guard let (time, behind) = iso(text, at: start, strict: false), behind < text.count, text[behind] == 0x20 else { return nil }
    var end = behind + 1
    while end < text.count, text[end].isLetter || text[end].isDigit || text[end] == 0x2b || text[end] == 0x2d, end - behind <= 8 {
      end += 1
    }
    // +03:00
    if end - behind == 4, text[behind + 1] == 0x2b || text[behind + 1] == 0x2d, end + 2 < text.count, text[end] == 0x3a,
      text[end + 1].isDigit, text[end + 2].isDigit
    {
      end += 3
    }
    let zone = text.extracting(behind + 1..<end)
    guard zone.count > 0 else { return nil }
    guard case .local(let day, let clock) = time, let minutes = offset(zone) else { return (.impossible, end) }
    return (.instant(Timestamp(day: day, clock: clock, offsetMinutes: minutes)), end)
  }

  /// Minutes east of UTC of a zone's abbreviation.
  private static func offset(_ zone: Span<UInt8>) -> Int? {
    if zone[0] == 0x2b || zone[0] == 0x2d {
      guard let hours = zone.twoDigits(at: 1), hours < 24 else { return nil }
      let minutes = zone.count == 6 ? zone.twoDigits(at: 4) : zone.count == 5 ? zone.twoDigits(at: 3) : zone.count == 3 ? 0 : nil
      guard let minutes, minutes < 60 else { return nil }
      return (hours * 60 + minutes) * (zone[0] == 0x2d ? -1 : 1)
    }
    if zone.equals("UTC") || zone.equals("GMT") { return 0 }
    if zone.equals("CET") { return 60 }
    if zone.equals("CEST") || zone.equals("EET") { return 120 }
    if zone.equals("EEST") || zone.equals("TRT") || zone.equals("MSK") { return 180 }
    return nil
  }
}
