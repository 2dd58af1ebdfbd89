internal import COpenSSL

/// An http or https URL, taken apart (RFC 3986; no user information, no fragment).
public struct WebAddress: Sendable, Equatable, CustomStringConvertible {
  public let isTLS: Bool
  /// A name or an address; IPv6 without its brackets.
  public let host: String
  public let port: String
  /// With the query, from the slash on.
  public let path: String
  public let description: String

  public init?(_ text: String) {
    // Schemes are read in either case (RFC 3986 section 3.1), by OpenSSL only in lower case; a URL without one it would take
    // for http.
    guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }), text.utf8.count <= 2000,
      let scheme = ["http://", "https://"].first(where: { text.prefix($0.count).lowercased() == $0 })
    else { return nil }
    let url = scheme + text.dropFirst(scheme.count)
    var (tls, user, host, port, path, query, fragment) = (Int32(0), Text(nil), Text(nil), Text(nil), Text(nil), Text(nil), Text(nil))
    defer {
      for part in [user, host, port, path, query, fragment] { ossl_free(part) }
      ERR_clear_error()
    }
    guard OSSL_HTTP_parse_url(url, &tls, &user, &host, &port, nil, &path, &query, &fragment) == 1, let host, let port, host[0] != 0 else {
      return nil
    }
    func string(_ part: Text) -> String { part.map { String(cString: $0) } ?? "" }
    guard string(user).isEmpty, string(fragment).isEmpty else { return nil }
    isTLS = tls == 1
    let name = string(host)
    self.host = name.hasPrefix("[") && name.hasSuffix("]") ? String(name.dropFirst().dropLast()) : name
    self.port = string(port)
    self.path = (string(path).isEmpty ? "/" : string(path)) + (string(query).isEmpty ? "" : "?" + string(query))
    description = text
  }

  private typealias Text = UnsafeMutablePointer<CChar>?

  /// As URLs and `Host` write it.
  var bracketedHost: String { host.utf8.contains(0x3a) ? "[\(host)]" : host }
  var authority: String { port == (isTLS ? "443" : "80") ? bracketedHost : "\(bracketedHost):\(port)" }
}
