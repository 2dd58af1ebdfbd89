public import Record

/// What is known of a device. It is its MAC, else its DUID, else its client identifier.
///
/// Two witnesses of one lease may know different things: a server's log the DUID, a packet the MAC and the DUID. So
/// identities are compared by the strongest identifier that both have, and what matches is joined.
public struct Identity: Hashable, Sendable {
  /// As observed on the wire or in a log.
  public var mac: MACAddress?
  /// Taken out of a DUID: for people to read, never compared, never shown as observed.
  public var macInDUID: MACAddress?
  /// chaddr, option79, log, or duid.
  public var macSource: [UInt8]?
  /// Lower-case hexadecimal with colons, as events have it.
  public var duid: [UInt8]?
  public var clientID: [UInt8]?

  public init() {}

  public var isEmpty: Bool { mac == nil && duid == nil && clientID == nil && macInDUID == nil }

  /// Whether these are one device: nil where they have no identifier in common.
  public func matches(_ other: Identity) -> Bool? {
    if let mac, let theirs = other.mac { return mac == theirs }
    if let duid, let theirs = other.duid { return duid == theirs }
    if let clientID, let theirs = other.clientID { return clientID == theirs }
    // A client identifier of hardware type 1 is a MAC (RFC 2132 section 9.14): what a switch or router logs in its place.
    if let mac = mac ?? macInClientID, let theirs = other.mac ?? other.macInClientID { return mac == theirs }
    if let macInDUID, let theirs = other.macInDUID { return macInDUID == theirs }
    // A DUID may carry the MAC of a card that is long gone, so that another one there says nothing.
    if let mac, mac == other.macInDUID { return true }
    if let macInDUID, macInDUID == other.mac { return true }
    return nil
  }

  /// The MAC that a client identifier of type 1 is.
  private var macInClientID: MACAddress? {
    guard let clientID, clientID.count == 20, clientID.span.starts(with: "01:") else { return nil }
    return MACAddress(text: clientID.span.extracting(3..<20))
  }

  /// Takes over what `other` knows and this does not.
  mutating func join(_ other: Identity) {
    if mac == nil, let theirs = other.mac {
      mac = theirs
      macSource = other.macSource
    }
    if macInDUID == nil { macInDUID = other.macInDUID }
    if macSource == nil { macSource = other.macSource }
    if duid == nil { duid = other.duid }
    if clientID == nil { clientID = other.clientID }
  }

  /// Whether joining it would change nothing.
  func covers(_ other: Identity) -> Bool {
    var joined = self
    joined.join(other)
    return joined == self
  }
}
