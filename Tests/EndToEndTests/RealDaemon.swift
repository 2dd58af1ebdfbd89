import Archive
import Glibc
import Record
import Synchronization
import TestSupport

/// A log in a temporary folder and the daemon that keeps it. The folder goes when this goes.
final class RealDaemon {
  let folder: String
  let port: UInt16
  private(set) var process: Process?
  private var commands = 0
  /// Of the daemon and of all commands.
  var environment: [String] = []
  /// The network namespace that it runs in; nil: the test's own.
  var namespace: String?
  let sender = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)

  var archivePath: String { folder + "/archive" }
  var archive: ArchiveFolder { ArchiveFolder(archivePath) }
  var configurationPath: String { folder + "/muhur.json5" }
  var socketPath: String { folder + "/socket" }
  var log: String { String(decoding: Corpus.file(folder + "/log") ?? [], as: UTF8.self) }

  static let me = String(cString: getpwuid(geteuid()).pointee.pw_name)
  static let devices = #"{ name: "dhcp1", from: "127.0.0.1", dialects: ["isc-dhcpd"], lease_time: "10m" }"#

  /// Makes a log, not yet a daemon.
  init() throws {
    var template = Array("/tmp/muhur-e2e-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else { throw Process.Failure(description: "mkdtemp") }
    folder = String(cString: made)
    port = Self.freePort()
    let outcome = try run(
      "muhur", ["init", "--archive", folder + "/archive", "--keys", folder + "/keys", "--log", "e2e", "--timezone", "Europe/Istanbul"])
    guard outcome.code == 0 else { throw Process.Failure(description: "init: \(outcome)") }
    configure()
  }

  deinit {
    if let process {
      process.send(SIGKILL)
      process.end()
    }
    close(sender)
    Self.remove(folder)
  }

  func configure(devices: String = RealDaemon.devices, access: String? = nil, more: String = "", port: UInt16? = nil, sources: String = "")
  {
    let rights = access ?? #"query: ["user:\#(Self.me)"], administer: ["user:\#(Self.me)"]"#
    Self.write(
      """
      {
        archive: "\(archivePath)", keys: "\(folder)/keys", index: "\(folder)/index", socket: "\(socketPath)", dialects: [],
        commit_interval: "100ms", sources: [ { type: "udp", listen: "127.0.0.1:\(port ?? self.port)" }, \(sources) ],
        devices: [ \(devices) ], access: { \(rights) }, \(more)
      }

      """, to: configurationPath)
  }

  /// Starts the daemon and waits until it says that it receives.
  func start() throws {
    let path = folder + "/notify"
    unlink(path)
    let notify = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    defer { close(notify) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let bound = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(notify, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
    }
    guard bound == 0 else { throw Process.Failure(description: "bind \(path)") }
    var wait = timeval(tv_sec: 15, tv_usec: 0)
    setsockopt(notify, SOL_SOCKET, SO_RCVTIMEO, &wait, socklen_t(MemoryLayout<timeval>.size))
    let (program, before) = namespace.map { ("/usr/sbin/ip", ["netns", "exec", $0, Process.folder + "/muhurd"]) } ?? ("muhurd", [])
    let process = try Process(
      program, before + ["--config", configurationPath], output: folder + "/out", errors: folder + "/log",
      environment: ["NOTIFY_SOCKET=" + path] + environment)
    self.process = process
    var bytes = [UInt8](repeating: 0, count: 4096)
    while true {
      let n = recv(notify, &bytes, bytes.count, 0)
      guard n > 0 else { throw Process.Failure(description: "not ready: \(log)") }
      if String(decoding: bytes[0..<n], as: UTF8.self).hasPrefix("READY=1") { return }
    }
  }

  /// SIGTERM, and its exit code.
  func stop() -> Int32 { end(SIGTERM) }

  func end(_ signal: Int32) -> Int32 {
    guard let process else { return -1 }
    process.send(signal)
    self.process = nil
    return process.end()
  }

  /// Sends one datagram.
  func send(_ bytes: [UInt8]) {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    _ = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        sendto(sender, bytes, bytes.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }

  func send(_ text: String) { send(Array(text.utf8)) }

  /// Runs a program to its end.
  func run(_ program: String, _ arguments: [String], seconds: Int = 30) throws -> Outcome {
    commands += 1
    let (output, errors) = ("\(folder)/\(commands).out", "\(folder)/\(commands).err")
    let code = try Process(program, arguments, output: output, errors: errors, environment: environment).end(within: seconds)
    return Outcome(code: code, output: Corpus.file(output) ?? [], errors: String(decoding: Corpus.file(errors) ?? [], as: UTF8.self))
  }

  /// Asks the daemon.
  func ask(_ arguments: String...) throws -> Outcome { try run("muhur", ["--socket", socketPath] + arguments + ["--json"]) }

  /// Asks the folder, with an index of its own.
  func read(_ arguments: String...) throws -> Outcome {
    try run("muhur", ["--archive", archivePath, "--index", folder + "/other"] + arguments + ["--json"])
  }

  func verify(_ path: String? = nil) throws -> Outcome {
    let keys = folder + "/keys"
    return try run("muhur-verify", ["--signer", keys + "/signer.crt", "--tsa", keys + "/tsa.crt", "--json", path ?? archivePath])
  }

  /// All records of all days, in order.
  func records() throws -> [RecordLine] {
    var lines: [RecordLine] = []
    for day in try archive.days() {
      try DayReader(archive.day(day)).forEach { _, line in
        lines.append(try RecordLine(line))
        return true
      }
    }
    return lines
  }

  func received() throws -> [[UInt8]] { try records().filter { $0.via == .udp }.map { $0.raw ?? [] } }

  /// The notices of one kind.
  func notices(_ what: String) throws -> [Event] { try records().flatMap(\.events).filter { $0.kind == .notice && $0.what == what } }

  /// Waits, for ten seconds at most, until something holds.
  static func wait(_ holds: () throws -> Bool) rethrows -> Bool {
    for _ in 0..<200 {
      if try holds() { return true }
      usleep(50_000)
    }
    return false
  }

  // MARK: - Files and ports

  /// A port of loopback that nobody has, for UDP and TCP. It lies below those that the kernel gives to clients: one of these
  /// would take it before the daemon does.
  static func freePort() -> UInt16 {
    while true {
      let port = UInt16(12_000 + nextPort.add(1, ordering: .relaxed).oldValue % 20_000)
      if isFree(port, SOCK_DGRAM), isFree(port, SOCK_STREAM) { return port }
    }
  }

  private static let nextPort = Atomic(Int.random(in: 0..<20_000))

  private static func isFree(_ port: UInt16, _ type: __socket_type) -> Bool {
    let fd = socket(AF_INET, Int32(type.rawValue), 0)
    defer { close(fd) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(fd, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0 }
    }
  }

  static func write(_ text: String, to path: String, flags: Int32 = O_TRUNC) {
    let fd = open(path, O_WRONLY | O_CREAT | flags, 0o600)
    let bytes = Array(text.utf8)
    _ = Glibc.write(fd, bytes, bytes.count)
    close(fd)
  }

  /// Changes a text file.
  func edit(_ path: String, _ change: (String) -> String) {
    Self.write(change(String(decoding: Corpus.file(path) ?? [], as: UTF8.self)), to: path)
  }

  private static func remove(_ path: String) {
    guard path.hasPrefix("/tmp/muhur-e2e-") else { return }
    _ = try? Process("/bin/rm", ["-rf", path], output: "/dev/null", errors: "/dev/null").end()
  }
}
