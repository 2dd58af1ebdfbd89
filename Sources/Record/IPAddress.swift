/// An IPv4 or IPv6 address. IPv4-mapped IPv6 (RFC 4291 section 2.5.5.2) is IPv4 here.
public struct IPAddress: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// IPv4 in its mapped place (::ffff:0:0/96).
  public let value: UInt128

  private static let mapped: UInt128 = 0xffff_0000_0000

  public init(v4: UInt32) { value = Self.mapped | UInt128(v4) }
  public init(v6: UInt128) { value = v6 }

  /// Four or sixteen bytes as on the wire; nil for any other number.
  public init?(bytes: Span<UInt8>) {
    guard bytes.count == 4 || bytes.count == 16 else { return nil }
    var v: UInt128 = 0
    for i in bytes.indices { v = v << 8 | UInt128(bytes[i]) }
    value = bytes.count == 4 ? Self.mapped | v : v
  }

  public var isV4: Bool { value >> 32 == 0xffff }
  /// 0.0.0.0 or ::.
  public var isUnspecified: Bool { value == 0 || value == 0xffff_0000_0000 }
  public var v4: UInt32? { isV4 ? UInt32(truncatingIfNeeded: value) : nil }

  /// Sixteen bytes, IPv4 in its mapped place: the key of the indexes.
  public var bytes: [UInt8] {
    var out: [UInt8] = []
    for i in 0..<16 { out.append(UInt8(truncatingIfNeeded: value >> UInt128(120 - 8 * i))) }
    return out
  }

  /// Dotted decimal (no leading zeros, no short forms) or RFC 4291 section 2.2 text of either case; no zone, no
  /// brackets, no prefix length, nothing before or behind.
  public init?(text: Span<UInt8>) {
    guard text.count >= 2, text.count <= 45 else { return nil }
    if let v = Self.v4(text) {
      value = Self.mapped | UInt128(v)
      return
    }
    guard text.firstIndex(of: 0x3a) != nil, let v = Self.v6(text) else { return nil }
    value = v
  }

  public init?(_ text: String) { self.init(text: Array(text.utf8).span) }

  private static func v4(_ text: Span<UInt8>) -> UInt32? {
    guard let found = leadingV4(text, at: 0), found.end == text.count else { return nil }
    return found.value
  }

  /// Dotted decimal that begins there, and the place behind it; more may follow, also digits.
  @inlinable public static func leadingV4(_ text: Span<UInt8>, at start: Int) -> (value: UInt32, end: Int)? {
    var value: UInt32 = 0
    var at = start
    for part in 0..<4 {
      if part > 0 {
        guard at < text.count, text[at] == 0x2e else { return nil }
        at += 1
      }
      guard at < text.count, text[at].isDigit else { return nil }
      var number = UInt32(text[at] &- 0x30)
      let first = at
      at += 1
      // No leading zeros: they mean octal to some.
      while at < text.count, at - first < 3, text[at].isDigit {
        if number == 0 { return nil }
        number = number &* 10 &+ UInt32(text[at] &- 0x30)
        at += 1
      }
      guard number <= 255 else { return nil }
      value = value << 8 | number
    }
    return (value, at)
  }

  private static func v6(_ text: Span<UInt8>) -> UInt128? {
    var head: UInt128 = 0
    var tail: UInt128 = 0
    var groups = 0
    var tailGroups = 0
    var compressed = false
    var i = 0
    if text[0] == 0x3a {
      guard text[1] == 0x3a else { return nil }
      compressed = true
      i = 2
    }
    while i < text.count {
      let start = i
      var group: UInt128 = 0
      while i < text.count, let h = text[i].hexValue, i - start < 4 {
        group = group << 4 | UInt128(h)
        i += 1
      }
      if i < text.count, text[i] == 0x2e {
        guard groups + tailGroups <= 6, let v = v4(text.extracting(start..<text.count)) else { return nil }
        if compressed {
          tail = tail << 32 | UInt128(v)
          tailGroups += 2
        } else {
          head = head << 32 | UInt128(v)
          groups += 2
        }
        i = text.count
        break
      }
      guard i > start else { return nil }
      guard groups + tailGroups < 8 else { return nil }
      if compressed {
        tail = tail << 16 | group
        tailGroups += 1
      } else {
        head = head << 16 | group
        groups += 1
      }
      if i == text.count { break }
      guard text[i] == 0x3a else { return nil }
      i += 1
      if i < text.count, text[i] == 0x3a {
        guard !compressed else { return nil }
        compressed = true
        i += 1
      } else if i == text.count {
        return nil
      }
    }
    let total = groups + tailGroups
    if compressed {
      guard total <= 7 else { return nil }
      return (groups == 0 ? 0 : head << UInt128(16 * (8 - groups))) | tail
    }
    return total == 8 ? head : nil
  }

  public static func < (a: IPAddress, b: IPAddress) -> Bool { a.value < b.value }
  public var description: String {
    var out: [UInt8] = []
    out.append(self)
    return String(decoding: out, as: UTF8.self)
  }
}

extension [UInt8] {
  /// Dotted decimal, or RFC 5952 text.
  public mutating func append(_ address: IPAddress) { append(room: TextRoom.longestAddress) { $0.put(address) } }

  /// The peer of a message as records write it: `ip:port`, IPv6 in brackets.
  public mutating func append(_ address: IPAddress, port: UInt16) {
    if address.isV4 {
      append(address)
    } else {
      append(0x5b)
      append(address)
      append(0x5d)
    }
    append(0x3a)
    append(decimal: Int(port))
  }
}

extension TextRoom {
  /// Eight groups of four digits, or an IPv4 address.
  static var longestAddress: Int { 39 }

  /// Dotted decimal, or RFC 5952 text.
  mutating func put(_ address: IPAddress) {
    if let v4 = address.v4 { return put(dotted: v4) }
    // The first longest run of at least two zero groups is left out (RFC 5952 section 4.2).
    var best = (start: -1, count: 1)
    var run = (start: 0, count: 0)
    func group(_ i: Int) -> UInt16 { UInt16(truncatingIfNeeded: address.value >> UInt128(112 - 16 * i)) }
    for i in 0..<8 {
      if group(i) == 0 {
        if run.count == 0 { run.start = i }
        run.count += 1
        if run.count > best.count { best = run }
      } else {
        run.count = 0
      }
    }
    var i = 0
    while i < 8 {
      if i == best.start {
        put(0x3a)
        put(0x3a)
        i += best.count
        continue
      }
      if i > 0, i != best.start + best.count || best.start < 0 { put(0x3a) }
      let g = group(i)
      var shift: UInt16 = 12
      while shift > 0, g >> shift == 0 { shift -= 4 }
      while true {
        put(Hex.digit(UInt8(truncatingIfNeeded: g >> shift & 15)))
        if shift == 0 { break }
        shift -= 4
      }
      i += 1
    }
  }
}

/// An address block: `10.20.0.0/16`, or a lone address for itself alone.
public struct IPPrefix: Hashable, Sendable, CustomStringConvertible {
  public let address: IPAddress
  /// Bits of the prefix as they are written: 0 to 32 for IPv4, 0 to 128 for IPv6.
  public let length: Int

  /// Any address inside the block will do; nothing before or behind.
  public init?(text: Span<UInt8>) {
    let slash = text.firstIndex(of: 0x2f)
    guard let address = IPAddress(text: text.extracting(0..<(slash ?? text.count))) else { return nil }
    let bits = address.isV4 ? 32 : 128
    var length = bits
    if let slash {
      guard text.count - slash <= 4, let n = text.extracting(slash + 1..<text.count).decimal, n <= bits else { return nil }
      length = n
    }
    self.address = address
    self.length = length
  }

  public init?(_ text: String) { self.init(text: Array(text.utf8).span) }

  /// An address alone.
  public init(_ address: IPAddress) {
    self.address = address
    length = address.isV4 ? 32 : 128
  }

  /// The block of that length which holds the address; nil for a length that the address does not have.
  public init?(_ address: IPAddress, length: Int) {
    let bits = address.isV4 ? 32 : 128
    guard (0...bits).contains(length) else { return nil }
    // Shifting by as many bits as there are gives nothing, so that length 0 needs no case of its own.
    let mask = ~UInt128(0) << UInt128(bits - length)
    let whole = address.isV4 ? mask | ~UInt128(UInt32.max) : mask
    self.address = IPAddress(v6: address.value & whole)
    self.length = length
  }

  public func contains(_ other: IPAddress) -> Bool {
    guard address.isV4 == other.isV4 else { return false }
    let free = (address.isV4 ? 32 : 128) - length
    return free == 128 || address.value >> UInt128(free) == other.value >> UInt128(free)
  }

  public var description: String { "\(address)/\(length)" }
}
