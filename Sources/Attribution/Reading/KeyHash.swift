import Record

/// 64 bits of a typed key, the same in every program that ever reads them: FNV-1a, then the finalizer of MurmurHash3 (the
/// low bits of FNV alone are poor). Equal keys give equal hashes; whoever needs more compares the keys.
enum KeyHash {
  static func of(_ type: UInt8, _ key: Span<UInt8>) -> UInt64 {
    var hash: UInt64 = (0xcbf2_9ce4_8422_2325 ^ UInt64(type)) &* 0x0000_0100_0000_01b3
    for i in key.indices { hash = (hash ^ UInt64(key[i])) &* 0x0000_0100_0000_01b3 }
    return mixed(hash)
  }

  static func of(_ type: UInt8, _ ip: IPAddress, _ more: UInt64 = 0) -> UInt64 {
    var hash: UInt64 = (0xcbf2_9ce4_8422_2325 ^ UInt64(type)) &* 0x0000_0100_0000_01b3
    for word in [UInt64(truncatingIfNeeded: ip.value >> 64), UInt64(truncatingIfNeeded: ip.value), more] {
      hash = mixed(hash ^ word) &* 0x0000_0100_0000_01b3
    }
    return mixed(hash)
  }

  private static func mixed(_ value: UInt64) -> UInt64 {
    var hash = value
    hash = (hash ^ hash >> 33) &* 0xff51_afd7_ed55_8ccd
    hash = (hash ^ hash >> 33) &* 0xc4ce_b9fe_1a85_ec53
    return hash ^ hash >> 33
  }
}
