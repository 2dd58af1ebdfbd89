import Record

/// dnsmasq's lease file (dnsmasq(8), `--dhcp-leasefile`; src/lease.c of dnsmasq 2.89): a line for each lease that is active,
/// all of them written anew at every change.
///
///     1795162502 3c:52:82:1a:7f:09 10.20.8.30 muhasebe-pc 01:3c:52:82:1a:7f:09
///     duid 00:01:00:01:2a:bc:de:f0:00:1b:21:3a:4f:10
///     1795162502 443351569 2001:db8:8::1a5 muhasebe-pc 00:01:00:01:2a:bc:de:f0:3c:52:82:1a:7f:09
///
/// The number is when the lease ends, 0 for never; when it began is not written. `*` stands for what is unknown. The line
/// `duid` is the server's own. A MAC of hardware other than Ethernet has its type before it; the IAID of a temporary
/// address a `T`.
enum DnsmasqLeases {
  /// Whether a line can only be of this file.
  static func isLine(_ line: Span<UInt8>) -> Bool {
    if line.starts(with: "duid ") { return line.extracting(5..<line.count).colonBytes != nil }
    var list = EventList()
    return read(line, charset: .utf8, source: SourceReading(zone: .utc), into: &list) == .events
  }

  static func read(
    _ entry: Span<UInt8>, charset: Charset, source: borrowing SourceReading, into events: inout EventList
  ) -> EntryOutcome {
    let line = entry.trimmed()
    if line.count == 0 || line.starts(with: "duid ") { return .nothing }
    var fields = Fields(line, separator: 0x20)
    guard let expiry = fields.next()?.unixSeconds, let device = fields.next(), let address = fields.next(),
      let ip = IPAddress(text: address), let hostname = fields.next(), let id = fields.next(), fields.next() == nil
    else { return .notUnderstood }
    events.begin(.lease, action: "assign")
    events.set(.ip, ip)
    guard identify(device, id, ip, &events) else {
      events.cancel()
      return .notUnderstood
    }
    if !hostname.equals("*") { events.set(.hostname, name: hostname, charset) }
    if expiry == 0 {
      events.set(.leaseSeconds, 0xffff_ffff)
    } else if expiry < 1_000_000_000 {
      // Built for machines without a clock (HAVE_BROKEN_RTC) it writes how long a lease is.
      events.set(.leaseSeconds, Int(expiry))
    } else {
      events.set(.leaseUntil, seconds: expiry, in: source.zone)
    }
    events.set(.leaseFrom, word: "log")
    events.close("dnsmasq-leases/1", source)
    return .events
  }

  /// - Returns: whether the line is understood and names a device.
  private static func identify(_ device: Span<UInt8>, _ id: Span<UInt8>, _ ip: IPAddress, _ events: inout EventList) -> Bool {
    let identifier = id.equals("*") ? nil : id.colonBytes
    guard identifier != nil || id.equals("*") else { return false }
    if ip.isV4 {
      let isOther = device.count > 3 && device[2] == 0x2d
      if let mac = MACAddress(text: device), !isOther {
        events.set(.mac, mac)
      } else if !isOther || identifier == nil {
        return false
      }
      if let identifier { events.set(.clientID, hex: identifier.span) }
      return true
    }
    let isTemporary = device.count > 1 && device[0] == 0x54
    guard let iaid = device.extracting((isTemporary ? 1 : 0)..<device.count).decimal, iaid <= 0xffff_ffff, let identifier else {
      return false
    }
    events.set(.duid, hex: identifier.span)
    events.set(.iaid, iaid)
    return true
  }
}
