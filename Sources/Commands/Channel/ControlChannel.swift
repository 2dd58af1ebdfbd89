import CLinux
import Glibc
import Record

/// Why a control connection ended early.
public struct ChannelError: Error, Hashable, CustomStringConvertible {
  public var what: String
  /// 0 where the system did not fail but the peer sent something else, too much, or too late.
  public var code: Int32

  public init(_ what: String, code: Int32 = 0) {
    self.what = what
    self.code = code
  }

  public var description: String { code == 0 ? what : "\(what): \(String(cString: strerror(code)))" }
}

/// One connection of the control socket, on either side. Nothing that a peer sends traps, blocks for ever or takes more
/// memory than one message: lengths are judged before anything is kept, and a request must be whole within `patience`.
public struct ControlChannel: ~Copyable, Sendable {
  private let socket: CInt

  /// How long a caller may take to send its request, and to take each piece of the answer. Milliseconds.
  public static let patience = 10_000

  public init(adopting socket: CInt) { self.socket = socket }

  public init(connectingTo path: String) throws(ChannelError) {
    let fd = linux_unix_connect(path)
    guard fd >= 0 else { throw ChannelError(path, code: errno) }
    socket = fd
  }

  deinit { close(socket) }

  // MARK: - Both sides

  public func send(_ message: Message, descriptor: CInt = -1) throws(ChannelError) {
    let bytes = message.bytes
    var sent = 0
    while sent < bytes.count {
      try wait(for: Int16(POLLOUT), until: Self.deadline())
      // The descriptor goes with the first byte, and only once.
      let n = bytes.withUnsafeBytes {
        linux_send_descriptor(socket, $0.baseAddress?.advanced(by: sent), $0.count - sent, sent == 0 ? descriptor : -1)
      }
      if n < 0, errno == EAGAIN { continue }
      guard n > 0 else { throw ChannelError("the peer is gone", code: n < 0 ? errno : 0) }
      sent += n
    }
  }

  /// - Parameter deadline: of the monotonic clock in milliseconds; nil waits as long as the peer lives.
  private func receive(deadline: Int?) throws(ChannelError) -> (Message, CInt) {
    var passed: CInt = -1
    do throws(ChannelError) {
      let head = try take(Message.headerBytes, deadline, &passed)
      let kind: Message.Kind
      let count: Int
      do throws(Malformed) { (kind, count) = try Message.header(head.span) } catch { throw ChannelError("the peer sent no \(error.field)") }
      return (Message(kind, try take(count, deadline, &passed)), passed)
    } catch {
      if passed >= 0 { close(passed) }
      throw error
    }
  }

  private func take(_ count: Int, _ deadline: Int?, _ passed: inout CInt) throws(ChannelError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var have = 0
    while have < count {
      try wait(for: Int16(POLLIN), until: deadline)
      var descriptor: CInt = -1
      let n = bytes.withUnsafeMutableBytes {
        linux_receive_descriptor(socket, $0.baseAddress?.advanced(by: have), count - have, &descriptor)
      }
      if descriptor >= 0 {
        if passed >= 0 { close(descriptor) } else { passed = descriptor }
      }
      if n < 0, errno == EAGAIN { continue }
      guard n > 0 else { throw ChannelError("the peer ended the connection", code: n < 0 ? errno : 0) }
      have += n
    }
    return bytes
  }

  private static func now() -> Int {
    var t = timespec()
    clock_gettime(CLOCK_MONOTONIC, &t)
    return t.tv_sec * 1000 + t.tv_nsec / 1_000_000
  }

  private static func deadline() -> Int { now() + patience }

  private func wait(for events: Int16, until deadline: Int?) throws(ChannelError) {
    while true {
      let left = deadline.map { max(0, $0 - Self.now()) }
      var p = pollfd(fd: socket, events: events, revents: 0)
      let n = poll(&p, 1, left.map { CInt(clamping: $0) } ?? -1)
      if n > 0 { return }
      if n == 0 { throw ChannelError("the peer takes too long", code: ETIMEDOUT) }
      guard errno == EINTR else { throw ChannelError("poll", code: errno) }
    }
  }

  // MARK: - The caller

  /// Sends the command and gives every piece of the reply to `piece`, until the end.
  /// - Parameter file: an open descriptor that goes along; it stays the caller's.
  /// - Returns: the exit code.
  public func ask(
    _ request: Request, file: CInt? = nil, piece: (Message) throws -> Void
  ) throws -> Int {
    guard request.content.count <= Message.maximumRequest else { throw ChannelError("the command line is too long") }
    try send(Message(.request, request.content), descriptor: file ?? -1)
    while true {
      let (message, passed) = try receive(deadline: nil)
      if passed >= 0 { close(passed) }
      guard message.kind != .request else { throw ChannelError("the daemon sent a request") }
      guard message.kind == .end else {
        try piece(message)
        continue
      }
      guard let code = message.content.span.decimal, ExitCode(rawValue: code) != nil else {
        throw ChannelError("the daemon sent no exit code")
      }
      return code
    }
  }

  // MARK: - The daemon

  /// Who connected (SO_PEERCRED, SO_PEERGROUPS): as the kernel knows it, whatever the caller says.
  public func peer() throws(ChannelError) -> Peer {
    var peer = Peer()
    guard linux_peer(socket, &peer.uid, &peer.gid, &peer.pid) == 0 else { throw ChannelError("SO_PEERCRED", code: errno) }
    var groups = [gid_t](repeating: 0, count: 65_536)
    let n = linux_peer_groups(socket, &groups, CInt(groups.count))
    guard n >= 0 else { throw ChannelError("SO_PEERGROUPS", code: errno) }
    peer.groups = Array(groups.prefix(Int(n)))
    return peer
  }

  /// The request, and the descriptor of the file that came with it: whoever takes it closes it.
  public func request() throws(ChannelError) -> (Request, file: CInt?) {
    let (message, passed) = try receive(deadline: Self.deadline())
    do throws(Malformed) {
      guard message.kind == .request else { throw Malformed(offset: 0, field: "request") }
      return (try Request(content: message.content.span), passed >= 0 ? passed : nil)
    } catch {
      if passed >= 0 { close(passed) }
      throw ChannelError("the caller sent no \(error.field)")
    }
  }

  public func progress(_ line: String) throws(ChannelError) { try send(Message(.progress, Array(line.utf8.prefix(1000)))) }

  /// The answer, the words and the end.
  public func reply(_ reply: Reply) throws(ChannelError) {
    for line in reply.words { try send(Message(.words, Array(line.utf8.prefix(Message.maximumContent)))) }
    try send(.answer, reply.json)
    try send(.file, reply.file)
    try send(Message(.end, Array(String(reply.exit.rawValue).utf8)))
  }

  private func send(_ kind: Message.Kind, _ bytes: [UInt8]) throws(ChannelError) {
    var at = 0
    while at < bytes.count {
      let end = min(at + Message.maximumContent, bytes.count)
      try send(Message(kind, Array(bytes[at..<end])))
      at = end
    }
  }

  /// Who is at the other end of a control connection.
  public struct Peer: Sendable, Hashable {
    public var uid: uid_t = .max
    public var gid: gid_t = .max
    public var pid: pid_t = 0
    /// Supplementary groups.
    public var groups: [gid_t] = []
  }
}

/// What a command ends with.
public struct Reply: Sendable {
  public var exit: ExitCode
  /// The answer's JSON text, one object without LF; empty where there is none.
  public var json: [UInt8]
  /// What the caller's program puts into the file that the command names; empty where there is none.
  public var file: [UInt8] = []
  /// Lines for standard error.
  public var words: [String]
  /// How many answers were given, for the query notice.
  public var answers: Int

  public init(_ exit: ExitCode, json: [UInt8] = [], words: [String] = [], answers: Int = 0) {
    self.exit = exit
    self.json = json
    self.words = words
    self.answers = answers
  }
}
