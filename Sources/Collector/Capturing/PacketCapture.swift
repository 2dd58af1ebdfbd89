internal import CPcap
import Glibc
import PacketDecoding
import Record
import Synchronization

/// Captures the packets of an interface that say who has which address (libpcap, with a filter in the kernel), on a thread
/// of its own. An interface that goes away or down is waited for: what it carried meanwhile is missing, and said so.
final class PacketCapture: MessageSource, RunningSource {
  let via = Via.pcap
  let name: String
  let origin: String?
  let device: Configuration.Device?
  /// Of the interface as it was opened last.
  var linkType: Int? { link.value }

  private let interface: String
  private let link = Atomic(LinkType.ethernet.rawValue)
  private let isStopping = Atomic(false)
  private let received = Atomic(0)
  /// What the kernel threw away because its buffer was full.
  private let dropped = Atomic(0)
  /// Why nothing is captured now, in words.
  private let trouble = Mutex<String?>(nil)
  /// What `init` opened, until the thread takes it.
  private let first: Mutex<Handle?>

  /// How long packets may gather in the kernel, milliseconds.
  fileprivate static let gather: CInt = 50
  fileprivate static let bufferBytes: CInt = 16 << 20
  /// How often an interface that went away is looked for.
  private static let retryMicroseconds: useconds_t = 500_000

  /// - Throws: where the interface does not exist or may not be captured. One that is down is waited for.
  init(_ capture: Configuration.Source.Capture) throws(SourceError) {
    interface = capture.interface
    name = "pcap \(capture.interface)"
    origin = capture.interface
    device = capture.device
    do throws(CaptureError) {
      let handle = try Handle(interface)
      link.store(handle.linkType.rawValue, ordering: .relaxed)
      first = Mutex(handle)
    } catch {
      guard error.isPassing else { throw SourceError(description: "\(name): \(error)") }
      first = Mutex(nil)
      trouble.withLock { $0 = error.description }
    }
  }

  var receivedCount: Int { received.value }
  var droppedCount: Int { dropped.value }
  var warnings: [String] { trouble.withLock { $0 }.map { ["\(name): \($0); tried again until it works"] } ?? [] }

  func stop() { isStopping.store(true, ordering: .relaxed) }

  /// The thread's body.
  func run(free: Handover<Batch>, out: Handover<WriterWork>) {
    var handle = first.withLock { handle in
      defer { handle = nil }
      return handle
    }
    var isSilent = false
    while !isStopping.load(ordering: .relaxed) {
      if let open = handle {
        if isSilent { tell("source-back", out) }
        isSilent = false
        let error = capture(open, free, out)
        handle = nil
        guard let error else { return }
        trouble.withLock { $0 = error.description }
        Log.error("\(name): \(error); tried again until it works")
      }
      if !isSilent { tell("source-silent", out) }
      isSilent = true
      usleep(Self.retryMicroseconds)
      do throws(CaptureError) {
        let again = try Handle(interface)
        link.store(again.linkType.rawValue, ordering: .relaxed)
        handle = again
        trouble.withLock { $0 = nil }
        Log.info("\(name): captures again")
      } catch { trouble.withLock { $0 = error.description } }
    }
  }

  /// A gap in what is known begins or ends.
  private func tell(_ what: String, _ out: Handover<WriterWork>) {
    let words = trouble.withLock { $0 }
    let (source, place) = (device?.name ?? name, name)
    out.give(
      .perform { writer in
        writer.notice(
          what,
          [JSONMember("source", .string(source)), JSONMember("where", .string(place))]
            + (what == "source-silent" ? words.map { [JSONMember("error", .string($0))] } ?? [] : []))
      })
  }

  /// Captures until it is stopped (nil) or the interface fails.
  private func capture(_ handle: Handle, _ free: Handover<Batch>, _ out: Handover<WriterWork>) -> CaptureError? {
    var batch = BatchFilling(of: self, free: free, out: out)
    var lostBefore = 0
    // Packets that are still read once it is told to stop: more than the kernel holds then. A busy interface does not keep
    // the daemon from ending.
    var left = Int(Self.bufferBytes) / 64
    while true {
      let stopping = isStopping.load(ordering: .relaxed)
      var count = 0
      let status = handle.read(milliseconds: stopping ? 0 : Self.gather) { packet in
        count += 1
        let kept = UnsafeRawBufferPointer(rebasing: packet.bytes.prefix(RecordLimits.messageBytes))
        batch.append(kept, original: packet.length, microseconds: packet.microseconds, address: Self.nobody, port: 0)
      }
      received.add(count, ordering: .relaxed)
      batch.give()
      let lost = handle.dropped
      if lost > lostBefore { dropped.add(lost - lostBefore, ordering: .relaxed) }
      lostBefore = lost
      if let status { return status }
      if stopping { left -= count }
      if stopping, count == 0 || left <= 0 { return nil }
    }
  }

  /// Packets have no peer: they are the interface's.
  private static let nobody = IPAddress(v6: 0)
}

/// Why an interface cannot be captured.
struct CaptureError: Error, CustomStringConvertible {
  var description: String
  /// It may end by itself: the interface is down, or went away.
  var isPassing = false
}

/// An open capture (`pcap_t *`), freed with its owner. One thread at a time.
///
/// `@unchecked`: handed from the thread that opens it to the one that reads.
private final class Handle: @unchecked Sendable {
  private let handle: OpaquePointer
  private let descriptor: CInt
  let linkType: LinkType

  struct Packet {
    var bytes: UnsafeRawBufferPointer
    /// On the wire.
    var length: Int
    var microseconds: Int64
  }

  /// As libpcap's own programs take: whole packets, whatever the network card has joined.
  private static let snapLength: CInt = 262_144

  init(_ interface: String) throws(CaptureError) {
    var words = [CChar](repeating: 0, count: Int(PCAP_ERRBUF_SIZE))
    guard let opened = pcap_create(interface, &words) else { throw CaptureError(description: Self.text(words)) }
    pcap_set_snaplen(opened, Self.snapLength)
    pcap_set_promisc(opened, 1)
    pcap_set_timeout(opened, PacketCapture.gather)
    pcap_set_buffer_size(opened, PacketCapture.bufferBytes)
    let status = pcap_activate(opened)
    if let error = Self.error(status, interface, opened) {
      pcap_close(opened)
      throw error
    }
    let type = LinkType(rawValue: Int(pcap_datalink(opened)))
    guard type.isReadable else {
      let kind = pcap_datalink_val_to_name(CInt(type.rawValue)).map { String(cString: $0) } ?? type.description
      pcap_close(opened)
      throw CaptureError(description: "its link layer (\(kind)) is not read; capture on the Ethernet or \"any\" interface")
    }
    var program = bpf_program()
    guard pcap_compile(opened, &program, CaptureFilter.text(for: type), 1, pcap_unknown_netmask()) == 0 else {
      let text = String(cString: pcap_geterr(opened))
      pcap_close(opened)
      throw CaptureError(description: "the filter: \(text)")
    }
    let isSet = pcap_setfilter(opened, &program)
    pcap_freecode(&program)
    guard isSet == 0, pcap_setnonblock(opened, 1, &words) == 0 else {
      let text = String(cString: pcap_geterr(opened))
      pcap_close(opened)
      throw CaptureError(description: text)
    }
    linkType = type
    descriptor = pcap_get_selectable_fd(opened)
    handle = opened
  }

  deinit { pcap_close(handle) }

  private static func error(_ status: CInt, _ interface: String, _ handle: OpaquePointer) -> CaptureError? {
    guard status < 0 else { return nil }
    switch status {
    case PCAP_ERROR_NO_SUCH_DEVICE:
      return CaptureError(
        description: "there is no such interface: ip -brief link shows those there are; sources[].interface names it")
    case PCAP_ERROR_PERM_DENIED:
      return CaptureError(description: "capturing needs CAP_NET_RAW: start it by systemd, whose unit grants it, or as root")
    case PCAP_ERROR_IFACE_NOT_UP: return CaptureError(description: "the interface is down: ip link set \(interface) up", isPassing: true)
    default:
      let text = String(cString: pcap_geterr(handle))
      return CaptureError(description: text.isEmpty ? String(cString: pcap_statustostr(status)) : text)
    }
  }

  private static func text(_ words: [CChar]) -> String {
    String(decoding: words.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Waits for packets and gives each that is there to `body`.
  /// - Returns: why no more will come; nil where they will.
  func read(milliseconds: CInt, _ body: (Packet) -> Void) -> CaptureError? {
    var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    _ = poll(&waiting, 1, milliseconds)
    if waiting.revents & Int16(POLLERR | POLLHUP | POLLNVAL) != 0 {
      // What libpcap tells of an interface that goes down only where it waits itself.
      var code: CInt = 0
      var length = socklen_t(MemoryLayout<CInt>.size)
      getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length)
      if code != 0 { return CaptureError(description: "the interface went away: \(String(cString: strerror(code)))", isPassing: true) }
    }
    // One round takes what one batch holds, so that nobody waits for a packet that has come.
    for _ in 0..<4096 {
      var header: UnsafeMutablePointer<pcap_pkthdr>?
      var data: UnsafePointer<UInt8>?
      let status = pcap_next_ex(handle, &header, &data)
      if status == 0 { break }
      guard status == 1, let header, let data else {
        return CaptureError(description: String(cString: pcap_geterr(handle)), isPassing: true)
      }
      let h = header.pointee
      body(
        Packet(
          bytes: UnsafeRawBufferPointer(start: data, count: Int(h.caplen)), length: Int(h.len),
          microseconds: Int64(h.ts.tv_sec) * Timestamp.second + Int64(h.ts.tv_usec)))
    }
    return nil
  }

  /// Packets that the kernel has thrown away since it was opened.
  var dropped: Int {
    var statistics = pcap_stat()
    return pcap_stats(handle, &statistics) == 0 ? Int(statistics.ps_drop) : 0
  }
}

/// What the kernel lets through, in libpcap's language (pcap-filter(7)): everything that `PacketReader` may make an event
/// of, or must remember to understand one.
enum CaptureFilter {
  static func text(for type: LinkType) -> String {
    let inner = "(\(messages))"
    // On "any" the kernel has taken the tags off; libpcap knows none there.
    guard type == .ethernet else { return inner }
    // ARP in SNAP; and behind `vlan` the same words mean what lies behind the tag.
    return inner + " or (ether[12:2] <= 1500 and ether[14:4] = 0xaaaa0300 and ether[18:2] = 0)"
      + " or (vlan and (\(inner) or (vlan and \(inner))))"
  }

  /// ARP; DHCP and RADIUS; later fragments of UDP; advertisements of neighbours; IPv6 with extension headers, behind which
  /// the kernel's filters cannot look.
  private static let messages =
    "arp or (udp and (port 67 or port 68 or port 546 or port 547 or dst port 1813 or dst port 1646 or dst port 1812 or dst port 1645))"
    + " or (ip and ip[9] = 17 and ip[6:2] & 0x1fff != 0) or (ip6 and ip6[6] = 58 and ip6[40] = 136)"
    + " or (ip6 and (ip6[6] = 0 or ip6[6] = 43 or ip6[6] = 44 or ip6[6] = 51 or ip6[6] = 60))"
}
