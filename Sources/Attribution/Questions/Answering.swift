import Record

// From an interval of the index to an answer.

extension Questions {
  /// - Parameter at: the time asked about; what has run out by then is over.
  func answer(
    _ interval: Interval, _ place: Index.Place, _ index: Index, _ number: Int, at time: Moment?, near: Index.Nearby? = nil
  ) throws -> Answer {
    let (end, reason) = ending(interval, index, at: time)
    let mac = interval.identity.mac ?? interval.identity.macInDUID
    var answer = Answer(
      site: text(place.site), ip: place.text, mac: mac,
      macSource: interval.identity.mac == nil && mac != nil ? "duid" : interval.identity.macSource.map(text),
      duid: interval.identity.duid.map(text),
      clientID: interval.identity.clientID.map(text), hostname: interval.hostname.map(text), relay: interval.relay.map(text),
      circuitID: interval.circuitID.map(text), basis: Answer.Basis(rawValue: interval.basis.name) ?? .binding,
      start: interval.start.timestamp(in: zone), lastSeen: interval.lastSeen.timestamp(in: zone), end: end?.timestamp(in: zone),
      endReason: reason, certainty: Judgement.alone(interval), clock: interval.clockIsDevice ? .device : .receive,
      clockDifferenceMilliseconds: interval.difference)
    answer.evidence = try index.evidence(interval, place.id, near: near, number: number)
    return answer
  }

  /// nil and `open` while it may still last.
  func ending(_ interval: Interval, _ index: Index, at time: Moment?) -> (Moment?, Answer.EndReason) {
    if let end = interval.end { return (end, Answer.EndReason(rawValue: (interval.endReason ?? .unknown).name) ?? .unknown) }
    let (end, reason) = interval.lapse
    let horizon = max(horizon(index), time ?? Moment(raw: .min))
    if end == Interval.forever || end.microseconds > horizon.microseconds { return (nil, .open) }
    return (end, Answer.EndReason(rawValue: reason.name) ?? .unknown)
  }

  func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
