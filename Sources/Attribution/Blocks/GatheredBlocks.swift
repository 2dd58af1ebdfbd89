import Archive
import Record
import Synchronization

/// What the index's follower saw of whole blocks while it read their records, for whoever indexes the blocks: so a block is
/// unpacked and read once for both. What is not here is read from the block itself.
///
/// The follower puts in on its thread; `take` may be called on another.
public final class GatheredBlocks: Sendable {
  struct Block: Sendable {
    var filter: [UInt8]
    var received: BlockSummary.TimeRange
    var happened: BlockSummary.TimeRange
  }

  private struct Place: Hashable {
    var day: CalendarDay
    var block: Int
  }

  /// Some megabytes of filters; whoever indexes comes by every second.
  private static let limit = 512
  private let ready = Mutex<[Place: Block]>([:])

  public init() {}

  fileprivate func put(_ day: CalendarDay, _ block: Int, _ made: Block) {
    ready.withLock { ready in
      if ready.count >= Self.limit { ready.removeAll() }
      ready[Place(day: day, block: block)] = made
    }
  }

  /// Forgets all of it: events are read in another way from now on.
  public func discard() { ready.withLock { $0.removeAll() } }

  func take(_ day: CalendarDay, _ block: Int) -> Block? {
    ready.withLock { $0.removeValue(forKey: Place(day: day, block: block)) }
  }
}

/// The block that a follower is reading; only blocks that are read from their first record to their last count.
struct BlockGathering {
  private let blocks: GatheredBlocks
  private var summary = BlockSummary()
  private var day: CalendarDay?
  /// The record that must come next for the block at hand to be whole; -1 for none.
  private var next = -1

  init(into blocks: GatheredBlocks) { self.blocks = blocks }

  /// Takes the next record that is read.
  mutating func add(_ line: Span<UInt8>, _ record: RecordReading?, _ day: CalendarDay, _ number: Int) {
    guard begin(day, number) else { return }
    summary.add(line, record)
    end(day, 1)
  }

  /// Takes the next records, all of one block, as the writer gathered them; the events of their `parts` come between
  /// `begin` and this.
  mutating func end(_ fed: borrowing FedRecords) {
    summary.add(fed)
    end(fed.day, fed.count)
  }

  mutating func add(_ event: EventReading, of record: RecordReading) { summary.add(event, of: record) }
  mutating func addEvents(of record: RecordReading) { summary.addEvents(of: record) }

  /// - Returns: whether the records from that one on are of use.
  mutating func begin(_ day: CalendarDay, _ number: Int) -> Bool {
    if number % Archive.Block.records == 0 {
      summary.removeAll()
      self.day = day
      next = number
    }
    if next == number, self.day == day { return true }
    next = -1
    return false
  }

  private mutating func end(_ day: CalendarDay, _ count: Int) {
    next += count
    guard next % Archive.Block.records == 0 else { return }
    blocks.put(
      day, next / Archive.Block.records - 1,
      .init(filter: summary.filter(), received: summary.received, happened: summary.happened))
  }
}
