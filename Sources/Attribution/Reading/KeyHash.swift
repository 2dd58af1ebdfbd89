import Record

/// 64 bits of a typed key, the same in every program that ever reads them: FNV-1a, then the finalizer of MurmurHash3 (the
/// low bits of FNV alone are poor). Equal keys give equal hashes; whoever needs more compares the keys.
enum KeyHash {
  static func of(_ type: UInt8, _ key: Span<UInt8>) -> UInt64 { end(add(key, to: begin(type))) }

  /// The same in parts: begin, add any number of times, end.
  static func begin(_ type: UInt8) -> UInt64 { (0xcbf2_9ce4_8422_2325 ^ UInt64(type)) &* 0x0000_0100_0000_01b3 }

  static func add(_ part: Span<UInt8>, to begun: UInt64) -> UInt64 {
    var hash = begun
    for i in part.indices { hash = (hash ^ UInt64(part[i])) &* 0x0000_0100_0000_01b3 }
    return hash
  }

  static func end(_ begun: UInt64) -> UInt64 { mixed(begun) }

  /// That of a name as `Folding` folds it; nil where it has letters beyond ASCII.
  static func ofFolded(_ type: UInt8, _ name: Span<UInt8>) -> UInt64? {
    var hash = begin(type)
    for i in name.indices {
      let b = name[i]
      guard b < 0x80 else { return nil }
      hash = (hash ^ UInt64(b &- 0x41 < 26 ? b | 0x20 : b)) &* 0x0000_0100_0000_01b3
    }
    return mixed(hash)
  }

  static func of(_ type: UInt8, _ ip: IPAddress, _ more: UInt64 = 0) -> UInt64 {
    var hash = begin(type)
    hash = mixed(hash ^ UInt64(truncatingIfNeeded: ip.value >> 64)) &* 0x0000_0100_0000_01b3
    hash = mixed(hash ^ UInt64(truncatingIfNeeded: ip.value)) &* 0x0000_0100_0000_01b3
    hash = mixed(hash ^ more) &* 0x0000_0100_0000_01b3
    return mixed(hash)
  }

  private static func mixed(_ value: UInt64) -> UInt64 {
    var hash = value
    hash = (hash ^ hash >> 33) &* 0xff51_afd7_ed55_8ccd
    hash = (hash ^ hash >> 33) &* 0xc4ce_b9fe_1a85_ec53
    return hash ^ hash >> 33
  }
}
