import Record

extension Configuration.Source {
  /// Syslog over connections.
  public struct Stream: Sendable, Equatable {
    public var listen: Listening
    /// More are refused, or take the place of one that is idle (see `StreamLoop`).
    public var maximumConnections = 8192
    /// How long a connection may say nothing; nil: as long as it likes, while its end of it lives.
    public var idleMicroseconds: Int64?

    static let keys = ["max_connections", "idle_timeout"]
  }

  /// Syslog over TLS (RFC 5425).
  public struct TLS: Sendable, Equatable {
    public var stream: Stream
    /// PEM files: the server's certificate, with those between it and the root behind it, and its key.
    public var certificate: String
    public var key: String
    /// A PEM file of the certificates that clients' must chain to, or are; nil: no client is asked for one.
    public var clientCA: String?
    /// Whether a client without certificate is refused. One with a certificate that does not chain always is.
    public var requiresClientCertificate = true
    /// How long a client may take until the connection is secured.
    public var handshakeMicroseconds = 15 * Timestamp.second

    static let keys = ["certificate", "key", "client_ca", "client_certificates", "handshake_timeout"]
  }
}

extension ConfigurationReader {
  func stream(_ section: ConfigurationSection, port: UInt16) -> Configuration.Source.Stream {
    var stream = Configuration.Source.Stream(listen: listening(section, port: port))
    section.read("max_connections", into: &stream.maximumConnections) { node throws(JSON5Error) in try node.integer(in: 1...1_000_000) }
    section.read("idle_timeout", into: &stream.idleMicroseconds) { node throws(JSON5Error) in
      try ConfigurationValue.period(node, from: "1s", to: "365d").microseconds
    }
    return stream
  }

  func tls(_ section: ConfigurationSection) -> Configuration.Source.TLS? {
    var certificate: String?
    var key: String?
    var tls = Configuration.Source.TLS(stream: stream(section, port: 6514), certificate: "", key: "")
    section.read("certificate", required: "the PEM file of the server's certificate", into: &certificate, ConfigurationValue.path)
    section.read("key", required: "the PEM file of the certificate's key", into: &key, ConfigurationValue.path)
    section.read("client_ca", into: &tls.clientCA, ConfigurationValue.path)
    section.read("client_certificates", into: &tls.requiresClientCertificate) { node throws(JSON5Error) in
      try ConfigurationValue.choice(node, ["required", "optional"]) == "required"
    }
    section.read("handshake_timeout", into: &tls.handshakeMicroseconds) { node throws(JSON5Error) in
      try ConfigurationValue.period(node, from: "1s", to: "10m").microseconds
    }
    if let asked = section["client_certificates"], section["client_ca"] == nil {
      faults.add(asked.error("needs `client_ca` beside it: the file of the certificates that clients' must chain to"))
    }
    guard let certificate, let key else { return nil }
    tls.certificate = certificate
    tls.key = key
    tlsSources.append((section.node, tls))
    return tls
  }

  /// Whether the files that TLS needs are there and fit together. A key that only the daemon may read is left to it.
  func checkCertificates() {
    for (node, files) in tlsSources {
      do throws(TLSContext.Fault) { _ = try TLSContext(files) } catch {
        let place = node[error.key] ?? node
        let what = "\(error.path): \(error.what)"
        if error.isForbidden { faults.warn(place, what) } else { faults.add(place.error(what)) }
      }
    }
  }
}
