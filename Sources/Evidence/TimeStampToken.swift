import Archive
internal import COpenSSL
import Record

/// An RFC 3161 TimeStampResp over a seal's .p7s, checked by all rules of design section 6 but trust.
///
///     TimeStampResp ::= SEQUENCE { PKIStatusInfo SEQUENCE { status INTEGER, … }, timeStampToken ContentInfo OPTIONAL }
///     TSTInfo ::= SEQUENCE { version, policy, messageImprint, serialNumber, genTime, accuracy, ordering, nonce, tsa [0], … }
public struct TimeStampToken: Sendable {
  /// Microseconds since 1970.
  public let time: Int64
  /// How far off the authority's clock may be; nil where the token does not say.
  public let accuracy: Int64?
  public let policy: String
  public let certificate: Certificate
  /// What came along with it.
  public let others: [Certificate]
  private let response: [UInt8]

  /// Not later than this did the stamped bytes exist.
  public var upper: Int64 { time + (accuracy ?? 0) }

  public static let maximumBytes = 1 << 16

  /// - Parameter stamped: the .p7s bytes.
  public init(_ response: [UInt8], over stamped: [UInt8]) throws(SignatureFault) {
    let status: Int
    var token: [UInt8] = []
    var found: (data: SignedData, info: Info)?
    do throws(Malformed) {
      let outer = try ASN1(response, .ber).tagged(ASN1.sequence, "a TimeStampResp")
      status = try outer.child(0, ASN1.sequence, "a status").child(0, ASN1.integer, "a status").number(response)
      guard outer.children.count <= 2 else { throw Malformed(offset: 0, field: "a TimeStampResp") }
      if status <= 1, outer.children.count == 2 {
        token = outer.children[1].wholeBytes(response)
        let data = try SignedData(token, .ber)
        guard data.contentType == OID.timeStampToken, let content = data.content else {
          throw Malformed(offset: 0, field: "a time-stamp token")
        }
        found = (data, try Info(content))
      }
    } catch {
      throw .malformed("\(error)")
    }
    guard let (data, info) = found else { throw .fails("the authority gave no token: status \(status)") }
    guard info.version == 1 else { throw .fails("TSTInfo of version \(info.version)") }
    guard data.signers.count == 1, let signer = data.signers.first else { throw .fails("\(data.signers.count) signers, not one") }
    guard OID.goodDigests.contains(info.algorithm) else { throw .fails("its imprint is not SHA-256, SHA-384 or SHA-512") }
    guard hash(stamped, info.algorithm) == info.imprint else { throw .fails("it is not over this .p7s") }
    guard let certificate = data.signerCertificate else { throw .fails("the authority's certificate is not in it") }
    let isBound: Bool
    do throws(Malformed) { isBound = try data.binds(certificate, permittingV1: true) } catch { throw .malformed("\(error)") }
    guard isBound else { throw .fails("no ESSCertID that fits the authority's certificate") }
    guard OID.goodDigests.contains(signer.digest), !OID.sha1Signatures.contains(signer.signatureAlgorithm) else {
      throw .fails("signed with a hash that is not SHA-256, SHA-384 or SHA-512")
    }
    guard certificate.extendedKeyUsage == [OID.timeStamping], certificate.extendedKeyUsageIsCritical else {
      throw .fails("the certificate is not for time stamps alone (critical extended key usage)")
    }
    guard certificate.notBefore <= info.time, info.time <= certificate.notAfter + Timestamp.second - 1 else {
      throw .fails("the authority's certificate was not valid at \(Timestamp(microseconds: info.time))")
    }
    do throws(OpenSSLError) { try Signature.verify(token, nil, UInt32(CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY)) } catch {
      throw .fails("its signature is wrong (\(error))")
    }
    time = info.time
    accuracy = info.accuracy
    policy = info.policy
    self.certificate = certificate
    others = data.certificates
    self.response = response
  }

  /// The token inside a response, as it is encoded there: what `openssl ts -reply -token_out` gives, and a .zd holds.
  public static func bare(_ response: [UInt8]) throws(Malformed) -> [UInt8] {
    try ASN1(response, .ber).tagged(ASN1.sequence, "a TimeStampResp").child(1, ASN1.sequence, "a time-stamp token").wholeBytes(response)
  }

  /// The chain from the authority to the trusted certificates, valid at the token's time.
  ///
  /// `openssl ts -verify` makes the same judgement by the same code.
  func chain(_ trust: Trust) throws(OpenSSLError) -> [Certificate] {
    let seconds = Int(time.flooredQuotient(Timestamp.second))
    let chain = try trust.chain(from: certificate, through: others, at: seconds, for: .timeStamping)
    let parsedResponse = try given(parsed(response) { d2i_TS_RESP(nil, $0, $1) }, "d2i_TS_RESP")
    defer { TS_RESP_free(parsedResponse) }
    let context = try given(TS_VERIFY_CTX_new(), "TS_VERIFY_CTX_new")
    defer { TS_VERIFY_CTX_free(context) }  // And with it the store.
    TS_VERIFY_CTX_set_flags(context, ossl_ts_flags())
    TS_VERIFY_CTX_set_store(context, try trust.store(at: seconds))
    ERR_clear_error()
    try done(TS_RESP_verify_response(context, parsedResponse), "TS_RESP_verify_response")
    return chain
  }

  private struct Info {
    var version: Int
    var policy: String
    var algorithm: String
    var imprint: [UInt8]
    var time: Int64
    var accuracy: Int64?

    init(_ bytes: [UInt8]) throws(Malformed) {
      let info = try ASN1(bytes, .ber).tagged(ASN1.sequence, "a TSTInfo")
      version = try info.child(0, ASN1.integer, "a version").number(bytes)
      policy = try info.child(1, "a policy").oid(bytes)
      let imprint = try info.child(2, ASN1.sequence, "an imprint")
      algorithm = try imprint.child(0, ASN1.sequence, "an imprint's algorithm").algorithm(bytes)
      self.imprint = try imprint.child(1, "an imprint's hash").octets(bytes)
      _ = try info.child(3, ASN1.integer, "a serial number")
      time = try info.child(4, 0x18, "a genTime").time(bytes)
      for field in info.children.dropFirst(5) where field.tag == ASN1.sequence {
        var sum: Int64 = 0
        for part in field.children {
          let unit: Int64 = part.tag == ASN1.integer ? 1_000_000 : part.tag == 0x80 ? 1000 : part.tag == 0x81 ? 1 : 0
          let (product, over) = Int64(try part.number(bytes)).multipliedReportingOverflow(by: unit)
          guard !over, product < 1 << 60 else { throw Malformed(offset: field.whole.lowerBound, field: "an accuracy below 36,000 years") }
          sum += product
          guard sum < 1 << 60 else { throw Malformed(offset: field.whole.lowerBound, field: "an accuracy below 36,000 years") }
        }
        accuracy = sum
      }
    }
  }
}
