import PacketDecoding
import Record
import TestSupport
import Testing

/// Every capture of the corpus, beside what another program reads in it.
@Suite(.enabled(if: Corpus.isThere)) struct PacketCorpusTests {
  static let captures: [String] =
    Corpus.names(in: "packets").filter { $0.hasSuffix(".pcap") || $0.hasSuffix(".pcapng") }.map { "packets/" + $0 }
    + ["dnsmasq", "freeradius", "isc-dhcpd", "kea"].flatMap { run in
      Corpus.names(in: "real-runs/" + run).filter { $0.hasSuffix(".pcap") }.map { "real-runs/\(run)/\($0)" }
    }

  @Test("each capture gives the expected events and no others", arguments: captures)
  func events(_ name: String) throws {
    let bytes = try #require(Corpus.bytes(name))
    var wanted = Corpus.cases(name + ".events.ndjson")
    let messages = Corpus.cases(name + ".expected.ndjson")
    let uncertain = Set(messages.filter { $0["malformed"] != nil }.map(Self.place))
    let found = read(bytes)
    var differences: [String] = []
    for (frame, event) in found.events {
      // Wireshark counts blocks that are no packets as frames too, so a frame is found by its time where it has one.
      let time = event["time"]?.string.flatMap { Timestamp(rfc3339: $0)?.microseconds }
      let at = time.map { "at \($0)" } ?? "frame \(frame)"
      let place = wanted.firstIndex {
        Self.place($0) == at && $0["kind"]?.string == event["kind"]?.string && Self.isSame($0, event)
      }
      guard let place else {
        if !uncertain.contains(at) { differences.append("frame \(frame): not expected: \(event.text)") }
        continue
      }
      differences += Self.differences(wanted.remove(at: place), event).map { "frame \(frame): \($0)" }
    }
    differences += wanted.map { "frame \($0["frame"]?.integer ?? 0): missing: \($0.json.text)" }
    let listed = differences.prefix(8).joined(separator: "\n")
    #expect(differences.isEmpty, "\(name): \(differences.count) differences\n\(listed)")
  }

  // MARK: -

  private func read(_ bytes: [UInt8]) -> (events: [(Int, JSONValue)], failure: String?) {
    let whole = bytes.span
    var file = CaptureFile()
    var reader = PacketReader()
    var list = EventList()
    var at = 0
    var frame = 0
    var events: [(Int, JSONValue)] = []
    do throws(CaptureFile.Failure) {
      while at < bytes.count {
        let window = whole.extracting(at..<whole.count)
        switch try file.step(window) {
        case .more: return (events, "cut")
        case .skip(let n): at += n
        case .packet(let packet, let n):
          frame += 1
          list.removeAll()
          let time = packet.microseconds.map { Timestamp(microseconds: $0) }
          _ = reader.read(window.extracting(packet.bytes), packet.linkType, time: time, into: &list)
          if !list.isEmpty {
            var text: [UInt8] = []
            list.write(into: &text)
            for event in (try? JSON5.read(text.span))?.json?.array ?? [] { events.append((frame, event)) }
          }
          at += n
        }
      }
    } catch { return (events, error.description) }
    return (events, nil)
  }

  private static func place(_ case: CorpusCase) -> String {
    `case`["time_us"]?.integer.map { "at \($0)" } ?? "frame \(`case`["frame"]?.integer ?? 0)"
  }

  private static func isSame(_ wanted: CorpusCase, _ found: JSONValue) -> Bool {
    (wanted["ip"] == found["ip"] || wanted["action"]?.string == "nak") && wanted["prefix"] == found["prefix"]
  }

  /// What of one event is not as expected. Members that say more than the message itself may stand in it.
  private static func differences(_ wanted: CorpusCase, _ found: JSONValue) -> [String] {
    var out: [String] = []
    func plain(_ value: JSONValue?) -> JSONValue? {
      guard let text = value?.string else { return value }
      return .string(text.replacing(":", with: "").lowercased())
    }
    for name in [
      "action", "ip", "prefix", "mac", "duid", "iaid", "client_id", "hostname", "lease_seconds", "server", "relay", "circuit_id",
      "remote_id", "vendor_class", "user", "session_id", "method", "vlans", "calling_station_id",
    ] {
      let isHex = ["client_id", "circuit_id", "remote_id", "duid"].contains(name)
      let got = isHex ? plain(found[name]) : found[name]
      if name == "ip", wanted["action"]?.string == "nak" { continue }
      if let expected = wanted[name] {
        if got != (isHex ? plain(expected) : expected) { out.append("\(name) is \(String(describing: got)), expected \(expected)") }
      } else if got != nil, let asked = wanted["request"]?[name], plain(asked) != plain(got) {
        out.append("\(name) is \(String(describing: got)), the request says \(asked)")
      }
    }
    // What the request said belongs into the event.
    for name in ["hostname", "client_id", "vendor_class"] {
      if let asked = wanted["request"]?[name], found[name] == nil { out.append("\(name) of the request is missing: \(asked)") }
    }
    let time = found["time"]?.string.flatMap { Timestamp(rfc3339: $0)?.microseconds }
    if time.map(Int.init) != wanted["time_us"]?.integer { out.append("time is \(String(describing: time))") }
    return out
  }
}
