import Record

/// A Bloom filter: says of a key that it surely is not in a block, or may be. Ten bits a key and seven places for each give
/// one wrong "may be" in about 120.
enum BlockFilter {
  static let bitsPerKey = 10
  private static let places = 7

  /// Bytes of a filter for so many different keys; never 0, so that a place always exists.
  static func bytes(keys: Int) -> Int { max(8, (keys * bitsPerKey + 63) / 64 * 8) }

  /// - Parameter keys: hashes (`KeyHash`), each once.
  static func make(_ keys: [UInt64]) -> [UInt8] {
    var filter = [UInt8](repeating: 0, count: bytes(keys: keys.count))
    // The places of `place`, each from the one before it: two divisions a key instead of seven, and of short numbers.
    let bits = UInt32(filter.count * 8)
    filter.withUnsafeMutableBufferPointer { filter in
      for key in keys {
        var bit = UInt32(truncatingIfNeeded: key) % bits
        let step = (UInt32(truncatingIfNeeded: key >> 32) | 1) % bits
        for _ in 0..<places {
          filter[Int(bit >> 3)] |= 1 << UInt8(truncatingIfNeeded: bit & 7)
          bit = bit >= bits - step ? bit - (bits - step) : bit + step
        }
      }
    }
    return filter
  }

  /// Whether a key may be in a filter.
  static func mayHold(_ key: UInt64, _ filter: Span<UInt8>) -> Bool {
    guard filter.count > 0 else { return true }
    for i in 0..<places {
      let bit = place(key, i, bits: filter.count * 8)
      if filter[bit >> 3] & 1 << UInt8(truncatingIfNeeded: bit & 7) == 0 { return false }
    }
    return true
  }

  /// Two halves of the hash give all places (Kirsch and Mitzenmacher, "Less hashing, same performance").
  private static func place(_ key: UInt64, _ i: Int, bits: Int) -> Int {
    let hash = (key & 0xffff_ffff) &+ UInt64(i) &* (key >> 32 | 1)
    return Int(hash % UInt64(bits))
  }
}
