public import Archive
internal import COpenSSL
import Glibc

/// A private key (`EVP_PKEY *`).
public struct PrivateKey: ~Copyable, @unchecked Sendable {
  // Sendable: a key is only read after it was made; OpenSSL guards what it caches in it.
  let handle: OpaquePointer

  /// A new ECDSA key on P-256.
  public init() throws(OpenSSLError) {
    ERR_clear_error()
    handle = try given(ossl_ec_key("P-256"), "EVP_EC_gen")
  }

  init(taking handle: OpaquePointer) { self.handle = handle }

  /// PEM, encrypted or not.
  /// - Parameter password: for an encrypted key; nil refuses one rather than ask.
  public init(pem bytes: [UInt8], password: [UInt8]? = nil) throws(OpenSSLError) {
    ERR_clear_error()
    handle = try withBIO(bytes) { bio throws(OpenSSLError) in
      // Without a callback OpenSSL would ask at the terminal.
      let key = withPassword(password) { PEM_read_bio_PrivateKey(bio, nil, passwordCallback, $0) }
      return try given(key, "PEM_read_bio_PrivateKey")
    }
  }

  deinit { EVP_PKEY_free(handle) }

  public func pem() throws(OpenSSLError) -> [UInt8] {
    try written("PEM_write_bio_PrivateKey") { PEM_write_bio_PrivateKey($0, handle, nil, nil, 0, nil, nil) }
  }

  public func fits(_ certificate: Certificate) -> Bool {
    defer { ERR_clear_error() }
    return X509_check_private_key(certificate.handle, handle) == 1
  }
}

private func withPassword<R>(_ password: [UInt8]?, _ body: (UnsafeMutableRawPointer?) -> R) -> R {
  guard let password else { return body(nil) }
  let text = password + [0]
  return text.withUnsafeBytes { body(UnsafeMutableRawPointer(mutating: $0.baseAddress)) }
}

private func passwordCallback(
  _ buffer: UnsafeMutablePointer<CChar>?, _ size: Int32, _ writing: Int32, _ password: UnsafeMutableRawPointer?
) -> Int32 {
  guard let buffer, let password else { return -1 }
  let count = strlen(password.assumingMemoryBound(to: CChar.self))
  guard count <= size else { return -1 }
  memcpy(buffer, password, count)
  return Int32(count)
}

/// Who signs, to be handed about: an `Identity` itself cannot be copied.
public final class Signer: Sendable {
  public let identity: Identity

  public init(_ identity: consuming Identity) { self.identity = identity }

  public var certificate: Certificate { identity.certificate }
  /// SHA-256 of its certificate, by which seals name it.
  public var digest: Digest { identity.certificate.sha256 }
}

/// What an institution's own key comes with.
public struct Identity: ~Copyable, Sendable {
  public let key: PrivateKey
  public let certificate: Certificate
  /// Intermediates.
  public let chain: [Certificate]

  public init(key: consuming PrivateKey, certificate: Certificate, chain: [Certificate] = []) {
    self.key = key
    self.certificate = certificate
    self.chain = chain
  }

  /// PKCS#12 (RFC 7292).
  /// - Parameter password: UTF-8 without NUL; empty where there is none.
  public init(pkcs12 bytes: [UInt8], password: [UInt8]) throws(OpenSSLError) {
    let container = try given(parsed(bytes) { d2i_PKCS12(nil, $0, $1) }, "d2i_PKCS12")
    defer { PKCS12_free(container) }
    var key: OpaquePointer?
    var certificate: OpaquePointer?
    var others: OpaquePointer?
    let result = (password.map { CChar(bitPattern: $0) } + [0]).withUnsafeBufferPointer {
      PKCS12_parse(container, $0.baseAddress, &key, &certificate, &others)
    }
    defer {
      X509_free(certificate)
      ossl_certs_free(others)
    }
    guard result == 1 else { throw OpenSSLError("PKCS12_parse") }
    let privateKey = PrivateKey(taking: try given(key, "PKCS#12 without a private key"))
    var chain: [Certificate] = []
    for i in 0..<ossl_certs_count(others) { chain.append(try Identity.copy(ossl_certs_at(others, i))) }
    self.init(key: privateKey, certificate: try Identity.copy(certificate), chain: chain)
  }

  /// A PEM key and a PEM file of certificates, the key's own first.
  public init(keyPEM: [UInt8], certificatePEM: [UInt8], password: [UInt8]? = nil) throws(OpenSSLError) {
    let key = try PrivateKey(pem: keyPEM, password: password)
    let certificates = try Certificate.pem(certificatePEM)
    guard let first = certificates.first else { throw OpenSSLError(words: "no certificate") }
    guard key.fits(first) else { throw OpenSSLError(words: "the certificate is of another key") }
    self.init(key: key, certificate: first, chain: Array(certificates.dropFirst()))
  }

  /// A key in a PKCS#11 token and a PEM file of certificates, the key's own first.
  public init(pkcs11 uri: String, pin: [UInt8], certificatePEM: [UInt8]) throws(OpenSSLError) {
    let key = try PKCS11.key(uri, pin: pin)
    let certificates = try Certificate.pem(certificatePEM)
    guard let first = certificates.first else { throw OpenSSLError(words: "no certificate") }
    guard key.fits(first) else { throw OpenSSLError(words: "the certificate is of another key") }
    self.init(key: key, certificate: first, chain: Array(certificates.dropFirst()))
  }

  private static func copy(_ handle: OpaquePointer?) throws(OpenSSLError) -> Certificate {
    do { return try Certificate(copying: try given(handle, "PKCS#12 without a certificate")) } catch {
      throw error as? OpenSSLError ?? OpenSSLError("\(error)")
    }
  }

  /// A password file's password: UTF-8; one final LF or CR LF is not part of it (design section 12.33).
  public static func password(fileBytes bytes: [UInt8]) -> [UInt8] {
    var out = bytes
    if out.last == 0x0a {
      out.removeLast()
      if out.last == 0x0d { out.removeLast() }
    }
    return out
  }
}
