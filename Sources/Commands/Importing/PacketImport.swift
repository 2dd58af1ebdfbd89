import Dialects
import Glibc
import PacketDecoding
import Record

/// Makes records of the packets in a capture file: of those that say something, and of every message of DHCP and RADIUS
/// accounting. The rest of a network's traffic is counted and left alone.
struct PacketImport: ~Copyable {
  private let writing: any LogWriting
  private let zone: Zone
  private let sender: [UInt8]
  private var file = CaptureFile()
  private var reader: PacketReader
  private var writer = RecordWriter()
  private var list = EventList()

  /// What has come of the file and was not taken apart yet, and where it begins in the file.
  private var window: [UInt8] = []
  private var offset = 0
  /// How much of it there must be before it is worth looking again.
  private var needed = 0
  /// Bytes still to be passed over.
  private var skipping = 0

  private var out: [UInt8] = []
  private var waiting = 0
  private(set) var records = 0
  private(set) var events = 0
  private(set) var notUnderstood = 0
  /// Packets in the file.
  private(set) var packets = 0
  /// Sightings that were not recorded again.
  private(set) var thinned = 0
  /// Packets of link types that nobody reads here.
  private(set) var unread: [LinkType: Int] = [:]
  /// Why the file was not read to its end.
  private(set) var fault: String?

  private static let batchRecords = 512
  private static let batchBytes = 1 << 18

  init(writing: any LogWriting, source: ImportSource, zone: Zone, path: String) {
    self.writing = writing
    self.zone = zone
    sender = RecordWriter.sender(via: .import, source: source.name, site: source.site, from: path)
    reader = PacketReader(charset: source.charset, thinning: source.bindingTimeout / 2)
  }

  mutating func take(_ part: Span<UInt8>) throws {
    guard fault == nil else { return }
    let passed = min(skipping, part.count)
    skipping -= passed
    offset += passed
    window.append(part.extracting(passed..<part.count))
    guard window.count >= needed else { return }
    try readWindow()
  }

  /// The file's end has come.
  mutating func finish() throws {
    if fault == nil, !window.isEmpty || skipping > 0 || packets == 0 && offset == 0 { fault = "the file ends in the middle of something" }
    try flush()
  }

  private mutating func readWindow() throws {
    let bytes = window
    let whole = bytes.span
    var at = 0
    needed = 0
    reading: while at < bytes.count {
      let rest = whole.extracting(at..<bytes.count)
      let step: CaptureFile.Step
      do throws(CaptureFile.Failure) { step = try file.step(rest) } catch {
        fault = "byte \(offset + at): \(error.description)"
        break
      }
      switch step {
      case .more(let count):
        needed = count
        break reading
      case .skip(let count): at += count
      case .packet(let packet, let length):
        try add(packet, rest.extracting(packet.bytes), at: offset + at)
        at += length
      }
    }
    skipping = max(0, at - bytes.count)
    at = min(at, bytes.count)
    offset += at
    window.removeSubrange(0..<at)
  }

  private mutating func add(_ packet: CaptureFile.Packet, _ bytes: Span<UInt8>, at place: Int) throws {
    packets += 1
    guard packet.linkType.isReadable else {
      // A file may describe as many link types as there are numbers.
      if unread.count < 16 || unread[packet.linkType] != nil { unread[packet.linkType, default: 0] += 1 }
      return
    }
    list.removeAll()
    let time = packet.microseconds.map { zone.timestamp($0) }
    switch reader.read(bytes, packet.linkType, time: time, into: &list) {
    case .ignored: return
    case .repeated:
      thinned += 1
      return
    case .malformed: notUnderstood += 1
    case .message, .fragment: break
    }
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    let microseconds = Int64(now.tv_sec) * Timestamp.second + Int64(now.tv_nsec) / 1000
    let sender = sender
    let kept = bytes.extracting(0..<min(bytes.count, EntryFraming.limit))
    writer.begin(&out, microseconds: microseconds, offsetMinutes: zone.offsetMinutes(at: microseconds), sender: sender.span)
    RecordWriter.position(
      &out, at: place, cut: packet.originalLength > kept.count ? .some(packet.originalLength) : nil, linkType: packet.linkType.rawValue)
    RecordWriter.raw(&out, bytes: kept, text: nil)
    RecordWriter.end(&out, events: list)
    waiting += 1
    records += 1
    events += list.count
    if waiting >= Self.batchRecords || out.count >= Self.batchBytes { try flush() }
  }

  private mutating func flush() throws {
    guard waiting > 0 else { return }
    try writing.append(out, records: waiting)
    out.removeAll(keepingCapacity: true)
    waiting = 0
  }
}
