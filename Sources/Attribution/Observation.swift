import Record

/// What one event says about one address: the input of everything in this target.
struct Observation: Sendable {
  enum Action: Int, Sendable {
    /// An acknowledged lease, new or renewed.
    case acknowledged = 0
    case released, declined, expired
    /// Seen with a device, without a lease.
    case seen
    /// Named in the configuration's list of static addresses.
    case declared
    case loginStart, loginUpdate, loginStop

    var track: Track {
      switch self {
      case .loginStart, .loginUpdate, .loginStop: .login
      case .declared: .declared
      default: .address
      }
    }
  }

  /// Observations of one track are read together.
  enum Track: Int, Sendable {
    case address = 0
    case login, declared
  }

  /// Sorts the observations of an address: by time, then as the archive has them.
  struct Key: Hashable, Comparable, Sendable {
    var time: Moment
    var position: RecordPosition
    /// Which of the record's events.
    var number: Int

    static func < (a: Key, b: Key) -> Bool {
      if a.time != b.time { return a.time < b.time }
      if a.position != b.position { return a.position < b.position }
      return a.number < b.number
    }
  }

  /// `time` is the record's, or the event's own where the device's clock is to be believed.
  var key: Key
  var action: Action
  /// The event's own time counts, not the record's.
  var clockIsDevice = false
  /// What the device's clock said less the collector's, milliseconds, where both are known.
  var difference: Int?
  /// Lease seconds; for `.seen` the binding timeout then in force; for `.declared` the number of the list it stands in.
  var seconds: Int?
  /// The lease time was not in the message but in the configuration.
  var secondsAreConfigured = false
  /// Absolute end of the lease (lease files); for `.declared` when the list was recorded.
  var until: Moment?
  var identity = Identity()
  var detail = Detail()

  var time: Moment { key.time }

  /// In the place of the number of a list, for addresses whose declaration was imported.
  static let importedList = -1
}

/// What an event says besides: kept once for as long as it stays the same.
struct Detail: Hashable, Sendable {
  var hostname: [UInt8]?
  var relay: [UInt8]?
  var circuitID: [UInt8]?
  /// The configured name of the source.
  var source: [UInt8]?
  var user: [UInt8]?
  var phone: [UInt8]?
  var method: [UInt8]?
  var session: [UInt8]?
  /// The access server of a login.
  var nas: [UInt8]?
  /// From where a VPN's user came.
  var outerIP: IPAddress?
}

/// An address, or a delegated prefix, in an address space.
struct AddressKey: Hashable, Sendable {
  var site: Int
  var ip: IPAddress
  /// 128 for a lone address; a prefix's length counts from the first of 128 bits also for IPv4.
  var length: Int
}

extension Observation.Action {
  var kind: EventKind {
    switch self {
    case .acknowledged, .released, .declined, .expired: .lease
    case .seen, .declared: .binding
    case .loginStart, .loginUpdate, .loginStop: .login
    }
  }
}
