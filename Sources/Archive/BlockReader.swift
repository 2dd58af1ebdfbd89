import Record

/// Single blocks of a day, each read alone where its place in the .gz is known. One thread at a time.
public final class BlockReader {
  private let blocks: BlockFile
  private let decoder = BlockDecoder()
  /// Blocks that were unpacked since it was made.
  public private(set) var blocksRead = 0

  /// - Throws: `.system(ENOENT)` where the day has no block yet.
  public init(_ folder: DayFolder) throws(ArchiveError) { blocks = try BlockFile(folder) }

  /// Bytes that the .gz has now.
  public func size() throws(ArchiveError) -> Int { try blocks.file.size() }

  /// Where a block lies.
  /// - Parameter known: a block before it, or itself, and where that one begins, so that not every one is hopped over.
  /// - Returns: nil where it is not there, or not whole yet.
  public func place(_ block: Int, known: (block: Int, offset: Int)? = nil) throws(ArchiveError) -> (offset: Int, length: Int)? {
    if let known { blocks.begin(at: known.block, offset: known.offset) }
    do throws(ArchiveError) { return try blocks.member(block) } catch {
      guard error.kind == .torn else { throw error }
      return nil
    }
  }

  /// Every record of a block: its number in the day and its line without LF, until `body` returns false.
  /// - Throws: `.malformed` where there is no such block at that place; and what `body` throws.
  public func forEach(_ block: Int, at place: (offset: Int, length: Int), _ body: (Int, Span<UInt8>) throws -> Bool) throws {
    try decoder.open(blocks.file, place, block: block)
    blocksRead += 1
    var number = block * Block.records
    while let line = try decoder.nextLine(blocks.file) {
      let bytes = line.assumingMemoryBound(to: UInt8.self)
      guard try body(number, bytes.span) else { return }
      number += 1
    }
  }
}
