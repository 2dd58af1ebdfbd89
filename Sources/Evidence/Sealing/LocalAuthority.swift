import Archive
internal import COpenSSL
import Record

/// The authority that `muhur init` makes: it says what this machine's clock says, and is worth as much. Its tokens are
/// never passed off as those of a provider: their certificate names it, and so do reports.
public final class LocalAuthority: TimeStampAuthority {
  public let name: String
  private let identity: Identity
  private let trust: Trust

  /// The policy under which it stamps: the word of the machine itself.
  public static let policy = "1.3.6.1.4.1.99999.5651.1"

  public init(name: String, identity: consuming Identity) throws(OpenSSLError) {
    self.name = name
    trust = try Trust([identity.certificate])
    self.identity = identity
  }

  public func stamp(_ p7s: [UInt8]) throws -> [UInt8] {
    let request = try TimeStampRequest(over: p7s)
    let response = try respond(request.der)
    let token = try TimeStampToken(response, over: p7s)
    try request.check(response, trust: trust, at: Int(token.time.flooredQuotient(Timestamp.second)))
    return response
  }

  private func respond(_ request: [UInt8]) throws(OpenSSLError) -> [UInt8] {
    ERR_clear_error()
    let context = try given(TS_RESP_CTX_new(), "TS_RESP_CTX_new")
    defer { TS_RESP_CTX_free(context) }
    let policy = try given(OBJ_txt2obj(Self.policy, 1), "OBJ_txt2obj")
    defer { ASN1_OBJECT_free(policy) }
    try done(TS_RESP_CTX_set_signer_cert(context, identity.certificate.handle), "TS_RESP_CTX_set_signer_cert")
    try done(TS_RESP_CTX_set_signer_key(context, identity.key.handle), "TS_RESP_CTX_set_signer_key")
    try done(TS_RESP_CTX_set_signer_digest(context, EVP_sha256()), "TS_RESP_CTX_set_signer_digest")
    try done(TS_RESP_CTX_set_ess_cert_id_digest(context, EVP_sha256()), "TS_RESP_CTX_set_ess_cert_id_digest")
    try done(TS_RESP_CTX_set_def_policy(context, policy), "TS_RESP_CTX_set_def_policy")
    try done(TS_RESP_CTX_add_md(context, EVP_sha256()), "TS_RESP_CTX_add_md")
    try done(TS_RESP_CTX_set_accuracy(context, 1, 0, 0), "TS_RESP_CTX_set_accuracy")
    TS_RESP_CTX_set_serial_cb(context, randomSerial, nil)
    return try withBIO(request) { bio throws(OpenSSLError) in
      let response = try given(TS_RESP_create_response(context, bio), "TS_RESP_create_response")
      defer { TS_RESP_free(response) }
      return try der("i2d_TS_RESP") { i2d_TS_RESP(response, $0) }
    }
  }
}

/// RFC 3161 section 2.4.2: unique for each token; at most 160 bits. Random, so that nothing need be remembered.
private func randomSerial(_ context: OpaquePointer?, _ data: UnsafeMutableRawPointer?) -> UnsafeMutablePointer<ASN1_INTEGER>? {
  var bytes = randomBytes(16)
  bytes[0] = bytes[0] & 0x7f | 0x40
  guard let number = BN_bin2bn(bytes, 16, nil) else { return nil }
  defer { BN_free(number) }
  return BN_to_ASN1_INTEGER(number, nil)
}
