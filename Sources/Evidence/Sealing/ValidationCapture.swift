import Archive
internal import COpenSSL
import Glibc
import Record

/// Fetches what an auditor will need in years to judge a certificate, while it can still be had: the certificates of its
/// chain, and for each of them the CRL or the OCSP answer of its issuer (design section 4, `validation/`).
///
/// Only what is signed as it should be is kept: `Revocation` judges it as the verifier will.
public struct ValidationCapture: Sendable {
  /// To be kept, each once.
  public private(set) var files: [[UInt8]] = []
  /// What could not be had, in words.
  public private(set) var missing: [String] = []
  /// nil: as the environment says.
  private let proxy: WebAddress?
  private let seconds: Int

  /// A CRL of a large provider has some MB; the verifier reads at most 64 MiB.
  static let maximumBytes = 16 << 20

  public init(proxy: WebAddress? = nil) { self.init(proxy: proxy, seconds: 15) }

  init(proxy: WebAddress?, seconds: Int) {
    self.proxy = proxy
    self.seconds = seconds
  }

  /// - Parameters:
  ///   - certificate: the one that signed.
  ///   - others: certificates from which its chain may be built.
  public mutating func capture(_ certificate: Certificate, through others: [Certificate]) {
    var current = certificate
    // A chain of ours is short; one that goes round in a circle must end too.
    for _ in 0..<8 {
      keep(current.der)
      if current.isSelfSigned { return }
      guard let issuer = issuer(of: current, among: others) else {
        if current.namesRevocation { missing.append("the certificate that issued \(current.name)") }
        return
      }
      if current.namesRevocation { fetchRevocation(current, issuer: issuer) }
      current = issuer
    }
  }

  private mutating func keep(_ file: [UInt8]) { if !files.contains(file) { files.append(file) } }

  private mutating func issuer(of certificate: Certificate, among others: [Certificate]) -> Certificate? {
    func isIssuer(_ other: Certificate) -> Bool {
      defer { ERR_clear_error() }
      return X509_check_issued(other.handle, certificate.handle) == X509_V_OK
    }
    if let known = others.first(where: isIssuer) { return known }
    for address in certificate.issuerAddresses.prefix(4) {
      guard let bytes = fetch(address, nil, "the issuer of \(certificate.name)"), let found = try? Certificate(der: bytes), isIssuer(found)
      else { continue }
      return found
    }
    return nil
  }

  private mutating func fetchRevocation(_ certificate: Certificate, issuer: Certificate) {
    let now = Self.now()
    for address in certificate.ocspAddresses.prefix(4) {
      guard let request = try? Self.ocspRequest(certificate, issuer),
        let answer = fetch(address, (request, "application/ocsp-request"), "the OCSP answer about \(certificate.name)")
      else { continue }
      if Revocation([answer]).judge(certificate, issuer: issuer, at: now) != .unknown { return keep(answer) }
      missing.append("\(address): its OCSP answer about \(certificate.name) is not signed as it should be")
    }
    for address in certificate.crlAddresses.prefix(4) {
      guard let list = fetch(address, nil, "the CRL about \(certificate.name)") else { continue }
      if Revocation([list]).judge(certificate, issuer: issuer, at: now) != .unknown { return keep(list) }
      missing.append("\(address): its CRL about \(certificate.name) is not signed as it should be")
    }
  }

  /// - Parameter body: nil: GET.
  private mutating func fetch(_ url: String, _ body: (bytes: [UInt8], type: String)?, _ what: String) -> [UInt8]? {
    // ldap: and relative names are of no use here.
    guard let address = WebAddress(url) else { return nil }
    var request = WebRequest(address)
    request.body = body
    request.proxy = proxy
    request.seconds = seconds
    request.maximumBytes = Self.maximumBytes
    do throws(WebError) { return try request.send() } catch {
      missing.append("\(what): \(error)")
      return nil
    }
  }

  /// RFC 6960 section 4.1.1, for one certificate, without nonce: what is fetched is kept for years, not compared today.
  private static func ocspRequest(_ certificate: Certificate, _ issuer: Certificate) throws(OpenSSLError) -> [UInt8] {
    let request = try given(OCSP_REQUEST_new(), "OCSP_REQUEST_new")
    defer { OCSP_REQUEST_free(request) }
    // nil: SHA-1, which every responder knows; it names a certificate here and secures nothing.
    let id = try given(OCSP_cert_to_id(nil, certificate.handle, issuer.handle), "OCSP_cert_to_id")
    guard OCSP_request_add0_id(request, id) != nil else {
      OCSP_CERTID_free(id)
      throw OpenSSLError("OCSP_request_add0_id")
    }
    return try der("i2d_OCSP_REQUEST") { i2d_OCSP_REQUEST(request, $0) }
  }

  private static func now() -> Int64 { Int64(time(nil)) * Timestamp.second }
}
