import Record

/// Reads a `session` event as the index of blocks does, straight from the list in which a decoder put it: the same keys and
/// times as `EventReading` gives when the record is read back. Most records are such.
enum PlainSession {
  /// The event is another, or has something that is better read from its record: a name with letters beyond ASCII, ports
  /// that are given out, a value that is written in another form than is usual for its field.
  private struct NotPlain: Error {}

  /// - Returns: false where the event is not plain; of its keys and times some may have been added then.
  static func add(
    event: Int, of events: borrowing EventList, to keys: inout [UInt64], _ happened: inout BlockSummary.TimeRange, received: Moment,
    sender: RecordFeed.Sender
  ) -> Bool {
    do throws(NotPlain) {
      try read(event, events, &keys, &happened, received, sender)
      return true
    } catch {
      return false
    }
  }

  private static func read(
    _ event: Int, _ events: borrowing EventList, _ keys: inout [UInt64], _ happened: inout BlockSummary.TimeRange, _ received: Moment,
    _ sender: RecordFeed.Sender
  ) throws(NotPlain) {
    guard events.equals(event: event, .kind, "session"), !events.has(event: event, .natPortLast), !events.has(event: event, .prefix),
      !events.has(event: event, .duid), !events.has(event: event, .clientID)
    else { throw NotPlain() }
    let action = try action(event, events)
    let src = Endpoint(ip: try ip(event, events, .srcIP), port: try port(event, events, .srcPort))
    let nat = Endpoint(ip: try ip(event, events, .natIP), port: try port(event, events, .natPort))
    let dst = try ip(event, events, .dstIP)
    if let ip = try ip(event, events, .ip) { keys.append(BlockKey.inside(ip)) }
    if let ip = src.ip { keys.append(BlockKey.inside(ip)) }
    if let dst { keys.append(BlockKey.outside(dst)) }
    if let ip = nat.ip { keys.append(BlockKey.outside(ip)) }
    if let ip = try ip(event, events, .outerIP) { keys.append(BlockKey.outside(ip)) }
    if let ip = nat.ip ?? src.ip, let port = nat.port ?? src.port { keys.append(BlockKey.endpoint(ip, port)) }
    switch events.value(event: event, .mac) {
    case nil: break
    case .mac(let mac)?: keys.append(BlockKey.mac(mac))
    default: throw NotPlain()
    }
    try name(event, events, .user, BlockKey.userType, &keys)
    try name(event, events, .phone, BlockKey.userType, &keys)
    try name(event, events, .hostname, BlockKey.hostnameType, &keys)
    switch events.value(event: event, .sessionID) {
    case nil: break
    case .text(let range)?:
      let isOpen = action == .open && (src.ip ?? nat.ip) != nil
      let isClose = action == .close && src.ip == nil && nat.ip == nil && dst == nil
      guard isOpen || isClose else { break }
      let number = events.bytes(of: range)
      guard number.isASCII else { throw NotPlain() }
      keys.append(KeyHash.end(KeyHash.add(number, to: sender.numbers)))
    default: throw NotPlain()
    }
    let time = try time(event, events, .time)
    let own = sender.via.believesDevice || events.equals(event: event, .clock, "device")
    let times = SessionTimes(
      received: received, believesDevice: own, action: action, time: time, start: try self.time(event, events, .start),
      end: try self.time(event, events, .end), duration: try seconds(event, events))
    happened.add(times.start ?? times.at)
    happened.add(times.end ?? times.at)
    happened.add(own ? time.map(Moment.init) ?? received : received)
  }

  private static func ip(_ event: Int, _ events: borrowing EventList, _ field: EventField) throws(NotPlain) -> IPAddress? {
    switch events.value(event: event, field) {
    case nil: return nil
    case .ip(let ip)?: return ip
    default: throw NotPlain()
    }
  }

  private static func port(_ event: Int, _ events: borrowing EventList, _ field: EventField) throws(NotPlain) -> Int? {
    switch events.value(event: event, field) {
    case nil: return nil
    case .integer(let port)?: return Endpoint.port(port)
    default: throw NotPlain()
    }
  }

  private static func seconds(_ event: Int, _ events: borrowing EventList) throws(NotPlain) -> Int? {
    switch events.value(event: event, .duration) {
    case nil: return nil
    // As many digits as are read back.
    case .integer(let seconds)? where abs(seconds) < 1 << 53: return seconds
    default: throw NotPlain()
    }
  }

  /// Whether a time is read back from a record as it is: years of four digits and offsets that exist.
  static func isReadBack(_ time: Timestamp) -> Bool {
    time.microseconds > Moment.earliest && time.microseconds < Moment.latest && abs(time.offsetMinutes) <= 14 * 60
      && 0...6 ~= time.fractionDigits
  }

  private static func time(_ event: Int, _ events: borrowing EventList, _ field: EventField) throws(NotPlain) -> Timestamp? {
    switch events.value(event: event, field) {
    case nil: return nil
    case .time(let time)? where isReadBack(time): return time
    default: throw NotPlain()
    }
  }

  private static func name(
    _ event: Int, _ events: borrowing EventList, _ field: EventField, _ type: UInt8, _ keys: inout [UInt64]
  ) throws(NotPlain) {
    switch events.value(event: event, field) {
    case nil: return
    case .text(let range)?:
      guard !range.isEmpty else { return }
      guard let key = KeyHash.ofFolded(type, events.bytes(of: range)) else { throw NotPlain() }
      keys.append(key)
    default: throw NotPlain()
    }
  }

  private static func action(_ event: Int, _ events: borrowing EventList) throws(NotPlain) -> SessionAction? {
    guard let value = events.value(event: event, .action) else { return nil }
    guard case .text(let range) = value else { throw NotPlain() }
    let action = SessionAction(events.bytes(of: range))
    // They give ports out and take them back.
    if action == .allocate || action == .free { throw NotPlain() }
    return action
  }
}
