/// Looks for any of up to four bytes, eight places of a text in each step.
public struct ByteSearch: Sendable {
  @usableFromInline var patterns: (UInt64, UInt64, UInt64, UInt64)

  /// One byte.
  @inlinable public init(_ byte: UInt8) {
    let pattern = UInt64(byte) &* Self.ones
    patterns = (pattern, pattern, pattern, pattern)
  }

  /// - Parameter bytes: one to four; of more the first four count.
  public init(_ bytes: [UInt8]) {
    func pattern(_ i: Int) -> UInt64 { UInt64(i < bytes.count ? bytes[i] : bytes.first ?? 0) &* Self.ones }
    patterns = (pattern(0), pattern(1), pattern(2), pattern(3))
  }

  /// Those and one more; of four the last gives way.
  @inlinable public func and(_ byte: UInt8) -> ByteSearch {
    var more = self
    more.patterns.3 = UInt64(byte) &* Self.ones
    return more
  }

  @usableFromInline static let ones: UInt64 = 0x0101_0101_0101_0101

  /// Place of the first of them from `start` on; the text's count where there is none.
  @inlinable public func first(in text: Span<UInt8>, from start: Int) -> Int {
    var i = start
    while i + 8 <= text.count {
      let word = text.uncheckedWord(at: i)
      let found =
        Self.zeros(word ^ patterns.0) | Self.zeros(word ^ patterns.1) | Self.zeros(word ^ patterns.2) | Self.zeros(word ^ patterns.3)
      // Exact up to and at the first zero byte.
      if found != 0 { return i + found.trailingZeroBitCount >> 3 }
      i += 8
    }
    while i < text.count {
      let b = UInt64(text[i])
      if b == patterns.0 & 0xff || b == patterns.1 & 0xff || b == patterns.2 & 0xff || b == patterns.3 & 0xff { return i }
      i += 1
    }
    return text.count
  }

  /// The high bit of each byte that is zero; behind the first such byte others may be set too.
  @inlinable @inline(__always) static func zeros(_ word: UInt64) -> UInt64 { (word &- ones) & ~word & (ones &* 0x80) }
}

extension Span<UInt8> {
  /// Eight bytes, the first in the least significant place.
  @inlinable @inline(__always) public func word(at i: Int) -> UInt64 {
    precondition(i >= 0 && i <= count - 8)
    return unsafe UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: i, as: UInt64.self))
  }

  /// The same where the caller has seen that they are there.
  @inlinable @inline(__always) func uncheckedWord(at i: Int) -> UInt64 {
    assert(i >= 0 && i <= count - 8)
    return unsafe UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: i, as: UInt64.self))
  }

  /// The first 0 to 8 bytes from `i` on, the first in the least significant place and zeros behind them.
  @inlinable @inline(__always) public func word(at i: Int, count length: Int) -> UInt64 {
    if i <= count - 8 { return length == 0 ? 0 : word(at: i) & (.max >> UInt64(64 - 8 * length)) }
    var word: UInt64 = 0
    for k in 0..<length { word |= UInt64(self[i + k]) << UInt64(8 * k) }
    return word
  }

  /// Place of the first occurrence of a text. For short texts: the work is the product of both lengths at worst.
  public func firstIndex(of text: Span<UInt8>) -> Int? {
    guard text.count > 0, text.count <= count else { return text.count == 0 ? 0 : nil }
    let search = ByteSearch(text[0])
    var at = search.first(in: self, from: 0)
    while at <= count - text.count {
      if extracting(at..<at + text.count).equals(text) { return at }
      at = search.first(in: self, from: at + 1)
    }
    return nil
  }
}
