import CLinux
import Commands
import Glibc
import Synchronization

/// Answers the command line over a Unix socket: knows each caller by the kernel's word (SO_PEERCRED), decides what they
/// may, and has `Commands` do it. A thread a connection, at most `maximumCallers` at once.
final class ControlServer: Sendable {
  private let path: String
  private let descriptor: Int32
  private let log: any LogAccess
  private let access: Mutex<Access>
  private let callers = Atomic(0)
  private let isStopping = Atomic(false)

  static let maximumCallers = 32

  /// - Throws: where the socket cannot be made; a socket file left by a crash is replaced, a living daemon's is not (the
  ///   archive's lock was taken before).
  init(path: String, log: any LogAccess, access: Access) throws(SourceError) {
    self.path = path
    self.log = log
    self.access = Mutex(access)
    unlink(path)
    // Everybody may connect; who may do what is judged by who they are.
    descriptor = linux_unix_listen(path, 0o666)
    guard descriptor >= 0 else {
      let code = errno
      throw SourceError(
        description: "socket \(path): \(String(cString: strerror(code))): its folder must exist and belong to this user (key: socket)")
    }
  }

  func reconfigure(_ new: Access) { access.withLock { $0 = new } }

  func start() { Thread.start("control") { self.run() } }

  func stop() {
    isStopping.store(true, ordering: .relaxed)
    shutdown(descriptor, Int32(SHUT_RDWR))
    unlink(path)
    // Answers that are on their way get a moment.
    for _ in 0..<50 where callers.load(ordering: .relaxed) > 0 { usleep(100_000) }
  }

  private func run() {
    while !isStopping.load(ordering: .relaxed) {
      let fd = linux_accept(descriptor)
      guard fd >= 0 else {
        if errno == EMFILE || errno == ENFILE { usleep(100_000) }
        continue
      }
      if callers.load(ordering: .relaxed) >= Self.maximumCallers {
        close(fd)
        continue
      }
      callers.add(1, ordering: .relaxed)
      Thread.start("caller") {
        defer { self.callers.subtract(1, ordering: .relaxed) }
        self.serve(ControlChannel(adopting: fd))
      }
    }
    close(descriptor)
  }

  private func serve(_ channel: consuming ControlChannel) {
    do {
      let peer = try channel.peer()
      let (request, file) = try channel.request()
      defer { if let file { close(file) } }
      try channel.reply(answer(request, peer, file) { line in try? channel.progress(line) })
    } catch {
      // A caller that went away, or sent nothing we know: nobody is left to be told.
    }
  }

  private func answer(_ request: Request, _ peer: ControlChannel.Peer, _ file: CInt?, _ progress: (String) -> Void) -> Reply {
    do {
      let invocation = try Commands.read(request)
      let access = access.withLock { $0 }
      let right: Access.Right? =
        switch invocation.command.access {
        case .question: .query
        case .administration: .administer
        case .view: .query
        }
      // Who may administer may also look at the state of things, but asks no questions by that.
      let permitted =
        right.map { access.permits(peer, $0) || (invocation.command.access == .view && access.permits(peer, .administer)) } ?? true
      guard permitted else {
        let name = Access.userName(peer.uid)
        let word = right == .administer ? "administer" : "query"
        Log.warning("refused \(invocation.name.rawValue) to \(name) (uid \(peer.uid))")
        return Reply(.unreachable, words: ["error: \(name) may not \(word): see access.\(word) in the configuration"])
      }
      let caller = Caller(uid: peer.uid, user: Access.userName(peer.uid), requiresCase: access.requiresCase)
      return Commands.run(invocation, on: log, for: caller, file: file, progress: progress)
    } catch { return Refusal(error).reply }
  }
}
