/// What is open on one address while its observations are read in order: the rules of design section 8.
///
/// The intervals of an address are a function of its observations sorted by `Observation.Key`, and of nothing else: not
/// of the order in which they arrived, nor of where the reading was interrupted.
struct Timeline: Sendable {
  /// The lease that holds now. At most one: an acknowledgement for another device ends it.
  private(set) var lease: Interval?
  /// Devices seen without holding the lease: several may claim the address at once.
  private(set) var claims: [Interval] = []
  /// The last observation that was read.
  private(set) var last: Observation.Key?
  /// Intervals that were closed, or changed, since `takeChanges`.
  private var closed: [Interval] = []

  /// Devices on one address that are kept open at once; beyond it the one that was quiet longest is let go. An attacker
  /// who claims an address with every MAC there is costs no more than that.
  static let maximumClaims = 64

  init() {}

  /// Goes on where another reading stopped.
  init(open: [Interval], last: Observation.Key?) {
    lease = open.first { $0.basis == .lease }
    claims = open.filter { $0.basis != .lease }
    self.last = last
  }

  /// What stays open, with what was closed since the last call.
  mutating func takeClosed() -> [Interval] {
    defer { closed.removeAll(keepingCapacity: true) }
    return closed
  }

  var open: [Interval] { (lease.map { [$0] } ?? []) + claims }

  mutating func read(_ o: borrowing Observation) {
    last = o.key
    lapse(at: o.time)
    switch o.action {
    case .acknowledged: acknowledged(o)
    case .released: ended(o, .released)
    case .declined: ended(o, .declined)
    case .expired: ended(o, .expired)
    case .seen: seen(o)
    case .declared, .loginStart, .loginUpdate, .loginStop: break  // Tracks of their own.
    }
  }

  /// Closes what had run out before that time.
  private mutating func lapse(at time: Moment) {
    if let (end, reason) = lease?.lapse, end.microseconds < time.microseconds { closeLease(at: end, reason) }
    for i in claims.indices.reversed() {
      let (end, reason) = claims[i].lapse
      if end.microseconds < time.microseconds { close(claim: i, at: end, reason) }
    }
  }

  private mutating func close(claim index: Int, at time: Moment, _ reason: Interval.EndReason, by position: RecordPosition? = nil) {
    var old = claims.remove(at: index)
    old.close(at: time, reason, by: position)
    closed.append(old)
  }

  private mutating func closeLease(at time: Moment, _ reason: Interval.EndReason, by position: RecordPosition? = nil) {
    guard var old = lease.take() else { return }
    old.close(at: time, reason, by: position)
    closed.append(old)
  }

  private mutating func acknowledged(_ o: borrowing Observation) {
    // Leased for no time at all: how some lease files write a released one.
    if let seconds = o.seconds, seconds <= 0 { return }
    // Over before it was heard of: a row of an old lease file.
    if let until = o.until, until.microseconds <= o.time.microseconds { return }
    if isHeld(by: o) {
      // In its place: an interval holds many references.
      lease?.take(o)
      lease?.acknowledge(o)
      return
    }
    closeLease(at: o.time, .superseded, by: o.key.position)
    // What was seen of this device before the lease is now its lease.
    if let i = claims.firstIndex(where: { $0.identity.matches(o.identity) == true }) {
      close(claim: i, at: o.time, .superseded, by: o.key.position)
    }
    var new = Interval(.lease, o)
    new.acknowledge(o)
    lease = new
  }

  /// Whether an acknowledgement is about the holder. Witnesses of one exchange may know nothing in common of the device, a
  /// log its DUID and another its MAC; a server does not give an address to another device within that time. One that
  /// names no device at all does not say that it is another.
  private func isHeld(by o: borrowing Observation) -> Bool {
    guard let isSame = lease?.identity.matches(o.identity) else {
      guard let isUnknown = lease?.identity.isEmpty, let lastAck = lease?.lastAck else { return false }
      return o.identity.isEmpty || !isUnknown && o.time.microseconds - lastAck.microseconds <= Interval.exchange
    }
    return isSame
  }

  /// Only the holder can give an address back. A message that names no device (Windows' "expired") is about the holder.
  private mutating func ended(_ o: borrowing Observation, _ reason: Interval.EndReason) {
    guard lease != nil, lease?.identity.matches(o.identity) ?? o.identity.isEmpty else { return }
    lease?.take(o)
    closeLease(at: o.time, reason, by: o.key.position)
  }

  private mutating func seen(_ o: borrowing Observation) {
    if lease?.identity.matches(o.identity) == true {
      lease?.take(o)
      return
    }
    if let i = claims.firstIndex(where: { $0.identity.matches(o.identity) == true }) {
      claims[i].take(o)
      claims[i].timeout = o.seconds ?? 0
      return
    }
    var new = Interval(.binding, o)
    new.timeout = o.seconds ?? 0
    add(new)
  }

  private mutating func add(_ claim: Interval) {
    if claims.count >= Self.maximumClaims, let i = claims.indices.min(by: { claims[$0].lastSeen < claims[$1].lastSeen }) {
      let (end, reason) = claims[i].lapse
      close(claim: i, at: end, reason)
    }
    claims.append(claim)
  }

  /// Whether an observation that came late would change nothing, because it lies within an interval that goes on beyond
  /// it and says nothing new. Two witnesses of every lease would otherwise mean reading each address again all the time.
  func absorbs(_ o: borrowing Observation) -> Bool {
    guard let lease, lease.first < o.key, lease.identity.matches(o.identity) == true, lease.identity.covers(o.identity),
      o.detail.hostname == nil || o.detail.hostname == lease.hostname, o.detail.relay == nil || o.detail.relay == lease.relay,
      o.detail.circuitID == nil || o.detail.circuitID == lease.circuitID, o.detail.source == nil || lease.source != nil
    else { return false }
    switch o.action {
    case .seen: return o.time < lease.lastSeen
    case .acknowledged:
      guard o.until == nil, (o.seconds ?? 1) > 0, let longest = lease.longestSeconds, let first = lease.firstTimedAck,
        let last = lease.lastTimedAck, first < o.time, o.time < last
      else { return false }
      return o.secondsAreConfigured || (o.seconds ?? 0) <= longest
    default: return false
    }
  }
}
