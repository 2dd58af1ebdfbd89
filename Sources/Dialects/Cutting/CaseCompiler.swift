import Record

/// Reads how a dialect file says that text is cut, and its cases: `form`, `text`, `head`, `none`, `rows`, `values`, `cases`.
/// The grammar of a case:
///
///     when    { KEY: "text", KEY: ["one", "of"], KEY: null, KEY: { not: … } }; a text may begin or end in * (any text)
///     values  { "KEY": PATTERN, "KEY?": …, "KEY + KEY?": …, KEY: [PATTERN, PATTERN], KEY: { FIELD: { "text": "word" } } }
struct CaseCompiler {
  var draft = CutDraft()
  private var names: [(name: [UInt8], occurrences: Int)] = []
  /// Keys by name and occurrence until all are known and get their numbers.
  private var wanted: [(name: Int, occurrence: Int)] = []
  private var shared: [String: JSON5Node] = [:]

  static let maximumKeys = 256
  static let maximumCases = 256
  static let maximumRules = 64
  static let maximumNodes = 256

  init() {}

  static let members = ["form", "text", "head", "none", "rows", "values", "cases"]

  /// - Parameter main: what the dialect's main form has, where this is another form of the same device (`also`).
  mutating func read(
    _ node: JSON5Node, form: JSON5Node, main: JSON5Node?, _ compiler: inout PatternCompiler
  ) throws(JSON5Error) {
    func member(_ name: String) -> JSON5Node? { node[name] ?? main?[name] }
    try readForm(form, node["text"])
    if let head = node["head"] { draft.head = try compiler.compile(head) }
    for text in try member("none")?.elements() ?? [] { draft.none.append(compiler.intern(Array(try text.string().utf8))) }
    // Its own values take the place of the main form's.
    for part in try (main?["values"]?.members() ?? []) + (node["values"]?.members() ?? []) {
      _ = try part.node.members()
      shared[part.name] = part.node
    }
    if case .csv = draft.form {
      try readRows(try node.member("rows"), &compiler)
    } else if let rows = node["rows"] {
      throw rows.error("only the form csv has rows")
    }
    guard let list = member("cases") else { throw node.error("has no cases") }
    let nodes = try list.elements()
    guard !nodes.isEmpty, nodes.count <= Self.maximumCases else { throw list.error("expected 1 to \(Self.maximumCases) cases") }
    for node in nodes { try readCase(node, &compiler) }
    try number(list)
    for part in HeaderPart.allCases { if let name = find(part.rawValue) { draft.headerKeys.append((part, name)) } }
    for (own, text) in compiler.dialect.ownNames.enumerated() { if let name = find(text) { draft.ownKeys.append((256 + own, name)) } }
  }

  // MARK: - Text

  private mutating func readForm(_ form: JSON5Node, _ text: JSON5Node?) throws(JSON5Error) {
    func refuse(_ known: [String]) throws(JSON5Error) { if let first = text?.unknownMembers(besides: known).first { throw first } }
    func byte(_ name: String, _ usual: UInt8) throws(JSON5Error) -> UInt8 {
      guard let node = text?[name] else { return usual }
      if case .null = node.value { return 0 }
      let bytes = Array(try node.string().utf8)
      guard bytes.count == 1, bytes[0] < 0x80 else { throw node.error("expected one character, or null for none") }
      return bytes[0]
    }
    if let part = text?["part"] {
      switch try part.string() {
      case "message": break
      case "structured_data": draft.readsStructuredData = true
      default: throw part.error("expected message or structured_data")
      }
    }
    switch try form.string() {
    case "key-value":
      try refuse(["part", "layout", "separator", "assign", "quote", "escape"])
      if let layout = text?["layout"] {
        switch try layout.string() {
        case "cef": draft.form = .cef
        case "leef": draft.form = .leef
        case "pairs": draft.form = .keyValue(KeyValueStyle())
        default: throw layout.error("expected pairs, cef or leef")
        }
        if case .keyValue = draft.form {} else { return try refuse(["layout"]) }
      }
      let usual = KeyValueStyle()
      let style = KeyValueStyle(
        separator: try byte("separator", usual.separator), assign: try byte("assign", usual.assign), quote: try byte("quote", usual.quote),
        escape: try byte("escape", usual.escape))
      if let escape = text?["escape"], style.escape != 0, style.escape == style.quote { throw escape.error("quote and escape must differ") }
      draft.form = .keyValue(style)
    case "csv":
      try refuse(["part", "separator", "quote"])
      draft.form = .csv(separator: try byte("separator", 0x2c), quote: try byte("quote", 0x22))
    case "json":
      try refuse(["part"])
      draft.form = .json
    default: throw form.error("unknown form \(try form.string()); known are pattern, key-value, csv, json")
    }
  }

  /// `{ when: { "#4": "TRAFFIC" }, columns: ["", "received", …, "last?"] }`
  private mutating func readRows(_ list: JSON5Node, _ compiler: inout PatternCompiler) throws(JSON5Error) {
    for node in try list.elements() {
      if let first = node.unknownMembers(besides: ["when", "columns"]).first { throw first }
      let conditions = try readWhen(node["when"], &compiler) { (name, key) throws(JSON5Error) in
        guard name.hasPrefix("#"), let number = Int(name.dropFirst()), (1...ValueTable.maximumColumns).contains(number) else {
          throw key.error("expected the number of a column, such as #4")
        }
        return number - 1
      }
      let columns = try node.member("columns")
      var row = Row(conditions: conditions, columns: [], required: 0)
      for column in try columns.elements() {
        var name = try column.string()
        if name.hasSuffix("?") {
          name.removeLast()
        } else {
          guard row.required == row.columns.count else { throw column.error("expected ? behind a column that follows one with ?") }
          row.required += 1
        }
        // The place in `names`, for now; -1 for a column without name.
        row.columns.append(name.isEmpty ? -1 : intern(name))
      }
      guard row.columns.count <= ValueTable.maximumColumns else {
        throw columns.error("expected at most \(ValueTable.maximumColumns) columns")
      }
      draft.rows.append(row)
    }
    guard !draft.rows.isEmpty else { throw list.error("expected at least one kind of row") }
  }

  // MARK: - Cases

  private mutating func readCase(_ node: JSON5Node, _ compiler: inout PatternCompiler) throws(JSON5Error) {
    if let first = node.unknownMembers(besides: ["name", "when", "values", "event", "cut_off", "gap"]).first { throw first }
    let name = try node.member("name")
    let called = try name.string()
    guard !draft.cases.contains(where: { $0.name == called }) else { throw name.error("two cases are called \(called)") }
    var conditions = 0..<0
    if let when = node["when"] {
      conditions = try readWhen(when, &compiler, key: nil)
    }
    let start = draft.rules.count
    var fields: Set<Int> = []
    if let values = node["values"] {
      if case .array(let parts) = values.value {
        for part in parts {
          guard case .string(let text) = part.value else {
            try readValues(part, &compiler, &fields)
            continue
          }
          guard let found = shared[text] else { throw part.error("no \(text) in values") }
          try readValues(found, &compiler, &fields)
        }
      } else {
        try readValues(values, &compiler, &fields)
      }
    }
    let rules = start..<draft.rules.count
    guard rules.count <= Self.maximumRules else { throw node.error("expected at most \(Self.maximumRules) values") }
    var nodes = 0
    for rule in draft.rules[rules] { nodes += draft.alternatives[rule.alternatives].map(\.count).max() ?? 1 }
    guard nodes <= Self.maximumNodes else { throw node.error("expected at most \(Self.maximumNodes) parts in all its patterns") }
    for i in draft.head { fields.insert(compiler.dialect.nodes[i].name) }
    var read = Case(name: called, conditions: conditions, rules: rules, event: nil, readsCutOff: try node["cut_off"]?.bool() ?? false)
    let event = try node.member("event")
    if case .null = event.value {} else { read.event = try compiler.readEvent(event, fields) }
    if let gap = node["gap"] { read.gap = try PatternGap(gap, hasEvent: read.event != nil) }
    draft.cases.append(read)
  }

  private mutating func readWhen(
    _ node: JSON5Node?, _ compiler: inout PatternCompiler, key column: ((String, JSON5Node) throws(JSON5Error) -> Int)?
  ) throws(JSON5Error) -> Range<Int> {
    var conditions: [Condition] = []
    for member in try node?.members() ?? [] {
      let number = if let column { try column(member.name, member.node) } else { try key(member.name, member.node) }
      var condition = Condition(key: number, tests: 0..<0, isNegated: false)
      var value = member.node
      if case .object = value.value {
        if let first = value.unknownMembers(besides: ["not"]).first { throw first }
        value = try value.member("not")
        condition.isNegated = true
      }
      let start = draft.tests.count
      switch value.value {
      case .null: break
      case .array(let nodes):
        guard !nodes.isEmpty else { throw value.error("expected at least one text") }
        for node in nodes { draft.tests.append(try test(node, &compiler)) }
      default: draft.tests.append(try test(value, &compiler))
      }
      condition.tests = start..<draft.tests.count
      conditions.append(condition)
    }
    let start = draft.conditions.count
    draft.conditions += conditions
    return start..<draft.conditions.count
  }

  private func test(_ node: JSON5Node, _ compiler: inout PatternCompiler) throws(JSON5Error) -> TextTest {
    if case .null = node.value { return TextTest(kind: .equal, text: 0..<0) }
    if case .integer(let number) = node.value { return TextTest(kind: .equal, text: compiler.intern(Array(String(number).utf8))) }
    return Self.test(try node.string(), &compiler)
  }

  private static func test(_ text: String, _ compiler: inout PatternCompiler) -> TextTest {
    var bytes = Array(text.utf8)[...]
    let star = UInt8(ascii: "*")
    if bytes == [star] { return TextTest(kind: .any, text: 0..<0) }
    let isSuffix = bytes.first == star
    let isPrefix = bytes.last == star
    if isSuffix { bytes = bytes.dropFirst() }
    if isPrefix { bytes = bytes.dropLast() }
    return TextTest(
      kind: isSuffix && isPrefix ? .within : isSuffix ? .suffix : isPrefix ? .prefix : .equal, text: compiler.intern(Array(bytes)))
  }

  private mutating func readValues(_ node: JSON5Node, _ compiler: inout PatternCompiler, _ fields: inout Set<Int>) throws(JSON5Error) {
    for member in try node.members() {
      let keyStart = draft.ruleKeys.count
      for part in split(member.name) {
        let isOptional = part.hasSuffix("?")
        draft.ruleKeys.append(
          RuleKey(number: try key(isOptional ? String(part.dropLast()) : part, member.node), isOptional: isOptional))
      }
      var rule = Rule(keys: keyStart..<draft.ruleKeys.count, alternatives: 0..<0, maps: 0..<0, field: .kind, line: member.line)
      let alternatives = draft.alternatives.count
      let maps = draft.maps.count
      switch member.node.value {
      case .object(let inner):
        guard inner.count == 1, let field = EventField(name: inner[0].name), field.form == .word || field.form == .text else {
          throw member.node.error("expected one field that holds a word, such as { action: { … } }")
        }
        rule.field = field
        fields.insert(Int(field.rawValue))
        for entry in try inner[0].node.members() {
          var constant = 0..<0
          if case .null = entry.node.value {
          } else {
            let text = try entry.node.string()
            guard !text.isEmpty else { throw entry.node.error("expected a word, or null for none") }
            constant = compiler.intern(Array(text.utf8))
          }
          draft.maps.append(MapEntry(test: Self.test(entry.name, &compiler), constant: constant))
        }
        guard draft.maps.count > maps else { throw member.node.error("expected at least one text") }
      case .array(let nodes):
        guard !nodes.isEmpty else { throw member.node.error("expected at least one pattern") }
        for node in nodes { try readPattern(node, &compiler, &fields) }
      default: try readPattern(member.node, &compiler, &fields)
      }
      rule.alternatives = alternatives..<draft.alternatives.count
      rule.maps = maps..<draft.maps.count
      draft.rules.append(rule)
    }
  }

  private mutating func readPattern(
    _ node: JSON5Node, _ compiler: inout PatternCompiler, _ fields: inout Set<Int>
  ) throws(JSON5Error) {
    let nodes = try compiler.compile(node)
    for i in nodes { fields.insert(compiler.dialect.nodes[i].name) }
    draft.alternatives.append(nodes)
  }

  private func split(_ text: String) -> [String] {
    var parts: [String] = [""]
    var rest = Substring(text)
    while let c = rest.first {
      if rest.hasPrefix(" + ") {
        parts.append("")
        rest = rest.dropFirst(3)
      } else {
        parts[parts.count - 1].append(c)
        rest = rest.dropFirst()
      }
    }
    return parts
  }

  // MARK: - Keys

  /// The place in `names`.
  private mutating func intern(_ name: String) -> Int {
    let bytes = Array(name.utf8)
    if let found = names.firstIndex(where: { $0.name == bytes }) { return found }
    names.append((bytes, 1))
    return names.count - 1
  }

  /// A place in `wanted` for `KEY` or `KEY#2`; `number` puts the value's number in its stead.
  private mutating func key(_ text: String, _ node: JSON5Node) throws(JSON5Error) -> Int {
    var name = text
    var occurrence = 1
    if let sign = text.lastIndex(of: "#"), sign != text.startIndex, let number = Int(text[text.index(after: sign)...]) {
      guard (2...8).contains(number) else { throw node.error("expected #2 to #8 behind a name that stands several times") }
      (name, occurrence) = (String(text[..<sign]), number)
    }
    guard !name.isEmpty, name.utf8.count <= KeyTable.maximumName else { throw node.error("expected the name of a value") }
    let place = intern(name)
    names[place].occurrences = max(names[place].occurrences, occurrence)
    wanted.append((place, occurrence))
    return wanted.count - 1
  }

  /// All names are known: keys become numbers.
  private mutating func number(_ node: JSON5Node) throws(JSON5Error) {
    draft.keys = KeyTable(names)
    guard draft.keys.count <= Self.maximumKeys else { throw node.error("expected at most \(Self.maximumKeys) different values") }
    let rowConditions = Set(draft.rows.flatMap { Array($0.conditions) })
    for i in draft.conditions.indices where !rowConditions.contains(i) { draft.conditions[i].key = resolved(draft.conditions[i].key) }
    for i in draft.ruleKeys.indices { draft.ruleKeys[i].number = resolved(draft.ruleKeys[i].number) }
    // A column that no case looks at needs no copying.
    let used = Set(wanted.map(\.name))
    for i in draft.rows.indices { draft.rows[i].columns = draft.rows[i].columns.map { used.contains($0) ? $0 : -1 } }
  }

  private func resolved(_ place: Int) -> Int { Int(draft.keys.places[wanted[place].name].first) + wanted[place].occurrence - 1 }

  private func find(_ name: String) -> Int? { names.firstIndex { $0.name == Array(name.utf8) } }
}
