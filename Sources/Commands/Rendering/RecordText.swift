import Record

/// Single records and messages.
struct RecordText {
  let style: Style

  func show(_ answer: JSONValue) -> String {
    var out = style.strong("\(Words.text(answer["day"]) ?? "?") record \(Words.text(answer["record"]) ?? "?")") + "\n\n"
    func line(_ name: String, _ text: String?) {
      guard let text else { return }
      out += name.padded(to: 10) + text + "\n"
    }
    let text = answer["line"]?.string ?? ""
    if let record = try? RecordLine(Array(text.utf8).span) {
      line("received", Words.both(record.json["time"]))
      line(
        "via",
        [
          Words.text(record.json["via"]), Words.text(record.json["from"]).map { "from " + $0 },
          Words.text(record.json["source"]).map { "source " + $0 },
          record.site == RecordLine.defaultSite ? nil : "site " + visible(record.site),
          record.via == .udp ? "not authenticated" : nil,
        ].compactMap { $0 }.joined(separator: ", "))
      line("message", record.text.map { visible($0) })
      line("cut off", cut(record))
      for event in record.json["events"]?.array ?? [] { line("event", self.event(event)) }
    }
    if let seal = Words.text(answer["seal"]) {
      line("seal", seal)
      line("proven at", Words.both(answer["proven_at"]) ?? "no time stamp yet")
    } else {
      line("seal", "not sealed yet")
    }
    return out + "\n" + visible(text) + "\n"
  }

  /// What is missing at a message's end; nil where it is whole.
  private func cut(_ record: RecordLine) -> String? {
    guard let cut = record.json["cut"] else { return nil }
    guard let length = cut.integer else { return "the connection ended before the message did" }
    return "the message had \(Words.grouped(length)) bytes"
  }

  /// A record in one line: time, source, message or what the notice says.
  func oneLine(_ text: String) -> String {
    guard let record = try? RecordLine(Array(text.utf8).span) else { return visible(text) }
    let head = [
      Words.time(record.json["time"]), Words.text(record.json["source"]) ?? Words.text(record.json["from"]) ?? record.via.rawValue,
    ]
    let body = record.text.map { visible($0) } ?? (record.json["events"]?.array ?? []).map(event).joined(separator: "; ")
    return (head.compactMap { $0 } + [body]).joined(separator: "  ")
  }

  /// `lease assign ip 10.20.3.57 mac …`
  func event(_ event: JSONValue) -> String {
    guard case .object(let members) = event else { return visible(event.text) }
    return members.map { member in
      switch member.name {
      case "kind", "action", "what": Words.text(member.value) ?? visible(member.value.text)
      default: visible(member.name) + " " + (Words.text(member.value) ?? visible(member.value.text))
      }
    }.joined(separator: "  ")
  }

  func exported(_ answer: JSONValue) -> String {
    var out = ""
    for record in answer["records"]?.array ?? [] {
      out +=
        "\(Words.text(record["day"]) ?? "?") record \(Words.text(record["record"]) ?? "?"), seal \(Words.text(record["seal"]) ?? "?"), "
      out += (Words.both(record["proven_at"]).map { "proven at " + $0 } ?? style.doubtful("no time stamp yet")) + "\n"
    }
    return out + "SHA-256 \(Words.text(answer["sha256"]) ?? "")\n"
  }

  func explain(_ answer: JSONValue) -> String {
    var out = ""
    func line(_ name: String, _ text: String?) {
      guard let text else { return }
      out += "  " + name.padded(to: 10) + text + "\n"
    }
    let syslog = answer["syslog"]
    out += style.strong(Words.text(syslog?["message"]) ?? "") + "\n"
    if case .object(let members)? = syslog {
      let header = members.filter { $0.name != "message" }.compactMap { m in Words.text(m.value).map { "\(m.name) \($0)" } }
      line("syslog", header.isEmpty ? "no header" : header.joined(separator: ", "))
    }
    line("dialect", Words.text(answer["dialect"]))
    for event in answer["events"]?.array ?? [] { line("event", style.good(self.event(event))) }
    line("no event", Words.text(answer["why"]).map(style.doubtful))
    return out
  }
}
