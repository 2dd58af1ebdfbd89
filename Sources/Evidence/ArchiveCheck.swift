import Archive
import Glibc
import Record

/// The verifier's work on one archive, or on one day's folder alone: every rule of design sections 5, 6 and 12.
///
/// In order: what lies there (`inventory`), each seal by itself (`loadSeals`), the chain (`checkChain`), tokens and what
/// they prove (`checkTokens`), the records of each day (`checkDays`), and the log as a whole (`checkLog`).
final class ArchiveCheck {
  let root: String
  let options: VerifierOptions
  /// Where the files are, if not on disk.
  let bundle: Zip?
  /// Is told now and then how far it is, by any thread.
  let progress: (@Sendable (VerifierProgress) -> Void)?

  var findings = Findings()
  /// A day's folder without its archive.
  var isAlone = false
  var log: LogIdentity?
  var logDigest: Digest?
  /// In the order of their names.
  var folders: [Folder] = []
  /// In the order of their numbers.
  var seals: [LoadedSeal] = []
  /// Seals that are chained to the one before them, by place in `seals`.
  var linked: Set<Int> = []
  /// Place in `seals` of the last final one.
  var lastFinal: Int?
  var reports: [CalendarDay: VerifierReport.Day] = [:]
  var openDays: Set<CalendarDay> = []
  /// What is still to be read, by day.
  var recordChecks: [RecordsCheck] = []
  var pool = CertificatePool()
  var validationFiles: Set<String> = []
  let revocation = Revocation()

  struct Folder {
    var day: CalendarDay?
    /// Seen from `root`.
    var name: String

    func path(_ file: String) -> String { name == "." ? file : name + "/" + file }
  }

  /// More than any .json, .p7s or .tsr has: a line is at most 1 MiB.
  static let maximumFile = StrictJSON.maximumLine + 1
  static let maximumValidation = 64 << 20

  init(_ root: String, _ options: VerifierOptions, bundle: Zip? = nil, progress: (@Sendable (VerifierProgress) -> Void)? = nil) {
    self.root = root
    self.options = options
    self.bundle = bundle
    self.progress = progress
    isAlone = bundle != nil
  }

  /// - Throws: `.system` where the folder cannot be read.
  func run() throws(ArchiveError) -> VerifierReport {
    guard try inventory() else { return report() }
    try loadValidation()
    try loadSeals()
    checkChain()
    checkTokens()
    try checkDays()
    checkLog()
    return report()
  }

  // MARK: What lies there

  /// - Returns: false where there is no folder.
  private func inventory() throws(ArchiveError) -> Bool {
    guard let top = try entries(".", nil) else { return false }
    let names = Set(top.map(\.name))
    if names.contains(Layout.seals), !names.contains(Layout.days), !names.contains(Layout.log) {
      isAlone = true
      folders = [Folder(day: Self.lastComponentDay(root), name: ".")]
      return true
    }
    let known: Set<String> = [Layout.log, Layout.days, Layout.validation, Layout.reserve, Layout.lostAndFound]
    for entry in top where !known.contains(entry.name) && !Layout.isTemporary(entry.name) {
      findings.add(.extra, nil, entry.name, "not part of an archive")
    }
    for entry in try entries(Layout.days, nil) ?? [] where !Layout.isTemporary(entry.name) {
      let name = Layout.path(Layout.days, entry.name)
      if entry.kind == .folder, let day = CalendarDay(entry.name) {
        folders.append(Folder(day: day, name: name))
      } else {
        findings.add(.extra, nil, name, "not a day's folder")
      }
    }
    try readLog()
    return true
  }

  func readLog() throws(ArchiveError) {
    guard let bytes = try read(Layout.log, nil, limit: LogIdentity.maximumBytes) else { return }
    logDigest = SHA256.hash(bytes)
    do throws(Malformed) { log = try LogIdentity(fileBytes: bytes.span) } catch {
      findings.add(.malformed, nil, Layout.log, "\(error)")
    }
  }

  private static func lastComponentDay(_ path: String) -> CalendarDay? {
    realPath(path).split(separator: "/").last.flatMap { CalendarDay(String($0)) }
  }

  private func loadValidation() throws(ArchiveError) {
    guard !isAlone else { return }
    for entry in try entries(Layout.validation, nil) ?? [] where !Layout.isTemporary(entry.name) {
      let name = Layout.path(Layout.validation, entry.name)
      guard Layout.isValidation(entry.name) else {
        findings.add(.extra, nil, name, "not named by a SHA-256")
        continue
      }
      validationFiles.insert(entry.name)
      guard entry.kind == .file, let bytes = try read(name, nil, limit: Self.maximumValidation) else { continue }
      if SHA256.hash(bytes).description == entry.name {
        revocation.add(bytes)
      } else {
        findings.add(.changed, nil, name, "its SHA-256 is another")
      }
    }
  }

  // MARK: Files

  /// A file's bytes, or nil and a finding.
  /// - Throws: `.system` where we have no right to it: that is no fault of the archive.
  func read(_ name: String, _ day: CalendarDay?, limit: Int = maximumFile) throws(ArchiveError) -> [UInt8]? {
    if let bundle {
      if let bytes = bundle[name] { return bytes }
      findings.add(.missing, day, name, "not there")
      return nil
    }
    do throws(ArchiveError) { return try RegularFile.bytes(root + "/" + name, name: name, limit: limit) } catch {
      try found(error, day)
      return nil
    }
  }

  /// A folder's entries, nil where there is none; what is neither file nor folder is a finding.
  func entries(_ name: String, _ day: CalendarDay?) throws(ArchiveError) -> [FolderEntry]? {
    let found: [FolderEntry]?
    do throws(ArchiveError) { found = try folderEntries(root + "/" + name, name: name) } catch {
      try self.found(error, day)
      return nil
    }
    for entry in found ?? [] where entry.kind == .other {
      findings.add(.malformed, day, name == "." ? entry.name : name + "/" + entry.name, "neither file nor folder")
    }
    return found
  }

  /// Makes a finding of an error.
  func found(_ error: ArchiveError, _ day: CalendarDay?) throws(ArchiveError) {
    try findings.add(error, day)
  }

  // MARK: The report

  func report() -> VerifierReport {
    var report = VerifierReport(path: root, result: findings.result, logID: log?.id, logName: log?.name)
    if let log, let lastFinal, let seal = seals[lastFinal].seal, let p7s = seals[lastFinal].p7sDigest {
      report.head = Head(log: log.id, number: seal.number, day: seal.day, p7s: p7s)
    }
    for (day, found) in reports.sorted(by: { $0.key < $1.key }) {
      var found = found
      found.findings = findings.all.filter { $0.day == day }
      let result = findings.result(day: day)
      if result == .broken {
        found.result = .broken
      } else if found.result != .deleted {
        found.result = openDays.contains(day) ? .open : result == .ok ? .ok : .unproven
      }
      report.days.append(found)
    }
    report.findings = findings.all.filter { finding in finding.day.map { reports[$0] == nil } ?? true }
    return report
  }
}
