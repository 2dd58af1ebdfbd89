import Glibc
import Record

/// Reads a whole day as an auditor must: every record once, in order, every overlap compared, everything that does not
/// fit kept as a fault. Nothing a hostile folder holds makes memory grow past some MB, or a closed day be read beyond the
/// first record that its final seal does not cover.
public final class DayAudit {
  private let folder: DayFolder
  private let isFinal: Bool
  private let sealedRecords: Int
  private let sealedBytes: Int?

  private var blocks: BlockFile?
  private let decoder = BlockDecoder()
  private var block = -1
  private var blockRecords = 0
  private var blockBytes = 0
  /// Not reached yet, in order.
  private var waiting: [Int] = []
  private var lastTail: Int?
  private var active: [TailFile] = []
  /// What is cut off at an end; how bad that is depends on what is sealed.
  private var torn: [(path: String, detail: String)] = []
  private var prepared = false

  /// The number of the record that comes next.
  public private(set) var position = 0
  /// What was found beside the records themselves: `.malformed`, `.missing`, `.changed`, `.torn`.
  public private(set) var faults: [ArchiveError] = []

  /// - Parameters:
  ///   - isFinal: whether the day's final seal is there.
  ///   - sealedRecords: what its last seal covers.
  ///   - sealedBytes: of a closed day, the bytes that its final seal covers.
  public init(_ folder: DayFolder, isFinal: Bool, sealedRecords: Int, sealedBytes: Int?) {
    self.folder = folder
    self.isFinal = isFinal
    self.sealedRecords = sealedRecords
    self.sealedBytes = sealedBytes
  }

  /// Gives each record's number and line, without LF, until `body` returns false.
  /// - Throws: `ArchiveError` `.malformed` where a block cannot be read: what stands behind it is not known, and the
  ///   faults so far are all there are. `.system`; and what `body` throws.
  public func forEach(_ body: (Int, Span<UInt8>) throws -> Bool) throws {
    while let line = try nextLine() {
      let number = position
      position += 1
      guard try body(number, line.assumingMemoryBound(to: UInt8.self).span) else { break }
    }
    judgeEnds()
  }

  private func nextLine() throws(ArchiveError) -> UnsafeRawBufferPointer? {
    if !prepared { try prepare() }
    while let first = waiting.first, first <= position {
      waiting.removeFirst()
      try start(first)
    }
    var line = try nextOfBlocks()
    var ended: [Int] = []
    for (i, tail) in active.enumerated() {
      guard let other = try nextOf(tail) else {
        ended.append(i)
        continue
      }
      guard let mine = line else {
        line = other
        continue
      }
      if !tail.differs, !mine.elementsEqual(other) {
        tail.differs = true
        faults.append(ArchiveError(.changed, tail.name, "record \(position) is another here than in the block"))
      }
    }
    for i in ended.reversed() { active.remove(at: i) }
    if line == nil, let first = waiting.first {
      let kind: ArchiveError.Kind = position >= sealedRecords ? .torn : .missing
      let hint = kind == .missing ? "; if the day is still open, copy it again" : ""
      faults.append(ArchiveError(kind, folder.name(Layout.tail(first: first)), "records \(position) to \(first - 1) are not here" + hint))
      waiting = []
    }
    return line
  }

  private func prepare() throws(ArchiveError) {
    prepared = true
    waiting = try folder.tails().sorted()
    lastTail = waiting.last
    let name = folder.name(Layout.records)
    do throws(ArchiveError) {
      let file = try BlockFile(folder)
      if try file.file.size() == 0 {
        if isFinal { faults.append(ArchiveError(.malformed, name, "empty; a day without records is one empty member")) }
      } else {
        blocks = file
      }
    } catch {
      if error.kind == .malformed {
        faults.append(error)
      } else {
        guard error.code == ENOENT else { throw error }
        if isFinal { faults.append(ArchiveError(.missing, name, "not there")) }
      }
    }
  }

  private func start(_ first: Int) throws(ArchiveError) {
    do throws(ArchiveError) {
      let tail = try TailFile(folder, first: first)
      while tail.next < position, try tail.nextLine() != nil {}
      active.append(tail)
    } catch {
      switch error.kind {
      case .system(ENOENT): faults.append(ArchiveError(.missing, folder.name(Layout.tail(first: first)), "gone while the day was read"))
      case .malformed: faults.append(error)
      default: throw error
      }
    }
  }

  private func nextOfBlocks() throws(ArchiveError) -> UnsafeRawBufferPointer? {
    while let file = blocks {
      if block >= 0, let line = try decoder.nextLine(file.file) { return line }
      do throws(ArchiveError) {
        guard let member = try file.member(block + 1) else {
          blocks = nil
          break
        }
        guard block < 0 || decoder.records == Block.records else {
          throw ArchiveError(.malformed, file.file.name, "block \(block): \(decoder.records) records, and it is not the last")
        }
        // Some MB more than what is sealed, so that surplus records are told from damage.
        let limit = sealedBytes.map { min(max(0, $0 - blockBytes), .max - Block.wholeText) + Block.wholeText } ?? .max
        try decoder.open(file.file, member, block: block + 1, limit: limit)
        block += 1
        blockRecords += decoder.records
        blockBytes += decoder.textBytes
        if decoder.records == 0 {
          let size = try file.file.size()
          // A day without records. It stands open for a moment, between its block and its final seal.
          guard block == 0, size == member.length else { throw ArchiveError(.malformed, file.file.name, "block \(block): empty") }
        }
      } catch {
        guard error.kind == .torn else { throw error }
        blocks = nil
        if isFinal {
          faults.append(ArchiveError(.malformed, error.path, error.detail))
        } else {
          torn.append((error.path, error.detail))
        }
      }
    }
    return nil
  }

  private func nextOf(_ tail: TailFile) throws(ArchiveError) -> UnsafeRawBufferPointer? {
    do throws(ArchiveError) {
      if let line = try tail.nextLine() { return line }
    } catch {
      guard error.kind == .malformed else { throw error }
      faults.append(error)
      return nil
    }
    if tail.isTorn {
      if tail.first == lastTail {
        torn.append((tail.name, "the last line is cut off"))
      } else {
        faults.append(ArchiveError(.malformed, tail.name, "does not end with LF"))
      }
    }
    return nil
  }

  /// The day was read as far as it was asked for.
  private func judgeEnds() {
    if isFinal, position > blockRecords, blockRecords < sealedRecords {
      faults.append(ArchiveError(.malformed, folder.name, "a closed day's records lie in a tail"))
    }
    for (path, detail) in torn {
      faults.append(ArchiveError(position >= sealedRecords ? .torn : .missing, path, detail))
    }
  }
}
