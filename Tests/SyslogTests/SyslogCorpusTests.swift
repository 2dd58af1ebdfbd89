import Record
import Syslog
import TestSupport
import Testing

@Suite("syslog corpus", .enabled(if: Corpus.isThere, "needs ../shared/corpus"))
struct SyslogCorpusTests {
  static let files = [
    "charset", "deviations", "rfc3164-examples", "rfc3164-rsyslog", "rfc3164-syslog-ng", "rfc5424-examples", "rfc5424-go-syslog",
    "rfc5424-invalid",
  ]

  @Test("header parts are what the corpus says", arguments: files)
  func parts(_ file: String) {
    let cases = Corpus.cases("syslog/\(file).cases.ndjson")
    #expect(!cases.isEmpty)
    for c in cases {
      // With a charset, parts are those of the decoded text; without one, of the bytes as they are.
      let bytes = c["charset"] == nil ? c.raw : c.text
      let found = SyslogMessage(bytes.span)
      if c["error"] != nil {
        #expect(found.version == nil, "\(c)")
        continue
      }
      compare(found, bytes, c["parse"] ?? [:], c)
      for name in c["absent"]?.array ?? [] { #expect(part(name.string ?? "", found, bytes) == nil, "\(c): \(name)") }
      if let end = c["message_ends_with"]?.string {
        #expect(text(found.message, bytes)?.hasSuffix(end) == true, "\(c): \(text(found.message, bytes) ?? "nil")")
      }
      if let message = c["parse"]?["message_base64"]?.string {
        #expect(found.message.map { Array(bytes[$0]) } == Base64.bytes(Array(message.utf8).span), "\(c)")
      }
    }
  }

  @Test("headers of all devices' messages are what the corpus says")
  func devices() {
    var compared = 0
    for folder in Corpus.names(in: "messages") {
      for file in Corpus.names(in: "messages/\(folder)") where file.hasSuffix(".cases.ndjson") {
        for c in Corpus.cases("messages/\(folder)/\(file)") {
          guard let header = c["header"], header["format"] != nil else { continue }
          compare(SyslogMessage(c.text.span), c.text, header, c)
          compared += 1
        }
      }
    }
    #expect(compared > 400)
  }

  @Test("device times resolve by year, zone and reception", arguments: Corpus.cases("syslog/time-resolution.cases.ndjson"))
  func time(_ c: CorpusCase) throws {
    let zone = try #require(c["timezone"]?.string.flatMap { Zone(named: $0) })
    let received = try #require(c["received"]?.string.flatMap { Timestamp(rfc3339: $0) })
    let message = SyslogMessage(Array("<30>\(c["timestamp"]?.string ?? "") dhcp1 dhcpd[1]: x".utf8).span)
    #expect(message.time?.resolved(zone: zone, received: received.microseconds)?.description == c["time"]?.string)
  }

  private func compare(_ found: SyslogMessage, _ bytes: [UInt8], _ expected: JSONValue, _ c: CorpusCase) {
    for member in expected.object ?? [] where !["sd", "format", "message_base64"].contains(member.name) {
      let value = part(member.name, found, bytes) ?? .null
      if member.name == "message", let a = value.string, let b = member.value.string, a.utf8.elementsEqual(b.utf8) { continue }
      #expect(value == member.value, "\(c) \(member.name) of \(String(decoding: bytes.prefix(120), as: UTF8.self))")
    }
    let invented = ["version"].filter { expected[$0] == nil && part($0, found, bytes) != nil && expected["pri"] != nil }
    #expect(invented.isEmpty, "\(c)")
  }

  private func text(_ range: Range<Int>?, _ bytes: [UInt8]) -> String? { range.map { String(decoding: bytes[$0], as: UTF8.self) } }

  private func part(_ name: String, _ found: SyslogMessage, _ bytes: [UInt8]) -> JSONValue? {
    switch name {
    case "pri": found.priority.map(JSONValue.integer)
    case "facility": found.facility.map(JSONValue.integer)
    case "severity": found.severity.map(JSONValue.integer)
    case "version": found.version.map(JSONValue.integer)
    case "timestamp": text(found.timestamp, bytes).map(JSONValue.string)
    case "host": text(found.host, bytes).map(JSONValue.string)
    case "app": text(found.app, bytes).map(JSONValue.string)
    case "procid": text(found.procid, bytes).map(JSONValue.string)
    case "msgid": text(found.msgid, bytes).map(JSONValue.string)
    case "structured_data": text(found.structuredData, bytes).map(JSONValue.string)
    case "message": text(found.message, bytes).map(JSONValue.string)
    default: nil
    }
  }
}
