import Archive
import Attribution
import Evidence
import Glibc
import Record

/// `export` and `who --export`: an evidence bundle that proves some records and discloses no other.
struct Export {
  let log: any LogAccess
  let caller: Caller?
  let progress: (String) -> Void

  /// So many records in one bundle: more is a copy of the archive, not a piece of evidence.
  static let maximumRecords = 10_000

  // MARK: Records by number

  func export(_ invocation: Invocation) throws -> Reply {
    guard invocation.has("out") else { throw UsageError("--out is missing", hint: "--out FILE.zip") }
    let day = try CalendarDay.argument(invocation.words[0])
    var places: [BundleMaking.Place] = []
    for word in invocation.words.dropFirst() {
      guard let number = Array(word.utf8).span.decimal else {
        throw UsageError("\(Arguments.quoted(word)) is no record's number", hint: "records are numbered from 0 in each day")
      }
      places.append(BundleMaking.Place(day: day, record: number))
    }
    guard places.count <= Self.maximumRecords else { throw UsageError("at most \(Self.maximumRecords) records go into one bundle") }
    guard try log.archive.days().contains(day) else {
      throw Refusal(.noAnswer, "the log has no day \(day)", hint: "`muhur days` lists them")
    }
    for place in places where try DayReader.record(place.record, of: log.archive.day(day)) == nil {
      throw try Self.absent(place, log)
    }
    let (bytes, making, words) = try make(places, invocation, answer: nil, notices: [])
    let answer: JSONValue = [
      "sha256": .string(SHA256.hash(bytes).description), "bytes": .integer(bytes.count),
      "records": .array(
        making.file.records.map { record in
          [
            "day": .string(record.day.description), "record": .integer(record.record), "seal": .integer(record.seal),
            "proven_at": JSONValue(
              making.seal(of: record)?.tokens.first.map { log.zone.timestamp($0.time.microseconds, fractionDigits: 0).description }),
          ]
        }),
    ]
    var reply = Reply(.answered, json: answer.bytes, words: words, answers: making.file.records.count)
    reply.file = bytes
    return reply
  }

  /// Why a record is not there.
  static func absent(_ place: BundleMaking.Place, _ log: any LogAccess) throws -> Refusal {
    if try log.archive.day(place.day).isDeleted() {
      return Refusal(
        .noAnswer, "the records of \(place.day) were deleted when their retention was over: there is no evidence of that day any more",
        hint: "`muhur destruction \(place.day)` says when and under which rule")
    }
    return Refusal(.noAnswer, "\(place.day) has no record \(place.record)")
  }

  // MARK: An answer

  /// Adds the bundle to an answer of `who`.
  func who(_ invocation: Invocation) throws -> Reply {
    let holders = HolderQuestions(log: log, progress: progress)
    let question = try holders.whoQuestion(invocation)
    let questions = try log.questions(progress: progress)
    let answers = try DeletedDays(log).removed(from: questions.who(question), at: question.at)
    var evidence = answers.answers.flatMap { $0.evidence + $0.users.flatMap(\.evidence) }
    var notices: [EvidencePlace] = []
    if answers.answers.isEmpty {
      // Nobody: what shows that somebody would have been seen, and who came before and after.
      let (from, to) = (question.at.microseconds - question.window, question.at.microseconds + question.window)
      notices = try questions.collectorRecords(from: log.zone.timestamp(from), to: log.zone.timestamp(to))
      for near in [answers.before, answers.after] { evidence += near?.evidence ?? [] }
    }
    guard (evidence + notices).allSatisfy({ $0.index == 0 }) else {
      throw UsageError("--export takes one archive", hint: "export from each of them: every log has its own seals")
    }
    func place(_ evidence: EvidencePlace) -> BundleMaking.Place { BundleMaking.Place(day: evidence.day, record: evidence.record) }
    var places: [BundleMaking.Place] = []
    // The index may still know what retention has deleted since.
    for one in Set((evidence + notices).map(place)).sorted() {
      if try DayReader.record(one.record, of: log.archive.day(one.day)) != nil { places.append(one) }
    }
    guard !places.isEmpty else {
      throw Refusal(
        .noAnswer, "nothing is known about this address, and the log holds no record about that time either: there is nothing to export",
        hint: "without --export the answer is printed")
    }
    // Sealed first: then the answer names the seal.
    try sealFirst(places)
    var reply = try holders.reply(answers)
    let json = try StrictJSON.object(reply.json.span, limit: .max)
    let (bytes, _, words) = try make(places, invocation, answer: json, notices: Set(notices.map(place)))
    reply.file = bytes
    reply.words += words
    if answers.answers.isEmpty {
      reply.words.append("the bundle shows who came before and after, and what the collector recorded about that time")
    }
    return reply
  }

  // MARK: Making

  private func make(
    _ places: [BundleMaking.Place], _ invocation: Invocation, answer: JSONValue?, notices: Set<BundleMaking.Place>
  ) throws -> (bytes: [UInt8], making: BundleMaking, words: [String]) {
    try sealFirst(places)
    let making = try BundleMaking(log.archive, places, progress: progress)
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    let caseNumber = invocation.value("case")
    let page = ReplyPage(
      making: making, answer: answer, caseNumber: caseNumber, notices: notices,
      made: log.zone.timestamp(Int64(now.tv_sec) * Timestamp.second, fractionDigits: 0), software: "muhur \(Release.version)")
    let bytes = try making.bytes(page: page.bytes)
    var words: [String] = []
    for seal in making.seals where seal.tokens.isEmpty {
      words.append("warning: seal \(seal.number) has no time-stamp token yet: the bundle does not prove when its records existed")
    }
    if let caller { try note(making, bytes, caseNumber, caller, invocation) }
    return (bytes, making, words)
  }

  /// A record behind the last seal is sealed first.
  private func sealFirst(_ places: [BundleMaking.Place]) throws {
    for place in places where try log.seals.seal(of: place.record, on: place.day) == nil {
      guard caller != nil else {
        throw Refusal(
          .noAnswer, "record \(place.record) of \(place.day) is not sealed yet, so nothing proves it",
          hint: "`muhur --archive DIR --keys DIR seal` seals it, or the daemon: ask it without --archive")
      }
      progress("sealing")
      _ = try log.writing().seal(final: nil, confirmClock: false)
      guard try log.seals.seal(of: place.record, on: place.day) != nil else {
        throw Refusal(.unreachable, "record \(place.record) of \(place.day) could not be sealed; see muhur status")
      }
      try awaitToken(place)
    }
  }

  /// An authority elsewhere takes a moment; a bundle with a token is worth waiting for.
  private func awaitToken(_ place: BundleMaking.Place) throws {
    for _ in 0..<100 {
      guard try log.seals.seals(of: place.day).last?.tokens.isEmpty == true,
        try log.status()["seals"]?["waiting_for_token"]?.integer ?? 0 > 0
      else { return }
      progress("waiting for the time stamp")
      usleep(200_000)
    }
  }

  /// The `exported` notice: what left the log, and for whom.
  private func note(_ making: BundleMaking, _ bytes: [UInt8], _ caseNumber: String?, _ caller: Caller, _ invocation: Invocation) throws {
    var members = [
      JSONMember("uid", .integer(Int(caller.uid))), JSONMember("user", .string(caller.user)),
      JSONMember("command", .string(invocation.name.rawValue)),
    ]
    if let caseNumber { members.append(JSONMember("case", .string(caseNumber))) }
    members += [
      JSONMember("sha256", .string(SHA256.hash(bytes).description)), JSONMember("bytes", .integer(bytes.count)),
      JSONMember(
        "records",
        .array(making.file.records.prefix(1000).map { ["day": .string($0.day.description), "record": .integer($0.record)] })),
      JSONMember("seals", .array(making.seals.map { .integer($0.number) })),
    ]
    do { try log.writing().notice("exported", members) } catch {
      throw Refusal(.unreachable, "the export could not be recorded, so it is not given: \(error)")
    }
  }
}
