import Record

/// The keys of table `name`: a letter for the kind, then the value.
enum NameKey {
  static func mac(_ mac: MACAddress) -> [UInt8] {
    var key: [UInt8] = [0x6d]
    for shift in [40, 32, 24, 16, 8, 0] as [UInt64] { key.append(UInt8(truncatingIfNeeded: mac.value >> shift)) }
    return key
  }

  static func duid(_ duid: [UInt8]) -> [UInt8] { [0x64] + duid }
  static func clientID(_ id: [UInt8]) -> [UInt8] { [0x63] + id }
  static func hostname(_ name: [UInt8]) -> [UInt8] { [0x68] + Folding.fold(name) }
  static func user(_ name: [UInt8]) -> [UInt8] { [0x75] + Folding.fold(name) }

  static func keys(of o: Observation) -> [[UInt8]] {
    var keys: [[UInt8]] = []
    if let mac = o.identity.mac ?? o.identity.macInDUID { keys.append(self.mac(mac)) }
    if let duid = o.identity.duid { keys.append(self.duid(duid)) }
    if let id = o.identity.clientID { keys.append(clientID(id)) }
    if let name = o.detail.hostname, !name.isEmpty { keys.append(hostname(name)) }
    for name in [o.detail.user, o.detail.phone] { if let name, !name.isEmpty { keys.append(user(name)) } }
    return keys
  }
}
