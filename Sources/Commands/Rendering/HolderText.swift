import Record

/// Answers about who held an address.
struct HolderText {
  let style: Style

  func answer(_ command: CommandName, _ answer: JSONValue) -> String {
    var out = style.strong(asked(command, answer["question"])) + "\n"
    let answers = answer["answers"]?.array ?? []
    for holder in answers { out += "\n" + interval(holder) }
    if answers.isEmpty {
      out += "\n" + none(command) + "\n"
      for (side, title) in [("before", "The holder before:"), ("after", "The holder after:")] {
        guard let near = answer[side], !near.isNull else { continue }
        out += "\n\(title)\n" + interval(near)
      }
    } else if answers.count > 1, command == .who, !isDecided(answer) {
      out += "\n" + style.doubtful("\(answers.count) candidates: the records do not decide between them.") + "\n"
    }
    let gaps = answer["gaps"]?.array ?? []
    if answer["complete"]?.bool == false {
      out += "\n" + self.gaps(gaps)
    } else if !gaps.isEmpty {
      out += "\n" + completeElsewhere(answer["logs"]?.array ?? []) + list(gaps)
    }
    return out
  }

  /// Of several logs one was sure, and the others only were not.
  private func isDecided(_ answer: JSONValue) -> Bool {
    answer["logs"] != nil && (answer["answers"]?.array ?? []).contains { $0["certainty"] == "confirmed" }
  }

  private func completeElsewhere(_ logs: [JSONValue]) -> String {
    let whole = logs.filter { $0["complete"]?.bool == true }.compactMap { Words.text($0["log"]) }.joined(separator: ", ")
    return "Complete: \(whole) had no gap that touches this time. Gaps of the others:\n"
  }

  private func none(_ command: CommandName) -> String {
    switch command {
    case .who: "Nobody is known to have held this address then."
    case .nat: "No session is known for this address and port then."
    default: "Nothing is known of this device or user in that time."
    }
  }

  private func asked(_ command: CommandName, _ question: JSONValue?) -> String {
    let subject = ["ip", "address", "text", "device"].compactMap { Words.text(question?[$0]) }.first ?? ""
    var line = subject
    if let port = Words.text(question?["port"]) { line = Self.endpoint(subject, port) }
    if command == .nat, let to = Words.text(question?["to"]) { line += " to " + to }
    if let proto = Words.text(question?["protocol"]) { line += ", " + proto }
    if let at = Words.both(question?["at"]) { line += " at " + at }
    if command == .device, let from = Words.time(question?["from"]), let to = Words.time(question?["to"]) { line += ", \(from) to \(to)" }
    if let site = Words.text(question?["site"]) { line += ", site " + site }
    return line
  }

  private func interval(_ holder: JSONValue) -> String {
    let device =
      Words.text(holder["mac"]) ?? Words.text(holder["duid"]).map { "DUID " + $0 }
      ?? Words.text(holder["client_id"]).map { "client identifier " + $0 } ?? "unknown device"
    var out = style.certainty(Words.text(holder["certainty"]) ?? "possible") + "  " + style.strong(device)
    if let name = Words.text(holder["hostname"]) { out += "  " + name }
    out += "\n"
    func line(_ name: String, _ text: String?) {
      guard let text, !text.isEmpty else { return }
      out += "  " + name.padded(to: 13) + text + "\n"
    }
    line("address", Words.text(holder["ip"]).map { $0 + site(holder) })
    line("from", Words.both(holder["start"]))
    line("to", end(holder))
    line("last seen", Words.both(holder["last_seen"]))
    line("basis", basis(holder))
    if holder["mac"]?.string != nil, let source = Words.text(holder["mac_source"]) { line("MAC from", source) }
    if holder["mac_random"]?.bool == true { line("MAC", "locally administered: the device may have invented it") }
    if holder["mac"]?.string != nil { line("DUID", Words.text(holder["duid"])) }
    line("client id", Words.text(holder["client_id"]))
    line("relay", Words.text(holder["relay"]))
    line("circuit id", Words.text(holder["circuit_id"]))
    for user in holder["users"]?.array ?? [] { line("user", self.user(user)) }
    if let session = holder["session"], !session.isNull {
      line("session", self.session(session))
      line("session from", Words.both(session["start"]))
      line("session to", Words.both(session["end"]) ?? "no end is known")
      line("bytes", bytes(session))
    }
    for evidence in holder["evidence"]?.array ?? [] { line("evidence", self.evidence(evidence)) }
    return out
  }

  /// `tcp 10.20.3.57:51834 as 195.142.10.8:40112 to 93.184.216.34:443`
  private func session(_ session: JSONValue) -> String {
    var words = [Words.text(session["protocol"])].compactMap { $0 }
    if let src = endpoint(session, "src") { words.append(src) }
    if let nat = endpoint(session, "nat") { words += ["as", nat] }
    if let dst = endpoint(session, "dst") { words += ["to", dst] }
    return words.joined(separator: " ")
  }

  private func endpoint(_ session: JSONValue, _ side: String) -> String? {
    guard let ip = Words.text(session[side + "_ip"]) else { return nil }
    guard let port = Words.text(session[side + "_port"]) else { return ip }
    let last = Words.text(session[side + "_port_last"]).map { "-" + $0 } ?? ""
    return Self.endpoint(ip, port) + last
  }

  private static func endpoint(_ ip: String, _ port: String) -> String {
    (ip.utf8.contains(UInt8(ascii: ":")) ? "[\(ip)]" : ip) + ":" + port
  }

  private func bytes(_ session: JSONValue) -> String? {
    let out = session["bytes_out"]?.integer.map { "\(Words.grouped($0)) out" }
    let back = session["bytes_in"]?.integer.map { "\(Words.grouped($0)) in" }
    let both = [out, back].compactMap { $0 }
    return both.isEmpty ? nil : both.joined(separator: ", ")
  }

  private func site(_ holder: JSONValue) -> String {
    guard let site = Words.text(holder["site"]), site != RecordLine.defaultSite else { return "" }
    return ", site " + site
  }

  private func end(_ holder: JSONValue) -> String {
    let reason = Words.text(holder["end_reason"])
    guard let end = Words.both(holder["end"]) else { return reason == "open" ? "still open" : reason ?? "unknown" }
    return end + (reason.map { ", " + $0 } ?? "")
  }

  private func basis(_ holder: JSONValue) -> String? {
    guard var text = Words.text(holder["basis"]) else { return "the session's log alone: nobody is known to have had the address then" }
    if holder["clock"]?.string == "device" { text += ", by the device's clock" }
    if let difference = holder["clock_difference_ms"]?.integer {
      text += "; the device's clock differs by \(Words.grouped(difference)) ms from the collector's"
    }
    return text
  }

  private func user(_ user: JSONValue) -> String {
    var text = style.strong(Words.text(user["user"]) ?? Words.text(user["phone"]) ?? "unknown")
    let more = [user["user"]?.string == nil ? nil : Words.text(user["phone"]), Words.text(user["method"])].compactMap { $0 }
    if !more.isEmpty { text += " (" + more.joined(separator: ", ") + ")" }
    if let outer = Words.text(user["outer_ip"]) { text += ", by VPN from " + outer }
    if let start = Words.both(user["start"]) { text += ", from " + start }
    if let end = Words.both(user["end"]) { text += " to " + end }
    if let certainty = Words.text(user["certainty"]) { text += ", " + style.certainty(certainty) }
    let proof = (user["evidence"]?.array ?? []).map(evidence)
    return text + (proof.isEmpty ? "" : "; " + proof.joined(separator: "; "))
  }

  private func evidence(_ evidence: JSONValue) -> String {
    var text = "\(Words.text(evidence["day"]) ?? "?") record \(Words.text(evidence["record"]) ?? "?")"
    if let seal = Words.text(evidence["seal"]) { text += ", seal \(seal)" } else { text += ", not sealed yet" }
    if let proven = Words.both(evidence["proven_at"]) {
      text += ", proven at " + proven
    } else if evidence["seal"]?.integer != nil {
      text += ", no time stamp yet"
    }
    return text + Words.log(evidence)
  }

  private func gaps(_ gaps: [JSONValue]) -> String {
    style.doubtful("Incomplete: what was received has gaps that touch this time.") + "\n" + list(gaps)
  }

  private func list(_ gaps: [JSONValue]) -> String {
    var out = ""
    for gap in gaps {
      let span = [Words.both(gap["from"]), Words.both(gap["to"])].compactMap { $0 }.joined(separator: " to ")
      let who = Words.text(gap["source"]).map { " (\($0))" } ?? ""
      out += "  \(Words.text(gap["what"]) ?? "gap")\(who)  \(span)\(Words.log(gap))\n"
    }
    return out
  }
}
