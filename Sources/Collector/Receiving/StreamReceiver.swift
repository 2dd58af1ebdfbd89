import CLinux
import Glibc
import Record
import Synchronization

/// Receives syslog over TCP (RFC 6587) or TLS (RFC 5425) from any number of clients, on a thread of its own.
///
/// Nothing is thrown away: while the writer has no room or the disk is full, nothing is read, and the senders wait. What
/// the thread does is in `StreamLoop`; here is what others see of it.
final class StreamReceiver: MessageSource, RunningSource {
  let via: Via
  let name: String
  let port: UInt16
  let settings: Configuration.Source.Stream
  private let listener: Int32
  private let tls: Secured?
  private let isStopping = Atomic(false)
  private let isHeld = Atomic(false)
  private let certificates = Mutex<[UInt32: String]>([:])
  let counters = StreamCounters()
  /// How many connections all sources together may have: a process has only so many descriptors, and the archive needs some.
  let allConnections: Int

  /// What TLS works with; the context changes when the files are read again.
  private final class Secured: Sendable {
    let files: Configuration.Source.TLS
    let context: Mutex<TLSContext>

    init(_ files: Configuration.Source.TLS) throws(TLSContext.Fault) {
      self.files = files
      context = Mutex(try TLSContext(files))
    }
  }

  /// - Throws: what the system says, with what helps.
  convenience init(_ stream: Configuration.Source.Stream) throws(SourceError) { try self.init(.tcp, stream, nil) }

  convenience init(_ tls: Configuration.Source.TLS) throws(SourceError) { try self.init(.tls, tls.stream, tls) }

  private init(_ via: Via, _ stream: Configuration.Source.Stream, _ files: Configuration.Source.TLS?) throws(SourceError) {
    self.via = via
    settings = stream
    name = SourceError.place(via.rawValue, stream.listen.address, stream.listen.port)
    do throws(TLSContext.Fault) { tls = try files.map { files throws(TLSContext.Fault) in try Secured(files) } } catch {
      throw SourceError(description: "\(name): \(error)")
    }
    let raw = stream.listen.address.bytes
    listener = raw.withUnsafeBufferPointer { linux_tcp_listen($0.baseAddress, stream.listen.port, 1024) }
    guard listener >= 0 else { throw SourceError(listening: name, show: "ss -ltnp", errno) }
    _ = linux_set_nonblocking(listener)
    port = linux_bound_port(listener)
    allConnections = Self.allowDescriptors(stream.maximumConnections)
  }

  deinit { close(listener) }

  /// The usual 1,024 open files are few; a process may have more without asking anybody.
  /// - Returns: how many connections there can be beside what else is open.
  private static func allowDescriptors(_ connections: Int) -> Int {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return connections }
    limit.rlim_cur = max(limit.rlim_cur, min(limit.rlim_max, limit.rlim_cur + UInt(connections)))
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    return max(8, Int(clamping: limit.rlim_cur) - Self.otherDescriptors)
  }

  /// What is left to tails, blocks, indexes and those who ask.
  private static let otherDescriptors = 128

  func run(free: Handover<Batch>, out: Handover<WriterWork>) {
    guard let loop = StreamLoop(self, listener: listener, free: free, out: out) else {
      return Log.error("\(name): \(String(cString: strerror(errno))); nothing is received there")
    }
    while !isStopping.load(ordering: .relaxed) {
      if isHeld.load(ordering: .relaxed) {
        usleep(50_000)
      } else {
        loop.round()
      }
    }
    loop.finish()
  }

  func stop() { isStopping.store(true, ordering: .relaxed) }
  func hold(_ isHeld: Bool) { self.isHeld.store(isHeld, ordering: .relaxed) }

  func reload() {
    guard let tls else { return }
    do throws(TLSContext.Fault) {
      let fresh = try TLSContext(tls.files)
      tls.context.withLock { $0 = fresh }
    } catch {
      Log.error("\(name): the certificate stays as it was: \(error)")
    }
  }

  /// For the next connection; nil without TLS.
  var context: TLSContext? { tls?.context.withLock { $0 } }
  var handshakeMicroseconds: Int64? { tls?.files.handshakeMicroseconds }

  // MARK: Certificates of clients

  func certificate(of connection: UInt32) -> String? { certificates.withLock { $0[connection] } }
  func remember(_ certificate: String, of connection: UInt32) { certificates.withLock { $0[connection] = certificate } }
  /// Once the connection's last message is written.
  func forget(_ connections: [UInt32]) {
    certificates.withLock { certificates in for connection in connections { certificates[connection] = nil } }
  }

  // MARK: For people

  var receivedCount: Int { counters.received.value }
  var droppedCount: Int { 0 }

  var warnings: [String] {
    var warnings: [String] = []
    if allConnections < settings.maximumConnections {
      warnings.append(
        "\(name): max_connections is \(settings.maximumConnections), but the process may only have \(allConnections) (LimitNOFILE of the unit)"
      )
    }
    guard let tls, let ends = context?.ends else { return warnings }
    let days = (ends - Clock.microseconds()).flooredQuotient(Timestamp.day)
    guard days < 30 else { return warnings }
    let when = days < 0 ? "has ended" : "ends in \(days) days"
    warnings.append("\(name): the certificate \(tls.files.certificate) \(when); put a new one there and reload (kill -HUP)")
    return warnings
  }

  var statusMembers: [JSONMember] {
    var members = [
      JSONMember("connections", .integer(counters.connections.value)), JSONMember("accepted", .integer(counters.accepted.value)),
      JSONMember("refused", .integer(counters.refused.value)),
    ]
    if tls != nil { members.append(JSONMember("handshake_failures", .integer(counters.handshakeFailures.value))) }
    return members
  }

  func addMetrics(to page: inout Exposition) {
    let label = [("source", name)]
    page.add("muhur_connections", .gauge, "Connections that stand, by source.", [(label, counters.connections.value)])
    page.add("muhur_connections_accepted_total", .counter, "Connections accepted, by source.", [(label, counters.accepted.value)])
    page.add(
      "muhur_connections_refused_total", .counter, "Connections closed because there were too many, by source.",
      [(label, counters.refused.value)])
    page.add(
      "muhur_connections_timed_out_total", .counter, "Connections closed because their client was silent too long, by source.",
      [(label, counters.timedOut.value)])
    page.add(
      "muhur_misframed_total", .counter, "Messages that began like a counted frame and were kept as lines, by source.",
      [(label, counters.misframed.value)])
    guard tls != nil else { return }
    page.add(
      "muhur_handshake_failures_total", .counter, "TLS connections that failed before they were secured, by source.",
      [(label, counters.handshakeFailures.value)])
  }
}

/// What a stream receiver counts; written by its thread, read by any.
final class StreamCounters: Sendable {
  let received = Atomic(0)
  /// Bytes read, frames included.
  let bytes = Atomic(0)
  /// Connections that stand now.
  let connections = Atomic(0)
  /// The same of all sources together.
  static let allConnections = Atomic(0)
  let accepted = Atomic(0)
  /// Closed because there were too many.
  let refused = Atomic(0)
  /// Closed because their client said nothing for too long.
  let timedOut = Atomic(0)
  let handshakeFailures = Atomic(0)
  let misframed = Atomic(0)
}
