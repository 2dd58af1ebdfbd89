import Record

/// What became of a packet.
public enum PacketOutcome: Sendable, Equatable {
  /// Not for us: another protocol, a tunnel, a question that claims nothing.
  case ignored
  /// To be recorded: it has events, or is a message of DHCP or RADIUS accounting without any.
  case message
  /// To be recorded: a piece of such a message.
  case fragment
  /// To be recorded: such a message, but it breaks its own form. It has no event.
  case malformed
  /// An address seen with the same device again, too soon after it was recorded last (`thinning`).
  case repeated
}

/// Reads packets, one after another: one reader for each source, and in the order of capture, since a message is understood
/// with those before it. Allocates nothing per packet, but for what is remembered.
public struct PacketReader: Sendable {
  /// In which text that is not UTF-8 is written.
  public var charset: Charset
  /// Within this many microseconds of a recorded sighting (ARP, neighbour discovery) the same pair of addresses is
  /// `.repeated`; 0: never.
  public var thinning: Int64

  private var vlans: [Int] = []
  private var reassembly = Reassembly()
  private var exchanges = Exchanges()
  private var held = HeldLeases()
  private var sightings = Sightings()
  private var scratch: [UInt8] = []
  private var leases: [DHCPv6.Lease] = []
  private var text: [UInt8] = []

  public init(charset: Charset = .windows1254, thinning: Int64 = 0) {
    self.charset = charset
    self.thinning = thinning
  }

  /// Reads one packet and appends its events.
  /// - Parameters:
  ///   - packet: as captured, from the link layer on.
  ///   - time: when it was captured; nil where the capture does not say. The events' own time.
  ///   - events: emptied by the caller.
  public mutating func read(_ packet: Span<UInt8>, _ type: LinkType, time: Timestamp?, into events: inout EventList) -> PacketOutcome {
    guard let frame = LinkLayer.decode(packet, type, vlans: &vlans) else { return .ignored }
    let payload = packet.extracting(frame.payload)
    let outcome: PacketOutcome
    switch frame.etherType {
    case Frame.arp:
      guard let arp = ARP(payload) else { return .ignored }
      outcome = sighted(arp.sender.ip, arp.sender.mac, "arp/1", time, &events)
    case Frame.ipv4:
      guard let packet = try? IPPacket(v4: payload) else { return .ignored }
      outcome = read(packet, payload, frame, time, &events)
    case Frame.ipv6:
      guard let packet = try? IPPacket(v6: payload) else { return .ignored }
      outcome = read(packet, payload, frame, time, &events)
    default: return .ignored
    }
    return outcome
  }

  private mutating func read(
    _ packet: IPPacket, _ bytes: Span<UInt8>, _ frame: Frame, _ time: Timestamp?, _ events: inout EventList
  ) -> PacketOutcome {
    switch packet.transport {
    case IPPacket.icmpv6:
      guard let found = NeighbourAdvertisement(bytes.extracting(packet.payload), of: packet) else { return .ignored }
      return sighted(found.target, found.mac, "nd/1", time, &events)
    case IPPacket.udp:
      guard let fragment = packet.fragment, fragment.offset > 0 || !fragment.isLast else {
        return readUDP(bytes, packet.payload, packet, frame, time, &events)
      }
      return add(fragment, packet, bytes, frame, time, &events)
    default: return .ignored
    }
  }

  private mutating func add(
    _ fragment: IPPacket.Fragment, _ packet: IPPacket, _ bytes: Span<UInt8>, _ frame: Frame, _ time: Timestamp?, _ events: inout EventList
  ) -> PacketOutcome {
    var hash = KeyHash()
    hash.mix(packet.source.value)
    hash.mix(packet.destination.value)
    hash.mix(UInt64(fragment.id))
    for vlan in vlans { hash.mix(UInt64(truncatingIfNeeded: vlan)) }
    let outcome = reassembly.add(
      bytes.extracting(packet.payload), fragment, key: BoundedTable.Key(a: hash.a, b: hash.b), time: time?.microseconds,
      isCut: packet.isCut
    ) { first in
      (try? UDPDatagram(first, 0..<first.count)).map { Service(of: $0) != nil } ?? false
    }
    switch outcome {
    case .foreign: return .ignored
    case .waiting: return .fragment
    case .refused: return .malformed
    case .whole:
      let whole = reassembly.bytes
      return readUDP(whole.span, 0..<whole.count, packet, frame, time, &events)
    }
  }

  /// Who reads a datagram, by its ports. Servers answer from the port they were asked on, relays listen on the servers'.
  private enum Service {
    case dhcpv4, dhcpv6, radius

    init?(of datagram: UDPDatagram) {
      let (a, b) = (datagram.source, datagram.destination)
      if a == 67 || a == 68 || b == 67 || b == 68 {
        self = .dhcpv4
      } else if a == 546 || a == 547 || b == 546 || b == 547 {
        self = .dhcpv6
      } else if b == 1813 || b == 1646 || b == 1812 || b == 1645 {
        // Accounting has ports of its own, but some send it to the ports of authentication.
        self = .radius
      } else {
        return nil
      }
    }
  }

  private mutating func readUDP(
    _ bytes: Span<UInt8>, _ range: Range<Int>, _ packet: IPPacket, _ frame: Frame, _ time: Timestamp?, _ events: inout EventList
  ) -> PacketOutcome {
    guard let datagram = try? UDPDatagram(bytes, range), let service = Service(of: datagram) else { return .ignored }
    let message = bytes.extracting(datagram.payload)
    do throws(Malformed) {
      switch service {
      case .dhcpv4:
        guard packet.source.isV4, packet.destination.isV4 else { return .ignored }
        guard !datagram.isCut else { return .malformed }
        try readDHCPv4(message, time, &events)
      case .dhcpv6:
        guard !packet.source.isV4, !packet.destination.isV4 else { return .ignored }
        guard !datagram.isCut else { return .malformed }
        try readDHCPv6(message, packet, frame, time, &events)
      case .radius:
        // Anything but accounting on these ports: an answer, or an authentication, which carries a password.
        guard message.count > 0, message[0] == 4 else { return .ignored }
        guard !datagram.isCut else { return .malformed }
        guard let request = try RADIUSAccounting(message) else { return .malformed }
        write(request, message, time, &events)
      }
    } catch { return .malformed }
    return .message
  }

  // MARK: - ARP and neighbour discovery

  private mutating func sighted(
    _ ip: IPAddress, _ mac: MACAddress, _ dialect: StaticString, _ time: Timestamp?, _ events: inout EventList
  ) -> PacketOutcome {
    if thinning > 0, let time, sightings.isRepeated(ip, mac, vlans, at: time.microseconds, within: thinning) { return .repeated }
    events.begin(.binding)
    events.set(.ip, ip)
    events.set(.mac, mac)
    events.set(.basis, word: "observed")
    finish(dialect, time, &events)
    return .message
  }

  private mutating func finish(_ dialect: StaticString, _ time: Timestamp?, _ events: inout EventList) {
    if !vlans.isEmpty { events.set(.vlans, list: vlans) }
    events.set(.dialect, word: dialect)
    if let time {
      events.set(.clock, word: "device")
      events.set(.time, time)
    }
  }

  /// Text as people wrote it: without NUL at its end, and in UTF-8.
  private mutating func set(_ field: EventField, text bytes: Span<UInt8>, _ events: inout EventList) {
    var end = bytes.count
    while end > 0, bytes[end - 1] == 0 { end -= 1 }
    guard end > 0 else { return }
    let trimmed = bytes.extracting(0..<end)
    if trimmed.isUTF8 { return events.set(field, text: trimmed) }
    text.removeAll(keepingCapacity: true)
    charset.decode(trimmed, into: &text)
    let decoded = text
    events.set(field, text: decoded.span)
  }

  // MARK: - DHCPv4

  private mutating func readDHCPv4(_ message: Span<UInt8>, _ time: Timestamp?, _ events: inout EventList) throws(Malformed) {
    let dhcp = try DHCPv4(message, scratch: &scratch)
    let key = Exchanges.key(dhcp)
    let now = time?.microseconds
    if dhcp.isBOOTP {
      // BOOTP leases do not expire (RFC 1534).
      if dhcp.isReply, !dhcp.yours.isUnspecified { acknowledged(dhcp, .max, nil, time, &events) }
      return
    }
    guard let kind = dhcp.kind else { return }
    switch kind {
    case .discover, .request, .inform:
      guard !dhcp.isReply else { return }
      let bytes = scratch
      exchanges.note(dhcp, bytes.span, at: key, time: now)
    case .ack:
      guard dhcp.isReply, !dhcp.yours.isUnspecified else { return }
      let request = exchanges.find(key, time: now)
      guard request?.kind != DHCPv4.Kind.inform.rawValue else { return }
      acknowledged(dhcp, dhcp.leaseSeconds, request, time, &events)
    case .nak:
      guard dhcp.isReply else { return }
      begin(dhcp, "nak", exchanges.find(key, time: now)?.wanted, &events)
      finish("dhcpv4/1", time, &events)
    case .release: ended(dhcp, "release", dhcp.client, time, &events)
    case .decline: if let ip = dhcp.requested { ended(dhcp, "decline", ip, time, &events) }
    case .offer: break
    }
  }

  private mutating func acknowledged(
    _ dhcp: DHCPv4, _ seconds: UInt32?, _ request: Exchanges.Request?, _ time: Timestamp?, _ events: inout EventList
  ) {
    let key = HeldLeases.key(dhcp.yours, 128, dhcp.hardware)
    let isHeld = held.take(key, seconds: seconds, time: time?.microseconds)
    begin(dhcp, isHeld ? "renew" : "assign", dhcp.yours, &events)
    if let seconds {
      events.set(.leaseSeconds, Int(seconds))
      events.set(.leaseFrom, word: "packet")
    }
    let bytes = scratch
    // What the client said of itself stands in its request; an answer need not repeat it.
    let ours = bytes.span
    if let request {
      let theirs = request.text.span
      if !events.has(.hostname), let name = request.hostname ?? request.fqdn { set(.hostname, text: theirs.extracting(name), &events) }
      if !events.has(.clientID), let id = request.clientID, !id.isEmpty { events.set(.clientID, hex: theirs.extracting(id)) }
      if !events.has(.vendorClass), let text = request.vendorClass { set(.vendorClass, text: theirs.extracting(text), &events) }
      // A server that does not send option 82 back (RFC 3046 section 2.2 asks it to) is answering the same relay.
      if !dhcp.relay.isUnspecified, dhcp.circuitID == nil, dhcp.remoteID == nil {
        if let id = request.circuitID, !id.isEmpty { events.set(.circuitID, hex: theirs.extracting(id)) }
        if let id = request.remoteID, !id.isEmpty { events.set(.remoteID, hex: theirs.extracting(id)) }
      }
    }
    if !events.has(.hostname), let name = dhcp.fqdn { set(.hostname, text: ours.extracting(name), &events) }
    finish("dhcpv4/1", time, &events)
  }

  private mutating func ended(
    _ dhcp: DHCPv4, _ action: StaticString, _ ip: IPAddress, _ time: Timestamp?, _ events: inout EventList
  ) {
    guard !ip.isUnspecified else { return }
    held.remove(HeldLeases.key(ip, 128, dhcp.hardware))
    begin(dhcp, action, ip, &events)
    finish("dhcpv4/1", time, &events)
  }

  /// Begins an event with what the message itself says.
  private mutating func begin(_ dhcp: DHCPv4, _ action: StaticString, _ ip: IPAddress?, _ events: inout EventList) {
    events.begin(.lease, action: action)
    if let ip, !ip.isUnspecified { events.set(.ip, ip) }
    if let mac = dhcp.mac {
      events.set(.mac, mac)
      events.set(.macSource, word: "chaddr")
    }
    if let server = dhcp.server, !server.isUnspecified { events.set(.server, server) }
    if !dhcp.relay.isUnspecified { events.set(.relay, dhcp.relay) }
    let bytes = scratch
    let ours = bytes.span
    if let name = dhcp.hostname { set(.hostname, text: ours.extracting(name), &events) }
    if let text = dhcp.vendorClass { set(.vendorClass, text: ours.extracting(text), &events) }
    if let id = dhcp.clientID, !id.isEmpty { events.set(.clientID, hex: ours.extracting(id)) }
    if let id = dhcp.circuitID, !id.isEmpty { events.set(.circuitID, hex: ours.extracting(id)) }
    if let id = dhcp.remoteID, !id.isEmpty { events.set(.remoteID, hex: ours.extracting(id)) }
  }

  // MARK: - DHCPv6

  private mutating func readDHCPv6(
    _ message: Span<UInt8>, _ packet: IPPacket, _ frame: Frame, _ time: Timestamp?, _ events: inout EventList
  ) throws(Malformed) {
    let dhcp = try DHCPv6(message, scratch: &scratch, leases: &leases)
    guard let kind = dhcp.kind, let duid = dhcp.duid else { return }
    let bytes = scratch
    let ours = bytes.span
    var hash = KeyHash()
    hash.mix(ours.extracting(duid))
    let client = (hash.a, hash.b)
    let key = Exchanges.key(dhcp.transaction, client)
    // A client's own message on its own link comes in a frame of its own.
    let observed = dhcp.relayCount == 0 && packet.source.isLinkLocal ? frame.source.flatMap { $0.isStation ? $0 : nil } : nil
    let device = Device(observed: observed, linkLayer: dhcp.linkLayer, inDUID: dhcp.macInDUID)
    switch kind {
    case .solicit, .request, .renew, .rebind, .confirm, .informationRequest:
      exchanges.note(dhcp, ours, device: device, at: key, time: time?.microseconds)
    case .release, .decline:
      exchanges.note(dhcp, ours, device: device, at: key, time: time?.microseconds)
      for lease in leases {
        guard let place = lease.place else { continue }
        held.remove(HeldLeases.key(place.ip, place.length, client))
        begin(dhcp, kind == .release ? "release" : "decline", lease, device, ours, nil, &events)
        finish("dhcpv6/1", time, &events)
      }
    case .reply:
      guard dhcp.status == 0 else { return }
      let request = exchanges.find(key, time: time?.microseconds)
      switch request?.kind {
      case nil, DHCPv6.Kind.request.rawValue, DHCPv6.Kind.renew.rawValue, DHCPv6.Kind.rebind.rawValue: break
      case DHCPv6.Kind.solicit.rawValue: guard dhcp.isRapid else { return }
      default: return
      }
      for lease in leases where lease.valid > 0 && !lease.isRefused {
        guard let place = lease.place else { continue }
        let isHeld = held.take(HeldLeases.key(place.ip, place.length, client), seconds: lease.valid, time: time?.microseconds)
        let known = Device(
          observed: request?.device.observed, linkLayer: dhcp.linkLayer ?? request?.device.linkLayer, inDUID: dhcp.macInDUID)
        begin(dhcp, isHeld ? "renew" : "assign", lease, known, ours, request, &events)
        events.set(.leaseSeconds, Int(lease.valid))
        events.set(.leaseFrom, word: "packet")
        finish("dhcpv6/1", time, &events)
      }
    default: break
    }
  }

  /// The hardware addresses that a DHCPv6 message names for its client.
  struct Device: Sendable {
    var observed: MACAddress?
    var linkLayer: MACAddress?
    var inDUID: MACAddress?
  }

  private mutating func begin(
    _ dhcp: DHCPv6, _ action: StaticString, _ lease: DHCPv6.Lease, _ device: Device, _ ours: Span<UInt8>, _ request: Exchanges.Request?,
    _ events: inout EventList
  ) {
    events.begin(.lease, action: action)
    if let ip = lease.ip { events.set(.ip, ip) }
    if let prefix = lease.prefix { events.set(.prefix, prefix) }
    events.set(.iaid, Int(lease.iaid))
    if let duid = dhcp.duid { events.set(.duid, hex: ours.extracting(duid)) }
    // Seen on the wire before told by the client; what is only in the DUID is never shown as seen.
    if let mac = device.observed {
      events.set(.mac, mac)
    } else if let mac = device.linkLayer {
      events.set(.mac, mac)
      events.set(.macSource, word: "option79")
    } else if let mac = device.inDUID {
      events.set(.mac, mac)
      events.set(.macSource, word: "duid")
    }
    if let relay = dhcp.relay { events.set(.relay, relay) }
    if let id = dhcp.circuitID, !id.isEmpty { events.set(.circuitID, hex: ours.extracting(id)) }
    if let id = dhcp.remoteID, !id.isEmpty { events.set(.remoteID, hex: ours.extracting(id)) }
    if let request {
      if let name = request.fqdn { set(.hostname, text: request.text.span.extracting(name), &events) }
    }
    if !events.has(.hostname), let name = dhcp.fqdn { set(.hostname, text: ours.extracting(name), &events) }
  }

  // MARK: - RADIUS

  private mutating func write(_ request: RADIUSAccounting, _ message: Span<UInt8>, _ time: Timestamp?, _ events: inout EventList) {
    // An interim record says of a session what its start and stop say; that it goes on is known from them.
    switch request.status {
    case .start: events.begin(.login, action: "start")
    case .stop: events.begin(.login, action: "stop")
    default: return
    }
    if let user = request.user { set(.user, text: message.extracting(user), &events) }
    if let ip = request.ip { events.set(.ip, ip) }
    if let calling = request.callingStation {
      let value = message.extracting(calling)
      // Twelve decimal digits may as well be a telephone number with its country's code.
      if let mac = MACAddress(text: value), value.decimal == nil {
        events.set(.mac, mac)
      } else if let outer = IPAddress(text: value) {
        // How VPN servers name the caller.
        events.set(.outerIP, outer)
      } else {
        set(.callingStationID, text: value, &events)
      }
    }
    if let called = request.calledStation {
      // RFC 3580 section 3.20: the access point's address, a colon, the network's name.
      let value = message.extracting(called)
      if value.count > 18, value[17] == 0x3a, MACAddress(text: value.extracting(0..<17)) != nil {
        set(.ssid, text: value.extracting(18..<value.count), &events)
      }
    }
    if let session = request.session { set(.sessionID, text: message.extracting(session), &events) }
    if let name = request.nasIdentifier { set(.nas, text: message.extracting(name), &events) }
    if !events.has(.nas), let address = request.nasAddress {
      let words = Array(address.description.utf8)
      events.set(.nas, text: words.span)
    }
    events.set(.method, word: "radius")
    finish("radius-accounting/1", time, &events)
  }
}

extension DHCPv6.Lease {
  /// The address, or the prefix with its length.
  fileprivate var place: (ip: IPAddress, length: Int)? {
    if let ip { return ip.isHost ? (ip, 128) : nil }
    return prefix.flatMap { $0.length > 0 ? ($0.address, $0.length) : nil }
  }
}
