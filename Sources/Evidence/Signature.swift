import Archive
internal import COpenSSL
import Record

/// Why a signature or a token does not hold.
public enum SignatureFault: Error, Sendable {
  /// Does not parse, or has bytes behind it.
  case malformed(String)
  /// Parses, but a check fails.
  case fails(String)
}

/// A seal's signature: detached CMS over the .json bytes with a CAdES signing-certificate-v2 (design section 5, RFC 5652,
/// RFC 5126 section 5.7.3).
public struct Signature: Sendable {
  public private(set) var certificate: Certificate
  /// What came along with it.
  private(set) var others: [Certificate]

  /// Checks form and mathematics; whether the signer is trusted is another question.
  /// - Parameter content: the bytes that are signed.
  public init(_ p7s: [UInt8], over content: [UInt8]) throws(SignatureFault) {
    let data: SignedData
    do throws(Malformed) { data = try SignedData(p7s, .der) } catch { throw .malformed("DER: \(error)") }
    guard data.content == nil else { throw .malformed("the signature is not detached") }
    guard data.signers.count == 1, let signer = data.signers.first else { throw .malformed("\(data.signers.count) signers, not one") }
    guard let certificate = data.signerCertificate else { throw .malformed("the signer's certificate is not in it") }
    guard OID.goodDigests.contains(signer.digest), !OID.sha1Signatures.contains(signer.signatureAlgorithm) else {
      throw .fails("made with a hash that is not SHA-256, SHA-384 or SHA-512")
    }
    guard data.contentType == OID.data else { throw .fails("signs content of type \(data.contentType)") }
    let isBound: Bool
    do throws(Malformed) { isBound = try data.binds(certificate, permittingV1: false) } catch { throw .malformed("\(error)") }
    guard isBound else { throw .fails("no CAdES signing-certificate-v2 that fits the signer's certificate") }
    do throws(OpenSSLError) {
      try Self.verify(p7s, content, UInt32(CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY))
    } catch {
      throw .fails("the signature does not fit what it signs (\(error))")
    }
    self.certificate = certificate
    others = data.certificates
  }

  mutating func share(in pool: inout CertificatePool) {
    certificate = pool.shared(certificate)
    for i in others.indices { others[i] = pool.shared(others[i]) }
  }

  /// CMS_verify without a judgement about the certificate.
  static func verify(_ cms: [UInt8], _ content: [UInt8]?, _ flags: UInt32) throws(OpenSSLError) {
    let parsedCMS = try given(parsed(cms) { d2i_CMS_ContentInfo(nil, $0, $1) }, "d2i_CMS_ContentInfo")
    defer { CMS_ContentInfo_free(parsedCMS) }
    if let content {
      try withBIO(content) { bio throws(OpenSSLError) in
        try done(CMS_verify(parsedCMS, nil, nil, bio, nil, flags), "CMS_verify")
      }
    } else {
      try done(CMS_verify(parsedCMS, nil, nil, nil, nil, flags), "CMS_verify")
    }
  }

  /// Signs bytes as a seal is signed.
  /// - Parameter chain: certificates to hand along, the signer's own not among them.
  public static func sign(_ content: [UInt8], _ key: borrowing PrivateKey, _ certificate: Certificate, chain: [Certificate] = [])
    throws(OpenSSLError) -> [UInt8]
  {
    ERR_clear_error()
    let others = try Trust.stack(chain)
    defer { ossl_certs_free(others) }
    let handle = key.handle
    return try withBIO(content) { bio throws(OpenSSLError) in
      let flags = UInt32(CMS_DETACHED | CMS_BINARY | CMS_NOSMIMECAP | CMS_CADES | CMS_PARTIAL)
      let cms = try given(CMS_sign(nil, nil, others, bio, flags), "CMS_sign")
      defer { CMS_ContentInfo_free(cms) }
      _ = try given(CMS_add1_signer(cms, certificate.handle, handle, EVP_sha256(), flags), "CMS_add1_signer")
      try done(CMS_final(cms, bio, nil, flags), "CMS_final")
      return try der("i2d_CMS_ContentInfo") { i2d_CMS_ContentInfo(cms, $0) }
    }
  }
}
