import Record
import Syslog
import TestSupport
import Testing

@testable import Dialects

@Suite("dialect corpus", .enabled(if: Corpus.isThere, "needs ../shared/corpus"))
struct DialectCorpusTests {
  /// Folders of dialects that there are; those whose dialect reads what a product adds to dhcpd's messages need that one too.
  static let own = Corpus.names(in: "messages").filter { DialectSet.builtIn.index(of: $0) != nil }

  static func files(_ folders: [String]) -> [String] {
    folders.flatMap { folder in
      Corpus.names(in: "messages/\(folder)").filter { $0.hasSuffix(".cases.ndjson") }.map { "messages/\(folder)/\($0)" }
    }
  }

  @Test("every case of a dialect gives exactly its event, and none where none is expected", arguments: files(own))
  func cases(_ file: String) {
    let cases = Corpus.cases(file)
    #expect(!cases.isEmpty)
    for c in cases {
      let found = read(c)
      guard let expected = c["event"], !expected.isNull else {
        #expect(found.events.isEmpty, "\(c)")
        continue
      }
      #expect(found.events.count == 1, "\(c): \(found.why ?? "")")
      if let event = found.events.first { #expect(faults(expected, event).isEmpty, "\(c): \(event.text)") }
    }
  }

  @Test("no other message gives a wrong event", arguments: files(Corpus.names(in: "messages").filter { !own.contains($0) }))
  func others(_ file: String) {
    for c in Corpus.cases(file) {
      let found = read(c)
      guard let event = found.events.first else { continue }
      guard let expected = c["event"], !expected.isNull else {
        Issue.record("\(c): \(event.text)")
        continue
      }
      #expect(faults(expected, event).isEmpty, "\(c): \(event.text)")
    }
  }

  @Test("an own case is read the same when its source names the dialect")
  func restricted() throws {
    for dialect in Self.own {
      var indices = [try #require(DialectSet.builtIn.index(of: dialect))]
      if DialectSet.builtIn.dialects[indices[0]].applies.last { indices.append(try #require(DialectSet.builtIn.index(of: "isc-dhcpd"))) }
      for file in Self.files([dialect]) {
        for c in Corpus.cases(file) { #expect(read(c, only: indices).events == read(c).events, "\(c)") }
      }
    }
  }

  @Test("a case of one dialect cut short anywhere gives no event with a shorter address")
  func truncated() {
    for file in Self.files(Self.own) {
      for c in Corpus.cases(file) {
        guard let whole = read(c).events.first else { continue }
        let text = c.text
        // Long messages at every seventh byte: that hits each of their values.
        for n in stride(from: 0, to: text.count, by: text.count > 200 ? 7 : 1) {
          for event in read(Array(text[0..<n])).events {
            let fields = ["ip", "mac", "prefix", "action", "kind", "src_ip", "nat_ip", "dst_ip", "outer_ip"]
            for field in fields where event[field] != nil {
              // What the line ends with may be short of digits, and nothing tells.
              if let last = event[field]?.string, text[0..<n].ends(with: last) { continue }
              // "(RENEW)" behind a message that is whole without it.
              if event[field]?.string == "assign", whole[field]?.string == "renew" { continue }
              #expect(event[field] == whole[field], "\(c) cut at \(n): \(event.text)")
            }
          }
        }
      }
    }
  }

  private func read(_ c: CorpusCase, only: [Int]? = nil) -> Explanation { read(c.text, only: only) }

  private func read(_ text: [UInt8], only: [Int]? = nil) -> Explanation {
    var normaliser = Normaliser(.builtIn)
    let received = Timestamp(rfc3339: "2026-11-23T12:00:00Z")?.microseconds ?? 0
    let source = SourceReading(zone: Zone(named: "Europe/Istanbul") ?? .utc, dialects: only)
    return normaliser.explain(text.span, received: received, sender: 1, source: source)
  }

  /// The names of fields that are not what is expected; a list means any one of its members.
  private func faults(_ expected: JSONValue, _ event: JSONValue) -> [String] {
    (expected.object ?? []).compactMap { member in
      let found = event[member.name]
      if member.name == "time", let a = found?.string, let b = member.value.string {
        guard let a = Timestamp(rfc3339: a), let b = Timestamp(rfc3339: b) else { return member.name }
        return a.microseconds / 1000 == b.microseconds / 1000 ? nil : member.name
      }
      if let any = member.value.array { return any.contains { $0 == found } ? nil : member.name }
      return found == member.value ? nil : member.name
    }
  }
}

extension ArraySlice<UInt8> {
  fileprivate func ends(with text: String) -> Bool { suffix(text.utf8.count).elementsEqual(text.utf8) }
}
