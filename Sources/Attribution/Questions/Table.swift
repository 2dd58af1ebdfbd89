public import Record

extension Questions {
  /// The day's list of internal addresses: everything that was held at some moment of it, by site and address.
  /// - Parameter day: in the zone of the answers.
  public func table(_ day: CalendarDay) throws -> [TableRow] {
    let midnight = ClockTime.midnight
    guard let from = zone.timestamps(day: day, clock: midnight).first,
      let next = zone.timestamps(day: day.adding(days: 1), clock: midnight).first
    else { return [] }
    let begin = Moment(from)
    let end = Moment(microseconds: next.microseconds - 1)
    var rows: [TableRow] = []
    for (number, index) in indexes.enumerated() {
      for place in try index.allPlaces() {
        let all = try index.intervals(of: place.id, from: begin, to: end)
        for (interval, certainty) in zip(all, Judgement.overall(all)) where interval.start <= end && !isOver(interval, before: begin) {
          let (until, reason) = ending(interval, index, at: nil)
          var names: [String] = []
          for user in try users(interval, place, index, number, from: max(begin, interval.start), to: end) where !names.contains(user.user)
          {
            names.append(user.user)
          }
          rows.append(
            TableRow(
              site: text(place.site), ip: place.text, start: interval.start.timestamp(in: zone), end: until?.timestamp(in: zone),
              endReason: reason,
              mac: interval.identity.mac ?? interval.identity.macInDUID, hostname: interval.hostname.map(text),
              user: names.isEmpty ? nil : names.joined(separator: ", "), certainty: certainty))
        }
        for login in try loginsAlone(place, index, from: begin, to: end) {
          let answer = answer(login, place, index, number, from: max(begin, login.first.time))
          rows.append(
            TableRow(
              site: answer.site, ip: answer.ip, start: answer.start, end: answer.end, endReason: answer.endReason, mac: answer.mac,
              hostname: answer.hostname, user: answer.users.first?.user, certainty: answer.certainty))
        }
      }
    }
    return rows
  }

  private func isOver(_ interval: Interval, before time: Moment) -> Bool {
    interval.possibleUntil.microseconds <= time.microseconds && interval.start < time
  }
}

extension ClockTime {
  static var midnight: ClockTime {
    guard let clock = ClockTime(text: Array("00:00:00".utf8).span, at: 0) else { preconditionFailure("midnight is a time of day") }
    return clock
  }
}
