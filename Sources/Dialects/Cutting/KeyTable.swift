import Record

/// The names of values that a reading looks at, each with a number. Compiled once; finding one allocates nothing.
struct KeyTable: Sendable {
  /// Without a list of its own: copying one for each pair of each message would cost counting references.
  struct Entry: Sendable {
    /// Where the name stands in `names`.
    var name: Range<Int>
    var sign: Sign
  }

  /// The values of a name: apart from what finding it takes, since every value needs only this.
  struct Place: Sendable {
    /// Number of its first value; `name#2` is the next, and so on.
    var first: Int32
    var occurrences: Int32
  }

  /// A name's first and last eight bytes: up to sixteen they are all of it.
  struct Sign: Sendable, Hashable {
    private(set) var first: UInt64 = 0
    private(set) var last: UInt64 = 0

    @inline(__always) init(_ text: Span<UInt8>, _ range: Range<Int>) {
      first = text.word(at: range.lowerBound, count: min(range.count, 8))
      last = range.count <= 8 ? 0 : text.word(at: range.upperBound - 8)
    }

    @inline(__always) func hash(_ count: Int) -> Int {
      let mixed = (first ^ UInt64(truncatingIfNeeded: count)) &* 0x9e37_79b9_7f4a_7c15 ^ last &* 0xc2b2_ae3d_27d4_eb4f
      return Int(truncatingIfNeeded: mixed ^ mixed >> 29)
    }
  }

  private(set) var entries: [Entry] = []
  /// Of each entry, by its place in `entries`.
  private(set) var places: [Place] = []
  private var names: [UInt8] = []
  /// How many numbers there are.
  private(set) var count = 0
  /// Open addressing by the name's hash; -1 or a place in `entries`.
  private var slots: [Int] = [-1]

  /// A longer name is nobody's.
  static let maximumName = 256

  init() {}

  /// - Parameter wanted: names, each once, with how many of its occurrences are wanted.
  init(_ wanted: [(name: [UInt8], occurrences: Int)]) {
    var size = 4
    while size < wanted.count * 2 { size *= 2 }
    slots = Array(repeating: -1, count: size)
    for (name, occurrences) in wanted {
      let sign = Sign(name.span, 0..<name.count)
      var i = sign.hash(name.count) & (size - 1)
      while slots[i] >= 0 { i = (i + 1) & (size - 1) }
      slots[i] = entries.count
      entries.append(Entry(name: names.count..<names.count + name.count, sign: sign))
      places.append(Place(first: Int32(count), occurrences: Int32(occurrences)))
      names += name
      count += occurrences
    }
  }

  /// The entry of a name, -1 where no case looks at it.
  func entry(_ text: Span<UInt8>, _ range: Range<Int>) -> Int {
    guard range.count <= Self.maximumName, !range.isEmpty else { return -1 }
    let sign = Sign(text, range)
    let mask = slots.count - 1
    var i = sign.hash(range.count) & mask
    while true {
      let place = slots[i]
      if place < 0 { return -1 }
      let entry = entries[place]
      if entry.sign == sign, entry.name.count == range.count,
        range.count <= 16 || names.span.extracting(entry.name).equals(text.extracting(range))
      {
        return place
      }
      i = (i + 1) & mask
    }
  }

  /// The name of a number, for people.
  func name(_ number: Int) -> String {
    for (entry, place) in zip(entries, places) {
      let nth = number - Int(place.first)
      guard nth >= 0, nth < place.occurrences else { continue }
      let text = String(decoding: names[entry.name], as: UTF8.self)
      return nth == 0 ? text : "\(text)#\(nth + 1)"
    }
    return "?"
  }
}

/// What key stood behind which in the messages before: a device writes its keys in one order, so that the next key need
/// not be looked for, only compared. One table serves all readings of a thread.
struct KeyOrder: Sendable {
  struct Next: Sendable {
    fileprivate var reading: ObjectIdentifier?
    /// The key's first and last eight bytes, of those of the first word that are its own.
    fileprivate var first: UInt64 = 0
    fileprivate var mask: UInt64 = 0
    fileprivate var last: UInt64 = 0
    fileprivate(set) var length = 0
    /// The entry of the key, -1 where nobody looks at it.
    fileprivate(set) var entry: Int32 = -1
    /// The number of its first value.
    fileprivate(set) var number: Int32 = 0
    /// Where what stands behind this key is remembered.
    fileprivate(set) var place = 0

    /// Whether that key of the reading stands there, and `end` behind it.
    @inline(__always) func stands(in text: Span<UInt8>, at start: Int, before end: UInt8, of reader: ObjectIdentifier) -> Bool {
      // A key in the last bytes of a text is looked for.
      guard start + max(8, length + 1) <= text.count, reading == reader, text[start + length] == end,
        text.word(at: start) & mask == first
      else { return false }
      return length <= 8 || text.word(at: start + length - 8) == last
    }
  }

  // As many as make it seldom that two keys of a device meet in one place.
  private var nexts = [Next](repeating: Next(), count: 1 << 12)

  /// The key that stood behind the one with that place; the first key of a message has place 0 before it.
  @inline(__always) func next(_ place: Int) -> Next { nexts[place] }

  /// Remembers that a key was found there.
  /// - Returns: the place for what stands behind it.
  mutating func remember(_ text: Span<UInt8>, _ key: Range<Int>, _ entry: Int, behind place: Int, _ reading: CutReading) -> Int {
    let sign = KeyTable.Sign(text, key)
    let own = sign.hash(key.count) & (nexts.count - 1)
    // Longer names are not all in their sign.
    if (1...16).contains(key.count) {
      var next = Next()
      next.reading = ObjectIdentifier(reading)
      next.mask = .max >> UInt64(64 - 8 * min(key.count, 8))
      next.first = sign.first
      next.last = sign.last
      next.length = key.count
      next.entry = Int32(entry)
      next.number = entry < 0 ? -1 : reading.keys.places[entry].first
      next.place = own
      nexts[place] = next
    }
    return own
  }
}
