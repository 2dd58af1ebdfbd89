import Glibc

/// A time-stamp authority made of `openssl ts`, over HTTP and HTTPS; what it does is named by the path (see
/// Tests/Programs/authority.py). Runs until this goes.
public final class TestAuthority: Sendable {
  public let folder: String
  public let http: String
  public let https: String
  public let proxy: String
  public var trust: String { folder + "/ca.crt" }

  /// A policy with an arc beyond 64 bits.
  public static let policy = "2.25.329800735698586629295641978511506172918"
  public static let customer = 4711
  public static let password = "çok gizli"

  private let input: Int32
  private let child: pid_t

  /// Why there is none.
  public struct Failure: Error { public var words: String }

  /// - Parameter folder: is made.
  public init(_ folder: String) throws(Failure) {
    self.folder = folder
    mkdir(folder, 0o700)
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw Failure(words: "pipe") }
    // Another child must not hold the writing end open: the authority ends with it.
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[0], 0)
    posix_spawn_file_actions_addopen(&actions, 2, folder + "/errors", O_WRONLY | O_CREAT, 0o600)
    var words: [UnsafeMutablePointer<CChar>?] = (["python3", Corpus.package + "/Tests/Programs/authority.py", folder] as [String]).map {
      strdup($0)
    }
    words.append(nil)
    defer { for word in words { free(word) } }
    var child: pid_t = 0
    let result = posix_spawnp(&child, "python3", &actions, nil, words, environ)
    close(ends[0])
    guard result == 0 else { throw Failure(words: "python3: \(String(cString: strerror(result)))") }
    var ports: [String] = []
    for _ in 0..<1200 where ports.isEmpty {
      usleep(50_000)
      ports = String(decoding: Corpus.file(folder + "/ports") ?? [], as: UTF8.self).split { $0 == " " || $0 == "\n" }.map(String.init)
    }
    guard ports.count == 3 else { throw Failure(words: String(decoding: Corpus.file(folder + "/errors") ?? [], as: UTF8.self)) }
    (self.child, input) = (child, ends[1])
    http = "http://127.0.0.1:\(ports[0])"
    https = "https://127.0.0.1:\(ports[1])"
    proxy = "http://127.0.0.1:\(ports[2])"
  }

  deinit {
    close(input)
    waitpid(child, nil, 0)
  }

  /// Method, path and credentials of each request so far.
  public var requests: [String] {
    String(decoding: Corpus.file(folder + "/requests") ?? [], as: UTF8.self).split(separator: "\n").map(String.init)
  }

  /// Writes a password file.
  public func password(_ text: String, as name: String) -> String {
    let path = folder + "/" + name
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    let bytes = Array((text + "\n").utf8)
    _ = bytes.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
    close(file)
    return path
  }
}
