import Record
import TestSupport
import Testing

@testable import PacketDecoding

private typealias P = Packets

@Suite struct PacketReaderTests {
  @Test("a sighting names the address, the device and the tags around it", arguments: [[], [7], [100, 7], [1, 2, 3, 4, 5, 6, 7, 8]])
  func tags(_ vlans: [Int]) {
    var reading = Reading()
    let found = reading.read(P.ethernet(0x0806, P.arp(ip: "10.0.0.9"), vlans: vlans))
    #expect(found["kind"] == "binding")
    #expect(found["ip"] == "10.0.0.9")
    #expect(found["mac"] == "02:00:00:00:00:aa")
    #expect(found["basis"] == "observed")
    #expect(found["vlans"] == (vlans.isEmpty ? nil : .array(vlans.map { .integer($0) })))
  }

  @Test(
    "what claims no address is no sighting",
    arguments: [
      P.arp(ip: "0.0.0.0"), P.arp(ip: "224.0.0.5"), P.arp(ip: "255.255.255.255"), P.arp(mac: "01:00:5e:00:00:01", ip: "10.0.0.9"),
      P.arp(mac: "00:00:00:00:00:00", ip: "10.0.0.9"), P.arp(3, ip: "10.0.0.9"), P.arp(8, ip: "10.0.0.9"),
      Array(P.arp(ip: "10.0.0.9").dropLast(3)),
    ])
  func noSighting(_ arp: [UInt8]) {
    var reading = Reading()
    #expect(reading.read(P.ethernet(0x0806, arp)).outcome == .ignored)
  }

  @Test("the same message in every link layer gives the same lease")
  func linkLayers() {
    let ack = P.ipv4(P.udp(67, 68, P.dhcp4(op: 2, yours: "10.0.0.9", P.option(53, [5]) + [255])))
    let llc: [UInt8] = [0xaa, 0xaa, 3, 0, 0, 0, 8, 0]
    let address = P.mac("02:00:00:00:00:01")
    let wireless: [UInt8] = [0x88, 0x02, 0, 0] + address + address + address + [0, 0] + [0, 0] + llc + ack
    let packets: [(LinkType, [UInt8])] = [
      (.ethernet, P.ethernet(0x0800, ack)), (.ethernet, P.ethernet(8 + ack.count, llc + ack)), (.raw, ack), (.ipv4, ack),
      (LinkType(rawValue: 12), ack), (.null, [2, 0, 0, 0] + ack), (.null, [0, 0, 0, 2] + ack), (.loop, [0, 0, 0, 2] + ack),
      (.linuxCooked, [0, 0, 0, 1, 0, 6] + address + [0, 0, 8, 0] + ack),
      (.linuxCooked, [0, 0, 0, 1, 0, 6] + address + [0, 0, 0x81, 0, 0, 5, 8, 0] + ack),
      (.linuxCooked2, [8, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 6] + address + [0, 0] + ack), (.ieee80211, wireless),
      (.radiotap, [0, 0, 9, 0, 2, 0, 0, 0, 0] + wireless),
    ]
    for (type, packet) in packets {
      var reading = Reading()
      #expect(reading.read(packet, type)["ip"] == "10.0.0.9", "\(type)")
    }
  }

  @Test("what travels in a tunnel belongs to another network")
  func tunnels() {
    let ack = P.ipv4(P.udp(67, 68, P.dhcp4(op: 2, yours: "10.0.0.9", P.option(53, [5]) + [255])))
    let inner = P.ethernet(0x0800, ack)
    var reading = Reading()
    for packet in [
      P.ethernet(0x0800, P.ipv4(P.udp(4000, 4789, [8, 0, 0, 0, 0, 0, 1, 0] + inner))),
      P.ethernet(0x0800, P.ipv4([0, 0, 8, 0] + ack, transport: 47)), P.ethernet(0x0800, P.ipv4(ack, transport: 4)),
      P.ethernet(0x8847, [0, 0, 0x11, 0xff] + ack), P.ethernet(0x8864, [0x11, 0, 0, 1, 0, 0, 0, 0x21] + ack),
      P.ethernet(0x88e7, [0, 0, 0, 1] + inner), P.ethernet(0x86dd, P.ipv6(ack, transport: 4)),
      P.ethernet(0x0800, P.ipv4([3, 3, 0, 0, 0, 0, 0, 0] + ack, transport: 1)),
    ] { #expect(reading.read(packet).outcome == .ignored) }
  }

  @Test("extension headers are passed over, as many as there are")
  func extensionHeaders() {
    let message = P.dhcp6(
      8,
      P.option6(1, [0, 3, 0, 1, 2, 0, 0, 0, 0, 9])
        + P.option6(3, P.u32(1) + P.u32(0) + P.u32(0) + P.option6(5, P.ip("2001:db8::5") + P.u32(0) + P.u32(0))))
    var reading = Reading()
    var payload = P.udp(546, 547, message)
    payload = [17, 0, 1, 4, 0, 0, 0, 0] + payload
    payload = [60, 1] + [UInt8](repeating: 0, count: 14) + payload
    payload = [43, 0, 1, 4, 0, 0, 0, 0] + payload
    #expect(reading.read(P.ethernet(0x86dd, P.ipv6(payload, transport: 0)))["ip"] == "2001:db8::5")
    var long = P.udp(546, 547, message)
    for i in 0..<150 { long = [i == 0 ? 17 : 60, 0, 1, 4, 0, 0, 0, 0] + long }
    #expect(reading.read(P.ethernet(0x86dd, P.ipv6(long, transport: 60)))["ip"] == "2001:db8::5")
  }

  @Test("a neighbour advertisement must be believable (RFC 4861 7.1.2, RFC 6980)")
  func neighbours() {
    func advertisement(flags: UInt8 = 0x20, target: String = "2001:db8::9", _ options: [UInt8] = [2, 1] + P.mac("02:00:00:00:00:aa"))
      -> [UInt8]
    {
      [136, 0, 0, 0, flags, 0, 0, 0] + P.ip(target) + options
    }
    var reading = Reading()
    func read(_ message: [UInt8], hopLimit: UInt8 = 255, transport: UInt8 = 58, to: String = "ff02::1") -> Reading.Result {
      reading.read(P.ethernet(0x86dd, P.ipv6(message, to: to, transport: transport, hopLimit: hopLimit)))
    }
    let good = read(advertisement())
    #expect(good["ip"] == "2001:db8::9")
    #expect(good["mac"] == "02:00:00:00:00:aa")
    #expect(read(advertisement([])).outcome == .ignored)
    #expect(read(advertisement(), hopLimit: 64).outcome == .ignored)
    #expect(read(advertisement(flags: 0x40)).outcome == .ignored)
    #expect(read(advertisement(flags: 0x40), to: "fe80::1").outcome == .message)
    #expect(read(advertisement(target: "ff02::1")).outcome == .ignored)
    #expect(read(advertisement([2, 0] + P.mac("02:00:00:00:00:aa"))).outcome == .ignored)
    #expect(read(advertisement([2, 1] + P.mac("33:33:00:00:00:aa"))).outcome == .ignored)
    #expect(read([58, 0, 0, 0, 0, 0, 0, 1] + advertisement(), transport: 44).outcome == .ignored)
  }

  @Test("an unchanged pair is recorded once in a while, a changed one at once")
  func thinning() {
    var reading = Reading()
    reading.reader.thinning = 1_800_000_000
    func see(_ mac: String, vlans: [Int] = [], hasTime: Bool = true) -> PacketOutcome {
      reading.read(P.ethernet(0x0806, P.arp(mac: mac, ip: "10.0.0.9"), vlans: vlans), hasTime: hasTime).outcome
    }
    let (a, b) = ("02:00:00:00:00:aa", "02:00:00:00:00:bb")
    #expect([see(a), see(a), see(b), see(b), see(a)] == [.message, .repeated, .message, .repeated, .message])
    #expect(see(a, vlans: [5]) == .message)
    #expect(see(a, hasTime: false) == .message)
    reading.now += 1_800_000_000
    #expect([see(a), see(a)] == [.message, .repeated])
  }

  @Test("RADIUS accounting gives logins")
  func radius() {
    func frame(_ attributes: [UInt8], code: UInt8 = 4) -> [UInt8] {
      P.ethernet(0x0800, P.ipv4(P.udp(40_000, 1813, P.radius(attributes, code: code))))
    }
    let common = P.attribute(1, Array("ayşe".utf8)) + P.attribute(44, Array("S1".utf8)) + P.attribute(32, Array("ap1".utf8))
    var reading = Reading()
    let start = reading.read(
      frame(
        P.attribute(40, P.u32(1)) + common + P.attribute(8, P.ip("10.5.0.9")) + P.attribute(31, Array("02-00-00-00-00-AA".utf8))
          + P.attribute(30, Array("0C-84-DC-00-01-21:MISAFIR".utf8))))
    #expect(start["kind"] == "login")
    #expect(start["action"] == "start")
    #expect(start["user"] == "ayşe")
    #expect(start["ip"] == "10.5.0.9")
    #expect(start["mac"] == "02:00:00:00:00:aa")
    #expect(start["ssid"] == "MISAFIR")
    #expect(start["session_id"] == "S1")
    #expect(start["nas"] == "ap1")
    #expect(start["method"] == "radius")
    let vpn = reading.read(frame(P.attribute(40, P.u32(2)) + common + P.attribute(31, Array("203.0.113.9".utf8))))
    #expect(vpn["action"] == "stop")
    #expect(vpn["outer_ip"] == "203.0.113.9")
    #expect(
      reading.read(frame(P.attribute(40, P.u32(1)) + common + P.attribute(31, Array("905321112233".utf8))))["calling_station_id"]
        == "905321112233")
    let interim = reading.read(frame(P.attribute(40, P.u32(3)) + common))
    #expect(interim.outcome == .message && interim.events.isEmpty)
    #expect(reading.read(frame(common, code: 1)).outcome == .ignored)
    #expect(reading.read(frame(P.attribute(40, P.u32(1)) + [44, 90, 1])).outcome == .malformed)
    #expect(reading.read(frame(P.attribute(40, P.u32(1)) + [44, 0])).outcome == .malformed)
  }

  @Test("no beginning of a packet makes it trap", .enabled(if: Corpus.isThere))
  func beginnings() {
    var reader = PacketReader()
    var list = EventList()
    var count = 0
    for name in PacketCorpusTests.captures where count < 40_000 {
      guard let bytes = Corpus.bytes(name), bytes.count < 4_000 else { continue }
      for start in stride(from: 0, to: bytes.count, by: 7) {
        for type in [LinkType.ethernet, .linuxCooked, .linuxCooked2, .raw, .ieee80211, .radiotap, .null] {
          list.removeAll()
          _ = reader.read(bytes.span.extracting(start..<bytes.count), type, time: nil, into: &list)
          count += 1
        }
      }
    }
    #expect(count > 10_000)
  }
}

@Suite struct FragmentTests {
  private static let datagram = P.udp(
    67, 68, P.dhcp4(op: 2, yours: "10.0.0.9", P.option(53, [5]) + P.option(12, [UInt8](repeating: 0x61, count: 200)) + [255]))

  private static func fragment(_ range: Range<Int>, of datagram: [UInt8] = datagram, id: Int = 5) -> [UInt8] {
    let end = min(range.upperBound, datagram.count)
    return P.ethernet(
      0x0800, P.ipv4(Array(datagram[range.lowerBound..<end]), id: id, offset: range.lowerBound, more: end < datagram.count))
  }

  private static var end: Int { datagram.count }

  @Test("in any order the last one brings the lease", arguments: [[0, 1, 2], [2, 1, 0], [1, 2, 0], [0, 0, 1, 1, 2]])
  func orders(_ order: [Int]) {
    let parts = [0..<160, 160..<320, 320..<Self.end]
    var reading = Reading()
    for i in order.dropLast() {
      let found = reading.read(Self.fragment(parts[i]))
      #expect(found.outcome == .fragment)
      #expect(found.events.isEmpty)
    }
    #expect(reading.read(Self.fragment(parts[order.last ?? 0]))["ip"] == "10.0.0.9")
  }

  @Test("overlapping fragments are refused, all of their datagram")
  func overlap() {
    var reading = Reading()
    _ = reading.read(Self.fragment(0..<160))
    #expect(reading.read(Self.fragment(152..<Self.end)).outcome == .malformed)
    #expect(reading.read(Self.fragment(160..<Self.end)).outcome == .malformed)
    // The next datagram has another number.
    _ = reading.read(Self.fragment(0..<160, id: 6))
    #expect(reading.read(Self.fragment(160..<Self.end, id: 6)).events.count == 1)
  }

  @Test("a repeated fragment with other bytes is refused")
  func differing() {
    var reading = Reading()
    _ = reading.read(Self.fragment(0..<160))
    var other = Self.datagram
    other[40] ^= 1
    #expect(reading.read(Self.fragment(0..<160, of: other)).outcome == .malformed)
  }

  @Test("fragments of others are not kept")
  func foreign() {
    let other = P.udp(2000, 2049, [UInt8](repeating: 1, count: 3000))
    var reading = Reading()
    #expect(reading.read(Self.fragment(0..<1480, of: other)).outcome == .ignored)
    #expect(reading.read(Self.fragment(1480..<2960, of: other)).outcome == .ignored)
  }

  @Test("a flood of fragments costs bounded memory and few steps each")
  func flood() {
    var table = Reassembly()
    let data = [UInt8](repeating: 0, count: 8)
    let count = 20_000
    for i in 0..<count {
      // Many datagrams, each with holes, none ever whole.
      _ = table.add(
        data.span, IPPacket.Fragment(id: 0, offset: i % 4000 * 16 + 8, isLast: false), key: .init(a: UInt64(i % 100), b: 0), time: Int64(i),
        isCut: false
      ) { _ in true }
    }
    #expect(table.steps <= count * (Reassembly.maximumEntries + Reassembly.maximumParts))
  }
}
