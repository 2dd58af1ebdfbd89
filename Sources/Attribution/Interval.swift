import Record

/// Who held an address from when to when, as far as the observations say.
struct Interval: Hashable, Sendable {
  enum Basis: Int, Sendable {
    case lease = 0
    case binding, declared
    var name: String { ["lease", "binding", "declared"][rawValue] }
  }

  enum EndReason: Int, Sendable {
    case released = 0
    case expired, superseded, declined, unknown
    var name: String { ["released", "expired", "superseded", "declined", "unknown"][rawValue] }
  }

  var basis: Basis
  /// Of the observation that began it.
  var first: Observation.Key
  var start: Moment { first.time }
  /// The last observation of this device on this address.
  var lastSeen: Moment
  /// The last acknowledgement, and the last and the first that had a lease time of its own.
  var lastAck: Moment
  var lastTimedAck: Moment?
  var firstTimedAck: Moment?
  /// Until when the last lease time from a packet, a log or a lease file reaches; `forever` for an endless lease.
  var knownUntil: Moment?
  /// The same where the lease time is the configuration's, or that of an earlier acknowledgement of this interval.
  var assumedUntil: Moment?
  /// The longest lease time that the messages named, and the configured one.
  var longestSeconds: Int?
  var configuredSeconds: Int?
  /// `.binding`: how long it is possible after the last sighting, seconds.
  var timeout = 0
  /// `.declared`: the number of the last list of static addresses that has it.
  var list = 0
  /// Set where an observation ended it or it had run out when the next one came.
  var end: Moment?
  var endReason: EndReason?
  /// The record that ended it.
  var endPosition: RecordPosition?
  var identity: Identity
  var hostname: [UInt8]?
  var relay: [UInt8]?
  var circuitID: [UInt8]?
  var source: [UInt8]?
  /// Of the observation that began it.
  var clockIsDevice: Bool
  var difference: Int?

  /// In the place of an end for leases that have none (RFC 2131 section 3.3: all ones).
  static let forever = Moment(raw: .max)
  static let endlessSeconds = 0xffff_ffff
  /// How long a lease of unknown length stays possible after the last sign of it.
  static let unknownLease = 30 * Timestamp.day
  /// Acknowledgements this near to each other are one exchange seen by several witnesses.
  static let exchange = 2 * Timestamp.second

  init(_ basis: Basis, _ o: borrowing Observation) {
    self.basis = basis
    first = o.key
    lastSeen = o.time
    lastAck = o.time
    identity = o.identity
    clockIsDevice = o.clockIsDevice
    difference = o.difference
    take(o)
  }

  /// What the latest observation says of the device stands for the interval.
  mutating func take(_ o: borrowing Observation) {
    lastSeen = max(lastSeen, o.time)
    identity.join(o.identity)
    let detail = o.detail
    if let name = detail.hostname { hostname = name }
    if let relay = detail.relay { self.relay = relay }
    if let circuit = detail.circuitID { circuitID = circuit }
    if let source = detail.source { self.source = source }
  }

  /// Until when the lease lasts as far as is known or assumed.
  var leaseUntil: Moment? {
    guard let assumedUntil else { return knownUntil }
    guard let knownUntil else { return assumedUntil }
    return max(assumedUntil, knownUntil)
  }

  /// When it ends if nothing more is heard, and how that is called; `forever` for an endless one.
  var lapse: (at: Moment, reason: EndReason) {
    switch basis {
    case .lease:
      if let leaseUntil { return (leaseUntil, .expired) }
      return (lastSeen.adding(Self.unknownLease), .unknown)
    case .binding: return (lastSeen.adding(Int64(timeout) * Timestamp.second), .unknown)
    case .declared: return (Self.forever, .unknown)
    }
  }

  /// The end where it has one, else when it lapses.
  var possibleUntil: Moment { end ?? lapse.at }

  mutating func close(at time: Moment, _ reason: EndReason, by position: RecordPosition? = nil) {
    end = time
    endReason = reason
    endPosition = position
  }

  /// A lease time that an acknowledgement names, or none.
  mutating func acknowledge(_ o: borrowing Observation) {
    lastAck = max(lastAck, o.time)
    if let until = o.until, !o.secondsAreConfigured {
      know(until: until, o)
    } else if let seconds = o.seconds, !o.secondsAreConfigured {
      longestSeconds = max(longestSeconds ?? 0, seconds)
      know(until: Self.after(o.time, seconds), o)
    } else if let lastTimedAck, o.time.microseconds - lastTimedAck.microseconds <= Self.exchange {
      // Another witness of the exchange whose lease time is known.
    } else if let longestSeconds {
      assumedUntil = Self.after(o.time, longestSeconds)
    } else if knownUntil == nil, let seconds = o.seconds ?? configuredSeconds {
      configuredSeconds = seconds
      assumedUntil = Self.after(o.time, seconds)
    }
  }

  private mutating func know(until: Moment, _ o: borrowing Observation) {
    knownUntil = until
    lastTimedAck = o.time
    if firstTimedAck == nil { firstTimedAck = o.time }
    assumedUntil = nil
  }

  static func after(_ time: Moment, _ seconds: Int) -> Moment {
    seconds >= endlessSeconds ? forever : time.adding(Int64(seconds) * Timestamp.second)
  }
}
