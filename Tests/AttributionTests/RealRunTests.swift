import Dialects
import Record
import TestSupport
import Testing

@testable import Attribution

/// What real DHCP servers really did (`real-runs` of the corpus): their own log lines, and the packets of the same run,
/// against what the clients held.
@Suite("Real servers", .enabled(if: Corpus.isThere)) struct RealRunTests {
  struct Truth {
    var ip: IPAddress
    var mac: MACAddress?
    var duid: String?
    var hostname: String?
    var start: Double
    var end: Double
    var reason: String
    var lastAck: Double
    var leaseSeconds: Double
  }

  static func seconds(_ line: String, _ name: String) -> Double? {
    // Fractions, which contract files do not have: taken from the text.
    guard let at = line.rest(behind: "\"\(name)\": ") else { return nil }
    return Double(at.prefix { $0.isNumber || $0 == "." })
  }

  static func truth(_ kind: String) -> [Truth] {
    Corpus.lines("real-runs/\(kind)/truth.ndjson").compactMap { line in
      guard let ip = text(line, "ip").flatMap({ IPAddress($0) }), let start = seconds(line, "start"),
        let end = seconds(line, "end"), let reason = text(line, "end_reason")
      else { return nil }
      return Truth(
        ip: ip, mac: text(line, "mac").flatMap { MACAddress($0) }, duid: text(line, "duid").map(colons), hostname: text(line, "hostname"),
        start: start, end: end, reason: reason, lastAck: seconds(line, "last_ack") ?? end,
        leaseSeconds: seconds(line, "lease_seconds") ?? 0)
    }
  }

  static func text(_ line: String, _ name: String) -> String? {
    guard let at = line.rest(behind: "\"\(name)\": \"") else { return nil }
    return String(at.prefix { $0 != "\"" })
  }

  static func colons(_ hex: String) -> String {
    var out: [UInt8] = []
    let bytes = Hex.bytes(lowerCase: hex) ?? []
    out.append(hex: bytes.span, separator: 0x3a)
    return String(decoding: out, as: UTF8.self)
  }

  static func time(_ seconds: Double) -> Timestamp { Timestamp(microseconds: Int64(seconds * 1e6), offsetMinutes: 180) }

  /// The packets of a run, as records of a capture.
  static func packets(_ kind: String, into archive: TestArchive) throws {
    for line in Corpus.lines("real-runs/\(kind)/lan.pcap.events.ndjson") {
      guard let json = try JSON5.read(line).json, let microseconds = json["time_us"]?.integer, case .object(let members) = json else {
        continue
      }
      let t = Timestamp(microseconds: Int64(microseconds), offsetMinutes: 180)
      var event = members.filter { !["frame", "time_us", "request", "server_duid"].contains($0.name) }
      for i in event.indices where event[i].name == "duid" || event[i].name == "client_id" {
        event[i].value = .string(colons(event[i].value.string ?? ""))
      }
      if json["hostname"] == nil, let name = json["request"]?["hostname"] { event.append(.init("hostname", name)) }
      event.append(.init("time", .string(t.description)))
      try archive.record(t, via: .pcap, source: "capture", events: [.object(event)])
    }
  }

  /// The lines of a server's log, as its syslog messages, read by the dialects.
  static func log(_ kind: String, leaseSeconds: Int, into archive: TestArchive) throws {
    var lines: [(Double, String)] = []
    switch kind {
    case "dnsmasq":
      for line in Corpus.lines("real-runs/dnsmasq/dnsmasq.log") where line.utf8.count > 16 {
        guard let t = moment("2026-11-24T\(line.dropFirst(7).prefix(8))+00:00") else { continue }
        lines.append((t, String(line.dropFirst(16))))
      }
    case "kea":
      for file in ["kea-dhcp4", "kea-dhcp6"] {
        for line in Corpus.lines("real-runs/kea/\(file).log") where line.utf8.count > 24 {
          guard let t = moment("\(line.prefix(10))T\(line.dropFirst(11).prefix(12))+00:00") else { continue }
          lines.append((t, "\(file)[900]: \(line.dropFirst(24))"))
        }
      }
    default: return
    }
    lines.sort { $0.0 < $1.0 }
    var normaliser = Normaliser(.builtIn)
    let source = SourceReading(zone: .utc, name: kind, leaseSeconds: leaseSeconds, trustsDeviceClock: true)
    var events = EventList()
    for (t, line) in lines {
      let stamp = Zone.utc.timestamp(Int64(t * 1e6), fractionDigits: 0).description
      let day = Int(stamp.dropFirst(8).prefix(2)) ?? 0
      let message = "<30>Nov \(day < 10 ? " " : "")\(day) \(stamp.dropFirst(11).prefix(8)) srv \(line)"
      let received = time(t + 0.4)
      events.removeAll()
      _ = normaliser.read(Array(message.utf8).span, received: received.microseconds, sender: 1, source: source, into: &events)
      var out: [UInt8] = []
      var writer = RecordWriter()
      writer.begin(
        &out, microseconds: received.microseconds, offsetMinutes: 180, sender: RecordWriter.sender(via: .udp, source: kind).span)
      RecordWriter.raw(&out, utf8: Array(message.utf8).span)
      RecordWriter.end(&out, events: events)
      try archive.append(out, at: received)
    }
  }

  /// The entries of a server's lease files, as they are followed.
  static func leaseFiles(_ kind: String, into archive: TestArchive) throws {
    let names = [
      "kea": ["kea-leases4.csv", "kea-leases6.csv"], "isc-dhcpd": ["dhcpd.leases", "dhcpd6.leases"], "dnsmasq": ["dnsmasq.leases"],
    ]
    for name in names[kind] ?? [] {
      let file = Corpus.bytes("real-runs/\(kind)/\(name)") ?? []
      let format = FileFormat.of(file.span.extracting(0..<min(file.count, FileFormat.headBytes)))
      guard var reader = format.reader else { continue }
      let source = SourceReading(zone: .utc, name: kind, trustsDeviceClock: true)
      var framing = EntryFraming(format)
      var writer = RecordWriter()
      var events = EventList()
      // dnsmasq's file is what was left at the end.
      let received = time((truth(kind).map(\.end).max() ?? 0) - 10)
      try framing.take(file.span) { entry, at, _ in
        events.removeAll()
        _ = reader.read(entry.span, charset: .windows1254, source: source, into: &events)
        var out: [UInt8] = []
        let sender = RecordWriter.sender(via: .file, source: kind, from: "/var/lib/" + name)
        writer.begin(&out, microseconds: received.microseconds, offsetMinutes: 180, sender: sender.span)
        RecordWriter.position(&out, at: at)
        RecordWriter.raw(&out, utf8: entry.span)
        RecordWriter.end(&out, events: events)
        try archive.append(out, at: received)
      }
    }
  }

  static func moment(_ text: String) -> Double? { Timestamp(rfc3339: text).map { Double($0.microseconds) / 1e6 } }

  /// Asks before, inside, at the edges of and after every holding.
  func ask(_ truth: [Truth], _ archive: TestArchive, _ index: Index, unsaid: (Truth) -> Bool) throws -> (asked: Int, faults: [String]) {
    var faults: [String] = []
    var asked = 0
    let questions = archive.questions(index, now: Self.time((truth.map(\.end).max() ?? 0) + 3600))
    for x in truth where x.reason != "static" {
      for t in [x.start - 3, x.start + 2.2, (x.start + x.end) / 2, x.end - 5.5, x.end + 5.5] {
        let rest = truth.filter { $0.ip == x.ip && $0.reason != "static" }
        if rest.contains(where: { y in [y.start, y.end].contains { abs(t - $0) < 2 } }) { continue }
        if rest.contains(where: { unsaid($0) && $0.end < t && t < $0.lastAck + $0.leaseSeconds + 5 }) { continue }
        asked += 1
        let answers = try questions.who(Who(ip: x.ip, at: Self.time(t))).answers.filter { $0.basis == .lease }
        let what = "\(x.ip) at \(t - x.start) s of \(x.end - x.start) s"
        guard let holder = rest.first(where: { $0.start < t && t < $0.end }) else {
          if !answers.isEmpty { faults.append("\(what): \(answers[0].mac?.description ?? "somebody") where nobody held it") }
          continue
        }
        guard answers.count == 1 else {
          faults.append("\(what): \(answers.count) answers")
          continue
        }
        let a = answers[0]
        if let duid = holder.duid {
          if a.duid != duid { faults.append("\(what): duid \(a.duid ?? "-")") }
        } else if a.mac != holder.mac {
          faults.append("\(what): mac \(a.mac?.description ?? "-")")
        }
        if abs(Double(a.start.microseconds) / 1e6 - holder.start) > 1.5 { faults.append("\(what): start \(a.start)") }
        if !unsaid(holder) {
          if a.endReason.rawValue != holder.reason { faults.append("\(what): \(a.endReason), truth \(holder.reason)") }
          if abs(Double(a.end?.microseconds ?? 0) / 1e6 - holder.end) > 1.5 { faults.append("\(what): end \(a.end?.description ?? "-")") }
        }
        if a.evidence.isEmpty { faults.append("\(what): no evidence") }
      }
    }
    return (asked, faults)
  }

  @Test("the server's own log tells who held what", arguments: ["dnsmasq", "kea"])
  func logs(kind: String) throws {
    let archive = try TestArchive()
    try Self.log(kind, leaseSeconds: kind == "dnsmasq" ? 120 : 30, into: archive)
    let index = try archive.index()
    try archive.follow(index)
    // dnsmasq's DHCPv6 release names no address.
    let (asked, faults) = try ask(Self.truth(kind), archive, index) { kind == "dnsmasq" && !$0.ip.isV4 && $0.reason == "released" }
    #expect(asked > 30)
    #expect(faults.isEmpty, "\(faults.joined(separator: "\n"))")
  }

  @Test("the packets tell who held what", arguments: ["dnsmasq", "kea", "isc-dhcpd"])
  func packets(kind: String) throws {
    let archive = try TestArchive()
    try Self.packets(kind, into: archive)
    let index = try archive.index()
    try archive.follow(index)
    let (asked, faults) = try ask(Self.truth(kind), archive, index) { _ in false }
    #expect(asked > 30)
    #expect(faults.isEmpty, "\(faults.joined(separator: "\n"))")
  }

  @Test("a lease file tells who held what, as far as it says when a lease was given back", arguments: ["kea", "isc-dhcpd"])
  func leaseFiles(kind: String) throws {
    let archive = try TestArchive()
    try Self.leaseFiles(kind, into: archive)
    let index = try archive.index()
    try archive.follow(index)
    let (asked, faults) = try ask(Self.truth(kind), archive, index) {
      $0.reason == "released" || kind == "isc-dhcpd" && $0.reason == "declined"
    }
    #expect(asked > 30)
    #expect(faults.isEmpty, "\(faults.joined(separator: "\n"))")
  }

  @Test("log, packets and lease file of one run are one interval each", arguments: ["dnsmasq", "kea", "isc-dhcpd"])
  func threeWitnesses(kind: String) throws {
    let archive = try TestArchive()
    try Self.packets(kind, into: archive)
    try Self.log(kind, leaseSeconds: kind == "dnsmasq" ? 120 : 30, into: archive)
    try Self.leaseFiles(kind, into: archive)
    let index = try archive.index()
    try archive.follow(index)
    let (asked, faults) = try ask(Self.truth(kind), archive, index) { _ in false }
    #expect(asked > 30)
    #expect(faults.isEmpty, "\(faults.joined(separator: "\n"))")
  }

  @Test("log and packets of one run are one interval each", arguments: ["dnsmasq", "kea"])
  func together(kind: String) throws {
    let archive = try TestArchive()
    try Self.packets(kind, into: archive)
    try Self.log(kind, leaseSeconds: kind == "dnsmasq" ? 120 : 30, into: archive)
    let index = try archive.index()
    try archive.follow(index)
    let (asked, faults) = try ask(Self.truth(kind), archive, index) { _ in false }
    #expect(asked > 30)
    #expect(faults.isEmpty, "\(faults.joined(separator: "\n"))")
  }
}

extension String {
  /// What stands behind the first place of a text.
  fileprivate func rest(behind text: String) -> Substring? {
    let wanted = Array(text.utf8)
    let bytes = Array(utf8)
    guard wanted.count <= bytes.count else { return nil }
    for i in 0...bytes.count - wanted.count where bytes[i..<i + wanted.count].elementsEqual(wanted) {
      return self[utf8.index(startIndex, offsetBy: i + wanted.count)...]
    }
    return nil
  }
}
