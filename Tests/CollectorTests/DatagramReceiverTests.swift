import Glibc
import Record
import Synchronization
import TestSupport
import Testing

@testable import Collector

/// A receiver on a port of loopback, and what it hands on to a thread in the writer's place.
private final class Receiving: Sendable {
  struct Message: Equatable {
    var bytes: [UInt8]
    var original: Int
    var address: IPAddress
    var port: UInt16
  }

  let receiver: DatagramReceiver
  private let taken = Mutex<[Message]>([])
  /// While it is set nobody takes what is handed on.
  let isPaused = Atomic(false)
  private let hasStopped = Atomic(false)
  private let free = Handover<Batch>(capacity: 3, newestFirst: true)
  private let out = Handover<WriterWork>(capacity: 3)
  private let threads = Mutex<[Thread.Handle]>([])

  init(_ address: IPAddress) throws {
    receiver = try DatagramReceiver(address: address, port: 0)
    for _ in 0..<3 { free.give(Batch()) }
    let receiving = Thread.start("receiver", joinable: true) { self.receiver.run(free: self.free, out: self.out) }
    let taking = Thread.start("taker", joinable: true) { self.takeAll() }
    threads.withLock { $0 = [receiving, taking] }
  }

  private func takeAll() {
    while true {
      while isPaused.load(ordering: .relaxed) { usleep(1000) }
      let isLast = hasStopped.load(ordering: .relaxed)
      guard case .messages(let batch)? = out.take(milliseconds: 10) else {
        if isLast { return }
        continue
      }
      for message in batch.messages {
        #expect(message.microseconds > 1_700_000_000_000_000)
        let bytes = batch.withMessage(message) { $0.array }
        taken.withLock {
          $0.append(Message(bytes: bytes, original: message.original, address: message.address, port: message.port))
        }
      }
      batch.removeAll()
      free.give(batch)
    }
  }

  /// How many messages there are, once there are so many or some seconds have gone.
  func count(_ wanted: Int) -> Int {
    for _ in 0..<2000 {
      let count = taken.withLock { $0.count }
      if count >= wanted { return count }
      usleep(5000)
    }
    return taken.withLock { $0.count }
  }

  /// Stops it, and gives all that it has handed on.
  func stop() -> [Message] {
    receiver.stop()
    let threads = threads.withLock { $0 }
    threads[0].join()
    hasStopped.store(true, ordering: .relaxed)
    threads[1].join()
    return taken.withLock { $0 }
  }
}

@Suite("datagrams") struct DatagramReceiverTests {
  private static func socket(to port: UInt16) -> (descriptor: Int32, port: UInt16) {
    let descriptor = Glibc.socket(AF_INET, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        _ = connect(descriptor, $0, size)
        _ = getsockname(descriptor, $0, &size)
      }
    }
    return (descriptor, UInt16(bigEndian: address.sin_port))
  }

  @Test("arrive byte for byte and in order, of any length and in any number", arguments: ["127.0.0.1", "::"]) func all(on: String) throws {
    let receiving = try Receiving(try #require(IPAddress(on)))
    let client = Self.socket(to: receiving.receiver.port)
    defer { close(client.descriptor) }
    var random = Seeded(514)
    func message(_ length: Int) -> [UInt8] { (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) } }
    // What is sent at once fits into the kernel's least buffer. 32 are fetched by one call.
    var groups: [[[UInt8]]] = [1, 31, 32, 33, 64, 65].map { count in (0..<count).map { message($0 % 7 * 100) } }
    groups += [[[]], [[0]], [[0, 0, 10, 0]]] + [1471, 1472, 1473, 9000, 65_506, 65_507].map { [message($0)] }
    // More than a batch holds, while nobody waits.
    groups += (0..<40).map { _ in [message(65_507)] } + [[message(1)]]
    var sent: [[UInt8]] = []
    for group in groups {
      for datagram in group {
        let n = datagram.withUnsafeBytes { send(client.descriptor, $0.baseAddress, $0.count, 0) }
        try #require(n == datagram.count)
      }
      sent += group
      #expect(receiving.count(sent.count) == sent.count)
    }
    let found = receiving.stop()
    #expect(found.map(\.bytes) == sent)
    #expect(found.allSatisfy { $0.original == $0.bytes.count && $0.port == client.port && $0.address == IPAddress(v4: 0x7f00_0001) })
    #expect(receiving.receiver.receivedCount == sent.count)
    #expect(receiving.receiver.droppedCount == 0)
  }

  @Test("what the kernel had no room for is counted") func losses() throws {
    let receiving = try Receiving(IPAddress(v4: 0x7f00_0001))
    let client = Self.socket(to: receiving.receiver.port)
    defer { close(client.descriptor) }
    let datagram = [UInt8](repeating: 0x78, count: 9000)
    // Nobody takes batches, until the kernel's buffer is more than full.
    receiving.isPaused.store(true, ordering: .relaxed)
    let many = receiving.receiver.bufferBytes / datagram.count + 1000
    var sent = 0
    for _ in 0..<many { sent += datagram.withUnsafeBytes { send(client.descriptor, $0.baseAddress, $0.count, 0) } > 0 ? 1 : 0 }
    receiving.isPaused.store(false, ordering: .relaxed)
    for _ in 0..<1000 where receiving.receiver.receivedCount < many / 10 { usleep(5000) }
    usleep(300_000)
    // What comes after a loss tells of it.
    sent += send(client.descriptor, "z", 1, 0)
    for _ in 0..<1000 where receiving.receiver.receivedCount + receiving.receiver.droppedCount < sent { usleep(5000) }
    #expect(receiving.receiver.droppedCount > 0)
    #expect(receiving.stop().count + receiving.receiver.droppedCount == sent)
  }
}
