import Glibc

/// Tells systemd how the daemon is (sd_notify(3)): one datagram to the socket that NOTIFY_SOCKET names. Without it, nothing.
struct ServiceManager: Sendable {
  private let path: String?
  /// How often systemd wants to hear of us, in milliseconds; nil where it does not.
  let watchdogMilliseconds: Int?

  init(environment: (String) -> String? = { name in getenv(name).map { String(cString: $0) } }) {
    path = environment("NOTIFY_SOCKET").flatMap { $0.utf8.count < 108 && !$0.isEmpty ? $0 : nil }
    let own = environment("WATCHDOG_PID").map { Int($0) == Int(getpid()) } ?? true
    watchdogMilliseconds = own ? environment("WATCHDOG_USEC").flatMap { Int($0) }.map { $0 / 1000 } : nil
  }

  func ready() { send("READY=1\nSTATUS=receiving") }
  func reloading() { send("RELOADING=1\nMONOTONIC_USEC=\(Clock.monotonicMilliseconds() * 1000)") }
  func stopping() { send("STOPPING=1\nSTATUS=sealing") }
  func alive() { send("WATCHDOG=1") }
  func status(_ text: String) { send("STATUS=" + text) }
  /// A long start: systemd waits so much longer.
  func extendTimeout(seconds: Int) { send("EXTEND_TIMEOUT_USEC=\(seconds * 1_000_000)") }

  private func send(_ text: String) {
    guard let path else { return }
    let fd = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard fd >= 0 else { return }
    defer { close(fd) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    var name = Array(path.utf8)
    // `@` stands for the NUL that begins an abstract name.
    if name.first == 0x40 { name[0] = 0 }
    withUnsafeMutableBytes(of: &address.sun_path) { to in to.copyBytes(from: name) }
    let length = socklen_t(MemoryLayout<sa_family_t>.size + name.count)
    let bytes = Array(text.utf8)
    _ = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { sendto(fd, bytes, bytes.count, Int32(MSG_NOSIGNAL), $0, length) }
    }
  }
}
