internal import COpenSSL
import Glibc

/// Why an HTTP request gave nothing, in words for the administrator.
public struct WebError: Error, Sendable, CustomStringConvertible {
  public var description: String
}

/// One HTTP request with libcrypto's own client (OSSL_HTTP_open(3)): HTTP/1.0, no redirection, an end to time and bytes.
///
/// Blocks its thread for as long as `seconds`; the resolver of names has time-outs of its own.
public struct WebRequest: Sendable {
  public var address: WebAddress
  public var headers: [(name: String, value: String)] = []
  /// What is posted, and as what; nil: GET.
  public var body: (bytes: [UInt8], type: String)?
  /// Certificates that may have issued the server's, beside the system's.
  public var trust: [Certificate] = []
  /// Overrides `http_proxy`, `https_proxy` and `no_proxy` of the environment.
  public var proxy: WebAddress?
  public var seconds = 15
  public var maximumBytes = 1 << 16

  public init(_ address: WebAddress) { self.address = address }

  /// - Returns: the body of an answer with status 200.
  public func send() throws(WebError) -> [UInt8] {
    let deadline = time(nil) + seconds
    do throws(OpenSSLError) { return try exchange(deadline) } catch {
      let words = time(nil) >= deadline ? "no whole answer within \(seconds) s" : error.reasons.joined(separator: "; ")
      throw WebError(description: "\(address): \(words.isEmpty ? error.call : words)")
    }
  }

  private func exchange(_ deadline: time_t) throws(OpenSSLError) -> [UInt8] {
    ERR_clear_error()
    let viaProxy = proxyAddress
    let tls = try address.isTLS ? ClientTLS(address, throughProxy: viaProxy != nil, trust: trust, deadline: deadline) : nil
    // A connection of our own says at once that it was refused; the library would try again until the time is over.
    let own = try viaProxy == nil ? connect(deadline) : nil
    defer { BIO_free_all(own) }
    let argument = tls.map { Unmanaged.passUnretained($0).toOpaque() }
    let opened = OSSL_HTTP_open(
      address.host, address.port, viaProxy, own == nil ? "" : nil, address.isTLS ? 1 : 0, own, nil, tls == nil ? nil : wrapInTLS, argument,
      0, remaining(deadline))
    let context = try webGiven(opened, "no connection")
    defer { _ = withExtendedLifetime(tls) { OSSL_HTTP_close(context, 1) } }
    var list: OpaquePointer?
    defer { ossl_headers_free(list) }
    for (name, value) in headers + [("Host", address.authority)] { try done(ossl_header(&list, name, value), "header") }
    // The library says no length where there is nothing; some servers insist.
    if let body, body.bytes.isEmpty { try done(ossl_header(&list, "Content-Length", "0"), "header") }
    let content = body.map { body in body.bytes.withUnsafeBytes { ossl_memory($0.baseAddress, Int32($0.count)) } } ?? nil
    defer { BIO_free(content) }
    try done(
      OSSL_HTTP_set1_request(context, address.path, list, body?.type, content, nil, 0, maximumBytes, -1, 0), "the request")
    guard let answer = OSSL_HTTP_exchange(context, nil) else {
      var error = webError("no answer")
      // "certificate verify failed" alone helps nobody.
      if let why = tls?.whyNotTrusted { error.reasons.append(why) }
      throw error
    }
    return try read(answer, deadline)
  }

  private func remaining(_ deadline: time_t) -> Int32 { Int32(max(1, deadline - time(nil))) }

  /// nil where the server is to be asked directly.
  private var proxyAddress: String? {
    if let proxy { return "http://\(proxy.bracketedHost):\(proxy.port)" }
    return OSSL_HTTP_adapt_proxy(nil, nil, address.host, address.isTLS ? 1 : 0).map { String(cString: $0) }
  }

  private func connect(_ deadline: time_t) throws(OpenSSLError) -> OpaquePointer {
    let connection = try given(ossl_connection(address.bracketedHost, address.port), "no connection")
    while ossl_connect(connection) <= 0 {
      guard ossl_should_retry(connection) == 1, BIO_wait(connection, deadline, 100) == 1 else {
        let error = webError("no connection")
        BIO_free_all(connection)
        throw error
      }
    }
    return connection
  }

  /// The rest of the connection is the body. A server that does not end it is not waited for where the body is one whole
  /// ASN.1 value.
  private func read(_ answer: OpaquePointer, _ deadline: time_t) throws(OpenSSLError) -> [UInt8] {
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 1 << 14)
    while true {
      ERR_clear_error()
      let n = BIO_read(answer, &part, Int32(part.count))
      if n > 0 {
        bytes += part[0..<Int(n)]
        guard bytes.count <= maximumBytes else { throw OpenSSLError(words: "the answer is longer than \(maximumBytes) bytes") }
        if let whole = ASN1.wholeLength(bytes), bytes.count >= whole { return bytes }
      } else if ossl_should_retry(answer) == 1 {
        guard BIO_wait(answer, deadline, 100) == 1 else { throw OpenSSLError(words: "the answer does not end") }
      } else {
        return bytes
      }
      guard time(nil) < deadline else { throw OpenSSLError(words: "the answer does not end") }
    }
  }
}

/// TLS over a connection, for the library's call back. Lives as long as the request.
private final class ClientTLS {
  let context: OpaquePointer
  let address: WebAddress
  /// A proxy must first be asked for a way to the server (RFC 9110 section 9.3.6).
  let throughProxy: Bool
  let deadline: time_t
  /// Lives as long as the connection.
  private var session: OpaquePointer?

  init(_ address: WebAddress, throughProxy: Bool, trust: [Certificate], deadline: time_t) throws(OpenSSLError) {
    let context = try given(SSL_CTX_new(TLS_client_method()), "SSL_CTX_new")
    ossl_client_options(context)
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
    SSL_CTX_set_default_verify_paths(context)
    let store = SSL_CTX_get_cert_store(context)
    for certificate in trust { X509_STORE_add_cert(store, certificate.handle) }
    X509_STORE_set_flags(store, ossl_partial_chain())
    ERR_clear_error()
    self.address = address
    self.throughProxy = throughProxy
    self.deadline = deadline
    self.context = context
  }

  deinit { SSL_CTX_free(context) }

  /// While the connection is there: why the server's certificate was refused.
  var whyNotTrusted: String? {
    guard let session, case let code = SSL_get_verify_result(session), code != Int(X509_V_OK) else { return nil }
    return X509_verify_cert_error_string(code).map { String(cString: $0) }
  }

  func wrap(_ connection: OpaquePointer) -> OpaquePointer? {
    if throughProxy {
      let left = Int32(max(1, deadline - time(nil)))
      guard OSSL_HTTP_proxy_connect(connection, address.bracketedHost, address.port, nil, nil, left, nil, nil) == 1 else { return nil }
    }
    guard let over = BIO_new_ssl(context, 1) else { return nil }
    let session = ossl_bio_ssl(over)
    self.session = session
    // RFC 6066 section 3: a name, never an address.
    if X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), address.host) != 1 {
      ERR_clear_error()
      _ = ossl_server_name(session, address.host)
      SSL_set1_host(session, address.host)
    }
    return BIO_push(over, connection)
  }
}

/// OSSL_HTTP_bio_cb_t. `detail` says "with TLS" when connecting; it is not looked at when the connection ends.
private func wrapInTLS(
  _ connection: OpaquePointer?, _ argument: UnsafeMutableRawPointer?, _ connecting: Int32, _ detail: Int32
) -> OpaquePointer? {
  guard let connection, let argument else { return connection }
  if connecting == 1 { return Unmanaged<ClientTLS>.fromOpaque(argument).takeUnretainedValue().wrap(connection) }
  let below = BIO_pop(connection)
  BIO_free(connection)
  return below
}

private func webGiven<T>(_ pointer: T?, _ call: String) throws(OpenSSLError) -> T {
  guard let pointer else { throw webError(call) }
  return pointer
}

/// The error queue in words: system errors by their name, and the data that the library adds (a status and its reason).
private func webError(_ call: String) -> OpenSSLError {
  var error = OpenSSLError(words: call)
  var data: UnsafePointer<CChar>?
  var flags: Int32 = 0
  while case let code = ERR_get_error_all(nil, nil, nil, &data, &flags), code != 0 {
    var words = "error \(code)"
    if ossl_is_system_error(code) != 0 {
      // Its data is the call, which helps nobody either.
      words = String(cString: strerror(ossl_error_reason(code)))
      flags = 0
    } else if let text = ERR_reason_error_string(code) {
      words = String(cString: text)
    }
    if flags & ERR_TXT_STRING != 0, let data, data[0] != 0 { words += " (\(String(cString: data)))" }
    // What only repeats that it failed is left out.
    let isEmpty =
      words.hasPrefix("error receiving") || words.hasPrefix("error sending") || words.hasPrefix("nbio connect error")
      || words.hasPrefix("connect error")
    if !isEmpty, !error.reasons.contains(words) { error.reasons.append(words) }
  }
  return error
}
