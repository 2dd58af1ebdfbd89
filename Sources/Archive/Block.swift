internal import CDeflate
internal import CZlib
import Glibc
import Record

/// A block is 1,024 records in one gzip member (RFC 1952) that says its own length, so that a reader hops from one to the
/// next (design sections 4 and 12.7):
///
///     1f 8b 08 04  MTIME XFL OS  08 00  'M' 'H' 04 00  LENGTH  deflate data  CRC32 ISIZE
public enum Block {
  public static let records = 1024
  public static let headerBytes = 20
  static let trailerBytes = 8
  /// Header, trailer and the two bytes of empty deflate data.
  static let leastBytes = 30
  /// What a writer sets LENGTH to until it is known: such a member counts as cut off.
  static let unknownLength = UInt32.max
  /// Text up to here is held in memory whole; a larger block (up to 1,024 lines of 1 MiB are legal) is streamed.
  static let wholeText = 4 << 20

  static func header(length: UInt32) -> [UInt8] {
    [0x1f, 0x8b, 0x08, 0x04, 0, 0, 0, 0, 0, 0xff, 0x08, 0x00, 0x4d, 0x48, 0x04, 0x00] + littleEndian(length)
  }

  static func littleEndian(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }

  /// The length that a member's first 20 bytes state; MTIME, XFL and OS are free.
  public static func length(header: Span<UInt8>) throws(Malformed) -> Int {
    var cursor = ByteCursor(header)
    guard try cursor.take(4, "gzip header").equals([0x1f, 0x8b, 0x08, 0x04].span) else {
      throw Malformed(offset: 0, field: "a gzip header with FEXTRA alone")
    }
    try cursor.skip(6, "gzip header")
    guard try cursor.take(6, "gzip extra field").equals([0x08, 0x00, 0x4d, 0x48, 0x04, 0x00].span) else {
      throw Malformed(offset: 10, field: "the subfield MH alone")
    }
    let length = Int(try cursor.uint32LittleEndian("member length"))
    guard length >= leastBytes else { throw Malformed(offset: 16, field: "a member length of 30 or more") }
    return length
  }
}

/// `records.ndjson.gz`, and where its members begin as far as they have been looked at.
public final class BlockFile {
  let file: RegularFile
  /// Of the members known to be whole, from block `first` on; the last is where the next one would begin.
  private var offsets = [0]
  private var first = 0

  init(_ folder: DayFolder) throws(ArchiveError) { file = try folder.open(Layout.records) }

  /// Where a block begins is known from elsewhere: hopping goes on from there.
  func begin(at block: Int, offset: Int) {
    guard block < first || block >= first + offsets.count else { return }
    first = block
    offsets = [offset]
  }

  /// Hops to a block.
  /// - Returns: its place and length, nil where the file ends before it.
  /// - Throws: `.malformed`; `.torn` where this member or one before it is not whole.
  func member(_ block: Int) throws(ArchiveError) -> (offset: Int, length: Int)? {
    if block < first { begin(at: 0, offset: 0) }
    let i = block - first
    if i + 1 < offsets.count { return (offsets[i], offsets[i + 1] - offsets[i]) }
    let size = try file.size()
    while offsets.count <= i + 1 {
      let offset = offsets[offsets.count - 1]
      guard let length = try length(at: offset, size: size, block: first + offsets.count - 1) else { return nil }
      offsets.append(offset + length)
    }
    return (offsets[i], offsets[i + 1] - offsets[i])
  }

  private func length(at offset: Int, size: Int, block: Int) throws(ArchiveError) -> Int? {
    guard offset < size else { return nil }
    var header = [UInt8](repeating: 0, count: Block.headerBytes)
    var failure: ArchiveError?
    let n = header.withUnsafeMutableBytes { buffer in
      do throws(ArchiveError) { return try file.read(into: buffer, at: offset) } catch {
        failure = error
        return 0
      }
    }
    if let failure { throw failure }
    guard n == Block.headerBytes else { throw ArchiveError(.torn, file.name, "block \(block) at byte \(offset): its header is cut off") }
    if header.allSatisfy({ $0 == 0 }), try file.isZero(from: offset) {
      throw ArchiveError(.torn, file.name, "zero bytes from byte \(offset) on, as a power cut leaves them")
    }
    let length: Int
    do throws(Malformed) { length = try Block.length(header: header.span) } catch {
      throw ArchiveError(.malformed, file.name, "block \(block) at byte \(offset): expected \(error.field)")
    }
    guard length <= size - offset else {
      throw ArchiveError(.torn, file.name, "block \(block) at byte \(offset): \(length) bytes stated, \(size - offset) there")
    }
    return length
  }
}

/// Reads members, one after another, with the same buffers. No line of a member is given out before the whole member has
/// been checked. What a hostile member claims does not matter: memory stays under 10 MB, and a line over 1 MiB or the
/// 1,025th ends it.
final class BlockDecoder {
  private let decompressor: OpaquePointer
  private var packed = UnsafeMutableRawBufferPointer(start: nil, count: 0)
  private var text = UnsafeMutableRawBufferPointer(start: nil, count: 0)
  private var inflater: Inflater?
  /// What of `text` has not been given out.
  private var position = 0
  private var filled = 0
  private var streaming = false
  /// Records of the member that is open.
  private(set) var records = 0
  /// Bytes of its text.
  private(set) var textBytes = 0

  init() {
    guard let decompressor = libdeflate_alloc_decompressor() else { fatalError("out of memory") }
    self.decompressor = decompressor
  }

  deinit {
    libdeflate_free_decompressor(decompressor)
    packed.deallocate()
    text.deallocate()
  }

  /// Reads and checks a member whole.
  /// - Parameter limit: the most bytes that its text can have where it stands.
  /// - Throws: `.malformed`.
  func open(_ file: borrowing RegularFile, _ member: (offset: Int, length: Int), block: Int, limit: Int = .max) throws(ArchiveError) {
    let name = file.name
    let malformed = { (detail: String) in ArchiveError(.malformed, name, "block \(block) at byte \(member.offset): \(detail)") }
    position = 0
    filled = 0
    records = 0
    textBytes = 0
    streaming = false
    var trailer: (crc: UInt32, size: UInt32) = (0, 0)
    let read = try withUnsafeMutableBytes(of: &trailer) { buffer throws(ArchiveError) in
      try file.read(into: buffer, at: member.offset + member.length - Block.trailerBytes)
    }
    guard read == Block.trailerBytes else { throw malformed("cut off while reading") }
    let (crc, size) = (UInt32(littleEndian: trailer.crc), Int(UInt32(littleEndian: trailer.size)))
    guard size <= limit else { throw malformed("\(size) bytes of records, where at most \(limit) can be") }
    let bodyOffset = member.offset + Block.headerBytes
    let bodyLength = member.length - Block.headerBytes - Block.trailerBytes
    if size <= Block.wholeText, bodyLength <= size + 1 << 16 {
      Self.grow(&packed, to: bodyLength)
      Self.grow(&text, to: size)
      guard try file.read(into: UnsafeMutableRawBufferPointer(rebasing: packed[0..<bodyLength]), at: bodyOffset) == bodyLength else {
        throw malformed("cut off while reading")
      }
      var used = 0
      var made = 0
      let result = libdeflate_deflate_decompress_ex(decompressor, packed.baseAddress, bodyLength, text.baseAddress, size, &used, &made)
      guard result == LIBDEFLATE_SUCCESS || result == LIBDEFLATE_INSUFFICIENT_SPACE else { throw malformed("its deflate data is damaged") }
      guard result == LIBDEFLATE_SUCCESS, made == size else { throw malformed("its text is not of the stated length") }
      guard used == bodyLength else { throw malformed("bytes behind the deflate data") }
      guard libdeflate_crc32(0, text.baseAddress, size) == crc else { throw malformed("its CRC is wrong") }
      filled = size
      var lines = LineCount()
      lines.add(UnsafeRawBufferPointer(rebasing: text[0..<size]))
      if let fault = lines.fault(atEnd: true) { throw malformed(fault) }
      records = lines.lines
      textBytes = size
      return
    }
    // Once to check it, a second time to give it out.
    Self.grow(&text, to: Block.wholeText)
    let inflater = inflater ?? Inflater()
    self.inflater = inflater
    inflater.start(offset: bodyOffset, length: bodyLength)
    var lines = LineCount()
    var sum: UInt32 = 0
    while let n = try inflater.next(file, into: text, malformed) {
      sum = libdeflate_crc32(sum, text.baseAddress, n)
      lines.add(UnsafeRawBufferPointer(rebasing: text[0..<n]))
      if let fault = lines.fault(atEnd: false) { throw malformed(fault) }
    }
    if let fault = lines.fault(atEnd: true) { throw malformed(fault) }
    guard lines.bytes == size else { throw malformed("its text is not of the stated length") }
    guard sum == crc else { throw malformed("its CRC is wrong") }
    records = lines.lines
    textBytes = size
    streaming = true
    inflater.start(offset: bodyOffset, length: bodyLength)
  }

  /// The next line of the member, without LF; valid until the next call.
  func nextLine(_ file: borrowing RegularFile) throws(ArchiveError) -> UnsafeRawBufferPointer? {
    while true {
      if filled > position, let base = text.baseAddress, let lf = memchr(base + position, 0x0a, filled - position) {
        let end = UnsafeRawPointer(lf) - UnsafeRawPointer(base)
        defer { position = end + 1 }
        return UnsafeRawBufferPointer(rebasing: text[position..<end])
      }
      guard streaming, let inflater, let base = text.baseAddress else { return nil }
      memmove(base, base + position, filled - position)
      filled -= position
      position = 0
      let room = UnsafeMutableRawBufferPointer(rebasing: text[filled...])
      let name = file.name
      let changed = { (detail: String) in ArchiveError(.malformed, name, detail + "; the file changed while it was read") }
      guard !room.isEmpty, let n = try inflater.next(file, into: room, changed) else { return nil }
      filled += n
    }
  }

  private static func grow(_ buffer: inout UnsafeMutableRawBufferPointer, to count: Int) {
    guard buffer.count < count || buffer.baseAddress == nil else { return }
    buffer.deallocate()
    buffer = .allocate(byteCount: max(count, 1 << 16), alignment: 16)
  }
}

/// Counts lines and judges their lengths while text goes by.
private struct LineCount {
  var lines = 0
  var bytes = 0
  /// Bytes since the last LF.
  var open = 0
  var longest = 0

  mutating func add(_ text: UnsafeRawBufferPointer) {
    bytes += text.count
    guard let base = text.baseAddress else { return }
    var at = 0
    while at < text.count, let lf = memchr(base + at, 0x0a, text.count - at) {
      let end = UnsafeRawPointer(lf) - base
      longest = max(longest, open + end - at)
      open = 0
      lines += 1
      at = end + 1
      // Hostile text of line feeds alone is not worth counting to its end.
      if lines > Block.records { return }
    }
    open += text.count - at
    longest = max(longest, open)
  }

  func fault(atEnd: Bool) -> String? {
    if lines > Block.records { return "more than 1,024 records" }
    if longest > StrictJSON.maximumLine { return "a line over 1 MiB" }
    return atEnd && open > 0 ? "its text does not end with LF" : nil
  }
}

/// Raw deflate data of a file, inflated piece by piece (zlib).
private final class Inflater {
  // zlib keeps the address of its stream.
  private let stream: UnsafeMutablePointer<z_stream>
  private let input = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
  private var offset = 0
  private var left = 0
  private var ended = false

  init() {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    guard inflateInit2_(stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else { fatalError("out of memory") }
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
    input.deallocate()
  }

  func start(offset: Int, length: Int) {
    self.offset = offset
    left = length
    ended = false
    inflateReset(stream)
    stream.pointee.avail_in = 0
  }

  /// - Returns: bytes put into `out`, nil at the end.
  func next(
    _ file: borrowing RegularFile, into out: UnsafeMutableRawBufferPointer, _ malformed: (String) -> ArchiveError
  ) throws(ArchiveError) -> Int? {
    if ended { return nil }
    stream.pointee.next_out = out.baseAddress?.assumingMemoryBound(to: UInt8.self)
    stream.pointee.avail_out = UInt32(out.count)
    while stream.pointee.avail_out > 0 {
      if stream.pointee.avail_in == 0 {
        let want = min(left, input.count)
        let n = try file.read(into: UnsafeMutableRawBufferPointer(rebasing: input[0..<want]), at: offset)
        guard n > 0 else { throw malformed("its deflate data ends early") }
        offset += n
        left -= n
        stream.pointee.next_in = input.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_in = UInt32(n)
      }
      let result = inflate(stream, Z_NO_FLUSH)
      if result == Z_STREAM_END {
        guard left == 0, stream.pointee.avail_in == 0 else { throw malformed("bytes behind the deflate data") }
        ended = true
        break
      }
      guard result == Z_OK else { throw malformed("its deflate data is damaged") }
    }
    return out.count - Int(stream.pointee.avail_out)
  }
}
