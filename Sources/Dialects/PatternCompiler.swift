import Record

/// Turns the text of a pattern into nodes. The grammar:
///
///     {name}            the event field of that name, with the type that its values have
///     {name:type}       with that type (see `FieldType`)
///     {name:type|word}  a value of that type, or any word, which is read over ({name:type|text}: any text)
///     {_name:type}      a name of the dialect's own: it goes into no event, but `after` may compare it
///     {:type}           read over
///     {? … }            a part that may be absent
///     {@name}           the text of that name in `parts`
///     {{ }}             braces
struct PatternCompiler {
  var dialect: DialectDraft
  var parts: [String: JSON5Node] = [:]

  static let maximumNodes = 256
  static let maximumOptionalDepth = 8

  init(_ dialect: DialectDraft) { self.dialect = dialect }

  /// Appends the nodes and returns their range.
  mutating func compile(_ node: JSON5Node) throws(JSON5Error) -> Range<Int> {
    let start = dialect.nodes.count
    var reader = PatternText(bytes: Array(try node.string().utf8), node: node)
    var pieces: [Piece] = []
    try parse(&reader, into: &pieces, depth: 0, includes: 0)
    try emit(merge(pieces), following: [], node: node)
    guard dialect.nodes.count - start <= Self.maximumNodes else { throw node.error("expected at most \(Self.maximumNodes) parts") }
    guard dialect.nodes.count > start else { throw node.error("expected text") }
    guard optionalDepth(start..<dialect.nodes.count) <= Self.maximumOptionalDepth else { throw tooDeep(node) }
    return start..<dialect.nodes.count
  }

  /// How many optional parts lie in each other, those of included parts too.
  private func optionalDepth(_ nodes: Range<Int>) -> Int {
    var depth = 0
    var greatest = 0
    for node in dialect.nodes[nodes] {
      if node.kind == .optional { depth += 1 }
      if node.kind == .optionalEnd { depth -= 1 }
      greatest = max(greatest, depth)
    }
    return greatest
  }

  private func tooDeep(_ node: JSON5Node) -> JSON5Error {
    node.error("expected at most \(Self.maximumOptionalDepth) optional parts inside each other")
  }

  mutating func intern(_ bytes: [UInt8]) -> Range<Int> {
    let start = dialect.pool.count
    dialect.pool += bytes
    return start..<dialect.pool.count
  }

  // MARK: - Text to pieces

  private indirect enum Piece {
    case literal([UInt8])
    case field(PatternNode)
    case optional([Piece])
  }

  private struct PatternText {
    var bytes: [UInt8]
    var node: JSON5Node
    var at = 0
    var next: UInt8? { at < bytes.count ? bytes[at] : nil }
  }

  private mutating func parse(_ text: inout PatternText, into pieces: inout [Piece], depth: Int, includes: Int) throws(JSON5Error) {
    var literal: [UInt8] = []
    while let b = text.next {
      let doubled = text.at + 1 < text.bytes.count && text.bytes[text.at + 1] == b
      if b == 0x7b, !doubled {
        if !literal.isEmpty { pieces.append(.literal(literal)) }
        literal = []
        text.at += 1
        try parseBrace(&text, into: &pieces, depth: depth, includes: includes)
      } else if b == 0x7d, depth > 0 {
        break
      } else if b == 0x7d, !doubled {
        throw text.node.error("expected }} for a brace, found }")
      } else {
        literal.append(b)
        text.at += b == 0x7b || b == 0x7d ? 2 : 1
      }
    }
    if !literal.isEmpty { pieces.append(.literal(literal)) }
  }

  private mutating func parseBrace(_ text: inout PatternText, into pieces: inout [Piece], depth: Int, includes: Int) throws(JSON5Error) {
    if text.next == 0x3f {
      // Before the parser itself goes too deep; with what is included it is counted again.
      guard depth < Self.maximumOptionalDepth else { throw tooDeep(text.node) }
      text.at += 1
      var inner: [Piece] = []
      try parse(&text, into: &inner, depth: depth + 1, includes: includes)
      guard text.next == 0x7d else { throw text.node.error("expected } at the end of an optional part") }
      text.at += 1
      guard !inner.isEmpty else { throw text.node.error("expected text in the optional part") }
      pieces.append(.optional(inner))
      return
    }
    guard let close = text.bytes[text.at...].firstIndex(of: 0x7d) else {
      throw text.node.error("expected } at the end of a field")
    }
    let inside = String(decoding: text.bytes[text.at..<close], as: UTF8.self)
    text.at = close + 1
    if inside.hasPrefix("@") {
      let name = String(inside.dropFirst())
      guard let part = parts[name] else { throw text.node.error("no part \(name) in parts") }
      guard includes < 4 else { throw text.node.error("expected at most 4 parts inside each other") }
      var inner = PatternText(bytes: Array(try part.string().utf8), node: part)
      try parse(&inner, into: &pieces, depth: 0, includes: includes + 1)
      return
    }
    pieces.append(.field(try field(inside, text.node)))
  }

  private mutating func field(_ inside: String, _ node: JSON5Node) throws(JSON5Error) -> PatternNode {
    let halves = inside.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    let name = String(halves[0])
    var result = PatternNode(kind: .field)
    var type: FieldType?
    if halves.count == 2 {
      let types = halves[1].split(separator: "|", omittingEmptySubsequences: false).map(String.init)
      let known = FieldType.allCases.map(\.rawValue).joined(separator: ", ")
      guard let first = FieldType(rawValue: types[0]) else { throw node.error("unknown type \(types[0]); known are \(known)") }
      type = first
      if types.count > 1 {
        guard types.count == 2, let second = FieldType(rawValue: types[1]), second == .word || second == .text, first != .text,
          first != .rest, first != .phrase
        else { throw node.error("expected |word or |text behind the type in {\(inside)}") }
        result.fallback = second
      }
    }
    if name.isEmpty {
      guard let type else { throw node.error("expected a name or a type in {\(inside)}") }
      result.type = type
    } else if name.hasPrefix("_") {
      guard let type else { throw node.error("expected a type in {\(inside)}: a name of your own has none by itself") }
      result.type = type
      let number = dialect.ownNames.firstIndex(of: name) ?? dialect.ownNames.count
      if number == dialect.ownNames.count { dialect.ownNames.append(name) }
      result.name = 256 + number
    } else {
      guard let field = EventField(name: name), field != .kind, field != .dialect, field != .clock, field != .leaseFrom else {
        throw node.error("{\(name)} is no field of events; a name of your own begins with _")
      }
      guard let own = type ?? FieldType(field), own.fits(field) else {
        throw node.error("{\(inside)}: \(name) cannot hold \(type?.words ?? "a list")")
      }
      result.name = Int(field.rawValue)
      // A number of a port is one.
      result.type = FieldType(field) == .port ? .port : own
    }
    return result
  }

  /// Neighbouring literals become one.
  private func merge(_ pieces: [Piece]) -> [Piece] {
    var out: [Piece] = []
    for piece in pieces {
      if case .literal(let more) = piece, case .literal(let text)? = out.last {
        out[out.count - 1] = .literal(text + more)
      } else {
        out.append(piece)
      }
    }
    return out
  }

  // MARK: - Pieces to nodes

  /// - Parameter following: the literal behind these pieces, which ends a text that they end with.
  private mutating func emit(_ pieces: [Piece], following: [UInt8], node: JSON5Node) throws(JSON5Error) {
    for (i, piece) in pieces.enumerated() {
      switch piece {
      case .literal(let text): dialect.nodes.append(PatternNode(kind: .literal, literal: intern(text)))
      case .optional(let inner):
        let begin = dialect.nodes.count
        dialect.nodes.append(PatternNode(kind: .optional))
        try emit(merge(inner), following: literalAhead(pieces, i + 1, following), node: node)
        dialect.nodes.append(PatternNode(kind: .optionalEnd))
        dialect.nodes[begin].skip = dialect.nodes.count
      case .field(var field):
        let ahead = literalAhead(pieces, i + 1, following)
        let isLast = i + 1 == pieces.count
        let open = field.type == .text || field.type == .phrase || field.type == .word || field.fallback != nil
        if open, ahead.isEmpty, !isLast || field.type == .phrase {
          guard field.type != .text, field.type != .phrase, field.fallback != .text else {
            throw node.error("expected literal text behind a field that holds any text")
          }
        }
        if field.type == .rest, !isLast || !following.isEmpty { throw node.error("expected nothing behind a field of type rest") }
        field.until = intern(ahead)
        dialect.nodes.append(field)
      }
    }
  }

  /// The literal that certainly stands there, as far as it is literal.
  private func literalAhead(_ pieces: [Piece], _ index: Int, _ following: [UInt8]) -> [UInt8] {
    guard index < pieces.count else { return following }
    guard case .literal(let text) = pieces[index] else { return [] }
    return index + 1 == pieces.count ? text + following : text
  }
}
