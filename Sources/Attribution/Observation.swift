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
  var detail = Detail.nothing

  var time: Moment { key.time }

  /// In the place of the number of a list, for addresses whose declaration was imported.
  static let importedList = -1
}

/// What an event says besides: kept once for as long as it stays the same. An object, since observations are moved about
/// by the thousand.
final class Detail: Equatable, Sendable {
  let hostname: [UInt8]?
  let relay: [UInt8]?
  let circuitID: [UInt8]?
  /// The configured name of the source.
  let source: [UInt8]?
  let user: [UInt8]?
  let phone: [UInt8]?
  let method: [UInt8]?
  let session: [UInt8]?
  /// The access server of a login.
  let nas: [UInt8]?
  /// From where a VPN's user came.
  let outerIP: IPAddress?

  static let nothing = Detail()

  init(
    hostname: [UInt8]? = nil, relay: [UInt8]? = nil, circuitID: [UInt8]? = nil, source: [UInt8]? = nil, user: [UInt8]? = nil,
    phone: [UInt8]? = nil, method: [UInt8]? = nil, session: [UInt8]? = nil, nas: [UInt8]? = nil, outerIP: IPAddress? = nil
  ) {
    self.hostname = hostname
    self.relay = relay
    self.circuitID = circuitID
    self.source = source
    self.user = user
    self.phone = phone
    self.method = method
    self.session = session
    self.nas = nas
    self.outerIP = outerIP
  }

  static func == (a: Detail, b: Detail) -> Bool {
    a === b
      || a.hostname == b.hostname && a.relay == b.relay && a.circuitID == b.circuitID && a.source == b.source && a.user == b.user
        && a.phone == b.phone && a.method == b.method && a.session == b.session && a.nas == b.nas && a.outerIP == b.outerIP
  }
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
