public import Archive
import Record

/// Brings an index up to date with its archive. Live, after a restart, in `reindex` and for an auditor's copy it is this
/// one reading of the archive's records, from where the index stands.
public final class IndexFollower {
  public let index: Index
  private let archive: ArchiveFolder
  private let gathered: GatheredBlocks?
  private var day: CalendarDay?
  private var reader: DayReader?
  /// The head of the last line that was read (its time stands there), and its day's place.
  private var head: [UInt8] = []

  private var rereader: Rereader?

  /// - Parameters:
  ///   - rereading: nil takes all events as they are recorded; only for an index that is filled from nothing.
  ///   - gathered: gets what is seen of whole blocks.
  public init(_ index: Index, of archive: ArchiveFolder, rereading: Rereading? = nil, gathered: GatheredBlocks? = nil) {
    self.gathered = gathered
    self.index = index
    self.archive = archive
    rereader = rereading.map { Rereader($0, inOrder: true) }
  }

  /// Reads every record that is there and was not read yet, in transactions of bounded size.
  /// - Parameter records: at most so many; the rest is left for the next call.
  /// - Returns: how many it read.
  /// - Throws: `ArchiveError` where records cannot be read, `IndexError`. What was committed stays; nothing is half done.
  @discardableResult public func catchUp(records limit: Int = .max) throws -> Int {
    var read = 0
    do {
      while read < limit {
        guard try openDay() else { break }
        let before = read
        try readDay(&read, limit)
        if read == before, try !nextDay() { break }
      }
      try commit()
      // What comes from now on is read by today's dialects already.
      if read < limit { rereader = nil }
    } catch {
      try? index.rollback()
      reader = nil
      day = nil
      head = []
      throw error
    }
    return read
  }

  private func openDay() throws -> Bool {
    if reader != nil { return true }
    let days = try archive.days()
    let position = index.next
    // A day that retention has deleted is gone: go on behind it.
    guard let day = position.raw == 0 ? days.first : days.first(where: { $0 >= position.day }) else { return false }
    open(day, from: position.raw != 0 && day == position.day ? position.record : 0)
    return true
  }

  private func open(_ day: CalendarDay, from record: Int) {
    self.day = day
    reader = DayReader(archive.day(day), from: record)
  }

  /// The writer goes on to the next day with its first record there, and never back: so a day is over once a later one
  /// has a record, and what this one has then is all.
  private func nextDay() throws -> Bool {
    guard let day, let reader, let next = try archive.days().first(where: { $0 > day }) else { return false }
    guard try DayReader.record(0, of: archive.day(next)) != nil else { return try isPast(next) ? skip(to: next) : false }
    let position = reader.position
    var read = 0
    try readDay(&read, .max)
    if reader.position != position { return true }
    return skip(to: next)
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

  private func readDay(_ read: inout Int, _ limit: Int) throws {
    guard let day, let reader, read < limit else { return }
    var count = read
    defer { read = count }
    while true {
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
        count += 1
        full = index.isFull || count - before >= Self.recordsInTransaction
        return !full && count < limit
      }
      guard full else { return }
      try commit()
      if count >= limit { return }
    }
  }

  private func take(_ line: Span<UInt8>, at position: RecordPosition) throws {
    // Whoever indexes blocks needs the sessions too, which the index leaves in the archive.
    let isNeeded = gathered == nil ? RecordReading.matters(line) : RecordReading.hasEvents(line)
    let reading = isNeeded ? try? RecordReading(line) : nil
    gathered?.add(line, reading, position.day, position.record)
    if let reading, reading.matters { try index.apply(reading, at: position, previous: lastTime) }
  }

  /// When the record that was read last was received.
  private var lastTime: Moment? {
    guard !head.isEmpty else { return index.newest }
    return RecordTime.leading(head.span).map(Moment.init) ?? index.newest
  }

  private func commit() throws {
    guard let day, let reader else { return }
    try index.commit(next: RecordPosition(day: day, record: reader.position), oldest: oldest, newest: lastTime)
  }
}
