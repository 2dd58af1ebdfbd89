import Archive
import Evidence
import Glibc
import Record

/// Copies an archive, also while it is written, into a folder that may hold an older copy of it.
///
/// Order is what makes it right without stopping the writer (design section 4). Which seals there are is read from the
/// newest day to the oldest: whatever came before a seal that was seen is seen too. Then each day's seals, tails and
/// blocks, in this order: what a seal covers was synced before, and what the writer moves from a tail to a block
/// meanwhile is in both or in the block. A file is placed whole or not at all, so an interrupted copy is taken up again.
struct ArchiveCopy {
  let log: any LogAccess
  let caller: Caller?
  let progress: (String) -> Void

  func run(_ invocation: Invocation) throws -> Reply {
    let to = invocation.words[0]
    try prepare(to)
    var written = Written()
    let days = try log.archive.days()
    let seals = try sealsThere(days)
    try copyIdentity(to, &written)
    for day in days {
      progress("copying \(day): \(Words.grouped(written.bytes)) bytes so far")
      try copy(day, seals: seals[day] ?? [], to, &written)
    }
    try copyValidation(to, &written)
    let copied = ArchiveFolder(to)
    progress("checking the copy")
    let result = try verify(copied, from: written.firstDay)
    let head = try Days.lastHead(copied, SealCatalog(copied), log.identity.id)
    let answer: JSONValue = [
      "head": JSONValue(head), "days": .integer(days.count), "bytes": .integer(written.bytes), "result": .string(result.rawValue),
    ]
    try receipt(answer, to)
    let exit: ExitCode = result == .ok ? .answered : result == .broken ? .noAnswer : .unproven
    var words: [String] = []
    if !written.deleted.isEmpty {
      words.append(
        "deleted from the copy too, since their retention is over: \(written.deleted.map(\.description).joined(separator: ", "))")
    }
    return Reply(exit, json: answer.bytes, words: words, answers: days.count)
  }

  /// The `copied` notice: the log itself says how far its backups reach.
  private func receipt(_ answer: JSONValue, _ to: String) throws {
    guard let caller, case .object(let members) = answer else { return }
    let by = [JSONMember("uid", .integer(Int(caller.uid))), JSONMember("user", .string(caller.user))]
    try log.writing().notice("copied", [JSONMember("to", .string(to))] + members + by)
  }

  private struct Written {
    var bytes = 0
    /// The earliest day of which something was copied.
    var firstDay: CalendarDay?
    /// Days whose records went from the copy.
    var deleted: [CalendarDay] = []
  }

  /// DEST is new, empty, or a copy of this log, and lies nowhere in the archive.
  private func prepare(_ to: String) throws {
    // Where DEST does not exist yet its parent says where it will lie.
    let there = access(to, F_OK) == 0 ? to : Disk.parent(to)
    guard let source = Self.real(log.archive.path), let target = Self.real(there) else { throw ArchiveError("realpath", there) }
    let inside = (target + "/").hasPrefix(source + "/")
    guard !inside, there != to || !(source + "/").hasPrefix(target + "/") else {
      throw Refusal(.usage, "\(to) and the archive lie in each other")
    }
    if mkdir(to, 0o700) != 0 {
      guard errno == EEXIST else { throw ArchiveError("mkdir", to) }
      let names = try folderEntries(to)?.map(\.name).filter { $0 != Layout.lostAndFound && !Layout.isTemporary($0) } ?? []
      if !names.isEmpty {
        guard names.contains(Layout.log), try ArchiveFolder(to).logBytes() == log.archive.logBytes() else {
          throw Refusal(.noAnswer, "\(to) holds something else than a copy of this log", hint: "name a new or empty folder")
        }
      }
    }
  }

  private static func real(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(cString: resolved)
  }

  private func copyIdentity(_ to: String, _ written: inout Written) throws {
    let there = to + "/" + Layout.log
    if access(there, F_OK) != 0 { try place(log.archive.logBytes(), there, &written) }
    try Disk.makeFolder(to + "/" + Layout.days, orExisting: true)
  }

  /// The seals' files, of signed seals only, each day's. Newest day first; see above.
  private func sealsThere(_ days: [CalendarDay]) throws -> [CalendarDay: [String]] {
    var newest: [CalendarDay: Set<Int>] = [:]
    for day in days.reversed() {
      let names = try sealNames(day)
      newest[day] = Set(names.compactMap { if case (let n, .signature)? = Layout.sealFile($0) { n } else { nil } })
    }
    // A second look: a folder is not listed at one instant, and a seal lists tokens that came before it.
    var out: [CalendarDay: [String]] = [:]
    for day in days {
      out[day] = try sealNames(day).filter { name in Layout.sealNumber(name).map { newest[day]?.contains($0) ?? false } ?? false }
    }
    return out
  }

  private func sealNames(_ day: CalendarDay) throws -> [String] {
    let folder = log.archive.day(day)
    return try folderEntries(folder.path(Layout.seals), name: folder.name(Layout.seals))?.filter {
      $0.kind == .file && Layout.sealFile($0.name) != nil
    }
    .map(\.name) ?? []
  }

  private func copy(_ day: CalendarDay, seals: [String], _ to: String, _ written: inout Written) throws {
    let from = log.archive.day(day)
    let target = ArchiveFolder(to).day(day)
    let before = written.bytes
    try Disk.makeFolder(target.path, orExisting: true)
    try Disk.makeFolder(target.path(Layout.seals), orExisting: true)
    for name in seals {
      let path = Layout.path(Layout.seals, name)
      if access(target.path(path), F_OK) != 0 { try copyFile(from.path(path), target.path(path), &written) }
    }
    if access(target.path(Layout.salt), F_OK) != 0 { try copyIfThere(from.path(Layout.salt), target.path(Layout.salt), &written) }
    if try from.isDeleted(), try !target.isDeleted() {
      if try mayGo(day) {
        for tail in try target.tails() { try Disk.remove(target.path(Layout.tail(first: tail))) }
        try Disk.remove(target.path(Layout.records))
        try Disk.remove(target.path(Layout.salt))
        try Disk.syncFolder(target.path)
        written.deleted.append(day)
      }
      return
    }
    let tails = try from.tails()
    for tail in tails {
      // Its records are in a block already where it is gone.
      try copyIfThere(from.path(Layout.tail(first: tail)), target.path(Layout.tail(first: tail)), whole: .lines, &written)
    }
    try copyIfThere(from.path(Layout.records), target.path(Layout.records), whole: .members, &written)
    // Tails of an older copy, whose records are in blocks by now.
    for old in try target.tails() where !tails.contains(old) { try Disk.remove(target.path(Layout.tail(first: old))) }
    if written.bytes > before, written.firstDay == nil { written.firstDay = day }
  }

  /// Whether retention may have deleted a day: what the newest seal says. Records that are gone for another reason stay in
  /// the copy, which is then their only place.
  private func mayGo(_ day: CalendarDay) throws -> Bool {
    guard let newest = try SealStore(log.archive).newest() else { return false }
    return newest.keptFrom > day && !newest.holds(day)
  }

  private func copyValidation(_ to: String, _ written: inout Written) throws {
    guard let entries = try folderEntries(log.archive.path(Layout.validation), name: Layout.validation) else { return }
    let folder = to + "/" + Layout.validation
    try Disk.makeFolder(folder, orExisting: true)
    for entry in entries where entry.kind == .file && Layout.isValidation(entry.name) && access(folder + "/" + entry.name, F_OK) != 0 {
      try copyFile(log.archive.path(Layout.validation) + "/" + entry.name, folder + "/" + entry.name, &written)
    }
  }

  // MARK: - Files

  /// What may be cut off at the end of a file that grows.
  private enum Unit { case file, lines, members }

  private func copyIfThere(_ from: String, _ to: String, whole: Unit = .file, _ written: inout Written) throws {
    do throws(ArchiveError) { try copyFile(from, to, whole: whole, &written) } catch {
      guard error.code == ENOENT else { throw error }
    }
  }

  /// Places a copy, unless the same bytes are there already.
  private func copyFile(_ from: String, _ to: String, whole: Unit = .file, _ written: inout Written) throws(ArchiveError) {
    let source = try RegularFile(from)
    var size = try source.size()
    switch whole {
    case .file: break
    case .lines: size = try Self.endOfLines(source, size)
    case .members: size = try Self.endOfMembers(source, size)
    }
    if try Self.isSame(source, to, size) { return }
    let temporary = Layout.temporary(to)
    try Disk.remove(temporary)
    let file = try Disk.create(temporary)
    do throws(ArchiveError) {
      defer { close(file) }
      try Self.each(source, size) { part, offset throws(ArchiveError) in try Disk.write(file, part, at: offset, path: temporary) }
      try Disk.sync(file, path: temporary)
    } catch {
      unlink(temporary)
      throw error
    }
    try Disk.rename(temporary, to)
    try Disk.syncFolder(Disk.parent(to))
    written.bytes += size
  }

  private func place(_ bytes: [UInt8], _ to: String, _ written: inout Written) throws(ArchiveError) {
    try Disk.place(bytes, at: to)
    written.bytes += bytes.count
  }

  private static func each(
    _ file: borrowing RegularFile, _ size: Int, _ body: (UnsafeRawBufferPointer, Int) throws(ArchiveError) -> Void
  ) throws(ArchiveError) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
    defer { buffer.deallocate() }
    var offset = 0
    while offset < size {
      let n = try file.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[0..<min(buffer.count, size - offset)]), at: offset)
      guard n > 0 else { throw ArchiveError(.missing, file.name, "became shorter while it was copied") }
      try body(UnsafeRawBufferPointer(rebasing: buffer[0..<n]), offset)
      offset += n
    }
  }

  private static func isSame(_ source: borrowing RegularFile, _ to: String, _ size: Int) throws(ArchiveError) -> Bool {
    if access(to, F_OK) != 0 { return false }
    let there = try RegularFile(to)
    guard try there.size() == size else { return false }
    let half = 1 << 18
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 2 * half, alignment: 16)
    defer { buffer.deallocate() }
    var offset = 0
    while offset < size, let base = buffer.baseAddress {
      let count = min(half, size - offset)
      let n = try source.read(into: UnsafeMutableRawBufferPointer(start: base, count: count), at: offset)
      let m = try there.read(into: UnsafeMutableRawBufferPointer(start: base + half, count: count), at: offset)
      guard n == count, m == count, memcmp(base, base + half, count) == 0 else { return false }
      offset += count
    }
    return true
  }

  /// Behind the last LF: a line that is being written is not copied.
  private static func endOfLines(_ file: borrowing RegularFile, _ size: Int) throws(ArchiveError) -> Int {
    var end = size
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while end > 0 {
      let start = max(0, end - buffer.count)
      var failure: ArchiveError?
      let n = buffer.withUnsafeMutableBytes { bytes in
        do throws(ArchiveError) {
          return try file.read(into: UnsafeMutableRawBufferPointer(rebasing: bytes[0..<end - start]), at: start)
        } catch {
          failure = error
          return 0
        }
      }
      if let failure { throw failure }
      if let last = buffer[0..<n].lastIndex(of: 0x0a) { return start + last + 1 }
      end = start
    }
    return 0
  }

  /// Behind the last whole member; a member that is being written is in a tail, which is copied already.
  private static func endOfMembers(_ file: borrowing RegularFile, _ size: Int) throws(ArchiveError) -> Int {
    var end = 0
    var header = [UInt8](repeating: 0, count: Block.headerBytes)
    while size - end >= Block.headerBytes {
      var failure: ArchiveError?
      header.withUnsafeMutableBytes { bytes in
        do throws(ArchiveError) { _ = try file.read(into: bytes, at: end) } catch { failure = error }
      }
      if let failure { throw failure }
      // What is no member is copied as it is: a copy must not hide it from the verifier.
      guard let length = try? Block.length(header: header.span) else { return size }
      guard length <= size - end else { return end }
      end += length
    }
    return end
  }

  // MARK: - Checking

  /// The new part of the copy, as the auditor's verifier sees it. Trust is the auditor's: nobody here says which
  /// certificates count, so what rests on trust, and on days that were not copied now, does not lower the result.
  private func verify(_ copy: ArchiveFolder, from: CalendarDay?) throws -> Finding.Result {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    var options = VerifierOptions(asOf: Int64(now.tv_sec) * Timestamp.second)
    options.from = from
    progress("checking the copy")
    let report = try Verifier.verify(copy.path, options)
    let last = report.days.last?.day
    let all = report.findings + report.days.flatMap(\.findings)
    return all.filter { finding in
      switch finding.what {
      case .untrusted, .late, .stale, .recordsNotChecked: false
      // The day that is being written has records after its last seal in every copy.
      case .unsealed: finding.day != last
      default: true
      }
    }.map(\.what.result).max() ?? .ok
  }
}
