public import Record

public enum Certainty: String, Sendable, Comparable {
  case possible, likely, confirmed

  private var rank: Int { self == .confirmed ? 2 : self == .likely ? 1 : 0 }
  public static func < (a: Certainty, b: Certainty) -> Bool { a.rank < b.rank }
}

/// A record that an answer rests on.
public struct EvidencePlace: Hashable, Sendable {
  /// Which of the indexes that were asked.
  public var index: Int
  public var position: RecordPosition
  public var day: CalendarDay { position.day }
  public var record: Int { position.record }
}

/// Who was logged in on an address.
public struct UserAnswer: Hashable, Sendable {
  public var user: String
  public var phone: String?
  public var method: String?
  /// From where a VPN's user came.
  public var outerIP: String?
  public var start: Timestamp
  public var end: Timestamp?
  public var certainty: Certainty
  public var evidence: [EvidencePlace]
}

/// One holder of one address: the answer shape of design section 7.
public struct Answer: Hashable, Sendable {
  public enum Basis: String, Sendable { case lease, binding, login, declared }
  public enum EndReason: String, Sendable { case released, expired, superseded, declined, unknown, open }
  public enum Clock: String, Sendable { case receive, device }

  public var site: String
  /// As asked for, else the address of the interval; a delegated prefix with its length.
  public var ip: String
  /// The delegated prefix in which the address lies.
  public var prefix: String?
  public var mac: MACAddress?
  public var macSource: String?
  public var duid: String?
  public var clientID: String?
  public var hostname: String?
  public var relay: String?
  public var circuitID: String?
  /// nil where only a session tells of the address, and nothing of a device or user.
  public var basis: Basis?
  public var start: Timestamp
  public var lastSeen: Timestamp
  /// nil where it may still last.
  public var end: Timestamp?
  public var endReason: EndReason
  public var certainty: Certainty
  public var clock: Clock
  /// The device's clock less the collector's.
  public var clockDifferenceMilliseconds: Int?
  public var users: [UserAnswer] = []
  /// `nat`: the session's members with `start` and `end` filled in.
  public var session: JSONValue?
  /// The first and last observations, those nearest to the time asked for, and the one that ended it, in order of time:
  /// never more than `Evidence.limit`, however long it lasted.
  public var evidence: [EvidencePlace] = []
}

/// A stretch of time about which less is known than about others.
public struct GapAnswer: Hashable, Sendable {
  public var from: Timestamp?
  public var to: Timestamp?
  /// The source that was silent or lost something; nil where it concerns all.
  public var source: String?
  /// collector-down, dropped, source-silent, source-gap, clock-stepped, clock-suspect, before-first-record,
  /// after-last-record.
  public var what: String
}

/// What `who` and `device` answer.
public struct Answers: Sendable {
  public var question: JSONValue
  public var gaps: [GapAnswer] = []
  public var answers: [Answer] = []
  /// Where nobody held it: the nearest intervals.
  public var before: Answer?
  public var after: Answer?

  /// Whether nothing that was asked about touches a gap.
  public var complete: Bool { gaps.isEmpty }
}

/// What is known of a record's proof: the first seal that covers it, and since when that is proven.
public typealias ProofOfRecord = (EvidencePlace) -> (seal: Int?, provenAt: Timestamp?)

extension Answers {
  public func json(_ proof: ProofOfRecord) -> JSONValue {
    [
      "question": question, "complete": .bool(complete), "gaps": .array(gaps.map(\.json)),
      "answers": .array(answers.map { $0.json(proof) }), "before": before?.json(proof) ?? .null, "after": after?.json(proof) ?? .null,
    ]
  }
}

extension GapAnswer {
  public var json: JSONValue {
    ["from": JSONValue(from?.description), "to": JSONValue(to?.description), "source": JSONValue(source), "what": .string(what)]
  }
}

extension EvidencePlace {
  public func json(_ proof: ProofOfRecord) -> JSONValue {
    let (seal, provenAt) = proof(self)
    return [
      "day": .string(day.description), "record": .integer(record), "seal": seal.map(JSONValue.integer) ?? .null,
      "proven_at": JSONValue(provenAt?.description),
    ]
  }
}

extension UserAnswer {
  /// Every member of design section 7; `outer_ip` only for a VPN's user.
  public func json(_ proof: ProofOfRecord) -> JSONValue {
    var members: [JSONMember] = [.init("user", .string(user)), .init("phone", JSONValue(phone)), .init("method", JSONValue(method))]
    if let outerIP { members.append(.init("outer_ip", .string(outerIP))) }
    members += [
      .init("start", .string(start.description)), .init("end", JSONValue(end?.description)),
      .init("certainty", .string(certainty.rawValue)), .init("evidence", .array(evidence.map { $0.json(proof) })),
    ]
    return .object(members)
  }
}

extension Answer {
  /// Every member of design section 7 in its order, null where nothing is known; `prefix` only for a delegated one.
  public func json(_ proof: ProofOfRecord) -> JSONValue {
    var members: [JSONMember] = [.init("site", .string(site)), .init("ip", .string(ip))]
    if let prefix { members.append(.init("prefix", .string(prefix))) }
    members += [
      .init("mac", JSONValue(mac?.description)), .init("mac_source", JSONValue(macSource)),
      .init("mac_random", mac.map { .bool($0.isLocallyAdministered) } ?? .null), .init("duid", JSONValue(duid)),
      .init("client_id", JSONValue(clientID)), .init("hostname", JSONValue(hostname)), .init("relay", JSONValue(relay)),
      .init("circuit_id", JSONValue(circuitID)), .init("basis", JSONValue(basis?.rawValue)), .init("start", .string(start.description)),
      .init("last_seen", .string(lastSeen.description)), .init("end", JSONValue(end?.description)),
      .init("end_reason", .string(endReason.rawValue)), .init("certainty", .string(certainty.rawValue)),
      .init("clock", .string(clock.rawValue)), .init("clock_difference_ms", clockDifferenceMilliseconds.map(JSONValue.integer) ?? .null),
      .init("users", .array(users.map { $0.json(proof) })), .init("session", session ?? .null),
      .init("evidence", .array(evidence.map { $0.json(proof) })),
    ]
    return .object(members)
  }
}

/// One row of the day's list.
public struct TableRow: Hashable, Sendable {
  public var site: String
  public var ip: String
  public var start: Timestamp
  public var end: Timestamp?
  public var endReason: Answer.EndReason
  public var mac: MACAddress?
  public var hostname: String?
  /// Everybody who logged in during it, separated by a comma.
  public var user: String?
  public var certainty: Certainty

  public var json: JSONValue {
    [
      "site": .string(site), "ip": .string(ip), "start": .string(start.description), "end": JSONValue(end?.description),
      "end_reason": .string(endReason.rawValue), "mac": JSONValue(mac?.description), "hostname": JSONValue(hostname),
      "user": JSONValue(user), "certainty": .string(certainty.rawValue),
    ]
  }
}
