import Record

/// Kea's memfile lease files (Kea Administrator Reference Manual, "Memfile: Basic Storage for Leases"): one line per change
/// of a lease, columns in one fixed order that later versions only add to at the end.
///
///     address,hwaddr,client_id,valid_lifetime,expire,subnet_id,fqdn_fwd,fqdn_rev,hostname,state,user_context,pool_id
///     address,duid,valid_lifetime,expire,subnet_id,pref_lifetime,lease_type,iaid,prefix_len,fqdn_fwd,fqdn_rev,hostname,
///       hwaddr,state,user_context,hwtype,hwaddr_source,pool_id
///
/// `expire` is Unix seconds: the lease began `valid_lifetime` before it. A released lease has the lifetime 0; states are
/// 0 assigned, 1 declined, 2 expired and reclaimed, 3 released, 4 registered.
enum KeaLeases {
  static func read(
    _ entry: Span<UInt8>, charset: Charset, source: borrowing SourceReading, into events: inout EventList
  ) -> EntryOutcome {
    let line = entry.trimmed()
    if line.count == 0 || line.starts(with: "address,") { return .nothing }
    var fields = Fields(line, separator: 0x2c)
    guard let first = fields.next(), let ip = IPAddress(text: first) else { return .notUnderstood }
    let row = ip.isV4 ? v4(&fields, charset) : v6(&fields, charset, ip)
    guard let row else { return .notUnderstood }
    switch row.state {
    case 0: break
    case 1: return declined(ip, row, source, &events)
    case 2, 3, 4: return .nothing
    default: return .notUnderstood
    }
    // Released: how long it was held, the line does not say.
    guard row.lifetime > 0 else { return .nothing }
    guard row.mac != nil || row.duid != nil || row.clientID != nil else { return .notUnderstood }
    events.begin(.lease, action: "assign")
    if let prefix = row.prefix { events.set(.prefix, prefix) } else { events.set(.ip, ip) }
    if let mac = row.mac { events.set(.mac, mac) }
    if let macSource = row.macSource { events.set(.macSource, word: macSource) }
    if let duid = row.duid { events.set(.duid, hex: duid.span) }
    if let clientID = row.clientID { events.set(.clientID, hex: clientID.span) }
    if let iaid = row.iaid { events.set(.iaid, iaid) }
    events.set(.hostname, name: row.hostname.span, charset)
    events.set(.leaseSeconds, row.lifetime)
    events.set(.leaseFrom, word: "log")
    events.set(.time, seconds: row.expire - Int64(row.lifetime), in: source.zone)
    events.close("kea-leases/1", source)
    return .events
  }

  /// The line names nobody; it is kept for as long as the address is not given out again.
  private static func declined(
    _ ip: IPAddress, _ row: Row, _ source: borrowing SourceReading, _ events: inout EventList
  ) -> EntryOutcome {
    events.begin(.lease, action: "decline")
    events.set(.ip, ip)
    events.set(.time, seconds: row.expire - Int64(row.lifetime), in: source.zone)
    events.close("kea-leases/1", source)
    return .events
  }

  private struct Row {
    var lifetime = 0
    var expire: Int64 = 0
    var state = 0
    var mac: MACAddress?
    var macSource: StaticString?
    var clientID: [UInt8]?
    var duid: [UInt8]?
    var iaid: Int?
    var prefix: IPPrefix?
    var hostname: [UInt8] = []
  }

  private static func v4(_ fields: inout Fields, _ charset: Charset) -> Row? {
    var row = Row()
    guard let hardware = fields.next(), let client = fields.next(), let lifetime = fields.next()?.decimal,
      let expire = fields.next()?.unixSeconds, fields.next() != nil, fields.next() != nil, fields.next() != nil,
      let hostname = fields.next()
    else { return nil }
    // Kea 0.9 had no state yet.
    guard let state = state(fields.next()), lifetime <= 0xffff_ffff, expire >= Int64(lifetime) else { return nil }
    if hardware.count > 0 {
      // Hardware of other kinds is longer or shorter, and no MAC.
      guard let bytes = hardware.colonBytes else { return nil }
      row.mac = MACAddress(bytes: bytes.span)
    }
    if client.count > 0 {
      guard let bytes = client.colonBytes else { return nil }
      row.clientID = bytes
    }
    row.lifetime = lifetime
    row.expire = expire
    row.state = state
    row.hostname = unescaped(hostname)
    return row
  }

  private static func v6(_ fields: inout Fields, _ charset: Charset, _ ip: IPAddress) -> Row? {
    var row = Row()
    guard let duid = fields.next(), let lifetime = fields.next()?.decimal, let expire = fields.next()?.unixSeconds,
      fields.next() != nil, fields.next() != nil, let type = fields.next()?.decimal, let iaid = fields.next()?.decimal,
      let length = fields.next()?.decimal, fields.next() != nil, fields.next() != nil, let hostname = fields.next()
    else { return nil }
    let hardware = fields.next()?.array ?? []
    guard let state = state(fields.next()), lifetime <= 0xffff_ffff, expire >= Int64(lifetime), iaid <= 0xffff_ffff else { return nil }
    _ = fields.next()  // user_context
    _ = fields.next()  // hwtype
    let macSource = fields.next()?.decimal
    if duid.count > 0 {
      guard let bytes = duid.colonBytes else { return nil }
      // A declined lease has a DUID of zeros.
      if bytes.contains(where: { $0 != 0 }) { row.duid = bytes }
    }
    if type == 2 {
      guard length <= 128 else { return nil }
      var text: [UInt8] = []
      text.append(ip)
      text.append(0x2f)
      text.append(decimal: length)
      guard let prefix = IPPrefix(text: text.span) else { return nil }
      row.prefix = prefix
    } else if type > 1 {
      return nil
    }
    if hardware.count > 0 {
      guard let bytes = hardware.span.colonBytes else { return nil }
      let inDUID = row.duid.map { $0.count > bytes.count && $0.suffix(bytes.count).elementsEqual(bytes) } ?? false
      if let source = word(of: macSource, inDUID: inDUID), let mac = MACAddress(bytes: bytes.span) {
        row.mac = mac
        row.macSource = source
      }
    }
    row.iaid = iaid
    row.lifetime = lifetime
    row.expire = expire
    row.state = state
    row.hostname = unescaped(hostname)
    return row
  }

  private static func state(_ field: consuming Span<UInt8>?) -> Int? {
    guard let field, field.count > 0 else { return 0 }
    return field.decimal
  }

  /// Where Kea had the hardware address from (src/lib/dhcp/hwaddr.h: HWADDR_SOURCE_…). One that was worked out from an
  /// address or told by a cable modem is none that was seen.
  private static func word(of source: Int?, inDUID: Bool) -> StaticString? {
    switch source {
    case 1: "log"
    case 2: "duid"
    case 8: "option79"
    case nil, 0: inDUID ? "duid" : "log"
    default: nil
    }
  }

  /// A comma in a name is written `&#x2c`.
  private static func unescaped(_ text: Span<UInt8>) -> [UInt8] {
    var out: [UInt8] = []
    var i = 0
    while i < text.count {
      if text.starts(with: "&#x", at: i), i + 5 <= text.count, let high = text[i + 3].hexValue, let low = text[i + 4].hexValue {
        out.append(high << 4 | low)
        i += 5
        continue
      }
      out.append(text[i])
      i += 1
    }
    return out
  }
}
