import CLinux
import Glibc
import Record

/// Gives the counters to Prometheus (text exposition format 0.0.4) over a minimal HTTP/1.1: one request a connection,
/// everything but `GET /metrics` is 404, nobody is waited for longer than two seconds.
final class MetricsServer: Sendable {
  private let descriptor: Int32
  private let text: @Sendable () -> [UInt8]

  /// - Throws: where the address is taken.
  init(address: IPAddress, port: UInt16, text: @escaping @Sendable () -> [UInt8]) throws(SourceError) {
    self.text = text
    let raw = address.bytes
    descriptor = raw.withUnsafeBufferPointer { linux_tcp_listen($0.baseAddress, port, 16) }
    guard descriptor >= 0 else {
      throw SourceError(description: "metrics.listen \(address) port \(port): \(String(cString: strerror(errno)))")
    }
  }

  func start() {
    Thread.start("metrics") {
      while true {
        let fd = linux_accept(self.descriptor)
        guard fd >= 0 else {
          if errno == EBADF || errno == EINVAL { return }
          usleep(100_000)
          continue
        }
        self.answer(fd)
        close(fd)
      }
    }
  }

  func stop() {
    shutdown(descriptor, Int32(SHUT_RDWR))
    close(descriptor)
  }

  private func answer(_ fd: Int32) {
    var wait = timeval(tv_sec: 2, tv_usec: 0)
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, socklen_t(MemoryLayout<timeval>.size))
    var request = [UInt8](repeating: 0, count: 4096)
    var have = 0
    while have < request.count {
      let n = request.withUnsafeMutableBytes { recv(fd, $0.baseAddress?.advanced(by: have), $0.count - have, 0) }
      guard n > 0 else { return }
      have += n
      if request.span.extracting(0..<have).contains("\r\n\r\n") { break }
    }
    let line = request.span.extracting(0..<have)
    let found = line.starts(with: "GET /metrics ") || line.starts(with: "GET /metrics?")
    let body = found ? text() : Array("not found; the counters are at /metrics\n".utf8)
    let head =
      "HTTP/1.1 \(found ? "200 OK" : "404 Not Found")\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
      + "Content-Length: \(body.count)\r\nConnection: close\r\n\r\n"
    let reply = Array(head.utf8) + body
    var sent = 0
    while sent < reply.count {
      let n = reply.withUnsafeBytes { send(fd, $0.baseAddress?.advanced(by: sent), $0.count - sent, Int32(MSG_NOSIGNAL)) }
      guard n > 0 else { return }
      sent += n
    }
  }
}

extension Span<UInt8> {
  fileprivate func contains(_ text: StaticString) -> Bool {
    indices.contains { starts(with: text, at: $0) }
  }
}

/// Builds the exposition text. All lines of one name stand together, whoever adds them.
struct Exposition {
  private var families: [(name: String, lines: [UInt8])] = []

  enum Kind: String { case counter, gauge }

  var bytes: [UInt8] { families.flatMap(\.lines) }

  mutating func add(_ name: String, _ kind: Kind, _ help: String, _ values: [(labels: [(String, String)], value: Int)]) {
    guard !values.isEmpty else { return }
    let known = families.firstIndex { $0.name == name }
    let place = known ?? families.count
    if known == nil { families.append((name, Array("# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n".utf8))) }
    for (labels, value) in values {
      var line = name
      if !labels.isEmpty { line += "{" + labels.map { "\($0.0)=\"\(Self.escaped($0.1))\"" }.joined(separator: ",") + "}" }
      families[place].lines += Array("\(line) \(value)\n".utf8)
    }
  }

  mutating func add(_ name: String, _ kind: Kind, _ help: String, _ value: Int) { add(name, kind, help, [([], value)]) }

  private static func escaped(_ text: String) -> String {
    var out = ""
    for c in text.unicodeScalars {
      switch c {
      case "\\": out += "\\\\"
      case "\"": out += "\\\""
      case "\n": out += "\\n"
      default: out.unicodeScalars.append(c)
      }
    }
    return out
  }
}
