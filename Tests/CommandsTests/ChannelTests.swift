import Glibc
import Record
import Synchronization
import Testing

@testable import Commands

/// Two ends of a connection: one as `ControlChannel`, the other for a peer that sends what it likes.
private struct Pair: ~Copyable {
  var channel: ControlChannel
  let peer: CInt

  init() throws {
    var ends: [CInt] = [-1, -1]
    guard socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, &ends) == 0 else { throw ChannelError("socketpair", code: errno) }
    channel = ControlChannel(adopting: ends[0])
    peer = ends[1]
  }

  deinit { close(peer) }

  func put(_ bytes: some Collection<UInt8>) { _ = Array(bytes).withUnsafeBytes { write(peer, $0.baseAddress, $0.count) } }
  func end() { shutdown(peer, CInt(SHUT_WR)) }
}

@Suite struct ChannelTests {
  static let request = Request(arguments: ["who", "--at=2026-11-20 14:03", "--", "10.20.3.57"])

  @Test("a request arrives as it was sent, with its file")
  func whole() throws {
    let pair = try Pair()
    let caller = ControlChannel(adopting: dup(pair.peer))
    let file = open("/dev/null", O_RDONLY | O_CLOEXEC)
    defer { close(file) }
    try caller.send(Message(.request, Self.request.content), descriptor: file)
    let (read, passed) = try pair.channel.request()
    #expect(read == Self.request)
    let descriptor = try #require(passed)
    var a = stat()
    var b = stat()
    #expect(fstat(file, &a) == 0 && fstat(descriptor, &b) == 0 && a.st_rdev == b.st_rdev && descriptor != file)
    #expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0)
    close(descriptor)
  }

  @Test("a request that is cut off at any byte is refused, and one that comes byte by byte is read")
  func cut() throws {
    let bytes = Message(.request, Self.request.content).bytes
    for count in 0..<bytes.count {
      let pair = try Pair()
      pair.put(bytes.prefix(count))
      pair.end()
      #expect(throws: ChannelError.self) { try pair.channel.request() }
    }
    let pair = try Pair()
    for byte in bytes { pair.put([byte]) }
    #expect(try pair.channel.request().0 == Self.request)
  }

  @Test(
    "what is no request is refused before anything is kept",
    arguments: [
      [0x51, 0xff, 0xff, 0xff, 0xff], [0x51, 0x00, 0x01, 0x00, 0x01], [0x00, 0, 0, 0, 0], [0x41, 0, 0, 0, 1, 0x7b],
      Message(.request, Array("{}".utf8)).bytes, Message(.request, Array("{\"arguments\":[1]}".utf8)).bytes,
      Message(.request, Array("{\"arguments\":\"who\"}".utf8)).bytes, Message(.request, Array("{\"arguments\":[\"\\u0000\"]}".utf8)).bytes,
      Message(.request, [0xff, 0xfe]).bytes, Message(.request, []).bytes,
      Message(.request, Array("{\"arguments\":[\(Array(repeating: "\"a\"", count: 1025).joined(separator: ","))]}".utf8)).bytes,
    ] as [[UInt8]])
  func hostile(bytes: [UInt8]) throws {
    let pair = try Pair()
    pair.put(bytes)
    #expect(throws: ChannelError.self) { try pair.channel.request() }
  }

  @Test("an answer of any length comes whole, with its words and its end")
  func reply() async throws {
    var ends: [CInt] = [-1, -1]
    #expect(socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, &ends) == 0)
    let daemon = ends[1]
    let json = [UInt8](repeating: 0x20, count: 3 * Message.maximumContent + 7)
    let served = Task.detached {
      let channel = ControlChannel(adopting: daemon)
      _ = try channel.request()
      try channel.progress("half")
      try channel.reply(Reply(.unproven, json: json, words: ["one", "two"], answers: 1))
    }
    let caller = ControlChannel(adopting: ends[0])
    var answer: [UInt8] = []
    var words: [String] = []
    let code = try caller.ask(Self.request) { piece in
      if piece.kind == .answer { answer += piece.content } else { words.append(String(decoding: piece.content, as: UTF8.self)) }
    }
    try await served.value
    #expect(code == 3)
    #expect(answer == json)
    #expect(words == ["half", "one", "two"])
  }

  @Test(
    "a daemon that goes away, or sends what is no reply, is an error",
    arguments: [[], [0x41, 0, 0, 0, 9, 1], Message(.end, Array("9".utf8)).bytes, Message(.request, []).bytes] as [[UInt8]])
  func broken(bytes: [UInt8]) throws {
    let pair = try Pair()
    pair.put(bytes)
    pair.end()
    #expect(throws: ChannelError.self) { _ = try pair.channel.ask(Self.request) { _ in } }
  }

  @Test("the kernel says who is at the other end")
  func peer() throws {
    let pair = try Pair()
    let peer = try pair.channel.peer()
    #expect(peer.uid == getuid())
    #expect(peer.gid == getgid())
    #expect(peer.pid == getpid())
  }
}
