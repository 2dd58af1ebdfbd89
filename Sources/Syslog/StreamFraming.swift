import Record

/// Cuts what comes over a connection into messages (RFC 6587), whichever way the stream is cut into pieces on its way.
///
/// Each frame says by its first byte what it is, so a sender may change its mind: a digit from 1 to 9 begins a count
/// (octet counting, section 3.4.1; the only framing over TLS, RFC 5425 section 4.3), anything else a line (non-transparent framing,
/// section 3.4.2), which ends at LF, CR LF or NUL. Empty lines are no messages. A number that cannot be a count (no space behind it, or
/// more than `maximumFrame`) is the beginning of a line: nothing of it is lost, and nothing is allocated for it.
///
/// Holds at most `keptBytes` of the one frame that has begun; every byte is looked at twice at most.
public struct StreamFraming: Sendable {
  /// No count says more. Text that begins with a date (`20261120 …`) is not taken for a frame of twenty megabytes.
  public static let maximumFrame = 1 << 20
  /// The original length of a message that the end of the connection cut off.
  public static let unended = -1
  /// What an idle connection may hold on to.
  private static let retainedCapacity = 4096

  private enum State { case between, count, octets, line }

  private let keptBytes: Int
  private var state = State.between
  /// The frame that has begun, as far as it came with earlier pieces and is kept; the digits of a count while they come.
  private var pending: [UInt8] = []
  /// Bytes of the frame that came with earlier pieces, also those that are not kept.
  private var length = 0
  /// The count so far; then how many of its bytes have not come yet.
  private var remaining = 0
  private var endsInCarriageReturn = false
  /// Frames that began like a count and were not one.
  public private(set) var misframed = 0
  /// Bytes looked at, for tests.
  private(set) var steps = 0

  /// - Parameter keptBytes: of a longer message the rest is read over, and counted in its original length.
  public init(keptBytes: Int) { self.keptBytes = keptBytes }

  /// Whether a frame has begun that has not ended.
  public var isInside: Bool { state != .between }

  /// Takes the stream's next bytes.
  /// - Parameter message: gets each message that ends in them, and its original length.
  public mutating func read(_ bytes: Span<UInt8>, message: (Span<UInt8>, Int) -> Void) {
    var at = 0
    while at < bytes.count {
      switch state {
      case .between: at = begin(bytes, at)
      case .count: at = readCount(bytes, at)
      case .octets: at = readOctets(bytes, at, message)
      case .line: at = readLine(bytes, at, message)
      }
    }
  }

  /// The stream has ended: what it cut off is a message too, of unknown length.
  public mutating func end(message: (Span<UInt8>, Int) -> Void) {
    if state != .between { message(pending.span, Self.unended) }
    finish()
  }

  private mutating func begin(_ bytes: Span<UInt8>, _ at: Int) -> Int {
    steps &+= 1
    let first = bytes[at]
    guard first != 0x0a, first != 0x00 else { return at + 1 }
    state = first.isDigit && first != 0x30 ? .count : .line
    return at
  }

  private mutating func readCount(_ bytes: Span<UInt8>, _ start: Int) -> Int {
    var at = start
    while at < bytes.count, bytes[at].isDigit, remaining <= Self.maximumFrame {
      remaining = remaining * 10 + Int(bytes[at] &- 0x30)
      at += 1
    }
    steps &+= at - start
    if remaining <= Self.maximumFrame {
      guard at < bytes.count else {
        pending.append(bytes.extracting(start..<at))
        return at
      }
      if bytes[at] == 0x20 {
        pending.removeAll(keepingCapacity: true)
        state = .octets
        return at + 1
      }
    }
    misframed &+= 1
    remaining = 0
    length = pending.count
    state = .line
    return start
  }

  private mutating func readOctets(_ bytes: Span<UInt8>, _ start: Int, _ message: (Span<UInt8>, Int) -> Void) -> Int {
    let end = start + min(remaining, bytes.count - start)
    steps &+= 1
    if length == 0, end - start == remaining {
      message(bytes.extracting(start..<start + min(remaining, keptBytes)), remaining)
      finish()
      return end
    }
    keep(bytes.extracting(start..<end))
    remaining -= end - start
    if remaining == 0 {
      message(pending.span, length)
      finish()
    }
    return end
  }

  private mutating func readLine(_ bytes: Span<UInt8>, _ start: Int, _ message: (Span<UInt8>, Int) -> Void) -> Int {
    var end = start
    while end < bytes.count, bytes[end] != 0x0a, bytes[end] != 0x00 { end += 1 }
    steps &+= end - start
    guard end < bytes.count else {
      keep(bytes.extracting(start..<end))
      return end
    }
    // The CR before a LF belongs to the frame's end (design section 12.21).
    let isLineFeed = bytes[end] == 0x0a
    if length == 0 {
      let whole = isLineFeed && end > start && bytes[end - 1] == 0x0d ? end - 1 - start : end - start
      if whole > 0 { message(bytes.extracting(start..<start + min(whole, keptBytes)), whole) }
    } else {
      keep(bytes.extracting(start..<end))
      let whole = isLineFeed && endsInCarriageReturn ? length - 1 : length
      if pending.count > whole { pending.removeLast() }
      if whole > 0 { message(pending.span, whole) }
    }
    finish()
    return end + 1
  }

  private mutating func keep(_ bytes: Span<UInt8>) {
    guard !bytes.isEmpty else { return }
    let room = keptBytes - pending.count
    if room > 0 { pending.append(bytes.extracting(0..<min(room, bytes.count))) }
    length &+= bytes.count
    endsInCarriageReturn = bytes[bytes.count - 1] == 0x0d
  }

  private mutating func finish() {
    state = .between
    if pending.capacity > Self.retainedCapacity { pending = [] } else { pending.removeAll(keepingCapacity: true) }
    length = 0
    remaining = 0
    endsInCarriageReturn = false
  }
}
