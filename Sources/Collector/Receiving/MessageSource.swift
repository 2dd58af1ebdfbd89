import Dialects
import Record

/// Where messages come from, as the writer sees it: a socket, an interface, one file.
protocol MessageSource: AnyObject, Sendable {
  var via: Via { get }
  /// What notices and metrics call it: `udp [::]:514`.
  var name: String { get }
  /// The `from` of its records where that is not the peer's address: an interface, a path.
  var origin: String? { get }
  /// How its messages are read where the source itself says so, and no entry of `devices` is looked for.
  var device: Configuration.Device? { get }
  /// The format whose entries its messages are, where no dialect reads them.
  var entryFormat: FileFormat? { get }
  /// The link type of libpcap where its messages are packets.
  var linkType: Int? { get }
  /// SHA-256 of the certificate that the client of that connection has shown, in hexadecimal; nil where it showed none.
  func certificate(of connection: UInt32) -> String?
}

extension MessageSource {
  var origin: String? { nil }
  var device: Configuration.Device? { nil }
  var entryFormat: FileFormat? { nil }
  var linkType: Int? { nil }
  func certificate(of connection: UInt32) -> String? { nil }
}

/// What an entry of `sources` has become: receives on a thread of its own until it is stopped.
protocol RunningSource: AnyObject, Sendable {
  /// What log, notices and metrics call it.
  var name: String { get }
  /// Messages handed on.
  var receivedCount: Int { get }
  /// Messages that came and were thrown away before they could be handed on.
  var droppedCount: Int { get }
  /// What an administrator should know of it, in words; for `status`.
  var warnings: [String] { get }
  /// What else `status` says of it.
  var statusMembers: [JSONMember] { get }
  /// Its other counters.
  func addMetrics(to page: inout Exposition)
  /// The thread's body: receives until `stop`, then hands on what is there already.
  func run(free: Handover<Batch>, out: Handover<WriterWork>)
  /// While it is held back, what can wait where it comes from is not fetched; what came by a datagram cannot.
  /// From any thread, like `stop`.
  func hold(_ isHeld: Bool)
  func stop()
  /// Certificates and the like are read again; what cannot be read stays as it is and is said in the log.
  func reload()
}

extension RunningSource {
  var warnings: [String] { [] }
  func addMetrics(to page: inout Exposition) {}
  func reload() {}
  func hold(_ isHeld: Bool) {}
  var statusMembers: [JSONMember] { [] }
}

/// Opens what an entry of `sources` names.
enum Sources {
  /// - Throws: what the system says, with what helps.
  static func open(_ source: Configuration.Source, _ configuration: Configuration) throws(SourceError) -> any RunningSource {
    switch source {
    case .udp(let listen):
      return try DatagramReceiver(address: listen.address, port: listen.port)
    case .pcap(let capture): return try PacketCapture(capture)
    case .tcp(let stream):
      return try StreamReceiver(stream)
    case .tls(let tls):
      return try StreamReceiver(tls)
    case .file(let followed): return FileSource(followed, configuration)
    }
  }
}
