import Archive
import Record

/// Some records of one block that follow each other, as far as the indexes need them: what `IndexFollower` would make of
/// them if it read them from the disk.
struct FedRecords: Sendable {
  /// Where the first of them stands.
  private(set) var start = RecordPosition(raw: 0)
  private(set) var count = 0
  /// When the first and the last were received.
  private(set) var oldest = Moment(raw: 0)
  private(set) var newest = Moment(raw: 0)
  /// Of the records that are not in `lines`; those in `lines` give theirs when they are read.
  private(set) var keys: [UInt64] = []
  private(set) var received = BlockSummary.TimeRange()
  private(set) var happened = BlockSummary.TimeRange()
  /// Records that say more than a session's ends and times, without the message they were made of.
  private(set) var lines: [Line] = []
  private(set) var text: [UInt8] = []

  struct Line: Sendable {
    /// Counted from `start`.
    var record: Int
    /// In `text`.
    var range: Range<Int>
    /// When the record before it was received, where that is one of these.
    var previous: Moment?
  }

  var day: CalendarDay { start.day }
  var first: Int { start.record }
  var end: RecordPosition { RecordPosition(day: day, record: first + count) }
  /// Of the memory it holds.
  var bytes: Int { keys.capacity * 8 + lines.capacity * MemoryLayout<Line>.stride + text.capacity }

  /// Its memory is kept for the next.
  mutating func removeAll() {
    count = 0
    keys.removeAll(keepingCapacity: true)
    received = .init()
    happened = .init()
    lines.removeAll(keepingCapacity: true)
    text.removeAll(keepingCapacity: true)
  }

  // MARK: Gathering

  /// - Parameters:
  ///   - line: of the record, with its LF or without.
  ///   - list: where `,"events":` begins in it.
  mutating func add(
    _ line: Span<UInt8>, list: Int, at time: Moment, sender: RecordFeed.Sender, events: borrowing EventList
  ) {
    begin(at: time)
    let (keysBefore, happenedBefore) = (keys.count, happened)
    for i in 0..<events.count {
      if PlainSession.add(event: i, of: events, to: &keys, &happened, received: time, sender: sender) { continue }
      keys.removeLast(keys.count - keysBefore)
      happened = happenedBefore
      let start = text.count
      text.append(line.extracting(0..<min(sender.head, list)))
      text.append(line.extracting(list..<line.count))
      keep(start, at: time)
      break
    }
    end(at: time)
  }

  /// A record of the collector about itself.
  mutating func add(notice line: Span<UInt8>, at time: Moment) {
    begin(at: time)
    let start = text.count
    text.append(line)
    keep(start, at: time)
    end(at: time)
  }

  private mutating func begin(at time: Moment) {
    if count == 0 { oldest = time }
    received.add(time)
  }

  private mutating func keep(_ start: Int, at time: Moment) {
    lines.append(Line(record: count, range: start..<text.count, previous: count == 0 ? nil : newest))
  }

  private mutating func end(at time: Moment) {
    newest = time
    count += 1
  }

  /// Where the first stands is known once they are written.
  mutating func place(_ start: RecordPosition) { self.start = start }

  /// Takes in what follows.
  mutating func append(_ more: borrowing FedRecords) {
    keys.append(contentsOf: more.keys)
    let offset = text.count
    text.append(contentsOf: more.text)
    for line in more.lines {
      lines.append(
        Line(
          record: count + line.record, range: line.range.lowerBound + offset..<line.range.upperBound + offset,
          previous: line.previous ?? newest))
    }
    received.add(more.received)
    happened.add(more.happened)
    newest = more.newest
    count += more.count
  }
}
