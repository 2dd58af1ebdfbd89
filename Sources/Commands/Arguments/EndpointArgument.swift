import Record

/// `IP[:PORT]` as a caller writes it; an IPv6 address with a port in brackets.
enum EndpointArgument {
  static func read(_ text: String, name: String) throws(UsageError) -> (ip: IPAddress, port: Int?) {
    if let ip = IPAddress(text) { return (ip, nil) }
    let bytes = Array(text.utf8)
    let wrong = UsageError(
      "\(name): \(Arguments.quoted(text)) is no address and port", hint: "write 195.142.10.8:51834 or [2001:db8::1]:51834")
    var address = bytes[...]
    var port: ArraySlice<UInt8>?
    if bytes.first == UInt8(ascii: "[") {
      guard let close = bytes.firstIndex(of: UInt8(ascii: "]")) else { throw wrong }
      address = bytes[1..<close]
      if close + 1 < bytes.count {
        guard bytes[close + 1] == UInt8(ascii: ":") else { throw wrong }
        port = bytes[(close + 2)...]
      }
    } else if let colon = bytes.firstIndex(of: UInt8(ascii: ":")) {
      address = bytes[..<colon]
      port = bytes[(colon + 1)...]
    }
    guard let ip = IPAddress(text: Array(address).span) else { throw wrong }
    guard let port else { return (ip, nil) }
    guard let number = Array(port).span.decimal, (1...65535).contains(number) else {
      throw UsageError("\(name): \(Arguments.quoted(String(decoding: port, as: UTF8.self))) is no port", hint: "ports are 1 to 65535")
    }
    return (ip, number)
  }
}
