import Record

/// Orders that the log itself carries out.
struct Administration {
  let log: any LogAccess
  let progress: (String) -> Void

  func seal(_ invocation: Invocation) throws -> Reply {
    let day = try invocation.value("final").map { text throws(UsageError) in try CalendarDay.argument(text) }
    let done = try log.writing().seal(final: day, confirmClock: invocation.has("confirm-clock"))
    let answer: JSONValue = [
      "number": .integer(done.number), "day": .string(done.day.description), "records": .integer(done.records), "final": .bool(done.final),
      "tokens": .array(done.tokens.map(JSONValue.string)),
    ]
    return Reply(.answered, json: answer.bytes, answers: 1)
  }

  func reindex() throws -> Reply {
    let count = try log.reindex(progress: progress)
    let answer: JSONValue = ["days": .integer(count.days), "records": .integer(count.records), "events": .integer(count.events)]
    return Reply(.answered, json: answer.bytes, answers: count.days)
  }
}
