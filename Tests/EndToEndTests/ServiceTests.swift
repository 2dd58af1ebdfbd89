import Archive
import Glibc
import Record
import TestSupport
import Testing

/// The daemon as an administrator meets it: what it refuses, what it says, what it does on a signal and after a crash.
@Suite(.serialized, .timeLimit(.minutes(8))) struct ServiceTests {
  // MARK: After a crash

  @Test func `a torn last line is cut off, kept in a notice, and the log goes on`() throws {
    let daemon = try RealDaemon()
    try daemon.start()
    for i in 0..<10 { daemon.send("<13>message \(i)") }
    #expect(try RealDaemon.wait { try daemon.received().count == 10 })
    #expect(daemon.end(SIGKILL) == -SIGKILL)
    let day = try #require(try daemon.archive.days().last)
    let tail = try #require(try daemon.run("/bin/ls", ["-1", daemon.archive.day(day).path]).words.filter { $0.hasPrefix("tail-") }.last)
    RealDaemon.write(#"{"time":"2026-11-2"#, to: daemon.archive.day(day).path + "/" + tail, flags: O_APPEND)
    try daemon.start()
    daemon.send("<13>message 10")
    #expect(try RealDaemon.wait { try daemon.received().count == 11 })
    let notice = try #require(try daemon.notices("recovered").first)
    #expect(notice.json["bytes"]?.integer == 18 && notice.json["cut_base64"]?.string == "eyJ0aW1lIjoiMjAyNi0xMS0y", "\(notice)")
    #expect(daemon.log.holds("recovered"))
    #expect(daemon.stop() == 0)
    #expect(try daemon.verify().code == 0)
  }

  @Test func `a seal that lacks its signature is signed as it stands`() throws {
    let daemon = try RealDaemon()
    try daemon.start()
    #expect(try daemon.ask("seal").code == 0)
    #expect(daemon.end(SIGKILL) == -SIGKILL)
    let day = try #require(try daemon.archive.days().last)
    let seals = daemon.archive.day(day).path + "/seals"
    let newest = try #require(try daemon.run("/bin/ls", ["-1", seals]).words.filter { $0.hasSuffix(".json") }.last).dropLast(5)
    #expect(unlink("\(seals)/\(newest).p7s") == 0 && unlink("\(seals)/\(newest).local.tsr") == 0)
    let json = Corpus.file("\(seals)/\(newest).json")
    try daemon.start()
    #expect(daemon.stop() == 0)
    #expect(Corpus.file("\(seals)/\(newest).json") == json)
    #expect(try daemon.verify().code == 0)
  }

  // MARK: What it refuses

  @Test func `one daemon to a log, and no writing command beside it`() throws {
    let daemon = try RealDaemon()
    try daemon.start()
    let second = try daemon.run("muhurd", ["--config", daemon.configurationPath])
    #expect(second.code == 4 && second.errors.holds(daemon.archivePath), "\(second)")
    for command in [["seal"], ["who", "10.0.0.1", "--at", "2026-11-23 12:00"]] {
      let beside = try daemon.run("muhur", ["--archive", daemon.archivePath, "--keys", daemon.folder + "/keys"] + command)
      let without = try daemon.run("muhur", ["--archive", daemon.archivePath] + command)
      #expect(beside.code == 4 || without.code == 4, "\(beside) \(without)")
    }
    #expect(daemon.stop() == 0)
  }

  @Test func `a port that is taken is named, with what to do`() throws {
    let (one, other) = (try RealDaemon(), try RealDaemon())
    try one.start()
    other.configure(port: one.port)
    let outcome = try other.run("muhurd", ["--config", other.configurationPath])
    #expect(outcome.code == 4 && outcome.errors.holds("127.0.0.1:\(one.port)") && outcome.errors.holds("another program"), "\(outcome)")
    #expect(one.stop() == 0)
  }

  @Test(arguments: [
    (#"retention: "two years""#, "retention"), (#"metrics: { lisen: "127.0.0.1:1" }"#, "metrics.lisen"),
    (#"static: [ { ip: "10.0.0.300", mac: "3c:52:82:1a:7f:09" } ]"#, "static[0].ip"), ("seal: {", ""),
  ])
  func `a wrong configuration names file, line and key, and ends with 2`(more: String, key: String) throws {
    let daemon = try RealDaemon()
    daemon.configure(more: more)
    for program in [
      ("muhurd", ["--config", daemon.configurationPath]), ("muhur", ["check-config", "--config", daemon.configurationPath]),
    ] {
      let outcome = try daemon.run(program.0, program.1)
      let said = outcome.errors + String(decoding: outcome.output, as: UTF8.self)
      #expect(outcome.code == 2 && said.holds("\(daemon.configurationPath):") && said.holds(key), "\(outcome)")
    }
  }

  @Test func `an answer that cannot be written is no answer, and where it is to lie is looked at first`() throws {
    let daemon = try RealDaemon()
    try daemon.start()
    func lost(_ program: String, _ arguments: [String]) throws -> (code: Int32, errors: String) {
      let errors = daemon.folder + "/lost"
      let code = try Process(program, arguments, output: "/dev/full", errors: errors).end()
      return (code, String(decoding: Corpus.file(errors) ?? [], as: UTF8.self))
    }
    let at = "\(time(nil))"
    for path in ["/nonexistent/x.zip", ""] {
      let refused = try daemon.ask("who", "10.20.1.5", "--at", at, "--export", path)
      #expect(refused.code == (path.isEmpty ? 2 : 4), "\(refused)")
    }
    #expect(try daemon.notices("query").isEmpty)
    let days = try lost("muhur", ["--socket", daemon.socketPath, "days"])
    #expect(days.code == 4 && days.errors.holds("could not be written"), "\(days)")
    #expect(daemon.stop() == 0)
    let keys = ["--signer", daemon.folder + "/keys/signer.crt", "--tsa", daemon.folder + "/keys/tsa.crt"]
    let report = try lost("muhur-verify", keys + [daemon.archivePath])
    #expect(report.code == 4 && report.errors.holds("could not be written"), "\(report)")
  }

  @Test func `what is not there or no archive is said, with 4 for what cannot be reached`() throws {
    let daemon = try RealDaemon()
    let none = try daemon.run("muhurd", ["--config", daemon.folder + "/none.json5"])
    #expect(none.code == 4 && none.errors.holds("none.json5"), "\(none)")
    let silent = try daemon.ask("status")
    #expect(silent.code == 4 && silent.errors.holds(daemon.socketPath), "\(silent)")
    let nowhere = try daemon.run("muhur", ["--archive", daemon.folder + "/nowhere", "days"])
    #expect(nowhere.code == 4 && nowhere.errors.holds("nowhere"), "\(nowhere)")
    let broken = try daemon.run("muhur-verify", ["--json", daemon.folder])
    #expect(broken.code == 1, "\(broken)")
    #expect(try daemon.run("muhur-verify", ["--json", daemon.folder + "/nowhere"]).code == 4)
    #expect(try daemon.run("muhur", ["who"]).code == 2)
    #expect(try daemon.run("muhur", ["frobnicate"]).code == 2)
    // A log whose time zone is not known.
    daemon.edit(daemon.archivePath + "/log.json") { $0.replacing("Europe/Istanbul", with: "Europe/Efeler") }
    let zone = try daemon.run("muhurd", ["--config", daemon.configurationPath])
    #expect(zone.code == 2 && zone.errors.holds("Europe/Efeler") && zone.errors.holds("tzdata"), "\(zone)")
  }

  // MARK: Signals, rights, counters

  @Test func `a reload is a notice, and a wrong one changes nothing`() throws {
    let daemon = try RealDaemon()
    try daemon.start()
    daemon.configure(more: #"binding_timeout: "2h", static: [ { ip: "10.20.1.5", mac: "3c:52:82:1a:7f:77", hostname: "YAZICI" } ]"#)
    daemon.process?.send(SIGHUP)
    #expect(try RealDaemon.wait { try daemon.notices("configuration-changed").first?.json["binding_timeout"]?.string == "2h" })
    #expect(try RealDaemon.wait { try daemon.notices("static").count == 1 })
    let answer = try daemon.ask("who", "10.20.1.5", "--at", "\(time(nil) + 1)")
    #expect(answer.json?["answers"]?.array?.first?["basis"]?.string == "declared", "\(answer)")
    daemon.configure(more: "nonsense: 1")
    daemon.process?.send(SIGHUP)
    #expect(RealDaemon.wait { daemon.log.holds("nonsense") })
    daemon.send("<13>still there")
    #expect(try RealDaemon.wait { try daemon.received().count == 1 })
    #expect(try daemon.notices("configuration-changed").count == 1)
    #expect(daemon.stop() == 0)
  }

  @Test func `who may not ask is refused, and a question without a case where one is needed`() throws {
    let daemon = try RealDaemon()
    daemon.configure(access: #"query: ["user:nobody"], administer: ["user:nobody"]"#)
    try daemon.start()
    let refused = try daemon.ask("who", "10.20.1.5", "--at", "\(time(nil))")
    #expect(refused.code == 4 && !refused.errors.isEmpty, "\(refused)")
    #expect(try daemon.ask("days").code == 0)
    daemon.configure(access: #"query: ["user:\#(RealDaemon.me)"], administer: [], require_case: true"#)
    daemon.process?.send(SIGHUP)
    #expect(try RealDaemon.wait { try daemon.notices("configuration-changed").count == 1 })
    #expect(try daemon.ask("who", "10.20.1.5", "--at", "\(time(nil))").code == 2)
    #expect(try daemon.ask("who", "10.20.1.5", "--at", "\(time(nil))", "--case", "2026/1903").code == 1)
    let query = try #require(try daemon.notices("query").last)
    #expect(query.json["case"]?.string == "2026/1903" && query.json["user"]?.string == RealDaemon.me, "\(query)")
    #expect(daemon.stop() == 0)
  }

  @Test func `the counters can be read by Prometheus`() throws {
    let daemon = try RealDaemon()
    let port = RealDaemon.freePort()
    daemon.configure(more: #"metrics: { listen: "127.0.0.1:\#(port)" }"#)
    try daemon.start()
    for i in 0..<7 { daemon.send("<13>message \(i)") }
    #expect(try RealDaemon.wait { try daemon.received().count == 7 })
    let page = try daemon.run(
      "/usr/bin/python3", ["-c", "import urllib.request as u; print(u.urlopen('http://127.0.0.1:\(port)/metrics').read().decode())"])
    let text = String(decoding: page.output, as: UTF8.self)
    #expect(text.holds("muhur_recorded_total 7\n") && text.holds("muhur_dropped_total 0\n"), "\(page)")
    #expect(daemon.stop() == 0)
  }

  @Test func `the verifier links neither SQLite nor libpcap nor the collector`() throws {
    let daemon = try RealDaemon()
    let path = Process.folder + "/muhur-verify"
    let libraries = try daemon.run("/usr/bin/ldd", [path])
    #expect(libraries.code == 0 && libraries.words.contains { $0.hasPrefix("libcrypto") }, "\(libraries)")
    for name in ["libsqlite3", "libpcap", "libdbus"] { #expect(!libraries.words.contains { $0.hasPrefix(name) }, "\(name)") }
    let symbols = try daemon.run("/usr/bin/nm", [path], seconds: 60)
    let text = String(decoding: symbols.output, as: UTF8.self)
    #expect(text.holds("8Evidence") && !text.holds("$s9Collector") && !text.holds("$s11Attribution"))
  }
}

extension Outcome {
  var words: [String] { String(decoding: output, as: UTF8.self).split { $0 == "\n" || $0 == " " || $0 == "\t" }.map(String.init) }
}
