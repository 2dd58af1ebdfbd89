import Record
import TestSupport
import Testing

@testable import Dialects

/// Whole logs of real servers, with what their clients were given (truth.ndjson) as oracle.
@Suite("real servers' logs", .enabled(if: Corpus.isThere, "needs ../shared/corpus"))
struct RealRunTests {
  struct Run: Sendable, CustomStringConvertible {
    var folder: String
    var files: [String]
    /// What the log lacks of a syslog header.
    var header: String
    /// First words of lines at start and stop, which no pattern names.
    var starts: [String]
    var description: String { folder }
  }

  static let runs = [
    Run(
      folder: "isc-dhcpd", files: ["dhcpd.stderr.log", "dhcpd6.stderr.log"], header: "<30>dhcpd: ",
      starts: [
        "Internet", "Copyright", "All", "For", "Config", "Database", "PID", "Listening", "Bound", "Sending on", "Server", "Abandoning",
      ]),
    Run(folder: "dnsmasq", files: ["dnsmasq.log"], header: "", starts: ["router advertisement", "IPv6 router"]),
    Run(folder: "kea", files: ["kea-dhcp4.log", "kea-dhcp6.log"], header: "", starts: []),
  ]

  private struct Found {
    var events: [Event] = []
    var unread: [String] = []
  }

  private func read(_ run: Run) -> Found {
    var found = Found()
    for file in run.files {
      var normaliser = Normaliser(.builtIn)
      for line in Corpus.lines("real-runs/\(run.folder)/\(file)") {
        var events = EventList()
        let text = Array((run.header + line).utf8)
        let outcome = normaliser.read(
          text.span, received: 1_795_435_200 * Timestamp.second, sender: 1, source: SourceReading(zone: .utc), into: &events)
        found.events += events.json.compactMap { Event($0) }
        if case .notUnderstood = outcome { found.unread.append(line) }
      }
    }
    return found
  }

  @Test("every line about a lease is understood", arguments: runs)
  func understood(_ run: Run) {
    let left = read(run).unread.filter { line in
      let message = line.contains("dnsmasq") ? String(line.split(separator: ": ", maxSplits: 1).last ?? "") : line
      return !run.starts.contains { message.hasPrefix($0) } && (line.contains("DHCP") || run.folder == "isc-dhcpd")
        && !line.contains("DHCPSRV_")
    }
    #expect(left.filter { $0.contains("LEASE") || $0.contains("RELEASE") || run.folder != "kea" } == [])
  }

  @Test("every holding of every client is in the events, and no event names anything else", arguments: runs)
  func truth(_ run: Run) {
    let found = read(run)
    let truth = Corpus.lines("real-runs/\(run.folder)/truth.ndjson").compactMap { (try? JSON5.read($0)) }
    #expect(!truth.isEmpty)
    func device(_ event: Event) -> String { event.text(.duid) ?? event.text(.mac) ?? "" }
    func key(_ address: String, _ device: String) -> String { "\(address) \(device)" }
    var held: [String: Set<String>] = [:]
    for event in found.events {
      let address = event.text(.ip) ?? event.text(.prefix) ?? ""
      held[key(address, device(event)), default: []].insert(event.kind == .lease ? event.action ?? "" : event.kind.rawValue)
    }
    var known: Set<String> = []
    for row in truth {
      func text(_ name: String) -> String? { try? row[name]?.string() }
      guard let address = text("ip") ?? text("prefix"), let reason = text("end_reason") else { continue }
      var duid: String?
      if let hex = text("duid").map({ Array($0.utf8).filter { $0 != 0x3a } }), !hex.isEmpty {
        duid = stride(from: 0, to: hex.count, by: 2).map { String(decoding: hex[$0..<$0 + 2], as: UTF8.self) }.joined(separator: ":")
      }
      let owner = duid ?? text("mac") ?? ""
      known.insert(key(address, owner))
      if reason == "static" { continue }
      let actions = held[key(address, owner)] ?? []
      #expect(actions.contains("assign"), "\(address) of \(owner)")
      // dnsmasq's releases of DHCPv6 name no address.
      if reason == "released", !(run.folder == "dnsmasq" && duid != nil) { #expect(actions.contains("release"), "\(address) of \(owner)") }
      if reason == "declined" { #expect(actions.contains("decline"), "\(address) of \(owner)") }
    }
    for (name, actions) in held where !known.contains(name) { #expect(actions.isSubset(of: ["nak", "binding"]), "\(name) \(actions)") }
    #expect(found.events.filter { $0.kind == .binding }.count == (run.folder == "kea" ? 0 : 1))
  }
}
