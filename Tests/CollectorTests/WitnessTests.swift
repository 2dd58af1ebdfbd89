import Archive
import Evidence
import Glibc
import Record
import TestSupport
import Testing

@testable import Collector

/// Head lines on their way to witnesses of each kind.
@Suite(.timeLimit(.minutes(8))) struct WitnessTests {
  private let folder: String
  private let zone = Zone(named: "Europe/Istanbul")!

  init() throws {
    folder = "/tmp/muhur-witness-" + Hex.text(randomBytes(8))
    try Disk.makeFolder(folder)
    // As the daemon does: a program that ends before it has read all must not end us.
    signal(SIGPIPE, SIG_IGN)
  }

  private func head(_ number: Int) -> Head {
    Head(
      log: String(repeating: "a", count: 32), number: number, day: CalendarDay("2026-11-23")!.adding(days: number),
      p7s: SHA256.hash([UInt8(number)]))
  }

  /// Runs a queue until something holds.
  private func run(_ publishers: [Configuration.Publisher], _ heads: [Head], new: Head? = nil, until holds: () -> Bool) -> WitnessQueue {
    let queue = WitnessQueue(log: "efeler.bel.tr", zone: zone, file: folder + "/published", heads: heads, publishers: publishers)
    Thread.start("publisher") { queue.run() }
    if let new { queue.publish(new) }
    for _ in 0..<400 where !holds() { usleep(50_000) }
    queue.stop()
    return queue
  }

  private func text(_ name: String) -> String { String(decoding: Corpus.file(folder + "/" + name) ?? [], as: UTF8.self) }

  /// A bound socket of loopback, and its port.
  private func listening(_ type: __socket_type) -> (fd: Int32, port: UInt16) {
    let fd = socket(AF_INET, Int32(type.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        _ = bind(fd, $0, length)
        _ = getsockname(fd, $0, &length)
      }
    }
    if type == SOCK_STREAM { listen(fd, 4) }
    var wait = timeval(tv_sec: 20, tv_usec: 0)
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, socklen_t(MemoryLayout<timeval>.size))
    return (fd, UInt16(bigEndian: address.sin_port))
  }

  private func server(_ transport: Configuration.Publisher.SyslogServer.Transport, _ port: UInt16) -> Configuration.Publisher {
    .syslog(.init(transport: transport, host: "127.0.0.1", port: port))
  }

  @Test("a file gets each new line; a new witness begins with the newest, and nothing is sent twice after a restart")
  func file() {
    let file = Configuration.Publisher.file(path: folder + "/heads")
    _ = run([file], [head(1), head(2)]) { !text("heads").isEmpty }
    #expect(text("heads") == "\(head(2))\n")
    _ = run([file], [head(1), head(2)], new: head(3)) { text("heads").contains("\(head(3))") }
    #expect(text("heads") == "\(head(2))\n\(head(3))\n")
    // What came while nothing ran.
    _ = run([file], [head(1), head(2), head(3), head(4), head(5)]) { text("heads").contains("\(head(5))") }
    #expect(text("heads") == "\(head(2))\n\(head(3))\n\(head(4))\n\(head(5))\n")
    #expect(try! Head.lines(Array(text("heads").utf8)) == [2, 3, 4, 5].map(head))
  }

  @Test("a syslog server gets an RFC 5424 message, by UDP and by TCP")
  func syslog() {
    let (udp, udpPort) = listening(SOCK_DGRAM)
    let (tcp, tcpPort) = listening(SOCK_STREAM)
    defer {
      close(udp)
      close(tcp)
    }
    let queue = run([server(.udp, udpPort)], [head(7)]) { text("published").contains("\"udp://127.0.0.1:\(udpPort)\":7") }
    #expect(queue.warnings.isEmpty)
    var bytes = [UInt8](repeating: 0, count: 4096)
    let n = recv(udp, &bytes, bytes.count, 0)
    let datagram = String(decoding: bytes.prefix(max(0, n)), as: UTF8.self)
    #expect(datagram.hasPrefix("<110>1 20") && datagram.hasSuffix(" head - \(head(7))") && datagram.contains(" muhurd "))

    // The sender waits until the server has closed.
    Thread.start("server") {
      let peer = accept(tcp, nil, nil)
      var bytes = [UInt8](repeating: 0, count: 4096)
      let n = recv(peer, &bytes, bytes.count, Int32(MSG_WAITALL))
      RealFile.write(Array(bytes.prefix(max(0, n))), to: self.folder + "/tcp")
      close(peer)
    }
    _ = run([server(.tcp, tcpPort)], [head(8)]) { text("tcp").hasSuffix("\n") && text("published").contains("tcp://") }
    #expect(text("tcp").hasPrefix("<110>1 20") && text("tcp").hasSuffix(" head - \(head(8))\n"))
    // A head line is found behind any text on its line.
    #expect(try! Head.lines(Array(text("tcp").utf8)) == [head(8)])
  }

  @Test("mail goes through the program that is named, with the line in it")
  func mail() {
    RealFile.write(
      Array("#!/bin/sh\necho \"$@\" >\(folder)/arguments\ncat >\(folder)/mail.new\nmv \(folder)/mail.new \(folder)/mail\n".utf8),
      to: folder + "/sendmail")
    chmod(folder + "/sendmail", 0o700)
    _ = run([.mail(to: "denetim@efeler.bel.tr", sendmail: folder + "/sendmail")], [head(9)]) { text("published").contains("denetim") }
    #expect(text("arguments") == "-i denetim@efeler.bel.tr\n")
    let mail = text("mail")
    #expect(mail.hasPrefix("To: denetim@efeler.bel.tr\nSubject: muhur-head efeler.bel.tr \(head(9).day)\n"))
    #expect(mail.contains("\n\n\(head(9))\n"))
    #expect(try! Head.lines(Array(mail.utf8)) == [head(9)])
  }

  @Test("one that fails is told and tried again, and keeps no other from its line")
  func failing() {
    RealFile.write(Array("#!/bin/sh\nexit 75\n".utf8), to: folder + "/busy")
    chmod(folder + "/busy", 0o700)
    let (tcp, closed) = listening(SOCK_STREAM)
    close(tcp)
    let publishers: [Configuration.Publisher] = [
      .mail(to: "a@b", sendmail: folder + "/busy"), .mail(to: "c@d", sendmail: folder + "/none"), server(.tcp, closed),
      .file(path: "/nowhere/heads"), .file(path: folder + "/heads"),
    ]
    let queue = run(publishers, [head(1)]) { !text("heads").isEmpty }
    let warnings = queue.warnings.joined(separator: "\n")
    for words in [
      "a@b: \(folder)/busy ended with 75", "c@d: \(folder)/none: No such file", "Connection refused", "/nowhere/heads: No such",
    ] {
      #expect(warnings.contains(words), "\(warnings)")
    }
    // The next start sends what is still owed.
    RealFile.write(Array("#!/bin/sh\ncat >>\(folder)/late\n".utf8), to: folder + "/busy")
    _ = run([publishers[0]], [head(1), head(2)]) { text("late").contains("\(head(2))") }
    #expect(text("late").contains("\(head(2))") && text("published").contains("\"a@b\":2"))
  }
}

private enum RealFile {
  static func write(_ bytes: [UInt8], to path: String) {
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    _ = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
    close(file)
  }
}
