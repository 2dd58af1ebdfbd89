/// The words of `--help`: what a command does, how it is called, an example that can be pasted, how it ends.
public enum Help {
  public static func synopsis(_ command: CommandDescription) -> String {
    var parts = ["muhur"]
    if command.place == .log { parts.append("[--archive DIR [--index DIR] | --socket PATH]") }
    parts.append(command.name.rawValue)
    for word in command.words {
      switch word.count {
      case .one: parts.append(word.name)
      case .optional: parts.append("[\(word.name)]")
      case .many: parts.append("\(word.name)…")
      }
    }
    if !command.options.isEmpty { parts.append("[OPTION…]") }
    return parts.joined(separator: " ")
  }

  public static func text(_ command: CommandDescription) -> String {
    var out = "muhur \(command.name.rawValue): \(command.summary)\n\n  \(synopsis(command))\n"
    for paragraph in command.about { out += "\n" + wrapped(paragraph, indent: 0) + "\n" }
    out += "\nOptions:\n" + list(command.options + CommandTable.common)
    if command.place == .log { out += "\nWhere:\n" + list(CommandTable.places.filter { $0.name != "keys" || needsKeys(command) }) }
    if !command.examples.isEmpty {
      out += "\nExamples:\n"
      for example in command.examples { out += "  \(example.line)\n" + wrapped(example.about, indent: 6) + "\n" }
    }
    out += "\nExit codes:\n"
    let all = [(0, "answered"), (2, "wrong usage"), (4, "the archive or the daemon cannot be reached, or it refuses the caller")]
    for exit in (all.filter { e in !command.exits.contains { $0.code == e.0 } } + command.exits).sorted(by: { $0.0 < $1.0 }) {
      out += wrapped("\(exit.0)  \(exit.1)", indent: 2, hanging: 5) + "\n"
    }
    return out
  }

  public static var overview: String {
    var out = """
      muhur: asks and administers a log that is kept as evidence

        muhur [--archive DIR [--index DIR] | --socket PATH] COMMAND [WORD…] [OPTION…]

      """
    for (title, names) in groups {
      out += "\n\(title):\n"
      for name in names {
        guard let command = CommandTable.command(name.rawValue) else { continue }
        out += "  " + name.rawValue.padded(to: 14) + command.summary + "\n"
      }
    }
    out += "\nWhere:\n" + list(CommandTable.places) + "\nFor every command:\n" + list(CommandTable.common)
    out += """

      Times are written 2026-11-20 14:03, 2026-11-20T14:03:00+03:00, 20.11.2026 14:03 or as Unix seconds; without an
      offset they are in the archive's zone.
      `muhur help COMMAND` tells how a command is called, with examples.

      """
    return out
  }

  private static let groups: [(String, [CommandName])] = [
    ("Questions", [.who, .nat, .device, .table, .search, .show, .export]),
    ("The log", [.days, .heads, .status]),
    ("Administration", [.`init`, .seal, .`import`, .copy, .reindex, .hold, .destruction, .queries, .drill]),
    ("Configuration", [.checkConfig, .explain]),
  ]

  private static func needsKeys(_ command: CommandDescription) -> Bool { [.`init`, .seal, .`import`, .hold].contains(command.name) }

  private static func list(_ options: [CommandDescription.Option]) -> String {
    var out = ""
    for option in options {
      let head = "--" + option.name + (option.value.map { " " + $0 } ?? "")
      let about = option.about + (option.repeats ? " (may be repeated)" : "")
      // A long head stands alone; its explanation goes below, so that all explanations begin in one column.
      if head.count > 22 {
        out += "  \(head)\n" + wrapped(about, indent: 26) + "\n"
      } else {
        out += "  " + head.padded(to: 24) + wrapped(about, indent: 26).drop { $0 == " " } + "\n"
      }
    }
    return out
  }

  /// At most 100 columns.
  static func wrapped(_ text: String, indent: Int, hanging: Int? = nil) -> String {
    var lines: [String] = []
    var line = String(repeating: " ", count: indent)
    let start = String(repeating: " ", count: hanging ?? indent)
    var empty = true
    for (n, word) in text.split(separator: " ", omittingEmptySubsequences: false).enumerated() {
      if !empty, line.count + 1 + word.count > 100 {
        lines.append(line)
        line = start
        empty = true
      }
      line += (empty || n == 0 ? "" : " ") + word
      empty = false
    }
    return (lines + [line]).joined(separator: "\n")
  }
}

extension String {
  /// With spaces behind up to that many characters.
  func padded(to width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
  func padded(left width: Int) -> String { String(repeating: " ", count: max(0, width - count)) + self }
}
