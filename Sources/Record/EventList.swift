/// The events that a decoder read from one message, on their way into the record's line. One list is used for all
/// messages of a thread: emptying it keeps its memory, so that reading a message allocates nothing.
///
///     events.begin(.lease, action: "assign")
///     events.set(.ip, address)
///     events.cancel()          // as if begin had not been called
///
/// It cannot be copied: a field is set without asking who else may hold the memory. Every access is checked to lie inside.
@safe public struct EventList: ~Copyable, @unchecked Sendable {
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

  public private(set) var count = 0
  /// How many events there is room for.
  private var capacity: Int
  /// Which fields each event has, as bits by their raw values.
  private var fields: UnsafeMutablePointer<UInt64>
  /// The fields' values: of event n from n * stride on, by the fields' raw values. What is not in `fields` is old.
  private var values: UnsafeMutablePointer<Value>
  /// What texts and binary values consist of. Behind the last byte there is room for a whole vector.
  private var text: UnsafeMutablePointer<UInt8>
  private var textCount = 0
  private var textCapacity: Int
  private var integers: [Int] = []

  // A field's raw value is also its bit in `fields`. A literal: what is worked out is asked for again with every field.
  private static let stride = 64
  /// The latest message's limit: a decoder that would give more events has misread.
  public static let maximumEvents = 256

  public init() {
    capacity = 2
    textCapacity = 1 << 10
    unsafe fields = .allocate(capacity: capacity)
    unsafe values = .allocate(capacity: capacity * Self.stride)
    unsafe text = Self.text(textCapacity)
  }

  deinit {
    unsafe fields.deallocate()
    unsafe values.deallocate()
    unsafe text.deallocate()
  }

  /// Memory for texts that may also be read behind its end, as far as a vector goes.
  private static func text(_ capacity: Int) -> UnsafeMutablePointer<UInt8> {
    let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity + JSONEscape.overrun)
    unsafe memory.initialize(repeating: 0, count: capacity + JSONEscape.overrun)
    return unsafe memory
  }

  public var isEmpty: Bool { count == 0 }

  public mutating func removeAll() {
    count = 0
    textCount = 0
    if !integers.isEmpty { integers.removeAll(keepingCapacity: true) }
  }

  public mutating func begin(_ kind: EventKind) {
    if count == capacity { grow() }
    unsafe fields[count] = 0
    count += 1
    set(.kind, word: kind)
  }

  private mutating func grow() {
    let more = (
      fields: UnsafeMutablePointer<UInt64>.allocate(capacity: capacity * 2),
      values: UnsafeMutablePointer<Value>.allocate(capacity: capacity * 2 * Self.stride)
    )
    unsafe more.fields.update(from: fields, count: count)
    unsafe more.values.update(from: values, count: count * Self.stride)
    unsafe fields.deallocate()
    unsafe values.deallocate()
    unsafe (fields, values) = more
    capacity *= 2
  }

  public mutating func begin(_ kind: EventKind, action: StaticString) {
    begin(kind)
    set(.action, word: action)
  }

  /// Takes back the event begun last.
  public mutating func cancel() { count = max(0, count - 1) }

  public mutating func set(_ field: EventField, text: Span<UInt8>) { put(field, .text(keep(text))) }

  public mutating func set(_ field: EventField, word: StaticString) { put(field, .text(keep(word))) }

  public mutating func set(_ field: EventField, hex binary: Span<UInt8>) { put(field, .hex(keep(binary))) }

  @inline(__always) private mutating func keep(_ bytes: Span<UInt8>) -> Range<Int> {
    let start = textCount
    reserve(bytes.count)
    unsafe bytes.copy(to: text + start)
    textCount = start + bytes.count
    return start..<textCount
  }

  @inline(__always) private mutating func keep(_ word: StaticString) -> Range<Int> {
    let start = textCount
    reserve(word.utf8CodeUnitCount)
    unsafe (text + start).update(from: word.utf8Start, count: word.utf8CodeUnitCount)
    textCount = start + word.utf8CodeUnitCount
    return start..<textCount
  }

  @inline(__always) private mutating func reserve(_ more: Int) {
    if more > textCapacity - textCount { growText(more) }
  }

  private mutating func growText(_ more: Int) {
    textCapacity = max(textCapacity * 2, textCount + more)
    let larger = unsafe Self.text(textCapacity)
    unsafe larger.update(from: text, count: textCount)
    unsafe text.deallocate()
    unsafe text = larger
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
  @inline(__always) private mutating func put(_ field: EventField, _ value: Value) { put(event: count - 1, field, value) }

  @inline(__always) private mutating func put(event index: Int, _ field: EventField, _ value: Value) {
    precondition(index >= 0 && index < count, "an event was begun")
    unsafe fields[index] |= Self.bit(field)
    unsafe values[index * Self.stride + Int(field.rawValue)] = value
  }

  @inline(__always) private static func bit(_ field: EventField) -> UInt64 { 1 << UInt64(field.rawValue) }

  /// Takes a field of the event begun last away.
  public mutating func remove(_ field: EventField) {
    guard count > 0 else { return }
    unsafe fields[count - 1] &= ~Self.bit(field)
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
  public func has(_ field: EventField) -> Bool { has(event: count - 1, field) }

  public func value(of field: EventField) -> Value? { value(event: count - 1, field) }

  /// Sets a field of every event that has none (`server`, `dialect`, the source's `lease_seconds`).
  public mutating func setWhereAbsent(event index: Int, _ field: EventField, _ value: Int) {
    guard index < count, !has(event: index, field) else { return }
    put(event: index, field, .integer(value))
  }

  public mutating func setWhereAbsent(event index: Int, _ field: EventField, text: Span<UInt8>) {
    guard index < count, !has(event: index, field) else { return }
    put(event: index, field, .text(keep(text)))
  }

  public func has(event index: Int, _ field: EventField) -> Bool {
    unsafe index >= 0 && index < count && fields[index] & Self.bit(field) != 0
  }

  public func value(event index: Int, _ field: EventField) -> Value? {
    unsafe has(event: index, field) ? values[index * Self.stride + Int(field.rawValue)] : nil
  }

  /// Whether a text field of an event is exactly that.
  public func equals(event index: Int, _ field: EventField, _ text: StaticString) -> Bool {
    guard case .text(let range)? = value(event: index, field) else { return false }
    return bytes(of: range).equals(text)
  }

  /// The bytes of a `.text` or `.hex` value.
  @_lifetime(borrow self)
  public func bytes(of range: Range<Int>) -> Span<UInt8> {
    precondition(range.lowerBound >= 0 && range.upperBound <= textCount)
    let span = unsafe Span(_unsafeStart: text + range.lowerBound, count: range.count)
    return unsafe _overrideLifetime(span, borrowing: self)
  }

  // MARK: - Writing

  /// The value of a record's `events`, members in the order of `EventField`.
  public func write(into out: inout [UInt8]) {
    var members = 0
    for n in 0..<count { members += unsafe fields[n].nonzeroBitCount }
    let names = Self.names
    // A text is escaped once; brackets, braces and commas of events come to less than two members.
    let room = (members + 2 * count + 2) * Self.longestMember + textCount * 6 + integers.count * 21
    out.append(room: room) { room in
      room.put(0x5b)
      for n in 0..<count {
        if n > 0 { room.put(0x2c) }
        room.put(0x7b)
        var rest = unsafe fields[n]
        var comma = false
        while rest != 0 {
          let field = rest.trailingZeroBitCount
          rest &= rest &- 1
          names[field].put(into: &room, withComma: comma)
          comma = true
          write(unsafe values[n * Self.stride + field], into: &room)
        }
        room.put(0x7d)
      }
      room.put(0x5d)
    }
  }

  @inline(__always) private func write(_ value: Value, into room: inout TextRoom) {
    switch value {
    case .integer(let v): room.put(decimal: v)
    case .list(let range):
      room.put(0x5b)
      for i in range {
        if i > range.lowerBound { room.put(0x2c) }
        room.put(decimal: integers[i])
      }
      room.put(0x5d)
    case .text(let range):
      room.put(0x22)
      // Behind what is kept there is always room for a whole vector.
      precondition(range.upperBound <= textCount)
      if unsafe !room.put(unescaped: text + range.lowerBound, count: range.count) { room.put(jsonEscaped: bytes(of: range)) }
      room.put(0x22)
    default:
      room.put(0x22)
      switch value {
      case .ip(let v): room.put(v)
      case .mac(let v): room.put(v)
      case .time(let v): room.put(v)
      case .hex(let range): room.put(hex: bytes(of: range), separator: 0x3a)
      case .prefix(let v):
        room.put(v.address)
        room.put(0x2f)
        room.put(decimal: v.length)
      case .integer, .list, .text: break
      }
      room.put(0x22)
    }
  }

  /// A member without the bytes of its text: name, colon, comma, quotation marks, and a value of any other form.
  private static let longestMember = 24 + 8 + TextRoom.longestTime

  /// A member's name as it is written: `,"src_ip":`, padded to three words.
  private struct Name {
    private var words: (UInt64, UInt64, UInt64)
    private var length: Int

    init(_ name: StaticString) {
      var text = Array(",\"\(name)\":".utf8)
      length = text.count
      precondition(length <= 24, "a member's name has at most 20 letters")
      text += [UInt8](repeating: 0, count: 24 - length)
      func word(_ n: Int) -> UInt64 { text[8 * n..<8 * n + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) } }
      words = (word(0), word(1), word(2))
    }

    /// - Parameter withComma: not for the first of an object.
    @inline(__always) func put(into room: inout TextRoom, withComma: Bool) {
      if withComma { return room.put(words, length: length) }
      room.put((words.0 >> 8 | words.1 << 56, words.1 >> 8 | words.2 << 56, words.2 >> 8), length: length - 1)
    }
  }

  private static let names = EventField.allCases.map { Name($0.name) }
}
