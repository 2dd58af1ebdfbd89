import Archive
import Evidence
import Glibc
import Record
import TestSupport
import Testing

/// The daemon and authorities on other machines. None of these waits for anything but that it happens.
@Suite(.serialized, .timeLimit(.minutes(8))) struct AuthorityEndToEndTests {
  private let authority: TestAuthority

  init() throws {
    let folder = "/tmp/muhur-e2e-tsa-" + Hex.text(randomBytes(8))
    authority = try TestAuthority(folder)
  }

  private func entry(_ name: String, _ path: String, _ more: String = "") -> String {
    #"{ name: "\#(name)", type: "rfc3161", url: "\#(authority.http)\#(path)", trust: "\#(authority.trust)"\#(more) }"#
  }

  private func configure(_ daemon: RealDaemon, every: String = "seal", _ authorities: String...) {
    daemon.configure(more: #"timestamp: { every: "\#(every)", authorities: [ \#(authorities.joined(separator: ", ")) ] }"#)
  }

  /// The tokens that lie there, as `number.name`.
  private func tokens(_ daemon: RealDaemon) throws -> [String] {
    let store = SealStore(daemon.archive)
    return try store.entries().flatMap(\.tokens).map { String($0.drop { $0 == "0" }.dropLast(4)) }.sorted()
  }

  private func status(_ daemon: RealDaemon) throws -> JSONValue { try #require(try daemon.ask("status").json) }

  private func verify(_ daemon: RealDaemon) throws -> Outcome {
    try daemon.run(
      "muhur-verify", ["--signer", daemon.folder + "/keys/signer.crt", "--tsa", authority.trust, "--json", daemon.archivePath])
  }

  private func wait(_ seconds: Int = 60, _ holds: () throws -> Bool) rethrows -> Bool {
    for _ in 0..<seconds * 20 {
      if try holds() { return true }
      usleep(50_000)
    }
    return false
  }

  @Test func `while an authority hangs, messages are recorded and seals made, and status says so`() throws {
    let daemon = try RealDaemon()
    configure(daemon, entry("dead", "/hang"))
    try daemon.start()
    // The first seal is being asked for now, for 15 seconds.
    for i in 0..<20 { daemon.send("<13>message \(i)") }
    #expect(try RealDaemon.wait { try daemon.received().count == 20 })
    let sealed = try daemon.ask("seal")
    #expect(sealed.code == 0 && sealed.json?["tokens"] == .array([]))
    let before = try status(daemon)
    #expect(before["seals"]?["waiting_for_token"]?.integer ?? 0 >= 2)
    #expect(try wait { try !daemon.notices("timestamp-failed").isEmpty })
    let notice = try #require(try daemon.notices("timestamp-failed").first)
    #expect("\(notice)".contains("dead"))
    let error = try status(daemon)["authorities"]?.array?.first?["last_error"]?.string
    #expect(error?.contains("within 15 s") ?? false)
    #expect(daemon.stop() == 0)
    #expect(try tokens(daemon) == [])
  }

  @Test func `the second authority's token is taken where the first lies, and is named after it`() throws {
    let daemon = try RealDaemon()
    configure(daemon, entry("liar", "/imprint"), entry("good", "/ok"))
    try daemon.start()
    #expect(try wait { try tokens(daemon) == ["1.good"] })
    #expect(try daemon.ask("seal").code == 0)
    #expect(try wait { try tokens(daemon) == ["1.good", "2.good"] })
    let authorities = try #require(try status(daemon)["authorities"]?.array)
    #expect(authorities.map { $0["name"]?.string } == ["liar", "good"])
    #expect(authorities[0]["last_error"]?.string?.contains("not over this .p7s") ?? false && authorities[1]["last_error"] == .null)
    #expect(daemon.stop() == 0)
    #expect(try verify(daemon).code == 0)
  }

  @Test func `what waits for a token is asked for again after a restart, and each is bought once`() throws {
    let daemon = try RealDaemon()
    configure(daemon, entry("far", "/500"))
    try daemon.start()
    #expect(try daemon.ask("seal").code == 0)
    #expect(try wait { try !daemon.notices("timestamp-failed").isEmpty })
    #expect(daemon.end(SIGKILL) == -SIGKILL)
    configure(daemon, entry("far", "/ok"))
    let bought = authority.requests.count { $0.contains(" /ok ") }
    try daemon.start()
    #expect(try wait { try tokens(daemon) == ["1.far", "2.far"] })
    #expect(authority.requests.count { $0.contains(" /ok ") } == bought + 2)
    #expect(daemon.stop() == 0)
    #expect(try verify(daemon).code == 0)
  }

  @Test func `a reload takes over another authority, and Kamu SM's credits are shown with the days they last`() throws {
    let daemon = try RealDaemon()
    configure(daemon, entry("far", "/reject"))
    try daemon.start()
    #expect(try wait { try status(daemon)["authorities"]?.array?.first?["last_error"]?.string?.contains("no more today") ?? false })
    let password = authority.password(TestAuthority.password, as: "password")
    configure(
      daemon,
      #"{ name: "kamusm", type: "kamusm", url: "\#(authority.http)/kamusm", trust: "\#(authority.trust)", user: \#(TestAuthority.customer), password_file: "\#(password)" }"#
    )
    daemon.process?.send(SIGHUP)
    #expect(try wait { try tokens(daemon) == ["1.kamusm"] })
    #expect(try wait { try status(daemon)["authorities"]?.array?.first?["credits"]?.integer == 99 })
    let known = try #require(try status(daemon)["authorities"]?.array)
    // One seal an hour and one at the day's end.
    #expect(known.count == 1 && known[0]["days_left"]?.integer == 3 && known[0]["last_error"] == .null)
    let warnings = try #require(try status(daemon)["warnings"]?.array).compactMap(\.string)
    #expect(warnings.contains { $0.hasPrefix("kamusm: 99 credits are left, which last 3 days") })
    #expect(daemon.stop() == 0)
  }

  @Test func `a seal made without the daemon takes no provider's token away from those that wait`() throws {
    let daemon = try RealDaemon()
    configure(daemon, entry("far", "/500"))
    try daemon.start()
    #expect(try wait { try !daemon.notices("timestamp-failed").isEmpty })
    #expect(daemon.stop() == 0)
    #expect(try tokens(daemon) == [])
    let outcome = try daemon.run("muhur", ["--archive", daemon.archivePath, "--keys", daemon.folder + "/keys", "seal", "--json"])
    #expect(outcome.code == 0, "\(outcome)")
    let number = try #require(outcome.json?["number"]?.integer)
    #expect(try tokens(daemon) == ["\(number).local"])
    configure(daemon, entry("far", "/ok"))
    try daemon.start()
    #expect(try wait { try tokens(daemon).filter { $0.hasSuffix(".far") }.count == number - 1 })
    #expect(daemon.stop() == 0)
  }

  @Test func `with every final no seal within the day is sent`() throws {
    let daemon = try RealDaemon()
    configure(daemon, every: "final", entry("far", "/ok"))
    try daemon.start()
    #expect(try daemon.ask("seal").code == 0)
    #expect(try status(daemon)["seals"]?["waiting_for_token"]?.integer == 0)
    #expect(daemon.stop() == 0)
    #expect(try tokens(daemon) == [])
    #expect(authority.requests.isEmpty)
  }

  @Test func `another key is announced by the old one at a reload`() throws {
    let daemon = try RealDaemon()
    try daemon.start()
    let (key, certificate) = (daemon.folder + "/new.key", daemon.folder + "/new.crt")
    let made = try daemon.run(
      "/usr/bin/openssl",
      [
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30", "-subj", "/CN=new", "-keyout", key,
        "-out", certificate,
      ])
    #expect(made.code == 0)
    daemon.configure(more: #"seal: { key: "\#(key)", certificate: "\#(certificate)" }"#)
    daemon.process?.send(SIGHUP)
    #expect(try wait { try SealStore(daemon.archive).entries().filter(\.isSigned).count == 2 })
    #expect(try daemon.ask("seal").code == 0)
    let warnings = try #require(try status(daemon)["warnings"]?.array).compactMap(\.string)
    #expect(warnings.contains { $0.contains("ends at") && $0.contains("renew it") })
    #expect(daemon.stop() == 0)
    let store = SealStore(daemon.archive)
    let seals = try store.entries().map { try store.seal($0.number, $0.day) }
    #expect(seals[1].nextSigner == seals[2].signer && seals[0].signer == seals[1].signer && seals[2].signer != seals[1].signer)
    let both = daemon.folder + "/both.pem"
    RealDaemon.write(
      String(decoding: (Corpus.file(daemon.folder + "/keys/signer.crt") ?? []) + (Corpus.file(certificate) ?? []), as: UTF8.self), to: both)
    let outcome = try daemon.run("muhur-verify", ["--signer", both, "--tsa", daemon.folder + "/keys/tsa.crt", daemon.archivePath])
    #expect(outcome.code == 0, "\(outcome)")
  }

  @Test(.enabled(if: access("/usr/bin/faketime", X_OK) == 0))
  func `twelve years later, with the clock of that time, there is nothing to say but that the log has ended`() throws {
    let daemon = try RealDaemon()
    try daemon.start()
    #expect(daemon.stop() == 0)
    let keys = daemon.folder + "/keys"
    let outcome = try daemon.run(
      "/usr/bin/faketime",
      [
        "+12 years", Process.folder + "/muhur-verify", "--json", "--signer", keys + "/signer.crt", "--tsa", keys + "/tsa.crt",
        daemon.archivePath,
      ])
    #expect(outcome.code == 3)
    let report = try #require(outcome.json)
    #expect(report["findings"]?.array?.map { $0["what"]?.string } == ["stale"])
    #expect(report["days"]?.array?.allSatisfy { $0["findings"]?.array?.isEmpty ?? false } ?? false)
  }
}
