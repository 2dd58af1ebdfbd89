import Archive
import Evidence
import Record

/// How long records are kept.
struct Retention: Sendable {
  /// Whole days: a part of one keeps the whole.
  var days: Int
  /// As it is configured.
  var text: String

  init(_ period: Configuration.Period) {
    text = period.text
    days = Int((period.microseconds + Timestamp.day - 1) / Timestamp.day)
  }
}

/// Deletion of days whose time is over (design sections 5 and 12.30).
///
/// First a seal says the new `kept_from`; once it is signed, the records of older days go that its holds do not cover,
/// then a notice says so, then the salt. A crash in between leaves a day whose salt is still there: the next start goes on
/// with it. Nothing else ever deletes, and nothing is deleted because room is wanted.
extension Keeper {
  /// Once on each day that is the open one, and at start.
  func applyRetention() throws {
    guard let retention, let newest = sealer.newest, sealer.canSeal, retainedOn != day.day else { return }
    // Days that are not closed yet come first: the seal belongs into the open one.
    guard (queue.waiting.last?.day ?? day.day) == day.day else { return }
    let keptFrom = day.day.adding(days: -retention.days)
    if keptFrom > newest.keptFrom { try seal(isFinal: false, note: nil, keptFrom: keptFrom) }
    try deleteWhatMayGo(retention)
    retainedOn = day.day
  }

  private func deleteWhatMayGo(_ retention: Retention) throws {
    guard let standing = sealer.newest else { return }
    var without: [DayFolder] = []
    for old in try archive.days() where old < standing.keptFrom && !standing.holds(old) {
      let folder = archive.day(old)
      guard try !folder.isDeleted() else { continue }
      guard let last = try sealOf(old), last.isFinal else {
        Log.error("\(old) is not deleted, although its time is over: it has no final seal")
        continue
      }
      try carryHolds(of: folder, standing)
      for tail in try folder.tails() { try Disk.remove(folder.path(Layout.tail(first: tail))) }
      try Disk.remove(folder.path(Layout.records))
      try Disk.syncFolder(folder.path)
      notice?(
        "deleted",
        [
          JSONMember("day", .string(old.description)), JSONMember("records", .integer(last.records)),
          JSONMember("bytes", .integer(last.bytes)), JSONMember("sha256", .string(last.sha256.description)),
          JSONMember("seal", .integer(standing.number)), JSONMember("kept_from", .string(standing.keptFrom.description)),
          JSONMember("retention", .string(retention.text)),
        ])
      Log.info("\(old): \(last.records) records deleted, since they are kept from \(standing.keptFrom) on")
      without.append(folder)
    }
    guard !without.isEmpty else { return }
    // The notices are on disk before the last trace of a deletion that is not finished goes.
    try takeTails()
    for folder in without {
      try Disk.remove(folder.path(Layout.salt))
      try Disk.syncFolder(folder.path)
    }
  }

  /// The case of a hold stands in its notice alone. Before the notice's day goes, it is written again.
  private func carryHolds(of folder: DayFolder, _ standing: Seal) throws {
    guard !standing.holds.isEmpty else { return }
    var holds: [[JSONMember]] = []
    try DayReader(folder).forEach { _, line in
      guard line.starts(with: ",\"via\":\"internal\"", at: 42), let record = try? RecordLine(line), record.via == .internal else {
        return true
      }
      for event in record.events where event.what == "hold" && event.json["released"] == nil {
        guard let salt = event.json["salt"]?.string.flatMap({ Hex.bytes(lowerCase: $0) }), let number = event.json["case"]?.string,
          standing.holds.contains(where: { $0.caseSHA256 == SHA256.hash(salt + Array(number.utf8)) })
        else { continue }
        let kept: Set<String> = ["from", "to", "case", "salt", "uid", "user", "since"]
        var members = event.json.object?.filter { kept.contains($0.name) } ?? []
        if event.json["since"] == nil { members.append(JSONMember("since", .string(record.time.description))) }
        holds.append(members)
      }
      return true
    }
    for members in holds { notice?("hold", members) }
  }

  private func sealOf(_ day: CalendarDay) throws -> Seal? {
    let store = SealStore(archive)
    return try store.entries(of: day).last.map { try store.seal($0.number, day) }
  }
}
