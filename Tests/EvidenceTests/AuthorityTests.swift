import Archive
import Glibc
import Record
import TestSupport
import Testing

@testable import Evidence

/// One authority for all tests of this file.
private enum Shared {
  private static let scratch = Result { try ScratchFolder() }
  private static let started = Result { try TestAuthority(scratch.get().path + "/authority") }
  static func authority() throws -> TestAuthority {
    // As the daemon does: a server that closes early must not end us.
    signal(SIGPIPE, SIG_IGN)
    return try started.get()
  }
}

/// A bad answer, and the words in which it is told.
struct BadAnswer: Sendable, CustomTestStringConvertible {
  var path: String
  var words: String
  var testDescription: String { path }

  static let all = [
    BadAnswer(path: "/nonce", words: "nonce mismatch"), BadAnswer(path: "/imprint", words: "it is not over this .p7s"),
    BadAnswer(path: "/untrusted", words: "Test authority is not trusted by"),
    BadAnswer(path: "/reject", words: "it refuses: no more today; it does not know the hash algorithm"),
    BadAnswer(path: "/garbage", words: "no time-stamp response"), BadAnswer(path: "/empty", words: "its answer is empty"),
    BadAnswer(path: "/page", words: "no time-stamp response but text: <html>Please log in</html>"),
    BadAnswer(path: "/500", words: "code=500"), BadAnswer(path: "/moved", words: "redirection"),
    BadAnswer(path: "/cut", words: "no time-stamp response"), BadAnswer(path: "/hang", words: "no whole answer within 2 s"),
    BadAnswer(path: "/drip", words: "answer"), BadAnswer(path: "/endless", words: "longer than 65536 bytes"),
    BadAnswer(path: "/header", words: "header"), BadAnswer(path: "/nowhere", words: "code=404"),
    BadAnswer(path: "/basic", words: "code=401"),
  ]
}

@Suite struct AuthorityTests {
  private func remote(
    _ url: String, _ account: RemoteAuthority.Account = .anybody, policy: String? = nil, proxy: String? = nil,
    seconds: Int = 15
  ) throws -> RemoteAuthority {
    var authority = RemoteAuthority(
      name: "test", address: try #require(WebAddress(url)), account: account, trustFile: try Shared.authority().trust, policy: policy,
      proxy: proxy.flatMap { WebAddress($0) })
    authority.seconds = seconds
    return authority
  }

  private func isGood(_ token: [UInt8], _ stamped: [UInt8]) throws -> Bool {
    let scratch = try ScratchFolder()
    try Disk.place(stamped, at: scratch.path + "/1.p7s")
    try Disk.place(token, at: scratch.path + "/1.tsr")
    return run("openssl ts -verify -data \(scratch.path)/1.p7s -in \(scratch.path)/1.tsr -CAfile \(try Shared.authority().trust)") == 0
  }

  @Test(
    "gives a token that openssl verifies: over HTTP, HTTPS, a proxy, from a server that keeps the connection, after its certificate changed",
    arguments: ["/ok", "/lingers", "/renewed"], ["http", "https", "proxy", "https proxy"])
  func good(_ path: String, by way: String) throws {
    let server = try Shared.authority()
    let stamped = Array("bytes".utf8)
    let authority = try remote(
      (way.hasPrefix("https") ? server.https : server.http) + path, policy: TestAuthority.policy,
      proxy: way.hasSuffix("proxy") ? server.proxy : nil)
    #expect(try isGood(authority.stamp(stamped), stamped))
  }

  @Test("a bad answer is refused in words", arguments: BadAnswer.all)
  func bad(_ answer: BadAnswer) throws {
    let seconds = ["/hang", "/drip"].contains(answer.path) ? 2 : 15
    let error = #expect(throws: (any Error).self) { try remote(Shared.authority().http + answer.path, seconds: seconds).stamp([1, 2, 3]) }
    #expect(error.map { "\($0)".contains(answer.words) } ?? false, "\(error.map { "\($0)" } ?? "")")
  }

  @Test("nobody there is told at once and by name")
  func refused() throws {
    let error = #expect(throws: WebError.self) { try remote("http://127.0.0.1:1/").stamp([1]) }
    #expect(error?.description.contains("Connection refused") ?? false)
    #expect(throws: WebError.self) { try remote("http://no-such-host.invalid/").stamp([1]) }
  }

  @Test("a server whose certificate does not chain to the trust file is not spoken to")
  func strangersServer() throws {
    let server = try Shared.authority()
    var authority = try remote(server.https + "/ok")
    authority = RemoteAuthority(
      name: "test", address: authority.address, account: .anybody, trustFile: server.folder + "/oca.crt", policy: nil, proxy: nil)
    let error = #expect(throws: WebError.self) { try authority.stamp([1]) }
    #expect(
      error?.description.contains("certificate verify failed; unable to get local issuer certificate") ?? false,
      "\(error?.description ?? "")")
    // The name is checked too.
    let other = #expect(throws: WebError.self) {
      try remote(server.https.replacingHost("127.0.0.1", by: "127.0.0.2") + "/ok").stamp([1])
    }
    #expect(other != nil)
  }

  @Test("another policy than the one that is wanted is refused")
  func policy() throws {
    let server = try Shared.authority()
    #expect(throws: (any Error).self) { try remote(server.http + "/ok", policy: "1.2.3.4").stamp([1]) }
    // The arc beyond 64 bits is read as it is written.
    let stamped: [UInt8] = [1]
    let token = try TimeStampToken(remote(server.http + "/ok").stamp(stamped), over: stamped)
    #expect(token.policy == TestAuthority.policy)
  }

  @Test("Basic authentication: the right password, the wrong one, and one that cannot be read")
  func basic() throws {
    let server = try Shared.authority()
    let right = server.password("parola", as: "basic-right")
    let stamped: [UInt8] = [5]
    #expect(try isGood(remote(server.http + "/basic", .basic(user: "efeler", passwordFile: right)).stamp(stamped), stamped))
    let wrong = server.password("yanlış", as: "basic-wrong")
    let error = #expect(throws: WebError.self) {
      try remote(server.http + "/basic", .basic(user: "efeler", passwordFile: wrong)).stamp(stamped)
    }
    #expect(error?.description.contains("code=401") ?? false)
    let missing = #expect(throws: AuthorityError.self) {
      try remote(server.http + "/basic", .basic(user: "efeler", passwordFile: "/nowhere")).stamp(stamped)
    }
    #expect(missing?.description.hasPrefix("password_file: ") ?? false)
  }

  @Test("Kamu SM: the identity header, a new salt each time, the credits, and its refusals in its own words")
  func kamuSM() throws {
    let server = try Shared.authority()
    let right = server.password(TestAuthority.password, as: "kamu-right")
    let authority = try remote(server.http + "/kamusm", .kamuSM(user: TestAuthority.customer, passwordFile: right))
    let before = try #require(try authority.credits())
    let stamped: [UInt8] = [5, 6, 5, 1]
    #expect(try isGood(authority.stamp(stamped), stamped))
    #expect(try isGood(authority.stamp(stamped), stamped))
    #expect(try authority.credits() == before - 2)
    let identities = server.requests.filter { $0.contains("/kamusm") }
    #expect(Set(identities).count == identities.count)
    let wrong = server.password("çok gizlı", as: "kamu-wrong")
    for (account, words) in [
      (RemoteAuthority.Account.kamuSM(user: TestAuthority.customer, passwordFile: wrong), "Account could not be authenticated"),
      (.kamuSM(user: 999, passwordFile: right), "User 999 is not known"),
    ] {
      let stranger = try remote(server.http + "/kamusm", account)
      let refusal = #expect(throws: AuthorityError.self) { try stranger.stamp(stamped) }
      #expect(refusal?.description.contains(words) ?? false)
      let credits = #expect(throws: AuthorityError.self) { try stranger.credits() }
      #expect(credits?.description.contains(words) ?? false)
    }
  }

  @Test(
    "what judges an authority's certificate is fetched once and kept, so that nothing about its revocation is unknown",
    arguments: ["/with-crl", "/with-ocsp"])
  func validation(_ path: String) throws {
    let server = try Shared.authority()
    let authority = try remote(server.http + path)
    let log = try OwnLog(authorities: [authority])
    try log.closedDay(log.day.adding(days: -1), records: 2)
    var options = try log.options()
    options.tsa = try Trust(pem: RegularFile.bytes(server.trust, limit: 1 << 16))
    #expect(try Verifier.verify(log.archive.path, options).kinds.contains("revocation-unknown"))
    let day = log.day.adding(days: -1)
    let p7s = try Sealer.stamped(WaitingSeal(number: 1, day: day), in: log.archive)
    let token = try TimeStampToken(SealStore(log.archive).bytes(1, day, .token(authority: "test")), over: p7s)
    let capture = try #require(authority.validation(of: token))
    #expect(capture.missing.isEmpty)
    // The authority's certificate, its issuer's, and what that says of it.
    #expect(capture.files.count == 3)
    try log.sealer.add(validation: capture.files)
    try log.sealer.add(validation: capture.files)
    let seal = try log.closedDay(log.day, records: 2)
    #expect(Set(seal.validation) == Set(capture.files.map { SHA256.hash($0) }) && seal.validation.count == 3)
    #expect(try Verifier.verify(log.archive.path, options).kinds.subtracting(["late"]).isEmpty)
  }

  @Test("what cannot be had is told, and no rubbish is kept")
  func validationMissing() throws {
    let server = try Shared.authority()
    let authority = try remote(server.http + "/with-dead-crl")
    let stamped: [UInt8] = [7]
    let capture = try #require(authority.validation(of: TimeStampToken(authority.stamp(stamped), over: stamped)))
    #expect(capture.files.count == 2 && capture.missing.count == 1)
    #expect(capture.missing.first?.contains("the CRL about Authority with a dead CRL: ") ?? false)
  }

  @Test(
    "credits are the number in the text, bare or as a string; a customer's number is none",
    arguments: [
      ("4711", 4711), ("0\n", 0), ("Kalan kontör: 12", 12), ("User 999 is not known", nil), ("", nil), ("12 of 40", nil), ("999", 999),
    ] as [(String, Int?)])
  func credits(_ text: String, _ number: Int?) {
    let bare = Array(text.utf8)
    let string = [0x30, UInt8(bare.count + 2), 0x0c, UInt8(bare.count)] + bare
    #expect((try? KamuSM.credits(bare, user: 999)) == number)
    #expect((try? KamuSM.credits(string, user: 999)) == number)
  }

  @Test(
    "the identity header is DER in lower-case hexadecimal, whatever the customer's number", arguments: [1, 127, 128, 255, 256, 40001, .max])
  func identity(_ user: Int) throws {
    let text = try KamuSM.identity(user: user, password: [], imprint: [UInt8](repeating: 7, count: 32))
    let bytes = try #require(Hex.bytes(lowerCase: text))
    let value = try ASN1(bytes, .der)
    #expect(value.children.map(\.tag) == [0x02, 0x04, 0x02, 0x04, 0x04])
    #expect(value.children[0].contentBytes(bytes).reduce(0) { $0 << 8 | Int($1) } == user)
    #expect(value.children[0].contentBytes(bytes)[0] < 0x80)
    #expect(value.children[1].contentBytes(bytes) == value.children[3].contentBytes(bytes))
    #expect(value.children[4].content.count == 48)
  }
}

extension String {
  fileprivate func replacingHost(_ host: String, by other: String) -> String {
    split(separator: host, maxSplits: 1, omittingEmptySubsequences: false).joined(separator: other)
  }
}

@Suite struct WebAddressTests {
  @Test(
    "takes a URL apart",
    arguments: [
      ("http://tzd.kamusm.gov.tr", false, "tzd.kamusm.gov.tr", "80", "/"),
      ("https://tsa.example/a/b?c=d", true, "tsa.example", "443", "/a/b?c=d"),
      ("http://[::1]:8080/x", false, "::1", "8080", "/x"), ("HTTP://10.0.0.1:99", false, "10.0.0.1", "99", "/"),
    ])
  func good(_ text: String, _ tls: Bool, _ host: String, _ port: String, _ path: String) throws {
    let address = try #require(WebAddress(text))
    #expect(address.isTLS == tls)
    #expect(address.host == host)
    #expect(address.port == port)
    #expect(address.path == path)
  }

  @Test(
    "refuses what is none",
    arguments: [
      "", "tsa.example", "ftp://tsa.example", "http://", "http:///x", "http://u:p@tsa.example/", "http://tsa.example/ x", "http://a\r\nb/",
      "http://tsa.example:0x50/", "http://tsa.example:99999/", "http://tsa.example/#part",
    ])
  func bad(_ text: String) { #expect(WebAddress(text) == nil) }
}

@Suite struct ObjectIdentifierTests {
  @Test(
    "an object identifier's arcs have no limit (X.660: 2.25 takes a UUID)",
    arguments: [
      "1.2.840.113549", "2.25.1", "2.999.3", "0.0", "0.39", "1.0", "2.0", "2.40", TestAuthority.policy, "2.18446744073709551615",
      "2.25.18446744073709551616.1000000000.999999999", "1.39.9223372036854775808",
    ])
  func arcs(_ text: String) throws {
    // By openssl, which knows no limit either.
    let scratch = try ScratchFolder()
    #expect(run("openssl asn1parse -genstr OID:\(text) -noout -out \(scratch.path)/oid") == 0)
    let bytes = try RegularFile.bytes(scratch.path + "/oid", limit: 100)
    #expect(try ASN1(bytes, .der).oid(bytes) == text)
  }
}
