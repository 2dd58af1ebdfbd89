import Glibc
import Testing

@testable import Collector

/// etc/muhur.json5 is installed, and it is what an administrator learns from: what it says must be so.
@Suite struct ExampleConfigurationTests {
  private static let path = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 } + "/etc/muhur.json5"

  @Test("the installed example is right as it stands, and changes no default")
  func asItStands() throws {
    let configuration = try Configuration.load(path: Self.path)
    let defaults = Configuration(archive: "/var/lib/muhur/archive")
    // Groups that are made when the product is installed need not be on this machine.
    #expect(configuration.warnings.filter { !$0.path.hasPrefix("access.") }.isEmpty)
    #expect(configuration.archive == defaults.archive)
    #expect(configuration.changesNeedingRestart(from: defaults).isEmpty)
    #expect(configuration.devices.isEmpty && configuration.staticAddresses.isEmpty)
  }

  @Test("what the example shows in comments is right too")
  func uncommented() throws {
    let lines = try #require(Self.lines())
    var isExample = false
    let uncommented = lines.map { line -> String in
      let text = line.drop { $0 == " " }
      guard text.hasPrefix("// ") else { return line }
      let rest = text.dropFirst(3)
      let word = rest.drop { $0 == " " }.prefix { $0.isLowercase || $0 == "_" }
      let shows =
        rest.drop { $0 == " " }.first.map { "{}]".contains($0) } ?? false
        || !word.isEmpty && rest.drop { $0 == " " }.dropFirst(word.count).hasPrefix(": ")
      isExample = isExample || shows
      return shows ? String(rest) : line
    }
    #expect(isExample)
    let path = "/tmp/muhur-example-\(getpid()).json5"
    defer { unlink(path) }
    let text = Array(uncommented.joined(separator: "\n").utf8)
    let file = try #require(fopen(path, "w"))
    #expect(fwrite(text, 1, text.count, file) == text.count)
    fclose(file)
    let configuration = try Configuration.load(path: path)
    #expect(configuration.warnings.filter { !$0.path.hasPrefix("access.") }.isEmpty)
    #expect(configuration.devices.first?.leaseSeconds == 8 * 3600)
    #expect(configuration.staticAddresses.first?.hostname == "yazici-3")
    #expect(configuration.seal.key != nil && configuration.metrics != nil && configuration.publish.count == 1)
    // The values shown for what has a default are the defaults.
    let defaults = Configuration(archive: "/var/lib/muhur/archive")
    let others = ["seal.certificate", "seal.key", "seal.password_file", "publish", "metrics.listen"]
    #expect(configuration.changesNeedingRestart(from: defaults) == others)
    #expect(configuration.access.query == defaults.access.query && configuration.retention == defaults.retention)
  }

  private static func lines() -> [String]? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 1 << 16)
    let count = fread(&bytes, 1, bytes.count, file)
    return String(decoding: bytes[0..<count], as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }
}
