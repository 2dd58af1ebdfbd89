import Archive
public import Dialects
import Record
import Syslog

/// Whose received messages are read again, and how: today's dialects, and what the configuration says of each sender.
public struct Rereading: Sendable {
  public var dialects: DialectSet
  /// By the name in the record's `source`, of messages that came over the network.
  public var devices: [String: SourceReading]
  /// The same of files whose lines dialects read.
  public var files: [String: SourceReading]
  /// The same of what was imported.
  public var imports: [String: SourceReading]
  /// For records of nobody in particular; nil where the configuration lists devices: an unlisted sender's messages make no
  /// events.
  public var anybody: SourceReading?
  /// Since when messages are read so as they are received, microseconds since 1970: none from then on need be read again.
  public var until: Int64

  public init(
    dialects: DialectSet, devices: [String: SourceReading], files: [String: SourceReading], imports: [String: SourceReading],
    anybody: SourceReading?, until: Int64 = .max
  ) {
    self.until = until
    self.dialects = dialects
    self.devices = devices
    self.files = files
    self.imports = imports
    self.anybody = anybody
  }

  /// - Parameter source: as in the record.
  func reading(_ via: Via, _ source: String?) -> SourceReading? {
    switch via {
    case .udp, .tcp, .tls: return source.map { devices[$0] } ?? anybody
    case .file: return source.flatMap { files[$0] }
    case .import:
      if let source, let known = imports[source] { return known }
      var reading = anybody
      reading?.name = source.map { Array($0.utf8) }
      reading?.trustsDeviceClock = true
      return reading
    default: return nil
    }
  }
}

/// Reads records again, one after another in the archive's order: those that have no event, or events of a dialect that is
/// another today. What follows takes the place of the recorded events in an index; the archive is never changed.
///
/// The same rules as when a message is received: nothing of one that was cut off, nothing of packets or of an unlisted
/// sender. Lines that a later line may need (`after`) are remembered as they were then, and forgotten where the collector
/// began anew.
struct Rereader: ~Copyable {
  private let what: Rereading
  private let inOrder: Bool
  private let labels: [[UInt8]: Int]
  private var normaliser: Normaliser
  private var imported: Imports
  private var events = EventList()
  /// Files whose entries a format reader read: a dialect knows nothing of them.
  private var formatted: Set<[UInt8]> = []
  private static let maximumFiles = 4_096

  /// What was imported was read by the times in its lines, which may leave out the year; the record does not say which it
  /// was taken to be. Two readers, a year apart in what they take it to be, show whether it matters.
  private struct Imports: ~Copyable {
    var first: Normaliser
    var second: Normaliser
    var events = EventList()
    static let apart = 400 * Timestamp.day
  }

  /// - Parameter inOrder: whether it is given every record from the first on. Where it is not, it may lack a line that another
  ///   needs, and makes no sessions of dialects that look back.
  init(_ what: Rereading, inOrder: Bool) {
    self.what = what
    self.inOrder = inOrder
    var labels: [[UInt8]: Int] = [:]
    for i in what.dialects.dialects.indices { labels[Array(what.dialects.label(i).utf8)] = i }
    self.labels = labels
    normaliser = Normaliser(what.dialects)
    imported = Imports(first: normaliser, second: normaliser)
  }

  /// What a record is to be read for.
  private struct Parts {
    var time: Timestamp?
    var via: Via?
    var source: [UInt8]?
    var from: [UInt8]?
    var text: ObjectScanner.Value?
    var isCut = false
    var isPacket = false
    var events: Range<Int>?
    /// Where what stands before `events` ends: its comma, or the record's last brace.
    var end = 0
  }

  /// - Parameter line: a record.
  /// - Returns: the record with other events; nil where it is taken as it is recorded.
  mutating func read(_ line: Span<UInt8>) -> [UInt8]? {
    if what.until != .max, let time = RecordTime.leading(line), time.microseconds >= what.until { return nil }
    guard let parts = try? Self.parts(line), let via = parts.via, let time = parts.time else { return nil }
    if via == .internal {
      // A daemon that starts or takes over a configuration remembers nothing of before.
      if RecordReading.holds(Self.started, line) || RecordReading.holds(Self.reconfigured, line) { normaliser = Normaliser(what.dialects) }
      return nil
    }
    guard let value = parts.text, !parts.isCut, !parts.isPacket else { return nil }
    let isFile = via == .file || via == .import
    var isCurrent = false
    var isNeeded = true
    if let range = parts.events {
      let found = Self.dialects(line.extracting(range))
      if isFile, let from = parts.from, found.contains(where: Self.isFormat) {
        if formatted.count < Self.maximumFiles { formatted.insert(from) }
        return nil
      }
      isCurrent = !found.isEmpty && found.allSatisfy { labels[$0] != nil }
      isNeeded = !isCurrent || found.contains { label in labels[label].map { what.dialects.remembers($0) } ?? false }
    }
    guard isNeeded, let reading = what.reading(via, parts.source.map { String(decoding: $0, as: UTF8.self) }) else { return nil }
    if isFile, let from = parts.from, formatted.contains(from) { return nil }
    guard var text = value.text(in: line) else { return nil }
    if isFile, text.span.starts(with: "\u{feff}") { text.removeFirst(3) }
    let sender = (parts.from ?? []).reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    events.removeAll()
    let outcome: Outcome
    switch via {
    case .import:
      guard
        let found = readImported(
          text, time.microseconds, recorded: parts.events.flatMap { Self.time(line.extracting($0)) }, sender, reading)
      else { return nil }
      outcome = found
    case .file:
      let own = SyslogMessage(text.span).time?.resolved(zone: reading.zone, received: time.microseconds)?.microseconds
      outcome = normaliser.read(text.span, received: own ?? time.microseconds, sender: sender, source: reading, into: &events)
    default: outcome = normaliser.read(text.span, received: time.microseconds, sender: sender, source: reading, into: &events)
    }
    guard !isCurrent, !events.isEmpty, case .event(let dialect, _) = outcome else { return nil }
    var out = line.extracting(0..<parts.end).array
    RecordWriter.end(&out, events: events)
    out.removeLast()
    if !inOrder, what.dialects.remembers(dialect), RecordReading.holds(Self.session, out.span) { return nil }
    return out
  }

  /// - Parameter recorded: when the recorded event says that it was.
  /// - Returns: nil where it is not sure of which year it is.
  private mutating func readImported(
    _ text: [UInt8], _ received: Int64, recorded: Int64?, _ sender: UInt64, _ reading: SourceReading
  ) -> Outcome? {
    let written = SyslogMessage(text.span).time
    func reference(_ horizon: Int64) -> Int64 {
      recorded ?? written?.resolved(zone: reading.zone, received: horizon)?.microseconds ?? horizon
    }
    let outcome = imported.first.read(text.span, received: reference(received), sender: sender, source: reading, into: &events)
    imported.events.removeAll()
    let later = received.addingReportingOverflow(Imports.apart).partialValue
    _ = imported.second.read(text.span, received: reference(later), sender: sender, source: reading, into: &imported.events)
    var one: [UInt8] = []
    var other: [UInt8] = []
    events.write(into: &one)
    imported.events.write(into: &other)
    return one == other ? outcome : nil
  }

  // MARK: - Parts of a line

  private static let session = Array("\"kind\":\"session\"".utf8)
  private static let started = Array("\"what\":\"started\"".utf8)
  private static let reconfigured = Array("\"what\":\"configuration-changed\"".utf8)

  private static func parts(_ line: Span<UInt8>) throws(Malformed) -> Parts {
    var parts = Parts()
    parts.end = line.count - 1
    var members = try ObjectScanner(line, at: 0)
    while let (name, value) = try members.member() {
      let key = line.extracting(name)
      if key.equals("time") {
        parts.time = RecordTime.parse(line.extracting(value.range))
      } else if key.equals("via") {
        parts.via = Via(rawValue: line.extracting(value.range).string)
      } else if key.equals("source") {
        parts.source = value.text(in: line)
      } else if key.equals("from") {
        parts.from = value.text(in: line)
      } else if key.equals("cut") {
        parts.isCut = true
      } else if key.equals("linktype") {
        parts.isPacket = true
      } else if key.equals("raw") || key.equals("text") {
        parts.text = value
      } else if key.equals("events"), value.kind == .array {
        parts.events = value.range
        // `,"events":`
        parts.end = value.range.lowerBound - 10
      }
    }
    // The port of a datagram's sender changes; the sender is the same.
    if let from = parts.from, parts.via == .udp || parts.via == .tcp || parts.via == .tls, let colon = from.lastIndex(of: 0x3a) {
      parts.from = Array(from[..<colon])
    }
    // Written by others, in another way: it could not be put together again.
    guard line.count > 1, line[line.count - 1] == 0x7d else { throw Malformed(offset: line.count, field: "the end of a record") }
    if let events = parts.events {
      guard events.upperBound == line.count - 1, parts.end > 0,
        line.extracting(parts.end..<events.lowerBound).equals(",\"events\":")
      else { throw Malformed(offset: events.lowerBound, field: "events") }
    }
    return parts
  }

  /// `name/version` of each event; empty where one has none.
  private static func dialects(_ events: Span<UInt8>) -> [[UInt8]] { (try? values("dialect", events)) ?? [] }

  private static func time(_ events: Span<UInt8>) -> Int64? {
    (try? values("time", events))?.first.flatMap { Timestamp(rfc3339: $0.span) }?.microseconds
  }

  /// A member of each event. - Throws: where an event has none.
  private static func values(_ name: StaticString, _ events: Span<UInt8>) throws(Malformed) -> [[UInt8]] {
    var found: [[UInt8]] = []
    var list = try ObjectScanner(events, at: 0, array: true)
    while let event = try list.element() {
      guard event.kind == .object else { continue }
      var value: [UInt8]?
      var members = try ObjectScanner(events, at: event.range.lowerBound)
      while let (key, member) = try members.member() {
        if events.extracting(key).equals(name) { value = member.text(in: events) }
      }
      guard let value else { throw Malformed(offset: event.range.lowerBound, field: name) }
      found.append(value)
    }
    return found
  }

  private static func isFormat(_ label: [UInt8]) -> Bool {
    let name = String(decoding: label.prefix { $0 != 0x2f }, as: UTF8.self)
    return FileFormat(rawValue: name)?.reader != nil
  }
}
