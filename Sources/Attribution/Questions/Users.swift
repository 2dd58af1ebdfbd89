import Record

// Which logins belong to whom.

extension Questions {
  /// Who was logged in on an interval's device, at some moment from one time to another.
  func users(_ interval: Interval, _ place: Index.Place, _ index: Index, _ number: Int, from: Moment, to: Moment) throws -> [UserAnswer] {
    // Also those that were over by then: what ended on the address is not begun again by what only the device tells.
    var logins = try index.logins(of: place, from: from.adding(-Login.timeout), to: to).compactMap {
      try belonging($0, to: interval, place, index)
    }
    if let mac = interval.identity.mac {
      logins = Self.joined(logins, try index.logins(ofDevice: mac, site: place.site, from: from, to: to))
    }
    let over = ending(interval, index, at: nil).0
    return logins.filter { $0.touches(from, to) }.sorted { $0.first.key < $1.first.key }.map {
      user($0, index, number, from: from, intervalEnd: over)
    }
  }

  /// The login where it is one of the interval's device: begun while the device had the address, or by the same device.
  /// A login that names no device and is older than the lease is the lease's where nobody else had the address between:
  /// then the beginning of the lease went unseen.
  private func belonging(_ login: Login, to interval: Interval, _ place: Index.Place, _ index: Index) throws -> Login? {
    let isDevice = login.identity.isEmpty ? nil : interval.identity.matches(login.identity)
    if isDevice == false { return nil }
    let time = login.first.time.microseconds
    guard time < interval.possibleUntil.microseconds else { return nil }
    if time >= interval.start.microseconds - Interval.exchange || isDevice == true { return login }
    let between = try index.intervals(of: place.id, from: login.first.time, to: interval.start)
    guard !between.contains(where: { $0.first < interval.first && $0.possibleUntil.microseconds > time }) else { return nil }
    var login = login
    login.isSure = false
    return login
  }

  /// Logins of an address and those of its device, where both tell of one user as one.
  private static func joined(_ ofAddress: [Login], _ ofDevice: [Login]) -> [Login] {
    var result = ofAddress
    for login in ofDevice {
      let same = result.indices.filter {
        result[$0].isUser(login.first) && login.first.time < result[$0].possibleUntil && result[$0].first.time < login.possibleUntil
      }
      guard let first = same.first, let last = same.last else {
        result.append(login)
        continue
      }
      if login.last.time > result[last].possibleUntil {
        var again = login
        again.first = login.last
        result.append(again)
      }
      if login.first.key < result[first].first.key { result[first].first = login.first }
      if result[last].end == nil, login.last.key > result[last].last.key { result[last].last = login.last }
      if result[last].reason != .logout, login.reason == .logout, let end = login.end, end > result[last].last.time {
        result[last].close(at: end, .logout, by: login.endPosition)
      }
    }
    return result
  }

  /// - Parameter intervalEnd: with the interval the login is over too.
  func user(_ login: Login, _ index: Index, _ number: Int, from: Moment, intervalEnd: Moment?) -> UserAnswer {
    let end = end(login, index, intervalEnd: intervalEnd)
    let isProven = from.microseconds <= login.last.time.microseconds || login.reason == .logout
    return UserAnswer(
      user: text(login.user ?? []), phone: (login.first.detail.phone ?? login.last.detail.phone).map(text),
      method: (login.first.detail.method ?? login.last.detail.method).map(text),
      outerIP: (login.first.detail.outerIP ?? login.last.detail.outerIP)?.description,
      start: login.first.time.timestamp(in: zone), end: end?.timestamp(in: zone),
      certainty: !login.isSure ? .possible : isProven ? .confirmed : .likely, evidence: evidence(login, number))
  }

  /// When a login ended; nil while it may still last.
  private func end(_ login: Login, _ index: Index, intervalEnd: Moment?) -> Moment? {
    let own = login.end ?? (login.possibleUntil.microseconds <= horizon(index).microseconds ? login.possibleUntil : nil)
    guard let intervalEnd else { return own }
    return own.map { min($0, intervalEnd) } ?? intervalEnd
  }

  func evidence(_ login: Login, _ number: Int) -> [EvidencePlace] {
    let positions = [login.first.key.position, login.last.key.position] + (login.endPosition.map { [$0] } ?? [])
    return Self.union(positions.map { EvidencePlace(index: number, position: $0) }, [])
  }

  // MARK: Logins alone

  /// Logins on an address that are of no interval: no lease and no sighting is known, or of another device only. The login
  /// itself is what there is.
  func loginsAlone(_ place: Index.Place, _ index: Index, from: Moment, to: Moment) throws -> [Login] {
    try index.logins(of: place, from: from, to: to).filter { login in
      guard login.touches(from, to) else { return false }
      for interval in try index.intervals(of: place.id, from: login.first.time, to: to) {
        guard try belonging(login, to: interval, place, index) != nil else { continue }
        // Over with its interval, unless it was heard of later.
        if login.last.time.microseconds <= interval.possibleUntil.microseconds { return false }
      }
      return true
    }
  }

  func answer(_ login: Login, _ place: Index.Place, _ index: Index, _ number: Int, from: Moment) -> Answer {
    let user = user(login, index, number, from: from, intervalEnd: nil)
    let o = login.first
    let mac = login.identity.mac
    return Answer(
      site: text(place.site), ip: place.text, mac: mac, macSource: mac == nil ? nil : login.identity.macSource.map(text), duid: nil,
      clientID: nil, hostname: (o.detail.hostname ?? login.last.detail.hostname).map(text), relay: nil, circuitID: nil, basis: .login,
      start: user.start, lastSeen: login.last.time.timestamp(in: zone), end: user.end,
      endReason: user.end == nil ? .open : login.reason == .logout ? .released : login.reason == .next ? .superseded : .unknown,
      certainty: from.microseconds <= login.last.time.microseconds || login.reason == .logout ? .confirmed : .possible,
      clock: o.clockIsDevice ? .device : .receive, clockDifferenceMilliseconds: o.difference, users: [user], evidence: user.evidence)
  }
}
