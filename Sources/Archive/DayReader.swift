import Glibc
import Record

/// Reads a day's records in order, from any number on: of a closed day, of an open one, and of one that is being written
/// at this moment. Keep it and call `forEach` again to follow a growing day.
///
/// Tails are opened before the .gz is looked at, so whatever the writer moves meanwhile is in one of them: records are
/// neither lost nor given twice. Where blocks and tails overlap the block is read; comparing them is `DayAudit`'s work.
/// Holds one block and 64 KiB a tail in memory. One thread at a time.
public final class DayReader {
  private let folder: DayFolder
  /// The number of the record that comes next.
  public private(set) var position: Int
  private var tails: [Int: TailFile] = [:]
  private var blocks: BlockFile?
  private let decoder = BlockDecoder()
  private var source = Source.none
  private let known: (block: Int, offset: Int)?

  private enum Source {
    case none, block
    case tail(TailFile)
  }

  /// - Parameter known: a block not behind the first record's, and where it begins in the .gz, so that not every block
  ///   before it is hopped over.
  public init(_ folder: DayFolder, from first: Int = 0, known: (block: Int, offset: Int)? = nil) {
    precondition(first >= 0)
    self.folder = folder
    position = first
    self.known = known
  }

  /// Gives each record that is there now, its number and its line without LF, until `body` returns false.
  /// - Throws: `ArchiveError`: `.malformed`, `.missing` where records lack between block and tail, `.system`; and what
  ///   `body` throws.
  public func forEach(_ body: (Int, Span<UInt8>) throws -> Bool) throws {
    while let line = try nextLine() {
      let number = position
      position += 1
      let bytes = line.assumingMemoryBound(to: UInt8.self)
      guard try body(number, bytes.span) else { return }
    }
  }

  /// One record.
  /// - Returns: nil where the day has no such record.
  public static func record(_ number: Int, of folder: DayFolder) throws -> [UInt8]? {
    var found: [UInt8]?
    guard number >= 0 else { return nil }
    try DayReader(folder, from: number).forEach { _, line in
      found = line.array
      return false
    }
    return found
  }

  private func nextLine() throws(ArchiveError) -> UnsafeRawBufferPointer? {
    if let line = try lineOfSource() { return line }
    source = .none
    return try choose() ? try lineOfSource() : nil
  }

  private func lineOfSource() throws(ArchiveError) -> UnsafeRawBufferPointer? {
    switch source {
    case .none: return nil
    case .tail(let tail): return try tail.nextLine()
    case .block:
      guard let blocks else { return nil }
      return try decoder.nextLine(blocks.file)
    }
  }

  /// Finds where record `position` lies now.
  private func choose() throws(ArchiveError) -> Bool {
    try openTails()
    if try openBlock() { return true }
    for tail in tails.values.sorted(by: { $0.first > $1.first }) where tail.next <= position {
      while tail.next < position, try tail.nextLine() != nil {}
      guard tail.next == position, try tail.peek() != nil else { continue }
      source = .tail(tail)
      return true
    }
    if let first = tails.keys.filter({ $0 > position }).min() {
      throw ArchiveError(.missing, folder.name(Layout.tail(first: first)), "records \(position) to \(first - 1) are not here")
    }
    return false
  }

  private func openTails() throws(ArchiveError) {
    let listed = try folder.tails()
    // What has been moved into blocks and read to its end is let go.
    for (first, tail) in tails where !listed.contains(first) && tail.next <= position {
      if try tail.peek() == nil { tails[first] = nil }
    }
    for (first, tail) in tails where listed.contains(first) && tail.next == first {
      // A tail that a failed rotation left empty may have been made anew under its name.
      if try tail.peek() == nil { tails[first] = nil }
    }
    for first in listed where tails[first] == nil {
      do throws(ArchiveError) { tails[first] = try TailFile(folder, first: first) } catch {
        // Moved into a block since the folder was listed.
        guard error.code == ENOENT else { throw error }
      }
    }
  }

  private func openBlock() throws(ArchiveError) -> Bool {
    if blocks == nil {
      do throws(ArchiveError) { blocks = try BlockFile(folder) } catch {
        guard error.code == ENOENT else { throw error }
      }
      if let known { blocks?.begin(at: known.block, offset: known.offset) }
    }
    guard let blocks else { return false }
    let block = position / Block.records
    do throws(ArchiveError) {
      guard let member = try blocks.member(block) else { return false }
      try decoder.open(blocks.file, member, block: block)
    } catch {
      // Being written at this moment, or cut off by a crash: its records are still in a tail.
      guard error.kind == .torn else { throw error }
      return false
    }
    guard position % Block.records < decoder.records else { return false }
    for _ in 0..<position % Block.records { _ = try decoder.nextLine(blocks.file) }
    source = .block
    return true
  }
}
