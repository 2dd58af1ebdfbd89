public import Record

/// What a seal states about the first records of its day.
public struct DayState: Equatable, Sendable {
  public var records = 0
  /// LFs included.
  public var bytes = 0
  /// Of the lines, LFs included: the daily file integrity value.
  public var sha256: Digest
  /// RFC 9162 root over the salted leaves; nil where the salt is not known.
  public var root: Digest?
  /// The least and greatest `time`, nil where there is no record.
  public var earliest: Timestamp?
  public var latest: Timestamp?
}

/// Takes a day's records one by one, in order, and says at any moment what a seal would state about them.
///
/// Used by the daemon for each new record, so nothing is allocated for a line, and its two hashes are worked out at once.
/// One thread at a time.
public final class DayDigest {
  private let salts: SaltStream?
  private let running = SHA256()
  private let leaf = SHA256()
  /// What stands before the line in a leaf: a zero byte and the record's salt.
  private let leafHead = UnsafeMutableRawBufferPointer.allocate(byteCount: 17, alignment: 16)
  // Changed for every line, in place; nothing that is called on the way comes back here.
  @exclusivity(unchecked) private var tree = MerkleTree()
  @exclusivity(unchecked) private var times = RecordTimes()
  private var bytes = 0
  private var earliest: Timestamp?
  private var latest: Timestamp?
  public private(set) var records = 0

  /// - Parameter salt: nil where it is lost; then there is no tree, and the other values are as ever.
  public init(salt: DaySalt?) {
    salts = salt.map(SaltStream.init)
    leafHead[0] = 0
  }

  deinit { leafHead.deallocate() }

  /// Takes the next record.
  /// - Parameter line: without its LF.
  public func add(_ line: Span<UInt8>) { add(line, time: times.time(of: line)) }

  /// The same where the reader has judged the line already; nil where it has no time that counts.
  public func add(_ line: Span<UInt8>, time: Timestamp?) {
    line.withUnsafeBytes { line in
      if let salts {
        salts.withSalt(records) { UnsafeMutableRawBufferPointer(rebasing: leafHead[1...]).copyMemory(from: $0) }
        leaf.reset()
        leaf.update(UnsafeRawBufferPointer(leafHead))
        SHA256.update(running, line, leaf, line)
        tree.append(leaf: leaf.finish())
      } else {
        running.update(line)
      }
      running.update(Self.lineFeed)
      bytes += line.count + 1
    }
    records += 1
    guard let time else { return }
    guard let latest, let earliest else {
      (self.earliest, self.latest) = (time, time)
      return
    }
    if time.microseconds > latest.microseconds { self.latest = time }
    if time.microseconds < earliest.microseconds { self.earliest = time }
  }

  /// The state so far; more records may follow.
  public func snapshot() -> DayState {
    DayState(
      records: records, bytes: bytes, sha256: running.current(), root: salts == nil ? nil : tree.root, earliest: earliest, latest: latest)
  }

  private nonisolated(unsafe) static let lineFeed: UnsafeRawBufferPointer = {
    let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 1, alignment: 1)
    bytes[0] = 0x0a
    return UnsafeRawBufferPointer(bytes)
  }()
}
