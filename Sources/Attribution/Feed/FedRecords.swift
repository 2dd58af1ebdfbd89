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
  /// Of the plain sessions; those of `parts` are added when they are read.
  private(set) var keys: [UInt64] = []
  private(set) var received = BlockSummary.TimeRange()
  private(set) var happened = BlockSummary.TimeRange()
  /// What says more than a session's ends and times.
  private(set) var parts: [Part] = []
  private(set) var senders: [RecordFeed.Sender] = []
  private(set) var fields: [PlainEvent.Field] = []
  private(set) var text: [UInt8] = []

  struct Part: Sendable {
    /// Counted from `start`.
    var record: Int
    var content: Content
  }

  enum Content: Sendable {
    case event(PlainEvent)
    /// A whole record without the message it was made of: where it lies in `text`, and when the record before it was
    /// received, where that is one of these.
    case line(Range<Int>, previous: Moment?)
  }

  var day: CalendarDay { start.day }
  var first: Int { start.record }
  var end: RecordPosition { RecordPosition(day: day, record: first + count) }
  /// Of the memory it holds.
  var bytes: Int {
    keys.capacity * 8 + parts.capacity * MemoryLayout<Part>.stride + fields.capacity * MemoryLayout<PlainEvent.Field>.stride + text.capacity
  }

  /// Its memory is kept for the next.
  mutating func removeAll() {
    count = 0
    keys.removeAll(keepingCapacity: true)
    received = .init()
    happened = .init()
    parts.removeAll(keepingCapacity: true)
    senders.removeAll(keepingCapacity: true)
    fields.removeAll(keepingCapacity: true)
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
    let before = (keys: keys.count, happened: happened, parts: parts.count, fields: fields.count, text: text.count)
    for i in 0..<events.count {
      if PlainSession.add(event: i, of: events, to: &keys, &happened, received: time, sender: sender) { continue }
      let (fieldsStart, textStart) = (fields.count, text.count)
      if PlainEvent.add(event: i, of: events, to: &fields, &text) {
        if senders.last !== sender { senders.append(sender) }
        let event = PlainEvent(
          number: i, received: time, sender: senders.count - 1, fields: fieldsStart..<fields.count, text: textStart..<text.count)
        parts.append(Part(record: count, content: .event(event)))
        continue
      }
      keys.removeLast(keys.count - before.keys)
      happened = before.happened
      parts.removeLast(parts.count - before.parts)
      fields.removeLast(fields.count - before.fields)
      text.removeLast(text.count - before.text)
      let start = text.count
      text.append(line.extracting(0..<min(sender.head, list)))
      text.append(line.extracting(list..<line.count))
      keep(start)
      break
    }
    end(at: time)
  }

  /// A record of the collector about itself.
  mutating func add(notice line: Span<UInt8>, at time: Moment) {
    begin(at: time)
    let start = text.count
    text.append(line)
    keep(start)
    end(at: time)
  }

  private mutating func begin(at time: Moment) {
    if count == 0 { oldest = time }
    received.add(time)
  }

  private mutating func keep(_ start: Int) {
    parts.append(Part(record: count, content: .line(start..<text.count, previous: count == 0 ? nil : newest)))
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
    let (sendersOffset, textOffset, fieldsOffset) = (senders.count, text.count, fields.count)
    senders.append(contentsOf: more.senders)
    text.append(contentsOf: more.text)
    fields.append(contentsOf: more.fields)
    for part in more.parts {
      var content = part.content
      switch content {
      case .event(var event):
        event.sender += sendersOffset
        event.fields = event.fields.moved(by: fieldsOffset)
        event.text = event.text.moved(by: textOffset)
        content = .event(event)
      case .line(let range, let previous): content = .line(range.moved(by: textOffset), previous: previous ?? newest)
      }
      parts.append(Part(record: count + part.record, content: content))
    }
    received.add(more.received)
    happened.add(more.happened)
    newest = more.newest
    count += more.count
  }
}

extension Range<Int> {
  fileprivate func moved(by offset: Int) -> Self { lowerBound + offset..<upperBound + offset }
}
