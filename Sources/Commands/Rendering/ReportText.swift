import Record

/// What administration answers.
struct ReportText {
  let style: Style

  func made(_ answer: JSONValue) -> String {
    if answer["resumed"]?.bool == true { return resumed(answer) }
    return """
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

  private func resumed(_ answer: JSONValue) -> String {
    let newest = answer["newest_seal"]?.integer ?? 0
    var out = "The log \(Words.text(answer["log"]) ?? "") goes on behind seal \(newest)"
    if let made = answer["last_seal_made"]?.integer, made > newest { out += "; seals \(newest + 1) to \(made) are lost" }
    return out + ".\nThe next start writes a notice of it, and the next seal says it in its note. Published head lines of lost seals\n"
      + "will no longer agree: keep what you know about the loss in writing.\n"
  }

  /// `ok`, in its colour.
  private func verdict(_ value: JSONValue?) -> String {
    let result = Words.text(value) ?? "?"
    return result == "ok" ? style.good(result) : result == "broken" ? style.bad(result) : style.doubtful(result)
  }

  func held(_ answer: JSONValue) -> String {
    let released = answer["released"]?.bool == true
    return (answer["holds"]?.array ?? []).map {
      "\(released ? "no longer held" : "held"): \(Words.text($0["from"]) ?? "?") to \(Words.text($0["to"]) ?? "?"), case \(Words.text(answer["case"]) ?? "?")\n"
    }.joined() + "seal \(Words.text(answer["seal"]) ?? "?") says so\n"
  }

  func destroyed(_ answer: JSONValue) -> String {
    var columns = Columns(right: [1, 2, 3, 4])
    for day in answer["days"]?.array ?? [] {
      columns.add([
        Words.text(day["day"]), day["records"]?.integer.map(Words.grouped), day["bytes"]?.integer.map(Words.grouped),
        Words.text(day["final_seal"]), Words.text(day["permitted_by"]?["seal"]), Words.text(day["retention"]),
        Words.both(day["deleted_at"]),
      ])
    }
    return columns.lines(heading: ["DAY", "RECORDS", "BYTES", "SEAL", "BY SEAL", "RETENTION", "DELETED"], style)
      + "\(Words.count(answer["records"]?.integer ?? 0, "record", "records")) deleted\n"
  }

  func drilled(_ answer: JSONValue) -> String {
    var columns = Columns(right: [1, 2])
    for record in answer["records"]?.array ?? [] {
      columns.add([
        Words.text(record["day"]), Words.text(record["record"]), Words.text(record["seal"]), Words.both(record["proven_at"]),
        ([verdict(record["result"])] + (record["findings"]?.array ?? []).compactMap { Words.text($0["what"]) }).joined(separator: " "),
      ])
    }
    var out = columns.lines(heading: ["DAY", "RECORD", "SEAL", "PROVEN AT", "RESULT"], style)
    for copy in answer["copies"]?.array ?? [] { out += behind(copy) }
    if answer["copies"]?.array?.isEmpty != false { out += "no backup was checked (--copy)\n" }
    return out + "\(Words.time(answer["made"]) ?? ""): \(verdict(answer["result"]))\n"
  }

  private func behind(_ copy: JSONValue) -> String {
    var out = "\(Words.text(copy["path"]) ?? "?"): \(verdict(copy["result"]))"
    if let seal = Words.text(copy["newest_seal"]) {
      out += ", up to seal \(seal) of \(Words.time(copy["made"]) ?? "?"); \(Words.text(copy["days_behind"]) ?? "?") days and "
      out += "\(Words.text(copy["seals_behind"]) ?? "?") seals behind"
    }
    return out + "\n" + (copy["why"]?.array ?? []).compactMap { Words.text($0).map { "  \($0)\n" } }.joined()
  }

  func copy(_ answer: JSONValue) -> String {
    if answer["seals_behind"] != nil { return behind(answer) }
    let word = verdict(answer["result"])
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
      let count = Words.count(sender["received"]?.integer ?? 0, "message", "messages")
      out += "unlisted sender \(visible(name)): \(count), \(visible(looks))\n"
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
