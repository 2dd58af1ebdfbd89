import Glibc

/// A time zone of the IANA database, read from its TZif file (RFC 8536). Foundation's own is nil in a static program.
public struct Zone: Sendable, Hashable {
  public let name: String
  /// Since when (seconds since 1970) which offset (seconds east of UTC) holds; sorted; the first holds before it too.
  private let transitions: [Transition]
  /// What holds after the last transition, where the zone still changes every year.
  private let rule: PosixRule?

  struct Transition: Sendable, Hashable {
    var at: Int64
    var offset: Int
  }

  public static let utc = Zone(name: "UTC", transitions: [Transition(at: .min, offset: 0)], rule: nil)

  private init(name: String, transitions: [Transition], rule: PosixRule?) {
    self.name = name
    self.transitions = transitions
    self.rule = rule
  }

  /// The zone of that name, nil where the system has none (package tzdata) or its file is damaged.
  public init?(named name: String, folder: String = "/usr/share/zoneinfo") {
    if name == "UTC" || name == "Etc/UTC" {
      self = .utc
      return
    }
    let letters = Array(name.utf8)
    guard !letters.isEmpty, letters.count < 64, letters[0].isLetter,
      letters.allSatisfy({ $0.isLetter || $0.isDigit || $0 == 0x2f || $0 == 0x5f || $0 == 0x2d || $0 == 0x2b }),
      let file = Zone.read(folder + "/" + name), let parsed = try? Zone.parse(file.span)
    else { return nil }
    self.init(name: name, transitions: parsed.0, rule: parsed.1)
  }

  private static func read(_ path: String) -> [UInt8]? {
    let fd = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard fd >= 0 else { return nil }
    defer { close(fd) }
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    let n = unsafe Glibc.read(fd, &bytes, bytes.count)
    guard n > 0, n < bytes.count else { return nil }
    return Array(bytes[0..<n])
  }

  /// RFC 8536 section 3: the second, 64-bit part of the file, and the rule in its footer.
  private static func parse(_ file: Span<UInt8>) throws(Malformed) -> ([Transition], PosixRule?) {
    var c = ByteCursor(file)
    func header(_ c: inout ByteCursor) throws(Malformed) -> (version: UInt8, counts: [Int]) {
      guard try c.take(4, "TZif").equals("TZif") else { throw Malformed(offset: 0, field: "TZif") }
      let version = try c.uint8("version")
      try c.skip(15, "unused")
      var counts: [Int] = []
      for _ in 0..<6 { counts.append(Int(try c.uint32("count"))) }
      guard counts.allSatisfy({ $0 <= 1 << 14 }) else { throw Malformed(offset: c.offset, field: "count") }
      return (version, counts)  // isutc, isstd, leap, time, type, char
    }
    let first = try header(&c)
    guard first.version >= 0x32 else { throw Malformed(offset: 4, field: "version 2") }
    let n = first.counts
    try c.skip(n[3] * 5 + n[4] * 6 + n[5] + n[2] * 8 + n[1] + n[0], "version 1 data")
    let m = try header(&c).counts
    var times: [Int64] = []
    for _ in 0..<m[3] { times.append(Int64(bitPattern: try c.uint64("transition"))) }
    var kinds: [Int] = []
    for _ in 0..<m[3] { kinds.append(Int(try c.uint8("kind"))) }
    var offsets: [Int] = []
    for _ in 0..<m[4] {
      offsets.append(Int(Int32(bitPattern: try c.uint32("offset"))))
      try c.skip(2, "kind")
    }
    try c.skip(m[5] + m[2] * 12 + m[1] + m[0], "rest")
    guard let initial = offsets.first, offsets.allSatisfy({ abs($0) < 86_400 }) else { throw Malformed(offset: c.offset, field: "offset") }
    var transitions = [Transition(at: .min, offset: initial)]
    for (t, k) in zip(times, kinds) {
      guard k < offsets.count else { throw Malformed(offset: c.offset, field: "kind") }
      transitions.append(Transition(at: t, offset: offsets[k]))
    }
    let footer = c.rest()
    guard footer.count >= 2 else { return (transitions, nil) }
    return (transitions, PosixRule(text: footer.extracting(1..<footer.count - 1)))
  }

  /// Seconds east of UTC at that instant, and until when (seconds since 1970) they hold at least.
  public func offset(at seconds: Int64) -> (seconds: Int, until: Int64) {
    // Nearly every question is about the time since the last change.
    let last = transitions[transitions.count - 1]
    if seconds >= last.at, rule?.daylight == nil { return (rule?.standard ?? last.offset, .max) }
    var low = 0
    var high = transitions.count
    while high - low > 1 {
      let middle = (low + high) / 2
      if transitions[middle].at <= seconds { low = middle } else { high = middle }
    }
    if low + 1 == transitions.count, let rule { return rule.offset(at: seconds) }
    return (transitions[low].offset, low + 1 < transitions.count ? transitions[low + 1].at : .max)
  }

  public func offsetMinutes(at microseconds: Int64) -> Int { offset(at: microseconds.flooredQuotient(Timestamp.second)).seconds / 60 }

  public func timestamp(_ microseconds: Int64, fractionDigits: Int = 6) -> Timestamp {
    Timestamp(microseconds: microseconds, offsetMinutes: offsetMinutes(at: microseconds), fractionDigits: fractionDigits)
  }

  /// The instants that a clock in this zone shows as that local time: one, two where the clock was set back, none
  /// where it was set forward over it. The earlier first. Allocates nothing.
  public func instants(day: CalendarDay, clock: ClockTime) -> (first: Timestamp?, second: Timestamp?) {
    let local = Int64(day.number) * Timestamp.day + clock.microseconds
    func instant(offsetAt probe: Int64) -> Timestamp? {
      let minutes = offsetMinutes(at: probe)
      let at = local - Int64(minutes) * Timestamp.minute
      guard offsetMinutes(at: at) == minutes else { return nil }
      return Timestamp(microseconds: at, offsetMinutes: minutes, fractionDigits: clock.fractionDigits)
    }
    guard let before = instant(offsetAt: local - Timestamp.day) else { return (instant(offsetAt: local + Timestamp.day), nil) }
    guard let after = instant(offsetAt: local + Timestamp.day), after != before else { return (before, nil) }
    return before.microseconds < after.microseconds ? (before, after) : (after, before)
  }

  /// The same as a list, earliest first.
  public func timestamps(day: CalendarDay, clock: ClockTime) -> [Timestamp] {
    let found = instants(day: day, clock: clock)
    return [found.first, found.second].compactMap { $0 }
  }
}

/// The yearly rule in a TZif footer, `EET-2EEST,M3.5.0/3,M10.5.0/4` (POSIX TZ with the M form, which all current
/// zones with daylight saving use). Zones without one have a single offset.
struct PosixRule: Sendable, Hashable {
  var standard: Int
  var daylight: Int?
  var begin = Change()
  var end = Change()

  struct Change: Sendable, Hashable {
    var month = 1
    var week = 1
    var weekday = 0
    var seconds = 7200
  }

  init?(text: Span<UInt8>) {
    var at = 0
    func name() -> Bool {
      let start = at
      if at < text.count, text[at] == 0x3c {
        guard let close = text.firstIndex(of: 0x3e, from: at) else { return false }
        at = close + 1
        return true
      }
      while at < text.count, text[at].isLetter { at += 1 }
      return at - start >= 3
    }
    func number() -> Int? {
      let start = at
      var value = 0
      while at < text.count, text[at].isDigit, at - start < 4 {
        value = value * 10 + Int(text[at] &- 0x30)
        at += 1
      }
      return at > start ? value : nil
    }
    func time() -> Int? {
      var sign = 1
      if at < text.count, text[at] == 0x2d || text[at] == 0x2b {
        sign = text[at] == 0x2d ? -1 : 1
        at += 1
      }
      guard var total = number() else { return nil }
      total *= 3600
      for scale in [60, 1] where at < text.count && text[at] == 0x3a {
        at += 1
        guard let n = number() else { return nil }
        total += n * scale
      }
      return sign * total
    }
    func change() -> Change? {
      guard at + 1 < text.count, text[at] == 0x2c, text[at + 1] == 0x4d else { return nil }
      at += 2
      guard let month = number(), (1...12).contains(month), at < text.count, text[at] == 0x2e else { return nil }
      at += 1
      guard let week = number(), (1...5).contains(week), at < text.count, text[at] == 0x2e else { return nil }
      at += 1
      guard let weekday = number(), (0...6).contains(weekday) else { return nil }
      var seconds = 7200
      if at < text.count, text[at] == 0x2f {
        at += 1
        guard let s = time() else { return nil }
        seconds = s
      }
      return Change(month: month, week: week, weekday: weekday, seconds: seconds)
    }
    guard name(), let west = time() else { return nil }
    standard = -west
    guard at < text.count else { return }
    guard name() else { return nil }
    var summer = standard + 3600
    if at < text.count, text[at] != 0x2c {
      guard let w = time() else { return nil }
      summer = -w
    }
    guard let b = change(), let e = change(), at == text.count else { return nil }
    daylight = summer
    begin = b
    end = e
  }

  func offset(at seconds: Int64) -> (seconds: Int, until: Int64) {
    guard let daylight else { return (standard, .max) }
    let year = CalendarDay(number: Int((seconds + Int64(standard)).flooredQuotient(86_400))).date.year
    // The latest change at or before the instant, and the next one behind it.
    var result = (seconds: standard, until: Int64.max)
    var since = Int64.min
    for y in year - 1...year + 1 {
      let summer = Self.instant(begin, year: y) - Int64(standard)
      if summer > seconds {
        result.until = min(result.until, summer)
      } else if summer >= since {
        (since, result.seconds) = (summer, daylight)
      }
      let winter = Self.instant(end, year: y) - Int64(daylight)
      if winter > seconds {
        result.until = min(result.until, winter)
      } else if winter >= since {
        (since, result.seconds) = (winter, standard)
      }
    }
    return result
  }

  private static func instant(_ c: Change, year: Int) -> Int64 {
    guard let first = CalendarDay(year: year, month: c.month, day: 1) else { return .max / 2 }
    let weekday = (first.number + 4) % 7  // 1970-01-01 was a Thursday
    var day = 1 + (c.weekday - weekday + 7) % 7 + (c.week - 1) * 7
    while day > CalendarDay.length(year: year, month: c.month) { day -= 7 }
    return Int64(first.number + day - 1) * 86_400 + Int64(c.seconds)
  }
}
