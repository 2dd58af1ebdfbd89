import Glibc
import Record

/// Messages on their way from a receiver to the writer: their bytes one behind the other, and what is known of each. There
/// is a fixed number of batches that go round, so memory is bounded and nothing is allocated for a message.
///
/// `@unchecked`: a batch has one owner at any time; owners change through a `Handover`.
final class Batch: @unchecked Sendable {
  struct Message {
    var offset: Int
    var length: Int
    /// The message's own length where it was longer than what is kept; `unended` where nobody knows it.
    var original: Int
    /// When it was received, since 1970.
    var microseconds: Int64
    var address: IPAddress
    var port: UInt16
    /// Tells a source's connections apart, also those of one address and port; 0 for none.
    var connection: UInt32 = 0
    /// Offset of the message in its file; -1 for none.
    var at = -1

    /// The original length of what the end of a connection or file cut off.
    static let unended = -1
  }

  /// Room for the longest datagram, many times.
  static let capacity = 1 << 20
  private static let mostMessages = 4096

  private let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: Batch.capacity, alignment: 64)
  private var used = 0
  private let known = UnsafeMutablePointer<Message>.allocate(capacity: Batch.mostMessages)
  private var count = 0
  /// The source that received it: whoever takes an empty batch puts itself here.
  var source: any MessageSource = Nowhere.source

  deinit {
    bytes.deallocate()
    known.deallocate()
  }

  /// Valid while the batch is not changed.
  var messages: UnsafeBufferPointer<Message> { UnsafeBufferPointer(start: known, count: count) }

  func removeAll() {
    used = 0
    count = 0
  }

  /// - Returns: false where there is no room; the message is not taken.
  func append(
    _ message: UnsafeRawBufferPointer, original: Int, microseconds: Int64, address: IPAddress, port: UInt16, connection: UInt32 = 0,
    at: Int = -1
  ) -> Bool {
    guard message.count <= bytes.count - used, count < Self.mostMessages else { return false }
    if let to = bytes.baseAddress, let from = message.baseAddress { memcpy(to + used, from, message.count) }
    (known + count).initialize(
      to: Message(
        offset: used, length: message.count, original: original, microseconds: microseconds, address: address, port: port,
        connection: connection, at: at))
    count += 1
    used += message.count
    return true
  }

  /// The bytes of a message, valid while the batch is not emptied.
  func withMessage<R>(_ message: Message, _ body: (Span<UInt8>) -> R) -> R {
    let slice = UnsafeRawBufferPointer(rebasing: bytes[message.offset..<message.offset + message.length])
    return body(slice.bindMemory(to: UInt8.self).span)
  }
}

/// The source of batches that nobody has taken yet.
private final class Nowhere: MessageSource {
  static let source = Nowhere()
  let via = Via.internal
  let name = "nowhere"
}
