import Record

/// Takes a capture file apart, piece by piece: pcap in its variants (draft-ietf-opsawg-pcap) and pcapng
/// (draft-ietf-opsawg-pcapng), of either byte order, microseconds or nanoseconds, with any number of link types.
///
/// The caller holds a window of the file and shows it again and again, each time from where the last step ended. libpcap
/// reads such files too, but none whose interfaces have different link types, and it wants the whole file to be its own.
public struct CaptureFile: Sendable {
  /// Why a file cannot be read further.
  public struct Failure: Error, Equatable, CustomStringConvertible, Sendable {
    public var description: String
  }

  /// A packet as it stands in the window.
  public struct Packet: Sendable {
    public var bytes: Range<Int>
    /// Its length on the wire.
    public var originalLength: Int
    /// Since 1970, nanoseconds cut off; nil where the file does not say.
    public var microseconds: Int64?
    public var linkType: LinkType
  }

  public enum Step: Sendable {
    /// Goes on only with a window of at least so many bytes.
    case more(Int)
    /// Behind so many bytes; nothing in them was a packet.
    case skip(Int)
    case packet(Packet, length: Int)
  }

  private enum Format { case unknown, pcap, pcapng }

  fileprivate struct Interface {
    var linkType = LinkType.ethernet
    var snapLength = 0
    /// Time units in a second: a power of ten or two.
    var isBinary = false
    var exponent = 6
    /// Seconds.
    var offset: Int64 = 0
  }

  private var format = Format.unknown
  private var isBigEndian = false
  private var interfaces: [Interface] = []

  // Of pcap.
  private var isNanosecond = false
  private var headerLength = 16
  private var swapsLengths = false

  /// Longer packets are a damaged file: libpcap's own limit.
  public static let maximumPacket = 262_144
  /// Longer blocks are passed over; those with packets are never longer.
  private static let maximumBlock = maximumPacket + 65_536
  private static let maximumInterfaces = 65_536

  public init() {}

  /// Whether a file beginning so is a capture.
  public static func isCapture(_ head: Span<UInt8>) -> Bool {
    guard head.count >= 4 else { return false }
    let magic = UInt32(head[0]) << 24 | UInt32(head[1]) << 16 | UInt32(head[2]) << 8 | UInt32(head[3])
    return magic == 0x0a0d_0d0a || pcapMagics.contains(magic) || pcapMagics.contains(magic.byteSwapped)
  }

  /// Microseconds, nanoseconds, and Kuznetzov's with longer packet headers.
  private static let pcapMagics: [UInt32] = [0xa1b2_c3d4, 0xa1b2_3c4d, 0xa1b2_cd34]

  /// What stands at the beginning of the window.
  /// - Parameter window: the file from where the last step ended; as much of it as the caller holds, or the rest.
  public mutating func step(_ window: Span<UInt8>) throws(Failure) -> Step {
    switch format {
    case .unknown: return try begin(window)
    case .pcap: return try record(window)
    case .pcapng: return try block(window)
    }
  }

  private func uint16(_ w: Span<UInt8>, _ at: Int) -> UInt16 {
    let value = UInt16(w[at]) << 8 | UInt16(w[at + 1])
    return isBigEndian ? value : value.byteSwapped
  }

  private func uint32(_ w: Span<UInt8>, _ at: Int) -> UInt32 {
    let value = UInt32(w[at]) << 24 | UInt32(w[at + 1]) << 16 | UInt32(w[at + 2]) << 8 | UInt32(w[at + 3])
    return isBigEndian ? value : value.byteSwapped
  }

  private func uint64(_ w: Span<UInt8>, _ at: Int) -> UInt64 {
    let (first, second) = (UInt64(uint32(w, at)), UInt64(uint32(w, at + 4)))
    return isBigEndian ? first << 32 | second : second << 32 | first
  }

  private mutating func begin(_ w: Span<UInt8>) throws(Failure) -> Step {
    guard w.count >= 4 else { return .more(4) }
    isBigEndian = true
    let magic = uint32(w, 0)
    if magic == 0x0a0d_0d0a {
      format = .pcapng
      return try block(w)
    }
    isBigEndian = Self.pcapMagics.contains(magic)
    guard isBigEndian || Self.pcapMagics.contains(magic.byteSwapped) else { throw Failure(description: "no capture of pcap or pcapng") }
    guard w.count >= 24 else { return .more(24) }
    let kind = uint32(w, 0)
    isNanosecond = kind == 0xa1b2_3c4d
    if kind == 0xa1b2_cd34 { headerLength = 24 }
    let (major, minor) = (uint16(w, 4), uint16(w, 6))
    guard major == 2 else { throw Failure(description: "pcap version \(major).\(minor), which nobody has described") }
    // Before 2.3 the lengths stood in the other order.
    swapsLengths = minor < 3
    // The upper bits tell of checksums behind the frames.
    interfaces = [Interface(linkType: LinkType(rawValue: Int(uint32(w, 20) & 0x03ff_ffff)))]
    format = .pcap
    return .skip(24)
  }

  private func record(_ w: Span<UInt8>) throws(Failure) -> Step {
    guard w.count >= headerLength else { return .more(headerLength) }
    let seconds = Int64(uint32(w, 0))
    let fraction = Int64(uint32(w, 4))
    var captured = Int(uint32(w, 8))
    var original = Int(uint32(w, 12))
    if swapsLengths { (captured, original) = (original, captured) }
    guard captured <= Self.maximumPacket else { throw Failure(description: "a packet of \(captured) bytes: the file is damaged") }
    guard w.count >= headerLength + captured else { return .more(headerLength + captured) }
    let packet = Packet(
      bytes: headerLength..<headerLength + captured, originalLength: original,
      microseconds: seconds * Timestamp.second + (isNanosecond ? fraction / 1000 : fraction), linkType: interfaces[0].linkType)
    return .packet(packet, length: headerLength + captured)
  }

  // MARK: - pcapng

  private mutating func block(_ w: Span<UInt8>) throws(Failure) -> Step {
    guard w.count >= 12 else { return .more(12) }
    // The type of a section header reads the same in both orders.
    if uint32(w, 0) == 0x0a0d_0d0a { return try section(w) }
    let length = Int(uint32(w, 4))
    guard length >= 12, length % 4 == 0 else { throw Failure(description: "a block of \(length) bytes: the file is damaged") }
    let type = uint32(w, 0)
    // Interface, packet (obsolete), simple packet, enhanced packet; the rest is about other things.
    guard type == 1 || type == 2 || type == 3 || type == 6 else { return .skip(length) }
    guard length <= Self.maximumBlock else { throw Failure(description: "a block of \(length) bytes: the file is damaged") }
    guard w.count >= length else { return .more(length) }
    let body = 8..<length - 4
    switch type {
    case 1: try interface(w, body)
    case 2:
      if let packet = try enhanced(w, body, interface: body.count >= 20 ? Int(uint16(w, 8)) : 0) { return .packet(packet, length: length) }
    case 6:
      if let packet = try enhanced(w, body, interface: body.count >= 20 ? Int(uint32(w, 8)) : 0) { return .packet(packet, length: length) }
    default: if let packet = try simple(w, body) { return .packet(packet, length: length) }
    }
    return .skip(length)
  }

  private mutating func section(_ w: Span<UInt8>) throws(Failure) -> Step {
    isBigEndian = true
    let magic = uint32(w, 8)
    guard magic == 0x1a2b_3c4d || magic == 0x4d3c_2b1a else {
      throw Failure(description: "a section without byte order: the file is damaged")
    }
    isBigEndian = magic == 0x1a2b_3c4d
    let length = Int(uint32(w, 4))
    guard length >= 28, length % 4 == 0 else { throw Failure(description: "a section header of \(length) bytes: the file is damaged") }
    guard w.count >= 16 else { return .more(16) }
    let (major, minor) = (uint16(w, 12), uint16(w, 14))
    guard major == 1 else { throw Failure(description: "pcapng version \(major).\(minor), which nobody has described") }
    interfaces.removeAll(keepingCapacity: true)
    return .skip(length)
  }

  private mutating func interface(_ w: Span<UInt8>, _ body: Range<Int>) throws(Failure) {
    guard body.count >= 8 else { throw Failure(description: "an interface of \(body.count) bytes: the file is damaged") }
    guard interfaces.count < Self.maximumInterfaces else { throw Failure(description: "too many interfaces") }
    var new = Interface(linkType: LinkType(rawValue: Int(uint16(w, body.lowerBound))), snapLength: Int(uint32(w, body.lowerBound + 4)))
    var at = body.lowerBound + 8
    while body.upperBound - at >= 4 {
      let (code, length) = (uint16(w, at), Int(uint16(w, at + 2)))
      at += 4
      if code == 0 { break }
      guard length <= body.upperBound - at else { throw Failure(description: "an option beyond its block: the file is damaged") }
      // if_tsresol, if_tsoffset.
      if code == 9, length == 1 {
        new.isBinary = w[at] & 0x80 != 0
        new.exponent = Int(w[at] & 0x7f)
      }
      if code == 14, length == 8 { new.offset = Int64(bitPattern: uint64(w, at)) }
      at += (length + 3) & ~3
    }
    interfaces.append(new)
  }

  private func enhanced(_ w: Span<UInt8>, _ body: Range<Int>, interface: Int) throws(Failure) -> Packet? {
    guard body.count >= 20 else { throw Failure(description: "a packet block of \(body.count) bytes: the file is damaged") }
    guard interfaces.indices.contains(interface) else {
      throw Failure(description: "a packet of interface \(interface), which is not described")
    }
    let high = UInt64(uint32(w, body.lowerBound + 4))
    let captured = Int(uint32(w, body.lowerBound + 12))
    guard captured <= body.count - 20 else { throw Failure(description: "a packet longer than its block: the file is damaged") }
    let start = body.lowerBound + 20
    return Packet(
      bytes: start..<start + captured, originalLength: Int(uint32(w, body.lowerBound + 16)),
      microseconds: interfaces[interface].microseconds(high << 32 | UInt64(uint32(w, body.lowerBound + 8))),
      linkType: interfaces[interface].linkType)
  }

  /// Of the first interface; without a time.
  private func simple(_ w: Span<UInt8>, _ body: Range<Int>) throws(Failure) -> Packet? {
    guard body.count >= 4 else { throw Failure(description: "a packet block of \(body.count) bytes: the file is damaged") }
    guard let first = interfaces.first else { throw Failure(description: "a packet of interface 0, which is not described") }
    let original = Int(uint32(w, body.lowerBound))
    var captured = min(original, body.count - 4)
    if first.snapLength > 0 { captured = min(captured, first.snapLength) }
    let start = body.lowerBound + 4
    return Packet(bytes: start..<start + captured, originalLength: original, microseconds: nil, linkType: first.linkType)
  }
}

extension CaptureFile.Interface {
  /// The time as microseconds since 1970; nil where no date can be meant.
  fileprivate func microseconds(_ units: UInt64) -> Int64? {
    var value: UInt128
    if isBinary {
      guard exponent < 64 else { return nil }
      value = (UInt128(units) * 1_000_000) >> UInt128(exponent)
    } else {
      guard exponent <= 18 else { return nil }
      value = UInt128(units)
      var scale: UInt128 = 1
      for _ in 0..<abs(exponent - 6) { scale *= 10 }
      value = exponent >= 6 ? value / scale : value * scale
    }
    let shift = Int64(Timestamp.second).multipliedReportingOverflow(by: offset)
    let latest = CaptureFile.latest
    guard value <= UInt128(latest), !shift.overflow, (-latest...latest).contains(shift.partialValue) else { return nil }
    let sum = Int64(value) + shift.partialValue
    return (0...latest).contains(sum) ? sum : nil
  }
}

extension CaptureFile {
  /// The end of the year 9999: what is later no record can say.
  fileprivate static let latest: Int64 = 253_402_300_799_999_999
}
