public import Archive
import Glibc
import Record

/// Which blocks of an archive may hold a public address and port, an address, a MAC, a user or a host name: one small
/// derived file for each day (`BlockIndexFile`), beside the SQLite file.
///
/// NAT sessions do not go into SQLite: there may be tens of millions a day. A question for one selects days and blocks by
/// time, asks each block's filter, and reads those that may hold the answer; what is not in a block yet, or not indexed,
/// is read from the day itself. So an answer never depends on how far the files have come, only its speed does. A file that
/// is damaged, or of another log, day or version, is thrown away and made again.
///
/// One thread at a time builds; any number may ask beside it, each with an instance of its own.
public final class BlockIndex {
  private let folder: String
  private let archive: ArchiveFolder
  private let log: [UInt8]
  /// Blocks that questions to this instance unpacked, and records they read outside of indexed blocks.
  private(set) var blocksRead = 0
  private(set) var recordsReadBesides = 0

  /// Where building stands, as far as this instance knows.
  private enum Standing {
    case finished
    /// Entries that are there, where the next block lies, and how long the file is.
    case open(entries: Int, offset: Int, bytes: Int, received: BlockSummary.TimeRange, happened: BlockSummary.TimeRange)
  }
  private var standings: [CalendarDay: Standing] = [:]
  private var rereader: Rereader?
  private var isListed = false
  private let gathered: GatheredBlocks?

  /// - Parameters:
  ///   - folder: that of the log's indexes.
  ///   - rereading: nil takes all events as they are recorded.
  ///   - gathered: blocks that somebody has read already.
  public init(
    in folder: String, for archive: ArchiveFolder, logID: String, rereading: Rereading? = nil, gathered: GatheredBlocks? = nil
  ) {
    self.gathered = gathered
    self.folder = folder + "/blocks"
    self.archive = archive
    rereader = rereading.map { Rereader($0, inOrder: false) }
    log = Hex.bytes(lowerCase: logID) ?? []
  }

  func path(_ day: CalendarDay) -> String { "\(folder)/\(day).blocks" }

  /// Messages are read so from now on, and blocks that are indexed already are left as they are.
  public func use(_ rereading: Rereading?) { rereader = rereading.map { Rereader($0, inOrder: false) } }

  /// Throws all of it away.
  public func discard() throws {
    for entry in (try? folderEntries(folder)) ?? [] where entry.kind == .file { unlink(folder + "/" + entry.name) }
    standings.removeAll()
  }

  // MARK: - Building

  /// Indexes blocks that are not indexed yet.
  /// - Parameters:
  ///   - limit: at most so many; the rest is left for the next call.
  ///   - isBusy: whether blocks wait that would have to be unpacked for it.
  /// - Returns: how many it indexed.
  @discardableResult public func catchUp(blocks limit: Int = .max, isBusy: Bool = false) throws -> Int {
    for path in [String(folder.dropLast("/blocks".count)), folder] {
      guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw failure("mkdir", path) }
    }
    // Another process builds the same files: what it makes is as good.
    let lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard lock >= 0 else { throw failure("open", folder) }
    defer { close(lock) }
    if flock(lock, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK { return 0 }
    let days = try archive.days()
    try removeGone(days)
    var done = 0
    for day in days {
      // A question throws a damaged file away.
      if case .finished? = standings[day], access(path(day), F_OK) == 0 { continue }
      done += try build(day, isPast: day != days.last, limit - done, isBusy: isBusy)
      if done >= limit { break }
    }
    return done
  }

  /// Files of days that retention has deleted.
  private func removeGone(_ days: [CalendarDay]) throws {
    let there = Set(days)
    if !isListed {
      for entry in try folderEntries(folder) ?? [] {
        if let day = CalendarDay(String(entry.name.prefix(10))), there.contains(day) { continue }
        unlink(folder + "/" + entry.name)
      }
      isListed = true
    }
    for day in standings.keys where !there.contains(day) {
      unlink(path(day))
      standings[day] = nil
    }
  }

  private func build(_ day: CalendarDay, isPast: Bool, _ limit: Int, isBusy: Bool) throws -> Int {
    let reader: BlockReader
    // In this order: tails first. Where none is left, the blocks hold all there is.
    let tails = try archive.day(day).tails()
    do throws(ArchiveError) { reader = try BlockReader(archive.day(day)) } catch {
      guard error.code == ENOENT else { throw error }
      return 0
    }
    guard case .open(var entries, var offset, var bytes, var received, var happened) = try standing(day, reader) else { return 0 }
    let file = open(path(day), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW)
    guard file >= 0 else { throw failure("open", path(day)) }
    defer { close(file) }
    // What was written is known even where the next block fails.
    defer {
      if case .finished? = standings[day] {
      } else {
        standings[day] = .open(entries: entries, offset: offset, bytes: bytes, received: received, happened: happened)
      }
    }
    var done = 0
    while done < limit, let place = try reader.place(entries, known: (entries, offset)) {
      let block: GatheredBlocks.Block
      var records = Block.records
      if let known = gathered?.take(day, entries) {
        block = known
      } else if isBusy {
        break
      } else {
        var summary = BlockSummary()
        try reader.forEach(entries, at: place) { _, line in
          if let again = rereader?.read(line) { summary.add(again.span) } else { summary.add(line) }
          return true
        }
        records = summary.records
        block = .init(filter: summary.filter(), received: summary.received, happened: summary.happened)
      }
      // A short block is the last of a day that is over; one of an open day is not there.
      guard records == Block.records || isPast else { break }
      let entry = BlockIndexFile.Entry(
        offset: place.offset, length: place.length, records: records, received: block.received, happened: block.happened)
      let text = BlockIndexFile.bytes(entry, filter: block.filter)
      try write(text, to: file, day)
      bytes += text.count
      entries += 1
      offset = place.offset + place.length
      received.add(block.received)
      happened.add(block.happened)
      done += 1
    }
    guard done < limit, isPast, tails.isEmpty, try reader.size() == offset else { return done }
    let footer = BlockIndexFile.Footer(archiveBytes: offset, entries: entries, received: received, happened: happened)
    try write(BlockIndexFile.bytes(footer), to: file, day)
    standings[day] = .finished
    return done
  }

  /// Looks at the day's file; what cannot be used of it is cut off, or all of it made anew.
  private func standing(_ day: CalendarDay, _ reader: BlockReader) throws -> Standing {
    var status = stat()
    let isThere = lstat(path(day), &status) == 0
    if let known = standings[day], case .open(_, _, let bytes, _, _) = known, isThere, status.st_size == bytes { return known }
    var scan = Scan()
    if isThere, (try? scan.read(path(day), day, log, body: { _, _, _ in })) != nil {
      let size = try reader.size()
      if let footer = scan.footer {
        if footer.archiveBytes == size, footer.entries == scan.entries {
          standings[day] = .finished
          return .finished
        }
      } else if scan.offset <= size {
        guard truncate(path(day), scan.bytes) == 0 else { throw failure("truncate", path(day)) }
        return .open(entries: scan.entries, offset: scan.offset, bytes: scan.bytes, received: scan.received, happened: scan.happened)
      }
    }
    unlink(path(day))
    let file = open(path(day), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard file >= 0 else { throw failure("open", path(day)) }
    defer { close(file) }
    try write(BlockIndexFile.header(day: day, log: log), to: file, day)
    return .open(entries: 0, offset: 0, bytes: BlockIndexFile.headerBytes, received: .init(), happened: .init())
  }

  private func write(_ bytes: [UInt8], to file: Int32, _ day: CalendarDay) throws(IndexError) {
    let n = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
    guard n == bytes.count else {
      // Half of an entry is cut off when it is looked at again.
      standings[day] = nil
      throw failure("write", path(day))
    }
  }

  private func failure(_ call: String, _ path: String) -> IndexError {
    IndexError(.system, path, "\(call): \(String(cString: strerror(errno)))")
  }

  // MARK: - Asking

  /// One record of the archive as it is read today; nil where it is gone.
  func record(_ position: RecordPosition) throws -> [UInt8]? {
    do {
      guard let line = try DayReader.record(position.record, of: archive.day(position.day)) else { return nil }
      return rereader?.read(line.span) ?? line
    } catch let error as ArchiveError
      where error.code == ENOENT
    {
      return nil
    }
  }

  /// Gives the records that may have one of the keys and be of that time, in the archive's order, with others among them;
  /// whoever asks looks at each. Days and blocks that cannot hold one are not read.
  /// - Parameters:
  ///   - keys: hashes of `BlockKey`.
  ///   - span: microseconds; of the receipt or of what happened, sessions from their beginning to their end.
  ///   - hint: stands in a message that is worth reading again; nil for any.
  ///   - body: is given the record as it is read today, and as it is in the archive; returns false where it needs no more.
  func forEach(
    _ keys: [UInt64], in span: ClosedRange<Int64>, hint: [UInt8]? = nil,
    _ body: (RecordPosition, Span<UInt8>, _ recorded: Span<UInt8>) throws -> Bool
  ) throws {
    for day in try archive.days() {
      let goesOn = try forEach(day, keys, span) { position, line in
        if hint.map({ RecordReading.holds($0, line) }) ?? true, let again = rereader?.read(line) {
          return try body(position, again.span, line)
        }
        return try body(position, line, line)
      }
      guard goesOn else { return }
    }
  }

  private func forEach(
    _ day: CalendarDay, _ keys: [UInt64], _ span: ClosedRange<Int64>, _ body: (RecordPosition, Span<UInt8>) throws -> Bool
  ) throws -> Bool {
    let folder = archive.day(day)
    var hits: [(block: Int, place: (offset: Int, length: Int))] = []
    var scan = Scan()
    do {
      try scan.read(path(day), day, log, unless: { !$0.mayHold(span) }) { block, entry, filter in
        guard entry.mayHold(span), keys.contains(where: { BlockFilter.mayHold($0, filter) }) else { return }
        hits.append((block, (entry.offset, entry.length)))
      }
      if scan.isSkipped { return true }
    } catch {
      // Made again by whoever builds; what it holds up to there is whole.
      if !(error is ArchiveError) { unlink(path(day)) }
    }
    var read: Set<Int> = []
    var goesOn = true
    do {
      let reader = hits.isEmpty ? nil : try BlockReader(folder)
      defer { blocksRead += reader?.blocksRead ?? 0 }
      for hit in hits where goesOn {
        try reader?.forEach(hit.block, at: hit.place) { number, line in
          goesOn = try body(RecordPosition(day: day, record: number), line)
          return goesOn
        }
        read.insert(hit.block)
      }
    } catch let error as ArchiveError where error.kind == .malformed || error.kind == .torn {
      // The file speaks of another .gz than is there. If this one is broken, reading it says so.
      unlink(path(day))
      scan = Scan()
    } catch let error as ArchiveError where error.code == ENOENT {
      return true  // Deleted meanwhile.
    }
    guard goesOn, scan.footer == nil else { return goesOn }
    do {
      let rest = DayReader(folder, from: scan.entries * Block.records, known: scan.entries > 0 ? (scan.entries, scan.offset) : nil)
      try rest.forEach { number, line in
        recordsReadBesides += 1
        if read.contains(number / Block.records), number / Block.records >= scan.entries { return true }
        goesOn = try body(RecordPosition(day: day, record: number), line)
        return goesOn
      }
    } catch let error as ArchiveError where error.code == ENOENT {}
    return goesOn
  }

  /// Reads a day's file from front to back.
  struct Scan {
    var entries = 0
    /// Where the block behind the last entry lies.
    var offset = 0
    /// Bytes of the file up to there.
    var bytes = 0
    var footer: BlockIndexFile.Footer?
    var received = BlockSummary.TimeRange()
    var happened = BlockSummary.TimeRange()
    /// The day as a whole was not wanted: its entries were not read.
    var isSkipped = false

    static let chunk = 1 << 20

    /// - Parameter unless: sees the footer of a closed day first; true leaves its entries unread.
    /// - Throws: `Malformed` where the file is damaged; `ArchiveError` where it is not there. What was read until then stays.
    mutating func read(
      _ path: String, _ day: CalendarDay, _ log: [UInt8], unless: (BlockIndexFile.Footer) -> Bool = { _ in false },
      body: (Int, BlockIndexFile.Entry, Span<UInt8>) -> Void
    ) throws {
      let file = try RegularFile(path)
      let size = try file.size()
      var buffer = [UInt8](repeating: 0, count: BlockIndexFile.headerBytes)
      guard try buffer.withUnsafeMutableBytes({ try file.read(into: $0, at: 0) }) == buffer.count else {
        throw Malformed(offset: 0, field: "the header of the day's block index")
      }
      try BlockIndexFile.check(header: buffer.span, day: day, log: log)
      bytes = buffer.count
      if size >= bytes + BlockIndexFile.entryBytes {
        var end = [UInt8](repeating: 0, count: BlockIndexFile.entryBytes)
        let n = try end.withUnsafeMutableBytes { try file.read(into: $0, at: size - BlockIndexFile.entryBytes) }
        if n == end.count, case (.footer(let footer), _)? = try? BlockIndexFile.part(end.span, at: 0), unless(footer) {
          self.footer = footer
          isSkipped = true
          return
        }
      }
      var want = Self.chunk
      while bytes < size {
        buffer = [UInt8](repeating: 0, count: min(want, size - bytes))
        let filled = try buffer.withUnsafeMutableBytes { try file.read(into: $0, at: bytes) }
        let span = buffer.span.extracting(0..<filled)
        var at = 0
        while let (part, next) = try BlockIndexFile.part(span, at: at) {
          switch part {
          case .entry(let entry, let filter):
            guard footer == nil, entry.offset == offset else { throw Malformed(offset: bytes, field: "entries in a row") }
            body(entries, entry, span.extracting(filter))
            entries += 1
            offset = entry.offset + entry.length
            received.add(entry.received)
            happened.add(entry.happened)
          case .footer(let end):
            guard end.entries == entries, end.archiveBytes == offset else { throw Malformed(offset: bytes, field: "a footer that fits") }
            footer = end
          }
          bytes += next - at
          at = next
        }
        // Half an entry at the end of what was read: more is wanted, or it is being written.
        if at == 0 {
          guard filled == buffer.count, bytes + filled < size else { return }
          want *= 2
        } else {
          want = Self.chunk
        }
      }
    }
  }
}
