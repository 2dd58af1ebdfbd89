import Record

/// `table --csv`: RFC 4180, with a header line and CR LF.
///
/// A cell that a spreadsheet would take for a formula gets an apostrophe before it: host and user names are chosen by
/// strangers, and an officer opens the file with a program that obeys `=HYPERLINK(…)`. The exact text is in `--json`.
public enum CSV {
  static let columns = ["site", "ip", "start", "end", "end_reason", "mac", "hostname", "user", "certainty"]

  public static func table(_ answer: JSONValue) -> String {
    var out = columns.joined(separator: ",") + "\r\n"
    for row in answer["rows"]?.array ?? [] {
      out += columns.map { cell(row[$0]?.string ?? "") }.joined(separator: ",") + "\r\n"
    }
    return out
  }

  static func cell(_ text: String) -> String {
    var text = visible(text)
    if let first = text.unicodeScalars.first, "=+-@\u{ff1d}\u{ff0b}\u{ff0d}\u{ff20}".unicodeScalars.contains(first) { text = "'" + text }
    guard text.unicodeScalars.contains(where: { $0 == "\"" || $0 == "," || $0 == "\r" || $0 == "\n" || $0 == ";" }) else { return text }
    return "\"" + text.unicodeScalars.reduce(into: "") { $0 += $1 == "\"" ? "\"\"" : String($1) } + "\""
  }
}
