public import Evidence
import Record

/// What the administrator decides (design section 10), read from a JSON5 file and checked: whoever holds one need not
/// check it again. Every value but `archive` has a default that works.
///
/// Start reading here; `ConfigurationFile.swift` says how each key is read, `ConfigurationErrors.swift` how faults are
/// told.
public struct Configuration: Sendable {
  public var archive: String
  public var keys = "/etc/muhur/keys"
  public var index = "/var/lib/muhur/index"
  public var socket = "/run/muhur/muhur.sock"
  /// A dialect's first file counts: the administrator's folder stands before the installed one.
  public var dialectFolders = ["/etc/muhur/dialects", "/usr/share/muhur/dialects"]
  /// How long a record may be in the kernel's memory only.
  public var commitInterval = Period(text: "500ms", microseconds: 500_000)
  public var retention = Period(text: "731d", microseconds: 731 * Timestamp.day)
  /// How long after the last sighting a binding is still possible.
  public var bindingTimeout = Period(text: "1h", microseconds: Timestamp.hour)
  /// How near to a change of holder an answer is no longer certain.
  public var clockTolerance = Period(text: "2s", microseconds: 2 * Timestamp.second)
  public var sources = [Source.udp(Source.Listening(port: 514))]
  /// The first that matches a sender counts. None: everybody's events are taken.
  public var devices: [Device] = []
  public var staticAddresses: [StaticAddress] = []
  public var seal = Seal()
  public var timestamp = TimeStamping()
  public var access = Access()
  public var publish: [Publisher] = []
  /// Where the counters can be read; nil: nowhere.
  public var metrics: (address: IPAddress, port: UInt16)?
  /// What works but is probably not meant.
  public var warnings: [ConfigurationFault] = []

  /// All defaults.
  public init(archive: String) { self.archive = archive }

  /// A length of time, and how it is written in the file.
  public struct Period: Sendable, Equatable {
    public var text: String
    public var microseconds: Int64
  }

  /// A sender of messages and how they are read.
  public struct Device: Sendable, Equatable {
    public var name: String
    /// The addresses it sends from; nil for a source that is a device of its own (a file, an interface).
    public var from: IPPrefix?
    public var site = RecordLine.defaultSite
    /// Of the times in its messages that have none; nil: the archive's.
    public var zone: Zone?
    public var charset = Charset.windows1254
    /// nil: all that there are.
    public var dialects: [String]?
    /// Whether its own times count rather than those of receipt.
    public var trustsDeviceClock = false
    /// Where a message does not say how long a lease is.
    public var leaseSeconds: Int?
    /// How long it may say nothing; nil: as long as it likes.
    public var silentAfterMicroseconds: Int64?
  }

  /// An address that is not given by a server: the administrator declares whose it is.
  public struct StaticAddress: Sendable, Equatable {
    public var ip: IPAddress
    public var mac: MACAddress
    public var hostname: String?
    public var site = RecordLine.defaultSite
    /// nil: since the declaration.
    public var since: Since?

    /// A day begins where the log's time zone says, which the file does not know.
    public enum Since: Sendable, Equatable {
      case day(CalendarDay)
      case time(Timestamp)
    }
  }

  public struct Seal: Sendable, Equatable {
    public var interval = Period(text: "1h", microseconds: Timestamp.hour)
    /// PEM files of the institution's own key; nil: the key that `muhur init` made.
    public var certificate: String?
    public var key: String?
    /// Key and certificate in one PKCS#12 file, instead of both.
    public var pkcs12: String?
    public var passwordFile: String?
  }

  public struct TimeStamping: Sendable, Equatable {
    public enum Every: String, Sendable, CaseIterable { case seal, final }

    /// Which seals are sent to an authority: tokens may cost money.
    public var every = Every.seal
    /// In the order in which they are asked.
    public var authorities = [Authority(name: "local")]
  }

  /// A time-stamp authority.
  public struct Authority: Sendable, Equatable {
    public var name: String
    public var service = Service.local

    public enum Service: Sendable, Equatable {
      /// The one whose key lies in the keys folder.
      case local
      /// RFC 3161 over HTTP, with Basic authentication where there is a user.
      case rfc3161(Remote, user: String?)
      /// TÜBİTAK Kamu SM, by the customer's number.
      case kamuSM(Remote, user: Int)
    }

    public struct Remote: Sendable, Equatable {
      public var url: WebAddress
      public var passwordFile: String?
      /// PEM file of the certificates to which its tokens must chain.
      public var trust: String
      /// The policy that its tokens must name; nil: any.
      public var policy: String?
      /// nil: as the environment says.
      public var proxy: WebAddress?
    }
  }

  /// Entries are `group:NAME` or `user:NAME`.
  public struct Access: Sendable, Equatable {
    public var query = ["group:muhur-query"]
    public var administer = ["group:muhur-admin"]
    /// Whether a question needs a case number.
    public var requiresCase = false
  }

  /// Where the head line of each closed day goes: best to another machine.
  public enum Publisher: Sendable, Equatable, CustomStringConvertible {
    case file(path: String)
    case syslog(SyslogServer)
    /// - sendmail: the program that takes the message.
    case mail(to: String, sendmail: String)

    public struct SyslogServer: Sendable, Equatable {
      public enum Transport: String, Sendable, CaseIterable { case udp, tcp }
      public var transport: Transport
      /// A name, or an address without brackets.
      public var host: String
      public var port: UInt16
    }

    public var description: String {
      switch self {
      case .file(let path): path
      case .syslog(let server): "\(server.transport.rawValue)://\(server.host):\(server.port)"
      case .mail(let to, _): to
      }
    }
  }

  /// How many seals a day are sent to an authority.
  var sealsStampedPerDay: Double {
    timestamp.every == .final ? 1 : Double(Timestamp.day) / Double(max(seal.interval.microseconds, Timestamp.second)) + 1
  }

  /// The device of that name: one that sends, or one whose files are followed.
  public func device(named name: String) -> Device? {
    devices.first { $0.name == name } ?? sources.lazy.compactMap(\.device).first { $0.name == name }
  }

  /// The device that sends from this address.
  func device(for address: IPAddress) -> Device? { devices.first { $0.from?.contains(address) == true } }
}
