internal import CDeflate
internal import CIsal
internal import CZlib
import Glibc
import Record

/// Packs the records of a block into one gzip member and writes it to its place in a file.
///
/// Up to 4 MiB of text the member is made in memory and written with one call; beyond that it is written piece by piece,
/// and its length is filled in last, so a crash leaves a member that counts as cut off. Memory stays under 10 MB. Syncing
/// is the caller's business. One thread at a time.
public final class BlockWriter {
  /// libdeflate's level 6 packs a municipality's records into 77 bytes each; isa-l's level 2 into 92, at almost six times
  /// the speed (5.1 and 0.9 µs a record of 535 bytes, measured in one run; libdeflate's level 1 takes 2.2 µs to the same end).
  /// isa-l's level 1 saves a twentieth of the time and takes a hundredth more room; its level 3 takes twice the time for
  /// nothing.
  public enum Effort: Sendable {
    case dense
    case fast
  }

  private var effort = Effort.dense
  private let dense: OpaquePointer
  private let fast = UnsafeMutablePointer<UInt8>.allocate(capacity: isal_room_bytes)
  private var text = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 64)
  private var textBytes = 0
  private var packed: [UInt8] = []
  private var streaming: Streaming?

  private var descriptor: Int32 = -1
  private var offset = 0
  private var path = ""
  /// Records in the block so far.
  public private(set) var records = 0

  public init() {
    guard let dense = libdeflate_alloc_compressor(6) else { fatalError("out of memory") }
    self.dense = dense
  }

  deinit {
    libdeflate_free_compressor(dense)
    fast.deallocate()
    text.deallocate()
  }

  /// Begins a block that will stand at `offset` of a file open for writing.
  public func begin(_ descriptor: Int32, at offset: Int, path: String, effort: Effort = .dense) {
    self.effort = effort
    self.descriptor = descriptor
    self.offset = offset
    self.path = path
    records = 0
    textBytes = 0
    streaming = nil
  }

  /// Takes the next record.
  /// - Parameter line: without its LF.
  public func append(_ line: Span<UInt8>) throws(ArchiveError) {
    precondition(records < Block.records, "a block holds 1,024 records")
    records += 1
    makeRoom(line.count + 1)
    line.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: text[textBytes...]).copyMemory(from: $0) }
    text[textBytes + line.count] = 0x0a
    textBytes += line.count + 1
    if textBytes > Block.wholeText { try spill() }
  }

  private func makeRoom(_ count: Int) {
    guard count > text.count - textBytes else { return }
    let larger = UnsafeMutableRawBufferPointer.allocate(
      byteCount: max(textBytes + count, min(2 * text.count, Block.wholeText + StrictJSON.maximumLine + 1)), alignment: 64)
    larger.copyMemory(from: taken)
    text.deallocate()
    text = larger
  }

  /// The records' lines.
  private var taken: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: text[0..<textBytes]) }

  /// Whether `finish` may be called again after it failed: the block is still whole in memory.
  public var canFinishAgain: Bool { streaming == nil }

  /// Writes what there is; without records an empty member, as a day without records has it.
  /// - Returns: the member's bytes in the file.
  public func finish() throws(ArchiveError) -> Int {
    if streaming != nil {
      try spill()
      guard let length = try streaming?.finish(descriptor, offset, path) else { return 0 }
      streaming = nil
      return length
    }
    let bound = Block.headerBytes + libdeflate_deflate_compress_bound(dense, textBytes) + Block.trailerBytes
    if packed.count < bound { packed = [UInt8](repeating: 0, count: bound) }
    let body = packText()
    let length = Block.headerBytes + body + Block.trailerBytes
    packed.replaceSubrange(0..<Block.headerBytes, with: Block.header(length: UInt32(length)))
    let crc = libdeflate_crc32(0, text.baseAddress, textBytes)
    packed.replaceSubrange(length - 8..<length, with: Block.littleEndian(crc) + Block.littleEndian(UInt32(textBytes)))
    let member = packed  // A span of a class's own array would not outlive the access to it.
    try Disk.write(descriptor, member.span.extracting(0..<length), at: offset, path: path)
    return length
  }

  /// The text as a deflate stream in its place in `packed`.
  /// - Returns: its length.
  private func packText() -> Int {
    packed.withUnsafeMutableBufferPointer { packed in
      guard let out = packed.baseAddress.map({ $0 + Block.headerBytes }) else { return 0 }
      let room = packed.count - Block.headerBytes - Block.trailerBytes
      if effort == .fast, let start = text.baseAddress?.assumingMemoryBound(to: UInt8.self) {
        let length = isal_pack(start, UInt32(textBytes), out, UInt32(room), fast)
        // What cannot be made smaller may not fit; the other packs it all the same.
        if length > 0 { return Int(length) }
      }
      let length = libdeflate_deflate_compress(dense, text.baseAddress, textBytes, out, room)
      precondition(length > 0, "libdeflate keeps to its bound")
      return length
    }
  }

  private func spill() throws(ArchiveError) {
    let streaming: Streaming
    if let s = self.streaming {
      streaming = s
    } else {
      streaming = Streaming(level: effort == .dense ? 6 : 1)
      self.streaming = streaming
      try Disk.write(descriptor, Block.header(length: Block.unknownLength).span, at: offset, path: path)
    }
    try streaming.add(taken, descriptor, offset, path)
    textBytes = 0
  }
}

/// A member too large to be held: zlib, straight to the file.
private final class Streaming {
  private let stream: UnsafeMutablePointer<z_stream>
  private var out = [UInt8](repeating: 0, count: 1 << 18)
  private var written = Block.headerBytes
  private var crc: UInt32 = 0
  private var bytes: UInt32 = 0

  init(level: Int32) {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    let result = deflateInit2_(stream, level, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
    guard result == Z_OK else { fatalError("out of memory") }
  }

  deinit {
    deflateEnd(stream)
    stream.deallocate()
  }

  func add(_ text: UnsafeRawBufferPointer, _ descriptor: Int32, _ offset: Int, _ path: String) throws(ArchiveError) {
    crc = libdeflate_crc32(crc, text.baseAddress, text.count)
    bytes &+= UInt32(truncatingIfNeeded: text.count)
    try run(text, Z_NO_FLUSH, descriptor, offset, path)
  }

  func finish(_ descriptor: Int32, _ offset: Int, _ path: String) throws(ArchiveError) -> Int {
    try run(UnsafeRawBufferPointer(start: nil, count: 0), Z_FINISH, descriptor, offset, path)
    try Disk.write(descriptor, (Block.littleEndian(crc) + Block.littleEndian(bytes)).span, at: offset + written, path: path)
    written += Block.trailerBytes
    try Disk.write(descriptor, Block.header(length: UInt32(truncatingIfNeeded: written)).span, at: offset, path: path)
    return written
  }

  private func run(_ text: UnsafeRawBufferPointer, _ flush: Int32, _ descriptor: Int32, _ offset: Int, _ path: String) throws(ArchiveError)
  {
    var done = 0
    while true {
      let (made, used, result) = step(text, from: done, flush)
      done += used
      if made > 0 {
        let out = out
        try Disk.write(descriptor, out.span.extracting(0..<made), at: offset + written, path: path)
        written += made
      }
      if flush == Z_FINISH ? result == Z_STREAM_END : done == text.count && made < out.count { return }
    }
  }

  private func step(_ text: UnsafeRawBufferPointer, from start: Int, _ flush: Int32) -> (made: Int, used: Int, result: Int32) {
    out.withUnsafeMutableBufferPointer { out in
      // zlib only reads what next_in points to.
      let next = text.baseAddress?.assumingMemoryBound(to: UInt8.self)
      stream.pointee.next_in = next.map { UnsafeMutablePointer(mutating: $0 + start) }
      stream.pointee.avail_in = UInt32(text.count - start)
      stream.pointee.next_out = out.baseAddress
      stream.pointee.avail_out = UInt32(out.count)
      let result = deflate(stream, flush)
      return (out.count - Int(stream.pointee.avail_out), text.count - start - Int(stream.pointee.avail_in), result)
    }
  }
}
