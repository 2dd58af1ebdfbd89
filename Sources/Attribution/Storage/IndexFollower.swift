public import Archive
import Record

/// Brings an index up to date with its archive. Live, after a restart, in `reindex` and for an auditor's copy it is this
/// one reading of the archive's records, from where the index stands. Where the writer is beside it in one process, it
/// takes from the `RecordFeed` what it need not read.
public final class IndexFollower {
  public let index: Index
  private let archive: ArchiveFolder
  private let feed: RecordFeed?
  @exclusivity(unchecked) private var gathering: BlockGathering?
  private var day: CalendarDay?
  /// The day's record that is read next.
  private var record = 0
  /// Stands at `record`; nil where the disk was not read last.
  private var reader: DayReader?
  /// The head of the last line that was read from the disk: its time stands there.
  private var head: [UInt8] = []
  /// When the record that was read last was received, where that was not read from the disk.
  private var fedTime: Moment?

  private var rereader: Rereader?

  /// - Parameters:
  ///   - rereading: nil takes all events as they are recorded; only for an index that is filled from nothing.
  ///   - gathered: gets what is seen of whole blocks.
  ///   - feed: of whoever writes the archive.
  public init(
    _ index: Index, of archive: ArchiveFolder, rereading: Rereading? = nil, gathered: GatheredBlocks? = nil, feed: RecordFeed? = nil
  ) {
    gathering = gathered.map { BlockGathering(into: $0) }
    self.feed = feed
    self.index = index
    self.archive = archive
    rereader = rereading.map { Rereader($0, inOrder: true) }
  }

  /// Reads every record that is there and was not read yet, in transactions of bounded size.
  /// - Parameters:
  ///   - limit: about so many at most; the rest is left for the next call.
  ///   - isLazy: what was read may be committed by a later call, if it is not much: a row costs least among many.
  /// - Returns: how many it read.
  /// - Throws: `ArchiveError` where records cannot be read, `IndexError`. What was committed stays; nothing is half done.
  @discardableResult public func catchUp(records limit: Int = .max, isLazy: Bool = false) throws -> Int {
    var read = 0
    do {
      reading: while read < limit {
        guard try openDay() else { break }
        switch next() {
        case .upToDate: break reading
        case .records(let fed):
          try take(fed)
          read += fed.count
          if index.isFull { try commit() }
          feed?.giveBack(fed)
        case .disk(let end):
          let before = read
          try readDay(&read, limit, until: end)
          if read == before, try !nextDay() { break reading }
        }
      }
      // A transaction that has begun is not left open: another program may be waiting to write.
      if !isLazy || index.isWriting { try commit() }
      // What comes from now on is read by today's dialects already.
      if read < limit { rereader = nil }
    } catch {
      try? index.rollback()
      reader = nil
      day = nil
      head = []
      fedTime = nil
      throw error
    }
    return read
  }

  /// Who reads messages again needs all of them.
  private func next() -> RecordFeed.Next {
    guard let feed, let day, rereader == nil else { return .disk(until: nil) }
    return feed.next(at: RecordPosition(day: day, record: record))
  }

  private func openDay() throws -> Bool {
    if day != nil { return true }
    let days = try archive.days()
    let position = index.next
    // A day that retention has deleted is gone: go on behind it.
    guard let day = position.raw == 0 ? days.first : days.first(where: { $0 >= position.day }) else { return false }
    open(day, from: position.raw != 0 && day == position.day ? position.record : 0)
    return true
  }

  private func open(_ day: CalendarDay, from record: Int) {
    self.day = day
    self.record = record
    reader = nil
  }

  /// The writer goes on to the next day with its first record there, and never back: so a day is over once a later one
  /// has a record, and what this one has then is all.
  private func nextDay() throws -> Bool {
    guard let day, let next = try archive.days().first(where: { $0 > day }) else { return false }
    guard try DayReader.record(0, of: archive.day(next)) != nil else { return try isPast(next) ? skip(to: next) : false }
    var read = 0
    try readDay(&read, .max)
    return read > 0 ? true : skip(to: next)
  }

  /// Whether a day without a record is followed by another, so that there will never be one.
  private func isPast(_ empty: CalendarDay) throws -> Bool {
    for later in try archive.days() where later > empty { if try DayReader.record(0, of: archive.day(later)) != nil { return true } }
    return false
  }

  private func skip(to next: CalendarDay) -> Bool {
    open(next, from: 0)
    return true
  }

  private var oldest: Moment?
  /// So that little is read again where a long reading is broken off.
  private static let recordsInTransaction = 2_000_000

  /// - Parameter end: the record before which to stop; nil reads all there is.
  private func readDay(_ read: inout Int, _ limit: Int, until end: Int? = nil) throws {
    guard let day, read < limit else { return }
    let reader = self.reader ?? DayReader(archive.day(day), from: record)
    self.reader = reader
    let limit = end.map { min(limit, read + max(0, $0 - record)) } ?? limit
    var count = read
    defer { read = count }
    while count < limit {
      var full = false
      let before = count
      try reader.forEach { number, line in
        let position = RecordPosition(day: day, record: number)
        if let again = rereader?.read(line) {
          try take(again.span, at: position)
        } else {
          try take(line, at: position)
        }
        head.removeAll(keepingCapacity: true)
        head.append(line.extracting(0..<min(line.count, 43)))
        if oldest == nil { oldest = lastTime }
        record = number + 1
        count += 1
        full = index.isFull || count - before >= Self.recordsInTransaction
        return !full && count < limit
      }
      guard full else { return }
      try commit()
    }
  }

  private func take(_ line: Span<UInt8>, at position: RecordPosition) throws {
    // Whoever indexes blocks needs the sessions too, which the index leaves in the archive.
    let isNeeded = gathering == nil ? RecordReading.matters(line) : RecordReading.hasEvents(line)
    let reading = isNeeded ? try? RecordReading(line) : nil
    gathering?.add(line, reading, position.day, position.record)
    if let reading, reading.matters { try index.apply(reading, at: position, previous: lastTime) }
  }

  /// What the writer gathered of the next records.
  private func take(_ fed: FedRecords) throws {
    let isGathered = gathering?.begin(fed.day, fed.first) ?? false
    for part in fed.parts {
      let position = RecordPosition(day: fed.day, record: fed.first + part.record)
      switch part.content {
      case .event(let event):
        let record = RecordReading(time: event.received, sender: fed.senders[event.sender])
        let reading = EventReading(event, of: fed)
        if isGathered { gathering?.add(reading, of: record) }
        try index.apply(reading, of: record, at: position)
      case .line(let range, let previous):
        guard let reading = try? RecordReading(fed.text.span.extracting(range)) else { continue }
        if isGathered { gathering?.addEvents(of: reading) }
        if reading.matters { try index.apply(reading, at: position, previous: previous ?? lastTime) }
      }
    }
    if isGathered { gathering?.end(fed) }
    if oldest == nil { oldest = fed.oldest }
    reader = nil
    head.removeAll(keepingCapacity: true)
    fedTime = fed.newest
    record += fed.count
  }

  /// When the record that was read last was received.
  private var lastTime: Moment? {
    guard !head.isEmpty else { return fedTime ?? index.newest }
    return RecordTime.leading(head.span).map(Moment.init) ?? index.newest
  }

  private func commit() throws {
    guard let day else { return }
    try index.commit(next: RecordPosition(day: day, record: record), oldest: oldest, newest: lastTime)
  }
}
