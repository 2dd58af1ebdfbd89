import Archive
import Glibc
import Record
import Synchronization
import TestSupport
import Testing

@testable import Evidence

/// A log made by our own code: keys, days, seals, tokens.
final class OwnLog {
  let scratch: ScratchFolder
  let archive: ArchiveFolder
  let keys: KeyFolder
  let fingerprints: KeyFolder.Fingerprints
  var sealer: Sealer
  var now = Int64(time(nil)) * Timestamp.second

  init(authorities: [any TimeStampAuthority]? = nil) throws {
    scratch = try ScratchFolder()
    archive = ArchiveFolder(scratch.path + "/archive")
    keys = KeyFolder(scratch.path + "/keys")
    fingerprints = try keys.create(log: "efeler.bel.tr")
    try Disk.makeFolder(archive.path)
    try Disk.makeFolder(archive.path(Layout.days))
    let log = LogIdentity(name: "efeler.bel.tr", timezone: "Europe/Istanbul", created: Timestamp(microseconds: now, offsetMinutes: 180))
    try Disk.place(log.fileBytes, at: archive.path(Layout.log))
    sealer = try Self.sealer(archive, keys, authorities)
  }

  /// Another archive in the hands of somebody who has the keys.
  init(_ archive: ArchiveFolder, of log: OwnLog, sealer: Sealer) {
    (scratch, keys, fingerprints, now) = (log.scratch, log.keys, log.fingerprints, log.now)
    self.archive = archive
    self.sealer = sealer
  }

  static func sealer(
    _ archive: ArchiveFolder, _ keys: KeyFolder, _ authorities: [any TimeStampAuthority]? = nil, signer: Signer? = nil
  ) throws -> Sealer {
    try Sealer(
      archive, keys: keys, signer: try signer ?? Signer(try keys.signer()),
      authorities: authorities ?? [LocalAuthority(name: "local", identity: try keys.authority())], stampsEvery: true, software: "test")
  }

  var day: CalendarDay { Timestamp(microseconds: now, offsetMinutes: 180).localDay }

  /// Writes a day of that many records and seals it.
  @discardableResult func closedDay(_ day: CalendarDay, records: Int) throws -> Seal {
    let folder = archive.day(day)
    try Disk.makeFolder(folder.path)
    try Disk.makeFolder(folder.path(Layout.seals))
    let salt = DaySalt.random()
    try Disk.place(salt.fileBytes, at: folder.path(Layout.salt))
    let digest = DayDigest(salt: salt)
    let file = try Disk.create(folder.path(Layout.records))
    defer { close(file) }
    let blocks = BlockWriter()
    var offset = 0
    blocks.begin(file, at: 0, path: "records")
    for i in 0..<records {
      let time = Timestamp(microseconds: now + Int64(i), offsetMinutes: 180)
      let line = Array("{\"time\":\"\(time)\",\"via\":\"udp\",\"raw\":\"<30>message \(i)\"}".utf8)
      digest.add(line.span)
      try blocks.append(line.span)
      if blocks.records == Block.records {
        offset += try blocks.finish()
        blocks.begin(file, at: offset, path: "records")
      }
    }
    if blocks.records > 0 || offset == 0 { _ = try blocks.finish() }
    return try sealer.seal(
      Sealer.Statement(
        day: day, isFinal: true, state: digest.snapshot(), salt: salt, dropped: 0, made: Timestamp(microseconds: now, offsetMinutes: 180),
        clock: Seal.Clock(isSynchronised: true, errorMicroseconds: 100)))
  }

  func options() throws -> VerifierOptions {
    var options = VerifierOptions(asOf: now)
    options.signer = try Trust(pem: RegularFile.bytes(keys.path(.signerCertificate), limit: 1 << 16))
    options.tsa = try Trust(pem: RegularFile.bytes(keys.path(.authorityCertificate), limit: 1 << 16))
    return options
  }

  func verify() throws -> VerifierReport { try Verifier.verify(archive.path, options()) }
}

/// An authority that never answers.
struct SilentAuthority: TimeStampAuthority {
  struct Silence: Error {}
  var name: String
  func stamp(_ p7s: [UInt8]) throws -> [UInt8] { throw Silence() }
}

@Suite struct SealingTests {
  @Test("what we seal verifies, by ourselves and by openssl alone")
  func openssl() throws {
    let log = try OwnLog()
    try log.closedDay(log.day.adding(days: -2), records: 1500)
    try log.closedDay(log.day.adding(days: -1), records: 0)
    let seal = try log.closedDay(log.day, records: 3)
    let report = try log.verify()
    // Two days are sealed only now.
    #expect(report.kinds.isSubset(of: ["late"]))
    #expect(report.days.last?.result == .ok)
    #expect(report.days.last?.authority == "Mühür local authority, efeler.bel.tr")
    #expect(report.days.last?.signer == log.fingerprints.signer.description)
    #expect(report.head == log.sealer.head(of: seal))
    let base = log.archive.day(log.day).path(Layout.seals) + "/00000003"
    let tsa = log.keys.path(.authorityCertificate)
    let signer = log.keys.path(.signerCertificate)
    #expect(run("openssl ts -verify -data \(base).p7s -in \(base).local.tsr -CAfile \(tsa) -partial_chain") == 0)
    let cms = "openssl cms -verify -cades -binary -inform DER -in \(base).p7s -purpose any -partial_chain -out /dev/null"
    #expect(run("\(cms) -content \(base).json -CAfile \(signer)") == 0)
    #expect(run("\(cms) -content \(base).p7s -CAfile \(signer)") != 0)
    #expect(run("\(cms) -content \(base).json -CAfile \(tsa)") != 0)
    for (file, mode) in [(log.keys.path, 0o700), (log.keys.path(.signerKey), 0o600), (log.keys.path(.authorityKey), 0o600)]
      as [(String, mode_t)]
    {
      var status = stat()
      #expect(stat(file, &status) == 0 && status.st_mode & 0o777 == mode, "\(file)")
    }
  }

  @Test("keys are never overwritten")
  func keysOnce() throws {
    let log = try OwnLog()
    #expect(throws: ArchiveError.self) { try log.keys.create(log: "x") }
    #expect(
      try SHA256.hash(Certificate.pem(RegularFile.bytes(log.keys.path(.signerCertificate), limit: 9999))[0].der) == log.fingerprints.signer)
  }

  @Test("a sealer that comes back goes on with the chain, and lists the tokens that came since")
  func resumed() throws {
    let log = try OwnLog()
    try log.closedDay(log.day.adding(days: -1), records: 5)
    log.sealer = try OwnLog.sealer(log.archive, log.keys)
    let second = try log.closedDay(log.day, records: 5)
    #expect(second.number == 2)
    #expect(second.tokens.map(\.file) == ["00000001.local.tsr"])
    #expect(try log.verify().kinds.isSubset(of: ["late"]))
  }

  @Test("a seal whose authority is silent stands signed, says so, and is stamped later without a new seal")
  func silent() throws {
    let log = try OwnLog(authorities: [SilentAuthority(name: "far")])
    try log.closedDay(log.day, records: 5)
    #expect(log.sealer.waiting.map(\.number) == [1])
    #expect(log.sealer.lastErrors.keys.sorted() == ["far"])
    #expect(try log.verify().kinds == ["no-token"])
    log.sealer = try OwnLog.sealer(log.archive, log.keys)
    #expect(log.sealer.stampWaiting())
    #expect(try log.verify().result == .ok)
  }

  @Test("the second authority is asked where the first is silent")
  func second() throws {
    let log = try OwnLog()
    log.sealer = try OwnLog.sealer(
      log.archive, log.keys, [SilentAuthority(name: "far"), LocalAuthority(name: "near", identity: try log.keys.authority())])
    try log.closedDay(log.day, records: 5)
    #expect(try log.sealer.tokens(1, log.day) == ["near"])
    #expect(try log.verify().result == .ok)
  }

  @Test("every write, sync and rename of a seal may fail: what stands is never broken, and the next attempt finishes it")
  func faults() throws {
    // How many operations a seal takes.
    for n in 0..<40 {
      let log = try OwnLog()
      try log.closedDay(log.day.adding(days: -1), records: 2)
      let prefix = log.scratch.path
      let count = Counter()
      Disk.setFault(under: prefix) { _, path in
        let isSeals = path.contains("00000002") || path.hasSuffix("/seals") || path.contains("last-seal")
        return isSeals && count.next() == n ? ENOSPC : nil
      }
      defer { Disk.setFault(under: prefix, nil) }
      let failed: Bool
      do {
        try log.closedDay(log.day, records: 2)
        failed = false
      } catch { failed = true }
      Disk.setFault(under: prefix, nil)
      // Whatever there is now, an auditor calls it unfinished at most.
      #expect(
        try log.verify().all.allSatisfy {
          $0.what.result != .broken || $0.place.hasSuffix(Layout.salt) || $0.place.hasSuffix(Layout.records)
        }, "operation \(n)")
      log.sealer = try OwnLog.sealer(log.archive, log.keys)
      try log.sealer.finishUnsigned()
      #expect(log.sealer.stampWaiting())
      if let newest = log.sealer.newest, newest.number == 2 { #expect(try log.verify().kinds.isSubset(of: ["late"]), "operation \(n)") }
      if !failed, count.value <= n { break }
    }
  }

  @Test("an archive put back from an older copy is refused, and so is another one")
  func older() throws {
    let log = try OwnLog()
    try log.closedDay(log.day.adding(days: -1), records: 2)
    let copy = try log.scratch.copy(log.archive.path, as: "copy")
    try log.closedDay(log.day, records: 2)
    #expect(throws: ArchiveError.self) { try OwnLog.sealer(ArchiveFolder(copy), log.keys) }
    _ = try OwnLog.sealer(log.archive, log.keys)
    try LastSeal(number: 2, p7s: SHA256.hash([])).write(log.keys)
    #expect(throws: ArchiveError.self) { try OwnLog.sealer(log.archive, log.keys) }
  }
}

final class Counter: Sendable {
  private let count = Atomic(0)
  var value: Int { count.load(ordering: .relaxed) }
  /// From 0.
  func next() -> Int { count.add(1, ordering: .relaxed).oldValue }
}
