import Glibc
import Record
import TestSupport
import Testing

/// Leases of real DHCP servers and clients (`Servers/leases.sh`): what `who` answers is what the clients held.
@Suite(.serialized, .timeLimit(.minutes(8))) struct RealServerTests {
  /// One line of what truly happened.
  struct Fact {
    var seconds: Double
    var event: String
    var client: String

    init?(_ line: Substring) {
      let words = line.split(separator: " ")
      guard words.count >= 2, let seconds = Double(words[0]) else { return nil }
      self.seconds = seconds
      event = String(words[1])
      client = words.count > 2 ? String(words[2]) : ""
    }
  }

  static let macs = ["birinci": "02:00:00:00:77:01", "ikinci": "02:00:00:00:77:02"]

  /// The packets and the lease file of the same exchanges: by themselves they say the same as far as each can know, and with
  /// the log they are one lease with several pieces of evidence.
  private func compare(
    _ files: [String], _ truths: [(moment: Int, mac: String?)], begins: [Double], of server: String, with daemon: RealDaemon
  ) throws {
    for file in files {
      let alone = try RealDaemon()
      let imported = try alone.run("muhur", ["--archive", alone.archivePath, "import", file, "--source", "dhcp1", "--json"])
      #expect(imported.code == 0 && (imported.json?["events"]?.integer ?? 0) > 0, "\(imported)")
      var right = 0
      for (moment, mac) in truths {
        let answer = try alone.read("who", "10.77.0.10", "--at", "\(moment)")
        let macs = answer.json?["answers"]?.array?.compactMap { $0["mac"]?.string } ?? ["no answer: \(answer)"]
        if file.hasSuffix(".pcap") {
          #expect(macs == (mac.map { [$0] } ?? []), "\(file) at \(moment): \(answer)")
        } else if let mac {
          // A lease file does not tell of every lease that is over, but never of another device.
          #expect(macs.isEmpty || macs == [mac], "\(file) at \(moment): \(answer)")
          right += macs.isEmpty ? 0 : 1
        }
      }
      // dnsmasq's says only until when: such a lease begins with the import.
      #expect(file.hasSuffix(".pcap") || server == "dnsmasq" || right > 0, "\(file) knows none of the leases")
      let together = try daemon.ask("import", file, "--source", "dhcp1")
      #expect(together.code == 0, "\(together)")
    }
    // Lease files know whole seconds: just before a lease begins it may have begun.
    for (moment, mac) in truths where mac != nil || !begins.contains(where: { $0 > Double(moment) && $0 < Double(moment) + 2.5 }) {
      let answer = try daemon.ask("who", "10.77.0.10", "--at", "\(moment)")
      let answers = answer.json?["answers"]?.array ?? []
      #expect(answers.compactMap { $0["mac"]?.string } == (mac.map { [$0] } ?? []), "together at \(moment): \(answer)")
      for one in answers { #expect((one["evidence"]?.array?.count ?? 0) > 1, "\(one.text)") }
    }
  }

  @Test(arguments: ["dhcpd", "kea", "dnsmasq"])
  func `who agrees with what the clients of a real server held`(server: String) throws {
    let daemon = try RealDaemon()
    // Neither dhcpd nor dnsmasq says in its log how long a lease is.
    let lease = server == "kea" ? "" : #", lease_time: "\#(server == "dhcpd" ? 6 : 120)s""#
    let dialect = ["dhcpd": "isc-dhcpd", "kea": "kea", "dnsmasq": "dnsmasq-dhcp"][server] ?? ""
    daemon.configure(devices: #"{ name: "dhcp1", from: "127.0.0.1", dialects: ["\#(dialect)"]\#(lease) }"#, more: #"clock_tolerance: "1s""#)
    try daemon.start()
    let script = "\(#filePath)".split(separator: "/").dropLast().map { "/" + $0 }.joined() + "/Servers/leases.sh"
    let work = daemon.folder + "/servers"
    mkdir(work, 0o755)
    let outcome = try daemon.run("/bin/bash", [script, server, work, "\(daemon.port)"], seconds: 90)
    guard outcome.code != 77 else {
      print("skipped: leases of a real \(server) (needs root, network namespaces, \(server), rsyslogd and udhcpc)")
      return
    }
    #expect(outcome.code == 0, "\(outcome)")
    let facts = String(decoding: outcome.output, as: UTF8.self).split(separator: "\n").compactMap(Fact.init)
    #expect(facts.last?.event == "end", "\(outcome)")
    // A lease that its client let run out without a word ends with its time.
    func held(at second: Double) -> String? {
      var holder: String?
      for fact in facts where fact.seconds <= second {
        switch fact.event {
        case "bound", "renew": holder = Self.macs[fact.client]
        case "release", "expired": holder = nil
        default: break
        }
      }
      return holder
    }
    // Every second that is not too near to a fact. When the client's lease ran out nobody saw to the second.
    var moments: [Int] = []
    for (before, after) in zip(facts, facts.dropFirst()) where after.event != "expired" {
      moments += stride(from: Int(before.seconds) + 1, through: Int(after.seconds), by: 1).filter {
        Double($0) > before.seconds + 0.9 && Double($0) < after.seconds - 0.9
      }
    }
    for moment in moments {
      let answer = try daemon.ask("who", "10.77.0.10", "--at", "\(moment)")
      let macs = answer.json?["answers"]?.array?.compactMap { $0["mac"]?.string }
      let truth = held(at: Double(moment))
      #expect(macs == (truth.map { [$0] } ?? []), "\(server) at \(moment): \(answer)\n\(facts)")
      #expect(answer.code == (truth == nil ? 1 : 0))
    }
    #expect(moments.count >= 4)
    try compare(
      ["wire.pcap", "leases"].map { work + "/" + $0 }, moments.map { ($0, held(at: Double($0))) },
      begins: facts.filter { $0.event == "bound" }.map(\.seconds), of: server, with: daemon)
    #expect(daemon.stop() == 0)
    #expect(try daemon.verify().code == 0)
  }
}
