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

  private let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: Batch.capacity, alignment: 16)
  private var used = 0
  private(set) var messages: [Message] = []
  /// The source that received it: whoever takes an empty batch puts itself here.
  var source: any MessageSource = Nowhere.source

  init() {
    messages.reserveCapacity(4096)
  }

  deinit { bytes.deallocate() }

  func removeAll() {
    used = 0
    messages.removeAll(keepingCapacity: true)
  }

  /// - Returns: false where there is no room; the message is not taken.
  func append(
    _ message: UnsafeRawBufferPointer, original: Int, microseconds: Int64, address: IPAddress, port: UInt16, connection: UInt32 = 0,
    at: Int = -1
  ) -> Bool {
    guard message.count <= bytes.count - used, messages.count < 4096 else { return false }
    if let to = bytes.baseAddress, let from = message.baseAddress { memcpy(to + used, from, message.count) }
    messages.append(
      Message(
        offset: used, length: message.count, original: original, microseconds: microseconds, address: address, port: port,
        connection: connection, at: at))
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
