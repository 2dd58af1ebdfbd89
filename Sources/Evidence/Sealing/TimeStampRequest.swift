import Archive
internal import COpenSSL
import Record

/// An RFC 3161 TimeStampReq (section 2.4.1): version 1, SHA-256 of what is to be stamped, a nonce, certReq set.
public struct TimeStampRequest: Sendable {
  public let der: [UInt8]
  /// The SHA-256 that it carries.
  let digest: [UInt8]

  /// - Parameter policy: the one under which the token is wanted; nil: the authority's own.
  public init(over stamped: [UInt8], policy: String? = nil) throws(OpenSSLError) {
    let request = try given(TS_REQ_new(), "TS_REQ_new")
    defer { TS_REQ_free(request) }
    let imprint = try given(TS_MSG_IMPRINT_new(), "TS_MSG_IMPRINT_new")
    defer { TS_MSG_IMPRINT_free(imprint) }
    let algorithm = try given(X509_ALGOR_new(), "X509_ALGOR_new")
    defer { X509_ALGOR_free(algorithm) }
    X509_ALGOR_set_md(algorithm, EVP_sha256())
    try done(TS_MSG_IMPRINT_set_algo(imprint, algorithm), "TS_MSG_IMPRINT_set_algo")
    var digest = hash(stamped, OID.sha256) ?? []
    self.digest = digest
    try done(TS_MSG_IMPRINT_set_msg(imprint, &digest, Int32(digest.count)), "TS_MSG_IMPRINT_set_msg")
    try done(TS_REQ_set_version(request, 1), "TS_REQ_set_version")
    try done(TS_REQ_set_msg_imprint(request, imprint), "TS_REQ_set_msg_imprint")
    if let policy {
      let object = try given(OBJ_txt2obj(policy, 1), "\(policy) is no object identifier")
      defer { ASN1_OBJECT_free(object) }
      try done(TS_REQ_set_policy_id(request, object), "TS_REQ_set_policy_id")
    }
    // 63 bits: some authorities hold a nonce in a signed 64-bit number.
    var random = randomBytes(8)
    random[0] &= 0x7f
    let number = try given(BN_bin2bn(random, 8, nil), "BN_bin2bn")
    defer { BN_free(number) }
    let nonce = try given(BN_to_ASN1_INTEGER(number, nil), "BN_to_ASN1_INTEGER")
    defer { ASN1_INTEGER_free(nonce) }
    try done(TS_REQ_set_nonce(request, nonce), "TS_REQ_set_nonce")
    try done(TS_REQ_set_cert_req(request, 1), "TS_REQ_set_cert_req")
    der = try Evidence.der("i2d_TS_REQ") { i2d_TS_REQ(request, $0) }
  }

  /// Whether an answer is to this request (imprint, nonce, version; RFC 3161 section 2.4.2), its signature judged by the
  /// certificates of `trust` at the token's own time.
  public func check(_ response: [UInt8], trust: Trust, at seconds: Int) throws(OpenSSLError) {
    let request = try given(parsed(der) { d2i_TS_REQ(nil, $0, $1) }, "d2i_TS_REQ")
    defer { TS_REQ_free(request) }
    let answer = try given(parsed(response) { d2i_TS_RESP(nil, $0, $1) }, "the authority's answer is no TimeStampResp")
    defer { TS_RESP_free(answer) }
    let context = try given(TS_REQ_to_TS_VERIFY_CTX(request, nil), "TS_REQ_to_TS_VERIFY_CTX")
    defer { TS_VERIFY_CTX_free(context) }
    TS_VERIFY_CTX_add_flags(context, ossl_ts_flags())
    TS_VERIFY_CTX_set_store(context, try trust.store(at: seconds))
    ERR_clear_error()
    try done(TS_RESP_verify_response(context, answer), "TS_RESP_verify_response")
  }
}
