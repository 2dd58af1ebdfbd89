import Record

/// Where a reading of named values stopped.
struct CutStop: Sendable {
  enum What: Sendable {
    /// The text is not cut as expected.
    case text(StaticString)
    /// The head does not match at that node.
    case head(Int)
    case noCase
    case cutOff
    /// The event would name nobody.
    case nobody
    case missing(Int)
    case ambiguous(Int)
    /// A value does not match at that node (-1: it has more than the pattern).
    case misfit(Int, Range<Int>)
    /// A map does not have the value.
    case unmapped(Range<Int>)
  }

  /// Number in the dialect's `cuts`.
  var reading: Int
  var inCase = -1
  var rule = -1
  var what: What

  /// A reading that came further is nearer to what the message is.
  var rank: Int { inCase >= 0 ? 3 : { if case .noCase = what { 2 } else { 1 } }() }
}

enum CaseMatcher {
  /// Takes what a rule says out of its values.
  /// - Returns: nil, or why it cannot.
  static func match(
    _ rule: Rule, _ reading: CutReading, _ dialect: Dialect, _ values: inout ValueTable, _ scratch: inout MatchScratch
  ) -> CutStop.What? {
    var range = 0..<0
    for i in rule.keys {
      let key = reading.ruleKeys[i]
      guard values.state(key.number) != .ambiguous else { return .ambiguous(key.number) }
      range = values.range(key.number)
      if range.isEmpty, !key.isOptional { return .missing(key.number) }
    }
    if rule.keys.count > 1 { range = values.join(rule.keys, of: reading) }
    if range.isEmpty { return nil }
    let bytes = values.bytes.span
    if !rule.maps.isEmpty {
      let value = bytes.extracting(range)
      let pool = dialect.pool
      let texts = pool.span
      for i in rule.maps {
        let entry = reading.maps[i]
        guard entry.test.holds(value, texts.extracting(entry.test.text)) else { continue }
        scratch.add(Capture(name: Int(rule.field.rawValue), range: range, value: .constant(entry.constant), isOfValue: true))
        return nil
      }
      return .unmapped(range)
    }
    scratch.readsValues = true
    defer { scratch.readsValues = false }
    let text = bytes.extracting(0..<range.upperBound)
    var furthest = (at: -1, node: -1)
    for i in rule.alternatives {
      let nodes = reading.alternatives[i]
      if nodes.count == 1, scratch.takeWhole(text, range.lowerBound, dialect, nodes.lowerBound) { return nil }
      if scratch.match(text, at: range.lowerBound, dialect, nodes, toEnd: true) != nil { return nil }
      if scratch.failedAt >= furthest.at { furthest = (scratch.failedAt, scratch.failedNode) }
    }
    return .misfit(furthest.node, range)
  }
}
