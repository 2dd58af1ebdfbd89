import Record
import Syslog

/// A value that a field took from a message.
struct Capture: Sendable {
  enum Value: Sendable {
    case nothing
    case text
    /// What stands for the text.
    case word(StaticString)
    /// Bytes in the scratch.
    case hex(Range<Int>)
    case integer(Int)
    case ip(IPAddress)
    case prefix(IPPrefix)
    case mac(MACAddress)
    case time(DeviceTime)
    /// A range of the dialect's pool; empty: none.
    case constant(Range<Int>)
  }

  /// Raw value of the event field, 256 + number of the dialect's own name, -1 for none.
  var name: Int
  /// Where it stands in the message, or in `ValueTable.bytes`.
  var range: Range<Int>
  var value: Value
  /// Whether `range` lies in a value that was cut out of the message.
  var isOfValue = false
}

/// What matching works on; used for all messages of a thread, so that it allocates nothing.
struct MatchScratch: Sendable {
  private var captures: [Capture] = []
  private(set) var captureCount = 0
  /// Whether what is matched is a value that was cut out of the message.
  var readsValues = false
  /// Bytes of hexadecimal values.
  private(set) var bytes: [UInt8] = []
  /// How far the latest attempt came, and the node that did not match there (-1: more text than pattern).
  private(set) var failedAt = 0
  private(set) var failedNode = -1
  /// Steps taken since `reset`, for tests: matching must be linear.
  private(set) var steps = 0

  /// An optional part that is being tried; as many as `PatternCompiler.maximumOptionalDepth` may lie in each other.
  private struct Attempt {
    var skip: Int
    var at: Int
    var captures: Int
    var bytes: Int
  }
  private var attempts = InlineArray<8, Attempt>(repeating: Attempt(skip: 0, at: 0, captures: 0, bytes: 0))
  private var attemptCount = 0

  /// How the latest match stood before a node outside all optional parts, so that a pattern that begins like it goes on
  /// from there.
  private struct Checkpoint {
    var at: Int32 = 0
    var captures: Int32 = 0
    var failedAt: Int32 = 0
    /// From the pattern's first; -1: none.
    var failedNode: Int32 = -1
  }
  private var checkpoints = InlineArray<256, Checkpoint>(repeating: Checkpoint())
  /// The furthest of them.
  private var reached = 0

  init() {
    precondition(attempts.count >= PatternCompiler.maximumOptionalDepth && checkpoints.count >= PatternCompiler.maximumNodes)
    captures = Array(repeating: Capture(name: -1, range: 0..<0, value: .nothing), count: PatternCompiler.maximumNodes * 2)
    bytes.reserveCapacity(4096)
  }

  mutating func reset() {
    captureCount = 0
    readsValues = false
    bytes.removeAll(keepingCapacity: true)
    steps = 0
  }

  /// Forgets the captures behind the first `count`.
  mutating func keep(captures count: Int) { captureCount = min(captureCount, count) }

  /// The captures of what matched, in order: 0 to `captureCount`.
  func capture(_ index: Int) -> Capture { captures[index] }

  /// Matches nodes from a place on.
  /// - Parameters:
  ///   - toEnd: the message must end there, blanks apart.
  ///   - shared: how many of the nodes are those with which the latest match of this text began, at the same place.
  /// - Returns: the place behind what matched, nil where it does not; then `failedAt` says where.
  mutating func match(
    _ text: Span<UInt8>, at start: Int, _ dialect: Dialect, _ nodes: Range<Int>, toEnd: Bool, shared: Int = 0
  ) -> Int? {
    var at = start
    var i = nodes.lowerBound
    failedAt = start
    failedNode = -1
    attemptCount = 0
    let kept = captureCount
    if shared > 0 {
      let same = min(shared, reached)
      let checkpoint = checkpoints[same]
      at = Int(checkpoint.at)
      i += same
      captureCount = Int(checkpoint.captures)
      failedAt = Int(checkpoint.failedAt)
      failedNode = checkpoint.failedNode < 0 ? -1 : nodes.lowerBound + Int(checkpoint.failedNode)
    }
    let allNodes = dialect.nodes
    let poolBytes = dialect.pool
    let pool = poolBytes.span
    while i < nodes.upperBound {
      steps += 1
      if attemptCount == 0 {
        reached = i - nodes.lowerBound
        checkpoints[reached] = Checkpoint(
          at: Int32(truncatingIfNeeded: at), captures: Int32(truncatingIfNeeded: captureCount),
          failedAt: Int32(truncatingIfNeeded: failedAt), failedNode: Int32(truncatingIfNeeded: failedNode - nodes.lowerBound))
      }
      var matched = true
      switch allNodes[i].kind {
      case .optional:
        attempts[attemptCount] = Attempt(skip: allNodes[i].skip, at: at, captures: captureCount, bytes: bytes.count)
        attemptCount += 1
      case .optionalEnd: attemptCount -= 1
      case .literal:
        let literal = allNodes[i].literal
        let k = text.common(at: at, pool, literal)
        if k == literal.count {
          at += k
        } else {
          matched = false
          fail(at + k, i)
        }
      case .field:
        if let end = take(text, at, allNodes[i], pool) {
          at = end
        } else {
          matched = false
          fail(at, i)
        }
      }
      if matched {
        i += 1
        continue
      }
      guard attemptCount > 0 else {
        keep(captures: kept)
        return nil
      }
      attemptCount -= 1
      let attempt = attempts[attemptCount]
      at = attempt.at
      i = attempt.skip
      keep(captures: attempt.captures)
      while bytes.count > attempt.bytes { bytes.removeLast() }
    }
    guard toEnd else { return at }
    var end = at
    while end < text.count, text[end].isBlank { end += 1 }
    if end == text.count { return end }
    fail(end, -1)
    keep(captures: kept)
    return nil
  }

  /// The short way for a pattern that is one field: whether it reads the text from a place to its end. Where it does not,
  /// `match` tells why.
  mutating func takeWhole(_ text: Span<UInt8>, _ at: Int, _ dialect: Dialect, _ node: Int) -> Bool {
    let nodes = dialect.nodes
    guard nodes[node].kind == .field else { return false }
    steps += 1
    let kept = captureCount
    let pool = dialect.pool
    if take(text, at, nodes[node], pool.span) == text.count { return true }
    keep(captures: kept)
    return false
  }

  private mutating func fail(_ at: Int, _ node: Int) {
    if at >= failedAt { (failedAt, failedNode) = (at, node) }
  }

  // MARK: - Fields

  /// Reads one field.
  /// - Returns: the place behind it; nil where no value of its type stands there.
  private mutating func take(_ text: Span<UInt8>, _ at: Int, _ node: PatternNode, _ pool: Span<UInt8>) -> Int? {
    if let fallback = node.fallback {
      guard let end = fallback == .word ? wordEnd(text, at, node.until, pool) : textEnd(text, at, node.until, pool) else { return nil }
      // The value must fill the place; else what stands there is read over.
      if let (value, valueEnd) = value(text.extracting(0..<end), at, node, pool), valueEnd == end { put(node, at..<end, value) }
      return end
    }
    guard let (value, end) = value(text, at, node, pool) else { return nil }
    put(node, at..<end, value)
    return end
  }

  private mutating func put(_ node: PatternNode, _ range: Range<Int>, _ value: Capture.Value) {
    guard node.name >= 0 else { return }
    add(Capture(name: node.name, range: range, value: value, isOfValue: readsValues))
  }

  mutating func add(_ capture: Capture) {
    captures[captureCount] = capture
    captureCount += 1
  }

  private mutating func value(_ text: Span<UInt8>, _ at: Int, _ node: PatternNode, _ pool: Span<UInt8>) -> (Capture.Value, Int)? {
    switch node.type {
    case .word: return wordEnd(text, at, node.until, pool).map { (.text, $0) }
    case .text: return textEnd(text, at, node.until, pool).map { (.text, $0) }
    case .phrase: return phraseEnd(text, at, node.until, pool).map { (.text, $0) }
    case .rest:
      var end = text.count
      while end > at, text[end - 1].isBlank { end -= 1 }
      return (.text, end)
    case .blank:
      var end = at
      while end < text.count, text[end].isBlank { end += 1 }
      return end > at ? (.nothing, end) : nil
    case .integer:
      let negative = at < text.count && text[at] == 0x2d
      guard let (number, end) = number(text, negative ? at + 1 : at) else { return nil }
      if negative {
        // Only identifiers are ever negative: 32 bits that a program printed as signed.
        guard node.name < 0 || node.name >= 256 || node.name == Int(EventField.iaid.rawValue), number <= 1 << 31 else { return nil }
        return (.integer((1 << 32) - number), end)
      }
      return (.integer(number), end)
    case .port:
      guard let (number, end) = number(text, at), number <= 0xffff else { return nil }
      return (.integer(number), end)
    case .time: return (DeviceTime.iso(text, at: at, strict: false) ?? DeviceTime.slashed(text, at: at)).map { (.time($0.time), $0.end) }
    case .monthTime: return DeviceTime.month(text, at: at).map { (.time($0.time), $0.end) }
    case .americanTime: return DeviceTime.american(text, at: at).map { (.time($0.time), $0.end) }
    case .seconds, .milliseconds:
      guard var (number, end) = number(text, at) else { return nil }
      if node.type == .milliseconds { number /= 1000 }
      if end < text.count - 1, text[end] == 0x2e, text[end + 1].isDigit { end = digitsEnd(text, end + 1) }
      return (.integer(number), end)
    case .zonedTime: return DeviceTime.zoned(text, at: at).map { (.time($0.time), $0.end) }
    case .unixTime: return DeviceTime.unix(text, at: at).map { (.time($0.time), $0.end) }
    case .duration: return (clock(text, at) ?? duration(text, at)).map { (.integer($0.0), $0.1) }
    case .transport:
      var end = at
      while end < text.count, text[end].isLetter || text[end].isDigit || text[end] == 0x2d || text[end] == 0x5f { end += 1 }
      switch TransportProtocol.read(text.extracting(at..<end)) {
      case .known(let name): return (.word(name), end)
      case .unnamed: return (.nothing, end)
      case nil: return nil
      }
    case .ip, .ip4, .ip6, .prefix, .mac, .shortMAC, .hex:
      if let found = usual(text, at, node, pool) { return found }
      // The run of letters that such a value can have; a full stop or colon behind it may belong to the sentence.
      var end = at
      while end < text.count, end - at < 1024, isAddressByte(text[end], node.type) { end += 1 }
      if let found = address(text.extracting(at..<end), node.type) { return (found, end) }
      guard !node.until.isEmpty else { return nil }
      if end > at, text[end - 1] == 0x2e || text[end - 1] == 0x3a, pool[node.until.lowerBound] == text[end - 1],
        let found = address(text.extracting(at..<end - 1), node.type)
      {
        return (found, end - 1)
      }
      // What is behind it may look like more of it: 10.20.3.1:514, 00-1b-21-3a-4f-10:eduroam.
      switch node.type {
      case .ip, .ip4:
        end = at
        while end < text.count, text[end].isDigit || text[end] == 0x2e { end += 1 }
      case .mac: end = min(at + 17, text.count)
      default: return nil
      }
      guard begins(text, end, node.until, pool), let found = address(text.extracting(at..<end), node.type) else { return nil }
      return (found, end)
    }
  }

  /// One to 18 digits.
  @inline(__always) private func number(_ text: Span<UInt8>, _ at: Int) -> (Int, Int)? {
    let (number, end) = text.leadingDecimal(at: at)
    return end > at && end - at <= 18 ? (number, end) : nil
  }

  /// Addresses in their usual form, behind which nothing stands that could belong to them, or what the pattern has there.
  @inline(__always) private func usual(_ text: Span<UInt8>, _ at: Int, _ node: PatternNode, _ pool: Span<UInt8>) -> (Capture.Value, Int)? {
    switch node.type {
    case .ip, .ip4:
      guard let (v4, end) = IPAddress.leadingV4(text, at: at) else { return nil }
      if end < text.count, isAddressByte(text[end], node.type) {
        // 10.20.3.1:514
        guard !text[end].isDigit, text[end] != 0x2e, !node.until.isEmpty, begins(text, end, node.until, pool) else { return nil }
      }
      return (.ip(IPAddress(v4: v4)), end)
    case .mac, .shortMAC:
      guard let mac = MACAddress.leadingPairs(text, at: at), at + 17 == text.count || !isAddressByte(text[at + 17], node.type) else {
        return nil
      }
      return (.mac(mac), at + 17)
    default: return nil
    }
  }

  private func digitsEnd(_ text: Span<UInt8>, _ at: Int) -> Int {
    var end = at
    while end < text.count, text[end].isDigit { end += 1 }
    return end
  }

  private func isAddressByte(_ b: UInt8, _ type: FieldType) -> Bool {
    if b &- 0x30 < 11 || (b | 0x20) &- 0x61 < 6 { return true }  // digits, colon, a to f
    switch type {
    case .ip, .ip4, .ip6: return b == 0x2e
    case .prefix: return b == 0x2e || b == 0x2f
    case .mac, .shortMAC: return b == 0x2d || b == 0x2e
    default: return false
    }
  }

  private mutating func address(_ text: Span<UInt8>, _ type: FieldType) -> Capture.Value? {
    switch type {
    case .ip: return IPAddress(text: text).map { .ip($0) }
    case .ip4: return IPAddress(text: text).flatMap { $0.isV4 ? .ip($0) : nil }
    case .ip6: return IPAddress(text: text).flatMap { $0.isV4 ? nil : .ip($0) }
    case .prefix: return text.firstIndex(of: 0x2f) == nil ? nil : IPPrefix(text: text).map { .prefix($0) }
    // A byte of one digit may be one that was cut off; only BSD writes such.
    case .mac: return text.count == 17 || text.count == 14 || text.count == 12 ? MACAddress(text: text).map { .mac($0) } : nil
    case .shortMAC: return text.count < 11 ? nil : MACAddress(text: text).map { .mac($0) }
    default: return hex(text).map { .hex($0) }
    }
  }

  /// Two digits for each byte, colons between.
  private mutating func hex(_ text: Span<UInt8>) -> Range<Int>? {
    let start = bytes.count
    var byte: UInt8 = 0
    var digits = 0
    for i in text.indices {
      if let digit = text[i].hexValue, digits < 2 {
        byte = byte << 4 | digit
        digits += 1
      } else {
        guard text[i] == 0x3a, digits == 2 else { return undo(start) }
        bytes.append(byte)
        byte = 0
        digits = 0
      }
    }
    guard digits == 2 else { return undo(start) }
    bytes.append(byte)
    return start..<bytes.count
  }

  private mutating func undo(_ count: Int) -> Range<Int>? {
    while bytes.count > count { bytes.removeLast() }
    return nil
  }

  /// A word ends where the literal behind it begins for the first time, at a blank, or at the end. It is never empty.
  private func wordEnd(_ text: Span<UInt8>, _ at: Int, _ until: Range<Int>, _ pool: Span<UInt8>) -> Int? {
    let blanks = ByteSearch(0x20, 0x09)
    let search = until.isEmpty ? blanks : blanks.and(pool[until.lowerBound])
    var end = at
    while true {
      end = search.first(in: text, from: end)
      if end == text.count || text[end].isBlank || begins(text, end, until, pool) { return end > at ? end : nil }
      end += 1
    }
  }

  private func phraseEnd(_ text: Span<UInt8>, _ at: Int, _ until: Range<Int>, _ pool: Span<UInt8>) -> Int? {
    guard !until.isEmpty else { return nil }
    let search = ByteSearch(pool[until.lowerBound])
    var end = at
    while true {
      end = search.first(in: text, from: end)
      guard end <= text.count - until.count else { return nil }
      if begins(text, end, until, pool) { return end }
      end += 1
    }
  }

  /// Text ends where the literal behind it stands for the last time: what a client says about itself (a host name) may
  /// hold anything, also what looks like the rest of the line, but what follows in the line is the server's own.
  private func textEnd(_ text: Span<UInt8>, _ at: Int, _ until: Range<Int>, _ pool: Span<UInt8>) -> Int? {
    if until.isEmpty {
      var end = text.count
      while end > at, text[end - 1].isBlank { end -= 1 }
      return max(end, at)
    }
    var end = text.count - until.count
    while end >= at {
      if begins(text, end, until, pool) { return end }
      end -= 1
    }
    return nil
  }

  @inline(__always)
  private func begins(_ text: Span<UInt8>, _ at: Int, _ until: Range<Int>, _ pool: Span<UInt8>) -> Bool {
    guard until.count <= text.count - at, text[at] == pool[until.lowerBound] else { return false }
    for k in 1..<max(1, until.count) where text[at + k] != pool[until.lowerBound + k] { return false }
    return true
  }

  /// `0:01:07`, hours without limit, in seconds.
  private func clock(_ text: Span<UInt8>, _ start: Int) -> (Int, Int)? {
    var end = start
    while end < text.count, text[end].isDigit { end += 1 }
    guard let hours = text.extracting(start..<end).decimal, hours < 1 << 32, end <= text.count - 6, text[end] == 0x3a,
      text[end + 3] == 0x3a,
      let minutes = text.extracting(end + 1..<end + 3).decimal, let seconds = text.extracting(end + 4..<end + 6).decimal, minutes < 60,
      seconds < 60, end + 6 == text.count || !text[end + 6].isDigit
    else { return nil }
    return (hours * 3600 + minutes * 60 + seconds, end + 6)
  }

  /// `1 hrs 52 mins 15 secs`, `2 days`, `6735 seconds`: at most four parts, in seconds.
  private func duration(_ text: Span<UInt8>, _ start: Int) -> (Int, Int)? {
    var total = 0
    var at = start
    var end = start
    for _ in 0..<4 {
      var digits = at
      while digits < text.count, text[digits].isDigit { digits += 1 }
      guard digits < text.count, text[digits] == 0x20, let number = text.extracting(at..<digits).decimal, number < 1 << 40 else { break }
      var letters = digits + 1
      while letters < text.count, text[letters].isLetter { letters += 1 }
      let unit = text.extracting(digits + 1..<letters)
      let scale =
        unit.starts(with: "day") ? 86_400 : unit.starts(with: "hr") || unit.starts(with: "hour") ? 3600 : unit.starts(with: "min") ? 60 : 1
      guard scale > 1 || unit.starts(with: "sec") else { break }
      total += number * scale
      end = letters
      guard letters < text.count, text[letters] == 0x20 else { break }
      at = letters + 1
    }
    return end > start ? (total, end) : nil
  }
}

extension Span<UInt8> {
  /// How many bytes from a place on are those that stand in a range of another text.
  @inline(__always) fileprivate func common(at start: Int, _ other: Span<UInt8>, _ range: Range<Int>) -> Int {
    var k = 0
    while range.count - k >= 8, count - start - k >= 8 {
      let differs = word(at: start + k) ^ other.word(at: range.lowerBound + k)
      if differs != 0 { return k + differs.trailingZeroBitCount >> 3 }
      k += 8
    }
    let left = range.count - k
    if left > 0, count - start - k >= 8 {
      let differs = (word(at: start + k) ^ other.word(at: range.lowerBound + k, count: left)) & (.max >> UInt64(64 - 8 * left))
      return differs == 0 ? range.count : k + differs.trailingZeroBitCount >> 3
    }
    while k < range.count, k < count - start, self[start + k] == other[range.lowerBound + k] { k += 1 }
    return k
  }
}
