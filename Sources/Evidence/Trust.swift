import Archive
internal import COpenSSL
import Record

/// The certificates an auditor trusts: roots, or the certificates themselves. Trust comes from here and nowhere else.
///
/// Sendable because the store is only looked into after `init`, which OpenSSL guards by its own lock.
public final class Trust: @unchecked Sendable {
  public let certificates: [Certificate]
  private let own: Set<Digest>
  private let store: OpaquePointer

  /// - Throws: where a certificate does not parse, or there is none.
  public convenience init(pem bytes: [UInt8]) throws(OpenSSLError) {
    let certificates = try Certificate.pem(bytes)
    guard !certificates.isEmpty else { throw OpenSSLError(words: "it holds no certificate") }
    try self.init(certificates)
  }

  public init(_ certificates: [Certificate]) throws(OpenSSLError) {
    self.certificates = certificates
    own = Set(certificates.map(\.sha256))
    store = try Self.makeStore(certificates)
  }

  deinit { X509_STORE_free(store) }

  /// Whether this very certificate is one of those.
  func names(_ certificate: Certificate) -> Bool { own.contains(certificate.sha256) }

  enum Purpose { case any, timeStamping }

  /// Builds a chain from a certificate to one of these, all of it valid at that time.
  /// - Parameters:
  ///   - intermediates: what came along, from which the chain may be built but which is not believed.
  ///   - seconds: since 1970.
  /// - Returns: the chain, the certificate itself first.
  /// - Throws: `OpenSSLError` that says why there is none.
  func chain(from certificate: Certificate, through intermediates: [Certificate], at seconds: Int, for purpose: Purpose)
    throws(OpenSSLError)
    -> [Certificate]
  {
    ERR_clear_error()
    let others = try Self.stack(intermediates)
    defer { ossl_certs_free(others) }
    let context = try given(X509_STORE_CTX_new(), "X509_STORE_CTX_new")
    defer { X509_STORE_CTX_free(context) }
    try done(X509_STORE_CTX_init(context, store, certificate.handle, others), "X509_STORE_CTX_init")
    X509_STORE_CTX_set_time(context, 0, seconds)
    let code = purpose == .any ? X509_PURPOSE_ANY : X509_PURPOSE_TIMESTAMP_SIGN
    try done(X509_STORE_CTX_set_purpose(context, code), "X509_STORE_CTX_set_purpose")
    guard X509_verify_cert(context) == 1 else {
      let reason = X509_verify_cert_error_string(Int(X509_STORE_CTX_get_error(context)))
      ERR_clear_error()
      throw OpenSSLError(words: reason.map { String(cString: $0) } ?? "X509_verify_cert")
    }
    let chain = X509_STORE_CTX_get0_chain(context)
    var out: [Certificate] = []
    for i in 0..<ossl_certs_count(chain) {
      let handle = try given(ossl_certs_at(chain, i), "sk_X509_value")
      do throws(Malformed) { out.append(try Certificate(copying: handle)) } catch { throw OpenSSLError("\(error)") }
    }
    return out
  }

  /// A store of its own, with the time set, for calls that take one over.
  func store(at seconds: Int) throws(OpenSSLError) -> OpaquePointer {
    let store = try Self.makeStore(certificates)
    X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), seconds)
    return store
  }

  private static func makeStore(_ certificates: [Certificate]) throws(OpenSSLError) -> OpaquePointer {
    let store = try given(X509_STORE_new(), "X509_STORE_new")
    for certificate in certificates {
      guard X509_STORE_add_cert(store, certificate.handle) == 1 else {
        X509_STORE_free(store)
        throw OpenSSLError("X509_STORE_add_cert")
      }
    }
    // A trusted certificate need not be a root.
    X509_STORE_set_flags(store, ossl_partial_chain())
    return store
  }

  static func stack(_ certificates: [Certificate]) throws(OpenSSLError) -> OpaquePointer {
    let stack = try given(ossl_certs_new(), "sk_X509_new_null")
    for certificate in certificates { _ = ossl_certs_push(stack, certificate.handle) }
    return stack
  }
}
