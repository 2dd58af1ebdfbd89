import Archive
import Record

/// `queries`: who asked what, and what left the log: for whoever audits the auditors.
struct Queries {
  let log: any LogAccess
  let progress: (String) -> Void

  func run(_ invocation: Invocation) throws -> Reply {
    let from = try invocation.value("from").map { text throws(UsageError) in try TimeArgument(text).beginning(in: log.zone) }
    let to = try invocation.value("to").map { text throws(UsageError) in try TimeArgument(text).end(in: log.zone) }
    if let from, let to, from.microseconds > to.microseconds { throw UsageError("--from is later than --to") }
    let wanted = invocation.value("case")
    var rows: [JSONValue] = []
    var gone: [CalendarDay] = []
    for day in try log.archive.days() {
      // Records lie in the day of their reception, or in the next.
      if let from, day < from.localDay.adding(days: -1) { continue }
      if let to, day > to.localDay.adding(days: 1) { continue }
      if try log.archive.day(day).isDeleted() {
        gone.append(day)
        continue
      }
      try CollectorNotices(archive: log.archive, progress: progress).forEach(day, ["query", "exported"]) { notice in
        let time = notice.time.microseconds
        guard from.map({ $0.microseconds <= time }) ?? true, to.map({ time <= $0.microseconds }) ?? true,
          wanted.map({ notice.event.json["case"]?.string == $0 }) ?? true, case .object(let members) = notice.event.json
        else { return true }
        let place = [
          JSONMember("time", .string(notice.time.description)), JSONMember("day", .string(day.description)),
          JSONMember("record", .integer(notice.record)),
        ]
        rows.append(.object(place + members.filter { !["kind", "time", "day", "record"].contains($0.name) }))
        return true
      }
    }
    let answer: JSONValue = ["queries": .array(rows), "deleted_days": .array(gone.map { .string($0.description) })]
    return Reply(rows.isEmpty ? .noAnswer : .answered, json: answer.bytes, answers: rows.count)
  }
}
