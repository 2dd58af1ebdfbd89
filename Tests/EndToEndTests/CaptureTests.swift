import Archive
import Glibc
import Record
import TestSupport
import Testing

/// A wire of its own: two network namespaces, each with one end of it.
private final class Wire {
  let server: String
  let client: String
  /// The interface in both namespaces.
  static let end = "wire0"
  private let folder: String
  private var processes: [Process] = []

  /// Whether this machine can have one: root, iproute2, dnsmasq and BusyBox's udhcpc.
  static let isPossible: Bool = {
    let programs: [String] = ["/usr/sbin/ip", "/usr/sbin/dnsmasq", "/usr/sbin/udhcpc", "/usr/bin/python3"]
    guard geteuid() == 0, programs.allSatisfy({ path in access(path, X_OK) == 0 })
    else { return false }
    let name = "muhur-try-\(getpid())"
    guard (try? Wire.ip("netns", "add", name)) == 0 else { return false }
    return (try? Wire.ip("netns", "del", name)) == 0
  }()

  static func ip(_ arguments: String...) throws -> Int32 {
    try Process("/usr/sbin/ip", arguments, output: "/dev/null", errors: "/dev/null").end()
  }

  init(_ folder: String) throws {
    self.folder = folder
    server = "muhur-s-\(getpid())"
    client = "muhur-c-\(getpid())"
    for name in [server, client] {
      _ = try Self.ip("netns", "add", name)
      _ = try Self.ip("-n", name, "link", "set", "lo", "up")
    }
    guard try Self.ip("-n", server, "link", "add", Self.end, "type", "veth", "peer", "name", Self.end, "netns", client) == 0 else {
      throw Process.Failure(description: "no veth")
    }
    _ = try Self.ip("-n", server, "addr", "add", "10.91.0.1/24", "dev", Self.end)
    _ = try Self.ip("-n", client, "addr", "add", "10.91.0.2/24", "dev", Self.end)
    for name in [server, client] { _ = try Self.ip("-n", name, "link", "set", Self.end, "up") }
  }

  deinit {
    for process in processes {
      process.send(SIGTERM)
      process.end()
    }
    for name in [server, client] { _ = try? Self.ip("netns", "del", name) }
  }

  func start(in namespace: String, _ program: String, _ arguments: [String]) throws -> Process {
    try Process(
      "/usr/sbin/ip", ["netns", "exec", namespace, program] + arguments, output: folder + "/wire.out", errors: folder + "/wire.err")
  }

  func serve() throws {
    processes.append(
      try start(
        in: server, "/usr/sbin/dnsmasq",
        [
          "--keep-in-foreground", "--port=0", "--interface=" + Self.end, "--bind-interfaces", "--dhcp-range=10.91.0.50,10.91.0.60,2m",
          "--no-ping", "--dhcp-leasefile=" + folder + "/leases", "--pid-file=", "--conf-file=/dev/null", "--log-facility=-",
          "--user=root",
        ]))
  }

  /// A lease for a client of that name: its exit code is 0 when it got one.
  func lease(_ name: String) throws -> Int32 {
    try start(
      in: client, "/usr/sbin/udhcpc", ["-i", Self.end, "-n", "-q", "-f", "-t", "8", "-T", "1", "-s", "/bin/true", "-x", "hostname:" + name]
    )
    .end(within: 30)
  }

  func python(_ program: String) throws -> Int32 { try start(in: client, "/usr/bin/python3", ["-c", program]).end() }
}

@Suite(.serialized, .enabled(if: Wire.isPossible, "needs root, network namespaces, dnsmasq and udhcpc"), .timeLimit(.minutes(8)))
struct CaptureTests {
  @Test func `what passes on the wire is captured: a real lease, fragments, a neighbour, and when the wire is cut`() throws {
    let daemon = try RealDaemon()
    let wire = try Wire(daemon.folder)
    daemon.namespace = wire.server
    daemon.configure(devices: "", sources: #"{ type: "pcap", interface: "\#(Wire.end)", name: "mirror" }"#)
    try daemon.start()
    try wire.serve()
    #expect(try wire.lease("pc-wire") == 0)
    func events() throws -> [Event] { try daemon.records().filter { $0.via == .pcap }.flatMap(\.events) }
    #expect(try RealDaemon.wait { try events().contains { $0.action == "assign" } }, "\(daemon.log)")
    let lease = try #require(try events().first { $0.action == "assign" })
    let (_, mac, ip, name) = try #require(Self.leaseLine(daemon.folder + "/leases"))
    #expect(lease.text(.ip) == ip && lease.text(.mac) == mac && lease.text(.hostname) == name && name == "pc-wire")
    #expect(lease.integer(.leaseSeconds) == 120)
    // Every message of the exchange is there, as it was on the wire.
    let records = try daemon.records().filter { $0.via == .pcap }
    #expect(records.filter { $0.linkType == 1 && ($0.raw?.count ?? 0) > 250 }.count >= 4)
    #expect(records.allSatisfy { $0.source == "mirror" && $0.json["from"]?.string == Wire.end })

    // A datagram of three fragments, and a sighting again and again.
    let accounting =
      "bytes([4,1,11,224])+bytes(16)+bytes([40,6,0,0,0,1,1,6])+b'ayse'+bytes([8,6,10,91,0,9])+(bytes([26,253])+bytes(251))*12"
    let send = """
      import socket, struct
      m = \(accounting)
      m = m[:2] + struct.pack('>H', len(m)) + m[4:]
      socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(m, ('10.91.0.1', 1813))
      s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); s.bind(('\(Wire.end)', 0))
      mac = bytes([2, 0, 0, 0, 0, 0x99])
      arp = b'\\xff' * 6 + mac + bytes([8, 6, 0, 1, 8, 0, 6, 4, 0, 1]) + mac + bytes([10, 91, 0, 99]) + bytes(6) + bytes([10, 91, 0, 1])
      for i in range(5): s.send(arp)
      s.send(arp[:12] + bytes([0x81, 0, 0, 30]) + arp[12:])
      s.send(arp[:12] + bytes([0x88, 0xa8, 0, 30, 0x81, 0, 0, 40]) + arp[12:])
      """
    #expect(try wire.python(send) == 0)
    #expect(
      try RealDaemon.wait {
        let events = try events()
        return events.contains { $0.kind == .login && $0.text(.user) == "ayse" }
          && events.filter { $0.text(.ip) == "10.91.0.99" }.count == 3
      }, "\(daemon.log)")
    let sightings = try events().filter { $0.text(.ip) == "10.91.0.99" }
    #expect(sightings.map { $0.json["vlans"] } == [nil, .array([30]), .array([30, 40])])
    let status = try #require(try daemon.ask("status").json)
    let mirror = try #require(status["sources"]?.array?.first { $0["name"] == "mirror" })
    #expect((mirror["thinned"]?.integer ?? 0) >= 4)
    // A second after it, which the lease covers.
    let given = try #require(lease.time()?.microseconds)
    let who = try daemon.ask("who", ip, "--at", "\(given / Timestamp.second + 1)")
    #expect(who.json?["answers"]?.array?.first?["mac"]?.string == mac, "\(who)")

    _ = try Wire.ip("-n", wire.server, "link", "set", Wire.end, "down")
    #expect(try RealDaemon.wait { try !daemon.notices("source-silent").isEmpty }, "\(daemon.log)")
    #expect(try daemon.ask("status").json?["warnings"]?.array?.contains { $0.string?.holds("pcap " + Wire.end) == true } == true)
    _ = try Wire.ip("-n", wire.server, "link", "set", Wire.end, "up")
    #expect(try RealDaemon.wait { try !daemon.notices("source-back").isEmpty }, "\(daemon.log)")
    let before = try events().count
    #expect(try wire.lease("pc-again") == 0)
    #expect(try RealDaemon.wait { try events().count > before }, "\(daemon.log)")
    #expect(daemon.stop() == 0, "\(daemon.log)")
    let outcome = try daemon.verify()
    #expect(outcome.code == 0, "\(outcome)")
  }

  @Test func `loopback and all interfaces at once are captured too`() throws {
    let daemon = try RealDaemon()
    let wire = try Wire(daemon.folder)
    daemon.namespace = wire.client
    daemon.configure(
      devices: "", sources: #"{ type: "pcap", interface: "any", name: "all" }, { type: "pcap", interface: "lo", name: "loop" }"#)
    try daemon.start()
    let send = """
      import socket
      m = bytes([4, 1, 0, 38]) + bytes(16) + bytes([40, 6, 0, 0, 0, 1, 1, 6]) + b'ayse' + bytes([8, 6, 10, 91, 0, 9])
      socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(m, ('127.0.0.1', 1813))
      socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).sendto(m, ('::1', 1813))
      """
    #expect(try wire.python(send) == 0)
    func logins(_ name: String) throws -> [RecordLine] {
      try daemon.records().filter { $0.source == name && $0.events.contains { $0.text(.user) == "ayse" } }
    }
    #expect(try RealDaemon.wait { try logins("all").count >= 2 && logins("loop").count >= 2 }, "\(daemon.log)")
    #expect(try logins("all").first?.linkType == 113)
    #expect(daemon.stop() == 0, "\(daemon.log)")
  }

  @Test func `an interface that does not exist stops the start, in words`() throws {
    let daemon = try RealDaemon()
    daemon.configure(devices: "", sources: #"{ type: "pcap", interface: "nosuch0" }"#)
    let outcome = try daemon.run("muhurd", ["--config", daemon.configurationPath])
    #expect(outcome.code == 4)
    #expect(outcome.errors.holds("pcap nosuch0: there is no such interface"), "\(outcome)")
  }

  /// time, MAC, address and name of dnsmasq's first lease.
  private static func leaseLine(_ path: String) -> (String, String, String, String)? {
    let words =
      (Corpus.file(path) ?? []).split(separator: 0x0a).first?.split(separator: 0x20).map { String(decoding: $0, as: UTF8.self) } ?? []
    return words.count >= 4 ? (words[0], words[1], words[2], words[3]) : nil
  }
}
