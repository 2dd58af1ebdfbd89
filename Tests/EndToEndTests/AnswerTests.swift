import Archive
import Glibc
import Record
import Testing

/// Questions by socket and on the folder: the same records, the same answers.
@Suite(.serialized, .timeLimit(.minutes(8))) struct AnswerTests {
  /// A daemon that has heard of some leases, and stopped.
  static func log() throws -> (daemon: RealDaemon, day: String) {
    let daemon = try RealDaemon()
    try daemon.start()
    for line in [
      "<30>dhcpd[812]: DHCPACK on 10.20.3.57 to 3c:52:82:1a:7f:09 (BIM-PC) via 10.20.3.1",
      "<30>dhcpd[812]: DHCPACK on 10.20.3.58 to 3c:52:82:1a:7f:0a (ZABITA-2) via 10.20.3.1",
      "<30>dhcpd[812]: DHCPRELEASE of 10.20.3.58 from 3c:52:82:1a:7f:0a (ZABITA-2) via eth0 (found)",
      "<30>dhcpd[812]: DHCPACK on 10.20.3.58 to 3c:52:82:1a:7f:0b (YAZI-3) via 10.20.3.1", "<13>cron[9]: nothing to do",
    ] { daemon.send(line) }
    #expect(try RealDaemon.wait { try daemon.received().count == 5 })
    let day = try #require(try daemon.archive.days().last).description
    return (daemon, day)
  }

  @Test func `every question has one answer, by socket and on the folder`() throws {
    let (daemon, day) = try Self.log()
    let now = "\(time(nil) + 1)"
    let questions: [[String]] = [
      ["who", "10.20.3.57", "--at", now], ["who", "10.20.3.58", "--at", now], ["who", "10.20.3.99", "--at", now], ["table", day],
      ["device", "3c:52:82:1a:7f:0a", "--from", day, "--to", now], ["device", "YAZI-3", "--from", day, "--to", now],
      ["search", "BIM-PC", "--from", day, "--to", now], ["search", "nothing to do", "--from", day, "--to", now],
    ]
    var asked: [Outcome] = []
    for question in questions { asked.append(try daemon.run("muhur", ["--socket", daemon.socketPath] + question + ["--json"])) }
    let shown = try daemon.ask("show", day, "2")
    #expect(shown.json?["line"]?.string?.holds("DHCPACK") == true)
    #expect(asked.map(\.code) == [0, 0, 1, 0, 0, 0, 0, 0], "\(asked)")
    #expect(asked[0].json?["answers"]?.array?.first?["mac"]?.string == "3c:52:82:1a:7f:09")
    #expect(asked[1].json?["answers"]?.array?.first?["mac"]?.string == "3c:52:82:1a:7f:0b")
    #expect(asked[2].json?["answers"]?.array?.isEmpty == true)
    // Each of them stands in the log.
    let queries = try daemon.notices("query")
    #expect(queries.count == questions.count + 1, "\(queries)")
    #expect(daemon.stop() == 0)
    // The daemon has gone on since: a later seal, and records behind those asked about.
    func plain(_ outcome: Outcome) -> [String] {
      guard let json = outcome.json else { return ["\(outcome)"] }
      if let answers = json["answers"]?.array {
        return answers.map { answer in
          ["site", "ip", "mac", "hostname", "relay", "basis", "start", "last_seen", "end", "end_reason", "certainty"].map {
            "\($0) \(answer[$0]?.text ?? "none")"
          }.joined(separator: ", ")
        }
      }
      return (json["rows"] ?? json["records"])?.array?.filter { !$0.text.holds("\"query") && !$0.text.holds("\\\"query") }.map(\.text) ?? [
        json.text
      ]
    }
    for (question, before) in zip(questions, asked) {
      let after = try daemon.run("muhur", ["--archive", daemon.archivePath, "--index", daemon.folder + "/other"] + question + ["--json"])
      #expect(after.code == before.code && plain(after) == plain(before), "\(question)\n\(before)\n\(after)")
    }
    #expect(try daemon.read("show", day, "2").json?["line"] == shown.json?["line"])
    // Two archives at once are asked as one.
    let twice = try daemon.run(
      "muhur",
      ["--archive", daemon.archivePath, "--archive", daemon.archivePath, "--index", daemon.folder + "/other"] + questions[0] + ["--json"])
    #expect(twice.code == 0 || twice.code == 2, "\(twice)")
  }

  @Test func `what no dialect understood when it came is found after reindex, and the archive is as it was`() throws {
    let daemon = try RealDaemon()
    daemon.configure(devices: #"{ name: "dhcp1", from: "127.0.0.1", dialects: ["cisco-asa"] }"#)
    try daemon.start()
    daemon.send("<30>dhcpd[812]: DHCPACK on 10.20.3.57 to 3c:52:82:1a:7f:09 (BIM-PC) via 10.20.3.1")
    #expect(try RealDaemon.wait { try daemon.received().count == 1 })
    let now = "\(time(nil) + 1)"
    #expect(try daemon.ask("who", "10.20.3.57", "--at", now).code == 1)
    #expect(daemon.stop() == 0)
    daemon.configure()
    try daemon.start()
    #expect(try daemon.ask("who", "10.20.3.57", "--at", now).code == 1, "what is indexed stays until reindex")
    let again = try daemon.ask("reindex")
    #expect(again.code == 0 && again.json?["records"]?.integer ?? 0 >= 1, "\(again)")
    let found = try daemon.ask("who", "10.20.3.57", "--at", now)
    #expect(found.code == 0 && found.json?["answers"]?.array?.first?["hostname"]?.string == "BIM-PC", "\(found)")
    #expect(try daemon.records().filter { $0.via == .udp }.allSatisfy(\.events.isEmpty))
    #expect(daemon.stop() == 0)
    // A folder alone says nothing of whose messages they are.
    let folder = try daemon.read("who", "10.20.3.57", "--at", now)
    #expect(folder.code == 1, "\(folder)")
  }

  @Test func `a firewall's end of a session that names a number alone ends it, also where both are read after a reload`() throws {
    let daemon = try RealDaemon()
    func device(_ dialect: String) -> String { #"{ name: "asa", from: "127.0.0.1", dialects: ["\#(dialect)"] }"# }
    daemon.configure(devices: device("cisco-asa"))
    try daemon.start()
    func session(_ number: Int, port: Int) {
      daemon.send(
        "<166>%ASA-6-302013: Built outbound TCP connection \(number) for outside:203.0.113.80/443 (203.0.113.80/443) to "
          + "inside:10.20.3.57/51234 (88.255.1.10/\(port))")
      daemon.send(
        "<166>%ASA-6-302014: Teardown TCP connection \(number) for outside:203.0.113.80/443 to inside:10.20.3.57/51234 "
          + "duration 0:00:00 bytes 38110 TCP FINs")
    }
    func ends(_ port: Int) throws -> [Bool] {
      let found = try daemon.ask("nat", "88.255.1.10:\(port)", "--at", "\(time(nil))")
      return found.json?["answers"]?.array?.map { $0["session"]?["end"]?.string != nil && $0["ip"]?.string == "10.20.3.57" } ?? []
    }
    session(5117, port: 40112)
    #expect(try RealDaemon.wait { try daemon.received().count == 2 })
    #expect(try ends(40112) == [true])
    func reload(_ dialect: String) throws {
      let before = try daemon.notices("configuration-changed").count
      daemon.configure(devices: device(dialect))
      daemon.process?.send(SIGHUP)
      #expect(try RealDaemon.wait { try daemon.notices("configuration-changed").count > before })
    }
    try reload("isc-dhcpd")
    session(5118, port: 40113)
    #expect(try RealDaemon.wait { try daemon.received().count == 4 })
    #expect(try ends(40113).isEmpty)
    try reload("cisco-asa")
    #expect(try daemon.ask("reindex").code == 0)
    #expect(try ends(40113) == [true])
    #expect(try ends(40112) == [true])
    #expect(daemon.stop() == 0)
  }

  @Test func `a copy verifies and answers like its log, and an index built anew is the same`() throws {
    let (daemon, day) = try Self.log()
    let now = "\(time(nil) + 1)"
    let before = try daemon.ask("table", day)
    let again = try daemon.ask("reindex")
    #expect(again.code == 0 && (again.json?["events"]?.integer ?? 0) >= 4, "\(again)")
    let after = try daemon.ask("table", day)
    #expect(before.code == 0 && before.json == after.json, "\(before)\n\(after)")
    let copy = daemon.folder + "/copy"
    let copied = try daemon.ask("copy", copy)
    #expect(copied.code == 0 && copied.json?["result"]?.string == "ok", "\(copied)")
    let checked = try daemon.verify(copy)
    #expect(checked.code == 0 || checked.code == 3, "\(checked)")
    let answer = try daemon.run(
      "muhur", ["--archive", copy, "--index", daemon.folder + "/copied", "who", "10.20.3.57", "--at", now, "--json"])
    #expect(answer.code == 0 && answer.json?["answers"]?.array?.first?["hostname"]?.string == "BIM-PC", "\(answer)")
    #expect(daemon.stop() == 0)
  }
}
