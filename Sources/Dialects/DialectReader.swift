import Record

/// What is wrong with a dialect, and where.
public struct DialectError: Error, Sendable, CustomStringConvertible {
  public var file: String
  /// From 1; 0 for the file as a whole.
  public var line: Int
  /// `patterns[2].text`; empty for the file as a whole.
  public var path: String
  public var what: String

  public var description: String {
    (line > 0 ? "\(file):\(line): " : "\(file): ") + (path.isEmpty ? what : "\(path): \(what)")
  }

  init(file: String, _ error: JSON5Error) {
    self.file = file
    line = error.line
    path = error.path
    what = error.what
  }

  init(file: String, what: String) {
    self.file = file
    line = 0
    path = ""
    self.what = what
  }
}

/// A message in a dialect file and the events it must give.
struct DialectExample: Sendable {
  var input: String
  /// Lines of the same sender just before it.
  var before: [String]
  var events: [JSONValue]
  var line: Int
  var path: String
}

extension Dialect {
  static func read(_ file: DialectFolder.File) throws(DialectError) -> Dialect {
    let bytes = file.bytes
    return try read(bytes.span, file: file.path, name: file.name)
  }

  /// Compiles a dialect file.
  /// - Parameters:
  ///   - file: its path, for messages.
  ///   - name: what it must be called: the file's name without `.json5`.
  static func read(_ bytes: Span<UInt8>, file: String, name: String) throws(DialectError) -> Dialect {
    do throws(JSON5Error) {
      let root = try JSON5.read(bytes)
      var reader = DialectReader(try DialectReader.identity(root, file: file, name: name))
      try reader.read(root)
      return Dialect(reader.compiler.dialect)
    } catch {
      throw DialectError(file: file, error)
    }
  }
}

private struct DialectReader {
  var compiler: PatternCompiler

  static let maximumPatterns = 256

  init(_ dialect: DialectDraft) { compiler = PatternCompiler(dialect) }

  static func identity(_ root: JSON5Node, file: String, name: String) throws(JSON5Error) -> DialectDraft {
    let own = try root.member("name")
    guard try own.string() == name else { throw own.error("expected \"\(name)\": a dialect is called like its file") }
    return DialectDraft(
      name: name, version: try root.member("version").integer(in: 1...9999), about: try root["about"]?.string() ?? "", file: file)
  }

  private func refuse(_ errors: [JSON5Error]) throws(JSON5Error) {
    if let first = errors.first { throw first }
  }

  mutating func read(_ root: JSON5Node) throws(JSON5Error) {
    try refuse(
      root.unknownMembers(
        besides: [
          "name", "version", "about", "written_from", "covers", "leaves_out", "applies", "parts", "patterns", "also", "examples",
        ] + CaseCompiler.members))
    for name in ["about", "covers", "leaves_out"] { _ = try root[name]?.string() }
    for source in try root["written_from"]?.elements() ?? [] { _ = try source.string() }
    for part in try root["parts"]?.members() ?? [] { compiler.parts[part.name] = part.node }
    let applies = try readApplies(try root.member("applies"))
    let form = root["form"]
    if let form, try form.string() != "pattern" {
      try readCut(root, form, nil, applies)
      if let patterns = root["patterns"] { throw patterns.error("only the form pattern has patterns") }
    } else {
      for name in ["text", "none", "rows", "values", "cases"] {
        if let node = root[name] { throw node.error("the form pattern has no \(name)") }
      }
      compiler.dialect.applies = applies
      if let head = root["head"] { compiler.dialect.head = try compiler.compile(head) }
      try readPatterns(try root.member("patterns"))
    }
    for node in try root["also"]?.elements() ?? [] {
      try refuse(node.unknownMembers(besides: ["applies"] + CaseCompiler.members))
      try readCut(
        node, try node.member("form"), root, try node["applies"].map { (applies) throws(JSON5Error) in try readApplies(applies) } ?? applies
      )
    }
    try readExamples(try root.member("examples"))
  }

  private mutating func readCut(
    _ node: JSON5Node, _ form: JSON5Node, _ main: JSON5Node?, _ applies: Applies
  ) throws(JSON5Error) {
    var cases = CaseCompiler()
    cases.draft.applies = applies
    try cases.read(node, form: form, main: main, &compiler)
    compiler.dialect.cuts.append(cases.draft)
  }

  private func readApplies(_ node: JSON5Node) throws(JSON5Error) -> Applies {
    try refuse(node.unknownMembers(besides: ["app", "begins", "contains", "any_app", "bare", "last", "with_tag"]))
    var applies = Applies()
    for app in try node["app"]?.elements() ?? [] {
      let name = try app.string()
      guard !name.isEmpty, name != "*" else { throw app.error("expected a program's name") }
      applies.apps.append(name)
    }
    for begin in try node["begins"]?.elements() ?? [] {
      let text = try begin.string()
      guard !text.isEmpty, !text.hasPrefix(" ") else { throw begin.error("expected the first bytes of messages") }
      applies.begins.append(Array(text.utf8))
    }
    for part in try node["contains"]?.elements() ?? [] {
      let text = try part.string()
      guard !text.isEmpty, !applies.begins.isEmpty || !applies.apps.isEmpty else {
        throw part.error("expected text, and begins or app beside it")
      }
      applies.contains.append(Array(text.utf8))
    }
    applies.anyApp = try node["any_app"]?.bool() ?? false
    applies.bare = try node["bare"]?.bool() ?? false
    applies.withTag = try node["with_tag"]?.bool() ?? false
    applies.last = try node["last"]?.bool() ?? false
    guard !applies.isEmpty else { throw node.error("expected app, begins or bare: it would read nothing") }
    return applies
  }

  private mutating func readPatterns(_ list: JSON5Node) throws(JSON5Error) {
    let nodes = try list.elements()
    guard !nodes.isEmpty, nodes.count <= Self.maximumPatterns else { throw list.error("expected 1 to \(Self.maximumPatterns) patterns") }
    var words: [[UInt8]?] = []
    for node in nodes {
      try refuse(node.unknownMembers(besides: ["name", "text", "event", "after", "gap"]))
      let name = try node.member("name")
      let called = try name.string()
      guard !compiler.dialect.patterns.contains(where: { $0.name == called }) else { throw name.error("two patterns are called \(called)") }
      let text = try node.member("text")
      let range = try compiler.compile(text)
      words.append(firstWord(range))
      var pattern = Pattern(name: called, text: try text.string(), line: node.line, nodes: range)
      let event = try node.member("event")
      if case .null = event.value {
      } else {
        pattern.event = try compiler.readEvent(event, Set(range.map { compiler.dialect.nodes[$0].name }))
      }
      if let gap = node["gap"] {
        pattern.gap = try PatternGap(gap, hasEvent: pattern.event != nil)
      }
      compiler.dialect.patterns.append(pattern)
    }
    for (i, node) in nodes.enumerated() {
      if let after = node["after"] { try readAfter(after, of: i) }
    }
    compiler.dialect.dispatch = PatternDispatch(words: words)
  }

  /// The word with which every message of the pattern begins, nil where there is none.
  private func firstWord(_ range: Range<Int>) -> [UInt8]? {
    let first = compiler.dialect.nodes[range.lowerBound]
    guard first.kind == .literal else { return nil }
    let literal = compiler.dialect.pool[first.literal]
    guard let end = literal.firstIndex(where: { !PatternDispatch.isWordByte($0) }), end > literal.startIndex else { return nil }
    return Array(literal[..<end])
  }

  /// `after: { pattern: NAME, equal: [names], unless: NAME }`
  private mutating func readAfter(_ node: JSON5Node, of index: Int) throws(JSON5Error) {
    try refuse(node.unknownMembers(besides: ["pattern", "equal", "unless"]))
    func find(_ name: JSON5Node) throws(JSON5Error) -> Int {
      let wanted = try name.string()
      guard let found = compiler.dialect.patterns.firstIndex(where: { $0.name == wanted }), found != index else {
        throw name.error("no other pattern is called \(wanted)")
      }
      return found
    }
    let target = try find(try node.member("pattern"))
    let list = try node.member("equal")
    var equal: [Int] = []
    for name in try list.elements() {
      let text = try name.string()
      if text.hasPrefix("_") {
        guard let own = compiler.dialect.ownNames.firstIndex(of: text) else { throw name.error("no pattern has a field \(text)") }
        equal.append(256 + own)
      } else {
        guard let field = EventField(name: text) else { throw name.error("\(text) is no field of events") }
        equal.append(Int(field.rawValue))
      }
    }
    guard !equal.isEmpty else { throw list.error("expected the fields that must be equal in both lines") }
    let number = compiler.dialect.afters.count
    compiler.dialect.afters.append(After(equal: equal))
    compiler.dialect.patterns[index].after = number
    compiler.dialect.patterns[target].remembered.append((number, true))
    if let unless = node["unless"] { compiler.dialect.patterns[try find(unless)].remembered.append((number, false)) }
  }

  private mutating func readExamples(_ list: JSON5Node) throws(JSON5Error) {
    let nodes = try list.elements()
    guard !nodes.isEmpty else { throw list.error("expected at least one example") }
    for node in nodes {
      try refuse(node.unknownMembers(besides: ["input", "before", "events"]))
      let events = try node.member("events")
      var expected: [JSONValue] = []
      if case .null = events.value {
      } else {
        for event in try events.elements() {
          guard let json = event.json, json.object != nil else { throw event.expected("an event") }
          expected.append(json)
        }
      }
      var before: [String] = []
      for line in try node["before"]?.elements() ?? [] { before.append(try line.string()) }
      compiler.dialect.examples.append(
        DialectExample(input: try node.member("input").string(), before: before, events: expected, line: node.line, path: node.path))
    }
  }
}
