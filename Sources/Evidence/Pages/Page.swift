import Record

/// A page for people: HTML that needs nothing from elsewhere, prints on A4, and in which nothing that came from outside
/// is markup. Every text goes through `escaped`, and there is no way to put in anything else.
public struct Page: Sendable {
  public enum Language: String, Sendable { case turkish = "tr", english = "en" }

  private var body = ""
  private let title: String

  public init(title: String) { self.title = title }

  /// Text as HTML: what a reader could not see or what would turn the direction of writing is written out
  /// (`visible`), and `& < > " '` are references.
  public static func escaped(_ text: String) -> String {
    var out = ""
    for scalar in visible(text).unicodeScalars {
      switch scalar {
      case "&": out += "&amp;"
      case "<": out += "&lt;"
      case ">": out += "&gt;"
      case "\"": out += "&quot;"
      case "'": out += "&#39;"
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out
  }

  /// The same content in Turkish, then in English.
  public mutating func inBothLanguages(_ write: (inout Page, Language) -> Void) {
    for language in [Language.turkish, .english] {
      body += "<section lang=\"\(language.rawValue)\">\n"
      write(&self, language)
      body += "</section>\n"
    }
  }

  /// - Parameter level: 1 to 3.
  public mutating func heading(_ text: String, _ level: Int = 2) {
    let tag = "h\(max(1, min(3, level)))"
    body += "<\(tag)>\(Self.escaped(text))</\(tag)>\n"
  }

  public mutating func paragraph(_ text: String) { body += "<p>\(Self.escaped(text))</p>\n" }

  /// What must not be overlooked.
  public mutating func note(_ text: String) { body += "<p class=\"note\">\(Self.escaped(text))</p>\n" }

  /// Names and values; what is nil is left out.
  public mutating func facts(_ rows: [(name: String, value: String?)]) {
    body += "<table class=\"facts\">\n"
    for (name, value) in rows {
      guard let value, !value.isEmpty else { continue }
      let lines = value.split(separator: "\n", omittingEmptySubsequences: false).map { Self.escaped(String($0)) }
      body += "<tr><th>\(Self.escaped(name))</th><td>\(lines.joined(separator: "<br>"))</td></tr>\n"
    }
    body += "</table>\n"
  }

  public mutating func table(_ heading: [String], _ rows: [[String]]) {
    body += "<table>\n<tr>" + heading.map { "<th>\(Self.escaped($0))</th>" }.joined() + "</tr>\n"
    for row in rows { body += "<tr>" + row.map { "<td>\(Self.escaped($0))</td>" }.joined() + "</tr>\n" }
    body += "</table>\n"
  }

  public mutating func list(_ items: [String]) {
    body += "<ul>\n" + items.map { "<li>\(Self.escaped($0))</li>\n" }.joined() + "</ul>\n"
  }

  /// Commands or records, as they stand; long lines are broken on paper.
  public mutating func code(_ lines: [String]) {
    body += "<pre>" + lines.map(Self.escaped).joined(separator: "\n") + "</pre>\n"
  }

  public var bytes: [UInt8] { Array(text.utf8) }

  public var text: String {
    """
    <!doctype html>
    <html lang="tr">
    <head>
    <meta charset="utf-8">
    <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>\(Self.escaped(title))</title>
    <style>
    \(Self.style)
    </style>
    </head>
    <body>
    \(body)</body>
    </html>

    """
  }

  private static let style = """
    body { font: 11pt/1.45 "DejaVu Serif", Georgia, serif; color: #111; background: #fff; max-width: 48em; margin: 2em auto; padding: 0 1em }
    h1 { font-size: 1.5em } h2 { font-size: 1.15em; margin-top: 1.6em; border-bottom: 1px solid #999 } h3 { font-size: 1em }
    section + section { margin-top: 4em; border-top: 3px double #666 }
    table { border-collapse: collapse; width: 100%; margin: .6em 0 }
    th, td { border: 1px solid #999; padding: .25em .5em; text-align: left; vertical-align: top; overflow-wrap: anywhere }
    table.facts th { width: 12em; font-weight: normal; background: #f2f2f2 }
    pre { font: 9pt/1.35 "DejaVu Sans Mono", monospace; white-space: pre-wrap; overflow-wrap: anywhere; border: 1px solid #ccc; padding: .5em }
    p.note { border-left: 4px solid #444; padding-left: .8em }
    @page { size: A4; margin: 2cm }
    @media print { body { margin: 0; max-width: none } section + section { break-before: page; border-top: none; margin-top: 0 } tr, pre { break-inside: avoid } }
    """
}
