import Record
import TestSupport
import Testing

@testable import Dialects

/// The events of a whole file, read as `import` reads it.
func events(of file: [UInt8], source name: String? = nil) -> (format: FileFormat, events: [Event], entries: [[UInt8]], notUnderstood: Int) {
  let format = FileFormat.of(file.span.extracting(0..<min(file.count, FileFormat.headBytes)))
  var reader = format.reader
  var list = EventList()
  var out: [Event] = []
  var entries: [[UInt8]] = []
  var notUnderstood = 0
  let source = SourceReading(zone: Zone(named: "Europe/Istanbul") ?? .utc, name: name, trustsDeviceClock: true)
  var framing = EntryFraming(format)
  func take(_ entry: [UInt8], _ at: Int, _ length: Int) {
    entries.append(entry)
    #expect(Array(file[at..<at + length]) == entry)
    list.removeAll()
    if reader?.read(entry.span, charset: .windows1254, source: source, into: &list) == .notUnderstood { notUnderstood += 1 }
    out += list.events
  }
  framing.take(file.span, take)
  framing.finish(take)
  return (format, out, entries, notUnderstood)
}

extension EventList {
  /// As they would be read back from a record.
  var events: [Event] {
    guard !isEmpty else { return [] }
    var text = Array("{\"e\":".utf8)
    write(into: &text)
    text.append(0x7d)
    return ((try? StrictJSON.object(text.span))?["e"]?.array ?? []).compactMap(Event.init)
  }
}

@Suite(.enabled(if: Corpus.isThere)) struct FormatCorpusTests {
  private static let files = [
    "dnsmasq-lease-file/dnsmasq.leases", "freeradius-detail/detail-20261120", "isc-lease-file/dhcpd.leases",
    "kea-lease-file/kea-leases4.csv",
  ]

  @Test("every event of the corpus's files, and no other", arguments: files)
  func corpus(_ path: String) throws {
    let file = try #require(Corpus.bytes("files/" + path))
    var found = events(of: file).events
    for line in Corpus.lines("files/" + path + ".expected.ndjson") {
      let wanted = try #require(try JSON5.read(line).json)
      let index = found.firstIndex { event in Self.isMet(wanted, by: event) }
      #expect(index != nil, "\(line)")
      if let index { found.remove(at: index) }
    }
    #expect(found.isEmpty)
  }

  private static func isMet(_ wanted: JSONValue, by event: Event) -> Bool {
    guard case .object(let members) = wanted else { return false }
    return members.allSatisfy { member in
      if case .array(let choices) = member.value { return event.json[member.name].map(choices.contains) ?? false }
      if member.name == "time", let text = member.value.string {
        return Timestamp(rfc3339: text)?.microseconds == event.time()?.microseconds
      }
      return event.json[member.name] == member.value
    }
  }

  private static let runs = [
    "isc-dhcpd/dhcpd.leases", "isc-dhcpd/dhcpd6.leases", "kea/kea-leases4.csv", "kea/kea-leases6.csv", "dnsmasq/dnsmasq.leases",
    "freeradius/radacct-detail",
  ]

  /// What real servers wrote: everything in it is understood, and nobody is named who had nothing.
  @Test("files of real runs hold to what happened", arguments: runs)
  func real(_ path: String) throws {
    let file = try #require(Corpus.bytes("real-runs/" + path))
    let found = events(of: file)
    #expect(found.notUnderstood == 0)
    #expect(!found.events.isEmpty)
    let folder = path.prefix { $0 != "/" }
    let truth = Corpus.lines("real-runs/\(folder)/truth.ndjson")
    for event in found.events {
      let holder = truth.first { line in
        guard [Self.value("ip", line), Self.value("prefix", line)].contains(event.text(.ip) ?? event.text(.prefix)) else { return false }
        guard event.action != "decline", let time = event.time() else { return true }
        if let user = event.text(.user) { return Self.value("user", line) == user }
        let mac = event.text(.macSource) == "duid" ? nil : event.text(.mac)
        guard mac == nil || mac == Self.value("mac", line),
          event.text(.duid).map({ $0.filter { $0 != ":" } }) == Self.value("duid", line)?.filter({ $0 != ":" })
        else { return false }
        // The servers count in whole seconds.
        let at = Double(time.microseconds) / 1e6
        let (start, end) = (Self.value("start", line).flatMap(Double.init) ?? 0, Self.value("end", line).flatMap(Double.init) ?? .infinity)
        return at >= start - 2 && at <= end + 2
      }
      #expect(holder != nil, "\(event.json)")
    }
  }

  /// Of a flat object: these hold fractions, which our own reader refuses.
  private static func value(_ name: String, _ line: String) -> String? {
    guard let at = line.firstRange(of: "\"\(name)\": ") else { return nil }
    let rest = line[at.upperBound...]
    return rest.first == "\"" ? String(rest.dropFirst().prefix { $0 != "\"" }) : String(rest.prefix { $0 != "," && $0 != "}" })
  }
}
