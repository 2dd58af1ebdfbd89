import Glibc
import Record
import TestSupport
import Testing

/// A real NAT of Linux in front of two real DHCP clients (`Servers/nat.sh`): `nat` names the device that the other side saw.
@Suite(.serialized, .timeLimit(.minutes(8))) struct RealNatTests {
  /// A connection as the other side saw it.
  struct Connection {
    var client: String
    var publicPort: String
    var port: String
    var from: Double
    var to: Double
  }

  @Test func `nat agrees with what the other side of a real gateway saw`() throws {
    let daemon = try RealDaemon()
    daemon.configure(
      devices: #"{ name: "gate", from: "127.0.0.1", dialects: ["dnsmasq-dhcp", "conntrack"], lease_time: "1h" }"#,
      more: #"clock_tolerance: "1s""#)
    try daemon.start()
    let script = "\(#filePath)".split(separator: "/").dropLast().map { "/" + $0 }.joined() + "/Servers/nat.sh"
    let work = daemon.folder + "/servers"
    mkdir(work, 0o755)
    let outcome = try daemon.run("/bin/bash", [script, work, "\(daemon.port)"], seconds: 90)
    guard outcome.code != 77 else {
      print("skipped: a real gateway (needs root, network namespaces, nftables, conntrack, dnsmasq, udhcpc, rsyslogd and python3)")
      return
    }
    #expect(outcome.code == 0, "\(outcome)")
    var open: [String: (Double, [String])] = [:]
    var connections: [Connection] = []
    for line in String(decoding: outcome.output, as: UTF8.self).split(separator: "\n") {
      let words = line.split(separator: " ").map(String.init)
      guard words.count == 5, let seconds = Double(words[0]) else { continue }
      let key = words[2...].joined(separator: " ")
      if words[1] == "open" {
        open[key] = (seconds, words)
      } else if let (from, words) = open.removeValue(forKey: key) {
        connections.append(Connection(client: words[2], publicPort: words[3], port: words[4], from: from, to: seconds))
      }
    }
    #expect(connections.count == 4, "\(outcome)")
    func ask(_ port: String, _ to: String?, at seconds: Double) throws -> [String]? {
      let more = to.map { ["--to", "203.0.113.80:\($0)"] } ?? []
      let answer = try daemon.run(
        "muhur",
        [
          "--socket", daemon.socketPath, "--json", "nat", "203.0.113.1:\(port)", "--at", "\(Int(seconds))", "--window", "1s", "--protocol",
          "tcp",
        ] + more)
      let macs = answer.json?["answers"]?.array?.compactMap { $0["mac"]?.string }.sorted()
      #expect(answer.code == (macs?.isEmpty == false ? 0 : 1), "\(answer)")
      return macs
    }
    let mac = { (client: String) in "02:00:00:00:77:0" + client }
    for c in connections {
      #expect(try ask(c.publicPort, c.port, at: (c.from + c.to) / 2) == [mac(c.client)], "\(c)\n\(connections)")
      // Before it, and for some time behind it, nobody stood there.
      let first = connections.filter { $0.publicPort == c.publicPort && $0.port == c.port }.map(\.from).min() ?? c.from
      #expect(try ask(c.publicPort, c.port, at: first - 3) == [], "\(c)")
      #expect(try ask(c.publicPort, c.port, at: c.to + 3.5) == [], "\(c)\n\(connections)")
      // Whoever had the same public port at that moment, to whatever other end.
      let moment = Double(Int((c.from + c.to) / 2))
      let all = connections.filter { $0.publicPort == c.publicPort && $0.from < moment && moment < $0.to }.map { mac($0.client) }.sorted()
      #expect(try ask(c.publicPort, nil, at: moment) == all)
    }
    #expect(Set(connections.map(\.publicPort)).count < connections.count, "a public port was used again")
    #expect(daemon.stop() == 0)
    #expect(try daemon.verify().code == 0)
  }
}
