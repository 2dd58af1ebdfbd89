import CVector

/// Room at the end of an array into which text is written: a value's longest form is reserved once, and what is written is
/// counted at the end. So a member of an event costs a few stores, and no question of capacity and ownership for each byte.
///
/// Every write checks that it fits: text that is longer than what was reserved traps.
@safe struct TextRoom: ~Copyable {
  private var to: UnsafeMutablePointer<UInt8>
  private let start: UnsafeMutablePointer<UInt8>
  private let end: UnsafeMutablePointer<UInt8>

  /// - Parameter room: outlives this.
  fileprivate init(_ room: UnsafeMutablePointer<UInt8>, count: Int) {
    unsafe start = room
    unsafe to = room
    unsafe end = room + count
  }

  fileprivate var written: Int { unsafe to - start }

  /// The next `count` bytes.
  @inline(__always) private mutating func take(_ count: Int) -> UnsafeMutablePointer<UInt8> {
    let place = unsafe to
    precondition(unsafe count <= end - place, "room was reserved for the longest form")
    unsafe to = place + count
    return unsafe place
  }

  @inline(__always) mutating func put(_ byte: UInt8) { unsafe take(1).pointee = byte }

  @inline(__always) mutating func put(_ text: Span<UInt8>) {
    let place = unsafe take(text.count)
    unsafe text.copy(to: place)
  }

  /// The first `length` bytes of three words, least significant first: one store for each word, whatever the length.
  @inline(__always) mutating func put(_ words: (UInt64, UInt64, UInt64), length: Int) {
    precondition(unsafe 24 <= end - to, "room was reserved for the longest form")
    let place = unsafe UnsafeMutableRawPointer(to)
    unsafe place.storeBytes(of: words.0.littleEndian, as: UInt64.self)
    unsafe place.storeBytes(of: words.1.littleEndian, toByteOffset: 8, as: UInt64.self)
    unsafe place.storeBytes(of: words.2.littleEndian, toByteOffset: 16, as: UInt64.self)
    unsafe to += length
  }

  /// The inside of a JSON string, where at most sixteen bytes need no escape.
  /// - Parameter text: sixteen bytes can be read there.
  /// - Returns: whether that is so; else nothing was written.
  @inline(__always) mutating func put(unescaped text: UnsafeMutablePointer<UInt8>, count: Int) -> Bool {
    guard count <= 16 else { return false }
    precondition(unsafe 16 <= end - to, "room was reserved for the longest form")
    let lanes = unsafe UnsafeRawPointer(text).loadUnaligned(as: SIMD16<UInt8>.self)
    guard vector_escaped(lanes) << UInt32(32 - count) == 0 else { return false }
    unsafe UnsafeMutableRawPointer(to).storeBytes(of: lanes, as: SIMD16<UInt8>.self)
    unsafe to += count
    return true
  }

  /// A decimal number.
  @inline(__always) mutating func put(decimal value: Int) {
    if value < 0 { put(0x2d) }
    let rest = value.magnitude
    var digits = 1
    var limit: UInt = 10
    while digits < 20, rest >= limit {
      digits += 1
      limit = digits < 20 ? limit &* 10 : limit
    }
    put(rest, digits: digits)
  }

  /// Four decimal numbers with full stops between: at most 15 bytes, and one more to be written over.
  @inline(__always) mutating func put(dotted v4: UInt32) {
    precondition(unsafe 16 <= end - to, "room was reserved for the longest form")
    var place = unsafe to
    unsafe Self.put(octet: v4 >> 24, at: &place)
    unsafe Self.put(octet: v4 >> 16 & 255, at: &place)
    unsafe Self.put(octet: v4 >> 8 & 255, at: &place)
    unsafe Self.put(octet: v4 & 255, at: &place)
    unsafe to = place - 1
  }

  /// A number below 256 and a full stop; writes four bytes, of which the first that are leading zeros are left out.
  @inline(__always) private static func put(octet number: UInt32, at place: inout UnsafeMutablePointer<UInt8>) {
    // Divisions by multiplication: exact for these few numbers.
    let hundreds = (number &* 41) >> 12
    let rest = number &- hundreds &* 100
    let tens = (rest &* 103) >> 10
    let word = hundreds | tens << 8 | (rest &- tens &* 10) << 16 | 0x2e30_3030
    let zeros: UInt32 = number < 10 ? 2 : number < 100 ? 1 : 0
    unsafe UnsafeMutableRawPointer(place).storeBytes(of: (word >> (zeros &* 8)).littleEndian, as: UInt32.self)
    unsafe place += 4 - Int(zeros)
  }

  /// The last `digits` decimal digits, with leading zeros.
  @inline(__always) mutating func put(_ value: Int, digits: Int) { put(value.magnitude, digits: digits) }

  @inline(__always) private mutating func put(_ magnitude: UInt, digits: Int) {
    var rest = magnitude
    let place = unsafe take(digits)
    var i = digits
    while i > 1 {
      i -= 2
      let quotient = rest / 100
      unsafe UnsafeMutableRawPointer(place + i).storeBytes(of: Self.pair(rest &- quotient &* 100), as: UInt16.self)
      rest = quotient
    }
    while i > 0 {
      i -= 1
      let quotient = rest / 10
      unsafe place[i] = UInt8(truncatingIfNeeded: rest &- quotient &* 10) &+ 0x30
      rest = quotient
    }
  }

  /// Two decimal digits of a number below a hundred, the first in the least significant place.
  @inline(__always) private static func pair(_ number: UInt) -> UInt16 {
    let tens = number / 10
    return UInt16(truncatingIfNeeded: tens | (number &- tens &* 10) << 8 | 0x3030).littleEndian
  }

  /// The six lowest bytes of a number, the most significant first, two lower-case digits each with colons between: 17
  /// bytes, and two more to be written over.
  @inline(__always) mutating func put(hexPairs value: UInt64) {
    precondition(unsafe 19 <= end - to, "room was reserved for the longest form")
    var place = unsafe to
    for shift in stride(from: UInt64(40), through: 0, by: -8) {
      let byte = UInt8(truncatingIfNeeded: value >> shift)
      let pair = UInt32(Hex.digit(byte >> 4)) | UInt32(Hex.digit(byte & 15)) << 8 | 0x3a_0000
      unsafe UnsafeMutableRawPointer(place).storeBytes(of: pair.littleEndian, as: UInt32.self)
      unsafe place += 3
    }
    unsafe to = place - 1
  }

  /// Two lower-case digits.
  @inline(__always) mutating func put(hex byte: UInt8) {
    let place = unsafe take(2)
    unsafe place[0] = Hex.digit(byte >> 4)
    unsafe place[1] = Hex.digit(byte & 15)
  }

  /// Two lower-case digits for each byte; `separator` between bytes where it is not nil.
  @inline(__always) mutating func put(hex bytes: Span<UInt8>, separator: UInt8?) {
    for i in bytes.indices {
      if i > 0, let separator { put(separator) }
      put(hex: bytes[i])
    }
  }

  /// The inside of a JSON string: at most six bytes for one of `text`, and some more to be written over.
  @inline(__always) mutating func put(jsonEscaped text: Span<UInt8>) {
    precondition(unsafe text.count * 6 + JSONEscape.overrun <= end - to, "room was reserved for the longest form")
    unsafe to = JSONEscape.write(text, at: to)
  }
}

extension Span<UInt8> {
  /// Copies these bytes; of few the first and the last eight or four, which may be the same.
  /// - Parameter to: has room for them.
  @inline(__always) func copy(to place: UnsafeMutablePointer<UInt8>) {
    unsafe withUnsafeBytes { from in
      guard let start = from.baseAddress else { return }
      let to = UnsafeMutableRawPointer(place)
      let n = from.count
      if n > 16 {
        unsafe to.copyMemory(from: start, byteCount: n)
      } else if n >= 8 {
        let words = unsafe (start.loadUnaligned(as: UInt64.self), start.loadUnaligned(fromByteOffset: n - 8, as: UInt64.self))
        unsafe to.storeBytes(of: words.0, as: UInt64.self)
        unsafe to.storeBytes(of: words.1, toByteOffset: n - 8, as: UInt64.self)
      } else if n >= 4 {
        let words = unsafe (start.loadUnaligned(as: UInt32.self), start.loadUnaligned(fromByteOffset: n - 4, as: UInt32.self))
        unsafe to.storeBytes(of: words.0, as: UInt32.self)
        unsafe to.storeBytes(of: words.1, toByteOffset: n - 4, as: UInt32.self)
      } else {
        for i in 0..<n { unsafe place[i] = from[i] }
      }
    }
  }
}

extension [UInt8] {
  /// Appends what `body` writes: at most `room` bytes.
  @inline(__always) mutating func append(room: Int, _ body: (inout TextRoom) -> Void) {
    append(addingCapacity: room) { (out: inout OutputSpan<UInt8>) in
      unsafe out.withUnsafeMutableBufferPointer { buffer, initialized in
        guard let start = buffer.baseAddress else { return }
        var text = unsafe TextRoom(start + initialized, count: buffer.count - initialized)
        body(&text)
        initialized += text.written
      }
    }
  }
}
