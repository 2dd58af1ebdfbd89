import Record

/// A list of addresses that the administrator declares, as `import --format static` reads it: a table with commas or
/// semicolons, as spreadsheets write it.
///
///     ip,mac,hostname,since
///     10.20.1.5,3c:52:82:1a:7f:09,yazici-1,2026-01-01
///
/// `hostname` and `since` (a day, or a time with its offset) may be empty or absent. A first line of titles, and lines that
/// begin with `#`, are passed over. Its events are bindings whose basis is `declared`: nobody saw them.
enum DeclaredAddresses {
  /// Whether a line can only be of such a list.
  static func isLine(_ line: Span<UInt8>) -> Bool {
    if isTitle(line) { return true }
    var list = EventList()
    return read(line, charset: .utf8, source: SourceReading(zone: .utc), into: &list) == .events
  }

  private static func isTitle(_ line: Span<UInt8>) -> Bool {
    guard line.count >= 6 else { return false }
    let head: [UInt8] = (0..<6).map { line[$0] | 0x20 }
    // A comma keeps its value, a semicolon too.
    return head == Array("ip,mac".utf8) || head == Array("ip;mac".utf8)
  }

  static func read(
    _ entry: Span<UInt8>, charset: Charset, source: borrowing SourceReading, into events: inout EventList
  ) -> EntryOutcome {
    var line = entry.trimmed()
    if line.starts(with: "\u{feff}") { line = line.extracting(3..<line.count) }
    if line.count == 0 || line[0] == 0x23 || isTitle(line) { return .nothing }
    let separator: UInt8 = line.firstIndex(of: 0x3b) != nil && line.firstIndex(of: 0x2c) == nil ? 0x3b : 0x2c
    let fields = cells(line, separator)
    guard (2...4).contains(fields.count) else { return .notUnderstood }
    let (address, device) = (fields[0], fields[1])
    guard let ip = IPAddress(text: address.span), let mac = MACAddress(text: device.span), !mac.isGroup else { return .notUnderstood }
    let hostname = fields.count > 2 ? fields[2] : []
    var since: Timestamp?
    if fields.count > 3, case let text = fields[3], !text.isEmpty {
      guard let time = begin(text.span, source.zone) else { return .notUnderstood }
      since = time
    }
    events.begin(.binding)
    events.set(.ip, ip)
    events.set(.mac, mac)
    events.set(.hostname, name: hostname.span, charset)
    events.set(.basis, word: "declared")
    if let since { events.set(.time, since) }
    events.close("static/1", source)
    return .events
  }

  /// A day begins where the zone says: where a clock change skipped midnight, when the clock went on.
  private static func begin(_ text: Span<UInt8>, _ zone: borrowing Zone) -> Timestamp? {
    if let time = Timestamp(rfc3339: text) { return time }
    guard let day = CalendarDay(text: text), let midnight = ClockTime(text: Array("00:00:00".utf8).span, at: 0) else { return nil }
    return zone.instants(day: day, clock: midnight).first ?? zone.timestamp(Int64(day.number) * Timestamp.day, fractionDigits: 0)
  }

  /// The cells of a line (RFC 4180), without blanks around; at most five of them.
  private static func cells(_ line: Span<UInt8>, _ separator: UInt8) -> [[UInt8]] {
    var cells: [[UInt8]] = []
    var cell: [UInt8] = []
    var quoted = false
    var i = 0
    while i < line.count, cells.count < 5 {
      let byte = line[i]
      i += 1
      if quoted {
        if byte == 0x22, i < line.count, line[i] == 0x22 {
          cell.append(byte)
          i += 1
        } else if byte == 0x22 {
          quoted = false
        } else {
          cell.append(byte)
        }
      } else if byte == 0x22 {
        quoted = true
      } else if byte == separator {
        cells.append(cell.span.trimmed().array)
        cell = []
      } else {
        cell.append(byte)
      }
    }
    return cells + [cell.span.trimmed().array]
  }
}
