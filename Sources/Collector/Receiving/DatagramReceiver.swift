import CLinux
import Glibc
import Record
import Synchronization

/// Why a source cannot be opened.
struct SourceError: Error, CustomStringConvertible {
  var description: String

  init(description: String) { self.description = description }

  /// Why a socket cannot be listened on, and what helps.
  /// - Parameter show: the command that shows who else listens.
  init(listening name: String, show: String, _ code: Int32) {
    let help =
      switch code {
      case EADDRINUSE: "another program listens there (\(show) shows which); stop it, or give sources[].listen another port"
      case EACCES, EPERM: "ports below 1024 need CAP_NET_BIND_SERVICE: start it by systemd, or use a port above 1023"
      case EADDRNOTAVAIL: "this machine has no such address; listen on [::] for all of them"
      default: "see sources in the configuration"
      }
    description = "\(name): \(String(cString: strerror(code))): \(help)"
  }

  /// `udp [::]:514`.
  static func place(_ kind: String, _ address: IPAddress, _ port: UInt16) -> String {
    var text = Array("\(kind) ".utf8)
    text.append(address, port: port)
    return String(decoding: text, as: UTF8.self)
  }
}

/// Receives syslog by UDP (RFC 5426) on one socket, on a thread of its own.
final class DatagramReceiver: MessageSource, RunningSource {
  let via = Via.udp
  let name: String
  let port: UInt16
  /// Bytes of the kernel's receive buffer, as granted.
  let bufferBytes: Int
  private let descriptor: Int32
  private let isStopping = Atomic(false)
  private let received = Atomic(0)
  /// What the kernel threw away because its buffer was full.
  private let dropped = Atomic(0)

  /// Asked for; how much of it is granted depends on CAP_NET_ADMIN or net.core.rmem_max.
  static let wantedBufferBytes = 64 << 20
  /// Room for any datagram, and some lines of the processor's cache more: slots a power of two apart would all fall into the
  /// same few of its sets, and each message would drive out the one before.
  private static let slotBytes = (1 << 16) + 9 * 64
  /// As many as are still in the innermost cache when they are copied. (To let the kernel put them into the batch itself was
  /// tried: it needs a second place for what is long, and took longer, since its copying waits for memory that is not there.)
  private static let slots = 32

  /// - Throws: what the system says, with what helps.
  init(address: IPAddress, port: UInt16) throws(SourceError) {
    var granted: Int32 = 0
    let raw = address.bytes
    descriptor = raw.withUnsafeBufferPointer {
      linux_udp_listen($0.baseAddress, port, Int32(Self.wantedBufferBytes / 2), 100, &granted)
    }
    name = SourceError.place("udp", address, port)
    guard descriptor >= 0 else { throw SourceError(listening: name, show: "ss -lunp", errno) }
    self.port = linux_bound_port(descriptor)
    bufferBytes = Int(granted)
  }

  deinit { close(descriptor) }

  var receivedCount: Int { received.value }
  var droppedCount: Int { dropped.value }

  var warnings: [String] {
    guard bufferBytes < Self.wantedBufferBytes else { return [] }
    return [
      "\(name): the kernel grants a receive buffer of \(bufferBytes >> 10) KiB; a burst may be lost. "
        + "Raise it with: sysctl -w net.core.rmem_max=\(Self.wantedBufferBytes / 2) (a file in /etc/sysctl.d keeps it)"
    ]
  }

  func addMetrics(to page: inout Exposition) {
    page.add(
      "muhur_receive_buffer_bytes", .gauge, "Receive buffer granted by the kernel, by source.", [([("source", name)], bufferBytes)])
  }

  func stop() { isStopping.store(true, ordering: .releasing) }

  /// The thread's body: receives until `stop`, then what the kernel still holds.
  func run(free: Handover<Batch>, out: Handover<WriterWork>) {
    let room = UnsafeMutableRawPointer.allocate(byteCount: Self.slotBytes * Self.slots, alignment: 4096)
    let datagrams = UnsafeMutablePointer<linux_datagram>.allocate(capacity: Self.slots)
    defer {
      room.deallocate()
      datagrams.deallocate()
    }
    guard let receiver = linux_receiver_make(room.assumingMemoryBound(to: UInt8.self), Self.slotBytes, UInt32(Self.slots)) else {
      fatalError("out of memory")
    }
    defer { linux_receiver_free(receiver) }
    var batch = BatchFilling(of: self, free: free, out: out)
    var lost: UInt32 = 0
    var lostBefore: UInt32 = 0
    var goesOn = false
    // Messages that may still be read once it is told to stop: more cannot have waited then, since the kernel counts more
    // bytes for each. Whoever goes on sending does not keep the daemon from ending.
    var left = bufferBytes / 512
    while true {
      // Asked before it looks: what came before `stop` is read.
      let isLast = isStopping.load(ordering: .acquiring)
      let n = Int(linux_receive(receiver, descriptor, goesOn ? 0 : 1, datagrams, &lost))
      if n > 0 {
        if lost != lostBefore {
          dropped.add(Int(lost &- lostBefore), ordering: .relaxed)
          lostBefore = lost
        }
        take(UnsafeBufferPointer(start: datagrams, count: n), UnsafeRawPointer(room), into: &batch)
        received.add(n, ordering: .relaxed)
        if isLast { left -= n }
        if n == Self.slots, left > 0 {
          // The kernel may have more: the batch goes on.
          goesOn = true
          continue
        }
      }
      batch.give()
      // The kernel has no more; or, seldom, there was a signal, or an ICMP error that belongs to nobody.
      if isLast { return }
      if n > 0 || goesOn { usleep(gatherMicroseconds) }
      goesOn = false
    }
  }

  private func take(_ datagrams: UnsafeBufferPointer<linux_datagram>, _ room: UnsafeRawPointer, into batch: inout BatchFilling) {
    let now = Clock.microseconds()
    var open = batch.open()
    for i in datagrams.indices {
      let d = datagrams[i]
      let message = UnsafeRawBufferPointer(start: room + i * Self.slotBytes, count: min(Int(d.length), RecordLimits.messageBytes))
      let microseconds = d.nanoseconds > 0 ? d.nanoseconds / 1000 : now
      while !open.append(message, original: Int(d.length), microseconds: microseconds, address: Self.address(d), port: d.port) {
        batch.give()
        open = batch.open()
      }
    }
  }

  /// How long messages may gather in the kernel before they are fetched: at 40,000 a second each wakening is shared by
  /// hundreds of them. No longer than a quarter of the buffer lasts at half a million a second, and at most 10 ms.
  private var gatherMicroseconds: useconds_t {
    let bytesPerMicrosecond = 640  // 1,280 bytes of the buffer for a message, as the kernel counts
    return useconds_t(min(10_000, max(100, bufferBytes / 4 / bytesPerMicrosecond)))
  }

  private static func address(_ d: linux_datagram) -> IPAddress {
    let a = d.address
    var value: UInt128 = 0
    withUnsafeBytes(of: a) { bytes in
      value = UInt128(bigEndian: bytes.loadUnaligned(as: UInt128.self))
    }
    return IPAddress(v6: value)
  }
}

enum RecordLimits {
  /// Of a longer message the rest is cut off, and the record says so (design section 3).
  static let messageBytes = 65_535
}
