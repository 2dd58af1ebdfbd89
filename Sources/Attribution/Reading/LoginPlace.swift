import Record

/// Under what a login is kept whose message names no address: the device's MAC (802.1X; the address is given out later),
/// where a VPN's user came from, the user alone, or an access server that says all its logins are over. The first of these
/// that the message has.
///
/// In the index these stand among the addresses, with lengths that no prefix has, so that they are sorted, named and read
/// again as the logins of an address are.
enum LoginPlace {
  case mac(MACAddress)
  case outer(IPAddress)
  /// Folded.
  case user([UInt8])
  case nas([UInt8])

  /// The greatest length of what is an address or prefix.
  static let greatestPrefix = 128
  static let macLength = 160
  static let outerLength = 161
  static let userLength = 162
  static let nasLength = 163

  static func of(_ event: EventReading) -> LoginPlace? {
    if let mac = event.mac { return .mac(mac) }
    if let outer = event.outerIP { return .outer(outer) }
    if let user = event.user, !user.isEmpty { return .user(Folding.fold(user)) }
    if let nas = event.nas, event.action == .loginStop { return .nas(nas) }
    return nil
  }

  var length: Int {
    switch self {
    case .mac: Self.macLength
    case .outer: Self.outerLength
    case .user: Self.userLength
    case .nas: Self.nasLength
    }
  }

  /// In the place of an address. Texts may share one: whoever reads compares the texts too.
  var value: IPAddress {
    switch self {
    case .mac(let mac): IPAddress(v6: UInt128(mac.value))
    case .outer(let ip): ip
    case .user(let text), .nas(let text):
      IPAddress(v6: UInt128(KeyHash.of(0x31, text.span)) << 64 | UInt128(KeyHash.of(0x32, text.span)))
    }
  }
}
