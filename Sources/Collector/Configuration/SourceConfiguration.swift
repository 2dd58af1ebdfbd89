import Record

extension Configuration {
  /// Where messages come from: an entry of `sources`.
  public enum Source: Sendable, Equatable {
    case udp(Listening)

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
    static let keys = ["udp": ["type", "listen"]]
  }
}

extension ConfigurationReader {
  /// One entry of `sources`, whose type is one of `Source.keys`; nil where it is wrong.
  func source(_ type: String, _ section: ConfigurationSection) -> Configuration.Source? {
    switch type {
    case "udp": return .udp(listening(section, port: 514))
    default: return nil
    }
  }

  private func listening(_ section: ConfigurationSection, port: UInt16) -> Configuration.Source.Listening {
    var listen = (address: IPAddress(v6: 0), port: port)
    section.read("listen", into: &listen, ConfigurationValue.listen)
    return Configuration.Source.Listening(address: listen.address, port: listen.port)
  }
}
