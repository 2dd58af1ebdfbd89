import Record
import TestSupport
import Testing

@testable import Collector

/// muhur.json5(5) has every key that the configuration knows, in its section, and no other.
@Suite struct ConfigurationManualTests {
  /// The keys by section ("" is the file itself). The reader tells them: of an unknown key it says which are known, of an
  /// entry without type which types there are.
  static let known: [String: Set<String>] = {
    var known: [String: Set<String>] = [:]
    // `section`: the file's key that this is below. `wrap` makes a file of the members of one object.
    func explore(_ section: String, _ wrap: (String) -> String) {
      for fault in faults(wrap("zzz: 0")) {
        if fault.path.hasSuffix("zzz"), let keys = list(fault.what, after: "known here: ") {
          known[section, default: []].formUnion(keys)
          for key in keys where key != "type" {
            let below = section.isEmpty ? key : section
            explore(below) { wrap("\(key): {\($0)}") }
            explore(below) { wrap("\(key): [{\($0)}]") }
          }
        } else if fault.path.hasSuffix("type"), let types = list(fault.what, after: "is missing: one of ") {
          for type in types { explore(section) { wrap("type: '\(type)', \($0)") } }
        }
      }
    }
    explore("") { "{\($0)}" }
    return known
  }()

  static func faults(_ text: String) -> [ConfigurationFault] {
    do throws(ConfigurationErrors) {
      _ = try configuration(text)
      return []
    } catch { return error.faults }
  }

  static func list(_ text: String, after words: String) -> [String]? {
    text.ranges(of: words).first.map { text[$0.upperBound...].split(separator: ", ").map(String.init) }
  }

  @Test func `the reader tells its keys`() {
    #expect(Self.known[""]?.isSuperset(of: ["archive", "sources", "metrics"]) == true)
    #expect(Self.known["sources"]?.isSuperset(of: ["type", "listen", "interface", "path", "client_ca"]) == true)
    #expect(Self.known["timestamp"]?.isSuperset(of: ["every", "authorities", "type", "basic_user"]) == true)
  }

  @Test(arguments: known.keys.sorted()) func `every key is explained, and nothing else`(section: String) throws {
    let page = try #require(ManualPage("muhur.json5.5"))
    let explained = page.keys(section.isEmpty ? "TOP LEVEL" : section)
    let known = try #require(Self.known[section])
    #expect(known.subtracting(explained).isEmpty, "man/muhur.json5.5 lacks keys of \(section)")
    #expect(explained.subtracting(known).isEmpty, "man/muhur.json5.5 explains keys that \(section) has not")
  }

  @Test func `the page has no other sections`() throws {
    let page = try #require(ManualPage("muhur.json5.5"))
    let others = page.headings.filter { !page.keys($0).isEmpty && $0 != "TOP LEVEL" && Self.known[$0] == nil }
    #expect(others.isEmpty)
  }

  @Test func `the file that is installed has every key`() throws {
    let text = String(decoding: try #require(Corpus.file(Corpus.package + "/etc/muhur.json5")), as: UTF8.self)
    for key in try #require(Self.known[""]) { #expect(!text.ranges(of: " \(key): ").isEmpty, "etc/muhur.json5 lacks \(key)") }
  }
}
