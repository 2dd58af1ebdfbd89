import Record

extension Configuration {
  /// Where messages come from: an entry of `sources`.
  public enum Source: Sendable, Equatable {
    case udp(Listening)
    case pcap(Capture)

    /// An address and port of this machine.
    public struct Listening: Sendable, Equatable {
      public var address: IPAddress
      public var port: UInt16

      public init(address: IPAddress = IPAddress(v6: 0), port: UInt16) {
        self.address = address
        self.port = port
      }
    }

    /// The packets of an interface.
    public struct Capture: Sendable, Equatable {
      public var interface: String
      /// Stands for all that is seen there.
      public var device: Device
    }

    /// What the format knows.
    static let types = ["udp", "tcp", "tls", "pcap", "file"]
    /// What this version can do, with its keys.
    static let keys = ["udp": ["type", "listen"], "pcap": ["type", "interface", "name", "site", "charset", "silent_after"]]
  }
}

extension ConfigurationReader {
  /// One entry of `sources`, whose type is one of `Source.keys`; nil where it is wrong.
  func source(_ type: String, _ section: ConfigurationSection) -> Configuration.Source? {
    switch type {
    case "udp": return .udp(listening(section, port: 514))
    case "pcap": return capture(section)
    default: return nil
    }
  }

  private func capture(_ section: ConfigurationSection) -> Configuration.Source? {
    var interface: String?
    section.read(
      "interface", required: "the interface to capture on (ip -brief link shows them), or \"any\"", into: &interface,
      ConfigurationValue.interface)
    var name = interface
    section.read("name", into: &name, ConfigurationValue.name)
    guard let device = readDevice(section, name: name, from: nil), let interface else { return nil }
    return .pcap(Configuration.Source.Capture(interface: interface, device: device))
  }

  private func listening(_ section: ConfigurationSection, port: UInt16) -> Configuration.Source.Listening {
    var listen = (address: IPAddress(v6: 0), port: port)
    section.read("listen", into: &listen, ConfigurationValue.listen)
    return Configuration.Source.Listening(address: listen.address, port: listen.port)
  }
}
