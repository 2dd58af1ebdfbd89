import Archive
import Glibc
import Record
import TestSupport
import Testing

@testable import Evidence

@Suite struct SealFormatTests {
  static func seals() throws -> [String] { try Small.files().filter { $0.hasSuffix(".json") && $0.contains("seals/") } }

  @Test("a seal reads back as the bytes it was written from", arguments: try seals())
  func roundTrip(file: String) throws {
    let bytes = try RegularFile.bytes(Small.archive + "/" + file, limit: 1 << 20)
    #expect(try Seal(fileBytes: bytes.span).fileBytes == bytes)
  }

  private func first() throws -> String {
    String(decoding: try RegularFile.bytes(Small.archive + "/days/2026-11-02/seals/00000002.json", limit: 1 << 20), as: UTF8.self)
  }

  @Test(
    "what is not as it must be is refused",
    arguments: [
      ("\"number\":2", "\"number\":0"), ("\"number\":2", "\"number\":1"), ("\"final\":false", "\"final\":0"),
      ("\"records\":27", "\"records\":-1"),
      ("\"dropped\":0,", ""), ("\"day\":\"2026-11-02\"", "\"day\":\"2026-11-31\""),
      ("\"made\":\"2026-11-02T16", "\"made\":\"2026-11-02 16"),
      ("\"holds\":[]", "\"holds\":[{\"from\":\"2026-11-02\",\"to\":\"2026-11-01\",\"case_sha256\":\"\"}]"),
      ("00000001.local.tsr", "00000002.local.tsr"),
      ("00000001.local.tsr", "../1.local.tsr"), ("muhur-seal-1", "muhur-seal-2"), ("\"validation\":[]", "\"validation\":[\"x\"]"),
      ("\"previous\":{", "\"previous\":null,\"p\":{"), (".724065+03:00", ".72406+03:00"), ("{\"format\"", "{ \"format\""),
      ("\"clock\":{\"synchronised\":true,\"error_us\":834}", "\"clock\":null"), ("\"software\"", "\"next_signer\":null,\"software\""),
    ])
  func refuses(old: String, new: String) throws {
    let text = try first().replacingFirst(old, new)
    #expect(throws: Malformed.self) { try Seal(fileBytes: Array(text.utf8).span) }
  }

  @Test("notes, announcements and unknown members are legal")
  func tolerates() throws {
    var seal = try Seal(fileBytes: Array(try first().utf8).span)
    seal.note = "the collector was off"
    seal.nextSigner = SHA256.hash([1])
    #expect(try Seal(fileBytes: seal.fileBytes.span) == seal)
    let text = try first().replacingFirst("\"software\"", "\"colour\":[1],\"software\"")
    #expect(try Seal(fileBytes: Array(text.utf8).span).number == 2)
  }
}

extension String {
  /// With the first such part replaced, which must be there.
  func replacingFirst(_ old: String, _ new: String) throws -> String {
    let bytes = Array(utf8)
    let wanted = Array(old.utf8)
    let at = try #require(
      (0...max(0, bytes.count - wanted.count)).first { Array(bytes[$0..<min(bytes.count, $0 + wanted.count)]) == wanted })
    return String(decoding: bytes[..<at] + Array(new.utf8) + bytes[(at + wanted.count)...], as: UTF8.self)
  }
}

@Suite struct HeadTests {
  private let line = "muhur-head-1 1d813018279475535059d55123b693a3 15 2026-11-06 " + String(repeating: "ab", count: 32)

  @Test("a head line is found behind any text on its line, and other lines are skipped")
  func skips() throws {
    let text = "Sayın yetkili,\n<14>Nov 7 host muhurd: \(line)\r\n\(line)\n--\n"
    let heads = try Head.lines(Array(text.utf8))
    #expect(heads.map(\.description) == [line, line])
    #expect(heads[0].number == 15)
    // A letter quotes without a space; a subject may hold the word itself.
    for before in [">", "\u{feff}", "muhur-head-1 of today: ", "muhur-head-10 "] {
      #expect(try Head.lines(Array("\(before)\(line)".utf8)).map(\.description) == [line], "\(before)")
    }
  }

  @Test("a file without head line, or with a damaged one, is refused")
  func refuses() {
    for text in ["", "hello\n", line.dropLast() + "\n", "muhur-head-1 x 1 2026-11-06 y\n", line.replacing("15", "015")] {
      #expect(throws: Head.Unusable.self) { try Head.lines(Array(text.utf8)) }
    }
  }
}

extension String {
  func replacing(_ old: String, _ new: String) -> String { (try? replacingFirst(old, new)) ?? self }
}

@Suite struct ASN1Tests {
  private func read(_ hex: String, _ rules: ASN1.Rules) throws(Malformed) -> ASN1 { try ASN1(Hex.bytes(lowerCase: hex) ?? [], rules) }

  @Test(
    "strict DER refuses what BER permits",
    arguments: ["30800201010000", "30810302010 1".filter { $0 != " " }, "24040402abcd", "3082000302 0101".filter { $0 != " " }])
  func strict(hex: String) throws {
    #expect(throws: Malformed.self) { try read(hex, .der) }
    _ = try read(hex, .ber)
  }

  @Test(
    "what does not add up is refused by both",
    arguments: [
      "", "30", "3003020101ff", "30050201", "308002010100", "0280", "1f8101", "30840fffffff", "3089010000000000000000",
      String(repeating: "3080", count: 5000),
    ])
  func refuses(hex: String) {
    #expect(throws: Malformed.self) { try read(hex, .der) }
    #expect(throws: Malformed.self) { try read(hex, .ber) }
  }

  @Test("pieces of a string are put together, numbers and object identifiers read")
  func values() throws {
    let bytes = Hex.bytes(lowerCase: "248004 01aa 0402bbcc 0000".filter { $0 != " " }) ?? []
    #expect(try ASN1(bytes, .ber).octets(bytes) == [0xaa, 0xbb, 0xcc])
    let oid: [UInt8] = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02]
    #expect(try ASN1(oid, .der).oid(oid) == OID.signedData)
    let number: [UInt8] = [0x02, 0x02, 0x01, 0x00]
    #expect(try ASN1(number, .der).number(number) == 256)
    let negative: [UInt8] = [0x02, 0x01, 0xff]
    #expect(throws: Malformed.self) { try ASN1(negative, .der).number(negative) }
  }

  @Test(
    "times are UTC with seconds",
    arguments: [
      ("20261123110307Z", true), ("20261123110307.5Z", true), ("20261123110307.50Z", false), ("202611231103Z", false),
      ("20261123110307", false), ("20261131110307Z", false), ("20261123110367Z", false), ("20261123110307.Z", false),
    ])
  func times(text: String, isGood: Bool) throws {
    let bytes = [0x18, UInt8(text.utf8.count)] + Array(text.utf8)
    let time = try? ASN1(bytes, .der).time(bytes)
    #expect((time != nil) == isGood)
  }
}

@Suite struct ArgumentTests {
  private func fails(_ arguments: String...) -> String? {
    do throws(VerifierCommand.UsageError) { _ = try VerifierCommand.parse(arguments, now: 0) } catch { return error.words }
    return nil
  }

  @Test("wrong usage is told by the option's name")
  func usage() {
    #expect(fails()?.contains("PATH") == true)
    #expect(fails("--retenion", "5d", "x")?.contains("--retenion") == true)
    #expect(fails("--retention", "5", "x")?.contains("--retention") == true)
    #expect(fails("--retention")?.contains("--retention") == true)
    #expect(fails("--max-delay", "-1h", "x")?.contains("--max-delay") == true)
    #expect(fails("--from", "2026-11-31", "x")?.contains("--from") == true)
    #expect(fails("--from", "2026-11-30", "--to", "2026-11-29", "x")?.contains("--to") == true)
    #expect(fails("--as-of", "yesterday", "x")?.contains("--as-of") == true)
    #expect(fails("--log", "X", "x")?.contains("--log") == true)
    #expect(fails("--policy", "1.", "x")?.contains("--policy") == true)
    #expect(fails("--json", "--json", "x")?.contains("twice") == true)
    #expect(fails("--json=1", "x")?.contains("--json") == true)
    #expect(fails("--signer", "/nonexistent", "x")?.contains("--signer") == true)
    #expect(fails("--signer", #filePath, "x")?.contains("--signer") == true)
  }

  @Test("values may stand behind = or alone, and everything behind -- is a path")
  func forms() throws {
    let parsed = try VerifierCommand.parse(["--retention=5d", "--as-of", "1795000000", "a", "--", "--json"], now: 0)
    #expect(parsed.options.retention == 5 * Timestamp.day)
    #expect(parsed.options.asOf == 1_795_000_000 * Timestamp.second)
    #expect(parsed.paths == ["a", "--json"])
    #expect(!parsed.json)
  }

  @Test("a duration beyond all time is one that nothing exceeds", arguments: ["200000000d", "999999999999999999d", "999999999999999999s"])
  func longDuration(text: String) throws {
    let parsed = try VerifierCommand.parse(["--retention", text, "--max-delay", text, "x"], now: 0)
    var options = try Small.options()
    options.retention = parsed.options.retention
    options.maxDelay = parsed.options.maxDelay
    #expect(try Verifier.verify(Small.archive, options).result == .ok)
  }

  @Test("the worst exit of several paths counts, in the order 1, 4, 3, 0")
  func exits() throws {
    let scratch = try ScratchFolder()
    let trust = [
      "--quiet", "--as-of", "2026-11-07T20:00:00+03:00", "--signer", Small.folder + "/signer.pem", "--tsa", Small.folder + "/tsa.pem",
    ]
    #expect(VerifierCommand.run(trust + [Small.archive]) == 0)
    #expect(VerifierCommand.run(trust + [Small.archive, "/nonexistent"]) == 4)
    #expect(VerifierCommand.run(trust + [Small.archive, "/nonexistent", scratch.path]) == 1)
    #expect(VerifierCommand.run(Array(trust[0...2]) + [Small.archive]) == 3)
    #expect(VerifierCommand.run([]) == 2)
  }
}

@Suite struct KeyTests {
  @Test("a password file's password is what stands before one final LF or CR LF")
  func password() {
    #expect(Identity.password(fileBytes: Array("gizli".utf8)) == Array("gizli".utf8))
    #expect(Identity.password(fileBytes: Array("gizli\n".utf8)) == Array("gizli".utf8))
    #expect(Identity.password(fileBytes: Array("gizli\r\n".utf8)) == Array("gizli".utf8))
    #expect(Identity.password(fileBytes: Array("gizli \n\n".utf8)) == Array("gizli \n".utf8))
    #expect(Identity.password(fileBytes: []) == [])
  }

  @Test("an institution's key comes from PKCS#12 or PEM, encrypted or not, and signs what verifies")
  func institution() throws {
    let scratch = try ScratchFolder()
    let p = scratch.path
    let make = """
      cd \(p) && openssl req -x509 -newkey rsa:2048 -nodes -keyout k.pem -out c.pem -days 30 -subj /CN=Kurum &&
      openssl pkcs12 -export -in c.pem -inkey k.pem -passout pass:şifre -out k.p12 && openssl rsa -in k.pem -aes256 -passout pass:şifre -out e.pem
      """
    #expect(run(make) == 0)
    func bytes(_ name: String) throws -> [UInt8] { try RegularFile.bytes(p + "/" + name, limit: 1 << 20) }
    let password = Array("şifre".utf8)
    let first = try Identity(pkcs12: bytes("k.p12"), password: password)
    #expect(first.certificate.name == "Kurum")
    let second = try Identity(keyPEM: bytes("e.pem"), certificatePEM: bytes("c.pem"), password: password)
    #expect(second.certificate.sha256 == first.certificate.sha256)
    do {
      _ = try Identity(pkcs12: bytes("k.p12"), password: Array("wrong".utf8))
      Issue.record("a wrong password opens it")
    } catch {}
    do {
      _ = try Identity(keyPEM: bytes("e.pem"), certificatePEM: bytes("c.pem"))
      Issue.record("no password opens it")
    } catch {}
    let content = Array("text".utf8)
    let p7s = try Signature.sign(content, first.key, first.certificate)
    let signature = try Signature(p7s, over: content)
    #expect(signature.certificate.sha256 == first.certificate.sha256)
    #expect(try signature.chain(Trust([first.certificate]), at: time(nil)).count == 1)
    #expect(throws: SignatureFault.self) { try Signature(p7s, over: content + [0]) }
    #expect(throws: SignatureFault.self) { try Signature(p7s + [0], over: content) }
  }
}

extension Revocation.Verdict {
  var isRevoked: Bool { if case .revoked = self { true } else { false } }
}

@Suite struct RevocationTests {
  @Test("a captured CRL or OCSP answer counts only from the issuer, and only against what was used after it or with a lost key")
  func revocation() throws {
    let scratch = try ScratchFolder()
    let p = scratch.path
    let script = """
      cd \(p) && mkdir demo && : > index && echo 1000 > serial && echo 01 > crlnumber
      printf '[ca]\\ndefault_ca=d\\n[d]\\ndatabase=index\\nserial=serial\\ncrlnumber=crlnumber\\nnew_certs_dir=demo\\ndefault_md=sha256\\npolicy=p\\ndefault_crl_days=30\\n[p]\\ncommonName=supplied\\n[x]\\nbasicConstraints=critical,CA:FALSE\\ncrlDistributionPoints=URI:http://x/c.crl\\n' > ca.cnf
      openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 30 -subj /CN=Kok
      openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout other.key -out other.pem -days 30 -subj /CN=Kok
      for n in good lost moved; do
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $n.key -out $n.csr -subj /CN=$n
        openssl ca -batch -config ca.cnf -extensions x -cert ca.pem -keyfile ca.key -in $n.csr -out $n.pem -days 20 -notext
      done
      openssl ca -config ca.cnf -cert ca.pem -keyfile ca.key -gencrl -out empty.pem
      openssl ca -config ca.cnf -cert ca.pem -keyfile ca.key -revoke lost.pem -crl_reason keyCompromise
      openssl ca -config ca.cnf -cert ca.pem -keyfile ca.key -revoke moved.pem -crl_reason superseded
      openssl ca -config ca.cnf -cert ca.pem -keyfile ca.key -gencrl -out crl.pem
      openssl crl -in crl.pem -outform DER -out crl.der && openssl crl -in empty.pem -outform DER -out empty.der
      openssl ocsp -issuer ca.pem -cert good.pem -cert lost.pem -reqout req.der -no_nonce
      openssl ocsp -index index -CA ca.pem -rsigner ca.pem -rkey ca.key -reqin req.der -respout ocsp.der -ndays 5
      """
    #expect(run(script) == 0)
    func certificate(_ name: String) throws -> Certificate { try Certificate.pem(RegularFile.bytes(p + "/\(name).pem", limit: 1 << 20))[0] }
    func file(_ name: String) throws -> [UInt8] { try RegularFile.bytes(p + "/" + name, limit: 1 << 20) }
    let ca = try certificate("ca")
    let now = Int64(time(nil)) * Timestamp.second
    let (before, after) = (now - Timestamp.hour, now + Timestamp.hour)
    let lists = Revocation([try file("crl.der")])
    #expect(try certificate("good").namesRevocation)
    #expect(try lists.judge(certificate("good"), issuer: ca, at: after) == .good)
    #expect(try lists.judge(certificate("lost"), issuer: ca, at: before).isRevoked, "a lost key is trusted")
    #expect(try lists.judge(certificate("moved"), issuer: ca, at: before) == .good)
    #expect(try lists.judge(certificate("moved"), issuer: ca, at: after).isRevoked, "revoked, yet trusted")
    #expect(try lists.judge(certificate("good"), issuer: certificate("other"), at: after) == .unknown)
    #expect(try Revocation().judge(certificate("good"), issuer: ca, at: after) == .unknown)
    #expect(try Revocation([file("empty.der")]).judge(certificate("lost"), issuer: ca, at: after) == .good)
    let answers = Revocation([try file("ocsp.der"), [1, 2, 3]])
    #expect(try answers.judge(certificate("good"), issuer: ca, at: now + 60 * Timestamp.second) == .good)
    #expect(try answers.judge(certificate("lost"), issuer: ca, at: now).isRevoked, "a lost key is trusted")
    #expect(try answers.judge(certificate("moved"), issuer: ca, at: now) == .unknown)
  }
}
