/// The events that a decoder read from one message, on their way into the record's line. One list is used for all
/// messages of a thread: emptying it keeps its memory, so that reading a message allocates nothing.
///
///     events.begin(.lease, action: "assign")
///     events.set(.ip, address)
///     events.commit()          // or events.cancel(): as if begin had not been called
public struct EventList: Sendable {
  public enum Value: Sendable {
    /// UTF-8 in the list's own bytes.
    case text(Range<Int>)
    /// Bytes in the list's own bytes, written as lower-case hexadecimal with colons.
    case hex(Range<Int>)
    case integer(Int)
    case ip(IPAddress)
    case prefix(IPPrefix)
    case mac(MACAddress)
    case time(Timestamp)
    case list(Range<Int>)  // of `integers`
  }

  private struct Entry: Sendable {
    var field: EventField
    var value: Value
  }

  private var entries: [Entry] = []
  private var bytes: [UInt8] = []
  private var integers: [Int] = []
  /// Where each event begins in `entries`.
  private var starts: [Int] = []
  private var committed = 0
  /// The latest message's limit: a decoder that would give more events has misread.
  public static let maximumEvents = 256

  public init() {}

  public var count: Int { starts.count }
  public var isEmpty: Bool { starts.isEmpty }

  public mutating func removeAll() {
    entries.removeAll(keepingCapacity: true)
    bytes.removeAll(keepingCapacity: true)
    integers.removeAll(keepingCapacity: true)
    starts.removeAll(keepingCapacity: true)
    committed = 0
  }

  public mutating func begin(_ kind: EventKind) {
    committed = entries.count
    starts.append(entries.count)
    set(.kind, word: kind)
  }

  public mutating func begin(_ kind: EventKind, action: StaticString) {
    begin(kind)
    set(.action, word: action)
  }

  public mutating func commit() {
    // In the order of writing; most are set in it. Insertion: a dozen members, nearly sorted.
    let first = starts.last ?? 0
    for i in stride(from: first + 1, to: entries.count, by: 1) {
      var k = i
      while k > first, entries[k].field.rawValue < entries[k - 1].field.rawValue {
        entries.swapAt(k, k - 1)
        k -= 1
      }
    }
    committed = entries.count
  }

  /// Takes back the event begun last.
  public mutating func cancel() {
    guard let start = starts.popLast() else { return }
    entries.removeLast(entries.count - start)
    committed = start
  }

  public mutating func set(_ field: EventField, text: Span<UInt8>) {
    let start = bytes.count
    bytes.append(text)
    put(field, .text(start..<bytes.count))
  }

  public mutating func set(_ field: EventField, word: StaticString) {
    let start = bytes.count
    bytes.append(word)
    put(field, .text(start..<bytes.count))
  }

  public mutating func set(_ field: EventField, hex binary: Span<UInt8>) {
    let start = bytes.count
    bytes.append(binary)
    put(field, .hex(start..<bytes.count))
  }

  public mutating func set(_ field: EventField, _ value: Int) { put(field, .integer(value)) }
  public mutating func set(_ field: EventField, _ value: IPAddress) { put(field, .ip(value)) }
  public mutating func set(_ field: EventField, _ value: IPPrefix) { put(field, .prefix(value)) }
  public mutating func set(_ field: EventField, _ value: MACAddress) { put(field, .mac(value)) }
  public mutating func set(_ field: EventField, _ value: Timestamp) { put(field, .time(value)) }

  public mutating func set(_ field: EventField, list: [Int]) {
    let start = integers.count
    integers.append(contentsOf: list)
    put(field, .list(start..<integers.count))
  }

  private mutating func set(_ field: EventField, word kind: EventKind) {
    switch kind {
    case .lease: set(field, word: "lease")
    case .binding: set(field, word: "binding")
    case .session: set(field, word: "session")
    case .login: set(field, word: "login")
    case .notice: set(field, word: "notice")
    }
  }

  /// A field that is set twice keeps the later value.
  private mutating func put(_ field: EventField, _ value: Value) {
    let start = starts.last ?? 0
    for i in start..<entries.count where entries[i].field == field {
      entries[i].value = value
      return
    }
    entries.append(Entry(field: field, value: value))
  }

  /// Takes a field of the event begun last away.
  public mutating func remove(_ field: EventField) {
    for i in (starts.last ?? 0)..<entries.count where entries[i].field == field {
      entries.remove(at: i)
      return
    }
  }

  /// Of the session begun last: a translation that changes nothing, or that names no address or port, is none, and ICMP has
  /// no ports.
  public mutating func tidySession() {
    if equals(event: count - 1, .proto, "icmp") || equals(event: count - 1, .proto, "icmp6") {
      for field in [EventField.srcPort, .dstPort, .natPort] { remove(field) }
    }
    if case .integer(0)? = value(of: .natPort) { remove(.natPort) }
    guard case .ip(let nat)? = value(of: .natIP) else { return }
    if nat.isUnspecified || isSource(nat) {
      remove(.natIP)
      remove(.natPort)
      remove(.natPortLast)
    }
  }

  private func isSource(_ nat: IPAddress) -> Bool {
    guard case .ip(let source)? = value(of: .srcIP), source == nat else { return false }
    switch (value(of: .srcPort), value(of: .natPort)) {
    case (.integer(let a)?, .integer(let b)?): return a == b
    case (_, nil): return true
    default: return false
    }
  }

  /// Whether the event begun last has this field.
  public func has(_ field: EventField) -> Bool { value(of: field) != nil }

  public func value(of field: EventField) -> Value? {
    for i in (starts.last ?? 0)..<entries.count where entries[i].field == field { return entries[i].value }
    return nil
  }

  /// Sets a field of every event that has none (`server`, `dialect`, the source's `lease_seconds`).
  public mutating func setWhereAbsent(event index: Int, _ field: EventField, _ value: Int) {
    insert(index, field) { _ in .integer(value) }
  }

  public mutating func setWhereAbsent(event index: Int, _ field: EventField, text: Span<UInt8>) {
    let start = bytes.count
    bytes.append(text)
    let end = bytes.count
    insert(index, field) { _ in .text(start..<end) }
  }

  private mutating func insert(_ index: Int, _ field: EventField, _ make: (Int) -> Value) {
    guard index < starts.count else { return }
    let end = index + 1 < starts.count ? starts[index + 1] : entries.count
    for i in starts[index]..<end where entries[i].field == field { return }
    entries.insert(Entry(field: field, value: make(end)), at: end)
    for i in starts.indices where i > index { starts[i] += 1 }
    committed = entries.count
  }

  public func has(event index: Int, _ field: EventField) -> Bool { value(event: index, field) != nil }

  public func value(event index: Int, _ field: EventField) -> Value? {
    guard index < starts.count else { return nil }
    let end = index + 1 < starts.count ? starts[index + 1] : entries.count
    for i in starts[index]..<end where entries[i].field == field { return entries[i].value }
    return nil
  }

  /// Whether a text field of an event is exactly that.
  public func equals(event index: Int, _ field: EventField, _ text: StaticString) -> Bool {
    guard case .text(let range)? = value(event: index, field) else { return false }
    return bytes.span.extracting(range).equals(text)
  }

  /// The bytes of a `.text` or `.hex` value.
  @_lifetime(borrow self)
  public func bytes(of range: Range<Int>) -> Span<UInt8> { bytes.span.extracting(range) }

  /// The value of a record's `events`, members in the order of `EventField`.
  public func write(into out: inout [UInt8]) {
    out.append(0x5b)
    for (n, start) in starts.enumerated() {
      if n > 0 { out.append(0x2c) }
      write(start..<(n + 1 < starts.count ? starts[n + 1] : entries.count), into: &out)
    }
    out.append(0x5d)
  }

  private func write(_ range: Range<Int>, into out: inout [UInt8]) {
    out.append(0x7b)
    var done = -1
    var isSorted = true
    for i in range where i > range.lowerBound && entries[i].field.rawValue < entries[i - 1].field.rawValue { isSorted = false }
    for place in range {
      var next = isSorted ? place : -1
      // Something was added since `commit`: the next in order is looked for.
      if !isSorted {
        for i in range where Int(entries[i].field.rawValue) > done && (next < 0 || entries[i].field.rawValue < entries[next].field.rawValue)
        {
          next = i
        }
      }
      guard next >= 0 else { break }
      let entry = entries[next]
      done = Int(entry.field.rawValue)
      out.append(jsonMember: entry.field.name)
      switch entry.value {
      case .text(let r): out.append(jsonString: bytes.span.extracting(r))
      case .integer(let v): out.append(decimal: v)
      case .list(let r):
        out.append(0x5b)
        for i in r {
          if i > r.lowerBound { out.append(0x2c) }
          out.append(decimal: integers[i])
        }
        out.append(0x5d)
      default:
        out.append(0x22)
        switch entry.value {
        case .hex(let r): out.append(hex: bytes.span.extracting(r), separator: 0x3a)
        case .ip(let v): out.append(v)
        case .mac(let v): out.append(v)
        case .time(let v): out.append(v)
        case .prefix(let v):
          out.append(v.address)
          out.append(0x2f)
          out.append(decimal: v.length)
        default: break
        }
        out.append(0x22)
      }
    }
    out.append(0x7d)
  }
}
