/// A 48-bit hardware address (EUI-48).
public struct MACAddress: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// The six bytes, the first in the most significant place.
  public let value: UInt64

  public init(value: UInt64) { self.value = value & 0xffff_ffff_ffff }

  /// Six bytes as on the wire; nil for any other number.
  public init?(bytes: Span<UInt8>) {
    guard bytes.count == 6 else { return nil }
    var v: UInt64 = 0
    for i in bytes.indices { v = v << 8 | UInt64(bytes[i]) }
    value = v
  }

  /// Six pairs of digits with `:`, `-` or nothing between, Cisco's `3c52.821a.7f09`, Huawei's
  /// `3c52-821a-7f09`, or the one-digit form of BSD
  /// (`0:1:2:a:b:c`, only with `:`). Nothing before or behind.
  public init?(text: Span<UInt8>) {
    var v: UInt64 = 0
    var group: UInt64 = 0
    var groupDigits = 0
    var groups = 0
    var separator: UInt8?
    /// Three groups of four digits.
    var quads = false
    for i in text.indices {
      let b = text[i]
      if let h = b.hexValue {
        group = group << 4 | UInt64(h)
        groupDigits += 1
        guard groupDigits <= 12 else { return nil }
        continue
      }
      if separator == nil { quads = groupDigits == 4 }
      guard b == 0x3a || b == 0x2d || b == 0x2e, separator == nil || separator == b, groups < 5,
        Self.fits(groupDigits, separator: b, quads: quads)
      else { return nil }
      separator = b
      v = v << (quads ? 16 : 8) | group
      groups += 1
      group = 0
      groupDigits = 0
    }
    switch separator {
    case nil: guard groupDigits == 12 else { return nil }
    case let s?: guard groups == (quads ? 2 : 5), Self.fits(groupDigits, separator: s, quads: quads) else { return nil }
    }
    self.init(value: v << (separator == nil ? 48 : quads ? 16 : 8) | group)
  }

  /// Six pairs of digits with colons, or with hyphens, that begin there: 17 bytes. More may follow.
  @inlinable public static func leadingPairs(_ text: Span<UInt8>, at start: Int) -> MACAddress? {
    guard start <= text.count - 17 else { return nil }
    let separator = text[start + 2]
    guard separator == 0x3a || separator == 0x2d else { return nil }
    var value: UInt64 = 0
    for i in 0..<6 {
      let at = start + 3 * i
      guard let high = text[at].hexValue, let low = text[at + 1].hexValue, i == 5 || text[at + 2] == separator else { return nil }
      value = value << 8 | UInt64(high << 4 | low)
    }
    return MACAddress(value: value)
  }

  private static func fits(_ digits: Int, separator: UInt8, quads: Bool) -> Bool {
    switch separator {
    case 0x3a: digits == 1 || digits == 2
    case 0x2d: digits == (quads ? 4 : 2)
    default: quads && digits == 4
    }
  }

  public init?(_ text: String) { self.init(text: Array(text.utf8).span) }

  /// The locally administered bit (IEEE 802 section 8.2): what phones that invent addresses set.
  public var isLocallyAdministered: Bool { value >> 41 & 1 == 1 }
  /// A group address never belongs to one device.
  public var isGroup: Bool { value >> 40 & 1 == 1 }

  public static func < (a: MACAddress, b: MACAddress) -> Bool { a.value < b.value }
  public var description: String {
    var out: [UInt8] = []
    out.append(self)
    return String(decoding: out, as: UTF8.self)
  }
}

extension [UInt8] {
  /// Lower case, colons.
  public mutating func append(_ mac: MACAddress) { append(room: 19) { $0.put(mac) } }
}

extension TextRoom {
  /// 17 bytes.
  mutating func put(_ mac: MACAddress) { put(hexPairs: mac.value) }
}
