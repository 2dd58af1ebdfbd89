import CLinux
import Evidence
import Glibc
import Record

/// Hands a head line to one place outside.
enum Witness {
  /// Why it was not taken, in words.
  struct Failure: Error, CustomStringConvertible { var description: String }

  /// - Parameters:
  ///   - log: the log's name, for people.
  ///   - now: with the offset in which people read it.
  static func send(_ head: Head, log: String, to publisher: Configuration.Publisher, now: Timestamp) throws(Failure) {
    switch publisher {
    case .file(let path): try append("\(head)\n", to: path)
    case .syslog(let server): try send(syslog(head, log: log, now: now), to: server)
    case .mail(let to, let sendmail): try mail(message(head, log: log, to: to), to: to, through: sendmail)
    }
  }

  private static func append(_ text: String, to path: String) throws(Failure) {
    func failed() -> Failure { Failure(description: String(cString: strerror(errno))) }
    let file = Glibc.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    guard file >= 0 else { throw failed() }
    defer { Glibc.close(file) }
    let bytes = Array(text.utf8)
    guard bytes.withUnsafeBytes({ write(file, $0.baseAddress, $0.count) }) == bytes.count, fsync(file) == 0 else { throw failed() }
  }

  /// RFC 5424: facility 13 (log audit), severity 6 (informational).
  static func syslog(_ head: Head, log: String, now: Timestamp) -> String {
    // HOSTNAME is printable ASCII without blanks, at most 255 (section 6.2.4).
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, 255)
    let host = name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }.filter { $0 > 0x20 && $0 < 0x7f }
    return "<110>1 \(now) \(host.isEmpty ? "-" : String(decoding: host, as: UTF8.self)) muhurd \(getpid()) head - \(head)"
  }

  private static func send(_ text: String, to server: Configuration.Publisher.SyslogServer) throws(Failure) {
    let isTCP = server.transport == .tcp
    // RFC 6587 section 3.4.2: over TCP a LF ends the message.
    let bytes = Array((isTCP ? text + "\n" : text).utf8)
    let code = linux_send_to(server.host, server.port, isTCP ? 1 : 0, bytes, bytes.count, 15)
    guard code != 0 else { return }
    throw Failure(description: code > 0 ? String(cString: strerror(code)) : "\(server.host): \(String(cString: gai_strerror(code)))")
  }

  static func message(_ head: Head, log: String, to: String) -> String {
    // RFC 2047 would be needed for anything else than ASCII in a header.
    let name = String(String.UnicodeScalarView(log.unicodeScalars.map { $0.value > 0x20 && $0.value < 0x7f ? $0 : "?" }))
    return """
      To: \(to)
      Subject: muhur-head \(name) \(head.day)
      MIME-Version: 1.0
      Content-Type: text/plain; charset=utf-8
      Content-Transfer-Encoding: 8bit
      Auto-Submitted: auto-generated

      \(head)

      Bu satır \(log) günlüğünün \(head.day) gününü kapatan mührün özetidir. Saklayınız: `muhur-verify --head` günlüğün
      sonradan değiştirilmediğini bu satırla denetler.

      This line names the seal that closed \(head.day) of the log \(log). Keep it: `muhur-verify --head` checks by it that
      the log was not changed afterwards.

      """
  }

  /// sendmail(8), or one of the programs that bear its name: the message comes on standard input.
  private static func mail(_ text: String, to: String, through program: String) throws(Failure) {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw Failure(description: String(cString: strerror(errno))) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[0], 0)
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // The daemon's threads block the signals that end it, and it ignores SIGPIPE; a child must not inherit that.
    var none = sigset_t()
    sigemptyset(&none)
    var defaults = sigset_t()
    sigemptyset(&defaults)
    sigaddset(&defaults, SIGPIPE)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &defaults)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    var arguments: [UnsafeMutablePointer<CChar>?] = ([program, "-i", to] as [String]).map { strdup($0) }
    arguments.append(nil)
    defer { for argument in arguments { free(argument) } }
    var child: pid_t = 0
    let result = posix_spawn(&child, program, &actions, &attributes, arguments, environ)
    close(ends[0])
    guard result == 0 else {
      close(ends[1])
      throw Failure(description: "\(program): \(String(cString: strerror(result)))")
    }
    // Far below the pipe's 64 KiB: this does not wait, whatever the program does.
    let bytes = Array(text.utf8)
    _ = bytes.withUnsafeBytes { write(ends[1], $0.baseAddress, $0.count) }
    close(ends[1])
    try wait(for: child, of: program)
  }

  private static func wait(for child: pid_t, of program: String) throws(Failure) {
    let deadline = Clock.monotonicMilliseconds() + 60_000
    var status: Int32 = 0
    while true {
      let done = waitpid(child, &status, WNOHANG)
      if done == child { break }
      if done < 0, errno != EINTR { throw Failure(description: "\(program): \(String(cString: strerror(errno)))") }
      if Clock.monotonicMilliseconds() > deadline {
        kill(child, SIGKILL)
        waitpid(child, &status, 0)
        throw Failure(description: "\(program) did not end within a minute")
      }
      usleep(50_000)
    }
    // WIFEXITED and WEXITSTATUS are macros that do not import.
    guard status & 0x7f == 0 else { throw Failure(description: "\(program) was ended by signal \(status & 0x7f)") }
    let code = status >> 8 & 0xff
    guard code == 0 else { throw Failure(description: "\(program) ended with \(code) (sysexits(3))") }
  }
}
