import Archive
import Evidence
import Record

/// The days of a log and what proves them.
struct Days {
  let log: any LogAccess

  func days() throws -> Reply {
    var rows: [JSONValue] = []
    let deleted = try DeletedDays(log)
    for day in try log.archive.days() {
      let seals = try log.seals.seals(of: day)
      let last = seals.last
      let (records, bytes) = try size(of: day, last)
      rows.append([
        "day": .string(day.description), "records": .integer(records), "bytes": .integer(bytes), "seals": .integer(seals.count),
        "sealed_records": .integer(last?.records ?? 0), "final": .bool(last?.final == true),
        "token": .bool(last.map { !$0.tokens.isEmpty } ?? false), "dropped": .integer(last?.dropped ?? 0),
        "deleted": .bool(last?.final == true ? try deleted.contains(day) : false),
      ])
    }
    return Reply(.answered, json: JSONValue.object([JSONMember("days", .array(rows))]).bytes, answers: rows.count)
  }

  /// What a final seal says; in an open day, what has come since the last one is counted.
  private func size(of day: CalendarDay, _ seal: SealFacts?) throws -> (records: Int, bytes: Int) {
    var records = seal?.records ?? 0
    var bytes = seal?.bytes ?? 0
    if seal?.final == true { return (records, bytes) }
    try DayReader(log.archive.day(day), from: records).forEach { _, line in
      records += 1
      bytes += line.count + 1
      return true
    }
    return (records, bytes)
  }

  func heads() throws -> Reply {
    var lines: [JSONValue] = []
    for day in try log.archive.days() {
      if let line = try Self.head(log.archive, log.seals, log.identity.id, day) { lines.append(.string(line)) }
    }
    return Reply(.answered, json: JSONValue.object([JSONMember("heads", .array(lines))]).bytes, answers: lines.count)
  }

  /// The newest head line.
  static func lastHead(_ archive: ArchiveFolder, _ seals: SealCatalog, _ id: String) throws -> String? {
    for day in try archive.days().reversed() {
      if let line = try head(archive, seals, id, day) { return line }
    }
    return nil
  }

  /// nil where the day has no final seal.
  private static func head(_ archive: ArchiveFolder, _ seals: SealCatalog, _ id: String, _ day: CalendarDay) throws -> String? {
    guard let final = try seals.seals(of: day).last, final.final, final.isSigned else { return nil }
    let folder = archive.day(day)
    let path = Layout.path(Layout.seals, Layout.seal(final.number, .signature))
    let digest = try RegularFile(folder.path(path), name: folder.name(path)).digest()
    return "muhur-head-1 \(id) \(final.number) \(day) \(digest)"
  }
}

/// One record whole.
struct Records {
  let log: any LogAccess

  func show(_ invocation: Invocation) throws -> Reply {
    let day = try CalendarDay.argument(invocation.words[0])
    guard let number = Array(invocation.words[1].utf8).span.decimal else {
      throw UsageError("\(Arguments.quoted(invocation.words[1])) is no record's number", hint: "records are numbered from 0 in each day")
    }
    guard try log.archive.days().contains(day) else {
      throw Refusal(.noAnswer, "the log has no day \(day)", hint: "`muhur days` lists them")
    }
    guard let line = try DayReader.record(number, of: log.archive.day(day)) else {
      throw try Export.absent(BundleMaking.Place(day: day, record: number), log)
    }
    let proof = try log.seals.proof(of: number, on: day, in: log.zone)
    let answer: JSONValue = [
      "day": .string(day.description), "record": .integer(number), "line": .string(String(decoding: line, as: UTF8.self)),
      "seal": proof.seal.map(JSONValue.integer) ?? .null,
      "proven_at": JSONValue(proof.provenAt?.description),
    ]
    return Reply(.answered, json: answer.bytes, answers: 1)
  }
}
