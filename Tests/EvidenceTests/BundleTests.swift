import Archive
import Glibc
import Record
import TestSupport
import Testing

@testable import Evidence

@Suite struct BundleTests {
  private static func bundle(_ log: OwnLog, _ places: [(CalendarDay, Int)]) throws -> [UInt8] {
    var page = Page(title: "page")
    page.paragraph("a page")
    return try BundleMaking(log.archive, places.map { BundleMaking.Place(day: $0.0, record: $0.1) }).bytes(page: page.bytes)
  }

  /// The bundle with one entry changed, or without it, its checksums put right.
  private static func with(_ zip: Zip, _ name: String, _ change: ([UInt8]) -> [UInt8]?) throws -> [UInt8] {
    try #require(
      Zip.bytes(zip.entries.compactMap { entry in entry.name == name ? change(entry.content).map { Zip.Entry(name, $0) } : entry }))
  }

  @Test("a bundle verifies, says what was not checked, and openssl agrees")
  func good() throws {
    let log = try OwnLog()
    try log.closedDay(log.day.adding(days: -1), records: 1500)
    let seal = try log.closedDay(log.day, records: 3)
    let bytes = try Self.bundle(log, [(log.day, 2), (log.day.adding(days: -1), 1499), (log.day.adding(days: -1), 0)])
    var report = try Verifier.verify(bundle: bytes, called: "x.zip", log.options())
    #expect(report.kinds == ["chain-not-checked"])
    #expect(report.records?.map(\.record) == [0, 1499, 2])
    #expect(report.days.map(\.records) == [2, 1] && report.days.map(\.seals) == [1, 1])
    #expect(report.text().contains("not evidence") && report.text().contains("message 1499"))
    #expect(report.json["records"]?.array?.count == 3)
    report = try Verifier.verify(bundle: Self.bundle(log, [(log.day, 2)]), called: "x.zip", log.options())
    #expect(report.result == .ok && report.kinds == ["chain-not-checked"])
    let zip = try unzipped(Self.bundle(log, [(log.day, 2)]))
    let scratch = try ScratchFolder()
    for (name, file) in [("zd", "local.zd"), ("tsr", "local.tsr"), ("p7s", "p7s"), ("json", "json")] {
      try Disk.place(#require(zip["seals/0000000\(seal.number).\(file)"]), at: scratch.path + "/" + name)
    }
    let tsa = log.keys.path(.authorityCertificate)
    #expect(run("openssl ts -verify -data \(scratch.path)/p7s -in \(scratch.path)/tsr -CAfile \(tsa) -partial_chain") == 0)
    #expect(run("openssl ts -verify -data \(scratch.path)/p7s -token_in -in \(scratch.path)/zd -CAfile \(tsa) -partial_chain") == 0)
    #expect(zip.entries.map(\.name).filter { $0.hasPrefix("certificates/") }.count == 2)
  }

  @Test("trust comes from the auditor alone; head lines and the log's id are held against it")
  func asked() throws {
    let log = try OwnLog()
    let seal = try log.closedDay(log.day, records: 3)
    let bytes = try Self.bundle(log, [(log.day, 1)])
    func kinds(_ change: (inout VerifierOptions) -> Void) throws -> Set<String> {
      var options = try log.options()
      change(&options)
      return try Verifier.verify(bundle: bytes, called: "x.zip", options).kinds.subtracting(["chain-not-checked"])
    }
    let head = try #require(log.sealer.head(of: seal))
    #expect(try kinds { $0.signer = nil } == ["untrusted"])
    #expect(try kinds { $0.tsa = nil } == ["untrusted"])
    #expect(try kinds { $0.heads = [head] }.isEmpty)
    #expect(try kinds { $0.heads = [Head(log: head.log, number: 1, day: head.day, p7s: SHA256.hash([1]))] } == ["fork"])
    #expect(try kinds { $0.heads = [Head(log: String(repeating: "0", count: 32), number: 1, day: head.day, p7s: head.p7s)] } == ["fork"])
    #expect(try kinds { $0.log = String(repeating: "0", count: 32) } == ["fork"])
    #expect(try kinds { $0.from = head.day.adding(days: 5) }.isEmpty)
  }

  @Test("no byte of a bundle can be changed unnoticed")
  func everyByte() throws {
    let log = try OwnLog()
    try log.closedDay(log.day, records: 5)
    let bytes = try Self.bundle(log, [(log.day, 3)])
    let options = try log.options()
    let good = try Verifier.verify(bundle: bytes, called: "x.zip", options)
    #expect(good.result == .ok)
    var without = 0
    for i in bytes.indices {
      var changed = bytes
      changed[i] ^= 1 << UInt8(i % 8)
      let report = try Verifier.verify(bundle: changed, called: "x.zip", options)
      if report.result == .broken { continue }
      // Bytes of the zip's headers that say nothing about what is in it: who made it, and the files' modes.
      #expect(report.json == good.json, "byte \(i)")
      without += 1
    }
    let entries = try unzipped(bytes).entries.count
    #expect(without <= entries * 8, "two bytes of a version and six of attributes in each central header")
    for count in [0, 1, 30, bytes.count / 2, bytes.count - 1] {
      #expect(try Verifier.verify(bundle: Array(bytes[..<count]), called: "x.zip", options).result == .broken)
    }
    #expect(try Verifier.verify(bundle: bytes + [0], called: "x.zip", options).result == .broken)
  }

  @Test("the same where the zip's checksums are put right", arguments: ["bundle.json", "log.json", ".json", ".p7s", ".zd"])
  func everyByteOfContent(kind: String) throws {
    let log = try OwnLog()
    try log.closedDay(log.day, records: 5)
    let zip = try unzipped(Self.bundle(log, [(log.day, 3)]))
    let options = try log.options()
    for entry in zip.entries where entry.name.hasSuffix(kind) && (kind != ".json" || entry.name.hasPrefix("seals/")) {
      for i in entry.content.indices {
        let changed = try Self.with(zip, entry.name) {
          var content = $0
          content[i] ^= 1 << UInt8(i % 8)
          return content
        }
        let report = try Verifier.verify(bundle: changed, called: "x.zip", options)
        #expect(report.result == .broken, "\(entry.name) byte \(i)")
      }
    }
  }

  @Test("an entry that is missing, added or in another's place is named")
  func entries() throws {
    let log = try OwnLog()
    try log.closedDay(log.day.adding(days: -1), records: 5)
    try log.closedDay(log.day, records: 5)
    let zip = try unzipped(Self.bundle(log, [(log.day, 3)]))
    let both = try unzipped(Self.bundle(log, [(log.day, 3), (log.day.adding(days: -1), 3)]))
    let options = try log.options()
    func kinds(_ entries: [Zip.Entry]) throws -> Set<String> {
      try Verifier.verify(bundle: #require(Zip.bytes(entries)), called: "x.zip", options).kinds.subtracting(["chain-not-checked", "late"])
    }
    func without(_ name: String) -> [Zip.Entry] { zip.entries.filter { $0.name != name } }
    #expect(try kinds(zip.entries).isEmpty)
    for (name, kind) in [
      ("bundle.json", "missing"), ("log.json", "missing"), ("seals/00000002.json", "missing"), ("seals/00000002.p7s", "missing"),
      ("seals/00000002.local.zd", "missing"), ("seals/00000002.local.tsr", "extra"),
    ] {
      #expect(try kinds(without(name)).contains(kind), "\(name)")
    }
    #expect(try kinds(without("README.html")).isEmpty, "the page is no evidence")
    for name in [
      "x", "seals/x", "seals/2.json", "certificates/", "certificates/../x", "certificates/.x", "README.htm", "seals/00000002.local.tst",
    ] {
      #expect(try kinds(zip.entries + [Zip.Entry(name, [])]).contains("extra"), "\(name)")
    }
    let unused = both.entries.filter { $0.name.hasPrefix("seals/00000001.") }
    #expect(try kinds(zip.entries + unused) == ["extra"])
    let certificate = try #require(zip.entries.first { $0.name.hasPrefix("certificates/") })
    #expect(try kinds(without(certificate.name) + [Zip.Entry(certificate.name, [1])]) == ["changed"])
  }

  @Test("a bundle of one record of a day of 100,000 tells nothing of its neighbours, even to who has guessed them")
  func neighbours() throws {
    let log = try OwnLog()
    try log.closedDay(log.day, records: 100_000)
    let record = 51_234
    let bytes = try Self.bundle(log, [(log.day, record)])
    let zip = try unzipped(bytes)
    let file = try #require(zip["bundle.json"])
    let bundle = try BundleFile(fileBytes: file.span)
    let mine = try #require(bundle.records.first)
    let folder = log.archive.day(log.day)
    let salts = SaltStream(try folder.salt())
    var whole = bytes
    for one in bundle.records { whole += one.line }
    func holds(_ part: [UInt8]) -> Bool { whole.span.firstRange(of: part) }
    #expect(holds(Array("message \(record)\"".utf8)))
    let guesses: [[UInt8]] =
      [[], mine.salt, [UInt8](repeating: 0, count: 16), Array(mine.salt.reversed())]
      + (0..<16).flatMap { i in
        [-1, 1].map { step in
          var salt = mine.salt
          salt[i] = UInt8(truncatingIfNeeded: Int(salt[i]) + step)
          return salt
        }
      }
    for other in [record - 2, record - 1, record + 1, record ^ 1, 0, 99_999] {
      let line = try #require(try DayReader.record(other, of: folder))
      #expect(!holds(Array("message \(other)\"".utf8)))
      #expect(!holds(salts.salt(other)) && !holds(Array(Hex.text(salts.salt(other)).utf8)))
      for salt in guesses {
        // The line itself was guessed right: without its salt that shows in no hash of the bundle.
        let leaf = InclusionProof.leaf(salt: salt, line: line)
        #expect(!bundle.records[0].path.contains(leaf) && !holds(leaf.bytes))
        #expect(!holds(SHA256.hash(salt + line).bytes))
      }
    }
    let key = try folder.salt()
    #expect(!holds(key.key) && !holds(key.fileBytes.dropLast()))
  }

  @Test("what is not sealed, not there or not as it was sealed is not exported")
  func refused() throws {
    let log = try OwnLog()
    try log.closedDay(log.day, records: 5)
    #expect(throws: ArchiveError.self) { try Self.bundle(log, [(log.day, 5)]) }
    #expect(throws: ArchiveError.self) { try Self.bundle(log, [(log.day.adding(days: 1), 0)]) }
    let other = DaySalt.random()
    try Disk.place(other.fileBytes, at: log.archive.day(log.day).path(Layout.salt), replacing: true)
    #expect(throws: ArchiveError.self) { try Self.bundle(log, [(log.day, 0)]) }
  }

  @Test("a bundle of a thousand records of three days is whole")
  func many() throws {
    let log = try OwnLog()
    for i in (0..<3).reversed() { try log.closedDay(log.day.adding(days: -i), records: 2500) }
    let places = (0..<1000).map { (log.day.adding(days: -($0 % 3)), $0 * 2) }
    let report = try Verifier.verify(bundle: Self.bundle(log, places), called: "x.zip", log.options())
    #expect(report.kinds == ["chain-not-checked", "late"])
    #expect(report.records?.count == 1000)
  }
}

extension Span<UInt8> {
  fileprivate func firstRange(of part: [UInt8]) -> Bool {
    guard !part.isEmpty, part.count <= count else { return part.isEmpty }
    return (0...count - part.count).contains { at in self[at] == part[0] && part.indices.allSatisfy { self[at + $0] == part[$0] } }
  }
}

/// The bundles of the corpus, good and altered, with their verdicts.
@Suite(.enabled(if: Corpus.isThere)) struct CorpusBundleTests {
  @Test("every bundle of the corpus gets its verdict")
  func cases() throws {
    let folder = Corpus.folder + "/archives"
    let scratch = try ScratchFolder()
    let all = Corpus.lines("archives/cases.ndjson").compactMap { try? StrictJSON.object(Array($0.utf8).span) }
    let cases = Corpus.cases("archives/cases.ndjson").filter { $0["archive"]?.string?.hasSuffix(".zip") == true }
    #expect(cases.count >= 20 || all.isEmpty)
    let names = cases.filter { $0["base"] != nil }.compactMap { $0["case"]?.string }
    #expect(run("python3 \(folder)/tamper.py \(scratch.path)/v \(names.joined(separator: " "))") == 0)
    for one in cases {
      let name = one["case"]?.string ?? "?"
      let archive = one["archive"]?.string ?? ""
      let path = one["base"] == nil ? folder + "/" + archive : scratch.path + "/v/" + (archive.split(separator: "/").last ?? "")
      let words = (one["args"]?.array ?? []).compactMap(\.string).map {
        $0.hasPrefix("golden/") || $0.hasPrefix("trust/") ? folder + "/" + $0 : $0
      }
      let parsed = try VerifierCommand.parse(words + [path], now: 0)
      let report = try Verifier.verify(path, parsed.options)
      #expect(report.result.rawValue == one["result"]?.string, "\(name): \(report.kinds)")
      for finding in one["findings"]?.array ?? [] {
        let kinds = Set((finding["what"]?.string ?? "").split(separator: "|").map(String.init))
        let day = finding["day"]?.string
        #expect(
          report.all.contains { kinds.contains($0.what.rawValue) && (day == nil || $0.day?.description == day) },
          "\(name): \(kinds) \(day ?? "")")
      }
    }
  }
}
