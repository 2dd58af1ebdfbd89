import Record

/// The keys of table `name`: a letter for the kind, then the value.
enum NameKey {
  private static let macType: UInt8 = 0x6d
  private static let duidType: UInt8 = 0x64
  private static let clientIDType: UInt8 = 0x63
  private static let hostnameType: UInt8 = 0x68
  private static let userType: UInt8 = 0x75

  static func mac(_ mac: MACAddress) -> [UInt8] {
    var key: [UInt8] = []
    append(mac, to: &key)
    return key
  }

  static func duid(_ duid: [UInt8]) -> [UInt8] { [duidType] + duid }
  static func clientID(_ id: [UInt8]) -> [UInt8] { [clientIDType] + id }
  static func hostname(_ name: [UInt8]) -> [UInt8] { [hostnameType] + Folding.fold(name) }
  static func user(_ name: [UInt8]) -> [UInt8] { [userType] + Folding.fold(name) }

  private static func append(_ mac: MACAddress, to key: inout [UInt8]) {
    key.append(macType)
    for shift in stride(from: 40 as UInt64, through: 0, by: -8) { key.append(UInt8(truncatingIfNeeded: mac.value >> shift)) }
  }

  /// Appends the keys of an observation to others.
  /// - Parameters:
  ///   - withMAC: false leaves out that of the MAC.
  ///   - isWanted: is given each, and where it lies in `text`; returns whether it stays there.
  static func add(
    of o: borrowing Observation, withMAC: Bool, to text: inout [UInt8], _ isWanted: (Span<UInt8>, Range<Int>) -> Bool
  ) {
    func key(_ make: (inout [UInt8]) -> Void) {
      let start = text.count
      make(&text)
      if !isWanted(text.span.extracting(start..<text.count), start..<text.count) { text.removeLast(text.count - start) }
    }
    func key(_ type: UInt8, _ value: [UInt8]?, isName: Bool = true) {
      guard let value, !isName || !value.isEmpty else { return }
      key {
        $0.append(type)
        if isName { Folding.fold(value, into: &$0) } else { $0.append(contentsOf: value) }
      }
    }
    if withMAC, let mac = o.identity.mac ?? o.identity.macInDUID { key { append(mac, to: &$0) } }
    key(duidType, o.identity.duid, isName: false)
    key(clientIDType, o.identity.clientID, isName: false)
    key(hostnameType, o.detail.hostname)
    key(userType, o.detail.user)
    key(userType, o.detail.phone)
  }
}
