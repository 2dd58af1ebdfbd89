import Archive
import Record

/// The records of each day against its seals.
extension ArchiveCheck {
  func checkDays() throws(ArchiveError) {
    let good = seals.filter { $0.seal != nil }
    guard let newest = good.last?.seal, let first = good.first?.seal else {
      for folder in folders { try checkDay(folder, [], newest: nil) }
      return try checkRecords()
    }
    if !isAlone {
      let allowed = Int(options.retention / Timestamp.day)
      for loaded in good {
        guard let seal = loaded.seal, seal.keptFrom > max(first.day, seal.day.adding(days: -allowed)) else { continue }
        findings.add(.deletedEarly, loaded.day, loaded.place + ".json", "kept_from \(seal.keptFrom) is later than --retention allows")
      }
    }
    let byDay = Dictionary(grouping: good) { $0.day }
    for folder in folders {
      // A folder that stands alone holds the seals of one day, whatever its name.
      let mine = isAlone ? good : byDay[folder.day] ?? []
      try checkDay(Folder(day: folder.day ?? (isAlone ? good.first?.day : nil), name: folder.name), mine, newest: newest)
    }
    try checkRecords()
  }

  /// Reads the records of all days, several days at once: what each finds is put together in the order of the days.
  private func checkRecords() throws(ArchiveError) {
    let counter = progress.map { ProgressCounter(recordChecks, $0) }
    let found = inParallel(recordChecks) { $0.run(counter) }
    for (check, outcome) in zip(recordChecks, found) {
      for finding in outcome.findings { findings.add(finding.what, finding.day, finding.place, finding.detail) }
      if let failure = outcome.failure { throw failure }
      if let (records, bytes) = outcome.counted {
        reports[check.day]?.records = records
        reports[check.day]?.bytes = bytes
      }
    }
  }

  private func checkDay(_ folder: Folder, _ mine: [LoadedSeal], newest: Seal?) throws(ArchiveError) {
    guard let day = folder.day else { return }
    let last = mine.last
    let isFinal = last?.seal?.isFinal ?? false
    if mine.isEmpty, let newest, day < newest.day { findings.add(.missing, day, folder.name, "a day without a seal") }
    // A seal that cannot be read is broken, which the day's result says.
    if !isFinal { openDays.insert(day) }
    if !isFinal, options.closedOnly { return }
    var report = VerifierReport.Day(day: day)
    report.seals = mine.count
    if let last, let seal = last.seal {
      report.records = seal.records
      report.bytes = seal.bytes
      report.signer = seal.signer.description
      report.authority = last.proven?.authority
      report.provenAt = last.proven.map { Timestamp(microseconds: $0.time).at(offsetMinutes: seal.made.offsetMinutes) }
    }
    reports[day] = report
    let entries = try self.entries(folder.name, day) ?? []
    let hasTails = entries.contains { Layout.tailFirst($0.name) != nil }
    if isFinal, !hasTails, !entries.contains(where: { $0.name == Layout.records }), let newest {
      checkDeleted(folder, day, entries, newest: newest)
      return
    }
    if let from = options.from, day < from { return findings.add(.recordsNotChecked, day, folder.name, "before --from") }
    if let to = options.to, day > to { return findings.add(.recordsNotChecked, day, folder.name, "after --to") }
    for entry in entries where ![Layout.salt, Layout.records, Layout.seals].contains(entry.name) {
      if Layout.tailFirst(entry.name) != nil || Layout.isTemporary(entry.name) { continue }
      findings.add(.extra, day, folder.path(entry.name), "not part of a day")
    }
    recordChecks.append(
      RecordsCheck(root: root, folder: folder.name, day: day, seals: mine.compactMap(\.seal), places: mine.map(\.place), isFinal: isFinal))
  }

  /// Records that are gone: permitted once a seal said a later `kept_from` and held no hold over the day. A .json that nobody
  /// signed, as a crash leaves the newest, permits nothing yet.
  private func checkDeleted(_ folder: Folder, _ day: CalendarDay, _ entries: [FolderEntry], newest: Seal) {
    if seals.contains(where: { $0.p7sDigest != nil && $0.seal.map { $0.keptFrom > day && !$0.holds(day) } ?? false }) {
      let salt = entries.contains { $0.name == Layout.salt } ? " (its salt is still here)" : ""
      findings.add(.deleted, day, folder.name, "kept from \(newest.keptFrom) on" + salt)
      reports[day]?.result = .deleted
    } else if newest.keptFrom > day {
      findings.add(.deletedEarly, day, folder.name, "its records are gone, and no signed seal permits that")
    } else {
      findings.add(.missing, day, folder.path(Layout.records), "not there")
    }
    for entry in entries where entry.name != Layout.salt && entry.name != Layout.seals && !Layout.isTemporary(entry.name) {
      findings.add(.extra, day, folder.path(entry.name), "not part of a day")
    }
  }
}

/// Judges a record's line as design sections 3 and 12 do.
public enum RecordCheck {
  /// The record's time.
  /// - Throws: what breaks the strict form, or `time` or `via` that are not what section 3 says.
  public static func time(_ line: Span<UInt8>) throws(Malformed) -> Timestamp {
    try StrictJSON.check(line)
    if let time = RecordTime.leading(line), hasVia(line) { return time }
    let json = try StrictJSON.object(line)
    guard let via = json["via"]?.string, Via(rawValue: via) != nil else { throw Malformed(offset: 0, field: "via") }
    guard let time = json["time"]?.string.flatMap({ RecordTime.parse(Array($0.utf8).span) }) else {
      throw Malformed(offset: 0, field: "time")
    }
    return time
  }

  /// Whether `via` follows `time` and is one that exists, as in every line we write.
  private static func hasVia(_ line: Span<UInt8>) -> Bool {
    guard line.starts(with: ",\"via\":\"", at: 42) else { return false }
    return line.starts(with: "udp\"", at: 50) || line.starts(with: "tcp\"", at: 50) || line.starts(with: "tls\"", at: 50)
      || line.starts(with: "internal\"", at: 50) || line.starts(with: "file\"", at: 50) || line.starts(with: "pcap\"", at: 50)
      || line.starts(with: "import\"", at: 50)
  }
}
