import Record

extension Configuration.StaticAddress {
  /// The `binding` event that a `static` notice carries for it.
  /// - Parameter zone: the log's; in it a day begins.
  func event(zone: Zone) -> JSONValue {
    var members = [
      JSONMember("kind", "binding"), JSONMember("ip", .string(ip.description)), JSONMember("mac", .string(mac.description)),
    ]
    if let hostname { members.append(JSONMember("hostname", .string(hostname))) }
    if site != RecordLine.defaultSite { members.append(JSONMember("site", .string(site))) }
    members.append(JSONMember("basis", "declared"))
    if let begin = begin(zone: zone) { members.append(JSONMember("time", .string(begin.description))) }
    return .object(members)
  }

  private func begin(zone: Zone) -> Timestamp? {
    switch since {
    case nil: return nil
    case .time(let time): return time
    case .day(let day):
      guard let midnight = ClockTime(text: Array("00:00:00".utf8).span, at: 0) else { return nil }
      // A day whose midnight a clock change skipped begins where the clock went on.
      return zone.timestamps(day: day, clock: midnight).first ?? zone.timestamp(Int64(day.number) * Timestamp.day, fractionDigits: 0)
    }
  }
}
