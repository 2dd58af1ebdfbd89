import Record
import Syslog
import TestSupport
import Testing

@testable import Dialects

@Suite struct EngineTests {
  /// A dialect `test` for the program `prog`.
  private func set(_ patterns: String, extra: String = "") throws -> DialectSet {
    let text = """
      { name: "test", version: 3, applies: { app: ["prog"] }, \(extra) patterns: [\(patterns)],
        examples: [{ input: "x", events: null }] }
      """
    return try DialectSet.load(file: Array(text.utf8).span, path: "test.json5", name: "test")
  }

  private func events(_ set: DialectSet, _ message: String) -> [JSONValue] { explain(set, message).events }

  private func explain(_ set: DialectSet, _ message: String) -> Explanation {
    var normaliser = Normaliser(set)
    return normaliser.explain(Array("<30>prog: \(message)".utf8).span, received: 0, sender: 1, source: SourceReading(zone: .utc))
  }

  @Test("a message may say that others are missing, and how many")
  func gaps() throws {
    let set = try set(
      """
      { name: "lost", text: "lost {_lost:integer} of {_all:integer}", event: null, gap: "lost" },
      { name: "some", text: "lost some", event: null, gap: "lost" }, { name: "paused", text: "paused", event: null, gap: "paused" },
      { name: "plain", text: "plain", event: null }
      """)
    var normaliser = Normaliser(set)
    func gap(_ message: String) -> SaidGap? {
      var events = EventList()
      let text = Array("<30>prog: \(message)".utf8)
      _ = normaliser.read(text.span, received: 0, sender: 1, source: SourceReading(zone: .utc), into: &events)
      return normaliser.gap
    }
    #expect(gap("lost 12 of 40") == .lost(12) && gap("lost some") == .lost(nil) && gap("paused") == .paused)
    #expect(gap("plain") == nil && gap("lost x of 40") == nil && gap("something else") == nil)
    #expect(explain(set, "paused").why?.contains("writes nothing from now on") == true)
  }

  @Test("going on from where a pattern begins like the one before it gives what reading it from the front gives")
  func sharedBeginnings() {
    var shared = 0
    for dialect in DialectSet.builtIn.dialects {
      let order = dialect.dispatch.order
      let texts = dialect.examples.flatMap { $0.before + [$0.input] }.map { text in
        Array(text.utf8)
      }
      for place in order.indices where dialect.shared[place] > 0 {
        shared += 1
        let (first, second) = (dialect.patterns[order[place - 1]].nodes, dialect.patterns[order[place]].nodes)
        for message in texts {
          let header = SyslogMessage(message.span)
          guard let body = header.message else { continue }
          // Cut short, so that both stop anywhere.
          for end in Set([body.count, body.count * 3 / 4, body.count / 2, body.count / 3]) {
            let text = message.span.extracting(body.lowerBound..<body.lowerBound + end)
            var start = 0
            var scratch = MatchScratch()
            scratch.reset()
            if !dialect.head.isEmpty { start = scratch.match(text, at: 0, dialect, dialect.head, toEnd: false) ?? 0 }
            let heads = scratch.captureCount
            var alone = scratch
            _ = scratch.match(text, at: start, dialect, first, toEnd: true)
            scratch.keep(captures: heads)
            let found = scratch.match(text, at: start, dialect, second, toEnd: true, shared: dialect.shared[place])
            let plain = alone.match(text, at: start, dialect, second, toEnd: true)
            #expect(found == plain && scratch.failedAt == alone.failedAt && scratch.failedNode == alone.failedNode)
            #expect(scratch.captureCount == alone.captureCount)
            for n in 0..<min(scratch.captureCount, alone.captureCount) {
              #expect(scratch.capture(n).range == alone.capture(n).range && scratch.capture(n).name == alone.capture(n).name)
            }
          }
        }
      }
    }
    #expect(shared > 50)
  }

  private func lease(_ text: String) throws -> DialectSet {
    try set("{ name: \"p\", text: \"\(text)\", event: { kind: \"lease\", action: \"assign\" } }")
  }

  @Test(
    "a field holds a valid value of its type or the pattern does not match",
    arguments: [
      ("{ip}", "10.0.0.1", #""ip":"10.0.0.1""#), ("{ip}", "10.0.0.256", nil), ("{ip}", "2001:DB8::1", #""ip":"2001:db8::1""#),
      ("{ip:ip4}", "2001:db8::1", nil),
      ("{ip:ip6}", "10.0.0.1", nil), ("{ip}.", "10.0.0.1.", #""ip":"10.0.0.1""#), ("{ip}: x", "2001:db8::1: x", #""ip":"2001:db8::1""#),
      ("{ip}: x", "2001:db8::: x", #""ip":"2001:db8::""#),
      ("{ip}:{:integer}", "10.0.0.1:514", #""ip":"10.0.0.1""#), ("{ip}:{:integer}", "10.0.0.1.:514", nil),
      ("{ip}:{:integer}", "10.0.0.1234:5", nil),
      ("{ip}.{:integer}", "10.0.0.1.5", nil), ("{ip}a", "10.0.0.1a", #""ip":"10.0.0.1""#),
      ("{ip}:", "10.0.0.1:", #""ip":"10.0.0.1""#),
      ("{ip}:{:word}", "2001:db8::1:x", #""ip":"2001:db8::1""#),
      ("{ip} {mac}", "10.0.0.1 3C-52-82-1A-7F-09", #""mac":"3c:52:82:1a:7f:09""#),
      ("{ip} {mac}", "10.0.0.1 3c:52:82:1a:7f:9", nil),
      ("{ip} {mac:short-mac}", "10.0.0.1 3c:52:82:1a:7f:9", #""mac":"3c:52:82:1a:7f:09""#),
      ("{ip} {duid}", "10.0.0.1 00:aB:01", #""duid":"00:ab:01""#), ("{ip} {duid}", "10.0.0.1 00:a", nil),
      ("{ip} {duid}", "10.0.0.1 00:", nil),
      ("{prefix}", "2001:db8::/56", #""prefix":"2001:db8::/56""#), ("{prefix}", "2001:db8::", nil), ("{prefix}", "2001:db8::/129", nil),
      ("{ip} {iaid}", "10.0.0.1 -1", #""iaid":4294967295"#), ("{ip} {lease_seconds}", "10.0.0.1 -1", nil),
      ("{ip} {lease_seconds}", "10.0.0.1 9999999999999999999", nil),
      ("{ip} {lease_seconds:duration}", "10.0.0.1 2 days 1 hrs 2 mins 3 secs", #""lease_seconds":176523"#),
      ("{ip} {lease_seconds:duration}", "10.0.0.1 2 fortnights", nil),
      ("{ip} ({hostname}) end", "10.0.0.1 (a) end) end", #""hostname":"a) end""#), ("{ip} {hostname:word}", "10.0.0.1 a b", nil),
      ("{ip} {hostname:phrase} b {:rest}", "10.0.0.1 a b c b d", #""hostname":"a""#), ("{ip} {hostname:phrase} b", "10.0.0.1 a b c b", nil),
      ("{ip}", "0.0.0.0", nil), ("{ip} {hostname:rest}", "10.0.0.1 a b ", #""hostname":"a b""#),
      ("{ip}{? ({hostname})} via {relay:ip|word}", "10.0.0.1 via eth0", #""ip":"10.0.0.1""#),
      ("{ip}{? ({hostname})} via {relay:ip|word}", "10.0.0.1 (h) via 10.0.0.9", #""relay":"10.0.0.9""#),
      ("{ip}{:blank}x", "10.0.0.1 \t x", #""ip":"10.0.0.1""#), ("{ip}{:blank}x", "10.0.0.1x", nil), ("{ip}", "10.0.0.1 x", nil),
      ("{{{ip}}}", "{10.0.0.1}", #""ip":"10.0.0.1""#),
    ] as [(String, String, String?)])
  func types(_ pattern: String, _ message: String, _ expected: String?) throws {
    let found = events(try lease("go " + pattern), "go " + message)
    guard let expected else {
      #expect(found.isEmpty)
      return
    }
    #expect(found.first?.text.contains(expected) == true, "\(found.map(\.text))")
  }

  @Test(
    "a session's values are written as events have them",
    arguments: [
      ("{protocol:protocol} {src_ip}", "TCP 10.0.0.1", #""protocol":"tcp","src_ip":"10.0.0.1""#),
      ("{protocol:protocol} {src_ip}", "17 10.0.0.1", #""protocol":"udp","src_ip":"10.0.0.1""#),
      ("{protocol:protocol} {src_ip}", "ipv6-icmp ::1", #""protocol":"icmp6","src_ip":"::1""#),
      ("{protocol:protocol} {src_ip}", "253 10.0.0.1", #""open","src_ip":"10.0.0.1""#),
      ("{protocol:protocol} {src_ip}", "256 10.0.0.1", nil), ("{protocol:protocol} {src_ip}", "tcpx 10.0.0.1", nil),
      ("{src_ip} {duration:duration}", "10.0.0.1 23:59:59", #""duration":86399"#),
      ("{src_ip} {duration:duration}", "10.0.0.1 100:00:01", #""duration":360001"#),
      ("{src_ip} {duration:duration}", "10.0.0.1 0:60:00", nil), ("{src_ip} {duration:duration}", "10.0.0.1 0:00:000", nil),
      ("{src_ip} {start:unix-time}", "10.0.0.1 1795158902.123456789", #""start":"2026-11-20T07:15:02.123456+00:00""#),
      ("{src_ip} {start:zoned-time} x", "10.0.0.1 2026-11-20 10:15:02.5 +03:00 x", #""start":"2026-11-20T07:15:02.5+00:00""#),
      ("{src_ip} {start:unix-time}", "10.0.0.1 1795158902", #""start":"2026-11-20T07:15:02+00:00""#),
      ("{src_ip} {start:unix-time}", "10.0.0.1 17951589021", nil), ("{src_ip} {start:unix-time}", "10.0.0.1 179515890", nil),
      ("{src_ip}:{src_port} {nat_ip}:{nat_port}", "10.0.0.1:5 192.0.2.1:6", #""nat_ip":"192.0.2.1","nat_port":6"#),
    ] as [(String, String, String?)])
  func sessions(_ pattern: String, _ message: String, _ expected: String?) throws {
    let found = events(try session(pattern), message)
    guard let expected else {
      #expect(found.isEmpty)
      return
    }
    #expect(found.first?.text.contains(expected) == true, "\(found.map(\.text))")
  }

  private func session(_ text: String) throws -> DialectSet {
    try set("{ name: \"p\", text: \"\(text)\", event: { kind: \"session\", action: \"open\" } }")
  }

  @Test(
    "a translation that changes nothing is none, and ICMP has no ports",
    arguments: [
      ("tcp 10.0.0.1:5 10.0.0.1:5", #""protocol":"tcp","src_ip":"10.0.0.1","src_port":5,"dialect""#),
      ("tcp 10.0.0.1:5 10.0.0.1:6", #""src_ip":"10.0.0.1","src_port":5,"nat_ip":"10.0.0.1","nat_port":6"#),
      ("tcp 10.0.0.1:5 0.0.0.0:0", #""src_ip":"10.0.0.1","src_port":5,"dialect""#),
      ("icmp 10.0.0.1:5 192.0.2.1:5", #""src_ip":"10.0.0.1","nat_ip":"192.0.2.1","dialect""#),
    ])
  func translations(_ message: String, _ expected: String) throws {
    let found = events(try session("{protocol:protocol} {src_ip}:{src_port} {nat_ip}:{nat_port}"), message)
    #expect(found.first?.text.contains(expected) == true, "\(found.map(\.text))")
  }

  @Test("a session whose log does not say what became of it has no action")
  func noAction() throws {
    let found = events(try set("{ name: \"p\", text: \"{src_ip}\", event: { kind: \"session\", action: null } }"), "10.0.0.1")
    #expect(found.first?.text == #"{"kind":"session","src_ip":"10.0.0.1","dialect":"test/3"}"#)
  }

  @Test(
    "a dialect is for programs by name or the beginning of it, and for messages by how they begin",
    arguments: [
      ("app: [\"prog\"]", "<30>prog: go 10.0.0.1", true), ("app: [\"prog\"]", "<30>program: go 10.0.0.1", false),
      ("app: [\"%ASA-*\"]", "<30>%ASA-6-1: go 10.0.0.1", true), ("app: [\"%ASA-*\"]", "<30>%FTD-6-1: go 10.0.0.1", false),
      ("begins: [\"go \"]", "<30>go 10.0.0.1", true), ("begins: [\"go \"]", "go 10.0.0.1", true),
      ("begins: [\"go \"]", "<30>Nov 20 10:15:02 h go 10.0.0.1", true), ("begins: [\"go \"]", "<30>x: go 10.0.0.1", false),
      ("begins: [\"go \"], any_app: true", "<30>x: go 10.0.0.1", true), ("begins: [\"x\", \"go 1\"]", "<30>go 10.0.0.1", true),
      ("begins: [\"gone\"]", "<30>go 10.0.0.1", false), ("bare: true", "go 10.0.0.1", true), ("bare: true", "<30>go 10.0.0.1", false),
    ])
  func applies(_ applies: String, _ message: String, _ reads: Bool) throws {
    let text = """
      { name: "test", version: 3, applies: { \(applies) }, examples: [{ input: "x", events: null }],
        patterns: [{ name: "p", text: "go {ip}", event: { kind: "lease", action: "assign" } }] }
      """
    let set = try DialectSet.load(file: Array(text.utf8).span, path: "test.json5", name: "test")
    var normaliser = Normaliser(set)
    let found = normaliser.explain(Array(message.utf8).span, received: 0, sender: 1, source: SourceReading(zone: .utc))
    #expect(found.events.count == (reads ? 1 : 0), "\(found.why ?? "")")
  }

  @Test("an event takes from source and header what the message does not say")
  func surroundings() throws {
    var normaliser = Normaliser(try lease("go {ip}"))
    let zone = try #require(Zone(named: "Europe/Istanbul"))
    let source = SourceReading(zone: zone, name: "dhcp1", leaseSeconds: 3600, trustsDeviceClock: true)
    let received = try #require(Timestamp(rfc3339: "2026-11-23T12:00:00Z")).microseconds
    func read(_ text: String) -> String {
      normaliser.explain(Array(text.utf8).span, received: received, sender: 1, source: source).events.map(\.text).joined()
    }
    #expect(
      read("<30>Nov 23 14:59:59 prog[1]: go 10.0.0.1")
        == #"{"kind":"lease","action":"assign","ip":"10.0.0.1","lease_seconds":3600,"lease_from":"configuration","server":"dhcp1","clock":"device","dialect":"test/3","time":"2026-11-23T14:59:59+03:00"}"#
    )
    #expect(
      read("<30>prog: go 10.0.0.1")
        == #"{"kind":"lease","action":"assign","ip":"10.0.0.1","lease_seconds":3600,"lease_from":"configuration","server":"dhcp1","clock":"device","dialect":"test/3"}"#
    )
    #expect(
      read("<30>1 2026-11-23T12:00:00.5Z h prog - - - go 10.0.0.1").contains(
        #""server":"h","clock":"device","dialect":"test/3","time":"2026-11-23T15:00:00.5+03:00""#))
  }

  @Test(
    "only assignments and renewals take the configured lease time",
    arguments: [("assign", true), ("renew", true), ("release", false), ("expire", false), ("nak", false)])
  func leaseTime(_ action: String, _ takes: Bool) throws {
    var normaliser = Normaliser(try set("{ name: \"p\", text: \"go {ip}\", event: { kind: \"lease\", action: \"\(action)\" } }"))
    let source = SourceReading(zone: .utc, leaseSeconds: 60)
    let event = try #require(
      normaliser.explain(Array("<30>prog: go 10.0.0.1".utf8).span, received: 0, sender: 1, source: source).events.first)
    #expect((event["lease_seconds"] != nil) == takes)
  }

  private static let informPatterns = """
    { name: "inform", text: "INFORM {ip}", event: null }, { name: "request", text: "REQUEST {ip}", event: null },
    { name: "of-inform", text: "ACK {ip}", after: { pattern: "inform", equal: ["ip"], unless: "request" }, event: { kind: "binding" } },
    { name: "ack", text: "ACK {ip}", event: { kind: "lease", action: "assign" } }
    """

  @Test("after asks for an equal line of the same sender within ten seconds of record time, once")
  func after() throws {
    let set = try set(Self.informPatterns)
    func kinds(_ lines: [(at: Int64, sender: UInt64, text: String)]) -> [String] {
      var normaliser = Normaliser(set)
      return lines.flatMap { line in
        normaliser.explain(
          Array("<30>prog: \(line.text)".utf8).span, received: line.at * Timestamp.second, sender: line.sender,
          source: SourceReading(zone: .utc)
        ).events.compactMap { $0["kind"]?.string }
      }
    }
    #expect(kinds([(0, 1, "INFORM 10.0.0.1"), (10, 1, "ACK 10.0.0.1"), (10, 1, "ACK 10.0.0.1")]) == ["binding", "lease"])
    #expect(kinds([(0, 1, "INFORM 10.0.0.1"), (11, 1, "ACK 10.0.0.1")]) == ["lease"])
    #expect(kinds([(0, 1, "INFORM 10.0.0.1"), (1, 2, "ACK 10.0.0.1")]) == ["lease"])
    #expect(kinds([(0, 1, "INFORM 10.0.0.1"), (1, 1, "ACK 10.0.0.2")]) == ["lease"])
    #expect(kinds([(0, 1, "INFORM 10.0.0.1"), (1, 1, "REQUEST 10.0.0.1"), (2, 1, "ACK 10.0.0.1")]) == ["lease"])
    #expect(kinds([(0, 1, "INFORM 10.0.0.1"), (1, 1, "REQUEST 10.0.0.2"), (2, 1, "ACK 10.0.0.1")]) == ["binding"])
  }

  @Test("the table of after is bounded and reads the same again")
  func bounded() throws {
    let set = try set(Self.informPatterns)
    func replay() -> [Outcome] {
      var normaliser = Normaliser(set)
      var events = EventList()
      var outcomes: [Outcome] = []
      for i in 0..<20_000 {
        let verb = i % 3 == 2 ? "ACK" : "INFORM"
        let text = "<30>prog: \(verb) 10.0.\(i % 7000 / 250).\(i % 250)"
        outcomes.append(
          normaliser.read(
            Array(text.utf8).span, received: Int64(i) * 1000, sender: UInt64(i % 5), source: SourceReading(zone: .utc), into: &events))
        events.removeAll()
      }
      return outcomes
    }
    #expect(replay() == replay())
  }

  @Test("the work on a message grows with its length and no faster")
  func linear() {
    func steps(_ text: String) -> Int {
      var normaliser = Normaliser(.builtIn)
      var events = EventList()
      _ = normaliser.read(Array(text.utf8).span, received: 0, sender: 1, source: SourceReading(zone: .utc), into: &events)
      return normaliser.steps
    }
    for make: (Int) -> String in [
      { "<30>dhcpd: DHCPACK on 10.0.0.1 to 3c:52:82:1a:7f:09 " + String(repeating: "(a) via b) via ", count: $0) },
      { "<30>dhcpd: " + String(repeating: "DHCPACK on ", count: $0) },
      { "<30>kea-dhcp4: INFO " + String(repeating: " ", count: $0) + "[kea-dhcp4." },
      {
        "<30>kea-dhcp4: INFO  [kea-dhcp4.leases] DHCP4_LEASE_ALLOC [hwtype=1 3c:52:82:1a:7f:09], cid=["
          + String(repeating: "], tid=", count: $0)
      },
      {
        "<30>kea-dhcp6: Address: 2001:db8::1 has been released from a device with DUID: " + String(repeating: "00:", count: $0)
          + "00 (from "
      },
      { "<30>dnsmasq-dhcp: " + String(repeating: "1", count: $0) },
    ] {
      // Steps are of nodes, of which a message of any length meets the same number.
      #expect(steps(make(4000)) <= steps(make(40)) + 64)
    }
  }

  @Test("explain says where the nearest pattern stopped and what it waited for")
  func why() {
    let found = explain(.builtIn, "x")
    #expect(found.why == "no dialect in use reads messages of prog")
    func why(_ text: String) -> String? {
      var normaliser = Normaliser(.builtIn)
      return normaliser.explain(Array(text.utf8).span, received: 0, sender: 1, source: SourceReading(zone: .utc)).why
    }
    #expect(
      why("<30>dhcpd: DHCPACK on 10.20.3.300 to 3c:52:82:1a:7f:09 via eth0")
        == #"isc-dhcpd/1 pattern ack (DHCPACK on {ip:ip4} to {mac}{@host}{@via}) stopped at byte 22: expected an IPv4 address, found "10.20.3.300 to 3c:52:82:1a:7f:09 via eth""#
    )
    #expect(why("<30>dhcpd: DHCPACK on 10.20.3.30 to 3c:52:82:1a:7f:09")?.hasSuffix("expected \" via \", found the end") == true)
    #expect(why("<30>dhcpd: DHCPACK on 10.20.3.30 to 3c:52:82:1a:7f:09 via eth0 x")?.hasSuffix("expected the end, found \"x\"") == true)
    #expect(why("<30>dhcpd: something else") == "isc-dhcpd/1: no pattern begins like the message at byte 11")
    #expect(why("<30>dhcpd: DHCPOFFER on x") == "isc-dhcpd/1 pattern offer: a message that gives or takes no address")
    #expect(why("free text") == "no dialect in use reads messages without a program's name")
    #expect(why("<30>dhcpd: DHCPACK on 10.20.3.57 to 3c:52:82:1a:7f:09 via eth0") == nil)
  }

  @Test("the row of explain has the members of the contract")
  func row() {
    var normaliser = Normaliser(.builtIn)
    let text = "<30>1 2026-11-20T07:15:02Z h dhcpd 7 - - x"
    let row = normaliser.explain(Array(text.utf8).span, received: 0, sender: 1, source: SourceReading(zone: .utc)).json
    #expect(
      row.text
        == #"{"syslog":{"pri":30,"facility":3,"severity":6,"version":1,"timestamp":"2026-11-20T07:15:02Z","host":"h","app":"dhcpd","procid":"7","message":"x"},"dialect":"isc-dhcpd/1","events":[],"why":"isc-dhcpd/1: no pattern begins like the message at byte 41"}"#
    )
  }

  @Test("a message that is understood, not understood, and not for us are told apart")
  func outcomes() {
    var normaliser = Normaliser(.builtIn)
    var events = EventList()
    func read(_ text: String, only: [Int]? = nil) -> Outcome {
      normaliser.read(Array(text.utf8).span, received: 0, sender: 1, source: SourceReading(zone: .utc, dialects: only), into: &events)
    }
    guard let dhcpd = DialectSet.builtIn.index(of: "isc-dhcpd"), let kea = DialectSet.builtIn.index(of: "kea") else {
      Issue.record("no dialect")
      return
    }
    #expect(read("<30>dhcpd: DHCPACK on 1") == .notUnderstood(dialect: dhcpd))
    #expect(read("<30>sshd: DHCPACK on 10.0.0.1 to 3c:52:82:1a:7f:09 via eth0") == .notForUs)
    #expect(read("<30>dhcpd: DHCPACK on 10.0.0.1 to 3c:52:82:1a:7f:09 via eth0", only: [kea]) == .notForUs)
    #expect(read("DHCPACK on 10.0.0.1 to 3c:52:82:1a:7f:09 via eth0") == .notForUs)
    if case .event(dhcpd, _) = read("DHCPACK on 10.0.0.1 to 3c:52:82:1a:7f:09 via eth0", only: [dhcpd]) {
    } else {
      Issue.record("a named dialect reads lines without header")
    }
    if case .nothing(dhcpd, _) = read("<30>dhcpd: DHCPDISCOVER from x") {} else { Issue.record("a discover is understood") }
  }
}
