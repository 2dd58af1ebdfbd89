import Record
import Synchronization

/// What the writer has put on disk and the keeper has not yet taken into blocks. The queue itself is the tail files: this
/// only says how far each of them is written, so a slow disk for blocks, a long seal or a burst of messages cost memory
/// nothing and lose nothing.
///
/// The writer appends; one keeper takes from the front.
public final class TailQueue: Sendable {
  /// A stretch of one tail file.
  public struct Segment: Sendable, Equatable {
    public var day: CalendarDay
    /// Number of the file's first record.
    public var first: Int
    /// Whole lines written so far, and their records.
    public var bytes: Int
    public var records: Int
    /// Nothing more will be written to it.
    public var isClosed: Bool
    /// It is the last of its day: a newer day has begun.
    public var endsDay: Bool
  }

  private let segments = Mutex<[Segment]>([])

  public init() {}

  /// The segments that are not taken yet, oldest first.
  public var waiting: [Segment] { segments.withLock { $0 } }

  /// Adds a stretch that recovery found, behind those that wait.
  public func enqueue(_ segment: Segment) { append(segment) }

  func append(_ segment: Segment) { segments.withLock { $0.append(segment) } }

  func update(bytes: Int, records: Int) {
    segments.withLock { segments in
      guard let last = segments.indices.last else { return }
      segments[last].bytes = bytes
      segments[last].records = records
    }
  }

  func close(endsDay: Bool) {
    segments.withLock { segments in
      guard let last = segments.indices.last else { return }
      segments[last].isClosed = true
      segments[last].endsDay = endsDay
    }
  }

  /// Takes the oldest segment out: its records are in blocks on disk.
  public func removeFirst() { segments.withLock { if !$0.isEmpty { $0.removeFirst() } } }
}
