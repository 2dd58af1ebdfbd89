import Archive
import Evidence
import Record

/// `hold`: keeps days for a case beyond their time, and lets them go again (design sections 5 and 12.29).
///
/// What holds is the seal: it names the days and a hash of the case, since seals are handed to third parties. The case
/// itself, and what hides it, stand in the notice.
struct Hold {
  let log: any LogAccess
  let caller: Caller?
  let progress: (String) -> Void

  func run(_ invocation: Invocation) throws -> Reply {
    guard let number = invocation.value("case"), !number.isEmpty else { throw UsageError("--case is missing", hint: "--case NO") }
    if invocation.has("release") {
      guard invocation.words.isEmpty else { throw UsageError("--release takes no days: it ends what is held for the case") }
      return try release(number)
    }
    guard invocation.words.count == 2 else { throw UsageError("FROM and TO are missing", hint: "muhur hold FROM TO --case NO") }
    let from = try CalendarDay.argument(invocation.words[0])
    let to = try CalendarDay.argument(invocation.words[1])
    guard from <= to else { throw UsageError("TO \(to) is before FROM \(from)") }
    return try hold(from, to, number)
  }

  /// SHA-256 of the 16 bytes and the case number in UTF-8.
  static func digest(_ salt: [UInt8], _ number: String) -> Digest { SHA256.hash(salt + Array(number.utf8)) }

  private func hold(_ from: CalendarDay, _ to: CalendarDay, _ number: String) throws -> Reply {
    let there = try log.archive.days().filter { from <= $0 && $0 <= to }
    let gone = try there.filter { try log.archive.day($0).isDeleted() }
    guard gone.isEmpty || gone.count < there.count else {
      throw Refusal(.noAnswer, "the records of \(from) to \(to) are deleted already: there is nothing to hold")
    }
    let salt = randomBytes(16)
    let new = Seal.Hold(from: from, to: to, caseSHA256: Self.digest(salt, number))
    let writing = try log.writing()
    try writing.notice("hold", members(from, to, number, salt))
    let done = try writing.seal { $0 + [new] }
    // Deleted meanwhile, while the hold was not sealed yet: said as it is.
    let lost = try there.filter { try log.archive.day($0).isDeleted() }
    var words = lost.isEmpty ? [] : ["warning: already deleted: \(lost.map(\.description).joined(separator: ", "))"]
    if there.isEmpty { words.append("warning: the log has none of these days yet") }
    return Reply(.answered, json: answer([new], number, done, released: false).bytes, words: words, answers: there.count - lost.count)
  }

  private func release(_ number: String) throws -> Reply {
    guard let held = try SealStore(log.archive).newest()?.holds, !held.isEmpty else {
      throw Refusal(.noAnswer, "nothing is held for \(Arguments.quoted(number))")
    }
    var found: [(hold: Seal.Hold, salt: [UInt8])] = []
    for day in try log.archive.days().reversed() {
      try CollectorNotices(archive: log.archive, progress: progress).forEach(day, ["hold"]) { notice in
        guard notice.event.json["case"]?.string == number,
          let salt = notice.event.json["salt"]?.string.flatMap({ Hex.bytes(lowerCase: $0) })
        else { return true }
        let digest = Self.digest(salt, number)
        for hold in held where hold.caseSHA256 == digest && !found.contains(where: { $0.hold == hold }) { found.append((hold, salt)) }
        return true
      }
      if found.count == held.count { break }
    }
    guard !found.isEmpty else {
      throw Refusal(.noAnswer, "nothing is held for \(Arguments.quoted(number))", hint: "write the case as it was written when it was held")
    }
    let writing = try log.writing()
    for (hold, salt) in found { try writing.notice("hold", members(hold.from, hold.to, number, salt, released: true)) }
    let ended = found.map(\.hold)
    let done = try writing.seal { $0.filter { !ended.contains($0) } }
    return Reply(.answered, json: answer(ended, number, done, released: true).bytes, answers: ended.count)
  }

  private func members(_ from: CalendarDay, _ to: CalendarDay, _ number: String, _ salt: [UInt8], released: Bool = false) -> [JSONMember] {
    var out = [
      JSONMember("from", .string(from.description)), JSONMember("to", .string(to.description)), JSONMember("case", .string(number)),
      JSONMember("salt", .string(Hex.text(salt))),
    ]
    if released { out.append(JSONMember("released", true)) }
    if let caller { out += [JSONMember("uid", .integer(Int(caller.uid))), JSONMember("user", .string(caller.user))] }
    return out
  }

  private func answer(_ holds: [Seal.Hold], _ number: String, _ done: SealDone, released: Bool) -> JSONValue {
    [
      "case": .string(number), "released": .bool(released), "seal": .integer(done.number),
      "holds": .array(
        holds.map {
          ["from": .string($0.from.description), "to": .string($0.to.description), "case_sha256": .string($0.caseSHA256.description)]
        }),
    ]
  }
}
