import CLinux
import Glibc
import Record
import Syslog

/// One client's connection. Owned by the receiver's thread.
final class StreamConnection {
  let id: UInt32
  let address: IPAddress
  let port: UInt16
  let descriptor: Int32
  let tls: TLSSession?
  var framing = StreamFraming(keptBytes: RecordLimits.messageBytes)
  /// Monotonic milliseconds: when it began, then when it last said something.
  var heard: Int64
  var isSecured: Bool
  var waitsToWrite = false
  /// Whether TLS may hold bytes that the socket no longer shows.
  var mayHoldMore = false

  init(id: UInt32, address: IPAddress, port: UInt16, descriptor: Int32, tls: TLSSession?, now: Int64) {
    self.id = id
    self.address = address
    self.port = port
    self.descriptor = descriptor
    self.tls = tls
    heard = now
    isSecured = tls == nil
  }

  deinit { close(descriptor) }

  /// What a client can hardly have many of: an IPv4 address, the /64 of an IPv6 address.
  var holder: UInt128 { address.isV4 ? address.value : (address.value >> 64) << 64 }
}

/// The stream receiver's thread: accepts, reads and closes connections, a round after another.
///
/// - In a round each connection that has something is read a bounded number of times, so that none keeps the others
///   waiting. A stalled one costs its memory: 64 KiB at most.
/// - When there are as many connections as may be, a new one takes the place of the one that was silent longest among
///   those of the client that holds most of them, if that holds more than the new one's; else it is refused. So one client cannot
///   keep the others out.
/// - A batch goes to the writer at the end of each round. Where there is no free one the thread waits, and with it the
///   senders: nothing is lost.
final class StreamLoop {
  private let receiver: StreamReceiver
  private let listener: Int32
  private let out: Handover<WriterWork>
  private let epoll: Int32
  /// Given up for a moment when the process has no more descriptors: a client that cannot be accepted is told so.
  private var spare: Int32
  /// For one read.
  private let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 4096)
  private var tokens = [UInt64](repeating: 0, count: 512)
  private var connections: [UInt32: StreamConnection] = [:]
  /// How many connections each client has.
  private var held: [UInt128: Int] = [:]
  private var lastID: UInt32 = 0
  private var batch: BatchFilling
  /// TLS connections whose bounded reading ended early.
  private var unread: [StreamConnection] = []
  /// Connections whose messages are all in batches.
  private var ended: [Peer.Key] = []
  private var swept: Int64 = 0
  private var complaint = Complaint()

  private static let listening: UInt64 = 0
  private static let acceptsInRound = 64
  private static let readsInRound = 8
  /// How long a stop may take to read what the senders have sent already.
  private static let finishMilliseconds: Int64 = 2000

  /// nil, and errno, where the system gives no epoll.
  init?(_ receiver: StreamReceiver, listener: Int32, free: Handover<Batch>, out: Handover<WriterWork>) {
    self.receiver = receiver
    self.listener = listener
    self.out = out
    batch = BatchFilling(of: receiver, free: free, out: out)
    epoll = linux_epoll()
    spare = open("/dev/null", O_RDONLY | O_CLOEXEC)
    guard epoll >= 0, linux_epoll_watch(epoll, listener, Self.listening, 0, 0) == 0 else { return nil }
  }

  deinit {
    if epoll >= 0 { close(epoll) }
    if spare >= 0 { close(spare) }
    room.deallocate()
  }

  /// Waits a moment for something, and reads what there is.
  func round() {
    let found = linux_epoll_wait(epoll, &tokens, Int32(tokens.count), unread.isEmpty ? 100 : 0)
    let now = Clock.monotonicMilliseconds()
    let held = unread
    unread.removeAll(keepingCapacity: true)
    for connection in held where connections[connection.id] === connection { progress(connection, now) }
    for token in tokens.prefix(max(0, Int(found))) {
      if token == Self.listening {
        accept(now)
      } else if let connection = connections[UInt32(truncatingIfNeeded: token)], !connection.mayHoldMore {
        progress(connection, now)
      }
    }
    handOver()
    // Nobody is judged before everybody who has something was heard.
    if found < tokens.count, now - swept >= 1000 {
      swept = now
      sweep(now)
      handOver()
    }
  }

  /// Reads what the clients have sent already, and closes all connections.
  func finish() {
    let begin = Clock.monotonicMilliseconds()
    accept(begin)
    for connection in Array(connections.values) {
      var before = -1
      // Until a reading brings nothing more.
      while connections[connection.id] === connection, before != receiver.counters.bytes.value,
        Clock.monotonicMilliseconds() - begin < Self.finishMilliseconds
      {
        before = receiver.counters.bytes.value
        progress(connection, begin)
      }
    }
    for connection in Array(connections.values) { end(connection) }
    handOver()
  }

  // MARK: Accepting

  private func accept(_ now: Int64) {
    for _ in 0..<Self.acceptsInRound {
      var raw = [UInt8](repeating: 0, count: 16)
      var port: UInt16 = 0
      let descriptor = linux_tcp_accept(listener, &raw, &port)
      guard descriptor >= 0 else {
        let code = errno
        // A client that has gone again before it was accepted is none.
        if code == EINTR || code == ECONNABORTED || code == EPROTO { continue }
        if code == EMFILE || code == ENFILE || code == ENOBUFS || code == ENOMEM { turnAway(code) }
        return
      }
      add(descriptor, IPAddress(bytes: raw.span) ?? IPAddress(v6: 0), port, now)
    }
  }

  private func add(_ descriptor: Int32, _ address: IPAddress, _ port: UInt16, _ now: Int64) {
    receiver.counters.accepted.add(1)
    repeat { lastID = lastID &+ 1 } while lastID == 0 || connections[lastID] != nil
    let context = receiver.context
    let session = context.flatMap { TLSSession($0, descriptor: descriptor) }
    let connection = StreamConnection(id: lastID, address: address, port: port, descriptor: descriptor, tls: session, now: now)
    guard context == nil || session != nil, makeRoom(for: connection) else {
      receiver.counters.refused.add(1)
      complaint.add("\(receiver.name): a connection from \(address) was refused: there are \(connections.count) already (max_connections)")
      return
    }
    guard linux_epoll_watch(epoll, descriptor, UInt64(connection.id), 0, 0) == 0 else {
      receiver.counters.refused.add(1)
      return
    }
    connections[connection.id] = connection
    held[connection.holder, default: 0] += 1
    receiver.counters.connections.add(1)
    StreamCounters.allConnections.add(1)
  }

  private func makeRoom(for new: StreamConnection) -> Bool {
    let isFull =
      connections.count >= receiver.settings.maximumConnections || StreamCounters.allConnections.value >= receiver.allConnections
    guard isFull else { return true }
    guard let most = held.max(by: { $0.value < $1.value }), most.value > held[new.holder, default: 0] + 1,
      let idle = connections.values.filter({ $0.holder == most.key }).min(by: { $0.heard < $1.heard })
    else { return false }
    receiver.counters.refused.add(1)
    complaint.add(
      "\(receiver.name): a connection of \(idle.address), which has \(most.value), was closed for one of \(new.address) (max_connections)")
    end(idle)
    return true
  }

  /// The process has no descriptor left: without this the same client would be announced again and again.
  private func turnAway(_ code: Int32) {
    receiver.counters.refused.add(1)
    complaint.add(
      "\(receiver.name): a connection was refused: \(String(cString: strerror(code))); raise the limit of open files (LimitNOFILE of the unit), or lower max_connections"
    )
    if spare >= 0 { close(spare) }
    var raw = [UInt8](repeating: 0, count: 16)
    var port: UInt16 = 0
    let descriptor = linux_tcp_accept(listener, &raw, &port)
    if descriptor >= 0 { close(descriptor) } else { usleep(1000) }
    spare = open("/dev/null", O_RDONLY | O_CLOEXEC)
  }

  // MARK: Reading

  private func progress(_ connection: StreamConnection, _ now: Int64) {
    connection.mayHoldMore = false
    guard let tls = connection.tls else { return readPlain(connection, now) }
    if !connection.isSecured {
      switch tls.handshake() {
      case .done:
        connection.isSecured = true
        connection.heard = now
        if let certificate = tls.certificate { receiver.remember(certificate, of: connection.id) }
      case .waits(let toWrite): return watch(connection, toWrite: toWrite)
      case .ended: return fail(connection, "the client went away")
      case .failed(let why): return fail(connection, why)
      }
    }
    readSecured(connection, tls, now)
  }

  private func readPlain(_ connection: StreamConnection, _ now: Int64) {
    for _ in 0..<Self.readsInRound {
      let count = linux_receive_now(connection.descriptor, room.baseAddress, UInt(room.count))
      guard count > 0 else {
        if count < 0, errno == EINTR { continue }
        if count < 0, errno == EAGAIN { return }
        return end(connection)
      }
      take(count, connection, now)
      if count < room.count { return }
    }
  }

  private func readSecured(_ connection: StreamConnection, _ tls: TLSSession, _ now: Int64) {
    for _ in 0..<Self.readsInRound * 4 {
      switch tls.read(room) {
      case .done(let count): take(count, connection, now)
      case .waits(let toWrite): return watch(connection, toWrite: toWrite)
      case .ended, .failed: return end(connection)
      }
    }
    // epoll does not see what OpenSSL has decrypted.
    connection.mayHoldMore = true
    unread.append(connection)
  }

  private func take(_ count: Int, _ connection: StreamConnection, _ now: Int64) {
    connection.heard = now
    receiver.counters.bytes.add(count)
    let bytes = UnsafeRawBufferPointer(rebasing: room[0..<count]).bindMemory(to: UInt8.self)
    let microseconds = Clock.microseconds()
    let misframed = connection.framing.misframed
    connection.framing.read(bytes.span) { message, original in append(message, original, connection, microseconds) }
    receiver.counters.misframed.add(connection.framing.misframed - misframed)
  }

  private func append(_ message: Span<UInt8>, _ original: Int, _ connection: StreamConnection, _ microseconds: Int64) {
    receiver.counters.received.add(1)
    message.withUnsafeBytes {
      batch.append(
        $0, original: original, microseconds: microseconds, address: connection.address, port: connection.port, connection: connection.id)
    }
  }

  private func watch(_ connection: StreamConnection, toWrite: Bool) {
    guard connection.waitsToWrite != toWrite else { return }
    connection.waitsToWrite = toWrite
    _ = linux_epoll_watch(epoll, connection.descriptor, UInt64(connection.id), toWrite ? 1 : 0, 1)
  }

  // MARK: Ending

  private func fail(_ connection: StreamConnection, _ why: String) {
    receiver.counters.handshakeFailures.add(1)
    complaint.add("\(receiver.name): the connection of \(connection.address) was not secured: \(why)")
    end(connection)
  }

  private func end(_ connection: StreamConnection) {
    guard connections.removeValue(forKey: connection.id) != nil else { return }
    let microseconds = Clock.microseconds()
    connection.framing.end { message, original in append(message, original, connection, microseconds) }
    receiver.counters.connections.add(-1)
    StreamCounters.allConnections.add(-1)
    if connection.isSecured { connection.tls?.close() }
    if let count = held[connection.holder], count > 1 { held[connection.holder] = count - 1 } else { held[connection.holder] = nil }
    ended.append(
      Peer.Key(address: connection.address, port: connection.port, connection: connection.id, source: ObjectIdentifier(receiver)))
  }

  private func sweep(_ now: Int64) {
    complaint.tell(now)
    for connection in Array(connections.values) {
      let limit = connection.isSecured ? receiver.settings.idleMicroseconds : receiver.handshakeMicroseconds
      guard let limit, now - connection.heard > limit / 1000 else { continue }
      receiver.counters.timedOut.add(1)
      if connection.isSecured { end(connection) } else { fail(connection, "it took longer than handshake_timeout") }
    }
  }

  private func handOver() {
    batch.give()
    guard !ended.isEmpty else { return }
    let (keys, receiver) = (ended, receiver)
    ended.removeAll(keepingCapacity: true)
    // Behind the last of their messages.
    out.give(
      .perform { writer in
        writer.forget(keys)
        receiver.forget(keys.map(\.connection))
      })
  }
}

/// Says the same kind of thing at most once in ten seconds, with how often it was so.
private struct Complaint {
  private var words = ""
  private var count = 0
  private var told: Int64 = .min / 2

  mutating func add(_ words: String) {
    if count == 0 { self.words = words }
    count += 1
  }

  mutating func tell(_ now: Int64) {
    guard count > 0, now - told >= 10_000 else { return }
    Log.warning(count == 1 ? words : "\(words) (and \(count - 1) more)")
    count = 0
    told = now
  }
}
