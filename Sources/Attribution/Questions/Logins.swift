import Record

/// Somebody logged in: from the first sign until the logout, until the next login there, or until nothing is known of it
/// any more.
struct Login: Hashable {
  enum End: Sendable {
    case logout
    /// Somebody else logged in there, or the same user again in another session.
    case next
    case timeout
  }

  var first: Observation
  var last: Observation
  /// nil where nothing ended it yet; then it lasts until `possibleUntil`.
  var end: Moment?
  var reason: End?
  var endPosition: RecordPosition?
  /// Whether it is known that its device had the address: a login before the lease, or of another device, is less sure.
  var isSure = true

  /// How long after its last sign a login counts without a logout. A day: ticket renewals of a domain, interim updates of
  /// access servers and captive portals come more often.
  static let timeout = Timestamp.day

  init(_ o: Observation) {
    first = o
    last = o
  }

  var possibleUntil: Moment { end ?? last.time.adding(Self.timeout) }
  var user: [UInt8]? { first.detail.user ?? last.detail.user }
  var identity: Identity { first.identity.isEmpty ? last.identity : first.identity }

  func touches(_ from: Moment, _ to: Moment) -> Bool {
    first.time.microseconds <= to.microseconds && possibleUntil.microseconds > from.microseconds
  }

  /// Whether an observation is of this login.
  func isSame(_ o: Observation) -> Bool {
    if let mine = first.detail.session ?? last.detail.session, let theirs = o.detail.session { return mine == theirs && isUser(o) }
    return isUser(o)
  }

  func isUser(_ o: Observation) -> Bool {
    guard let user, let theirs = o.detail.user else { return true }
    return Folding.fold(user) == Folding.fold(theirs)
  }

  mutating func close(at time: Moment, _ reason: End, by position: RecordPosition? = nil) {
    end = time
    self.reason = reason
    endPosition = position
  }

  static func == (a: Login, b: Login) -> Bool { a.first.key == b.first.key && a.last.key == b.last.key && a.end == b.end }
  func hash(into hasher: inout Hasher) { hasher.combine(first.key) }

  /// The logins of one place, from its observations in the order of time.
  static func read(_ observations: [Observation]) -> [Login] {
    var found: [Login] = []
    var open: Login?
    func close(at time: Moment, _ reason: End, by position: RecordPosition?) {
      guard var login = open else { return }
      login.close(at: time, reason, by: position)
      found.append(login)
      open = nil
    }
    for o in observations {
      if let login = open, login.possibleUntil.microseconds < o.time.microseconds { close(at: login.possibleUntil, .timeout, by: nil) }
      if open?.isSame(o) == true {
        open?.last = o
        if o.action == .loginStop { close(at: o.time, .logout, by: o.key.position) }
      } else if o.action != .loginStop {
        // What comes late of a session that is over does not begin it again.
        if let over = found.last, open == nil, o.action == .loginUpdate, over.reason == .logout, let session = o.detail.session,
          session == over.first.detail.session
        {
          continue
        }
        close(at: o.time, .next, by: o.key.position)
        open = Login(o)
      }
    }
    if let open { found.append(open) }
    return found.filter { $0.user != nil }
  }
}

extension Index {
  /// Observations that are read at most for the logins of one place.
  private static let before = 1000
  private static let after = 100

  /// Logins of a place that touch the time from one moment to another or are near to it, in order.
  private func near(_ place: Int, from: Moment, to: Moment) throws -> [Login] {
    let order = "o.time DESC, o.position DESC, o.number DESC"
    let earlier = try observations(
      "\(Observation.joined) WHERE o.address=? AND o.track=1 AND o.time>=? AND o.time<=? ORDER BY \(order) LIMIT \(Self.before)"
    ) { $0.bind(1, place).bind(2, from.adding(-30 * Login.timeout).raw & ~7).bind(3, to.raw | 7) }
    let later = try observations(
      "\(Observation.joined) WHERE o.address=? AND o.track=1 AND o.time>? ORDER BY o.time, o.position, o.number LIMIT \(Self.after)"
    ) { $0.bind(1, place).bind(2, to.raw | 7) }
    return Login.read(earlier.reversed() + later)
  }

  /// The place under which logins without an address are kept.
  func place(_ login: LoginPlace, site: [UInt8]) throws -> Int? {
    var found: Int?
    try database.statement("SELECT a.id FROM address a JOIN site s ON s.id = a.site WHERE a.ip=? AND a.length=? AND s.name=?")
      .bind(1, login.value.bytes).bind(2, login.length).bind(3, site).forEach { row in
        found = row.int(0)
        return false
      }
    return found
  }

  /// Logouts of a place between two times, the earliest first.
  private func logouts(_ place: LoginPlace, site: [UInt8], from: Moment, to: Moment) throws -> [Observation] {
    guard let id = try self.place(place, site: site) else { return [] }
    return try observations(
      "\(Observation.joined) WHERE o.address=? AND o.track=1 AND o.time>=? AND o.time<=? ORDER BY o.time, o.position, o.number LIMIT \(Self.after)"
    ) { $0.bind(1, id).bind(2, from.raw & ~7).bind(3, to.raw | 7) }.filter { $0.action == .loginStop }
  }

  /// Ends logins by logouts that name no address: by where the user came from, by the user alone, or by an access server
  /// that ends all of its logins.
  func ended(_ logins: [Login], of place: Int, site: [UInt8]) throws -> [Login] {
    try logins.map { login in
      guard login.reason != .logout else { return login }
      let until = login.possibleUntil
      var stops: [Observation] = []
      if let outer = login.first.detail.outerIP { stops += try logouts(.outer(outer), site: site, from: login.last.time, to: until) }
      if let mac = login.identity.mac { stops += try logouts(.mac(mac), site: site, from: login.last.time, to: until) }
      if let nas = login.first.detail.nas { stops += try logouts(.nas(nas), site: site, from: login.last.time, to: until) }
      if let user = login.user, !user.isEmpty {
        stops += try logouts(.user(Folding.fold(user)), site: site, from: login.last.time, to: until).filter {
          try $0.detail.source == login.first.detail.source && !isElsewhere(user, besides: place, site: site, at: $0)
        }
      }
      let fitting = stops.filter { stop in
        guard login.first.key < stop.key,
          stop.detail.nas == nil || login.first.detail.nas == nil || stop.detail.nas == login.first.detail.nas
        else { return false }
        // An access server's word about all of its logins has a session of its own, or none.
        return stop.detail.user == nil && stop.identity.isEmpty && stop.detail.outerIP == nil || login.isSame(stop)
      }
      guard let stop = fitting.min(by: { $0.key < $1.key }) else { return login }
      var login = login
      login.close(at: stop.time, .logout, by: stop.key.position)
      return login
    }
  }

  /// Whether the user was logged in on another address too, by the same source, when a logout named nothing but the user:
  /// then it does not say which of them ended.
  private func isElsewhere(_ user: [UInt8], besides place: Int, site: [UInt8], at stop: Observation) throws -> Bool {
    let others = try places(named: [NameKey.user(user)], before: stop.time).filter {
      $0.id != place && $0.site == site && $0.length <= LoginPlace.greatestPrefix
    }
    return try others.prefix(50).contains { other in
      try near(other.id, from: stop.time, to: stop.time).contains {
        $0.touches(stop.time, stop.time) && $0.isUser(stop) && $0.first.detail.source == stop.detail.source
      }
    }
  }

  /// Logins of an address that touch a span, with what is known of them elsewhere.
  func logins(of place: Place, from: Moment, to: Moment) throws -> [Login] {
    var logins = try near(place.id, from: from, to: to)
    for i in logins.indices {
      // The first sign of a session may have come before its address was known.
      guard let session = logins[i].first.detail.session, let mac = logins[i].identity.mac,
        let id = try self.place(.mac(mac), site: place.site)
      else { continue }
      let before = try near(id, from: logins[i].first.time.adding(-Login.timeout), to: logins[i].first.time)
      let earlier = before.last {
        $0.first.detail.session == session && $0.isUser(logins[i].first) && $0.first.key < logins[i].first.key
      }
      if let earlier { logins[i].first = earlier.first }
    }
    return try ended(logins.filter { $0.touches(from, to) }, of: place.id, site: place.site)
  }

  /// Logins of a device by its MAC alone that touch a span.
  func logins(ofDevice mac: MACAddress, site: [UInt8], from: Moment, to: Moment) throws -> [Login] {
    guard let id = try place(.mac(mac), site: site) else { return [] }
    return try ended(near(id, from: from, to: to).filter { $0.touches(from, to) }, of: id, site: site)
  }
}
