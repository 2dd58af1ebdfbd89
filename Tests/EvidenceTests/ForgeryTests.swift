import Archive
import Glibc
import Record
import TestSupport
import Testing

@testable import Evidence

/// What somebody with the log server in his hands may try. The first four are the holes that were found in the sealing of
/// systemd's journal.
@Suite struct ForgeryTests {
  private let days = 4

  /// A log of some closed days, each with records, and its verifier's options.
  private func log() throws -> (OwnLog, VerifierOptions) {
    let log = try OwnLog()
    for back in (0..<days).reversed() { try log.closedDay(log.day.adding(days: -back), records: 1500) }
    return (log, try log.options())
  }

  private func bytes(_ path: String) throws -> [UInt8] { try RegularFile.bytes(path, limit: 1 << 26) }

  /// Writes anew what stands sealed, with another content, signed by whoever is given.
  private func forge(_ log: OwnLog, _ number: Int, _ day: CalendarDay, by signer: Signer, _ change: (inout Seal) -> Void) throws {
    let store = SealStore(log.archive)
    var seal = try store.seal(number, day)
    change(&seal)
    let json = seal.fileBytes
    try Disk.place(json, at: store.path(number, day, .json), replacing: true)
    let p7s = try Signature.sign(json, signer.identity.key, signer.certificate)
    try Disk.place(p7s, at: store.path(number, day, .signature), replacing: true)
    let token = try LocalAuthority(name: "local", identity: log.keys.authority()).stamp(p7s)
    try Disk.place(token, at: store.path(number, day, .token(authority: "local")), replacing: true)
  }

  @Test("hole 1: cut a day's end off and go on as if nothing had been there")
  func truncate() throws {
    let (log, options) = try log()
    let day = log.day.adding(days: -1)
    let path = log.archive.day(day).path(Layout.records)
    let whole = try bytes(path)
    // After the first member, a block of 1,024.
    let first = (0..<4).reduce(0) { $0 | Int(whole[16 + $1]) << (8 * $1) }
    try Disk.place(Array(whole[..<first]), at: path, replacing: true)
    try log.closedDay(log.day.adding(days: 1), records: 5)
    let report = try Verifier.verify(log.archive.path, options)
    #expect(report.result == .broken)
    #expect(report.days.first { $0.day == day }?.findings.map(\.what) == [.missing])
  }

  @Test("hole 2: seal an old day again with the key of today")
  func sealAgain() throws {
    let (log, options) = try log()
    let day = log.day.adding(days: -2)
    try forge(log, 2, day, by: Signer(log.keys.signer())) { $0.dropped = 7 }
    let report = try Verifier.verify(log.archive.path, options)
    #expect(report.result == .broken)
    // The seal behind it names another, and the token listed there is another.
    #expect(report.kinds.isSuperset(of: ["chain", "changed"]))
  }

  @Test("hole 2, whole: make the whole chain again; a head line that left the machine still tells")
  func chainAgain() throws {
    let (log, options) = try log()
    let other = try madeAgain(log)
    let heads = try Verifier.verify(log.archive.path, options).head.map { [$0] } ?? []
    // The same log by name and id, the same keys, other records.
    let forged = try Verifier.verify(other, options)
    #expect(forged.kinds.isDisjoint(with: ["chain", "changed", "missing", "signature", "token"]))
    // Without a witness only the late tokens show it; with one it is a fork.
    #expect(forged.kinds.contains("late"))
    var witnessed = options
    witnessed.heads = heads
    #expect(try Verifier.verify(other, witnessed).kinds.contains("fork"))
  }

  /// Another archive of the same log, made with its keys.
  private func madeAgain(_ log: OwnLog) throws -> String {
    let path = log.scratch.path + "/forged"
    let archive = ArchiveFolder(path)
    try Disk.makeFolder(path)
    try Disk.makeFolder(archive.path(Layout.days))
    try Disk.place(log.archive.logBytes(), at: archive.path(Layout.log))
    unlink(log.keys.path(.lastSeal))
    let forger = OwnLog(archive, of: log, sealer: try OwnLog.sealer(archive, log.keys))
    for back in (0..<days).reversed() { try forger.closedDay(log.day.adding(days: -back), records: 1400) }
    return path
  }

  @Test("hole 3: what is not sealed passes for good")
  func unsealed() throws {
    let (log, options) = try log()
    // Records that no seal covers.
    let day = log.day.adding(days: 1)
    let folder = log.archive.day(day)
    for path in [folder.path, folder.path(Layout.seals)] { try Disk.makeFolder(path) }
    try Disk.place(DaySalt.random().fileBytes, at: folder.path(Layout.salt))
    let line = "{\"time\":\"\(Timestamp(microseconds: log.now, offsetMinutes: 180))\",\"via\":\"udp\",\"raw\":\"x\"}\n"
    try Disk.place(Array(line.utf8), at: folder.path(Layout.tail(first: 0)))
    let report = try Verifier.verify(log.archive.path, options)
    #expect(report.result == .unproven && report.kinds.contains("unsealed"))
    // A day whose seals are gone, an archive whose seals are all gone.
    let closed = log.archive.day(log.day.adding(days: -1)).path(Layout.seals)
    for entry in try folderEntries(closed) ?? [] { unlink(closed + "/" + entry.name) }
    #expect(try Verifier.verify(log.archive.path, options).result == .broken)
    for back in 0..<days {
      let seals = log.archive.day(log.day.adding(days: -back)).path(Layout.seals)
      for entry in try folderEntries(seals) ?? [] { unlink(seals + "/" + entry.name) }
    }
    let bare = try Verifier.verify(log.archive.path, options)
    #expect(bare.result == .unproven && bare.kinds.contains("unsealed"))
  }

  @Test("hole 4: the wrong key passes for the right one")
  func wrongKey() throws {
    let (log, options) = try log()
    let stranger = try OwnLog()
    var wrong = options
    wrong.signer = try stranger.options().signer
    #expect(try Verifier.verify(log.archive.path, wrong).kinds.subtracting(["late"]) == ["untrusted"])
    wrong = options
    wrong.tsa = try stranger.options().tsa
    #expect(try Verifier.verify(log.archive.path, wrong).kinds == ["untrusted"])
    // A day that a stranger sealed, under the right name.
    let day = log.day
    try forge(log, days, day, by: Signer(stranger.keys.signer())) { $0.signer = stranger.fingerprints.signer }
    #expect(try Verifier.verify(log.archive.path, options).kinds.isSuperset(of: ["untrusted", "signer-changed"]))
    // And one that says that it was the right one.
    try forge(log, days, day, by: Signer(stranger.keys.signer())) { $0.signer = log.fingerprints.signer }
    #expect(try Verifier.verify(log.archive.path, options).kinds.contains("signature"))
  }

  @Test("records may go once a signed seal permits it, and not before it is signed")
  func unsignedPermission() throws {
    var (log, options) = try log()
    options.retention = Timestamp.day
    let first = log.day.adding(days: 1 - days)
    try forge(log, days, log.day, by: Signer(log.keys.signer())) { $0.keptFrom = log.day.adding(days: -1) }
    for name in [Layout.records, Layout.salt] { unlink(log.archive.day(first).path(name)) }
    #expect(try Verifier.verify(log.archive.path, options).kinds.subtracting(["late"]) == ["deleted"])
    // What a crash would leave of that seal.
    for file in [Layout.SealFile.signature, .token(authority: "local")] { unlink(SealStore(log.archive).path(days, log.day, file)) }
    let report = try Verifier.verify(log.archive.path, options)
    #expect(report.kinds.subtracting(["late"]) == ["deleted-early", "unsealed"])
    #expect(report.days.first { $0.day == first }?.result == .broken)
  }

  @Test("certificates that ended long ago: what they vouched for while they were valid still holds, and nothing later does")
  func expired() throws {
    let log = try OwnLog()
    let scratch = log.scratch.path
    // A signer and an authority for one day only.
    func make(_ name: String, _ use: String) {
      let options = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=\(name) -addext \(use)"
      #expect(run("openssl req -x509 \(options) -keyout \(scratch)/\(name).key -out \(scratch)/\(name).crt") == 0)
    }
    make("signer", "keyUsage=critical,digitalSignature")
    make("authority", "extendedKeyUsage=critical,timeStamping -addext basicConstraints=critical,CA:FALSE")
    func identity(_ name: String) throws -> Identity {
      try Identity(keyPEM: bytes("\(scratch)/\(name).key"), certificatePEM: bytes("\(scratch)/\(name).crt"))
    }
    log.sealer = try OwnLog.sealer(
      log.archive, log.keys, [LocalAuthority(name: "local", identity: identity("authority"))], signer: Signer(identity("signer")))
    try log.closedDay(log.day, records: 3)
    var options = try log.options()
    options.signer = try Trust(pem: bytes("\(scratch)/signer.crt"))
    options.tsa = try Trust(pem: bytes("\(scratch)/authority.crt"))
    #expect(try Verifier.verify(log.archive.path, options).result == .ok)
    // Twelve years later the log has ended, and that is all there is to say.
    options.asOf += 12 * 365 * Timestamp.day
    #expect(try Verifier.verify(log.archive.path, options).kinds == ["stale"])
  }
}

/// Any one byte of an archive, changed.
@Suite struct AnyByteTests {
  /// Why a changed byte may be without meaning.
  enum Free: String { case gzipHeader, deflateEnd, newestToken }

  /// A small log: two closed days and an open one with a tail, twice sealed.
  static func make() throws -> (OwnLog, VerifierOptions) {
    let log = try OwnLog()
    for back in [2, 1] { try log.closedDay(log.day.adding(days: -back), records: 4) }
    try log.closedDay(log.day, records: 3)
    return (log, try log.options())
  }

  /// MTIME, XFL and OS of RFC 1952 carry nothing here; nor do the bits behind the end of the deflate data in its last byte.
  private static func free(_ i: Int, _ file: String, _ bytes: [UInt8], newest: Int) -> Free? {
    if file.hasSuffix(Layout.seal(newest, .token(authority: "local"))) { return .newestToken }
    guard file.hasSuffix(Layout.records) else { return nil }
    var start = 0
    while start + 20 <= bytes.count {
      let length = (0..<4).reduce(0) { $0 | Int(bytes[start + 16 + $1]) << (8 * $1) }
      if i < start + length { return (4...9).contains(i - start) ? .gzipHeader : i == start + length - 9 ? .deflateEnd : nil }
      start += length
    }
    return nil
  }

  @Test("is found, or has no meaning and changes no verdict")
  func anyByte() throws {
    let (log, options) = try Self.make()
    let good = try Verifier.verify(log.archive.path, options)
    #expect(good.kinds.isSubset(of: ["late"]))
    let newest = log.sealer.newest?.number ?? 0
    let files = try Small.files(log.archive.path)
    // MUHUR_EXHAUSTIVE=1: every byte, some minutes; else another choice each time.
    let isExhaustive = getenv("MUHUR_EXHAUSTIVE") != nil
    let seed = UInt64.random(in: 0 ... .max)
    var random = seed
    func next(_ below: Int) -> Int {
      random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(random >> 33) % below
    }
    for file in files {
      let path = log.archive.path + "/" + file
      let whole = try RegularFile.bytes(path, limit: 1 << 20)
      guard !whole.isEmpty else { continue }
      let places = isExhaustive ? Array(whole.indices) : [0, whole.count - 1] + (0..<6).map { _ in next(whole.count) }
      for i in places {
        var bad = whole
        bad[i] ^= UInt8(1 + next(255))
        try Disk.place(bad, at: path, replacing: true)
        let report = try Verifier.verify(log.archive.path, options)
        if report.result == .broken { continue }
        let why = Self.free(i, file, whole, newest: newest)
        switch why {
        case .gzipHeader?, .deflateEnd?:
          #expect(report.all.map(\.what) == good.all.map(\.what) && report.head == good.head, "seed \(seed): \(file) byte \(i): \(bad[i])")
        case .newestToken?:
          // No later seal lists it; of a response only what the authority signs is protected. What is not counts for nothing.
          #expect(
            report.head == good.head && report.kinds.isSubset(of: ["late", "untrusted", "no-token"]), "seed \(seed): \(file) byte \(i)")
        case nil: Issue.record("seed \(seed): \(file) byte \(i) \(whole[i]) -> \(bad[i]): \(report.result) \(report.kinds)")
        }
      }
      try Disk.place(whole, at: path, replacing: true)
    }
  }
}

/// A Python that has the modules: Debian's packages are seen by Debian's Python alone.
private let interpreter = (["python3", "/usr/bin/python3"] as [String]).first { run("\($0) -c 'import asn1crypto, cryptography'") == 0 }

/// Programs that are not ours read what we make.
@Suite struct IndependentTests {
  @Test(
    "signature and token hold for asn1crypto and cryptography as they do for us",
    .enabled(if: interpreter != nil))
  func python() throws {
    let log = try OwnLog()
    try log.closedDay(log.day, records: 3)
    let base = log.archive.day(log.day).path(Layout.seals) + "/00000001"
    let program = Corpus.package + "/Tests/Programs/independent.py"
    let (signer, tsa) = (log.keys.path(.signerCertificate), log.keys.path(.authorityCertificate))
    #expect(run("\(interpreter ?? "") \(program) \(base).json \(base).p7s \(base).local.tsr \(signer) \(tsa)") == 0)
    // The test can fail: other bytes, another certificate.
    #expect(run("\(interpreter ?? "") \(program) \(base).p7s \(base).p7s \(base).local.tsr \(signer) \(tsa)") != 0)
    #expect(run("\(interpreter ?? "") \(program) \(base).json \(base).p7s \(base).local.tsr \(tsa) \(tsa)") != 0)
  }

  @Test(
    "a token of an authority with a root holds there too",
    .enabled(if: interpreter != nil))
  func remote() throws {
    let scratch = try ScratchFolder()
    let server = try TestAuthority(scratch.path + "/authority")
    let address = try #require(WebAddress(server.http + "/ok"))
    let log = try OwnLog(authorities: [RemoteAuthority(name: "far", address: address, account: .anybody, trustFile: server.trust)])
    try log.closedDay(log.day, records: 3)
    let base = log.archive.day(log.day).path(Layout.seals) + "/00000001"
    let program = Corpus.package + "/Tests/Programs/independent.py"
    #expect(
      run("\(interpreter ?? "") \(program) \(base).json \(base).p7s \(base).far.tsr \(log.keys.path(.signerCertificate)) \(server.trust)")
        == 0)
  }
}
