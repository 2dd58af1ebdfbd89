import Record

/// Answers that are lists.
struct ListText {
  let style: Style

  func table(_ answer: JSONValue) -> String {
    var columns = Columns()
    let rows = answer["rows"]?.array ?? []
    for row in rows {
      columns.add([
        Words.text(row["site"]), Words.text(row["ip"]), Words.time(row["start"]),
        Words.time(row["end"]) ?? (row["end_reason"]?.string == "open" ? "open" : nil), Words.text(row["end_reason"]),
        Words.text(row["mac"]),
        Words.text(row["hostname"]), Words.text(row["user"]), Words.text(row["certainty"]),
      ])
    }
    return columns.lines(heading: ["SITE", "IP", "START", "END", "ENDED", "MAC", "HOST NAME", "USER", "CERTAINTY"], style)
      + "\(Words.text(answer["day"]) ?? ""): \(Words.count(rows.count, "interval", "intervals"))\n"
  }

  func search(_ answer: JSONValue) -> String {
    var out = ""
    let records = answer["records"]?.array ?? []
    for record in records {
      out += style.strong("\(Words.text(record["day"]) ?? "?") \(Words.text(record["record"]) ?? "?")")
      out += Words.log(record) + "  " + RecordText(style: style).oneLine(record["line"]?.string ?? "") + "\n"
    }
    out += Words.count(records.count, "record", "records")
    if answer["truncated"]?.bool == true { out += style.doubtful("; there are more: ask for a shorter time") }
    return out + "\n"
  }

  func queries(_ answer: JSONValue) -> String {
    var columns = Columns()
    for query in answer["queries"]?.array ?? [] {
      var asked = [Words.text(query["command"])].compactMap { $0 } + (query["arguments"]?.array ?? []).compactMap { Words.text($0) }
      if query["what"] == "exported" {
        asked.append(
          "-> exported \(Words.count(query["records"]?.array?.count ?? 0, "record", "records")), SHA-256 \(Words.text(query["sha256"]) ?? "?")"
        )
      }
      columns.add([
        Words.time(query["time"]), Words.text(query["user"]).map { $0 + " (\(Words.text(query["uid"]) ?? "?"))" },
        Words.text(query["case"]),
        Words.text(query["answers"]), asked.joined(separator: " "),
      ])
    }
    var out = columns.lines(heading: ["WHEN", "WHO", "CASE", "ANSWERS", "WHAT"], style)
    let gone = answer["deleted_days"]?.array ?? []
    if !gone.isEmpty { out += "\(Words.count(gone.count, "day is", "days are")) deleted, and with them what was asked then\n" }
    return out
  }

  func days(_ answer: JSONValue) -> String {
    var columns = Columns(right: [1, 2, 3, 4, 7])
    let areSeveral = answer["logs"] != nil
    for day in answer["days"]?.array ?? [] {
      columns.add(
        [
          Words.text(day["day"]), number(day["records"]), number(day["bytes"]), number(day["seals"]), number(day["sealed_records"]),
          day["deleted"]?.bool == true ? "deleted" : day["final"]?.bool == true ? "closed" : "open", Words.text(day["token"]),
          number(day["dropped"]),
        ] + (areSeveral ? [Words.text(day["log"])] : []))
    }
    let heading = ["DAY", "RECORDS", "BYTES", "SEALS", "SEALED", "STATE", "TOKEN", "DROPPED"]
    return columns.lines(heading: heading + (areSeveral ? ["LOG"] : []), style)
  }

  private func number(_ value: JSONValue?) -> String? { value?.integer.map(Words.grouped) }

  func heads(_ answer: JSONValue) -> String {
    // Text before a head line is no part of it (design section 12.10).
    let names = (answer["logs"]?.array ?? []).compactMap { log in log["id"]?.string.map { (id: $0, name: Words.text(log["log"]) ?? "") } }
    return (answer["heads"]?.array ?? []).compactMap { Words.text($0) }.map { line in
      (names.first { line.contains($0.id) }.map { $0.name + ": " } ?? "") + line + "\n"
    }.joined()
  }
}
