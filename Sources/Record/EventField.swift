/// What an event is about (design section 3).
public enum EventKind: String, Sendable, CaseIterable {
  case lease, binding, session, login, notice

  /// The actions that events of this kind may have; none for those without `action`.
  public var actions: [String] {
    switch self {
    case .lease: ["assign", "renew", "release", "expire", "decline", "nak"]
    case .session: ["open", "update", "close", "deny", "allocate", "free"]
    case .login: ["start", "update", "stop"]
    case .binding, .notice: []
    }
  }
}

/// A member of an event, in the order in which members are written. Its type says how its value is written.
public enum EventField: UInt8, Sendable, CaseIterable {
  case kind, action, what
  case ip, prefix, mac, macSource, duid, iaid, clientID, hostname, leaseSeconds, leaseUntil, leaseFrom, server, relay, circuitID, remoteID,
    vendorClass, vlans, interface, basis
  case proto, srcIP, srcPort, natIP, natPort, natPortLast, dstIP, dstPort
  case user, phone, outerIP, method, sessionID, nas, ssid, callingStationID, start, end, duration, bytesOut, bytesIn
  case clock, dialect, time

  public enum Form: Sendable { case word, text, ip, prefix, mac, hex, integer, time, list }

  public var name: StaticString {
    switch self {
    case .kind: "kind"
    case .action: "action"
    case .what: "what"
    case .ip: "ip"
    case .prefix: "prefix"
    case .mac: "mac"
    case .macSource: "mac_source"
    case .duid: "duid"
    case .iaid: "iaid"
    case .clientID: "client_id"
    case .hostname: "hostname"
    case .leaseSeconds: "lease_seconds"
    case .leaseUntil: "lease_until"
    case .leaseFrom: "lease_from"
    case .server: "server"
    case .relay: "relay"
    case .circuitID: "circuit_id"
    case .remoteID: "remote_id"
    case .vendorClass: "vendor_class"
    case .vlans: "vlans"
    case .interface: "interface"
    case .basis: "basis"
    case .proto: "protocol"
    case .srcIP: "src_ip"
    case .srcPort: "src_port"
    case .natIP: "nat_ip"
    case .natPort: "nat_port"
    case .natPortLast: "nat_port_last"
    case .dstIP: "dst_ip"
    case .dstPort: "dst_port"
    case .user: "user"
    case .phone: "phone"
    case .outerIP: "outer_ip"
    case .method: "method"
    case .sessionID: "session_id"
    case .nas: "nas"
    case .ssid: "ssid"
    case .callingStationID: "calling_station_id"
    case .start: "start"
    case .end: "end"
    case .duration: "duration"
    case .bytesOut: "bytes_out"
    case .bytesIn: "bytes_in"
    case .clock: "clock"
    case .dialect: "dialect"
    case .time: "time"
    }
  }

  public var form: Form {
    switch self {
    case .kind, .action, .what, .macSource, .leaseFrom, .basis, .proto, .method, .clock, .dialect: .word
    case .ip, .relay, .srcIP, .natIP, .dstIP, .outerIP: .ip
    case .prefix: .prefix
    case .mac: .mac
    case .duid, .clientID, .circuitID, .remoteID: .hex
    case .iaid, .leaseSeconds, .srcPort, .natPort, .natPortLast, .dstPort, .duration, .bytesOut, .bytesIn: .integer
    case .leaseUntil, .start, .end, .time: .time
    case .vlans: .list
    case .hostname, .server, .vendorClass, .interface, .user, .phone, .sessionID, .nas, .ssid, .callingStationID: .text
    }
  }

  /// By its name in records and dialect files.
  public init?(name: String) {
    guard let found = Self.byName[name] else { return nil }
    self = found
  }

  private static let byName: [String: EventField] = Dictionary(uniqueKeysWithValues: allCases.map { ($0.name.description, $0) })
}
