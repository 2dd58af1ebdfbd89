import Archive
import Evidence
import Record

/// One question asked of several archives: collectors that stand beside each other for availability keep a log each.
///
/// Each log is asked as it would be alone, so that every answer rests on one log's index, clock and gaps; the answers are
/// merged after that. Where one log cannot be asked nothing is answered: its silence would look like a "no".
struct SeveralLogs {
  /// A log, and how it is named in the answer.
  struct Named {
    var log: any LogAccess
    var name: String
  }

  /// What one of them answered.
  struct Answered {
    var name: String
    var reply: Reply
    var json: JSONValue
  }

  /// What may be asked of several logs.
  static let commands: [CommandName] = [.who, .nat, .device, .table, .search, .days, .heads]

  let logs: [Named]

  /// - Throws: wrong usage where the same log is given twice: a copy is no second witness.
  init(_ logs: [any LogAccess]) throws(Refusal) {
    for (number, log) in logs.enumerated() {
      guard let twin = logs[..<number].first(where: { $0.identity.id == log.identity.id }) else { continue }
      throw Refusal(
        .usage, "\(twin.archive.path) and \(log.archive.path) are the same log", hint: "a copy tells nothing more: name one of them")
    }
    self.logs = logs.map { log in
      let isAlone = logs.count { $0.identity.name == log.identity.name } == 1
      return Named(log: log, name: isAlone ? log.identity.name : "\(log.identity.name) \(log.identity.id.prefix(8))")
    }
  }

  /// Opens all archives of a command line.
  /// - Throws: exit 4 where one cannot be opened, also where it is no archive.
  init(opening invocation: Invocation) throws(Refusal) {
    var opened: [any LogAccess] = []
    for path in invocation.values["archive"] ?? [] {
      do throws(Refusal) { opened.append(try OfflineLog(archive: path)) } catch { throw Self.unreachable(error, path) }
    }
    try self.init(opened)
  }

  private static func unreachable(_ refusal: Refusal, _ path: String) -> Refusal {
    Refusal(.unreachable, refusal.words.contains(path) ? refusal.words : "\(path): \(refusal.words)", hint: refusal.hint)
  }

  // MARK: - Asking

  func run(_ invocation: Invocation, progress: @escaping (String) -> Void = { _ in }) -> Reply {
    do {
      if let refusal = WrongUse.refusal(invocation) { throw refusal }
      var words: [String] = []
      let answered = try ask(invocation, &words, progress)
      try compareQuestions(answered)
      var reply = try merged(invocation, answered)
      // What is said where there is no answer does not fit where another log has one.
      for one in answered where one.reply.exit == reply.exit { words += one.reply.words.filter { !words.contains($0) } }
      reply.words += words
      return reply
    } catch { return Refusal(error).reply }
  }

  private func ask(_ invocation: Invocation, _ words: inout [String], _ progress: @escaping (String) -> Void) throws -> [Answered] {
    var answered: [Answered] = []
    var deleted: Refusal?
    for one in logs {
      do {
        // Another log may still have the day.
        if invocation.name == .table, let refusal = try deletedDay(invocation, one.log) {
          words.append("\(visible(one.name)): \(refusal.words)")
          deleted = deleted ?? refusal
          continue
        }
        let reply = try Commands.carryOut(invocation, one.log, nil, nil) { progress("\(visible(one.name)): \($0)") }
        answered.append(Answered(name: one.name, reply: reply, json: try StrictJSON.object(reply.json.span, limit: .max)))
      } catch {
        let refusal = Refusal(error)
        throw refusal.exit == .usage ? refusal : Self.unreachable(refusal, one.log.archive.path)
      }
    }
    if answered.isEmpty, let deleted { throw deleted }
    return answered
  }

  private func deletedDay(_ invocation: Invocation, _ log: any LogAccess) throws -> Refusal? {
    let day = try CalendarDay.argument(invocation.words[0])
    return try DeletedDays(log).contains(day) ? try Export.absent(BundleMaking.Place(day: day, record: 0), log) : nil
  }

  /// Without an offset a time, and always a day, is read in the log's own zone: logs of different zones may have been asked
  /// different things.
  private func compareQuestions(_ answered: [Answered]) throws(UsageError) {
    func asked(_ one: Answered) -> [Int64?] { ["at", "from", "to"].map { one.json["question"]?.microseconds($0) } }
    let isDay = answered.first?.json["day"] != nil && Set(logs.map(\.log.identity.timezone)).count > 1
    guard !isDay, answered.allSatisfy({ asked($0) == asked(answered[0]) }) else {
      throw UsageError(
        "these logs are kept in different time zones",
        hint: isDay ? "ask each of them: its days are others" : "write times with their offset, as 2026-11-20T14:03:00+03:00")
    }
  }

  // MARK: - Merging

  private func merged(_ invocation: Invocation, _ answered: [Answered]) throws -> Reply {
    switch invocation.name {
    case .who, .nat, .device: return holders(invocation.name, answered)
    case .table: return table(answered)
    case .search: return search(answered)
    case .days: return list("days", answered.flatMap { one in one.list("days").map { $0.with("log", .string(one.name)) } })
    // A head line names its log by the id.
    case .heads: return list("heads", answered.flatMap { $0.list("heads") })
    default: throw UsageError("\(invocation.name.rawValue) takes one --archive")
    }
  }

  /// The logs that were asked, as they stand in the answer.
  private func told(_ more: (String) -> [JSONMember] = { _ in [] }) -> JSONMember {
    JSONMember(
      "logs",
      .array(logs.map { .object([.init("log", .string($0.name)), .init("id", .string($0.log.identity.id))] + more($0.name)) }))
  }

  private func reply(_ members: [JSONMember], answers: Int, isAnswered: Bool) -> Reply {
    Reply(isAnswered ? .answered : .noAnswer, json: JSONValue.object(members).bytes, answers: answers)
  }

  private func list(_ name: String, _ values: [JSONValue]) -> Reply {
    reply([.init(name, .array(values)), told()], answers: values.count, isAnswered: true)
  }

  /// Complete where one log saw everything; what the others missed is told all the same.
  private func holders(_ command: CommandName, _ answered: [Answered]) -> Reply {
    let whole = Set(answered.filter { $0.json["complete"]?.bool == true }.map(\.name))
    let gaps = answered.flatMap { one in one.list("gaps").map { $0.with("log", .string(one.name)) } }
    // Who one log heard giving the address back does not hold it because another log missed that.
    let before = command == .who ? answered.compactMap { $0.json["before"] } : []
    func isOver(_ answer: JSONValue) -> Bool { before.contains { Holder.isOver(answer, by: $0) } }
    var merge = MergedHolders(command)
    for (number, one) in answered.enumerated() { merge.add(one.list("answers").filter { !isOver($0) }, of: number, named: one.name) }
    let answers = merge.answers
    func nearest(_ side: String) -> JSONValue {
      guard answers.isEmpty else { return .null }
      var merge = MergedHolders(command)
      for (number, one) in answered.enumerated() {
        if let near = one.json[side], !near.isNull { merge.add([near], of: number, named: one.name) }
        if side == "before" { merge.add(one.list("answers"), of: number, named: one.name) }
      }
      return (side == "before" ? merge.last : merge.first) ?? .null
    }
    return reply(
      [
        .init("question", answered[0].json["question"] ?? .null), .init("complete", .bool(!whole.isEmpty)), .init("gaps", .array(gaps)),
        .init("answers", .array(answers)), .init("before", nearest("before")), .init("after", nearest("after")),
        told { [.init("complete", .bool(whole.contains($0)))] },
      ], answers: answers.count, isAnswered: !answers.isEmpty)
  }

  private func table(_ answered: [Answered]) -> Reply {
    var merge = MergedRows()
    for one in answered { merge.add(one.list("rows"), of: one.name) }
    let rows = merge.rows
    return reply(
      [.init("day", answered[0].json["day"] ?? .null), .init("rows", .array(rows)), told()], answers: rows.count, isAnswered: !rows.isEmpty)
  }

  /// By the time of reception; each log's records stay in their order.
  private func search(_ answered: [Answered]) -> Reply {
    let found = answered.map { one in
      one.list("records").map { record in
        let line = Array((record["line"]?.string ?? "").utf8)
        return (time: RecordTime.of(line.span)?.microseconds ?? .min, record: record.with("log", .string(one.name)))
      }
    }
    var next = found.map { _ in 0 }
    var records: [JSONValue] = []
    while let log = found.indices.filter({ next[$0] < found[$0].count }).min(by: { found[$0][next[$0]].time < found[$1][next[$1]].time }),
      records.count < Search.maximumRecords
    {
      records.append(found[log][next[log]].record)
      next[log] += 1
    }
    let isCut = records.count < found.reduce(0) { $0 + $1.count } || answered.contains { $0.json["truncated"]?.bool == true }
    return reply(
      [
        .init("question", answered[0].json["question"] ?? .null), .init("records", .array(records)), .init("truncated", .bool(isCut)),
        told(),
      ], answers: records.count, isAnswered: !records.isEmpty)
  }
}

extension SeveralLogs.Answered {
  fileprivate func list(_ name: String) -> [JSONValue] { json[name]?.array ?? [] }
}

extension JSONValue {
  /// An object with this member in the place of one of that name, or behind all others.
  func with(_ name: String, _ value: JSONValue) -> JSONValue {
    guard case .object(var members) = self else { return self }
    if let i = members.firstIndex(where: { $0.name == name }) { members[i].value = value } else { members.append(.init(name, value)) }
    return .object(members)
  }

  /// A member that is a time.
  func microseconds(_ name: String) -> Int64? { self[name]?.string.flatMap { Timestamp(rfc3339: $0) }?.microseconds }
}
