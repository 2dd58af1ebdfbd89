public import Record

/// Every address that a device or user held between two times.
public struct DeviceQuestion: Sendable {
  /// A MAC, a DUID or client identifier in hexadecimal, a host name or a user.
  public var text: String
  public var from: Timestamp
  public var to: Timestamp

  public init(_ text: String, from: Timestamp, to: Timestamp) {
    self.text = text
    self.from = from
    self.to = to
  }
}

/// What a text may name.
struct DeviceName {
  var mac: MACAddress?
  /// Hexadecimal with colons, as identifiers stand in events.
  var identifier: [UInt8]?
  var folded: [UInt8]

  init(_ text: String) {
    mac = MACAddress(text)
    let digits = text.utf8.filter { $0 != 0x3a && $0 != 0x2d }
    if digits.count >= 2, digits.count.isMultiple(of: 2),
      let bytes = Hex.bytes(lowerCase: String(decoding: digits, as: UTF8.self).lowercased())
    {
      var colons: [UInt8] = []
      colons.append(hex: bytes.span, separator: 0x3a)
      identifier = colons
    }
    folded = Folding.fold(text)
  }

  var keys: [[UInt8]] {
    var keys = [NameKey.hostname(folded), NameKey.user(folded)]
    if let mac { keys.append(NameKey.mac(mac)) }
    if let identifier { keys += [NameKey.duid(identifier), NameKey.clientID(identifier)] }
    return keys
  }

  func names(_ identity: Identity) -> Bool {
    if let mac, identity.mac == mac || identity.macInDUID == mac { return true }
    guard let identifier else { return false }
    return identity.duid == identifier || identity.clientID == identifier
  }

  func names(hostname: [UInt8]?) -> Bool { hostname.map { Folding.fold($0) == folded } ?? false }
  func names(user: [UInt8]?) -> Bool { names(hostname: user) }
}

extension Questions {
  public func device(_ question: DeviceQuestion) throws -> Answers {
    var result = Answers(
      question: [
        "command": "device", "device": .string(question.text), "from": .string(question.from.description),
        "to": .string(question.to.description),
      ])
    let name = DeviceName(question.text)
    let from = Moment(question.from)
    let to = Moment(question.to)
    for (number, index) in indexes.enumerated() {
      result.gaps += try index.gaps(from: from.microseconds, to: to.microseconds).map { $0.answer(in: zone) }
      for place in try index.places(named: name.keys, before: to) {
        let all = try index.intervals(of: place.id, from: from, to: to)
        var covered: [Interval] = []
        for (interval, certainty) in zip(all, Judgement.overall(all)) where interval.start <= to {
          let users = try users(interval, place, index, number, from: max(from, interval.start), to: min(to, interval.possibleUntil))
          let isUser = users.contains { Folding.fold($0.user) == name.folded }
          guard try isUser || name.names(interval.identity) || isNamed(interval, name, place, index) else { continue }
          var answer = try answer(interval, place, index, number, at: nil)
          answer.certainty = certainty
          answer.users = users
          covered.append(interval)
          result.answers.append(answer)
        }
        result.answers += try loginsAlone(name, place, index, number, from: from, to: to, besides: covered)
      }
    }
    if indexes.count > 1 { result.answers = Self.joined(result.answers) }
    result.answers.sort { ($0.start.microseconds, $0.ip) < ($1.start.microseconds, $1.ip) }
    return result
  }

  /// Whether the device called itself so at some time of the interval, though perhaps not at its end.
  private func isNamed(_ interval: Interval, _ name: DeviceName, _ place: Index.Place, _ index: Index) throws -> Bool {
    if name.names(hostname: interval.hostname) { return true }
    var found = false
    try index.database.statement(
      """
      SELECT DISTINCT d.hostname FROM observation o JOIN detail d ON d.id = o.detail
      WHERE o.address=? AND o.track=? AND o.time>=? AND o.time<=? AND d.hostname IS NOT NULL LIMIT 100
      """
    ).bind(1, place.id).bind(2, interval.basis == .declared ? 2 : 0).bind(3, interval.start.raw).bind(4, interval.lastSeen.raw).forEach {
      row in
      found = name.names(hostname: row.bytes(0))
      return !found
    }
    guard found else { return false }
    return try index.seen(interval, place.id, from: interval.start, to: interval.lastSeen, count: EvidenceChoice.rows, newestFirst: false)
      .contains {
        name.names(hostname: $0.detail.hostname)
      }
  }

  /// Logins on addresses of which no lease or sighting is known: the login itself is what there is.
  private func loginsAlone(
    _ name: DeviceName, _ place: Index.Place, _ index: Index, _ number: Int, from: Moment, to: Moment, besides covered: [Interval]
  ) throws -> [Answer] {
    let logins = try index.logins(place.id, from: from.adding(-Interval.unknownLease), to: to)
    return logins.filter { login in
      login.touches(from, to) && (name.names(user: login.first.detail.user) || name.names(login.first.identity))
        && !covered.contains(where: { $0.start <= login.first.time && login.first.time < $0.possibleUntil })
    }.map { answer($0, place, number) }
  }

  func answer(_ login: Index.Login, _ place: Index.Place, _ number: Int) -> Answer {
    let o = login.first
    var evidence = [o.key.position, login.last.key.position]
    if let last = login.endPosition { evidence.append(last) }
    let places = Self.union(evidence.map { EvidencePlace(index: number, position: $0) }, [])
    let certainty: Certainty = login.end != nil ? .confirmed : .possible
    let start = o.time.timestamp(in: zone)
    let end = login.end?.timestamp(in: zone)
    return Answer(
      site: text(place.site), ip: place.text, mac: o.identity.mac, macSource: o.identity.macSource.map(text), duid: nil, clientID: nil,
      hostname: nil,
      relay: nil, circuitID: nil, basis: .login, start: start, lastSeen: login.last.time.timestamp(in: zone), end: end,
      endReason: login.end != nil ? .unknown : .open, certainty: certainty, clock: o.clockIsDevice ? .device : .receive,
      clockDifferenceMilliseconds: o.difference,
      users: [
        UserAnswer(
          user: text(o.detail.user ?? []), phone: o.detail.phone.map(text), method: o.detail.method.map(text), start: start, end: end,
          certainty: certainty, evidence: places)
      ], evidence: places)
  }
}
