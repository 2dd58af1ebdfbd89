import Dialects
import Record

extension Configuration {
  /// Where messages come from: an entry of `sources`.
  public enum Source: Sendable, Equatable {
    case udp(Listening)
    case pcap(Capture)
    case tcp(Stream)
    case tls(TLS)
    case file(Followed)

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

    /// Files that are read as they grow.
    public struct Followed: Sendable, Equatable {
      /// A path, or a pattern of glob(7).
      public var path: String
      /// nil: what each file looks like.
      public var format: FileFormat?
      /// Whose files they are, and how they are read.
      public var device: Device

      /// Part of a file's name that no other entry has.
      var fileName: String {
        Hex.text(Array(String(path.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }, radix: 36).utf8))
      }
    }

    /// The device that an entry itself is.
    var device: Device? {
      switch self {
      case .file(let followed): followed.device
      case .pcap(let capture): capture.device
      default: nil
      }
    }

    /// Whether two entries cannot both be.
    func takesTheSame(as other: Source) -> Bool {
      if case .file(let a) = self, case .file(let b) = other { return a.path == b.path }
      if case .pcap(let a) = self, case .pcap(let b) = other { return a.interface == b.interface }
      // TLS is TCP below.
      if let a = stream, let b = other.stream { return a.listen == b.listen }
      return self == other
    }

    private var stream: Stream? {
      switch self {
      case .tcp(let stream): stream
      case .tls(let tls): tls.stream
      default: nil
      }
    }

    /// What the format knows.
    static let types = ["udp", "tcp", "tls", "pcap", "file"]
    /// What this version can do, with its keys.
    static let keys = [
      "udp": ["type", "listen"], "tcp": ["type", "listen"] + Stream.keys, "tls": ["type", "listen"] + Stream.keys + TLS.keys,
      "pcap": ["type", "interface", "name", "site", "charset", "silent_after"],
      "file": ["type", "path", "dialect", "name", "site", "timezone", "charset", "lease_time", "silent_after"],
    ]
  }
}

extension ConfigurationReader {
  /// One entry of `sources`, whose type is one of `Source.keys`; nil where it is wrong.
  func source(_ type: String, _ section: ConfigurationSection) -> Configuration.Source? {
    switch type {
    case "udp": return .udp(listening(section, port: 514))
    case "pcap": return capture(section)
    case "tcp": return .tcp(stream(section, port: 601))
    case "tls": return tls(section).map { .tls($0) }
    case "file": return followed(section)
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

  private func followed(_ section: ConfigurationSection) -> Configuration.Source? {
    var path: String?
    var name: String?
    section.read(
      "path", required: "the file, or a pattern of files as in \"/srv/dhcp/DhcpSrvLog-*.log\"", into: &path, ConfigurationValue.path)
    section.read("name", required: "how records call the device whose files they are", into: &name, ConfigurationValue.name)
    var dialect: String?
    section.read("dialect", into: &dialect, ConfigurationValue.text)
    let formats = FileFormat.allCases.filter { $0 != .packets && $0 != .declared }
    let format = dialect.flatMap { dialect in formats.first { $0.rawValue == dialect } }
    guard var device = readDevice(section, name: name, from: nil), let path else { return nil }
    device.trustsDeviceClock = true
    if let dialect, format == nil {
      checkLater(dialect: section["dialect"])
      device.dialects = [dialect]
    }
    return .file(Configuration.Source.Followed(path: path, format: format ?? (dialect == nil ? nil : .syslog), device: device))
  }

  func listening(_ section: ConfigurationSection, port: UInt16) -> Configuration.Source.Listening {
    var listen = (address: IPAddress(v6: 0), port: port)
    section.read("listen", into: &listen, ConfigurationValue.listen)
    return Configuration.Source.Listening(address: listen.address, port: listen.port)
  }
}
