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
    // The places of `place`, each from the one before it.
    let bits = UInt32(filter.count * 8)
    let remainder = Remainder(by: bits)
    filter.withUnsafeMutableBufferPointer { filter in
      for key in keys {
        var bit = remainder.of(UInt32(truncatingIfNeeded: key))
        let step = remainder.of(UInt32(truncatingIfNeeded: key >> 32) | 1)
        for _ in 0..<places {
          filter[Int(bit >> 3)] |= 1 << UInt8(truncatingIfNeeded: bit & 7)
          // The remainder of the sum without a branch, which would be guessed wrong half of the time.
          bit = min(bit &+ step, bit &+ step &- bits)
        }
      }
    }
    return filter
  }

  /// `n % divisor` for many n by two multiplications each (Lemire, Kaser and Kurz, "Faster remainder by direct computation").
  struct Remainder {
    private let divisor: UInt32
    private let inverse: UInt64

    init(by divisor: UInt32) {
      self.divisor = divisor
      inverse = UInt64.max / UInt64(divisor) &+ 1
    }

    func of(_ n: UInt32) -> UInt32 { UInt32(truncatingIfNeeded: (inverse &* UInt64(n)).multipliedFullWidth(by: UInt64(divisor)).high) }
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
