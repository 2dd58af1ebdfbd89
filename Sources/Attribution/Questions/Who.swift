public import Record

/// Which device and user held this internal address then.
public struct Who: Sendable {
  public var ip: IPAddress
  public var at: Timestamp
  /// How near to `at` changes of holder and gaps are looked for, microseconds.
  public var window: Int64
  /// nil asks all sites.
  public var site: String?

  public init(ip: IPAddress, at: Timestamp, window: Int64 = 5 * Timestamp.minute, site: String? = nil) {
    self.ip = ip
    self.at = at
    self.window = window
    self.site = site
  }
}

extension Questions {
  public func who(_ question: Who) throws -> Answers {
    var result = Answers(
      question: [
        "command": "who", "ip": .string(question.ip.description), "at": .string(question.at.description),
        "window": .integer(Int(question.window / Timestamp.second)), "site": JSONValue(question.site),
      ])
    let time = Moment(question.at)
    var gaps: [Gap] = []
    var neighbours: [(index: Int, place: Index.Place, before: Interval?, after: Interval?)] = []
    for (number, index) in indexes.enumerated() {
      let setting = try index.setting(at: time)
      let judgement = Judgement(time: time, window: max(0, min(question.window, 366 * Timestamp.day)), tolerance: setting.tolerance)
      let around = try index.gaps(
        from: time.microseconds - max(judgement.window, setting.tolerance), to: time.microseconds + max(judgement.window, setting.tolerance)
      )
      gaps += around.filter { $0.touches(time.microseconds - setting.tolerance, time.microseconds + setting.tolerance) }
      var anybody = false
      for place in try index.places(of: question.ip, site: question.site) {
        let answers = try holders(place, at: time, index, number, judgement, around, &gaps)
        anybody = anybody || !answers.isEmpty
        result.answers += answers.map { answer in
          var answer = answer
          if place.length < 128 {
            answer.prefix = answer.ip
            answer.ip = question.ip.description
          }
          return answer
        }
        let near = try index.neighbours(of: place.id, at: time)
        neighbours.append((number, place, near.before, near.after))
      }
      if !anybody { gaps += around }
      gaps += unwatched(index, at: time, anybody: anybody)
    }
    var seen: Set<Gap> = []
    result.gaps = gaps.filter { seen.insert($0).inserted }.sorted { $0.since < $1.since }.map { $0.answer(in: zone) }
    if indexes.count > 1 { result.answers = Self.joined(result.answers) }
    guard result.answers.isEmpty else { return result }
    if let n = neighbours.filter({ $0.before != nil }).max(by: { end($0.before) < end($1.before) }), let interval = n.before {
      result.before = try answer(interval, n.place, indexes[n.index], n.index, at: time)
    }
    if let n = neighbours.filter({ $0.after != nil }).min(by: { start($0.after) < start($1.after) }), let interval = n.after {
      result.after = try answer(interval, n.place, indexes[n.index], n.index, at: time)
    }
    return result
  }

  private func end(_ interval: Interval?) -> Moment { interval?.possibleUntil ?? Moment(raw: .min) }
  private func start(_ interval: Interval?) -> Moment { interval?.start ?? Interval.forever }

  /// Before an index's first record nobody listened, and of a folder nobody knows what came behind its last.
  private func unwatched(_ index: Index, at time: Moment, anybody: Bool) -> [Gap] {
    var found: [Gap] = []
    if !anybody, let oldest = index.oldest, time < oldest {
      found.append(Gap(since: .min, until: oldest.microseconds, what: "before-first-record"))
    }
    let horizon = horizon(index)
    if time.microseconds > horizon.microseconds { found.append(Gap(since: horizon.microseconds, until: nil, what: "after-last-record")) }
    return found
  }

  /// Who held a place at a time, the surest first.
  private func holders(
    _ place: Index.Place, at time: Moment, _ index: Index, _ number: Int, _ judgement: Judgement, _ around: [Gap], _ gaps: inout [Gap]
  ) throws -> [Answer] {
    var candidates: [Judgement.Candidate] = []
    var claims = try index.intervals(of: place.id, from: time, to: time)
    // More devices than anybody looks through: an attack. Those seen last stand for all.
    if claims.count > Timeline.maximumClaims {
      claims = Array(claims.sorted { $0.lastSeen > $1.lastSeen }.prefix(Timeline.maximumClaims)).sorted { $0.first < $1.first }
    }
    for interval in claims
    where interval.start.microseconds <= time.microseconds && time.microseconds < interval.possibleUntil.microseconds {
      candidates.append(.init(interval: interval, near: try index.nearby(interval, place.id, at: time)))
    }
    var answers: [(answer: Answer, identity: Identity)] = []
    for candidate in candidates {
      var lowered: [Gap] = []
      let certainty = judgement.certainty(candidate, among: candidates, gaps: around) { lowered.append($0) }
      gaps += lowered
      var answer = try answer(candidate.interval, place, index, number, at: time, near: candidate.near)
      answer.certainty = certainty
      answer.users = try users(candidate.interval, place, index, number, from: time, to: time)
      if let nearest = candidate.near.before.first?.difference { answer.clockDifferenceMilliseconds = nearest }
      // What else is known of the same device supports the surest answer about it: a lease before a sighting.
      if let i = answers.firstIndex(where: { $0.identity.matches(candidate.interval.identity) == true }) {
        let kept = answers[i].answer
        let better = certainty > kept.certainty || certainty == kept.certainty && Self.rank(answer) < Self.rank(kept)
        answers[i].answer = better ? answer : kept
        answers[i].answer.evidence = Self.union(kept.evidence, answer.evidence)
        answers[i].answer.hostname = (better ? answer : kept).hostname ?? (better ? kept : answer).hostname
      } else {
        answers.append((answer, candidate.interval.identity))
      }
    }
    // Somebody is logged in of whom no lease or sighting is known, or on another device than that of the lease.
    for login in try loginsAlone(place, index, from: time, to: time) {
      let isOther = answers.contains { $0.identity.matches(login.identity) == false && $0.answer.basis != .declared }
      var answer = answer(login, place, index, number, from: time)
      if isOther {
        answer.certainty = .possible
        for i in answers.indices where answers[i].identity.matches(login.identity) == false { answers[i].answer.certainty = .possible }
      }
      answers.append((answer, login.identity))
    }
    return answers.map(\.answer).sorted { $0.certainty > $1.certainty || $0.certainty == $1.certainty && Self.rank($0) < Self.rank($1) }
  }

  private static func rank(_ answer: Answer) -> Int {
    switch answer.basis {
    case .lease: 0
    case .binding: 1
    case .login: 2
    case .declared: 3
    case nil: 4
    }
  }

  static func union(_ a: [EvidencePlace], _ b: [EvidencePlace]) -> [EvidencePlace] {
    var seen: Set<EvidencePlace> = []
    return (a + b).filter { seen.insert($0).inserted }.sorted { ($0.index, $0.position) < ($1.index, $1.position) }
  }

  /// Two collectors that say the same of the same device give one answer with the evidence of both.
  static func joined(_ answers: [Answer]) -> [Answer] {
    var result: [Answer] = []
    for answer in answers {
      if let i = result.firstIndex(where: { other in
        other.site == answer.site && other.ip == answer.ip && other.prefix == answer.prefix && other.basis == answer.basis
          && other.mac == answer.mac && other.duid == answer.duid && other.clientID == answer.clientID
          && other.evidence.first?.index != answer.evidence.first?.index && other.start.microseconds < (answer.end?.microseconds ?? .max)
          && answer.start.microseconds < (other.end?.microseconds ?? .max)
      }) {
        let evidence = union(result[i].evidence, answer.evidence)
        var surest = answer.certainty > result[i].certainty ? answer : result[i]
        surest.start = answer.start.microseconds < result[i].start.microseconds ? answer.start : result[i].start
        surest.lastSeen = answer.lastSeen.microseconds > result[i].lastSeen.microseconds ? answer.lastSeen : result[i].lastSeen
        surest.evidence = evidence
        result[i] = surest
      } else {
        result.append(answer)
      }
    }
    return result
  }
}
