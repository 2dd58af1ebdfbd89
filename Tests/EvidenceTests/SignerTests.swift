import Archive
import Glibc
import Record
import TestSupport
import Testing

@testable import Evidence

/// Whether a program is on the path.
private func has(_ program: String) -> Bool { run("command -v \(program)") == 0 }

@Suite struct SignerTests {
  /// A key and a self-signed certificate of openssl's making.
  private func made(_ scratch: ScratchFolder, _ name: String, days: Int = 3650) throws -> (key: String, certificate: String) {
    let (key, certificate) = ("\(scratch.path)/\(name).key", "\(scratch.path)/\(name).crt")
    let options = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days \(days) -subj /CN=\(name)"
    #expect(run("openssl req -x509 \(options) -addext keyUsage=critical,digitalSignature -keyout \(key) -out \(certificate)") == 0)
    return (key, certificate)
  }

  private func bytes(_ path: String) throws -> [UInt8] { try RegularFile.bytes(path, limit: 1 << 20) }

  @Test("a key comes from PEM, with and without password, and from PKCS#12; a wrong password is told, and so is another's certificate")
  func files() throws {
    let scratch = try ScratchFolder()
    let one = try made(scratch, "one")
    let other = try made(scratch, "other")
    #expect(run("openssl pkcs8 -topk8 -in \(one.key) -passout 'pass:gizli şifre' -out \(scratch.path)/locked.key") == 0)
    #expect(
      run("openssl pkcs12 -export -inkey \(one.key) -in \(one.certificate) -passout 'pass:gizli şifre' -out \(scratch.path)/one.p12") == 0)
    let password = Identity.password(fileBytes: Array("gizli şifre\r\n".utf8))
    let content = Array("{}\n".utf8)
    for signer in [
      Signer(try Identity(keyPEM: bytes(one.key), certificatePEM: bytes(one.certificate))),
      Signer(try Identity(keyPEM: bytes(scratch.path + "/locked.key"), certificatePEM: bytes(one.certificate), password: password)),
      Signer(try Identity(pkcs12: bytes(scratch.path + "/one.p12"), password: password)),
    ] {
      let p7s = try Signature.sign(content, signer.identity.key, signer.certificate)
      #expect(try Signature(p7s, over: content).certificate.sha256 == signer.digest)
    }
    #expect(throws: OpenSSLError.self) {
      _ = try Identity(keyPEM: bytes(scratch.path + "/locked.key"), certificatePEM: bytes(one.certificate), password: [0x78])
    }
    #expect(throws: OpenSSLError.self) {
      _ = try Identity(keyPEM: bytes(scratch.path + "/locked.key"), certificatePEM: bytes(one.certificate))
    }
    #expect(throws: OpenSSLError.self) { _ = try Identity(pkcs12: bytes(scratch.path + "/one.p12"), password: [0x78]) }
    #expect(throws: OpenSSLError.self) { _ = try Identity(keyPEM: bytes(one.key), certificatePEM: bytes(other.certificate)) }
  }

  @Test(
    "a key in a PKCS#11 token signs what openssl verifies, and never leaves the token",
    .enabled(if: has("softhsm2-util") && has("pkcs11-tool") && access("/usr/lib/x86_64-linux-gnu/engines-3/pkcs11.so", R_OK) == 0))
  func token() throws {
    let module = "/usr/lib/softhsm/libsofthsm2.so"
    let scratch = try ScratchFolder()
    mkdir(scratch.path + "/tokens", 0o700)
    try Disk.place(Array("directories.tokendir = \(scratch.path)/tokens\n".utf8), at: scratch.path + "/softhsm2.conf")
    setenv("SOFTHSM2_CONF", scratch.path + "/softhsm2.conf", 1)
    #expect(run("softhsm2-util --init-token --free --label muhur --pin 5651 --so-pin 5070") == 0)
    let one = try made(scratch, "one")
    #expect(run("openssl pkcs8 -topk8 -nocrypt -in \(one.key) -out \(scratch.path)/p8") == 0)
    #expect(run("softhsm2-util --import \(scratch.path)/p8 --token muhur --label seal --id 01 --pin 5651") == 0)
    unlink(one.key)
    let uri = "pkcs11:token=muhur;object=seal;type=private?module-path=" + module
    let signer = Signer(try Identity(pkcs11: uri, pin: Array("5651".utf8), certificatePEM: bytes(one.certificate)))
    let log = try OwnLog()
    log.sealer = try OwnLog.sealer(log.archive, log.keys, signer: signer)
    try log.closedDay(log.day, records: 3)
    let base = log.archive.day(log.day).path(Layout.seals) + "/00000001"
    let cms = "openssl cms -verify -cades -binary -inform DER -in \(base).p7s -content \(base).json -purpose any -partial_chain"
    #expect(run("\(cms) -CAfile \(one.certificate) -out /dev/null") == 0)
    var options = try log.options()
    options.signer = try Trust(pem: bytes(one.certificate))
    #expect(try Verifier.verify(log.archive.path, options).result == .ok)
    // Another's certificate, another object.
    let other = try made(scratch, "other")
    #expect(throws: OpenSSLError.self) { _ = try Identity(pkcs11: uri, pin: Array("5651".utf8), certificatePEM: bytes(other.certificate)) }
    #expect(throws: OpenSSLError.self) {
      _ = try Identity(
        pkcs11: "pkcs11:token=muhur;object=none;type=private?module-path=" + module, pin: Array("5651".utf8),
        certificatePEM: bytes(one.certificate))
    }
  }

  @Test("the module of a URI is read with its percent signs")
  func modulePath() {
    #expect(PKCS11.modulePath("pkcs11:object=a") == nil)
    #expect(PKCS11.modulePath("pkcs11:object=a?module-path=/usr/lib/a%20b.so") == "/usr/lib/a b.so")
    #expect(PKCS11.modulePath("pkcs11:object=a?pin-source=x&module-path=/m%zz") == "/m%zz")
  }

  @Test("another key is announced by the old one's last seal; unannounced it is told, and either way the chain holds")
  func handover() throws {
    let scratch = try ScratchFolder()
    let new = try made(scratch, "new")
    for isAnnounced in [true, false] {
      let log = try OwnLog()
      try log.closedDay(log.day.adding(days: -2), records: 3)
      let signer = Signer(try Identity(keyPEM: bytes(new.key), certificatePEM: bytes(new.certificate)))
      if isAnnounced {
        log.sealer.announce(signer)
        let last = try log.closedDay(log.day.adding(days: -1), records: 2)
        #expect(last.signer == log.fingerprints.signer && last.nextSigner == signer.digest)
      } else {
        try log.closedDay(log.day.adding(days: -1), records: 2)
        log.sealer = try OwnLog.sealer(log.archive, log.keys, signer: signer)
        #expect(!log.sealer.expects(signer))
      }
      let first = try log.closedDay(log.day, records: 1)
      #expect(first.signer == signer.digest && first.nextSigner == nil)
      var options = try log.options()
      let trusted = try bytes(log.keys.path(.signerCertificate)) + bytes(new.certificate)
      options.signer = try Trust(pem: trusted)
      let kinds = try Verifier.verify(log.archive.path, options).kinds.subtracting(["late"])
      #expect(kinds == (isAnnounced ? [] : ["signer-changed"]))
      // Trust does not pass on: the new certificate must be trusted for itself.
      options.signer = try log.options().signer
      #expect(try Verifier.verify(log.archive.path, options).kinds.contains("untrusted"))
    }
  }

  @Test("a handover that a crash cut in two is finished by the key that it was begun with, and by no other")
  func handoverCrash() throws {
    let scratch = try ScratchFolder()
    let new = try made(scratch, "new")
    let signer = Signer(try Identity(keyPEM: bytes(new.key), certificatePEM: bytes(new.certificate)))
    let log = try OwnLog()
    try log.closedDay(log.day.adding(days: -1), records: 3)
    log.sealer.announce(signer)
    let prefix = log.scratch.path
    Disk.setFault(under: prefix) { _, path in path.contains("00000002.p7s") ? EIO : nil }
    defer { Disk.setFault(under: prefix, nil) }
    #expect(throws: ArchiveError.self) { try log.closedDay(log.day, records: 1) }
    Disk.setFault(under: prefix, nil)
    let wrong = try OwnLog.sealer(log.archive, log.keys, signer: signer)
    #expect(throws: ArchiveError.self) { try wrong.finishUnsigned() }
    let old = try OwnLog.sealer(log.archive, log.keys)
    old.announce(signer)
    try old.finishUnsigned()
    #expect(old.signer?.digest == signer.digest)
    #expect(old.stampWaiting())
  }
}
