import Record

/// Puts fragments of UDP datagrams together (RFC 791 section 3.2, RFC 8200 section 4.5), as many at once as fit into
/// memory of a fixed size. Fragments that overlap are an attack (RFC 5722): their datagram is given up. The same fragment
/// again is none: many captures hold a packet twice.
struct Reassembly: Sendable {
  enum Outcome: Equatable {
    /// It belongs to nobody we read.
    case foreign
    /// Kept until the others come.
    case waiting
    /// `bytes` hold the whole datagram.
    case whole
    /// It cannot be put together.
    case refused
  }

  private struct Part: Sendable {
    /// In the datagram.
    var range: Range<Int>
    /// Where its bytes begin among those that have come.
    var place: Int
  }

  private struct Entry: Sendable {
    var key: BoundedTable<Int>.Key
    /// When its first fragment came; microseconds.
    var since: Int64
    /// What has come, sorted, without overlaps.
    var parts: [Part] = []
    /// In the order of arrival: a fragment costs what it holds, not what its offset promises.
    var bytes: [UInt8] = []
    /// Where the datagram ends, once that is known.
    var end: Int?
    /// nil until the fragment with the ports has come.
    var isOurs: Bool?
    var isRefused = false
  }

  /// Datagrams that are put together at once.
  static let maximumEntries = 64
  /// Fragments of one datagram. A DHCP message has two or three.
  static let maximumParts = 64
  static let maximumBytes = 1 << 20
  /// RFC 1122 section 3.3.2 asks for 60 to 120 seconds.
  static let timeout = 60 * Timestamp.second

  private var entries: [Entry] = []
  private var held = 0
  /// The datagram that was completed last: the UDP header and all behind it.
  private(set) var bytes: [UInt8] = []
  /// Steps taken, for tests.
  private(set) var steps = 0

  /// Takes one fragment.
  /// - Parameters:
  ///   - isOurs: says of a datagram's first bytes whether anybody reads it.
  ///   - time: of its packet; nil where the capture has none.
  mutating func add(
    _ data: Span<UInt8>, _ fragment: IPPacket.Fragment, key: BoundedTable<Int>.Key, time: Int64?, isCut: Bool,
    isOurs: (Span<UInt8>) -> Bool
  ) -> Outcome {
    if let time { expire(before: time - Self.timeout) }
    var index = entries.firstIndex { $0.key == key }
    steps += entries.count
    if index == nil {
      if entries.count >= Self.maximumEntries { drop(0) }
      entries.append(Entry(key: key, since: time ?? .max))
      index = entries.count - 1
    }
    guard let index else { return .foreign }
    if fragment.offset == 0, entries[index].isOurs == nil {
      let ours = isOurs(data)
      entries[index].isOurs = ours
      if !ours { empty(index) }
    }
    if entries[index].isOurs == false { return .foreign }
    if entries[index].isRefused { return .refused }
    let end = fragment.offset + data.count
    // All but the last are whole units of eight bytes.
    guard !isCut, data.count > 0, fragment.isLast || data.count % 8 == 0, end <= 65_535,
      place(data, fragment.offset..<end, isLast: fragment.isLast, in: index)
    else {
      entries[index].isRefused = true
      empty(index)
      return .refused
    }
    // Without overlaps, all of it is there when there is as much as it is long.
    guard entries[index].isOurs == true, entries[index].end == entries[index].bytes.count else {
      // The oldest makes room, and that may be this one.
      while held > Self.maximumBytes { drop(0) }
      return .waiting
    }
    bytes.removeAll(keepingCapacity: true)
    let (parts, arrived) = (entries[index].parts, entries[index].bytes)
    for part in parts { bytes.append(arrived.span.extracting(part.place..<part.place + part.range.count)) }
    drop(index)
    return .whole
  }

  /// Keeps a fragment's bytes.
  /// - Returns: false where they overlap others, or lie beyond the end. The same fragment again is no fault.
  private mutating func place(_ data: Span<UInt8>, _ range: Range<Int>, isLast: Bool, in index: Int) -> Bool {
    if let end = entries[index].end {
      guard range.upperBound <= end, !isLast || range.upperBound == end else { return false }
    } else if isLast {
      if let last = entries[index].parts.last, last.range.upperBound > range.upperBound { return false }
      entries[index].end = range.upperBound
    }
    let parts = entries[index].parts
    steps += parts.count
    var at = parts.count
    while at > 0, parts[at - 1].range.lowerBound >= range.lowerBound { at -= 1 }
    if at < parts.count, parts[at].range == range {
      let arrived = entries[index].bytes
      return data.equals(arrived.span.extracting(parts[at].place..<parts[at].place + range.count))
    }
    if at > 0, parts[at - 1].range.upperBound > range.lowerBound { return false }
    if at < parts.count, parts[at].range.lowerBound < range.upperBound { return false }
    guard parts.count < Self.maximumParts else { return false }
    entries[index].parts.insert(Part(range: range, place: entries[index].bytes.count), at: at)
    entries[index].bytes.append(data)
    held += data.count
    return true
  }

  private mutating func empty(_ index: Int) {
    held -= entries[index].bytes.count
    entries[index].bytes = []
    entries[index].parts = []
  }

  private mutating func drop(_ index: Int) {
    held -= entries[index].bytes.count
    entries.remove(at: index)
  }

  private mutating func expire(before time: Int64) {
    while let first = entries.first, first.since != .max, first.since < time { drop(0) }
  }
}
