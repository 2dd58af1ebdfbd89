import Glibc
import Record
import Synchronization
import TestSupport
import Testing

@testable import Collector

/// A message as the writer gets it.
private struct Received: Sendable {
  var text: String
  /// nil where the end of the connection cut it off.
  var original: Int?
  var port: UInt16
  var certificate: String?
}

private func receive(by receiver: StreamReceiver) -> Receiving<StreamReceiver, Received> {
  Receiving(receiver) { message, batch in
    Received(
      text: batch.withMessage(message) { $0.string }, original: message.original < 0 ? nil : message.original, port: message.port,
      certificate: batch.source.certificate(of: message.connection))
  }
}

private func receive(_ edit: (inout Configuration.Source.Stream) -> Void = { _ in }) throws -> Receiving<StreamReceiver, Received> {
  var stream = Configuration.Source.Stream(listen: .init(address: IPAddress(v4: 0x7f00_0001), port: 0))
  edit(&stream)
  return receive(by: try StreamReceiver(stream))
}

/// A client's socket.
private final class Client {
  private(set) var descriptor: Int32
  let port: UInt16

  /// - Parameter from: the last byte of its own address 127.0.0.x.
  init(_ port: UInt16, from: UInt8 = 1) {
    func address(_ last: UInt8, _ port: UInt16) -> sockaddr_in {
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = port.bigEndian
      address.sin_addr.s_addr = (UInt32(0x7f00_0000) | UInt32(last)).bigEndian
      return address
    }
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    let size = socklen_t(MemoryLayout<sockaddr_in>.size)
    func with(_ address: sockaddr_in, _ body: (UnsafePointer<sockaddr>) -> Int32) -> Int32 {
      var address = address
      return withUnsafePointer(to: &address) { $0.withMemoryRebound(to: sockaddr.self, capacity: 1, body) }
    }
    let descriptor = descriptor
    if from != 1 { _ = with(address(from, 0)) { bind(descriptor, $0, size) } }
    _ = with(address(1, port)) { connect(descriptor, $0, size) }
    var own = sockaddr_in()
    var ownSize = size
    _ = withUnsafeMutablePointer(to: &own) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &ownSize) }
    }
    self.port = UInt16(bigEndian: own.sin_port)
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  func send(_ bytes: [UInt8]) {
    var sent = 0
    while sent < bytes.count {
      let n = bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress?.advanced(by: sent), $0.count - sent, Int32(MSG_NOSIGNAL)) }
      guard n > 0 else { return }
      sent += n
    }
  }

  func send(_ text: String) { send(Array(text.utf8)) }

  /// Ends with a reset instead of an orderly close.
  func abort() {
    var linger = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
    close(descriptor)
    descriptor = -1
  }

  func end() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// Whether the other side closes within some seconds.
  func isClosed() -> Bool {
    var wait = timeval(tv_sec: 10, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &wait, socklen_t(MemoryLayout<timeval>.size))
    var byte: UInt8 = 0
    let n = recv(descriptor, &byte, 1, 0)
    return n == 0 || n < 0 && errno == ECONNRESET
  }
}

@Suite(.serialized, .timeLimit(.minutes(8))) struct StreamReceiverTests {
  @Test("a stream cut at every byte gives the same messages, each connection's in order")
  func cuts() throws {
    let receiving = try receive()
    let stream = Array("46 <30>Nov 20 10:15:02 dhcp1 dhcpd[812]: ŞÜKRAN<34>line\r\n5 a\nb\0c<34>last\n".utf8)
    let expected = ["<30>Nov 20 10:15:02 dhcp1 dhcpd[812]: ŞÜKRAN", "<34>line", "a\nb\0c", "<34>last"]
    var clients: [Client] = []
    for cut in 0...stream.count {
      let client = Client(receiving.receiver.port)
      client.send(Array(stream[..<cut]))
      clients.append(client)
    }
    for (cut, client) in clients.enumerated() { client.send(Array(stream[cut...])) }
    let got = receiving.messages(expected.count * clients.count)
    for client in clients { #expect(got.filter { $0.port == client.port }.map(\.text) == expected) }
    #expect(receiving.stop().count == got.count)
  }

  @Test("what the end of a connection cuts off is kept, also where it was reset")
  func cutOff() throws {
    let receiving = try receive()
    let first = Client(receiving.receiver.port)
    first.send("3 abc9 def")
    first.end()
    #expect(receiving.messages(2).map(\.text) == ["abc", "def"])
    let second = Client(receiving.receiver.port)
    second.send("ghi")
    second.end()
    let all = receiving.messages(3)
    #expect(all.map(\.text) == ["abc", "def", "ghi"] && all.map(\.original) == [3, nil, nil])
    let third = Client(receiving.receiver.port)
    third.send("<1>x\n")
    _ = receiving.messages(4)
    third.abort()
    let fourth = Client(receiving.receiver.port)
    fourth.send("<1>y\n")
    #expect(receiving.messages(5).last?.text == "<1>y")
    _ = receiving.stop()
    #expect(receiving.receiver.counters.connections.value == 0 && receiving.receiver.counters.accepted.value == 4)
  }

  @Test("a thousand connections, ten of which stall, in the middle of a frame or of a line")
  func stalling() throws {
    let receiving = try receive()
    let stalled = (0..<10).map { i in
      let client = Client(receiving.receiver.port)
      client.send(i % 2 == 0 ? "500 <13>a frame that never ends" : "<13>a line that never ends")
      return client
    }
    let clients = (0..<990).map { _ in Client(receiving.receiver.port) }
    for round in 0..<3 {
      for client in clients { client.send(round % 2 == 0 ? "10 <13>round\(round)\n" : "<13>round\(round)\n") }
    }
    let got = receiving.messages(clients.count * 3)
    #expect(got.count == clients.count * 3)
    let byPort = Dictionary(grouping: got, by: \.port)
    for client in clients { #expect(byPort[client.port]?.map(\.text) == ["<13>round0", "<13>round1", "<13>round2"]) }
    #expect(stalled.allSatisfy { byPort[$0.port] == nil })
    #expect(receiving.receiver.counters.connections.value == 1000)
    let rest = receiving.stop().filter { message in stalled.contains { $0.port == message.port } }
    #expect(rest.count == 10 && rest.allSatisfy { $0.original == nil })
  }

  @Test("a client that takes all connections gives way to another, and gets no more itself")
  func crowding() throws {
    let receiving = try receive { $0.maximumConnections = 4 }
    let greedy = (0..<4).map { i in
      let client = Client(receiving.receiver.port)
      client.send("<13>greedy \(i)\n")
      return client
    }
    #expect(receiving.messages(4).count == 4)
    let fifth = Client(receiving.receiver.port)
    #expect(fifth.isClosed())
    let other = Client(receiving.receiver.port, from: 2)
    other.send("<13>other\n")
    #expect(receiving.messages(5).last?.text == "<13>other")
    #expect(receiving.receiver.counters.connections.value == 4 && receiving.receiver.counters.refused.value == 2)
    // Three and one: the next of the other's takes one more place, then they are even.
    let another = Client(receiving.receiver.port, from: 2)
    another.send("<13>another\n")
    #expect(receiving.messages(6).last?.text == "<13>another")
    #expect(Client(receiving.receiver.port, from: 2).isClosed())
    _ = receiving.stop()
    withExtendedLifetime((greedy, other)) {}
  }

  @Test("a connection that says nothing for too long is closed")
  func idle() throws {
    let receiving = try receive { $0.idleMicroseconds = 1000 }
    let client = Client(receiving.receiver.port)
    client.send("<13>begun")
    #expect(client.isClosed())
    #expect(receiving.messages(1).map(\.text) == ["<13>begun"] && receiving.receiver.counters.timedOut.value == 1)
    _ = receiving.stop()
  }

  @Test("a stop reads what was sent before it")
  func stop() throws {
    let receiving = try receive()
    let clients = (0..<20).map { _ in Client(receiving.receiver.port) }
    receiving.receiver.hold(true)
    for client in clients { client.send("<13>before the stop\n") }
    #expect(receiving.stop().count == 20)
    #expect(clients.allSatisfy { $0.isClosed() })
  }

  @Test("while nobody takes the messages the sender waits, and nothing is lost")
  func pressure() throws {
    let receiving = try receive()
    let port = receiving.receiver.port
    let count = 200_000
    receiving.isPaused.store(true, ordering: .relaxed)
    let sending = Thread.start("sender", joinable: true) {
      let client = Client(port)
      var text: [UInt8] = []
      for i in 0..<count {
        text += Array("<13>message \(i) \(String(repeating: "x", count: 60))\n".utf8)
        if text.count > 60_000 {
          client.send(text)
          text.removeAll(keepingCapacity: true)
        }
      }
      client.send(text)
    }
    // The batches, the hand-over and the kernel's buffers are full now, or will be.
    while receiving.receiver.counters.bytes.value < 1 << 17 { usleep(1000) }
    receiving.isPaused.store(false, ordering: .relaxed)
    let got = receiving.messages(count)
    sending.join()
    #expect(got.count == count)
    #expect(got.enumerated().allSatisfy { $1.text.hasPrefix("<13>message \($0) ") })
    _ = receiving.stop()
  }
}

/// A shell command's exit code and output.
private func shell(_ command: String) -> (code: Int32, output: String) {
  guard let pipe = popen(command + " 2>&1", "r") else { return (-1, "") }
  var output: [UInt8] = []
  var part = [UInt8](repeating: 0, count: 4096)
  while case let n = fread(&part, 1, part.count, pipe), n > 0 { output += part[0..<n] }
  let status = pclose(pipe)
  return (status >> 8, String(decoding: output, as: UTF8.self))
}

/// A folder with an authority, certificates of it and one of a stranger, all made by openssl.
private final class Certificates {
  let folder: String

  init() throws {
    var template = Array("/tmp/muhur-tls-XXXXXX".utf8CString)
    let made = try #require(mkdtemp(&template))
    folder = String(cString: made)
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
    for authority in ["ca", "stranger-ca"] {
      try run("req -x509 \(key) -keyout \(authority).key -out \(authority).pem -subj '/CN=\(authority)' -days 30")
    }
    for (name, authority) in [("server", "ca"), ("next", "ca"), ("client", "ca"), ("stranger", "stranger-ca")] {
      try run("req \(key) -keyout \(name).key -out \(name).csr -subj '/CN=\(name)'")
      try run("x509 -req -in \(name).csr -CA \(authority).pem -CAkey \(authority).key -CAcreateserial -out \(name).pem -days 20")
    }
    _ = shell("cd \(folder) && cp server.pem used.pem && cp server.key used.key")
  }

  deinit { _ = shell("rm -r \(folder)") }

  private func run(_ arguments: String) throws {
    let outcome = shell("cd \(folder) && openssl \(arguments)")
    try #require(outcome.code == 0, "\(outcome.output)")
  }

  var files: Configuration.Source.TLS {
    Configuration.Source.TLS(
      stream: .init(listen: .init(address: IPAddress(v4: 0x7f00_0001), port: 0)), certificate: folder + "/used.pem",
      key: folder + "/used.key")
  }

  func sha256(_ name: String) -> String {
    let outcome = shell("openssl x509 -in \(folder)/\(name).pem -outform DER | sha256sum")
    return String(outcome.output.prefix(64))
  }

  /// Sends a text by `openssl s_client`, which checks the server against the authority.
  func send(_ text: String, to port: UInt16, as name: String? = nil, more: String = "") -> (code: Int32, output: String) {
    let identity = name.map { "-cert \(folder)/\($0).pem -key \(folder)/\($0).key" } ?? ""
    return shell(
      "(printf '\(text)'; sleep 0.3) | openssl s_client -connect 127.0.0.1:\(port) -CAfile \(folder)/ca.pem -verify_return_error -quiet -no_ign_eof \(identity) \(more)"
    )
  }
}

@Suite(.serialized, .timeLimit(.minutes(8))) struct TLSReceiverTests {
  private func receiving(_ files: Configuration.Source.TLS) throws -> Receiving<StreamReceiver, Received> {
    receive(by: try StreamReceiver(files))
  }

  @Test("a client's certificate stands beside its messages, and whoever has none or a stranger's is refused")
  func required() throws {
    let certificates = try Certificates()
    var files = certificates.files
    files.clientCA = certificates.folder + "/ca.pem"
    let receiving = try receiving(files)
    let port = receiving.receiver.port
    _ = certificates.send("5 <13>a6 <13>b\\n", to: port, as: "client")
    for version in ["-tls1_2", "-tls1_3"] {
      _ = certificates.send("11 <13>refused", to: port, more: version)
      _ = certificates.send("11 <13>refused", to: port, as: "stranger", more: version)
    }
    let plain = Client(port)
    plain.send("<13>plain text\n")
    #expect(plain.isClosed())
    _ = certificates.send("7 <13>end", to: port, as: "client")
    let got = receiving.messages(3)
    #expect(got.map(\.text) == ["<13>a", "<13>b\n", "<13>end"])
    #expect(got.allSatisfy { $0.certificate == certificates.sha256("client") })
    #expect(receiving.receiver.counters.handshakeFailures.value == 5)
    _ = receiving.stop()
  }

  @Test("a certificate is optional where it is said so, and then must be right where it is shown")
  func optional() throws {
    let certificates = try Certificates()
    var files = certificates.files
    files.clientCA = certificates.folder + "/ca.pem"
    files.requiresClientCertificate = false
    let receiving = try receiving(files)
    let port = receiving.receiver.port
    _ = certificates.send("5 <13>a", to: port)
    _ = certificates.send("11 <13>refused", to: port, as: "stranger")
    _ = certificates.send("5 <13>b", to: port, as: "client")
    let got = receiving.messages(2)
    #expect(got.map(\.text) == ["<13>a", "<13>b"] && got.map(\.certificate) == [nil, certificates.sha256("client")])
    _ = receiving.stop()
  }

  @Test("client_ca may hold a client's own certificate")
  func pinned() throws {
    let certificates = try Certificates()
    var files = certificates.files
    files.clientCA = certificates.folder + "/client.pem"
    let receiving = try receiving(files)
    _ = certificates.send("5 <13>a", to: receiving.receiver.port, as: "client")
    #expect(receiving.messages(1).first?.certificate == certificates.sha256("client"))
    _ = receiving.stop()
  }

  @Test("more than OpenSSL decrypts at once arrives whole, beside others")
  func large() throws {
    let certificates = try Certificates()
    let receiving = try receiving(certificates.files)
    let port = receiving.receiver.port
    let folder = certificates.folder
    let wanted = 20_000
    let sent = shell(
      "seq 1 \(wanted) | sed 's/.*/<13>message & xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx/' > \(folder)/lines; "
        + "(cat \(folder)/lines; sleep 0.3) | openssl s_client -connect 127.0.0.1:\(port) -CAfile \(folder)/ca.pem -quiet -no_ign_eof")
    let got = receiving.messages(wanted)
    #expect(got.count == wanted && got.enumerated().allSatisfy { $1.text.hasPrefix("<13>message \($0 + 1) ") }, "\(sent.output)")
    _ = receiving.stop()
  }

  @Test("a handshake that takes too long is ended, and others go on meanwhile")
  func slowHandshake() throws {
    let certificates = try Certificates()
    var files = certificates.files
    let patient = try receiving(files)
    let half = (0..<30).map { _ in Client(patient.receiver.port) }
    half.forEach { $0.send([0x16, 0x03, 0x01]) }
    _ = certificates.send("5 <13>a", to: patient.receiver.port)
    #expect(patient.messages(1).map(\.text) == ["<13>a"])
    _ = patient.stop()
    files.handshakeMicroseconds = 1000
    let strict = try receiving(files)
    let slow = Client(strict.receiver.port)
    slow.send([0x16, 0x03, 0x01])
    #expect(slow.isClosed())
    #expect(strict.receiver.counters.timedOut.value == 1 && strict.receiver.counters.handshakeFailures.value == 1)
    _ = strict.stop()
  }

  @Test("a reload takes a new certificate for new connections, and keeps the old one where the new one is wrong")
  func reload() throws {
    let certificates = try Certificates()
    let receiving = try receiving(certificates.files)
    let (port, folder) = (receiving.receiver.port, certificates.folder)
    func subject() -> String {
      shell("openssl s_client -connect 127.0.0.1:\(port) </dev/null 2>/dev/null | openssl x509 -noout -subject").output
    }
    #expect(subject().contains("server"))
    // A certificate without its key.
    _ = shell("cp \(folder)/next.pem \(folder)/used.pem")
    receiving.receiver.reload()
    #expect(subject().contains("server"))
    _ = shell("cp \(folder)/next.key \(folder)/used.key")
    receiving.receiver.reload()
    #expect(subject().contains("next"))
    _ = receiving.stop()
  }

  @Test("what is wrong with the files is said by key and path, with what helps")
  func faults() throws {
    let certificates = try Certificates()
    let folder = certificates.folder
    func fault(_ edit: (inout Configuration.Source.TLS) -> Void) -> String? {
      var files = certificates.files
      edit(&files)
      do throws(SourceError) { _ = try StreamReceiver(files) } catch { return error.description }
      return nil
    }
    _ = shell("cd \(folder) && echo text > text && openssl pkey -in client.key -aes256 -passout pass:x -out locked.key")
    #expect(fault { _ in } == nil)
    #expect(fault { $0.certificate = folder + "/none" }?.contains("certificate \(folder)/none: cannot be read: No such file") == true)
    #expect(fault { $0.certificate = folder + "/text" }?.contains("certificate \(folder)/text: is no certificate in PEM") == true)
    #expect(fault { $0.key = folder + "/client.key" }?.contains("it belongs to another certificate than \(folder)/used.pem") == true)
    #expect(fault { $0.key = folder + "/locked.key" }?.contains("must be a key in PEM without a password") == true)
    #expect(fault { $0.clientCA = folder + "/text" }?.contains("client_ca \(folder)/text: holds no certificates in PEM") == true)
  }

  @Test("check-config says the same, at the key")
  func checkConfiguration() throws {
    let certificates = try Certificates()
    let folder = certificates.folder
    let path = folder + "/muhur.json5"
    let text =
      "{archive: \"/a\", dialects: [],\nsources: [{type: \"tls\", certificate: \"\(folder)/used.pem\",\nkey: \"\(folder)/client.key\"}]}"
    _ = shell("cat > \(path) <<'END'\n\(text)\nEND\ntrue")
    var said = ""
    do throws(ConfigurationErrors) { _ = try Configuration.load(path: path, examples: true) } catch { said = error.text }
    #expect(said.contains("muhur.json5:3: sources[0].key: \(folder)/client.key: cannot be used"), "\(said)")
    #expect((try? Configuration.load(path: path)) != nil)
  }
}
