import Archive
import Evidence
import Record

/// `destruction`: the record of what retention has deleted: what, how much, from when to when, under which rule, and what
/// proves it. All of it is read from the log: seals, which stay for ever, and `deleted` notices.
struct Destruction {
  let log: any LogAccess
  let progress: (String) -> Void

  func run(_ invocation: Invocation) throws -> Reply {
    let from = try invocation.value("from").map { text throws(UsageError) in try CalendarDay.argument(text) }
    let to = try invocation.value("to").map { text throws(UsageError) in try CalendarDay.argument(text) }
    let one = try invocation.words.first.map { text throws(UsageError) in try CalendarDay.argument(text) }
    guard one == nil || from == nil && to == nil else { throw UsageError("a DAY and --from or --to exclude each other") }
    let all = try log.archive.days()
    let days = try all.filter { day in
      guard one.map({ $0 == day }) ?? (from.map { $0 <= day } ?? true && to.map { day <= $0 } ?? true) else { return false }
      return try log.archive.day(day).isDeleted()
    }
    guard !days.isEmpty else {
      let what = one.map { "\($0) is not deleted" } ?? "no day of that time is deleted"
      throw Refusal(.noAnswer, what, hint: "`muhur days` lists the days")
    }
    let permits = try permits(all)
    let notices = try notices(of: Set(days), all, permits)
    var rows: [JSONValue] = []
    for day in days { rows.append(try row(day, permits[day], notices[day])) }
    let answer: JSONValue = [
      "log": ["id": .string(log.identity.id), "name": .string(log.identity.name)], "from": .string(days[0].description),
      "to": .string(days[days.count - 1].description), "days": .array(rows),
      "records": .integer(rows.reduce(0) { $0 + ($1["records"]?.integer ?? 0) }),
      "bytes": .integer(rows.reduce(0) { $0 + ($1["bytes"]?.integer ?? 0) }),
    ]
    var reply = Reply(.answered, json: answer.bytes, answers: rows.count)
    if invocation.has("out") { reply.file = DestructionPage(answer: answer).bytes }
    return reply
  }

  /// The first seal that permits a day to go.
  private func permits(_ all: [CalendarDay]) throws -> [CalendarDay: Seal] {
    let store = SealStore(log.archive)
    var out: [CalendarDay: Seal] = [:]
    var last: (keptFrom: CalendarDay, holds: [Seal.Hold])?
    for day in all {
      for entry in try store.entries(of: day) where entry.isSigned {
        let seal = try store.seal(entry.number, day)
        // Only a seal that says something new can permit more.
        if let last, last.keptFrom == seal.keptFrom, last.holds == seal.holds { continue }
        last = (seal.keptFrom, seal.holds)
        for old in all where old < seal.keptFrom && out[old] == nil && !seal.holds(old) { out[old] = seal }
      }
    }
    return out
  }

  /// The `deleted` notices: at the earliest on the day of the seal that permits it.
  private func notices(
    of days: Set<CalendarDay>, _ all: [CalendarDay], _ permits: [CalendarDay: Seal]
  ) throws -> [CalendarDay: CollectorNotices.Notice] {
    var wanted = days
    var out: [CalendarDay: CollectorNotices.Notice] = [:]
    guard let first = days.compactMap({ permits[$0]?.day }).min() else { return [:] }
    for day in all where day >= first && !wanted.isEmpty {
      try CollectorNotices(archive: log.archive, progress: progress).forEach(day, ["deleted"]) { notice in
        if let deleted = notice.event.json["day"]?.string.flatMap({ CalendarDay($0) }), wanted.remove(deleted) != nil {
          out[deleted] = notice
        }
        return true
      }
    }
    return out
  }

  private func row(_ day: CalendarDay, _ permit: Seal?, _ notice: CollectorNotices.Notice?) throws -> JSONValue {
    let store = SealStore(log.archive)
    let final = try store.entries(of: day).last.map { try store.seal($0.number, day) }
    return [
      "day": .string(day.description), "records": final.map { .integer($0.records) } ?? .null,
      "bytes": final.map { .integer($0.bytes) } ?? .null, "sha256": JSONValue(final?.sha256.description),
      "earliest": JSONValue(final?.earliest?.description), "latest": JSONValue(final?.latest?.description),
      "final_seal": final.map { .integer($0.number) } ?? .null,
      "permitted_by": permit.map {
        [
          "seal": .integer($0.number), "day": .string($0.day.description), "made": .string($0.made.description),
          "kept_from": .string($0.keptFrom.description),
        ]
      } ?? .null, "deleted_at": JSONValue(notice?.time.description), "retention": JSONValue(notice?.event.json["retention"]?.string),
      "notice": notice.map { ["day": .string($0.day.description), "record": .integer($0.record)] } ?? .null,
    ]
  }
}
