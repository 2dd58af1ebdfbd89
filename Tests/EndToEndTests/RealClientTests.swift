import Glibc
import Record
import TestSupport
import Testing

/// Senders that people have, sending to the daemon over TCP and TLS.
@Suite(.serialized, .timeLimit(.minutes(8))) struct RealClientTests {
  private static let rsyslog = "/usr/sbin/rsyslogd"
  private static let syslogNG = "/usr/sbin/syslog-ng"
  private static let driver = "/usr/lib/x86_64-linux-gnu/rsyslog/lmnsd_ossl.so"

  private static func isThere(_ path: String) -> Bool { access(path, X_OK) == 0 || access(path, R_OK) == 0 }

  /// A daemon that receives over TCP and TLS, with an authority and certificates beside it.
  private final class Listening {
    let daemon: RealDaemon
    let tcp = RealDaemon.freePort(), tls = RealDaemon.freePort()
    var folder: String { daemon.folder }
    private var clients: [Process] = []

    init() throws {
      daemon = try RealDaemon()
      let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
      try openssl(["req", "-x509"] + key + ["-keyout", file("ca.key"), "-out", file("ca.pem"), "-subj", "/CN=CA", "-days", "9"])
      RealDaemon.write("subjectAltName=DNS:localhost,IP:127.0.0.1\n", to: file("names"))
      for name in ["localhost", "client"] {
        try openssl(["req"] + key + ["-keyout", file(name + ".key"), "-out", file(name + ".csr"), "-subj", "/CN=" + name])
        try openssl(
          ["x509", "-req", "-in", file(name + ".csr"), "-CA", file("ca.pem"), "-CAkey", file("ca.key"), "-CAcreateserial", "-days", "9"]
            + ["-extfile", file("names"), "-out", file(name + ".pem")])
      }
      daemon.configure(
        sources: """
          { type: "tcp", listen: "127.0.0.1:\(tcp)" }, { type: "tls", listen: "127.0.0.1:\(tls)", certificate: "\(file("localhost.pem"))",
            key: "\(file("localhost.key"))", client_ca: "\(file("ca.pem"))" }
          """)
      try daemon.start()
    }

    func file(_ name: String) -> String { folder + "/" + name }

    private func openssl(_ arguments: [String]) throws {
      let outcome = try daemon.run("/usr/bin/openssl", arguments)
      guard outcome.code == 0 else { throw Process.Failure(description: "openssl: \(outcome)") }
    }

    func start(_ program: String, _ arguments: [String]) throws {
      clients.append(try Process(program, arguments, output: file("client.out"), errors: file("client.err")))
    }

    /// Writes messages into the socket of a program that sends them on.
    func log(_ messages: [String]) throws {
      #expect(RealDaemon.wait { access(file("devlog"), W_OK) == 0 })
      for message in messages {
        let outcome = try daemon.run("/usr/bin/logger", ["-u", file("devlog"), "-t", "dhcpd", message])
        #expect(outcome.code == 0)
      }
    }

    func records(_ via: Via) throws -> [RecordLine] { try daemon.records().filter { $0.via == via } }

    func end() {
      for client in clients {
        client.send(SIGTERM)
        client.end()
      }
      clients.removeAll()
    }

    deinit { end() }
  }

  private static let lines = [
    "DHCPACK on 10.20.3.57 to 3c:52:82:1a:7f:09 (BİM-PC) via eth0", "DHCPACK on 10.20.3.58 to 3c:52:82:1a:7f:0a via eth0",
  ]

  private func check(_ listening: Listening, _ via: Via, _ count: Int) throws {
    #expect(try RealDaemon.wait { try listening.records(via).count >= count })
    let records = try listening.records(via)
    #expect(records.count == count, "\(records.map { String(decoding: $0.raw ?? [], as: UTF8.self) })")
    #expect(records.allSatisfy { $0.events.map(\.kind) == [.lease] && $0.source == "dhcp1" })
  }

  @Test(.enabled(if: isThere(rsyslog), "needs rsyslog"), arguments: ["octet-counted", "traditional"])
  func `rsyslog over TCP`(_ framing: String) throws {
    let listening = try Listening()
    RealDaemon.write(
      """
      module(load="imuxsock" SysSock.Use="off")
      input(type="imuxsock" Socket="\(listening.file("devlog"))")
      action(type="omfwd" target="127.0.0.1" port="\(listening.tcp)" protocol="tcp" TCP_Framing="\(framing)")

      """, to: listening.file("rsyslog.conf"))
    try listening.start(Self.rsyslog, ["-n", "-f", listening.file("rsyslog.conf"), "-i", listening.file("pid")])
    try listening.log(Self.lines)
    try check(listening, .tcp, 2)
  }

  @Test(.enabled(if: isThere(rsyslog) && isThere(driver), "needs rsyslog-openssl"))
  func `rsyslog over TLS, with its certificate`() throws {
    let listening = try Listening()
    RealDaemon.write(
      """
      global(DefaultNetstreamDriverCAFile="\(listening.file("ca.pem"))" DefaultNetstreamDriverCertFile="\(listening.file("client.pem"))"
        DefaultNetstreamDriverKeyFile="\(listening.file("client.key"))")
      module(load="imuxsock" SysSock.Use="off")
      input(type="imuxsock" Socket="\(listening.file("devlog"))")
      action(type="omfwd" target="127.0.0.1" port="\(listening.tls)" protocol="tcp" StreamDriver="ossl" StreamDriverMode="1"
        StreamDriverAuthMode="x509/name" StreamDriverPermittedPeers="localhost" TCP_Framing="octet-counted"
        template="RSYSLOG_SyslogProtocol23Format")

      """, to: listening.file("rsyslog.conf"))
    try listening.start(Self.rsyslog, ["-n", "-f", listening.file("rsyslog.conf"), "-i", listening.file("pid")])
    try listening.log(Self.lines)
    try check(listening, .tls, 2)
    let shown = try listening.daemon.run(
      "/bin/sh", ["-c", "openssl x509 -in \(listening.file("client.pem")) -outform DER | sha256sum | cut -c1-64"])
    let digest = String(decoding: shown.output.dropLast(), as: UTF8.self)
    #expect(digest.utf8.count == 64)
    #expect(try listening.records(.tls).allSatisfy { $0.json["peer"]?.string == digest })
  }

  @Test(.enabled(if: isThere(syslogNG), "needs syslog-ng-core, which takes rsyslog's place"))
  func `syslog-ng over TCP and TLS`() throws {
    let listening = try Listening()
    RealDaemon.write(
      """
      @version: 3.38
      source s { unix-dgram("\(listening.file("devlog"))"); };
      destination d_tcp { syslog("127.0.0.1" transport("tcp") port(\(listening.tcp))); };
      destination d_tls { syslog("127.0.0.1" transport("tls") port(\(listening.tls)) tls(ca-file("\(listening.file("ca.pem"))")
        cert-file("\(listening.file("client.pem"))") key-file("\(listening.file("client.key"))") peer-verify(required-trusted))); };
      log { source(s); destination(d_tcp); destination(d_tls); };

      """, to: listening.file("ng.conf"))
    try listening.start(
      Self.syslogNG,
      [
        "-F", "-f", listening.file("ng.conf"), "-R", listening.file("persist"), "-p", listening.file("pid"), "-c", listening.file("ctl"),
      ])
    try listening.log(Self.lines)
    try check(listening, .tcp, 2)
    try check(listening, .tls, 2)
  }

  @Test(arguments: [["--octet-count"], []])
  func `logger over TCP`(_ options: [String]) throws {
    let listening = try Listening()
    for line in Self.lines {
      let sent = try listening.daemon.run(
        "/usr/bin/logger", ["--tcp", "-n", "127.0.0.1", "-P", "\(listening.tcp)", "-t", "dhcpd"] + options + [line])
      #expect(sent.code == 0)
    }
    try check(listening, .tcp, 2)
    // What was received is proven like everything else, and nothing is left behind.
    #expect(listening.daemon.stop() == 0)
    let outcome = try listening.daemon.verify()
    #expect(outcome.code == 0, "\(outcome)")
  }
}
