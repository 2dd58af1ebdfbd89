import Archive
public import Record

/// A zip file as an evidence bundle is one (design section 12.17; APPNOTE.TXT 4.3): stored entries one behind the other
/// from the first byte on, then their central headers in the same order, then the end record, and nothing else. So every
/// byte belongs to something that is judged: no gap, comment, extra field, data descriptor, ZIP64 or second entry of a
/// name, between which two programs could disagree about what is in the file.
public struct Zip: Sendable {
  public struct Entry: Equatable, Sendable {
    public var name: String
    public var content: [UInt8]

    public init(_ name: String, _ content: [UInt8]) {
      self.name = name
      self.content = content
    }
  }

  public private(set) var entries: [Entry] = []

  /// The content of an entry, nil where there is none of that name.
  public subscript(name: String) -> [UInt8]? { places[name].map { entries[$0].content } }
  private var places: [String: Int] = [:]

  public static let maximumEntries = 65_534
  public static let maximumName = 255
  /// What the four bytes of a length or an offset can say; all ones would announce ZIP64.
  public static let maximumBytes = 0xffff_fffe

  static let localSignature: UInt32 = 0x0403_4b50
  static let centralSignature: UInt32 = 0x0201_4b50
  static let endSignature: UInt32 = 0x0605_4b50

  // MARK: Reading

  /// What a local header and a central one say alike.
  private struct Header: Equatable {
    var version: UInt16
    var flags: UInt16
    var time: UInt32
    var checksum: UInt32
    var size: UInt32
    var name: [UInt8]
  }

  public init(_ bytes: Span<UInt8>) throws(Malformed) {
    var cursor = ByteCursor(bytes)
    var headers: [(header: Header, offset: Int)] = []
    var signature = try cursor.uint32LittleEndian("a zip entry")
    while signature == Self.localSignature {
      let offset = cursor.offset - 4
      var header = try Self.header(&cursor)
      let nameBytes = Int(try cursor.uint16LittleEndian("a name's length"))
      guard try cursor.uint16LittleEndian("no extra field") == 0 else { throw Malformed(offset: offset, field: "no extra field") }
      header.name = try Self.name(&cursor, nameBytes)
      let start = cursor.offset
      let content = try cursor.take(Int(header.size), "an entry's bytes")
      guard CRC32.of(content) == header.checksum else { throw Malformed(offset: start, field: "the checksum of an entry's bytes") }
      let name = String(decoding: header.name, as: UTF8.self)
      guard places.updateValue(entries.count, forKey: name) == nil else { throw Malformed(offset: offset, field: "each name once") }
      guard entries.count < Self.maximumEntries else { throw Malformed(offset: offset, field: "at most 65534 entries") }
      entries.append(Entry(name, content.array))
      headers.append((header, offset))
      signature = try cursor.uint32LittleEndian("a zip header")
    }
    let start = cursor.offset - 4
    for (header, offset) in headers {
      guard signature == Self.centralSignature else { throw Malformed(offset: cursor.offset - 4, field: "a central header for each entry") }
      try Self.central(&cursor, header, offset)
      signature = try cursor.uint32LittleEndian("a zip header")
    }
    let end = cursor.offset - 4
    guard signature == Self.endSignature else { throw Malformed(offset: end, field: "the end record behind the central headers") }
    guard try cursor.uint32LittleEndian("disk numbers") == 0 else { throw Malformed(offset: end, field: "one disk") }
    for _ in 0..<2 {
      guard Int(try cursor.uint16LittleEndian("a number of entries")) == entries.count else {
        throw Malformed(offset: end, field: "the number of entries")
      }
    }
    guard Int(try cursor.uint32LittleEndian("the size of the central headers")) == end - start,
      Int(try cursor.uint32LittleEndian("the place of the central headers")) == start
    else { throw Malformed(offset: end, field: "place and size of the central headers") }
    guard try cursor.uint16LittleEndian("no comment") == 0 else { throw Malformed(offset: end, field: "no comment") }
    guard cursor.isAtEnd else { throw Malformed(offset: cursor.offset, field: "nothing behind the end record") }
  }

  /// From "version needed" to the second size; the name comes later.
  private static func header(_ cursor: inout ByteCursor) throws(Malformed) -> Header {
    let at = cursor.offset
    let version = try cursor.uint16LittleEndian("a version")
    // 2.0 says at most: a stored file, perhaps in a folder.
    guard version <= 20 else { throw Malformed(offset: at, field: "a plain entry (version 2.0)") }
    let flags = try cursor.uint16LittleEndian("flags")
    // Bit 11 says that the name is UTF-8, which it is. Everything else would change what the bytes mean.
    guard flags & ~0x0800 == 0 else { throw Malformed(offset: at, field: "no flag but that of UTF-8 names") }
    guard try cursor.uint16LittleEndian("a method") == 0 else { throw Malformed(offset: at, field: "a stored entry") }
    let time = try cursor.uint32LittleEndian("a time")
    let checksum = try cursor.uint32LittleEndian("a checksum")
    let packed = try cursor.uint32LittleEndian("a size")
    let size = try cursor.uint32LittleEndian("a size")
    guard packed == size, size != .max else { throw Malformed(offset: at, field: "one size, without ZIP64") }
    return Header(version: version, flags: flags, time: time, checksum: checksum, size: size, name: [])
  }

  private static func name(_ cursor: inout ByteCursor, _ count: Int) throws(Malformed) -> [UInt8] {
    let at = cursor.offset
    let name = try cursor.take(count, "a name").array
    guard !name.isEmpty, name.count <= maximumName, name.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
      throw Malformed(offset: at, field: "a name of printable ASCII")
    }
    return name
  }

  private static func central(_ cursor: inout ByteCursor, _ local: Header, _ offset: Int) throws(Malformed) {
    let at = cursor.offset - 4
    // Who made it, and what kind of file it was there: of no meaning here.
    try cursor.skip(2, "a version")
    var header = try header(&cursor)
    let nameBytes = Int(try cursor.uint16LittleEndian("a name's length"))
    guard try cursor.uint16LittleEndian("no extra field") == 0 else { throw Malformed(offset: at, field: "no extra field") }
    guard try cursor.uint16LittleEndian("no comment") == 0 else { throw Malformed(offset: at, field: "no comment") }
    guard try cursor.uint16LittleEndian("a disk") == 0 else { throw Malformed(offset: at, field: "one disk") }
    try cursor.skip(6, "attributes")
    guard Int(try cursor.uint32LittleEndian("an entry's place")) == offset else { throw Malformed(offset: at, field: "the entry's place") }
    header.name = try name(&cursor, nameBytes)
    guard header == local else { throw Malformed(offset: at, field: "the same in both headers") }
  }

  // MARK: Writing

  /// - Parameter entries: names of printable ASCII, each once.
  /// - Returns: nil where they do not fit into a file without ZIP64.
  public static func bytes(_ entries: [Entry]) -> [UInt8]? {
    guard entries.count <= maximumEntries else { return nil }
    var out: [UInt8] = []
    var directory: [UInt8] = []
    out.reserveCapacity(entries.reduce(22) { $0 + $1.content.count + 2 * $1.name.utf8.count + 76 })
    for entry in entries {
      let offset = out.count
      guard entry.content.count <= maximumBytes, offset <= maximumBytes else { return nil }
      var header: [UInt8] = []
      header.append(little: 10, bytes: 2)
      header.append(little: 0, bytes: 4)
      // 1980-01-01 00:00: when a bundle was made is no evidence, and must not look like it.
      header.append(little: 0x0021_0000, bytes: 4)
      header.append(little: Int(CRC32.of(entry.content.span)), bytes: 4)
      header.append(little: entry.content.count, bytes: 4)
      header.append(little: entry.content.count, bytes: 4)
      header.append(little: entry.name.utf8.count, bytes: 2)
      header.append(little: 0, bytes: 2)
      out.append(little: Int(localSignature), bytes: 4)
      out += header
      out += Array(entry.name.utf8)
      out += entry.content
      directory.append(little: Int(centralSignature), bytes: 4)
      directory.append(little: 3 << 8 | 20, bytes: 2)  // As Unix makes it: the mode below counts.
      directory += header
      directory.append(little: 0, bytes: 6)
      directory.append(little: 0o100644 << 16, bytes: 4)
      directory.append(little: offset, bytes: 4)
      directory += Array(entry.name.utf8)
    }
    let start = out.count
    guard start <= maximumBytes, directory.count <= maximumBytes else { return nil }
    out += directory
    out.append(little: Int(endSignature), bytes: 4)
    out.append(little: 0, bytes: 4)
    out.append(little: entries.count, bytes: 2)
    out.append(little: entries.count, bytes: 2)
    out.append(little: directory.count, bytes: 4)
    out.append(little: start, bytes: 4)
    out.append(little: 0, bytes: 2)
    return out
  }
}

extension [UInt8] {
  /// A number, least significant byte first.
  fileprivate mutating func append(little value: Int, bytes: Int) {
    for i in 0..<bytes { append(UInt8(truncatingIfNeeded: value >> (8 * i))) }
  }
}
