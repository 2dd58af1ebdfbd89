import Archive
import Record

/// The records of one day against its seals. Knows nothing of other days, so that several are checked at once; what it
/// holds in memory is a block or two.
struct RecordsCheck: Sendable {
  let root: String
  /// Seen from `root`; `.` where it is the root itself.
  let folder: String
  let day: CalendarDay
  /// Those that can be read, in order, and where each lies.
  let seals: [Seal]
  let places: [String]
  /// Whether the last of them closes the day.
  let isFinal: Bool

  /// What came of it.
  struct Outcome: Sendable {
    var findings: [Finding]
    /// Records and bytes; nil where they cannot be read to their end.
    var counted: (records: Int, bytes: Int)?
    /// The archive cannot be read, which is no fault of it.
    var failure: ArchiveError?
  }

  func run(_ progress: ProgressCounter?) -> Outcome {
    let reading = RecordsReading(self, progress)
    defer { progress?.finishedDay() }
    var failure: ArchiveError?
    do throws(ArchiveError) { try reading.run() } catch { failure = error }
    return Outcome(findings: reading.findings.all, counted: reading.counted, failure: failure)
  }
}

/// One thread's work on one day.
private final class RecordsReading {
  private let root: String
  private let folder: String
  private let day: CalendarDay
  private let seals: [Seal]
  private let places: [String]
  private let isFinal: Bool
  private let progress: ProgressCounter?
  var findings = Findings()
  var counted: (records: Int, bytes: Int)?

  init(_ check: RecordsCheck, _ progress: ProgressCounter?) {
    (root, folder, day, seals, places, isFinal) = (check.root, check.folder, check.day, check.seals, check.places, check.isFinal)
    self.progress = progress
  }

  private func path(_ file: String) -> String { folder == "." ? file : folder + "/" + file }

  private func saltBytes() throws(ArchiveError) -> [UInt8]? {
    do throws(ArchiveError) { return try RegularFile.bytes(root + "/" + path(Layout.salt), name: path(Layout.salt), limit: 1 << 16) } catch
    {
      try findings.add(error, day)
      return nil
    }
  }

  func run() throws(ArchiveError) {
    let sealed = seals.map(\.records).max() ?? 0
    let saltBytes = try self.saltBytes()
    let salt = saltBytes.flatMap { DaySalt(fileBytes: $0.span) }
    if saltBytes != nil, salt == nil { findings.add(.malformed, day, path(Layout.salt), "not 64 hexadecimal digits and LF") }
    let saltDigest = salt.map { SHA256.hash($0.fileBytes) }

    let dayFolder = DayFolder(root: root, name: folder)
    let audit = DayAudit(dayFolder, isFinal: isFinal, sealedRecords: sealed, sealedBytes: isFinal ? seals.last?.bytes : nil)
    let digest = DayDigest(salt: salt)
    var next = 0
    var surplus = false
    var malformed = 0

    func compareDue() {
      while next < seals.count, seals[next].records <= digest.records {
        // One that covers fewer than the seal before it is a fault of the chain.
        if seals[next].records == digest.records {
          compare(seals[next], digest.snapshot(), saltDigest, day, places[next])
        }
        next += 1
      }
    }

    compareDue()
    var failure: ArchiveError?
    do {
      try audit.forEach { number, line in
        if isFinal, number >= sealed {
          surplus = true
          return false
        }
        var time: Timestamp?
        do throws(Malformed) { time = try RecordCheck.time(line) } catch {
          malformed += 1
          if malformed <= Self.malformedRecordsNamed {
            findings.add(.malformed, day, "\(folder) record \(number)", "\(error)")
          }
        }
        digest.add(line, time: time)
        if next < seals.count { compareDue() }
        if let progress, number & 0xffff == 0xffff { progress.read(0x10000) }
        return true
      }
    } catch let error as ArchiveError {
      failure = error
    } catch {
      preconditionFailure("only the archive throws here")
    }
    progress?.read(digest.records & 0xffff)
    for fault in audit.faults { try findings.add(fault, day) }
    if malformed > Self.malformedRecordsNamed {
      findings.add(.malformed, day, folder, "\(malformed - Self.malformedRecordsNamed) more records")
    }
    if let failure { return try findings.add(failure, day) }
    counted = (digest.records, digest.snapshot().bytes)
    while next < seals.count {
      findings.add(.missing, day, places[next], "\(digest.records) records are here, the seal covers \(seals[next].records)")
      next += 1
    }
    if surplus {
      findings.add(.extra, day, folder, "more records than the \(sealed) that the final seal covers")
    } else if !isFinal, digest.records > sealed {
      findings.add(.unsealed, day, folder, "records \(sealed) to \(digest.records - 1) are not sealed yet")
    }
  }

  /// So many malformed records of a day are named one by one.
  private static let malformedRecordsNamed = 100

  private func compare(_ seal: Seal, _ state: DayState, _ saltDigest: Digest?, _ day: CalendarDay, _ place: String) {
    var differs: [String] = []
    if seal.bytes != state.bytes { differs.append("bytes") }
    if seal.sha256 != state.sha256 { differs.append("sha256") }
    if let root = state.root, seal.root != root { differs.append("root") }
    if let saltDigest, seal.saltSHA256 != saltDigest { differs.append("salt_sha256") }
    if seal.earliest?.microseconds != state.earliest?.microseconds { differs.append("earliest") }
    if seal.latest?.microseconds != state.latest?.microseconds { differs.append("latest") }
    if !differs.isEmpty { findings.add(.changed, day, place, "differs from the records: \(differs.joined(separator: ", "))") }
  }
}
