import Glibc
import Record
import Testing

/// What senders lose before it reaches us, and senders that nobody configured.
@Suite(.serialized, .timeLimit(.minutes(8))) struct SenderLossTests {
  private func numbered(_ number: Int, _ text: String = "x") -> String {
    "<13>1 2026-11-20T10:15:02+03:00 dhcp1 app - - [meta sequenceId=\"\(number)\"] \(text)"
  }

  @Test func `numbers that never come are noticed once, late ones and a restart are not`() throws {
    let daemon = try RealDaemon()
    try daemon.start()
    for number in [70, 71, 73, 72, 74, 75, 79, 80] { daemon.send(numbered(number)) }
    #expect(try RealDaemon.wait { try daemon.notices("source-gap").count == 1 })
    for number in 1...20 { daemon.send(numbered(number)) }
    // Cisco's, whose gap is still waited for at the end.
    for number in [44_120, 44_121, 44_123] { daemon.send("<189>\(number): *Nov 20 10:15:02.483: %SYS-5-CONFIG_I: Configured") }
    #expect(try RealDaemon.wait { try daemon.received().count == 31 })
    let status = try #require(try daemon.ask("status").json)
    #expect(status["sources"]?.array?.first?["missing"]?.integer == 3, "\(status.text)")
    #expect(daemon.stop() == 0)
    let notices = try daemon.notices("source-gap")
    #expect(notices.map { $0.json["count"]?.integer } == [3, 1])
    #expect(notices.allSatisfy { $0.json["source"]?.string == "dhcp1" && $0.json["how"]?.string == "numbers" })
    let records = try daemon.records().filter { $0.via == .udp }.map(\.time)
    let first = try #require(notices.first)
    #expect(first.json["since"]?.string.flatMap { Timestamp(rfc3339: $0) } == records[5])
    #expect(first.json["until"]?.string.flatMap { Timestamp(rfc3339: $0) } == records[6])
  }

  @Test func `what a sender says of its losses is noticed`() throws {
    let daemon = try RealDaemon()
    try daemon.start()
    // The device's own dialects are others.
    daemon.send(
      "<46>1 2026-11-26T16:58:01+03:00 vm rsyslogd-2177 - - - imuxsock: 58 messages lost due to rate-limiting (200 allowed within 5 seconds)"
    )
    #expect(try RealDaemon.wait { try daemon.notices("source-gap").count == 1 })
    let notice = try #require(try daemon.notices("source-gap").first)
    #expect(notice.json["count"]?.integer == 58 && notice.json["how"]?.string == "told" && notice.json["source"]?.string == "dhcp1")
  }

  @Test func `status gives the line that makes an unlisted sender a device`() throws {
    let daemon = try RealDaemon()
    let other = #"{ name: "other", from: "10.1.2.3" }"#
    daemon.configure(devices: other)
    try daemon.start()
    let message = "<30>Nov 20 10:15:02 dhcp1 dhcpd[812]: DHCPACK on 10.20.3.57 to 3c:52:82:1a:7f:09 via eth0"
    daemon.send(message)
    #expect(try RealDaemon.wait { try daemon.received().count == 1 })
    let unlisted = try #require(try daemon.ask("status").json?["unlisted"]?.array?.first)
    #expect(unlisted["name"]?.string == "127.0.0.1" && unlisted["looks_like"]?.string?.hasPrefix("isc-dhcpd/") == true)
    let line = try #require(unlisted["configure"]?.string)
    let told = try daemon.run("muhur", ["--socket", daemon.socketPath, "status"])
    #expect(String(decoding: told.output, as: UTF8.self).holds(line))
    daemon.configure(devices: line + other)
    daemon.process?.send(SIGHUP)
    #expect(try RealDaemon.wait { try daemon.notices("configuration-changed").count == 1 })
    daemon.send(message)
    #expect(try RealDaemon.wait { try daemon.received().count == 2 })
    let records = try daemon.records().filter { $0.via == .udp }
    #expect(records.map(\.events.count) == [0, 1] && records.last?.source == "sender-127.0.0.1")
  }
}
