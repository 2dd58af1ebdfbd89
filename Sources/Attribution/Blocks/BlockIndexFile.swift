import Archive
import Record

/// The file of one day in the folder of block indexes: which of the day's blocks may hold a key. All numbers are little
/// endian.
///
///     header   "MUHURBLK" version:u32 day:i32 log:16 bytes                                              32 bytes
///     entry    length:u32 crc:u32 offset:u64 member:u32 records:u32 received:2×i64 happened:2×i64       56 bytes, then the filter
///     footer   0:u32 crc:u32 gz:u64 entries:u32 0:u32 received:2×i64 happened:2×i64                     56 bytes
///
/// `length` is that of the whole entry, `crc` the CRC-32 of what follows it there. Entry i is block i. The footer ends the
/// file of a closed day; `gz` is how long its records.ndjson.gz is. Times are microseconds since 1970, the least and the
/// greatest; where there are none the least is the greater.
enum BlockIndexFile {
  static let version: UInt32 = 2
  static let headerBytes = 32
  static let entryBytes = 56
  /// Of a filter: 1,024 records of 256 events with a dozen keys would need no more.
  static let maximumFilter = 8 << 20
  private static let magic = Array("MUHURBLK".utf8)

  static func header(day: CalendarDay, log: [UInt8]) -> [UInt8] {
    var out = magic
    out.append(littleEndian: version)
    out.append(littleEndian: UInt32(bitPattern: Int32(truncatingIfNeeded: day.number)))
    return out + log.prefix(16) + [UInt8](repeating: 0, count: max(0, 16 - log.count))
  }

  struct Entry: Hashable {
    var offset: Int
    var length: Int
    var records: Int
    var received: BlockSummary.TimeRange
    var happened: BlockSummary.TimeRange

    func mayHold(_ span: ClosedRange<Int64>) -> Bool { received.touches(span) || happened.touches(span) }
  }

  struct Footer: Hashable {
    /// Bytes of the day's .gz.
    var archiveBytes: Int
    var entries: Int
    var received: BlockSummary.TimeRange
    var happened: BlockSummary.TimeRange

    func mayHold(_ span: ClosedRange<Int64>) -> Bool { received.touches(span) || happened.touches(span) }
  }

  static func bytes(_ entry: Entry, filter: [UInt8]) -> [UInt8] {
    var body: [UInt8] = []
    body.reserveCapacity(entryBytes + filter.count)
    body.append(littleEndian: UInt64(entry.offset))
    body.append(littleEndian: UInt32(entry.length))
    body.append(littleEndian: UInt32(entry.records))
    body.append(entry.received)
    body.append(entry.happened)
    body += filter
    return framed(UInt32(entryBytes + filter.count), body)
  }

  static func bytes(_ footer: Footer) -> [UInt8] {
    var body: [UInt8] = []
    body.append(littleEndian: UInt64(footer.archiveBytes))
    body.append(littleEndian: UInt32(footer.entries))
    body.append(littleEndian: UInt32(0))
    body.append(footer.received)
    body.append(footer.happened)
    return framed(0, body)
  }

  private static func framed(_ length: UInt32, _ body: [UInt8]) -> [UInt8] {
    var out: [UInt8] = []
    out.append(littleEndian: length)
    out.append(littleEndian: CRC32.of(body.span))
    return out + body
  }

  // MARK: Reading

  /// - Throws: where it is not this log's file of this day in this version.
  static func check(header bytes: Span<UInt8>, day: CalendarDay, log: [UInt8]) throws(Malformed) {
    guard bytes.count == headerBytes, bytes.equals(header(day: day, log: log).span) else {
      throw Malformed(offset: 0, field: "the header of the day's block index")
    }
  }

  enum Part: Hashable {
    /// An entry, and where its filter lies in the bytes.
    case entry(Entry, filter: Range<Int>)
    case footer(Footer)
  }

  /// The part that begins at `start`, and where the next one does; nil where the bytes end before it does.
  static func part(_ bytes: Span<UInt8>, at start: Int) throws(Malformed) -> (part: Part, next: Int)? {
    guard start >= 0, bytes.count - start >= entryBytes else { return nil }
    var cursor = ByteCursor(bytes.extracting(start..<bytes.count))
    let length = Int(try cursor.uint32LittleEndian("length of an entry"))
    let crc = try cursor.uint32LittleEndian("CRC of an entry")
    guard length == 0 || length >= entryBytes && length - entryBytes <= maximumFilter else {
      throw Malformed(offset: start, field: "the length of an entry")
    }
    let whole = length == 0 ? entryBytes : length
    guard bytes.count - start >= whole else { return nil }
    guard CRC32.of(bytes.extracting(start + 8..<start + whole)) == crc else { throw Malformed(offset: start, field: "the CRC of an entry") }
    let first = try cursor.int("offset")
    let second = Int(try cursor.uint32LittleEndian("length"))
    let third = Int(try cursor.uint32LittleEndian("records"))
    let received = BlockSummary.TimeRange(least: try cursor.int64("time"), greatest: try cursor.int64("time"))
    let happened = BlockSummary.TimeRange(least: try cursor.int64("time"), greatest: try cursor.int64("time"))
    if length == 0 {
      return (.footer(Footer(archiveBytes: first, entries: second, received: received, happened: happened)), start + whole)
    }
    let entry = Entry(offset: first, length: second, records: third, received: received, happened: happened)
    return (.entry(entry, filter: start + entryBytes..<start + whole), start + whole)
  }
}

extension [UInt8] {
  fileprivate mutating func append<T: FixedWidthInteger>(littleEndian value: T) {
    for i in 0..<T.bitWidth / 8 { append(UInt8(truncatingIfNeeded: value >> T(8 * i))) }
  }

  fileprivate mutating func append(_ range: BlockSummary.TimeRange) {
    append(littleEndian: range.least)
    append(littleEndian: range.greatest)
  }
}

extension ByteCursor {
  fileprivate mutating func int64(_ field: StaticString) throws(Malformed) -> Int64 {
    let low = UInt64(try uint32LittleEndian(field))
    return Int64(bitPattern: UInt64(try uint32LittleEndian(field)) << 32 | low)
  }

  /// A number of bytes: what no file is long enough for is malformed.
  fileprivate mutating func int(_ field: StaticString) throws(Malformed) -> Int {
    let value = try int64(field)
    guard value >= 0, value < 1 << 56 else { throw Malformed(offset: offset, field: field) }
    return Int(value)
  }
}
