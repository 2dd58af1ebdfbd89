import Glibc
import Record
import Testing

@Suite struct FollowedFileTests {
  private func append(_ text: String, to path: String) { RealDaemon.write(text, to: path, flags: O_APPEND) }

  private func lease(_ n: Int) -> String {
    """
    lease 10.20.3.\(n) {
      starts 5 2026/11/20 07:15:02;
      ends 5 2026/11/20 08:15:02;
      binding state active;
      hardware ethernet 3c:52:82:1a:7f:\(n);
    }

    """
  }

  @Test("files are followed through kill -9, rotation and a rewrite, and every entry is one record")
  func followed() throws {
    let daemon = try RealDaemon()
    let folder = daemon.folder + "/logs"
    mkdir(folder, 0o700)
    let (leases, messages) = (folder + "/dhcpd.leases", folder + "/messages")
    append("# written by hand\n" + lease(10) + lease(11), to: leases)
    append("Nov 20 10:15:02 gw dhcpd[1]: DHCPACK on 10.20.8.30 to 3c:52:82:1a:7f:09 via eth1\nunfini", to: messages)
    daemon.configure(
      sources: """
        { type: "file", path: "\(leases)", dialect: "isc-leases", name: "old1", site: "depo" },
        { type: "file", path: "\(folder)/mess*", dialect: "isc-dhcpd", name: "old2" }
        """)
    func raws(_ name: String) throws -> [RecordLine] { try daemon.records().filter { $0.via == .file && $0.source == name } }
    try daemon.start()
    #expect(try RealDaemon.wait { try raws("old1").count == 3 && raws("old2").count == 1 })
    let first = try raws("old1")[1]
    #expect(first.from == leases && first.json["at"] == 18 && first.site == "depo" && first.raw == Array(lease(10).utf8.dropLast()))
    let event = try #require(first.events.first)
    #expect(event.json["time"] == "2026-11-20T10:15:02+03:00" && event.json["clock"] == "device" && event.json["server"] == "old1")
    #expect(try raws("old2")[0].events.first?.json["ip"] == "10.20.8.30")

    _ = daemon.end(SIGKILL)
    append("shed\n", to: messages)
    rename(messages, messages + ".1")
    append("the new one\n", to: messages)
    append(lease(12), to: leases)
    try daemon.start()
    #expect(try RealDaemon.wait { try raws("old1").count == 4 && raws("old2").count == 3 })
    #expect(try raws("old2")[1].raw == Array("unfinished".utf8))

    // As dhcpd does now and then: what is no longer active goes, the rest is written anew.
    append("# written anew\n" + lease(11) + lease(12) + lease(13), to: leases + ".1795")
    rename(leases + ".1795", leases)
    #expect(try RealDaemon.wait { try raws("old1").count == 6 })
    #expect(daemon.stop() == 0)
    try daemon.start()
    append(lease(14), to: leases)
    #expect(try RealDaemon.wait { try raws("old1").count == 7 })
    usleep(1_200_000)
    #expect(try raws("old1").count == 7)
    #expect(try raws("old2").count == 3)
    #expect(daemon.stop() == 0)
    #expect(try daemon.verify().code == 0)
  }

  @Test("a file that cannot be read is a warning of status")
  func unreadable() throws {
    let daemon = try RealDaemon()
    daemon.configure(sources: "{ type: \"file\", path: \"\(daemon.folder)/none\", name: \"old1\" }")
    try daemon.start()
    #expect(
      try RealDaemon.wait {
        try String(decoding: daemon.ask("status").output, as: UTF8.self).contains("not followed: \(daemon.folder)/none")
      })
    RealDaemon.write("Nov 20 10:15:02 gw a: b\n", to: daemon.folder + "/none", flags: O_APPEND)
    #expect(try RealDaemon.wait { try !String(decoding: daemon.ask("status").output, as: UTF8.self).contains("not followed") })
    #expect(daemon.stop() == 0)
  }

  @Test("an import into a folder needs no keys; the daemon seals what it wrote, and questions find it")
  func imported() throws {
    let daemon = try RealDaemon()
    let file = daemon.folder + "/static.csv"
    RealDaemon.write("ip,mac,hostname,since\n10.20.1.5,3c:52:82:1a:7f:09,yazici,2026-01-01\n", to: file, flags: O_APPEND)
    let arguments = ["--archive", daemon.archivePath, "import", file, "--source", "bina", "--json"]
    #expect(try daemon.run("muhur", arguments).json?["events"] == 1)
    #expect(try daemon.run("muhur", arguments).code == 1)
    #expect(try daemon.verify().code == 3, "nothing is sealed yet")
    daemon.configure(sources: "{ type: \"file\", path: \"\(daemon.folder)/none\", name: \"dc1\" }")
    for _ in 0..<2 {
      try daemon.start()
      // Each start tells the configuration's list, which is empty and does not end an imported declaration.
      let answer = try #require(try daemon.ask("who", "10.20.1.5", "--at", "2026-02-01 12:00").json?["answers"]?.array?.first)
      #expect(answer["mac"] == "3c:52:82:1a:7f:09" && answer["basis"] == "declared" && answer["end"] == .null)
      #expect(daemon.stop() == 0)
    }
    #expect(try daemon.verify().code == 0)
    try daemon.start()
    RealDaemon.write("1795162502 3c:52:82:1a:7f:09 10.20.8.30 pc *\n", to: file + ".leases", flags: O_APPEND)
    #expect(try daemon.ask("import", file + ".leases", "--source", "dc1").json?["events"] == 1)
    #expect(daemon.stop() == 0)
  }
}
