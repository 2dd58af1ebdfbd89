import Record

/// An address and port of a session, as far as the message names them.
struct Endpoint: Hashable, Sendable {
  var ip: IPAddress?
  var port: Int?

  /// A port number, or nil where it is none.
  static func port(_ number: Int?) -> Int? { number.flatMap { (0...65535).contains($0) ? $0 : nil } }
}

/// What a `session` event says happened.
enum SessionAction: Sendable {
  case open, update, close, deny, allocate, free

  init?(_ text: Span<UInt8>) {
    if text.equals("open") {
      self = .open
    } else if text.equals("close") {
      self = .close
    } else if text.equals("update") {
      self = .update
    } else if text.equals("deny") {
      self = .deny
    } else if text.equals("allocate") {
      self = .allocate
    } else if text.equals("free") {
      self = .free
    } else {
      return nil
    }
  }
}
