import Record
import Testing

@testable import PacketDecoding

private typealias P = Packets

@Suite struct DHCPv4Tests {
  private static let ack: [UInt8] = P.option(53, [5]) + P.option(54, P.ip("10.0.0.1")) + P.option(51, P.u32(3600))

  @Test("an acknowledgement is a lease, its repetition a renewal, with what the request said")
  func acknowledgement() {
    var reading = Reading()
    let request = P.dhcp4(
      op: 1,
      P.option(53, [3]) + P.option(12, Array("pc-1\0".utf8)) + P.option(61, [1, 2, 3]) + P.option(60, Array("MSFT 5.0".utf8)) + [255])
    #expect(reading.read(P.dhcp4Frame(request)).events.isEmpty)
    let ack = P.dhcp4Frame(P.dhcp4(op: 2, yours: "10.0.0.9", Self.ack + [255]))
    let first = reading.read(ack)
    #expect(first["kind"] == "lease")
    #expect(first["action"] == "assign")
    #expect(first["ip"] == "10.0.0.9")
    #expect(first["mac"] == "02:00:00:00:00:aa")
    #expect(first["mac_source"] == "chaddr")
    #expect(first["hostname"] == "pc-1")
    #expect(first["client_id"] == "01:02:03")
    #expect(first["vendor_class"] == "MSFT 5.0")
    #expect(first["lease_seconds"] == 3600)
    #expect(first["lease_from"] == "packet")
    #expect(first["server"] == "10.0.0.1")
    #expect(first["dialect"] == "dhcpv4/1")
    #expect(reading.read(ack)["action"] == "renew")
    reading.now += 3_601 * 1_000_000
    #expect(reading.read(ack)["action"] == "assign")
  }

  @Test("the answer to an INFORM is no lease, even with an address in it")
  func inform() {
    var reading = Reading()
    _ = reading.read(P.dhcp4Frame(P.dhcp4(op: 1, client: "10.0.0.9", P.option(53, [8]) + [255])))
    #expect(reading.read(P.dhcp4Frame(P.dhcp4(op: 2, yours: "10.0.0.9", Self.ack + [255]))).events.isEmpty)
    #expect(reading.read(P.dhcp4Frame(P.dhcp4(op: 2, xid: 8, yours: "10.0.0.9", Self.ack + [255]))).events.count == 1)
    #expect(reading.read(P.dhcp4Frame(P.dhcp4(op: 2, xid: 9, client: "10.0.0.9", Self.ack + [255]))).events.isEmpty)
  }

  @Test("a refusal names the address that was asked for")
  func refusal() {
    var reading = Reading()
    _ = reading.read(P.dhcp4Frame(P.dhcp4(op: 1, P.option(53, [3]) + P.option(50, P.ip("10.0.0.77")) + [255])))
    let nak = reading.read(P.dhcp4Frame(P.dhcp4(op: 2, P.option(53, [6]) + P.option(54, P.ip("10.0.0.1")) + [255])))
    #expect(nak["action"] == "nak")
    #expect(nak["ip"] == "10.0.0.77")
  }

  @Test("a release and a decline name their address, or say nothing")
  func giving() {
    var reading = Reading()
    #expect(reading.read(P.dhcp4Frame(P.dhcp4(op: 1, client: "10.0.0.9", P.option(53, [7]) + [255])))["action"] == "release")
    #expect(reading.read(P.dhcp4Frame(P.dhcp4(op: 1, P.option(53, [7]) + [255]))).events.isEmpty)
    let decline = reading.read(P.dhcp4Frame(P.dhcp4(op: 1, P.option(53, [4]) + P.option(50, P.ip("10.0.0.9")) + [255])))
    #expect(decline["action"] == "decline")
    #expect(decline["ip"] == "10.0.0.9")
    let without = reading.read(P.dhcp4Frame(P.dhcp4(op: 1, P.option(53, [4]) + [255])))
    #expect(without.outcome == .message)
    #expect(without.events.isEmpty)
  }

  @Test("options go on in file and sname (RFC 2131), and their parts are joined (RFC 3396)")
  func overload() {
    var reading = Reading()
    let message = P.dhcp4(
      op: 2, yours: "10.0.0.9", sname: P.option(12, Array("-c".utf8)) + [255],
      file: P.option(12, Array("-b".utf8)) + P.option(51, P.u32(60)) + [255],
      P.option(53, [5]) + P.option(52, [3]) + P.option(12, Array("a".utf8)) + [255])
    let found = reading.read(P.dhcp4Frame(message))
    #expect(found["hostname"] == "a-b-c")
    #expect(found["lease_seconds"] == 60)
  }

  @Test("option 82 gives circuit and remote id, option 81 a name")
  func agent() {
    var reading = Reading()
    let agent = P.option(82, P.option(1, [0, 4, 0, 20]) + P.option(2, Array("sw1".utf8)) + P.option(6, Array("x".utf8)))
    let message = P.dhcp4(
      op: 2, yours: "10.0.0.9", relay: "10.0.9.1", Self.ack + P.option(81, [5, 0, 0, 2, 0x70, 0x63, 1, 0x78, 0]) + agent)
    let found = reading.read(P.dhcp4Frame(message))
    #expect(found["relay"] == "10.0.9.1")
    #expect(found["circuit_id"] == "00:04:00:14")
    #expect(found["remote_id"] == "73:77:31")
    #expect(found["hostname"] == "pc.x")
  }

  @Test("BOOTP gives for ever, with options or without")
  func bootp() {
    var reading = Reading()
    for options in [nil, [255], P.option(12, Array("x".utf8)) + [255]] as [[UInt8]?] {
      let found = reading.read(P.dhcp4Frame(P.dhcp4(op: 2, yours: "10.0.0.9", options)))
      #expect(found["kind"] == "lease")
      #expect(found["lease_seconds"] == .integer(Int(UInt32.max)))
    }
    #expect(reading.read(P.dhcp4Frame(P.dhcp4(op: 1, nil))).events.isEmpty)
  }

  @Test(
    "what breaks its form has no event",
    arguments: [
      ("an option beyond the end", ack + [12, 9, 65]), ("a code without length", ack + [12]),
      ("a lease time of three bytes", P.option(53, [5]) + P.option(51, [0, 0, 1])),
      ("two kinds", ack + P.option(53, [5])), ("overload 4", ack + P.option(52, [4])),
      ("option 82 that is cut", ack + P.option(82, [1, 9, 1])),
    ])
  func malformed(_ what: String, _ options: [UInt8]) {
    var reading = Reading()
    let found = reading.read(P.dhcp4Frame(P.dhcp4(op: 2, yours: "10.0.0.9", options)))
    #expect(found.outcome == .malformed)
    #expect(found.events.isEmpty)
  }

  @Test("a client's kind from a server, and the reverse, say nothing")
  func directions() {
    var reading = Reading()
    #expect(reading.read(P.dhcp4Frame(P.dhcp4(op: 1, yours: "10.0.0.9", Self.ack + [255]))).events.isEmpty)
    #expect(reading.read(P.dhcp4Frame(P.dhcp4(op: 2, yours: "10.0.0.9", P.option(53, [2]) + [255]))).events.isEmpty)
  }

  @Test("reading a message costs as much as it is long, whatever its options are")
  func steps() {
    // The worst: nothing but one-byte appearances of options that are joined.
    var options: [UInt8] = P.option(53, [5])
    for code in [UInt8](repeating: 0, count: 20_000).indices { options += [[12, 60, 61, 81, 82][code % 5], 1, 1] }
    var scratch: [UInt8] = []
    _ = try? DHCPv4(P.dhcp4(op: 2, yours: "10.0.0.9", options).span, scratch: &scratch)
    #expect(scratch.count <= options.count)
  }
}

@Suite struct DHCPv6Tests {
  private static let duid: [UInt8] = [0, 3, 0, 1] + P.mac("02:00:00:00:00:dd")
  private static func address(_ ip: String, valid: Int, status: Int? = nil) -> [UInt8] {
    P.option6(5, P.ip(ip) + P.u32(valid) + P.u32(valid) + (status.map { P.option6(13, P.u16($0)) } ?? []))
  }
  private static func association(_ code: Int, _ iaid: Int, _ inner: [UInt8]) -> [UInt8] {
    P.option6(code, P.u32(iaid) + (code == 4 ? [] : P.u32(0) + P.u32(0)) + inner)
  }
  private static func frame(_ message: [UInt8], from: String = "fe80::2") -> [UInt8] {
    P.ethernet(0x86dd, P.ipv6(P.udp(546, 547, message), from: from), from: "02:00:00:00:00:ee")
  }

  @Test("one reply gives addresses and prefixes, each with its own association")
  func reply() {
    var reading = Reading()
    _ = reading.read(Self.frame(P.dhcp6(3, P.option6(1, Self.duid) + P.option6(39, [0, 2, 0x70, 0x63]))))
    let prefix = P.option6(26, P.u32(100) + P.u32(200) + [56] + P.ip("2001:db8:1:200::"))
    let found = reading.read(
      Self.frame(
        P.dhcp6(
          7,
          P.option6(1, Self.duid) + Self.association(3, 1, Self.address("2001:db8::5", valid: 60) + Self.address("2001:db8::6", valid: 0))
            + Self.association(4, 2, Self.address("2001:db8::7", valid: 70)) + Self.association(25, 3, prefix)
            + Self.association(3, 4, Self.address("2001:db8::8", valid: 60) + P.option6(13, P.u16(2)))
            + Self.association(3, 5, Self.address("2001:db8::9", valid: 60, status: 1)))))
    #expect(found.events.map { $0["ip"] ?? $0["prefix"] } == ["2001:db8::5", "2001:db8::7", "2001:db8:1:200::/56"])
    #expect(found.events.map { $0["iaid"] } == [1, 2, 3])
    #expect(found.events.map { $0["lease_seconds"] } == [60, 70, 200])
    // The frame the client itself sent tells its address, not its DUID.
    #expect(found.events[0]["mac"] == "02:00:00:00:00:ee")
    #expect(found.events[0]["mac_source"] == nil)
    #expect(found.events[0]["hostname"] == "pc")
    #expect(found.events[0]["duid"] == "00:03:00:01:02:00:00:00:00:dd")
  }

  @Test("a MAC out of the DUID says so; option 79 is taken from the request")
  func macs() {
    var reading = Reading()
    let body = P.option6(1, Self.duid) + Self.association(3, 1, Self.address("2001:db8::5", valid: 60))
    let alone = reading.read(Self.frame(P.dhcp6(7, body)))
    #expect(alone["mac"] == "02:00:00:00:00:dd")
    #expect(alone["mac_source"] == "duid")
    let option79 = P.option6(79, [0, 1] + P.mac("02:00:00:00:00:79"))
    let asked = P.relay6(
      12, link: "2001:db8:9::1", P.relay6(12, link: "2001:db8:5::1", P.dhcp6(3, xid: 9, P.option6(1, Self.duid)), option79))
    #expect(reading.read(Self.frame(asked, from: "2001:db8:9::1")).outcome == .message)
    let answered = P.relay6(
      13, link: "2001:db8:9::1", P.relay6(13, link: "2001:db8:5::1", P.dhcp6(7, xid: 9, body), P.option6(18, Array("ge1".utf8))))
    let found = reading.read(Self.frame(answered, from: "2001:db8:9::1"))
    #expect(found["mac"] == "02:00:00:00:00:79")
    #expect(found["mac_source"] == "option79")
    #expect(found["relay"] == "2001:db8:5::1")
    #expect(found["circuit_id"] == "67:65:31")
  }

  @Test(
    "only what was asked for is given",
    arguments: [(1, false), (3, true), (4, false), (5, true), (6, true), (8, false), (9, false), (11, false)])
  func requests(_ type: Int, _ gives: Bool) {
    var reading = Reading()
    _ = reading.read(Self.frame(P.dhcp6(UInt8(type), P.option6(1, Self.duid))))
    let reply = P.dhcp6(7, P.option6(1, Self.duid) + Self.association(3, 1, Self.address("2001:db8::5", valid: 60)))
    #expect(reading.read(Self.frame(reply)).events.isEmpty == !gives)
  }

  @Test("a rapid commit answers a solicitation")
  func rapid() {
    var reading = Reading()
    _ = reading.read(Self.frame(P.dhcp6(1, P.option6(1, Self.duid) + P.option6(14, []))))
    let reply = P.dhcp6(7, P.option6(1, Self.duid) + P.option6(14, []) + Self.association(3, 1, Self.address("2001:db8::5", valid: 60)))
    #expect(reading.read(Self.frame(reply)).events.count == 1)
  }

  @Test("a release names its addresses")
  func release() {
    var reading = Reading()
    let message = P.dhcp6(8, P.option6(1, Self.duid) + Self.association(3, 1, Self.address("2001:db8::5", valid: 0)))
    #expect(reading.read(Self.frame(message))["action"] == "release")
    #expect(reading.read(Self.frame([9] + message.dropFirst()))["action"] == "decline")
  }

  @Test("relays without end and addresses without number are refused, not followed")
  func limits() {
    var message = P.dhcp6(7, P.option6(1, Self.duid))
    for _ in 0..<40 { message = P.relay6(13, link: "::", message) }
    var reading = Reading()
    #expect(reading.read(Self.frame(message)).outcome == .malformed)
    // The largest message that gives events still makes a line that a record may have.
    let name = P.option6(39, [0] + [63] + [UInt8](repeating: 1, count: 63) + [63] + [UInt8](repeating: 1, count: 63))
    var most: [UInt8] = []
    for i in 0..<128 { most += Self.address("2001:db8::\(String(i + 1, radix: 16))", valid: 60) }
    let largest = P.relay6(
      13, link: "2001:db8::1", P.dhcp6(7, P.option6(1, [UInt8](repeating: 9, count: 130)) + name + Self.association(3, 1, most)),
      P.option6(18, [UInt8](repeating: 9, count: 255)) + P.option6(37, [UInt8](repeating: 9, count: 259)))
    let full = reading.read(Self.frame(largest))
    #expect(full.events.count == 128)
    #expect(JSONValue.array(full.events).bytes.count < 900_000)
    var many: [UInt8] = []
    for i in 0..<300 { many += Self.address("2001:db8::\(String(i + 1, radix: 16))", valid: 60) }
    let found = reading.read(Self.frame(P.dhcp6(7, P.option6(1, Self.duid) + Self.association(3, 1, many))))
    #expect(found.outcome == .malformed)
    #expect(found.events.isEmpty)
  }
}
