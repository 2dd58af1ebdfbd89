import Archive
import Record

/// The verifier's work on an evidence bundle: every rule of design sections 6 and 12.17. Seals, signatures and tokens are
/// judged by the code that judges an archive's (`ArchiveCheck`); here stands what is a bundle's own.
///
/// `README.html` is a page to read and no evidence: it may say what it likes, or be absent.
final class BundleCheck {
  private let check: ArchiveCheck
  private let zip: Zip
  private var seals: [Int: LoadedSeal] = [:]
  private var used: Set<Int> = []
  private var records: [VerifierReport.Record] = []
  private var sizes: [CalendarDay: (records: Int, bytes: Int)] = [:]

  /// More than any bundle has: those who make one name a few records.
  static let maximumBytes = 1 << 30

  private init(_ zip: Zip, _ path: String, _ options: VerifierOptions) {
    var options = options
    // These ask about days of an archive.
    options.closedOnly = false
    options.from = nil
    options.to = nil
    self.zip = zip
    check = ArchiveCheck(path, options, bundle: zip)
  }

  /// - Throws: `.system` where the file cannot be read.
  static func run(_ path: String, _ bytes: [UInt8], _ options: VerifierOptions) throws(ArchiveError) -> VerifierReport {
    let zip: Zip
    do throws(Malformed) { zip = try Zip(bytes.span) } catch {
      return VerifierReport(path: path, malformed: "not an evidence bundle: \(error)")
    }
    return try BundleCheck(zip, path, options).run()
  }

  private func run() throws(ArchiveError) -> VerifierReport {
    checkNames()
    try check.readLog()
    try loadSeals()
    checkSeals()
    checkRecords()
    for (number, loaded) in seals.sorted(by: { $0.key < $1.key }) where !used.contains(number) {
      check.findings.add(.extra, loaded.day, loaded.place, "a seal that no record of the bundle uses")
    }
    checkHeads()
    listDays()
    var report = check.report()
    report.records = records
    return report
  }

  // MARK: What is there

  private func checkNames() {
    for entry in zip.entries {
      let name = entry.name
      if [BundleLayout.bundle, BundleLayout.log, BundleLayout.page].contains(name) { continue }
      if name.hasPrefix(BundleLayout.seals), isSealFile(String(name.dropFirst(BundleLayout.seals.utf8.count))) { continue }
      if BundleLayout.isCertificate(name) {
        // They are information and nothing rests on them; but what a name says must be so.
        if let digest = BundleLayout.certificateDigest(name), SHA256.hash(entry.content) != digest {
          check.findings.add(.changed, nil, name, "its SHA-256 is another")
        }
        continue
      }
      check.findings.add(.extra, nil, name, "not part of an evidence bundle")
    }
  }

  private func isSealFile(_ name: String) -> Bool {
    Layout.sealFile(name) != nil || name.hasSuffix(".zd") && Layout.sealFile(BundleLayout.response(of: name)) != nil
  }

  private func loadSeals() throws(ArchiveError) {
    for entry in zip.entries where entry.name.hasPrefix(BundleLayout.seals) {
      let name = String(entry.name.dropFirst(BundleLayout.seals.utf8.count))
      guard isSealFile(name), let number = Layout.sealNumber(name) else { continue }
      let place = BundleLayout.seals + String(Layout.seal(number, .json).dropLast(5))
      let loaded = seals[number] ?? LoadedSeal(number: number, place: place, folderDay: nil)
      seals[number] = loaded
      if !name.hasSuffix(".zd") { loaded.names.append(name) }
    }
    check.seals = seals.values.sorted { $0.number < $1.number }
    for loaded in check.seals { try check.load(loaded, isNewest: false) }
  }

  // MARK: Seals

  private func checkSeals() {
    for (i, loaded) in check.seals.enumerated() {
      if let seal = loaded.seal { check.checkLogName(seal, loaded) }
      checkTokens(of: loaded)
      // Seals that follow one another are here by chance: then they must fit.
      guard i > 0, check.seals[i - 1].number == loaded.number - 1, let seal = loaded.seal, let json = check.seals[i - 1].jsonDigest,
        let p7s = check.seals[i - 1].p7sDigest
      else { continue }
      if seal.previous == Seal.Previous(json: json, p7s: p7s) {
        check.linked.insert(i)
      } else {
        check.findings.add(.chain, loaded.day, loaded.place + ".json", "previous is not seal \(loaded.number - 1) as it lies here")
      }
    }
    check.checkTokens()
  }

  /// Each .zd is exactly the token inside its .tsr.
  private func checkTokens(of loaded: LoadedSeal) {
    for entry in zip.entries where entry.name.hasSuffix(".zd") && entry.name.hasPrefix(loaded.place + ".") {
      let response = BundleLayout.response(of: entry.name)
      guard let bytes = zip[response] else {
        check.findings.add(.extra, loaded.day, entry.name, "without its .tsr")
        continue
      }
      // A .tsr that cannot be taken apart is a finding of its own.
      guard let token = try? TimeStampToken.bare(bytes) else { continue }
      if token != entry.content { check.findings.add(.changed, loaded.day, entry.name, "not the token inside the .tsr") }
    }
    for name in loaded.names where name.hasSuffix(".tsr") && zip[BundleLayout.token(of: BundleLayout.seals + name)] == nil {
      check.findings.add(.missing, loaded.day, BundleLayout.token(of: BundleLayout.seals + name), "not there")
    }
  }

  // MARK: Records

  private func checkRecords() {
    guard let bytes = zip[BundleLayout.bundle] else {
      for number in seals.keys { used.insert(number) }
      return check.findings.add(.missing, nil, BundleLayout.bundle, "not there")
    }
    let bundle: BundleFile
    do throws(Malformed) { bundle = try BundleFile(fileBytes: bytes.span) } catch {
      for number in seals.keys { used.insert(number) }
      return check.findings.add(.malformed, nil, BundleLayout.bundle, "\(error)")
    }
    for record in bundle.records {
      used.insert(record.seal)
      checkRecord(record)
      sizes[record.day, default: (0, 0)].records += 1
      sizes[record.day, default: (0, 0)].bytes += record.line.count + 1
      let proven = seals[record.seal]?.proven
      let offset = seals[record.seal]?.seal?.made.offsetMinutes ?? 0
      records.append(
        VerifierReport.Record(
          day: record.day, record: record.record, seal: record.seal,
          provenAt: proven.map { Timestamp(microseconds: $0.time).at(offsetMinutes: offset) }, authority: proven?.authority,
          line: record.line))
    }
  }

  private func checkRecord(_ record: BundleFile.Record) {
    let place = "\(BundleLayout.bundle) \(record.day) record \(record.record)"
    func found(_ what: Finding.What, _ detail: String) { check.findings.add(what, record.day, place, detail) }
    do throws(Malformed) { _ = try RecordCheck.time(record.line.span) } catch { found(.malformed, "\(error)") }
    guard let loaded = seals[record.seal] else { return found(.missing, "its seal \(record.seal) is not here") }
    // One that cannot be read is a finding of its own.
    guard let seal = loaded.seal else { return }
    guard record.day == seal.day else { return found(.changed, "seal \(record.seal) is of \(seal.day)") }
    guard record.record < seal.records else { return found(.changed, "seal \(record.seal) covers \(seal.records) records") }
    let leaf = InclusionProof.leaf(salt: record.salt, line: record.line)
    let root = InclusionProof.root(leaf: leaf, index: record.record, size: seal.records, path: record.path)
    if root != seal.root { found(.changed, "its path does not lead to the root of seal \(record.seal)") }
  }

  // MARK: The rest

  /// A head names final seals, of which a bundle holds those it uses.
  private func checkHeads() {
    let id = check.log?.id
    if let wanted = check.options.log, wanted != id {
      check.findings.add(.fork, nil, BundleLayout.log, "the log is \(id ?? "not known"), not \(wanted)")
    }
    let heads = check.options.heads.filter { $0.log == id }
    if !check.options.heads.isEmpty, heads.isEmpty { check.findings.add(.fork, nil, BundleLayout.log, "no head line is of this log") }
    for head in heads {
      guard let loaded = seals[head.number] else { continue }
      if loaded.day != head.day || loaded.p7sDigest != head.p7s {
        check.findings.add(.fork, head.day, loaded.place, "not the seal of the head line")
      }
    }
  }

  private func listDays() {
    for day in Set(sizes.keys).union(seals.values.compactMap(\.day)) {
      var report = VerifierReport.Day(day: day)
      report.records = sizes[day]?.records ?? 0
      report.bytes = sizes[day]?.bytes ?? 0
      let mine = check.seals.filter { $0.day == day }
      report.seals = mine.count
      if let last = mine.last, let seal = last.seal {
        report.signer = seal.signer.description
        report.authority = last.proven?.authority
        report.provenAt = last.proven.map { Timestamp(microseconds: $0.time).at(offsetMinutes: seal.made.offsetMinutes) }
      }
      check.reports[day] = report
      check.findings.add(
        .chainNotChecked, day, ".", "a bundle holds some seals of a log: that none is missing between them cannot be checked")
    }
  }
}
