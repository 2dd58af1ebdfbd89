/// Why bytes from outside could not be read.
public struct Malformed: Error, Equatable, Sendable, CustomStringConvertible {
  /// Where, counted from the first byte of what was read.
  public var offset: Int
  /// What was expected there. A literal, so that failing allocates nothing.
  public var field: StaticString

  public init(offset: Int, field: StaticString) {
    self.offset = offset
    self.field = field
  }

  public static func == (a: Malformed, b: Malformed) -> Bool { a.offset == b.offset && a.field.description == b.field.description }
  public var description: String { "byte \(offset): \(field)" }
}

/// Reads a message from front to back and never past its end.
public struct ByteCursor: ~Escapable {
  private let bytes: Span<UInt8>
  /// Bytes read so far.
  public private(set) var offset = 0

  @_lifetime(copy bytes)
  public init(_ bytes: Span<UInt8>) { self.bytes = bytes }

  /// Bytes not read yet.
  public var remaining: Int { bytes.count - offset }
  public var isAtEnd: Bool { offset == bytes.count }

  public mutating func uint8(_ field: StaticString) throws(Malformed) -> UInt8 {
    guard offset < bytes.count else { throw Malformed(offset: offset, field: field) }
    defer { offset += 1 }
    return bytes[offset]
  }

  /// Two bytes, most significant first.
  public mutating func uint16(_ field: StaticString) throws(Malformed) -> UInt16 {
    let pair = try take(2, field)
    return UInt16(pair[0]) << 8 | UInt16(pair[1])
  }

  /// Four bytes, most significant first.
  public mutating func uint32(_ field: StaticString) throws(Malformed) -> UInt32 {
    let four = try take(4, field)
    return UInt32(four[0]) << 24 | UInt32(four[1]) << 16 | UInt32(four[2]) << 8 | UInt32(four[3])
  }

  /// Two bytes, least significant first (zip).
  public mutating func uint16LittleEndian(_ field: StaticString) throws(Malformed) -> UInt16 { try uint16(field).byteSwapped }

  /// Four bytes, least significant first (gzip, pcap, zip).
  public mutating func uint32LittleEndian(_ field: StaticString) throws(Malformed) -> UInt32 { try uint32(field).byteSwapped }

  /// Eight bytes, most significant first.
  public mutating func uint64(_ field: StaticString) throws(Malformed) -> UInt64 {
    let high = try uint32(field)
    return try UInt64(high) << 32 | UInt64(uint32(field))
  }

  public mutating func skip(_ count: Int, _ field: StaticString) throws(Malformed) { _ = try take(count, field) }

  @_lifetime(copy self)
  public mutating func take(_ count: Int, _ field: StaticString) throws(Malformed) -> Span<UInt8> {
    guard count >= 0, count <= bytes.count - offset else { throw Malformed(offset: offset, field: field) }
    defer { offset += count }
    return bytes.extracting(offset..<offset + count)
  }

  /// Everything that is left.
  @_lifetime(copy self)
  public mutating func rest() -> Span<UInt8> {
    defer { offset = bytes.count }
    return bytes.extracting(offset..<bytes.count)
  }
}
