import Record

/// A command line that was understood.
public struct Invocation: Sendable {
  public var command: CommandDescription
  public var words: [String]
  /// Values by option name; a switch has one empty value.
  public var values: [String: [String]]

  public var name: CommandName { command.name }
  public func value(_ option: String) -> String? { values[option]?.first }
  public func has(_ option: String) -> Bool { values[option] != nil }

  /// The command and what belongs to it, without where it is carried out: what a daemon reads, and what its notice says.
  public var portable: [String] {
    var out = [command.name.rawValue]
    for option in command.options {
      for value in values[option.name] ?? [] { out.append(option.value == nil ? "--" + option.name : "--\(option.name)=\(value)") }
    }
    return out + ["--"] + words
  }
}

/// Reads a command line by the table of commands. Options stand before or behind the command, as `--option value` or
/// `--option=value`; `--` ends them. Each may be given once, unless the table says that it repeats.
public enum Arguments {
  public enum Meaning: Sendable {
    case run(Invocation)
    /// Of one command, or the overview.
    case help(CommandDescription?)
    case version
  }

  /// - Parameter arguments: without the program's name.
  /// - Throws: what is wrong, with the nearest word that would have been right.
  public static func read(_ arguments: [String]) throws(UsageError) -> Meaning {
    var options: [(name: String, value: String?)] = []
    var words: [String] = []
    var index = 0
    while index < arguments.count {
      let argument = arguments[index]
      index += 1
      if argument == "--" {
        words += arguments[index...]
        break
      }
      if argument == "-h" {
        options.append(("help", nil))
        continue
      }
      guard argument.utf8.count > 1, argument.utf8.first == UInt8(ascii: "-") else {
        words.append(argument)
        continue
      }
      guard argument.hasPrefix("--") else {
        throw UsageError("\(quoted(argument)) is no option", hint: "options begin with two dashes; `muhur --help` lists them")
      }
      let (name, attached) = split(argument)
      options.append((name, attached))
      guard attached == nil, CommandTable.takesValue(name), index < arguments.count, !isOption(arguments[index]) else { continue }
      options[options.count - 1].value = arguments[index]
      index += 1
    }
    return try meaning(options, words)
  }

  private static func meaning(_ options: [(name: String, value: String?)], _ words: [String]) throws(UsageError) -> Meaning {
    let wantsHelp = options.contains { $0.name == "help" }
    guard let first = words.first else {
      if wantsHelp { return .help(nil) }
      if options.contains(where: { $0.name == "version" }) { return .version }
      for option in options where !CommandTable.isKnown(option.name) {
        throw unknown(option.name, among: CommandTable.places + CommandTable.common)
      }
      throw UsageError("no command", hint: "`muhur --help` lists them")
    }
    if first == "help" {
      guard words.count > 1 else { return .help(nil) }
      return .help(try command(words[1]))
    }
    let command = try command(first)
    if wantsHelp { return .help(command) }
    if options.contains(where: { $0.name == "version" }) { return .version }
    return .run(try invocation(command, options, Array(words.dropFirst())))
  }

  private static func command(_ word: String) throws(UsageError) -> CommandDescription {
    if let found = CommandTable.command(word) { return found }
    let near = nearest(word, among: CommandTable.all.map(\.name.rawValue))
    throw UsageError(
      "\(quoted(word)) is no command", hint: near.map { "did you mean `\($0)`?" } ?? "`muhur --help` lists them")
  }

  private static func invocation(
    _ command: CommandDescription, _ options: [(name: String, value: String?)], _ words: [String]
  ) throws(UsageError) -> Invocation {
    let permitted = command.options + CommandTable.places + CommandTable.common
    var values: [String: [String]] = [:]
    for option in options {
      guard let known = permitted.first(where: { $0.name == option.name }) else {
        throw unknown(option.name, among: permitted, of: command)
      }
      if let placeholder = known.value {
        guard let value = option.value else {
          throw UsageError("--\(known.name): the value is missing", hint: "--\(known.name) \(placeholder)")
        }
        values[known.name, default: []].append(value)
      } else {
        guard option.value == nil else { throw UsageError("--\(known.name) takes no value", hint: "write `--\(known.name)` alone") }
        values[known.name, default: []].append("")
      }
      guard known.repeats || values[known.name]?.count == 1 else { throw UsageError("--\(known.name) is given twice") }
    }
    let least = command.words.count { $0.count != .optional }
    let most = command.words.contains { $0.count == .many } ? Int.max : command.words.count
    if words.count < least {
      throw UsageError("\(command.words[words.count].name) is missing", hint: Help.synopsis(command))
    }
    if words.count > most { throw UsageError("\(quoted(words[most])) is one word too many", hint: Help.synopsis(command)) }
    return Invocation(command: command, words: words, values: values)
  }

  private static func unknown(
    _ name: String, among options: [CommandDescription.Option], of command: CommandDescription? = nil
  ) -> UsageError {
    let near = nearest(name, among: options.map(\.name))
    let help = command.map { "`muhur \($0.name.rawValue) --help` lists them" } ?? "`muhur --help` lists them"
    return UsageError(
      "\(quoted("--" + name)) is no option" + (command.map { " of \($0.name.rawValue)" } ?? ""),
      hint: near.map { "did you mean `--\($0)`?" } ?? help)
  }

  private static func split(_ argument: String) -> (name: String, value: String?) {
    let rest = argument.utf8.dropFirst(2)
    guard let equals = rest.firstIndex(of: UInt8(ascii: "=")) else { return (String(Substring(rest)), nil) }
    return (String(Substring(rest[..<equals])), String(Substring(rest[rest.index(after: equals)...])))
  }

  /// Whether this word, where a value is due, shows that the value was forgotten.
  private static func isOption(_ word: String) -> Bool { word.hasPrefix("--") && CommandTable.isKnown(split(word).name) }

  /// A word of the caller as it may stand in a message.
  static func quoted(_ word: String) -> String { "`" + visible(word) + "`" }

  /// The candidate with the least edits, where so few are needed that it was probably meant.
  static func nearest(_ word: String, among candidates: [String]) -> String? {
    let letters = Array(word.utf8.prefix(40))
    var best: (String, Int)?
    for candidate in candidates {
      let wanted = Array(candidate.utf8)
      let edits = edits(letters, wanted)
      guard edits <= max(1, wanted.count / 3), edits < best?.1 ?? .max else { continue }
      best = (candidate, edits)
    }
    return best?.0
  }

  /// Insertions, deletions and replacements (Levenshtein).
  private static func edits(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var row = Array(0...b.count)
    for (i, x) in a.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, y) in b.enumerated() {
        let cost = min(row[j + 1] + 1, row[j] + 1, diagonal + (x == y ? 0 : 1))
        diagonal = row[j + 1]
        row[j + 1] = cost
      }
    }
    return row[b.count]
  }
}
