import Record

/// What administration answers.
struct ReportText {
  let style: Style

  func made(_ answer: JSONValue) -> String {
    """
    The log \(Words.text(answer["log"]) ?? "") is made. Its id is \(Words.text(answer["id"]) ?? "").

    Record these fingerprints elsewhere, on paper or on another machine: an auditor compares them
    with the certificates he is given (openssl x509 -fingerprint -sha256 -in FILE).

      signer.crt  \(Words.text(answer["signer"]) ?? "")
      tsa.crt     \(Words.text(answer["tsa"]) ?? "")

    Whoever has the keys can sign as this log: keep a copy of them where nobody reads it.

    """
  }

  func seal(_ answer: JSONValue) -> String {
    let tokens = (answer["tokens"]?.array ?? []).compactMap { Words.text($0) ?? Words.text($0["file"]) }
    let records = answer["records"]?.integer ?? 0
    return "seal \(Words.text(answer["number"]) ?? "?"): \(Words.text(answer["day"]) ?? "?"), \(Words.count(records, "record", "records"))"
      + (answer["final"]?.bool == true ? ", final" : "")
      + (tokens.isEmpty ? style.doubtful("; signed, the time stamp still waits") : "; time-stamped (\(tokens.joined(separator: ", ")))")
      + "\n"
  }

  func imported(_ answer: JSONValue) -> String {
    let n = { (name: String) in answer[name]?.integer ?? 0 }
    return
      "\(Words.text(answer["file"]) ?? ""): \(Words.count(n("records"), "record", "records")), \(Words.count(n("events"), "event", "events")), "
      + "\(Words.grouped(n("not_understood"))) not understood"
      + (answer["packets"] == nil ? "" : ", of \(Words.count(n("packets"), "packet", "packets"))")
      + "\nSHA-256 \(Words.text(answer["sha256"]) ?? "")\n"
  }

  func copy(_ answer: JSONValue) -> String {
    let result = Words.text(answer["result"]) ?? "?"
    let word = result == "ok" ? style.good(result) : result == "broken" ? style.bad(result) : style.doubtful(result)
    return
      "\(Words.count(answer["days"]?.integer ?? 0, "day", "days")), \(Words.grouped(answer["bytes"]?.integer ?? 0)) bytes written; the copy is \(word)\n"
      + (Words.text(answer["head"]).map { $0 + "\n" } ?? "No day is closed yet: there is no head line.\n")
  }

  func reindexed(_ answer: JSONValue) -> String {
    let n = { (name: String) in answer[name]?.integer ?? 0 }
    return
      "\(Words.count(n("days"), "day", "days")), \(Words.count(n("records"), "record", "records")), \(Words.count(n("events"), "event", "events")) read\n"
  }

  func checked(_ answer: JSONValue) -> String {
    let errors = answer["errors"]?.array ?? []
    guard !errors.isEmpty else { return style.good("The configuration is right.") + "\n" }
    return errors.map { error in
      var line = Words.text(error["file"]) ?? ""
      if let number = Words.text(error["line"]) { line += ":" + number }
      if let path = Words.text(error["path"]), !path.isEmpty { line += ": " + path }
      return line + ": " + (Words.text(error["what"]) ?? "") + "\n"
    }.joined()
  }

  func status(_ answer: JSONValue) -> String {
    var out = ""
    for warning in answer["warnings"]?.array ?? [] { out += style.bad("warning: ") + (Words.text(warning) ?? "") + "\n" }
    if !out.isEmpty { out += "\n" }
    var sources = Columns(right: [1, 2])
    for source in answer["sources"]?.array ?? [] {
      sources.add([
        Words.text(source["name"]), source["received"]?.integer.map(Words.grouped), source["dropped"]?.integer.map(Words.grouped),
        Words.time(source["last"]), Words.time(source["silent_since"]),
      ])
    }
    out += sources.lines(heading: ["SOURCE", "RECEIVED", "DROPPED", "LAST", "SILENT SINCE"], style)
    for sender in answer["unlisted"]?.array ?? [] {
      guard let name = Words.text(sender["name"]) else { continue }
      let looks = Words.text(sender["looks_like"]).map { "looks like \($0)" } ?? "no dialect reads them"
      let count = sender["received"]?.integer.map(Words.grouped) ?? "?"
      out += "unlisted sender \(visible(name)): \(count) messages, \(visible(looks))\n"
      if let line = Words.text(sender["configure"]) { out += "  to take its events, add to `devices` and reload: \(visible(line))\n" }
    }
    out += "\n"
    func line(_ name: String, _ text: String?) {
      guard let text, !text.isEmpty else { return }
      out += name.padded(to: 14) + text + "\n"
    }
    for receiver in answer["receivers"]?.array ?? [] { line("receiver", members(receiver)) }
    line("dropped", answer["dropped"]?.integer.map(Words.grouped))
    if let last = answer["seals"]?["last"], !last.isNull {
      line("last seal", Words.text(last) ?? members(last))
    } else {
      line("last seal", "none yet")
    }
    line("without token", answer["seals"]?["waiting_for_token"].map { Words.text($0) ?? String($0.array?.count ?? 0) })
    for authority in answer["authorities"]?.array ?? [] { line("authority", members(authority)) }
    if let free = answer["disk"]?["free_bytes"]?.integer {
      line(
        "disk", "\(Words.grouped(free / 1_000_000)) MB free" + (Words.text(answer["disk"]?["days_left"]).map { ", about \($0) days" } ?? "")
      )
    }
    return out
  }

  /// `name local, credits 17`; what is null is left out.
  private func members(_ value: JSONValue) -> String {
    guard case .object(let members) = value else { return visible(value.text) }
    return members.compactMap { member in
      guard let text = Words.time(member.value) ?? Words.text(member.value) else { return nil }
      return visible(member.name).map { $0 == "_" ? " " : String($0) }.joined() + " " + text
    }.joined(separator: ", ")
  }
}
