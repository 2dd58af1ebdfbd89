import Record

/// Why a text could not be cut into values.
struct CutFault: Sendable {
  /// From the text's first byte.
  var at: Int
  var expected: StaticString
}

/// The values of one message by number, their escapes resolved. Used for all messages of a thread.
struct ValueTable: Sendable {
  enum State: Sendable { case absent, present, ambiguous }

  private struct Value: Sendable {
    var start: Int32 = 0
    var end: Int32 = 0
    var state = State.absent
  }

  /// The text that is cut, then what does not stand in it as it is: values with escapes, joined values.
  private(set) var bytes: [UInt8] = []
  // In the table itself, not in memory of their own: each value of each message is put here.
  private var values = InlineArray<256, Value>(repeating: Value())
  /// How often each name came.
  private var occurrences = InlineArray<256, Int32>(repeating: 0)
  private var open = 0
  private var joined: [UInt8] = []
  var order = KeyOrder()
  /// The sender cut the message off inside a quoted value.
  var isCut = false
  /// Columns of a message in the csv form.
  var columns: [Column] = []
  /// The way to the member that is being read, in the json form.
  var path: [UInt8] = []

  struct Column: Sendable {
    var range: Range<Int>
    var isQuoted: Bool
  }

  init() {
    precondition(values.count >= CaseCompiler.maximumKeys && occurrences.count >= CaseCompiler.maximumKeys)
    bytes.reserveCapacity(1 << 12)
    columns.reserveCapacity(Self.maximumColumns)
    path.reserveCapacity(1 << 10)
    joined.reserveCapacity(1 << 10)
  }

  static let maximumColumns = 512

  /// - Parameter text: that which will be cut; a message's, so of less than 2 GB.
  mutating func reset(_ keys: KeyTable, _ text: Span<UInt8>) {
    bytes.removeAll(keepingCapacity: true)
    bytes.append(text)
    for i in 0..<keys.count { values[i] = Value() }
    for i in 0..<keys.places.count { occurrences[i] = 0 }
    if !columns.isEmpty { columns.removeAll(keepingCapacity: true) }
    if !path.isEmpty { path.removeAll(keepingCapacity: true) }
    isCut = false
  }

  // MARK: - Filling

  mutating func begin() { open = bytes.count }
  mutating func append(_ byte: UInt8) { bytes.append(byte) }
  mutating func append(_ text: Span<UInt8>) { bytes.append(text) }

  /// What was appended since `begin` is a value of that name.
  mutating func end(_ entry: Int, _ reading: CutReading) { put(entry, open..<bytes.count, reading) }

  /// The same for a name whose place is at hand.
  /// - Parameter number: of its first value.
  @inline(__always) mutating func put(_ entry: Int, first number: Int, _ start: Int, _ end: Int, _ reading: CutReading) {
    guard occurrences[entry] == 0, !reading.mayBeNone(length: end - start) else { return put(entry, start..<end, reading) }
    occurrences[entry] = 1
    values[number] = Value(start: Int32(truncatingIfNeeded: start), end: Int32(truncatingIfNeeded: end), state: .present)
  }

  /// What stands there in `bytes` is a value of that name.
  mutating func put(_ entry: Int, _ place: Range<Int>, _ reading: CutReading) {
    let key = reading.keys.places[entry]
    let first = Int(key.first)
    let nth = occurrences[entry]
    occurrences[entry] = nth + 1
    let range = reading.isNone(bytes.span.extracting(place)) ? place.lowerBound..<place.lowerBound : place
    if nth < key.occurrences {
      values[first + Int(nth)] = Value(start: Int32(range.lowerBound), end: Int32(range.upperBound), state: .present)
      return
    }
    // A name that stands once more than anybody expects: only the same value says the same.
    let end = first + Int(key.occurrences)
    let same = bytes.span.extracting(self.range(end - 1)).equals(bytes.span.extracting(range))
    if !same { for i in first..<end { values[i].state = .ambiguous } }
  }

  /// A value that stands elsewhere, as it is.
  mutating func set(_ entry: Int, _ text: Span<UInt8>, _ reading: CutReading) {
    begin()
    append(text)
    end(entry, reading)
  }

  // MARK: - Looking

  func state(_ number: Int) -> State { values[number].state }

  /// Where the value stands in `bytes`; empty where it is absent or means none.
  func range(_ number: Int) -> Range<Int> {
    let value = values[number]
    return Int(value.start)..<Int(value.end)
  }

  /// Several values with a space between, for a field that is made of them.
  mutating func join(_ keys: Range<Int>, of reading: CutReading) -> Range<Int> {
    gather(keys, of: reading)
    return append(joined)
  }

  private mutating func gather(_ keys: Range<Int>, of reading: CutReading) {
    joined.removeAll(keepingCapacity: true)
    // Not to be held any longer: the text would be copied for what is appended.
    let known = bytes
    for i in keys {
      let value = range(reading.ruleKeys[i].number)
      if value.isEmpty { continue }
      if !joined.isEmpty { joined.append(0x20) }
      joined.append(known.span.extracting(value))
    }
  }

  private mutating func append(_ text: [UInt8]) -> Range<Int> {
    let start = bytes.count
    bytes.append(text.span)
    return start..<bytes.count
  }
}
