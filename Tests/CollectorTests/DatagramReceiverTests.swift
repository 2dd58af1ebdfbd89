import Glibc
import Record
import Synchronization
import TestSupport
import Testing

@testable import Collector

/// A message as the writer gets it.
private struct Received: Equatable {
  var bytes: [UInt8]
  var original: Int
  var address: IPAddress
  var port: UInt16
  var microseconds: Int64
}

private func receive(on address: IPAddress) throws -> Receiving<DatagramReceiver, Received> {
  Receiving(try DatagramReceiver(address: address, port: 0)) { message, batch in
    Received(
      bytes: batch.withMessage(message) { $0.array }, original: message.original, address: message.address, port: message.port,
      microseconds: message.microseconds)
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
    let receiving = try receive(on: try #require(IPAddress(on)))
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
      #expect(receiving.messages(sent.count).count == sent.count)
    }
    let found = receiving.stop()
    #expect(found.map(\.bytes) == sent)
    #expect(found.allSatisfy { $0.microseconds > 1_700_000_000_000_000 })
    #expect(found.allSatisfy { $0.original == $0.bytes.count && $0.port == client.port && $0.address == IPAddress(v4: 0x7f00_0001) })
    #expect(receiving.receiver.receivedCount == sent.count)
    #expect(receiving.receiver.droppedCount == 0)
  }

  @Test("what the kernel had no room for is counted") func losses() throws {
    let receiving = try receive(on: IPAddress(v4: 0x7f00_0001))
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

  /// Sends a message every millisecond, for ten seconds at most.
  private final class Sending: Sendable {
    private let isOver = Atomic(false)

    func start(_ descriptor: Int32) -> Thread.Handle {
      Thread.start("sender", joinable: true) {
        for _ in 0..<10_000 where !self.isOver.load(ordering: .relaxed) {
          send(descriptor, "m", 1, 0)
          usleep(1000)
        }
      }
    }

    func stop() { isOver.store(true, ordering: .relaxed) }
  }

  @Test("it stops while others go on sending") func stopping() throws {
    let receiving = try receive(on: IPAddress(v4: 0x7f00_0001))
    let client = Self.socket(to: receiving.receiver.port)
    defer { close(client.descriptor) }
    let sending = Sending()
    let thread = sending.start(client.descriptor)
    #expect(receiving.messages(20).count >= 20)
    let began = ContinuousClock.now
    #expect(receiving.stop().count >= 20)
    #expect(ContinuousClock.now - began < .seconds(5))
    sending.stop()
    thread.join()
  }
}
