import Archive
public import Record
import Synchronization

/// From the writer to the index, beside the archive: what the writer has in its hands anyhow while it makes a record is
/// what the index would read back from the disk. The disk stays what counts. A feed only saves reading: the follower takes
/// records from it where they begin exactly where it stands, and reads the disk for all others.
///
/// The writer never waits for the index and never asks the disk. What nobody has come for when the memory is full is
/// dropped, and nothing more is gathered until somebody comes.
public final class RecordFeed: Sendable {
  /// What is the same for all records of a sender.
  public final class Sender: Sendable {
    let via: Via
    let source: [UInt8]?
    let site: [UInt8]?
    /// Bytes of its records before the message.
    let head: Int
    /// The beginning of the keys of its sessions' numbers.
    let numbers: UInt64

    /// - Parameters:
    ///   - source: as in its records.
    ///   - site: the same; nil for the default one.
    ///   - members: of its records, from `RecordWriter.sender`.
    public init(via: Via, source: String?, site: String?, members: [UInt8]) {
      self.via = via
      self.source = source.map { Array($0.utf8) }
      self.site = site.map { Array($0.utf8) }
      head = RecordWriter.timeBytes + members.count
      numbers = BlockKey.numbers(site: Array((site ?? RecordLine.defaultSite).utf8), source: self.source)
    }
  }

  enum Next {
    case records(FedRecords)
    /// All that the writer has written was read.
    case upToDate
    /// The disk must be read; up to that record of the day, where the feed goes on there.
    case disk(until: Int?)
  }

  private struct State {
    var ready: [FedRecords] = []
    /// Emptied, for the writer.
    var spare: [FedRecords] = []
    /// Where the writer's next record will stand, as far as it said.
    var end: RecordPosition?
    var bytes = 0
  }

  /// Bytes that may wait to be taken, about.
  private static let limit = 6 << 20
  private static let spareLimit = 1 << 20
  private let state = Mutex(State())
  /// Whether anybody comes for what is gathered.
  private let isWanted = Atomic(false)
  /// Bytes of what waits, for `isPressed`.
  private let waiting = Atomic(0)
  /// Records that were taken, and those that were gathered in vain.
  let taken = Atomic(0)
  let dropped = Atomic(0)

  public init() {}

  /// Whether so much waits that it should be taken soon.
  public var isPressed: Bool { waiting.load(ordering: .relaxed) > Self.limit / 2 }

  // MARK: The writer's side

  var isOpen: Bool { isWanted.load(ordering: .relaxed) }

  /// Hands over what was written.
  /// - Parameters:
  ///   - records: placed where they were written; empty where nothing was gathered. Comes back empty.
  ///   - end: where the next record will stand.
  func give(_ records: inout FedRecords, end: RecordPosition) {
    state.withLock { state in
      state.end = end
      guard records.count > 0 else { return }
      if let last = state.ready.indices.last, state.ready[last].end == records.start, records.first % Block.records != 0 {
        state.bytes -= state.ready[last].bytes
        state.ready[last].append(records)
        state.bytes += state.ready[last].bytes
        records.removeAll()
      } else if state.bytes < Self.limit {
        state.bytes += records.bytes
        var next = state.spare.popLast() ?? FedRecords()
        swap(&records, &next)
        state.ready.append(next)
      } else {
        dropped.add(records.count, ordering: .relaxed)
        records.removeAll()
        isWanted.store(false, ordering: .relaxed)
      }
      waiting.store(state.bytes, ordering: .relaxed)
    }
  }

  // MARK: The follower's side

  /// What is to be read next by one that has read all before `place`.
  func next(at place: RecordPosition) -> Next {
    isWanted.store(true, ordering: .relaxed)
    return state.withLock { state in
      defer { waiting.store(state.bytes, ordering: .relaxed) }
      while let first = state.ready.first {
        let (start, end) = (first.start, first.end)
        if start > place { return .disk(until: start.day == place.day ? start.record : nil) }
        let records = state.ready.removeFirst()
        state.bytes -= records.bytes
        if start == place {
          taken.add(records.count, ordering: .relaxed)
          return .records(records)
        }
        dropped.add(records.count, ordering: .relaxed)
        Self.keep(records, &state)
        if end > place { return .disk(until: end.record) }
      }
      return state.end == place ? .upToDate : .disk(until: nil)
    }
  }

  /// Gives the memory back.
  func giveBack(_ records: consuming FedRecords) {
    let records = records
    state.withLock { Self.keep(records, &$0) }
  }

  private static func keep(_ records: consuming FedRecords, _ state: inout State) {
    var records = records
    guard records.bytes + state.spare.reduce(0, { $0 + $1.bytes }) <= spareLimit else { return }
    records.removeAll()
    state.spare.append(records)
  }
}

/// The writer's end of a feed: gathers while records are made, and hands over what was written. Owned by one thread.
public struct RecordGathering: Sendable {
  private let feed: RecordFeed
  private var records = FedRecords()
  private var isOpen = false

  public init(for feed: RecordFeed) { self.feed = feed }

  /// Ends a record's line, LF included.
  /// - Parameter start: where the line begins in `out`.
  public mutating func end(
    _ out: inout [UInt8], from start: Int, microseconds: Int64, sender: RecordFeed.Sender, events: borrowing EventList
  ) {
    let list = out.count
    RecordWriter.end(&out, events: events)
    guard isOpen else { return }
    records.add(
      out.span.extracting(start..<out.count), list: list - start, at: Moment(microseconds: microseconds), sender: sender, events: events)
  }

  /// Takes a record of the collector about itself, a whole line.
  public mutating func add(notice line: Span<UInt8>) {
    guard isOpen, let time = RecordTime.leading(line) else { return forget() }
    records.add(notice: line, at: Moment(time))
  }

  /// So many records were written; they are all that was gathered since the last call, or nothing was.
  /// - Parameter end: how many the day has now.
  public mutating func written(_ count: Int, day: CalendarDay, end: Int) {
    if records.count == count {
      records.place(RecordPosition(day: day, record: end - count))
    } else {
      records.removeAll()
    }
    feed.give(&records, end: RecordPosition(day: day, record: end))
    isOpen = feed.isOpen
  }

  /// What was gathered was not written.
  public mutating func forget() {
    records.removeAll()
    isOpen = false
  }
}
