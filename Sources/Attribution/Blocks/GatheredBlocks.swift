import Archive
import Record
import Synchronization

/// What the index's follower saw of whole blocks while it read their records, for whoever indexes the blocks: so a block is
/// unpacked and read once for both. What is not here is read from the block itself.
///
/// The follower adds on its thread; `take` may be called on another.
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

  private struct State {
    var ready: [Place: Block] = [:]
    var summary = BlockSummary()
    var day: CalendarDay?
    /// The record that must come next for the block at hand to be whole; -1 for none.
    var next = -1
  }

  /// Some megabytes of filters; whoever indexes comes by every second.
  private static let limit = 512
  private let state = Mutex(State())

  public init() {}

  /// Takes the next record that is read; only blocks that are read from their first record to their last count.
  func add(_ line: Span<UInt8>, _ record: RecordReading?, _ day: CalendarDay, _ number: Int) {
    state.withLock { state in
      if number % Archive.Block.records == 0 {
        state.summary = BlockSummary()
        state.day = day
        state.next = number
      }
      guard state.next == number, state.day == day else {
        state.next = -1
        return
      }
      state.summary.add(line, record)
      state.next += 1
      guard state.next % Archive.Block.records == 0 else { return }
      if state.ready.count >= Self.limit { state.ready.removeAll() }
      state.ready[Place(day: day, block: number / Archive.Block.records)] = Block(
        filter: BlockFilter.make(state.summary.distinct), received: state.summary.received, happened: state.summary.happened)
    }
  }

  /// Forgets all of it: events are read in another way from now on.
  public func discard() { state.withLock { $0 = State() } }

  func take(_ day: CalendarDay, _ block: Int) -> Block? {
    state.withLock { $0.ready.removeValue(forKey: Place(day: day, block: block)) }
  }
}
