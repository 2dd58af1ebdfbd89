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
  func names(_ login: Login) -> Bool {
    names(user: login.user) || names(user: login.first.detail.phone) || names(user: login.last.detail.phone) || names(login.identity)
  }
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
      var seen: Set<Int> = []
      let places = try index.places(named: name.keys, before: to).flatMap { try addresses($0, name, index, from: from, to: to) }
      for place in places where seen.insert(place.id).inserted {
        let all = try index.intervals(of: place.id, from: from, to: to)
        for (interval, certainty) in zip(all, Judgement.overall(all)) where interval.start <= to {
          let users = try users(interval, place, index, number, from: max(from, interval.start), to: min(to, interval.possibleUntil))
          let isUser = users.contains { Folding.fold($0.user) == name.folded || $0.phone.map { Folding.fold($0) == name.folded } ?? false }
          guard try isUser || name.names(interval.identity) || isNamed(interval, name, place, index) else { continue }
          var answer = try answer(interval, place, index, number, at: nil)
          answer.certainty = certainty
          answer.users = users
          result.answers.append(answer)
        }
        for login in try loginsAlone(place, index, from: from, to: to) where name.names(login) {
          result.answers.append(answer(login, place, index, number, from: max(from, login.first.time)))
        }
      }
    }
    if indexes.count > 1 { result.answers = Self.joined(result.answers) }
    result.answers.sort { ($0.start.microseconds, $0.ip) < ($1.start.microseconds, $1.ip) }
    return result
  }

  /// The addresses that a place is about: itself, or those that a device had whose user logged in by its MAC alone.
  private func addresses(_ place: Index.Place, _ name: DeviceName, _ index: Index, from: Moment, to: Moment) throws -> [Index.Place] {
    if place.length <= LoginPlace.greatestPrefix { return [place] }
    guard place.length == LoginPlace.macLength,
      case let mac = MACAddress(value: UInt64(truncatingIfNeeded: place.ip.value)),
      try index.logins(ofDevice: mac, site: place.site, from: from, to: to).contains(where: {
        name.names($0)
      })
    else { return [] }
    return try index.places(named: [NameKey.mac(mac)], before: to).filter {
      $0.site == place.site && $0.length <= LoginPlace.greatestPrefix
    }
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
}
