// Characters by name, and the few questions that parsers of text ask of a byte.

import Glibc

extension UInt8 {
  @inlinable public var isDigit: Bool { self &- 0x30 < 10 }
  @inlinable public var isLetter: Bool { (self | 0x20) &- 0x61 < 26 }
  /// Space or tab.
  @inlinable public var isBlank: Bool { self == 0x20 || self == 0x09 }
  /// 0 to 15 for a hexadecimal digit of either case, else nil.
  @inlinable public var hexValue: UInt8? {
    if isDigit { return self &- 0x30 }
    let low = (self | 0x20) &- 0x61
    return low < 6 ? low + 10 : nil
  }
}

extension Span<UInt8> {
  /// Whether these bytes are exactly that text.
  @inlinable public func equals(_ text: StaticString) -> Bool { starts(with: text) && count == text.utf8CodeUnitCount }

  /// Whether these bytes begin with that text.
  public func starts(with text: StaticString, at offset: Int = 0) -> Bool {
    let n = text.utf8CodeUnitCount
    guard offset >= 0, n <= count - offset else { return false }
    return unsafe withUnsafeBytes { bytes in
      guard n > 0, let start = bytes.baseAddress else { return n == 0 }
      return unsafe memcmp(start + offset, text.utf8Start, n) == 0
    }
  }

  /// Whether these bytes are that text, which is in lower case, in any case.
  public func equals(ignoringCase text: StaticString) -> Bool {
    guard count == text.utf8CodeUnitCount else { return false }
    return text.withUTF8Buffer { wanted in
      for i in indices where unsafe wanted[i] != (self[i] &- 0x41 < 26 ? self[i] | 0x20 : self[i]) { return false }
      return true
    }
  }

  @inlinable public func equals(_ other: Span<UInt8>) -> Bool {
    guard count == other.count else { return false }
    for i in indices where self[i] != other[i] { return false }
    return true
  }

  /// Place of the first such byte from `start` on.
  @inlinable public func firstIndex(of byte: UInt8, from start: Int = 0) -> Int? {
    var i = start
    while i < count {
      if self[i] == byte { return i }
      i += 1
    }
    return nil
  }

  public var array: [UInt8] {
    var out: [UInt8] = []
    out.append(self)
    return out
  }

  /// For people and small configuration only; bytes that are not UTF-8 become U+FFFD.
  public var string: String { String(decoding: array, as: UTF8.self) }

  /// A decimal number of at most 18 digits and nothing else; no sign.
  @inlinable public var decimal: Int? {
    let (value, end) = leadingDecimal(at: 0)
    return end == count && end > 0 && end <= 18 ? value : nil
  }

  /// The number of the two decimal digits that stand there; nil where they are none.
  @inlinable @inline(__always) public func twoDigits(at i: Int) -> Int? {
    guard i >= 0, i <= count &- 2 else { return nil }
    let (tens, ones) = (self[i] &- 0x30, self[i &+ 1] &- 0x30)
    return tens < 10 && ones < 10 ? Int(tens) &* 10 &+ Int(ones) : nil
  }

  /// The decimal digits that begin there, and the place behind them: of more than 18 the value means nothing.
  @inlinable public func leadingDecimal(at start: Int) -> (value: Int, end: Int) {
    var value = 0
    var at = start
    while at < count, self[at].isDigit {
      value = value &* 10 &+ Int(self[at] &- 0x30)
      at += 1
    }
    return (value, at)
  }
}

extension [UInt8] {
  /// Appends the bytes with one copy.
  public mutating func append(_ bytes: Span<UInt8>) { append(room: bytes.count) { $0.put(bytes) } }

  public mutating func append(_ text: StaticString) {
    append(room: text.utf8CodeUnitCount) { room in
      text.withUTF8Buffer { unsafe room.put($0.span) }
    }
  }

  /// A decimal number.
  public mutating func append(decimal value: Int) { append(room: 20) { $0.put(decimal: value) } }

  /// The last `digits` decimal digits, with leading zeros; at least one.
  public mutating func append(_ value: Int, digits: Int) {
    let digits = Swift.max(1, digits)
    append(room: digits) { $0.put(value, digits: digits) }
  }
}
