import PacketDecoding
import Record

private let linkTypes: [LinkType] = [
  .ethernet, .linuxCooked, .linuxCooked2, .raw, .ieee80211, .radiotap, .null, .loop, .ipv4, .ipv6, LinkType(rawValue: 12),
]

private func check(_ events: borrowing EventList) {
  guard !events.isEmpty else { return }
  var text: [UInt8] = []
  events.write(into: &text)
  let line = Array("{\"events\":".utf8) + text + Array("}".utf8)
  guard let list = (try? StrictJSON.object(line.span))?["events"]?.array else { return require(false, "events are strict JSON") }
  require(list.count <= EventList.maximumEvents, "a message has not too many events")
  for event in list {
    require(Event(event) != nil && event["dialect"] != nil, "an event is one")
    if let ip = event["ip"]?.string { require(IPAddress(ip)?.description == ip, "an address is canonical") }
    if let mac = event["mac"]?.string { require(MACAddress(mac)?.description == mac, "a MAC address is canonical") }
    if let prefix = event["prefix"]?.string { require(IPPrefix(prefix)?.description == prefix, "a prefix is canonical") }
  }
}

extension FuzzTarget {
  /// Packets of one link type, which the first byte chooses. Each begins with two bytes that say how long it is, so that an
  /// input can hold a whole exchange, or the fragments of a message.
  static let packets = FuzzTarget(name: "packets") { bytes in
    guard bytes.count > 1 else { return }
    let type = linkTypes[Int(bytes[0]) % linkTypes.count]
    var reader = PacketReader(thinning: bytes[0] & 0x80 == 0 ? 0 : 5_000_000)
    var events = EventList()
    var c = ByteCursor(bytes.extracting(1..<bytes.count))
    var time: Int64 = 1_795_435_200_000_000
    while !c.isAtEnd {
      guard let length = try? c.uint16("length"), let packet = try? c.take(min(Int(length), c.remaining), "packet") else { return }
      time += 1_000_000
      events.removeAll()
      let outcome = reader.read(packet, type, time: length & 0x8000 == 0 ? Timestamp(microseconds: time) : nil, into: &events)
      require(events.isEmpty || outcome == .message, "only a message has events")
      check(events)
    }
  }

  /// Capture files, and the packets in them.
  static let captures = FuzzTarget(name: "captures") { bytes in
    var file = CaptureFile()
    var reader = PacketReader()
    var events = EventList()
    var at = 0
    while at < bytes.count {
      let window = bytes.extracting(at..<bytes.count)
      guard let step = try? file.step(window) else { return }
      switch step {
      case .more(let count):
        require(count > window.count, "it asks for more than it was shown")
        return
      case .skip(let count):
        require(count > 0, "it goes on")
        at += count
      case .packet(let packet, let length):
        require(length > 0 && packet.bytes.upperBound <= min(length, window.count), "a packet lies in its block")
        events.removeAll()
        let time = packet.microseconds.map { Timestamp(microseconds: $0) }
        _ = reader.read(window.extracting(packet.bytes), packet.linkType, time: time, into: &events)
        check(events)
        at += length
      }
    }
  }
}
