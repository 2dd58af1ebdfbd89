import PacketDecoding
import Record

/// Packets put together for tests, layer by layer.
enum Packets {
  static func u16(_ value: Int) -> [UInt8] { [UInt8(value >> 8 & 255), UInt8(value & 255)] }
  static func u32(_ value: Int) -> [UInt8] { u16(value >> 16 & 0xffff) + u16(value & 0xffff) }
  static func ip(_ text: String) -> [UInt8] {
    guard let address = IPAddress(text) else { return [] }
    return address.isV4 ? Array(address.bytes.suffix(4)) : address.bytes
  }
  static func mac(_ text: String) -> [UInt8] { text.split(separator: ":").map { UInt8($0, radix: 16) ?? 0 } }

  static func ethernet(_ type: Int, _ payload: [UInt8], from: String = "02:00:00:00:00:01", vlans: [Int] = []) -> [UInt8] {
    mac("ff:ff:ff:ff:ff:ff") + mac(from) + vlans.flatMap { u16(0x8100) + u16($0) } + u16(type) + payload
  }

  static func ipv4(
    _ payload: [UInt8], from: String = "10.0.0.2", to: String = "10.0.0.1", transport: UInt8 = 17, id: Int = 1, offset: Int = 0,
    more: Bool = false
  ) -> [UInt8] {
    [0x45, 0] + u16(20 + payload.count) + u16(id) + u16(offset / 8 | (more ? 0x2000 : 0)) + [64, transport, 0, 0] + ip(from) + ip(to)
      + payload
  }

  static func ipv6(
    _ payload: [UInt8], from: String = "fe80::2", to: String = "ff02::1:2", transport: UInt8 = 17, hopLimit: UInt8 = 255
  ) -> [UInt8] { [0x60, 0, 0, 0] + u16(payload.count) + [transport, hopLimit] + ip(from) + ip(to) + payload }

  static func udp(_ from: Int, _ to: Int, _ payload: [UInt8]) -> [UInt8] {
    u16(from) + u16(to) + u16(8 + payload.count) + [0, 0] + payload
  }

  static func option(_ code: UInt8, _ value: [UInt8]) -> [UInt8] { [code, UInt8(value.count)] + value }

  /// A message of DHCPv4; `sname` and `file` are filled up with zeros.
  static func dhcp4(
    op: UInt8, xid: Int = 7, client: String = "0.0.0.0", yours: String = "0.0.0.0", relay: String = "0.0.0.0",
    mac chaddr: String = "02:00:00:00:00:aa", sname: [UInt8] = [], file: [UInt8] = [], _ options: [UInt8]?
  ) -> [UInt8] {
    func filled(_ bytes: [UInt8], _ count: Int) -> [UInt8] { bytes + [UInt8](repeating: 0, count: count - bytes.count) }
    var out: [UInt8] = [op, 1, 6, 0] + u32(xid) + [0, 0, 0, 0] + ip(client) + ip(yours)
    out += ip("0.0.0.0") + ip(relay)
    out += filled(mac(chaddr), 16) + filled(sname, 64) + filled(file, 128)
    if let options { out += [0x63, 0x82, 0x53, 0x63] + options }
    return out
  }

  /// From the client, or, as an answer, from the server.
  static func dhcp4Frame(_ message: [UInt8]) -> [UInt8] {
    ethernet(0x0800, ipv4(message[0] == 1 ? udp(68, 67, message) : udp(67, 68, message)))
  }

  static func option6(_ code: Int, _ value: [UInt8]) -> [UInt8] { u16(code) + u16(value.count) + value }

  static func dhcp6(_ type: UInt8, xid: Int = 0x0102_03, _ options: [UInt8]) -> [UInt8] { [type] + u32(xid).suffix(3) + options }

  static func relay6(_ type: UInt8, link: String, _ message: [UInt8], _ options: [UInt8] = []) -> [UInt8] {
    [type, 0] + ip(link) + ip("fe80::2") + options + option6(9, message)
  }

  static func arp(_ operation: Int = 1, mac sender: String = "02:00:00:00:00:aa", ip address: String) -> [UInt8] {
    u16(1) + u16(0x0800) + [6, 4] + u16(operation) + mac(sender) + ip(address) + mac("00:00:00:00:00:00") + ip("10.0.0.1")
  }

  static func radius(_ attributes: [UInt8], code: UInt8 = 4) -> [UInt8] {
    [code, 1] + u16(20 + attributes.count) + [UInt8](repeating: 7, count: 16) + attributes
  }

  static func attribute(_ type: UInt8, _ value: [UInt8]) -> [UInt8] { [type, UInt8(value.count + 2)] + value }
}

/// A reader and what it made of the packets given to it.
struct Reading {
  var reader = PacketReader()
  var now: Int64 = 1_795_435_200_000_000

  struct Result {
    var outcome: PacketOutcome
    var events: [JSONValue]
    /// Of the only event.
    subscript(name: String) -> JSONValue? { events.count == 1 ? events[0][name] : nil }
  }

  /// Reads a packet, a second after the one before.
  mutating func read(_ packet: [UInt8], _ type: LinkType = .ethernet, hasTime: Bool = true) -> Result {
    now += 1_000_000
    var list = EventList()
    let outcome = reader.read(packet.span, type, time: hasTime ? Timestamp(microseconds: now) : nil, into: &list)
    var text: [UInt8] = []
    list.write(into: &text)
    return Result(outcome: outcome, events: (try? JSON5.read(text.span))?.json?.array ?? [])
  }
}
