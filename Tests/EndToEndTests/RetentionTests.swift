import Archive
import Glibc
import Record
import TestSupport
import Testing

/// Days that come and go, through a clock of the tests' own.
@Suite(.serialized, .timeLimit(.minutes(8))) struct RetentionTests {
  /// A log that keeps three days, and its daemon.
  private static func daemon() throws -> (RealDaemon, OtherClock, first: CalendarDay) {
    let daemon = try RealDaemon()
    daemon.configure(more: #"retention: "3d""#)
    let clock = try #require(try OtherClock(daemon.folder), "cc is needed")
    daemon.environment = clock.environment
    try daemon.start()
    daemon.send(lease(0))
    #expect(try RealDaemon.wait { try daemon.received().count == 1 })
    let first = try #require(try daemon.archive.days().first)
    return (daemon, clock, first)
  }

  private static func lease(_ n: Int) -> String { "<30>dhcpd[812]: DHCPACK on 10.20.3.\(57 + n) to 3c:52:82:1a:7f:0\(n) (PC\(n)) via eth1" }

  /// A new day comes while the daemon runs, and brings a record.
  private static func advance(_ daemon: RealDaemon, _ clock: OtherClock, to day: Int, _ first: CalendarDay) throws {
    clock.set(days: day)
    #expect(try RealDaemon.wait { try daemon.archive.days().contains(first.adding(days: day)) })
    daemon.send(lease(day))
    #expect(try RealDaemon.wait { try daemon.received().contains(Array(lease(day).utf8)) })
    _ = try daemon.ask("seal")
  }

  private static func gone(_ daemon: RealDaemon, _ day: CalendarDay) throws -> Bool { try daemon.archive.day(day).isDeleted() }

  private static func verify(_ daemon: RealDaemon, _ arguments: [String] = ["--retention", "3d"]) throws -> Outcome {
    let keys = daemon.folder + "/keys"
    return try daemon.run(
      "muhur-verify", ["--signer", keys + "/signer.crt", "--tsa", keys + "/tsa.crt", "--json"] + arguments + [daemon.archivePath])
  }

  private static func findings(_ outcome: Outcome, _ day: CalendarDay) -> [String] {
    let days = outcome.json?["days"]?.array ?? []
    return days.first { $0["day"]?.string == day.description }?["findings"]?.array?.compactMap { $0["what"]?.string } ?? []
  }

  @Test func `days go when their time is over, held ones stay, and seals prove that it was permitted`() throws {
    let (daemon, clock, first) = try Self.daemon()
    let held = try daemon.ask("hold", "\(first.adding(days: 1))", "\(first.adding(days: 1))", "--case", "2026/7712 Sor.")
    #expect(held.code == 0, "\(held)")
    for day in 1...4 { try Self.advance(daemon, clock, to: day, first) }
    // The fifth day keeps from the second on: the first goes. Within a minute; here at once.
    #expect(try RealDaemon.wait { try Self.gone(daemon, first) }, "\(daemon.log)")
    try Self.advance(daemon, clock, to: 5, first)
    usleep(500_000)
    #expect(try !Self.gone(daemon, first.adding(days: 1)), "a held day never goes")
    var outcome = try Self.verify(daemon)
    #expect(outcome.code == 0, "\(outcome)")
    #expect(Self.findings(outcome, first) == ["deleted"])
    #expect(try Self.verify(daemon, ["--retention", "730d"]).code == 1, "deleted earlier than the auditor asks for")
    // The notices: what was held, for whom the case stands only as a hash in the seal, and what was deleted.
    let hold = try #require(try daemon.notices("hold").first?.json)
    let salt = try #require(hold["salt"]?.string.flatMap { Hex.bytes(lowerCase: $0) })
    #expect(salt.count == 16 && hold["case"] == "2026/7712 Sor.")
    let deleted = try daemon.notices("deleted").map { $0.json["day"]?.string }
    #expect(deleted == [first.description])
    let record = try #require(try daemon.ask("destruction").json)
    #expect(record["days"]?.array?.count == 1 && record["days"]?.array?.first?["day"]?.string == first.description)
    #expect(record["days"]?.array?.first?["retention"] == "3d" && record["days"]?.array?.first?["deleted_at"]?.string != nil)
    #expect(record["days"]?.array?.first?["permitted_by"]?["seal"]?.integer != nil)
    let page = daemon.folder + "/imha.html"
    #expect(try daemon.ask("destruction", "\(first)", "--out", page).code == 0)
    #expect(String(decoding: Corpus.file(page) ?? [], as: UTF8.self).holds("Kayıt imha tutanağı"))
    // What is gone is said to be gone, and no answer rests on it.
    outcome = try daemon.ask("show", "\(first)", "0")
    #expect(outcome.code == 1 && outcome.errors.holds("deleted"), "\(outcome)")
    #expect(try daemon.ask("export", "\(first)", "0", "--out", daemon.folder + "/x.zip").code == 1)
    #expect(try daemon.ask("hold", "\(first)", "\(first)", "--case", "1").code == 1)
    outcome = try daemon.ask("who", "10.20.3.57", "--at", "\(first) 23:59")
    for answer in outcome.json?["answers"]?.array ?? [] {
      #expect(answer["evidence"]?.array?.allSatisfy { $0["day"]?.string != first.description } == true, "\(outcome)")
    }
    // Released, it goes at the next day; the open days stay.
    #expect(try daemon.ask("hold", "--release", "--case", "another").code == 1)
    outcome = try daemon.ask("hold", "--release", "--case", "2026/7712 Sor.")
    #expect(outcome.code == 0, "\(outcome)")
    try Self.advance(daemon, clock, to: 6, first)
    #expect(try RealDaemon.wait { try Self.gone(daemon, first.adding(days: 1)) })
    #expect(try !Self.gone(daemon, first.adding(days: 3)))
    #expect(daemon.stop() == 0)
    outcome = try Self.verify(daemon)
    #expect(outcome.code == 0, "\(outcome)")
    #expect(Self.findings(outcome, first.adding(days: 1)) == ["deleted"])
  }

  @Test func `a deletion that a crash broke off is finished at the next start, and told`() throws {
    let (daemon, clock, first) = try Self.daemon()
    for day in 1...3 { try Self.advance(daemon, clock, to: day, first) }
    #expect(daemon.stop() == 0)
    // As a crash leaves it: the salt is still there. Nothing permits it yet, so an auditor complains.
    let salt = try #require(Corpus.file(daemon.archive.day(first).path(Layout.salt)))
    unlink(daemon.archive.day(first).path(Layout.records))
    #expect(try Self.verify(daemon).code == 1, "nothing permits that day to be gone")
    #expect(!salt.isEmpty)
    clock.set(days: 4)
    try daemon.start()
    #expect(try RealDaemon.wait { try Self.gone(daemon, first) }, "\(daemon.log)")
    #expect(daemon.stop() == 0)
    #expect(try daemon.notices("deleted").map { $0.json["day"]?.string } == [first.description])
    let outcome = try Self.verify(daemon)
    #expect(outcome.code == 0, "\(outcome)")
  }

  @Test func `records of a held day that are gone are no deletion`() throws {
    let (daemon, clock, first) = try Self.daemon()
    #expect(try daemon.ask("hold", "\(first)", "\(first)", "--case", "1").code == 0)
    for day in 1...4 { try Self.advance(daemon, clock, to: day, first) }
    usleep(500_000)
    #expect(try !Self.gone(daemon, first))
    #expect(daemon.stop() == 0)
    #expect(try Self.verify(daemon).code == 0)
    unlink(daemon.archive.day(first).path(Layout.records))
    unlink(daemon.archive.day(first).path(Layout.salt))
    let outcome = try Self.verify(daemon)
    #expect(outcome.code == 1 && Self.findings(outcome, first).contains("deleted-early"), "\(outcome)")
  }

  @Test func `a copy follows the log, says how far it is behind, and goes on as the log when it is put back`() throws {
    let (daemon, clock, first) = try Self.daemon()
    let copy = daemon.folder + "/copy"
    try Self.advance(daemon, clock, to: 1, first)
    var outcome = try daemon.ask("copy", copy)
    #expect(outcome.code == 0, "\(outcome)")
    #expect(try daemon.notices("copied").first?.json["result"] == "ok")
    outcome = try daemon.ask("copy", "--check", copy)
    #expect(outcome.code == 0 && outcome.json?["seals_behind"] == 0, "\(outcome)")
    for day in 2...4 { try Self.advance(daemon, clock, to: day, first) }
    #expect(try RealDaemon.wait { try Self.gone(daemon, first) })
    outcome = try daemon.ask("copy", "--check", copy)
    #expect(outcome.json?["days_behind"] == 3 && (outcome.json?["seals_behind"]?.integer ?? 0) > 3, "\(outcome)")
    outcome = try daemon.ask("drill", "--records", "5", "--copy", copy, "--out", daemon.folder + "/drill.html")
    #expect(outcome.code == 0 && outcome.json?["records"]?.array?.count == 5, "\(outcome)")
    #expect(outcome.json?["copies"]?.array?.first?["days_behind"] == 3)
    outcome = try daemon.ask("queries")
    #expect(outcome.code == 1, "nothing was asked: \(outcome)")
    #expect(daemon.stop() == 0)
    // The machine burns down; the copy of the second day is put back. It does not go on by itself.
    #expect(rename(daemon.archivePath, daemon.folder + "/burnt") == 0 && rename(copy, daemon.archivePath) == 0)
    #expect(throws: Process.Failure.self) { try daemon.start() }
    #expect(daemon.log.holds("init --resume"))
    outcome = try daemon.run("muhur", ["init", "--archive", daemon.archivePath, "--keys", daemon.folder + "/keys", "--resume", "--json"])
    #expect(outcome.code == 0, "\(outcome)")
    #expect(outcome.json?["last_seal_made"]?.integer ?? 0 > outcome.json?["newest_seal"]?.integer ?? .max)
    try daemon.start()
    #expect(try RealDaemon.wait { try daemon.notices("restored").count == 1 })
    _ = try daemon.ask("seal")
    #expect(daemon.stop() == 0)
    var notes: [String] = []
    for day in try daemon.archive.days() {
      for entry in try folderEntries(daemon.archive.day(day).path(Layout.seals)) ?? [] where entry.name.hasSuffix(".json") {
        let bytes = Corpus.file(daemon.archive.day(day).path(Layout.seals) + "/" + entry.name) ?? []
        if let note = try StrictJSON.file(bytes.span)["note"]?.string { notes.append(note) }
      }
    }
    #expect(notes.filter { $0.holds("restored from a copy") }.count == 1, "\(notes)")
    outcome = try Self.verify(daemon)
    #expect(outcome.code != 1, "\(outcome)")
    outcome = try daemon.run("muhur", ["init", "--archive", daemon.archivePath, "--keys", daemon.folder + "/keys", "--resume"])
    #expect(outcome.code == 1, "there is nothing to resume any more")
  }
}
