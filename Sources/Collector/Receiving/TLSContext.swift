internal import COpenSSL
import Glibc
import Record

/// A TLS server's certificate, its key, and whose certificates it takes (`SSL_CTX *`).
///
/// `@unchecked`: not changed once it is made; OpenSSL counts its owners.
final class TLSContext: @unchecked Sendable {
  /// What is wrong with a file, by the key that names it.
  struct Fault: Error, CustomStringConvertible {
    var key: String
    var path: String
    var what: String
    /// Whether it is only this user who may not read it.
    var isForbidden = false
    var description: String { "\(key) \(path): \(what)" }
  }

  fileprivate let handle: OpaquePointer
  /// When the server's certificate ends, since 1970; nil where it says nothing that can be read.
  let ends: Int64?

  init(_ files: Configuration.Source.TLS) throws(Fault) {
    for (key, path) in [("certificate", files.certificate), ("key", files.key)] + (files.clientCA.map { [("client_ca", $0)] } ?? []) {
      guard access(path, R_OK) == 0 else {
        let code = errno
        let why = String(cString: strerror(code))
        throw Fault(
          key: key, path: path, what: "cannot be read: \(why); it must be there and readable for the user that muhurd runs as",
          isForbidden: code == EACCES)
      }
    }
    ERR_clear_error()
    guard let made = SSL_CTX_new(TLS_server_method()) else {
      throw Fault(key: "certificate", path: files.certificate, what: "TLS cannot be had: \(Self.reasons())")
    }
    do throws(Fault) {
      try Self.fill(made, files)
    } catch {
      SSL_CTX_free(made)
      throw error
    }
    ends = SSL_CTX_get0_certificate(made).flatMap { X509_get0_notAfter($0) }.flatMap(Self.microseconds)
    handle = made
  }

  deinit { SSL_CTX_free(handle) }

  private static func fill(_ context: OpaquePointer, _ files: Configuration.Source.TLS) throws(Fault) {
    ossl_tls_strict(context)
    ossl_tls_never_ask(context)
    guard SSL_CTX_use_certificate_chain_file(context, files.certificate) == 1 else {
      throw Fault(
        key: "certificate", path: files.certificate,
        what: "is no certificate in PEM that can be used (\(reasons())); it begins with -----BEGIN CERTIFICATE-----")
    }
    guard SSL_CTX_use_PrivateKey_file(context, files.key, ossl_file_pem()) == 1 else {
      let why = reasons()
      let help =
        why.contains("mismatch")
        ? "it belongs to another certificate than \(files.certificate)"
        : "it must be a key in PEM without a password: openssl pkey -in KEY -out PLAIN takes one off"
      throw Fault(key: "key", path: files.key, what: "cannot be used (\(why)); \(help)")
    }
    guard SSL_CTX_check_private_key(context) == 1 else {
      throw Fault(key: "key", path: files.key, what: "does not belong to \(files.certificate) (\(reasons()))")
    }
    let identity: [UInt8] = Array("muhur".utf8)
    SSL_CTX_set_session_id_context(context, identity, UInt32(identity.count))
    guard let clientCA = files.clientCA else { return }
    guard SSL_CTX_load_verify_locations(context, clientCA, nil) == 1, let names = SSL_load_client_CA_file(clientCA) else {
      throw Fault(
        key: "client_ca", path: clientCA,
        what: "holds no certificates in PEM (\(reasons())); clients' certificates chain to these, or are these"
      )
    }
    // Told to clients, so that they find out which of their certificates to show.
    SSL_CTX_set_client_CA_list(context, names)
    // The file may hold clients' own certificates instead of an authority's.
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), ossl_partial_chain())
    SSL_CTX_set_verify(context, ossl_tls_verify(files.requiresClientCertificate ? 1 : 0), nil)
  }

  /// Empties this thread's queue of errors into words.
  fileprivate static func reasons() -> String {
    var words: [String] = []
    while case let code = ERR_get_error(), code != 0 {
      if let text = ERR_reason_error_string(code) { words.append(String(cString: text)) }
    }
    return words.isEmpty ? "OpenSSL does not say why" : words.joined(separator: "; ")
  }

  private static func microseconds(_ time: UnsafePointer<ASN1_TIME>) -> Int64? {
    var parts = tm()
    guard ASN1_TIME_to_tm(time, &parts) == 1 else { return nil }
    return Int64(timegm(&parts)) * Timestamp.second
  }
}

/// The TLS of one connection (`SSL *`). Owned by the receiver's thread.
final class TLSSession {
  enum Step: Equatable {
    /// Bytes read; 0 after a handshake.
    case done(Int)
    /// Nothing more until the socket can be read, or written.
    case waits(toWrite: Bool)
    case ended
    case failed(String)
  }

  private let handle: OpaquePointer

  /// nil where there is no memory for it.
  init?(_ context: TLSContext, descriptor: Int32) {
    guard let made = SSL_new(context.handle) else { return nil }
    guard SSL_set_fd(made, descriptor) == 1 else {
      SSL_free(made)
      return nil
    }
    SSL_set_accept_state(made)
    handle = made
  }

  deinit { SSL_free(handle) }

  func handshake() -> Step {
    ERR_clear_error()
    errno = 0
    let result = SSL_do_handshake(handle)
    guard result != 1 else { return .done(0) }
    let step = step(result)
    let verdict = SSL_get_verify_result(handle)
    guard case .failed(let why) = step, verdict != Int(X509_V_OK), let words = X509_verify_cert_error_string(verdict) else { return step }
    return .failed("\(why): \(String(cString: words))")
  }

  /// Reads at most one record's bytes.
  func read(_ room: UnsafeMutableRawBufferPointer) -> Step {
    ERR_clear_error()
    errno = 0
    let result = SSL_read(handle, room.baseAddress, Int32(clamping: room.count))
    return result > 0 ? .done(Int(result)) : step(result)
  }

  /// Tells the client that nothing more is read (close_notify); does not wait for its answer.
  func close() {
    ERR_clear_error()
    SSL_shutdown(handle)
    ERR_clear_error()
  }

  private func step(_ result: Int32) -> Step {
    let code = errno
    switch SSL_get_error(handle, result) {
    case SSL_ERROR_WANT_READ: return .waits(toWrite: false)
    case SSL_ERROR_WANT_WRITE: return .waits(toWrite: true)
    case SSL_ERROR_ZERO_RETURN: return .ended
    case SSL_ERROR_SYSCALL: return .failed(code == 0 ? "the client went away" : String(cString: strerror(code)))
    default: return .failed(TLSContext.reasons())
    }
  }

  /// SHA-256 of the client's certificate in DER, in hexadecimal; nil where it showed none.
  var certificate: String? {
    guard let shown = SSL_get1_peer_certificate(handle) else { return nil }
    defer { X509_free(shown) }
    var digest = [UInt8](repeating: 0, count: 32)
    var count: UInt32 = 0
    guard X509_digest(shown, EVP_sha256(), &digest, &count) == 1, count == 32 else { return nil }
    return Hex.text(digest)
  }
}
