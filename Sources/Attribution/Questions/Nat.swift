import Dialects
public import Record

/// Which internal address, device and user stood behind a public address and port.
public struct Nat: Sendable {
  public var ip: IPAddress
  /// nil where only the other end is known.
  public var port: Int?
  public var at: Timestamp
  /// How far from `at` a session may lie, microseconds.
  public var window: Int64
  /// The other end.
  public var to: (ip: IPAddress, port: Int?)?
  /// As events have it: tcp, udp, icmp, or a number.
  public var proto: String?
  /// nil asks all sites.
  public var site: String?

  public init(
    ip: IPAddress, port: Int?, at: Timestamp, window: Int64 = 60 * Timestamp.second, to: (ip: IPAddress, port: Int?)? = nil,
    proto: String? = nil, site: String? = nil
  ) {
    self.ip = ip
    self.port = port
    self.at = at
    self.window = window
    self.to = to
    self.proto = proto
    self.site = site
  }

  static func text(_ ip: IPAddress, _ port: Int?) -> String {
    guard let port else { return ip.description }
    return ip.isV4 ? "\(ip):\(port)" : "[\(ip)]:\(port)"
  }

  /// Whether a message is about what is asked, whenever it was. One that does not name the other end does not speak
  /// against it where the port is known.
  func fits(_ event: EventReading) -> Bool {
    let side = event.publicSide
    guard side.ip == ip, event.natPortLast == nil else { return false }
    if let port, side.port != port { return false }
    if let proto, let theirs = event.proto, !TransportNames.isSame(Array(proto.utf8), theirs) { return false }
    guard let to else { return true }
    guard let other = event.dst.ip else { return port != nil }
    return other == to.ip && (to.port == nil || event.dst.port == nil || event.dst.port == to.port)
  }
}

/// Transport protocols by name or number.
enum TransportNames {
  static func isSame(_ a: [UInt8], _ b: [UInt8]) -> Bool { canonical(a) == canonical(b) }

  private static func canonical(_ text: [UInt8]) -> [UInt8] {
    guard case .known(let name)? = TransportProtocol.read(text.span) else { return Folding.fold(text) }
    return Array(name.description.utf8)
  }
}

extension Questions {
  /// Messages about one public address and port that are put together at most; answers that are given at most.
  static let maximumSigns = 200_000
  static let maximumSessions = 1_000
  /// Sessions whose closes are looked for by number.
  static let maximumNumbers = 1_000

  public func nat(_ question: Nat) throws -> Answers {
    let window = max(0, min(question.window, 366 * Timestamp.day))
    var result = Answers(
      question: [
        "command": "nat", "ip": .string(question.ip.description), "port": question.port.map(JSONValue.integer) ?? .null,
        "at": .string(question.at.description), "window": .integer(Int(window / Timestamp.second)),
        "to": JSONValue(question.to.map { Nat.text($0.ip, $0.port) }), "protocol": JSONValue(question.proto),
        "site": JSONValue(question.site),
      ])
    let time = Moment(question.at)
    var gaps: [Gap] = []
    var nearest = Nearest()
    for (number, index) in indexes.enumerated() {
      let tolerance = try index.setting(at: time).tolerance
      let reach = max(window, tolerance)
      gaps += try index.gaps(from: time.microseconds - reach, to: time.microseconds + reach)
      let horizon = horizon(index)
      if time.microseconds > horizon.microseconds { gaps.append(Gap(since: horizon.microseconds, until: nil, what: "after-last-record")) }
      if let oldest = index.oldest, time < oldest { gaps.append(Gap(since: .min, until: oldest.microseconds, what: "before-first-record")) }
      var found = try sessions(question, near: time, window: window, number, &gaps)
      // Firewalls that log the translation and the session: the session tells more.
      let detailed = Dictionary(grouping: found.filter { $0.signs[0].event.dst.ip != nil }) { $0.signs[0].event.src }
      found.removeAll { session in
        session.signs[0].event.dst.ip == nil
          && detailed[session.signs[0].event.src, default: []].contains {
            $0.start <= session.possibleUntil && session.start <= $0.possibleUntil
          }
      }
      var sources: Set<IPAddress> = []
      for session in found {
        guard let certainty = session.certainty(at: time, window: window) else {
          nearest.add(.session(session), number, start: session.start, until: session.possibleUntil, time)
          continue
        }
        guard result.answers.count < Self.maximumSessions else { break }
        if let ip = session.signs[0].event.src.ip { sources.insert(ip) }
        result.answers.append(try answer(session, index, number, at: time, certainty, gaps))
      }
      guard let port = question.port else { continue }
      for block in try index.portBlocks(question.ip, port: port, near: Moment(microseconds: time.microseconds &+ window)) {
        if let site = question.site, block.site != Array(site.utf8) { continue }
        if let proto = question.proto, let theirs = block.proto, !TransportNames.isSame(Array(proto.utf8), theirs) { continue }
        guard let certainty = block.certainty(at: time, window: window) else {
          nearest.add(.block(block), number, start: block.start, until: block.end ?? Interval.forever, time)
          continue
        }
        // The session itself was logged too.
        if sources.contains(block.src) { continue }
        result.answers.append(try answer(block, index, number, at: time, certainty, gaps))
      }
    }
    var seen: Set<Gap> = []
    result.gaps = gaps.filter { seen.insert($0).inserted }.sorted { $0.since < $1.since }.map { $0.answer(in: zone) }
    result.answers.sort { a, b in a.certainty != b.certainty ? a.certainty > b.certainty : a.start.microseconds < b.start.microseconds }
    if result.answers.isEmpty {
      result.before = try nearest.before.map { try answer($0.what, indexes[$0.index], $0.index, gaps) }
      result.after = try nearest.after.map { try answer($0.what, indexes[$0.index], $0.index, gaps) }
    }
    return result
  }

  /// The messages that may be about what is asked, put together to sessions.
  private func sessions(_ question: Nat, near time: Moment, window: Int64, _ number: Int, _ gaps: inout [Gap]) throws -> [Session] {
    guard number < blocks.count else { return [] }
    let key: UInt64
    if let port = question.port {
      key = BlockKey.endpoint(question.ip, port)
    } else if let to = question.to {
      key = BlockKey.outside(to.ip)
    } else {
      return []
    }
    let reach = window + Session.maximum
    let span = Moment(microseconds: time.microseconds - reach).microseconds...Moment(microseconds: time.microseconds + reach).microseconds
    let needle = Array("\"\(question.ip)\"".utf8)
    // A message may write an address of IPv6 in several ways.
    let hint = question.ip.isV4 ? Array(question.ip.description.utf8) : nil
    let site = question.site.map { Array($0.utf8) }
    var signs: [SessionSign] = []
    try blocks[number].forEach([key], in: span, hint: hint) { position, line, _ in
      guard RecordReading.holds(needle, line), let record = try? RecordReading(line) else { return true }
      if let site, record.site ?? Array(RecordLine.defaultSite.utf8) != site { return true }
      for event in record.sessions where question.fits(event) {
        var sign = SessionSign(event, of: record, at: position)
        sign.json = line.extracting(event.range).array
        signs.append(sign)
      }
      return signs.count < Self.maximumSigns
    }
    if signs.count >= Self.maximumSigns {
      gaps.append(Gap(since: span.lowerBound, until: span.upperBound, what: "too-many-sessions"))
    }
    return Session.assemble(try withClosesByNumber(signs, near: time, number, &gaps))
  }

  /// Adds the closes that name no ends but the number of a session that is among the signs.
  private func withClosesByNumber(
    _ signs: [SessionSign], near time: Moment, _ number: Int, _ gaps: inout [Gap]
  ) throws -> [SessionSign] {
    let closed = Set(signs.filter { $0.end != nil }.map(\.tuple))
    var opens = signs.filter { $0.event.isOpenWithNumber && !closed.contains($0.tuple) }
    if opens.isEmpty { return signs }
    if opens.count > Self.maximumNumbers {
      func distance(_ sign: SessionSign) -> UInt64 {
        sign.at.microseconds.subtractingReportingOverflow(time.microseconds).partialValue.magnitude
      }
      opens.sort { distance($0) < distance($1) }
      let left = opens[Self.maximumNumbers...].map(\.at.microseconds)
      gaps.append(Gap(since: left.min() ?? .min, until: left.max(), what: "too-many-sessions"))
      opens.removeSubrange(Self.maximumNumbers...)
    }
    let keys = Set(opens.compactMap { sign in sign.event.numberKey(site: sign.site, source: sign.source) })
    let numbers = Set(opens.compactMap(\.event.session))
    var needle = Array("\"session_id\":".utf8)
    if numbers.count == 1, let only = numbers.first { needle.append(jsonString: only.span) }
    let times = opens.map(\.at.microseconds)
    let first = times.min() ?? time.microseconds
    let last = Moment(microseconds: (times.max() ?? time.microseconds) &+ Session.maximum).microseconds
    var found: [SessionNumber: [SessionSign]] = [:]
    var count = 0
    try blocks[number].forEach(Array(keys), in: first...max(first, last)) { position, line, _ in
      guard RecordReading.holds(needle, line), let record = try? RecordReading(line) else { return true }
      for event in record.sessions where event.isOpenWithNumber || event.isCloseByNumber {
        var sign = SessionSign(event, of: record, at: position)
        guard let id = event.session, let key = event.numberKey(site: sign.site, source: sign.source), keys.contains(key) else { continue }
        sign.json = line.extracting(event.range).array
        let server = (try? StrictJSON.object(sign.json.span))?["server"]?.string
        let whose = SessionNumber(
          site: sign.site, source: sign.source ?? record.sender(in: line), server: server.map { Array($0.utf8) }, number: id)
        found[whose, default: []].append(sign)
        count += 1
      }
      return count < Self.maximumSigns
    }
    if count >= Self.maximumSigns { gaps.append(Gap(since: first, until: last, what: "too-many-sessions")) }
    var joined = SessionNumbers.Joined()
    for group in found.values { SessionNumbers.join(group, into: &joined) }
    var signs = signs
    for i in signs.indices { signs[i].overBy = joined.over[signs[i].key] }
    let asked = Set(opens.map(\.key))
    return signs + joined.closes.filter { asked.contains($0.open) }.map(\.close)
  }

  // MARK: - Answers

  /// What is nearest to the time where nothing covers it.
  private struct Nearest {
    enum What {
      case session(Session)
      case block(PortBlock)
    }
    typealias Found = (what: What, index: Int, start: Moment, until: Moment)
    var before: Found?
    var after: Found?

    mutating func add(_ what: What, _ index: Int, start: Moment, until: Moment, _ time: Moment) {
      let found = (what, index, start, until)
      if until <= time {
        if before.map({ $0.until < until }) ?? true { before = found }
      } else if start >= time {
        if after.map({ start < $0.start }) ?? true { after = found }
      }
    }
  }

  private func answer(_ what: Nearest.What, _ index: Index, _ number: Int, _ gaps: [Gap]) throws -> Answer {
    switch what {
    case .session(let session):
      return try answer(session, index, number, at: session.start, session.isStartKnown ? .confirmed : .likely, gaps)
    case .block(let block): return try answer(block, index, number, at: block.start, .confirmed, gaps)
    }
  }

  private func answer(
    _ session: Session, _ index: Index, _ number: Int, at time: Moment, _ certainty: Certainty, _ gaps: [Gap]
  ) throws -> Answer {
    let first = session.signs[0]
    var members: [JSONMember] = []
    for sign in session.signs {
      guard let json = try? StrictJSON.object(sign.json.span), case .object(let theirs) = json else { continue }
      for member in theirs {
        if let i = members.firstIndex(where: { $0.name == member.name }) { members[i].value = member.value } else { members.append(member) }
      }
    }
    let isOver = session.end ?? (session.possibleUntil.microseconds <= horizon(index).microseconds ? session.possibleUntil : nil)
    let json = Self.filled(members, start: session.start.timestamp(in: zone), end: isOver?.timestamp(in: zone))
    let chosen = session.signs.count <= 6 ? session.signs : Array(session.signs.prefix(3) + session.signs.suffix(3))
    let evidence = chosen.map { EvidencePlace(index: number, position: $0.key.position) }
    let mac = session.signs.lazy.compactMap { $0.event.mac }.first
    let user = session.signs.lazy.compactMap { $0.event.user }.first { !$0.isEmpty }
    return try answer(
      Held(
        site: first.site, src: first.event.src.ip ?? first.event.publicSide.ip, start: session.start, last: session.last, end: isOver,
        isUnheard: session.end == nil, mac: mac, user: user, clockIsDevice: first.clockIsDevice, difference: first.difference),
      json, evidence, index, number, at: time, certainty, gaps)
  }

  private func answer(
    _ block: PortBlock, _ index: Index, _ number: Int, at time: Moment, _ certainty: Certainty, _ gaps: [Gap]
  ) throws -> Answer {
    var members: [JSONMember] = []
    var mac: MACAddress?
    var user: [UInt8]?
    var clock = (isDevice: false, difference: Int?.none)
    if number < blocks.count, let first = block.positions.first, let line = try blocks[number].record(first.position),
      let record = try? RecordReading(line.span), let event = record.sessions.first(where: { $0.number == first.number })
    {
      if case .object(let theirs)? = try? StrictJSON.object(line.span.extracting(event.range)) { members = theirs }
      (mac, user) = (event.mac, event.user)
      let sign = SessionSign(event, of: record, at: first.position)
      clock = (sign.clockIsDevice, sign.difference)
    } else {
      // Its record was deleted; the index still knows it.
      members = [
        .init("kind", "session"), .init("action", "allocate"), .init("src_ip", .string(block.src.description)),
        .init("nat_ip", .string(block.natIP.description)), .init("nat_port", .integer(block.ports.lowerBound)),
        .init("nat_port_last", .integer(block.ports.upperBound)),
      ]
    }
    let json = Self.filled(members, start: block.start.timestamp(in: zone), end: block.end?.timestamp(in: zone))
    return try answer(
      Held(
        site: block.site, src: block.src, start: block.start, last: block.last, end: block.end, isUnheard: block.end == nil, mac: mac,
        user: user,
        clockIsDevice: clock.isDevice, difference: clock.difference),
      json, block.positions.map { EvidencePlace(index: number, position: $0.position) }, index, number, at: time, certainty, gaps)
  }

  /// The event's members with `start` and `end` filled in, in their place.
  private static func filled(_ members: [JSONMember], start: Timestamp, end: Timestamp?) -> JSONValue {
    var out = members.filter { $0.name != "start" && $0.name != "end" }
    let behind = out.firstIndex { ["duration", "bytes_out", "bytes_in", "clock", "dialect", "time"].contains($0.name) } ?? out.count
    out.insert(contentsOf: [.init("start", .string(start.description)), .init("end", JSONValue(end?.description))], at: behind)
    return .object(out)
  }

  /// A session or block of ports, as far as its holder is looked for.
  private struct Held {
    var site: [UInt8]
    var src: IPAddress?
    var start: Moment
    var last: Moment
    var end: Moment?
    /// No message says that it ended.
    var isUnheard: Bool
    var mac: MACAddress?
    var user: [UInt8]?
    var clockIsDevice: Bool
    var difference: Int?
  }

  /// Who held the internal address over the time of a session: one answer. Where several may have, the surest, the one with
  /// the session's own MAC first, and no more than `possible`.
  private func answer(
    _ held: Held, _ session: JSONValue, _ evidence: [EvidencePlace], _ index: Index, _ number: Int, at time: Moment, _ certainty: Certainty,
    _ gaps: [Gap]
  ) throws -> Answer {
    let until = held.end ?? max(held.last, time)
    let moment = min(max(time, held.start), max(until, held.start))
    var answer: Answer
    if let src = held.src, let holder = try holder(of: src, held, until: until, at: moment, index, number) {
      answer = holder
      answer.certainty = min(certainty, holder.certainty)
    } else {
      let user = held.user.map(text)
      answer = Answer(
        site: text(held.site), ip: held.src?.description ?? "", mac: held.mac, macSource: held.mac == nil ? nil : "log", duid: nil,
        clientID: nil, hostname: nil, relay: nil, circuitID: nil, basis: held.mac != nil ? .binding : user != nil ? .login : nil,
        start: held.start.timestamp(in: zone), lastSeen: held.last.timestamp(in: zone), end: held.end?.timestamp(in: zone),
        endReason: held.end == nil ? .open : .unknown, certainty: held.mac != nil || user != nil ? certainty : .possible,
        clock: held.clockIsDevice ? .device : .receive, clockDifferenceMilliseconds: held.difference)
    }
    // The firewall knows the user by itself.
    if let user = held.user.map(text), !answer.users.contains(where: { Folding.fold($0.user) == Folding.fold(user) }) {
      answer.users.append(
        UserAnswer(
          user: user, phone: nil, method: nil, start: held.start.timestamp(in: zone), end: held.end?.timestamp(in: zone),
          certainty: certainty, evidence: evidence))
    }
    answer.session = session
    answer.evidence = Self.union(evidence, answer.evidence)
    return answer
  }

  private func holder(of src: IPAddress, _ held: Held, until: Moment, at moment: Moment, _ index: Index, _ number: Int) throws -> Answer? {
    var question = Who(ip: src, at: moment.timestamp(in: zone), site: text(held.site))
    question.window = max(0, until.microseconds - held.start.microseconds)
    var one = self
    one.indexes = [index]
    let found = try one.who(question).answers.map { answer in
      var answer = answer
      answer.evidence = answer.evidence.map { EvidencePlace(index: number, position: $0.position) }
      for i in answer.users.indices {
        answer.users[i].evidence = answer.users[i].evidence.map { EvidencePlace(index: number, position: $0.position) }
      }
      return answer
    }
    if var best = found.first(where: { held.mac != nil && $0.mac == held.mac }) ?? found.first {
      if found.count > 1, found.contains(where: { $0.certainty == best.certainty && $0.mac != best.mac && $0.basis != .declared }) {
        best.certainty = .possible
      }
      // The session reaches beyond what is known of the holder.
      let tolerance = try index.setting(at: moment).tolerance
      if best.start.microseconds > held.start.microseconds + tolerance
        || (best.end?.microseconds ?? .max) < min(until.microseconds, held.last.microseconds) - tolerance
      {
        best.certainty = min(best.certainty, .likely)
      }
      return best
    }
    // Nobody at that moment, but perhaps at another of the session.
    for other in [held.start, until] where other != moment {
      question.at = other.timestamp(in: zone)
      if var best = try one.who(question).answers.first {
        best.certainty = .possible
        best.evidence = best.evidence.map { EvidencePlace(index: number, position: $0.position) }
        return best
      }
    }
    return nil
  }
}
