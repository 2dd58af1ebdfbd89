/// Remembers at most a fixed number of things under 128-bit keys: in each of its sets the thing that was put there longest
/// ago makes room. Whoever floods it makes others forgotten, not the memory full, and nothing slower.
struct BoundedTable<Value: Sendable>: Sendable {
  struct Key: Hashable, Sendable {
    var a: UInt64
    var b: UInt64
  }

  private struct Slot: Sendable {
    var key: Key
    /// Larger is later.
    var turn: UInt64
    var value: Value
  }

  /// Things in one set.
  private static var ways: Int { 4 }
  private var sets: [[Slot]]
  private let mask: Int
  private var turn: UInt64 = 0

  /// - Parameter sets: a power of two; four things have room in each.
  init(sets: Int) {
    precondition(sets > 0 && sets & (sets - 1) == 0)
    mask = sets - 1
    self.sets = Array(repeating: [], count: sets)
  }

  private func set(of key: Key) -> Int {
    var h = key.a ^ key.b &* 0x9e37_79b9_7f4a_7c15
    h ^= h >> 32
    h = h &* 0xd6e8_feb8_6659_fd93
    h ^= h >> 32
    return Int(truncatingIfNeeded: h) & mask
  }

  subscript(key: Key) -> Value? {
    for slot in sets[set(of: key)] where slot.key == key { return slot.value }
    return nil
  }

  mutating func put(_ value: Value, at key: Key) {
    turn &+= 1
    let set = set(of: key)
    let new = Slot(key: key, turn: turn, value: value)
    var oldest = 0
    for i in sets[set].indices {
      if sets[set][i].key == key {
        sets[set][i] = new
        return
      }
      if sets[set][i].turn < sets[set][oldest].turn { oldest = i }
    }
    if sets[set].count < Self.ways { sets[set].append(new) } else { sets[set][oldest] = new }
  }

  mutating func remove(_ key: Key) {
    let set = set(of: key)
    if let i = sets[set].firstIndex(where: { $0.key == key }) { sets[set].swapAt(i, sets[set].count - 1); sets[set].removeLast() }
  }
}
/// A hash of bytes that go into a table's key (FNV-1a, both halves of 128 bits with constants of their own).
struct KeyHash {
  private(set) var a: UInt64 = 0xcbf2_9ce4_8422_2325
  private(set) var b: UInt64 = 0x8422_2325_cbf2_9ce4

  mutating func mix(_ value: UInt64) {
    a = (a ^ value) &* 0x100_0000_01b3
    a ^= a >> 29
    b = (b ^ value &* 0x9e37_79b9_7f4a_7c15) &* 0xff51_afd7_ed55_8ccd
    b ^= b >> 33
  }

  mutating func mix(_ value: UInt128) {
    mix(UInt64(truncatingIfNeeded: value))
    mix(UInt64(truncatingIfNeeded: value >> 64))
  }

  mutating func mix(_ bytes: Span<UInt8>) {
    mix(UInt64(truncatingIfNeeded: bytes.count))
    for i in bytes.indices { mix(UInt64(bytes[i])) }
  }
}
