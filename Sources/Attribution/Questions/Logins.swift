import Record

extension Index {
  /// Who was logged in on an address: a login lasts until the logout, until the next login there, until the interval
  /// ends, or until nothing is known of it any more.
  struct Login {
    var first: Observation
    var last: Observation
    /// nil where it is open.
    var end: Moment?
    var endPosition: RecordPosition?

    func touches(_ from: Moment, _ to: Moment) -> Bool { first.time <= to && (end.map { $0 > from } ?? true) }
  }

  /// Logins on an address from one time to another, in order. At most 1,000: the latest of them.
  func logins(_ address: Int, from: Moment, to: Moment) throws -> [Login] {
    let read = try observations(
      "\(Observation.joined) WHERE o.address=? AND o.track=1 AND o.time>=? AND o.time<=? ORDER BY o.time DESC, o.position DESC, o.number DESC LIMIT 1000"
    ) { $0.bind(1, address).bind(2, from.raw & ~7).bind(3, to.raw | 7) }
    var found: [Login] = []
    for o in read.reversed() {
      let isOpen = found.last.map { $0.end == nil } ?? false
      let isSame = isOpen && (o.detail.user == nil || found.last?.first.detail.user == o.detail.user)
      if isSame, var current = found.popLast() {
        current.last = o
        if o.action == .loginStop {
          current.end = o.time
          current.endPosition = o.key.position
        }
        found.append(current)
      } else if o.action != .loginStop {
        if isOpen, var old = found.popLast() {
          old.end = o.time
          old.endPosition = o.key.position
          found.append(old)
        }
        found.append(Login(first: o, last: o))
      }
    }
    return found.filter { $0.first.detail.user != nil }
  }
}
