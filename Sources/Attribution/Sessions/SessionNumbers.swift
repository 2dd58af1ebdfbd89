import Record

/// Whose number a session's is: devices count for themselves, and use numbers again.
struct SessionNumber: Hashable {
  var site: [UInt8]
  /// The configured name, or the address where there is none.
  var source: [UInt8]?
  /// Behind a relay the host tells the devices apart.
  var server: [UInt8]?
  var number: [UInt8]
}

extension EventReading {
  /// Whether it ends a session that it names by number alone (Cisco ASA's 302014 and 302016 name two ends, but not which of
  /// them is whose).
  var isCloseByNumber: Bool {
    kind == .session && sessionAction == .close && session != nil && src.ip == nil && nat.ip == nil && dst.ip == nil
  }

  /// Whether it begins a session that may be ended so.
  var isOpenWithNumber: Bool {
    kind == .session && sessionAction == .open && session != nil && natPortLast == nil && (src.ip ?? nat.ip) != nil
  }
}

/// Joins closes that name a number alone to the opens they end.
enum SessionNumbers {
  struct Joined {
    /// Closes, with the ends of their opens.
    var closes: [(open: Observation.Key, close: SessionSign)] = []
    /// When it is known at the latest that a session was over whose close is missing.
    var over: [Observation.Key: Moment] = [:]
  }

  /// A close ends the newest open before it with its number, and none before that.
  /// - Parameter signs: opens and closes of one number of one device, in any order.
  static func join(_ signs: [SessionSign], into joined: inout Joined) {
    var open: SessionSign?
    for sign in signs.sorted(by: { $0.key < $1.key }) {
      if sign.event.isOpenWithNumber {
        if let open { joined.over[open.key] = sign.at }
        open = sign
        continue
      }
      guard let begun = open, contradicts(begun, sign) == nil else {
        if let begun = open, let since = contradicts(begun, sign) {
          joined.over[begun.key] = since
          open = nil
        }
        continue
      }
      var close = sign
      close.event.src = begun.event.src
      close.event.nat = begun.event.nat
      close.event.dst = begun.event.dst
      close.event.proto = begun.event.proto
      // The open itself says when it began.
      close.start = begun.start
      close.isStartStated = begun.start != nil
      joined.closes.append((begun.key, close))
      open = nil
    }
  }

  /// When the number was in use again, where a close is not that of this open: of another protocol, or of a session that
  /// began later, whose own open is missing.
  private static func contradicts(_ open: SessionSign, _ close: SessionSign) -> Moment? {
    if let a = open.event.proto, let b = close.event.proto, !TransportNames.isSame(a, b) { return close.start ?? close.at }
    guard let seconds = close.event.duration, seconds >= 0 else { return nil }
    // The device's own times are not delayed on the way; which of the clocks is right does not matter here.
    let lasted =
      if let from = open.event.time, let to = close.event.time {
        to.microseconds &- from.microseconds
      } else {
        close.at.microseconds &- open.at.microseconds
      }
    let slack = Session.near + Timestamp.second
    guard Int64(clamping: seconds) < (lasted &- slack) / Timestamp.second else { return nil }
    return max(open.at, close.start ?? close.at)
  }
}
