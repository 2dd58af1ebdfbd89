import Record

extension Configuration {
  /// Where messages come from: an entry of `sources`.
  public enum Source: Sendable, Equatable {
    case udp(Listening)
    case tcp(Stream)
    case tls(TLS)

    /// An address and port of this machine.
    public struct Listening: Sendable, Equatable {
      public var address: IPAddress
      public var port: UInt16

      public init(address: IPAddress = IPAddress(v6: 0), port: UInt16) {
        self.address = address
        self.port = port
      }
    }

    /// What the format knows.
    static let types = ["udp", "tcp", "tls", "pcap", "file"]
    /// What this version can do, with its keys.
    static let keys = [
      "udp": ["type", "listen"], "tcp": ["type", "listen"] + Stream.keys, "tls": ["type", "listen"] + Stream.keys + TLS.keys,
    ]

    /// Whether only one of the two can be had.
    func clashes(with other: Source) -> Bool {
      switch (self, other) {
      case (.tcp(let a), .tls(let b)): a.listen == b.stream.listen
      case (.tls(let a), .tcp(let b)): a.stream.listen == b.listen
      case (.tcp(let a), .tcp(let b)): a.listen == b.listen
      case (.tls(let a), .tls(let b)): a.stream.listen == b.stream.listen
      default: self == other
      }
    }
  }
}

extension ConfigurationReader {
  /// One entry of `sources`, whose type is one of `Source.keys`; nil where it is wrong.
  func source(_ type: String, _ section: ConfigurationSection) -> Configuration.Source? {
    switch type {
    case "udp": return .udp(listening(section, port: 514))
    case "tcp": return .tcp(stream(section, port: 601))
    case "tls": return tls(section).map { .tls($0) }
    default: return nil
    }
  }

  func listening(_ section: ConfigurationSection, port: UInt16) -> Configuration.Source.Listening {
    var listen = (address: IPAddress(v6: 0), port: port)
    section.read("listen", into: &listen, ConfigurationValue.listen)
    return Configuration.Source.Listening(address: listen.address, port: listen.port)
  }
}
