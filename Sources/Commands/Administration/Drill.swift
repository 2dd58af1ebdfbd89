import Archive
import Evidence
import Glibc
import Record

/// `drill`: the yearly exercise. Records are picked at random over the whole archive, each is exported, and each bundle is
/// judged by the auditor's verifier; the newest backup is checked; a dated report says what came of it.
struct Drill {
  let log: any LogAccess
  let caller: Caller?
  let progress: (String) -> Void

  static let usualRecords = 20
  static let maximumRecords = 1000

  func run(_ invocation: Invocation) throws -> Reply {
    let count =
      try invocation.value("records").map { text throws(UsageError) in
        guard let count = Array(text.utf8).span.decimal, (1...Self.maximumRecords).contains(count) else {
          throw UsageError("--records: \(Arguments.quoted(text)) is no number from 1 to \(Self.maximumRecords)")
        }
        return count
      } ?? Self.usualRecords
    var options = VerifierOptions(asOf: Self.now())
    options.signer = try trust(invocation, "signer")
    options.tsa = try trust(invocation, "tsa")
    var generator = SystemRandomNumberGenerator()
    let (places, sealed, days) = try pick(count, &generator)
    guard !places.isEmpty else { throw Refusal(.noAnswer, "the log has no sealed record yet: there is nothing to try") }
    var rows: [JSONValue] = []
    var worst = Finding.Result.ok
    for (i, place) in places.enumerated() {
      progress("record \(i + 1) of \(places.count): \(place.day) \(place.record)")
      let (row, result) = try judge(place, options)
      rows.append(row)
      worst = max(worst, result)
    }
    var copies: [JSONValue] = []
    for path in invocation.values["copy"] ?? [] {
      let one: CopyCheck.Result
      do { one = try CopyCheck(log: log, progress: progress).check(path, records: true) } catch {
        // A backup that cannot be read is what a drill is for.
        one = CopyCheck.Result(json: ["path": .string(path), "result": "broken", "why": [.string("\(error)")]], verdict: .broken)
      }
      copies.append(one.json)
      worst = max(worst, one.verdict)
    }
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    let answer: JSONValue = [
      "made": .string(log.zone.timestamp(Int64(now.tv_sec) * Timestamp.second, fractionDigits: 0).description),
      "log": ["id": .string(log.identity.id), "name": .string(log.identity.name)], "software": .string("muhur \(Release.version)"),
      "days": .integer(days), "sealed_records": .integer(sealed),
      "trust": ["signer": .bool(options.signer != nil), "tsa": .bool(options.tsa != nil)], "records": .array(rows),
      "copies": .array(copies), "result": .string(worst.rawValue),
    ]
    if let caller {
      let by = [JSONMember("uid", .integer(Int(caller.uid))), JSONMember("user", .string(caller.user))]
      try log.writing().notice("drill", by + [JSONMember("records", .integer(rows.count)), JSONMember("result", .string(worst.rawValue))])
    }
    let exit: ExitCode = worst == .ok ? .answered : worst == .broken ? .noAnswer : .unproven
    var reply = Reply(exit, json: answer.bytes, answers: rows.count)
    if invocation.has("out") { reply.file = DrillPage(answer: answer).bytes }
    return reply
  }

  private static func now() -> Int64 {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return Int64(now.tv_sec) * Timestamp.second
  }

  private func trust(_ invocation: Invocation, _ option: String) throws -> Trust? {
    guard let path = invocation.value(option) else { return nil }
    let bytes = try RegularFile.bytes(path, limit: 1 << 20)
    do throws(OpenSSLError) { return try Trust(pem: bytes) } catch {
      throw UsageError("--\(option): \(visible(path)): no PEM file of certificates (\(error))")
    }
  }

  /// Records chosen evenly among all that are sealed and not deleted, each once, in order.
  private func pick(
    _ count: Int, _ generator: inout some RandomNumberGenerator
  ) throws -> (places: [BundleMaking.Place], sealed: Int, days: Int) {
    var days: [(day: CalendarDay, records: Int)] = []
    for day in try log.archive.days() {
      guard let last = try log.seals.seals(of: day).last(where: \.isSigned), last.records > 0, try !log.archive.day(day).isDeleted() else {
        continue
      }
      days.append((day, last.records))
    }
    let total = days.reduce(0) { $0 + $1.records }
    var chosen: Set<Int> = []
    while chosen.count < min(count, total) { chosen.insert(Int.random(in: 0..<total, using: &generator)) }
    var places: [BundleMaking.Place] = []
    var before = 0
    for (day, records) in days {
      places += chosen.filter { $0 >= before && $0 < before + records }.map { BundleMaking.Place(day: day, record: $0 - before) }.sorted()
      before += records
    }
    return (places, total, days.count)
  }

  private func judge(_ place: BundleMaking.Place, _ options: VerifierOptions) throws -> (JSONValue, Finding.Result) {
    var members = [JSONMember("day", .string(place.day.description)), JSONMember("record", .integer(place.record))]
    do {
      let making = try BundleMaking(log.archive, [place])
      let proven = making.seals.first?.tokens.first.map { log.zone.timestamp($0.time.microseconds, fractionDigits: 0) }
      var page = Page(title: "drill")
      page.paragraph("drill")
      let report = try Verifier.verify(bundle: making.bytes(page: page.bytes), called: "drill.zip", options)
      let found = (report.findings + report.days.flatMap(\.findings)).filter { finding in
        switch finding.what {
        // Without certificates nothing is trusted, which says nothing about the log.
        case .untrusted: options.signer != nil && options.tsa != nil
        case .chainNotChecked: false
        default: true
        }
      }
      let result = found.map(\.what.result).max() ?? .ok
      members += [
        JSONMember("seal", making.seals.first.map { .integer($0.number) } ?? .null),
        JSONMember("proven_at", JSONValue(proven?.description)), JSONMember("result", .string(result.rawValue)),
        JSONMember(
          "findings", .array(found.map { ["what": .string($0.what.rawValue), "where": .string($0.place), "detail": .string($0.detail)] })),
      ]
      return (.object(members), result)
    } catch {
      // What cannot be exported is not proven to a court either.
      members += [
        JSONMember("result", .string(Finding.Result.broken.rawValue)),
        JSONMember("findings", .array([["what": "export", "where": .string(place.day.description), "detail": .string("\(error)")]])),
      ]
      return (.object(members), .broken)
    }
  }
}
