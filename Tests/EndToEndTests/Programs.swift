import Glibc
import Record

/// A program of ours, or of the system, that runs as a process of its own.
struct Process {
  let pid: pid_t

  /// The build's folder: that of the test bundle.
  static let folder: String = {
    let bundle = CommandLine.arguments.first { $0.contains(".xctest") } ?? CommandLine.arguments[0]
    // The bundle is a file on Linux: arguments may name it, or something inside it.
    guard let end = bundle.ranges(of: ".xctest").first?.lowerBound else { return Self.parent(bundle) }
    return Self.parent(String(bundle[..<end]))
  }()

  private static func parent(_ path: String) -> String { path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "." }

  struct Failure: Error, CustomStringConvertible { var description: String }

  /// Starts it.
  /// - Parameters:
  ///   - output: the file that standard output goes to.
  ///   - errors: the file that standard error goes to.
  init(_ program: String, _ arguments: [String], output: String, errors: String, environment: [String] = []) throws {
    let path = program.hasPrefix("/") ? program : Self.folder + "/" + program
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY | O_CREAT | O_APPEND, 0o600)
    var words: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) } + [nil]
    var settings: [UnsafeMutablePointer<CChar>?] =
      (["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"] + environment).map { strdup($0) } + [nil]
    defer { for pointer in words + settings { free(pointer) } }
    // The thread that runs a test may block signals, and a program would inherit that.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    var pid: pid_t = 0
    let code = posix_spawn(&pid, path, &actions, &attributes, &words, &settings)
    guard code == 0 else { throw Failure(description: "\(path): \(String(cString: strerror(code)))") }
    self.pid = pid
  }

  func send(_ signal: Int32) { kill(pid, signal) }

  /// Waits for its end, and kills it after some seconds.
  /// - Returns: the exit code; -N where signal N ended it.
  @discardableResult func end(within seconds: Int = 15) -> Int32 {
    var status: Int32 = 0
    for _ in 0..<seconds * 100 {
      if waitpid(pid, &status, WNOHANG) != 0 { return status & 0x7f == 0 ? (status >> 8) & 0xff : -(status & 0x7f) }
      usleep(10_000)
    }
    kill(pid, SIGKILL)
    waitpid(pid, &status, 0)
    return -SIGKILL
  }
}

/// What a program that has ended said.
struct Outcome: CustomStringConvertible {
  var code: Int32
  var output: [UInt8]
  var errors: String
  var json: JSONValue? { try? StrictJSON.object((output.last == 0x0a ? Array(output.dropLast()) : output).span, limit: .max) }
  var description: String { "exit \(code): \(String(decoding: output.prefix(2000), as: UTF8.self)) \(errors)" }
}

extension String {
  func holds(_ text: String) -> Bool { !ranges(of: text).isEmpty }
}
