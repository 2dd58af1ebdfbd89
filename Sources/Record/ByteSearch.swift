public import CVector

/// Looks for any of up to four bytes, sixteen places of a text in each step.
public struct ByteSearch: Sendable {
  @usableFromInline var wanted: (SIMD16<UInt8>, SIMD16<UInt8>, SIMD16<UInt8>, SIMD16<UInt8>)

  /// One byte.
  @inlinable public init(_ byte: UInt8) {
    let lanes = SIMD16(repeating: byte)
    wanted = (lanes, lanes, lanes, lanes)
  }

  /// Two bytes.
  @inlinable public init(_ a: UInt8, _ b: UInt8) {
    wanted = (SIMD16(repeating: a), SIMD16(repeating: b), SIMD16(repeating: a), SIMD16(repeating: b))
  }

  /// - Parameter bytes: one to four; of more the first four count.
  public init(_ bytes: [UInt8]) {
    func lanes(_ i: Int) -> SIMD16<UInt8> { SIMD16(repeating: i < bytes.count ? bytes[i] : bytes.first ?? 0) }
    wanted = (lanes(0), lanes(1), lanes(2), lanes(3))
  }

  /// Those and one more; of four the last gives way.
  @inlinable public func and(_ byte: UInt8) -> ByteSearch {
    var more = self
    more.wanted.3 = SIMD16(repeating: byte)
    return more
  }

  /// Place of the first of them from `start` on; the text's count where there is none. It is seldom far.
  @inlinable @inline(__always) public func first(in text: Span<UInt8>, from start: Int) -> Int {
    guard start >= 0, start <= text.count &- 16 else { return further(in: text, from: start) }
    let found = places(text.uncheckedLanes(at: start))
    return found != 0 ? start &+ found.trailingZeroBitCount : further(in: text, from: start &+ 16)
  }

  @usableFromInline @inline(never) func further(in text: Span<UInt8>, from start: Int) -> Int {
    precondition(start >= 0)
    var i = start
    let last = text.count - 16
    while i <= last {
      let found = places(text.uncheckedLanes(at: i))
      if found != 0 { return i + found.trailingZeroBitCount }
      i += 16
    }
    guard i < text.count else { return text.count }
    guard last >= 0 else { return firstOfFew(in: text, from: i) }
    // The last sixteen once more, without those that were looked at.
    let found = places(text.uncheckedLanes(at: last)) & (.max << UInt32(truncatingIfNeeded: i - last))
    return found != 0 ? last + found.trailingZeroBitCount : text.count
  }

  @inlinable @inline(__always) func places(_ lanes: SIMD16<UInt8>) -> UInt32 {
    vector_any(lanes, wanted.0, wanted.1, wanted.2, wanted.3)
  }

  @usableFromInline func firstOfFew(in text: Span<UInt8>, from start: Int) -> Int {
    var i = start
    while i < text.count {
      let b = text[i]
      if b == wanted.0[0] || b == wanted.1[0] || b == wanted.2[0] || b == wanted.3[0] { return i }
      i += 1
    }
    return i
  }
}

extension Span<UInt8> {
  /// Eight bytes, the first in the least significant place.
  @inlinable @inline(__always) public func word(at i: Int) -> UInt64 {
    precondition(i >= 0 && i <= count - 8)
    return unsafe UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: i, as: UInt64.self))
  }

  /// Sixteen bytes, where the caller has seen that they are there.
  @inlinable @inline(__always) func uncheckedLanes(at i: Int) -> SIMD16<UInt8> {
    assert(i >= 0 && i <= count - 16)
    return unsafe bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: i, as: SIMD16<UInt8>.self)
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
