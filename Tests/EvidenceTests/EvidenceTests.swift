import Archive
import Glibc
import Record
import TestSupport
import Testing

@testable import Evidence

/// A folder that goes with its owner.
final class ScratchFolder: Sendable {
  let path: String

  init() throws {
    path = "/tmp/muhur-test-" + Hex.text(randomBytes(8))
    try Disk.makeFolder(path)
  }

  deinit { Self.remove(path) }

  /// A copy of a tree.
  func copy(_ from: String, as name: String) throws -> String {
    try Self.copy(from, to: path + "/" + name)
    return path + "/" + name
  }

  private static func copy(_ from: String, to: String) throws {
    try Disk.makeFolder(to, orExisting: true)
    for entry in try folderEntries(from) ?? [] {
      if entry.kind == .folder {
        try copy(from + "/" + entry.name, to: to + "/" + entry.name)
      } else {
        try Disk.place(try RegularFile.bytes(from + "/" + entry.name, limit: 1 << 26), at: to + "/" + entry.name, replacing: true)
      }
    }
  }

  static func remove(_ path: String) {
    for entry in (try? folderEntries(path)) ?? [] {
      let child = path + "/" + entry.name
      if entry.kind == .folder { remove(child) } else { unlink(child) }
    }
    rmdir(path)
  }
}

/// Runs a program to its end.
/// - Returns: its exit code.
func run(_ command: String) -> Int32 {
  let status = system("{ \(command); } >/dev/null 2>&1")
  return status & 0x7f == 0 ? status >> 8 & 0xff : -1
}

/// A good archive of five closed days and an open one, made by a program that shares no code with this one.
enum Small {
  static let folder = Corpus.package + "/Tests/EvidenceTests/Fixtures/small"
  static let archive = folder + "/archive"

  static func options() throws -> VerifierOptions {
    var options = VerifierOptions(asOf: Timestamp(rfc3339: "2026-11-07T20:00:00+03:00")?.microseconds ?? 0)
    options.signer = try Trust(pem: RegularFile.bytes(folder + "/signer.pem", limit: 1 << 16))
    options.tsa = try Trust(pem: RegularFile.bytes(folder + "/tsa.pem", limit: 1 << 16))
    return options
  }

  static func files(_ folder: String = archive, _ prefix: String = "") throws -> [String] {
    var out: [String] = []
    for entry in try folderEntries(folder) ?? [] {
      out += entry.kind == .folder ? try files(folder + "/" + entry.name, prefix + entry.name + "/") : [prefix + entry.name]
    }
    return out
  }
}

extension VerifierReport {
  /// Every finding, of days and of the log.
  var all: [Finding] { days.flatMap(\.findings) + findings }
  var kinds: Set<String> { Set(all.map(\.what.rawValue)) }
}

@Suite struct VerifierTests {
  @Test("a good archive holds, and is read without being changed")
  func good() throws {
    let report = try Verifier.verify(Small.archive, Small.options())
    #expect(report.result == .ok)
    #expect(report.all.isEmpty)
    #expect(report.days.map(\.result.rawValue) == ["ok", "ok", "ok", "ok", "ok", "open"])
    #expect(report.days.map(\.records) == [40, 60, 2100, 0, 50, 30])
    let heads = try Head.lines(RegularFile.bytes(Small.folder + "/heads", limit: 1 << 16))
    #expect(report.head == heads.last)
    #expect(report.text().hasSuffix("\(Small.archive): all holds\n"))
  }

  @Test("published heads, id, window and closed days are judged as asked")
  func asked() throws {
    var options = try Small.options()
    options.heads = try Head.lines(RegularFile.bytes(Small.folder + "/heads", limit: 1 << 16))
    options.log = "1d813018279475535059d55123b693a3"
    #expect(try Verifier.verify(Small.archive, options).result == .ok)
    options.log = "1d813018279475535059d55123b693a4"
    #expect(try Verifier.verify(Small.archive, options).kinds == ["fork"])
    options.log = nil
    options.heads[1].p7s = options.heads[0].p7s
    #expect(try Verifier.verify(Small.archive, options).all.map(\.day) == [options.heads[1].day])
    options.heads[1].number = 99
    #expect(try Verifier.verify(Small.archive, options).kinds == ["missing"])
    options.heads = []
    options.closedOnly = true
    #expect(try Verifier.verify(Small.archive, options).days.count == 5)
    options.from = CalendarDay("2026-11-04")
    options.to = CalendarDay("2026-11-05")
    let report = try Verifier.verify(Small.archive, options)
    #expect(
      report.all.map { "\($0.what.rawValue) \($0.day?.description ?? "")" }
        == ["2026-11-02", "2026-11-03", "2026-11-06"].map { "records-not-checked " + $0 })
    options.from = nil
    options.to = nil
    options.asOf += 2 * Timestamp.day
    #expect(try Verifier.verify(Small.archive, options).kinds == ["stale"])
  }

  @Test("nothing is trusted that the auditor has not named")
  func trust() throws {
    var options = try Small.options()
    options.signer = nil
    #expect(try Verifier.verify(Small.archive, options).kinds == ["untrusted"])
    options = try Small.options()
    options.tsa = options.signer
    #expect(try Verifier.verify(Small.archive, options).kinds == ["untrusted"])
    options = try Small.options()
    options.policy = "1.2.3"
    #expect(try Verifier.verify(Small.archive, options).kinds == ["untrusted"])
  }

  @Test("a day's folder alone is judged, and says that its chain is not")
  func alone() throws {
    let scratch = try ScratchFolder()
    for name in ["2026-11-04", "renamed"] {
      let folder = try scratch.copy(Small.archive + "/days/2026-11-04", as: name)
      let report = try Verifier.verify(folder, Small.options())
      #expect(report.result == .ok)
      #expect(report.days.first?.day.description == "2026-11-04")
      #expect(report.kinds == ["chain-not-checked"])
    }
  }

  @Test("a day's folder alone without any seal proves nothing, whatever it is called")
  func aloneUnsealed() throws {
    let scratch = try ScratchFolder()
    for name in ["2026-11-04", "renamed"] {
      let folder = try scratch.copy(Small.archive + "/days/2026-11-04", as: name)
      for entry in try folderEntries(folder + "/seals") ?? [] { unlink("\(folder)/seals/\(entry.name)") }
      let report = try Verifier.verify(folder, Small.options())
      #expect(report.result == .unproven && report.kinds == ["chain-not-checked", "unsealed"])
    }
  }

  @Test("there is no seal 0: its files are stray ones", arguments: ["00000000.json", "00000000.p7s", "00000000.local.tsr"])
  func sealZero(name: String) throws {
    let scratch = try ScratchFolder()
    let archive = try scratch.copy(Small.archive, as: "archive")
    try Disk.place([], at: "\(archive)/days/2026-11-02/seals/\(name)")
    let report = try Verifier.verify(archive, Small.options())
    #expect(report.all.map(\.what) == [.extra] && report.result == .broken)
  }

  @Test("what a crash left half written is no part of an archive, wherever it lies")
  func temporary() throws {
    let scratch = try ScratchFolder()
    let archive = try scratch.copy(Small.archive, as: "archive")
    for folder in ["", "/days", "/days/2026-11-03", "/days/2026-11-03/seals"] {
      try Disk.place([1], at: "\(archive)\(folder)/.tmp")
      try Disk.place([1], at: "\(archive)\(folder)/\(Layout.tail(first: 0)).tmp")
    }
    #expect(try Verifier.verify(archive, Small.options()).all.isEmpty)
    // Nor does it stand for a day's records.
    unlink("\(archive)/days/2026-11-03/\(Layout.records)")
    let report = try Verifier.verify(archive, Small.options())
    #expect(report.all.map(\.place) == ["days/2026-11-03/records.ndjson.gz"] && report.kinds == ["missing"])
  }

  @Test("a day without records whose final seal is still to come is open, not broken")
  func emptyOpenDay() throws {
    let scratch = try ScratchFolder()
    let archive = try scratch.copy(Small.archive, as: "archive")
    let day = archive + "/days/2026-11-08"
    try Disk.makeFolder(day)
    let empty = archive + "/days/2026-11-05/"
    for name in [Layout.salt, Layout.records] {
      try Disk.place(RegularFile.bytes(empty + name, limit: 1 << 10), at: day + "/" + name)
    }
    let report = try Verifier.verify(archive, Small.options())
    #expect(report.result == .ok && report.days.last?.result == .open && report.days.last?.records == 0)
    // In an open day as in a closed one, an empty member is alone.
    let member = try RegularFile.bytes(empty + Layout.records, limit: 1 << 10)
    try Disk.place(member + member, at: day + "/" + Layout.records, replacing: true)
    #expect(try Verifier.verify(archive, Small.options()).kinds == ["malformed"])
  }

  @Test("whatever a seal counts, it is only compared", arguments: ["bytes", "records", "dropped"])
  func greatestNumber(member: String) throws {
    let scratch = try ScratchFolder()
    let archive = try scratch.copy(Small.archive, as: "archive")
    let path = archive + "/days/2026-11-02/seals/00000003.json"
    let json = try RegularFile.bytes(path, limit: 1 << 16)
    var seal = try Seal(fileBytes: json.span)
    switch member {
    case "bytes": seal.bytes = .max
    case "records": seal.records = .max
    default: seal.dropped = .max
    }
    try Disk.place(seal.fileBytes, at: path, replacing: true)
    #expect(try Verifier.verify(archive, Small.options()).kinds.isSuperset(of: ["signature", "chain"]))
  }

  @Test("a token that a later seal lists is compared with it, also where its .p7s is gone")
  func listedToken() throws {
    let scratch = try ScratchFolder()
    let archive = try scratch.copy(Small.archive, as: "archive")
    let seal = archive + "/days/2026-11-03/seals/00000005"
    unlink(seal + ".p7s")
    try Disk.place([1], at: seal + ".local.tsr", replacing: true)
    let report = try Verifier.verify(archive, Small.options())
    #expect(report.all.contains { $0.what == .changed && $0.place == "days/2026-11-03/seals/00000005.local.tsr" })
  }

  @Test("a hole of a terabyte is not read", arguments: [("2026-11-07", "torn-copy"), ("2026-11-03", "malformed")])
  func hole(day: String, kind: String) throws {
    let scratch = try ScratchFolder()
    let archive = try scratch.copy(Small.archive, as: "archive")
    let path = "\(archive)/days/\(day)/\(Layout.records)"
    let file = open(path, O_WRONLY | O_CREAT, 0o600)
    #expect(ftruncate(file, 1 << 40) == 0)
    close(file)
    #expect(try Verifier.verify(archive, Small.options()).kinds == [kind])
  }

  @Test("a closed day's records that lie in a tail are malformed, also where there are more than are sealed")
  func closedTail() throws {
    let scratch = try ScratchFolder()
    let archive = try scratch.copy(Small.archive, as: "archive")
    let day = archive + "/days/2026-11-02"
    let line = Array("{\"time\":\"2026-11-02T10:00:00.000000+03:00\",\"via\":\"udp\",\"raw\":\"\"}\n".utf8)
    try Disk.place(Array(repeatElement(line, count: 41).joined()), at: day + "/" + Layout.tail(first: 0))
    unlink(day + "/" + Layout.records)
    #expect(try Verifier.verify(archive, Small.options()).kinds == ["missing", "changed", "malformed", "extra"])
  }

  @Test("what is no archive is broken, and what is not there is unreachable")
  func other() throws {
    let scratch = try ScratchFolder()
    #expect(try Verifier.verify(scratch.path, Small.options()).kinds == ["missing", "unsealed"])
    try Disk.place([1, 2, 3, 4, 5], at: scratch.path + "/x.zip")
    #expect(try Verifier.verify(scratch.path + "/x.zip", Small.options()).kinds == ["malformed"])
    mkfifo(scratch.path + "/fifo", 0o600)
    #expect(try Verifier.verify(scratch.path + "/fifo", Small.options()).kinds == ["malformed"])
    #expect(throws: Verifier.Unable.self) { try Verifier.verify(scratch.path + "/absent", Small.options()) }
  }

  @Test("any byte changed anywhere in an archive is found", arguments: try Small.files())
  func flip(file: String) throws {
    let scratch = try ScratchFolder()
    let archive = try scratch.copy(Small.archive, as: "archive")
    let options = try Small.options()
    let good = try RegularFile.bytes(archive + "/" + file, limit: 1 << 26)
    // The newest seal's token is listed in no later seal; of its response only what is signed is protected.
    let isNewestToken = file.hasSuffix("00000017.local.tsr")
    // Three places, others in each file.
    let start = Int(SHA256.hash(Array(file.utf8)).bytes[0]) % good.count
    for i in [start, start + good.count / 3, start + good.count * 2 / 3].map({ $0 % good.count }) {
      var bad = good
      bad[i] ^= 1 << UInt8(i % 8)
      try Disk.place(bad, at: archive + "/" + file, replacing: true)
      let report = try Verifier.verify(archive, options)
      if file.hasSuffix(".gz"), isFree(i, good) { continue }
      if isNewestToken, report.result != .broken { continue }
      #expect(report.result == .broken, "\(file) byte \(i)")
    }
  }

  /// Bytes of a gzip member that carry nothing: MTIME, XFL, OS, and the last byte of the deflate data, whose unused bits
  /// may be anything.
  private func isFree(_ i: Int, _ file: [UInt8]) -> Bool {
    var start = 0
    while start + 20 <= file.count {
      let length = (0..<4).reduce(0) { $0 | Int(file[start + 16 + $1]) << (8 * $1) }
      if i < start + length { return (4...9).contains(i - start) || i == start + length - 9 }
      start += length
    }
    return false
  }

  @Test("any file removed from an archive is found", arguments: try Small.files())
  func remove(file: String) throws {
    let scratch = try ScratchFolder()
    let archive = try scratch.copy(Small.archive, as: "archive")
    unlink(archive + "/" + file)
    let report = try Verifier.verify(archive, Small.options())
    // Without the newest token two seals are left unproven, which is no fault of anybody.
    let expected: Finding.Result = file.hasSuffix("00000017.local.tsr") ? .unproven : .broken
    #expect(report.result == expected)
  }

  @Test("what is printed for people hides nothing")
  func visibleText() {
    var report = VerifierReport(path: "a\u{1b}[2Jb", result: .broken)
    report.findings = [Finding(what: .extra, day: nil, place: "x\u{202e}gpj.exe", detail: "a\nb")]
    let text = report.text()
    #expect(text == "extra: x\\u{202e}gpj.exe: a\\u{a}b\na\\u{1b}[2Jb: something was changed, removed, reordered or is malformed\n")
    #expect(!report.text(color: false).contains("\u{1b}"))
    #expect(report.text(color: true).contains("\u{1b}[31m"))
  }
}

/// The corpus of good and altered archives with the verdict that each must get.
@Suite(.enabled(if: Corpus.isThere), .serialized) struct CorpusArchiveTests {
  static let folder = Corpus.folder + "/archives"
  /// The altered copies, made once.
  static let variants: ScratchFolder? = {
    guard let scratch = try? ScratchFolder(), run("python3 '\(folder)/tamper.py' '\(scratch.path)'") == 0 else { return nil }
    return scratch
  }()

  static let all = Corpus.lines("archives/cases.ndjson").compactMap { (try? JSON5.read($0))?.json }

  static func names() -> [String] {
    all.filter { !($0["archive"]?.string?.hasSuffix(".zip") ?? true) }.compactMap { $0["case"]?.string }
  }

  static func find(_ name: String) -> JSONValue? {
    all.first { $0["case"]?.string == name }
  }

  @Test("every archive gets the verdict listed", arguments: names())
  func verdict(name: String) throws {
    let one = try #require(Self.find(name))
    let archive = try #require(one["archive"]?.string)
    var path = Self.folder + "/" + archive
    if one["base"] != nil { path = try #require(Self.variants).path + "/" + (archive.split(separator: "/").last.map(String.init) ?? "") }
    var arguments: [String] = []
    for argument in one["args"]?.array ?? [] {
      let text = argument.string ?? ""
      arguments.append(text.hasPrefix("golden/") || text.hasPrefix("trust/") ? Self.folder + "/" + text : text)
    }
    let options: VerifierOptions
    do throws(VerifierCommand.UsageError) { options = try VerifierCommand.parse(arguments + [path], now: 0).options } catch {
      #expect(one["exit"]?.integer == 2)
      return
    }
    let report: VerifierReport
    do throws(Verifier.Unable) { report = try Verifier.verify(path, options) } catch {
      #expect(one["exit"]?.integer == 4)
      return
    }
    #expect(Int(report.result.exitCode) == one["exit"]?.integer)
    if let result = one["result"]?.string { #expect(report.result.rawValue == result) }
    var listed: Set<String> = []
    for finding in one["findings"]?.array ?? [] {
      let kinds = (finding["what"]?.string ?? "").split(separator: "|").map(String.init)
      listed.formUnion(kinds)
      let day = finding["day"]?.string
      #expect(
        report.all.contains { kinds.contains($0.what.rawValue) && $0.day?.description == day },
        "\(kinds) at \(day ?? "the log"): \(report.all)")
    }
    if report.result == .ok {
      #expect(report.kinds.subtracting(listed).isSubset(of: ["revocation-unknown", "chain-not-checked", "deleted"]))
    }
  }
}
