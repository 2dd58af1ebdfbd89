import Record

extension DialectSet {
  /// When examples are received: written times without a year are of the year before or after it.
  static let exampleTime: Int64 = 1_795_435_200 * Timestamp.second  // 2026-11-23T12:00:00Z

  /// Members that an example may leave out of its events.
  private static let optional: Set<String> = ["dialect", "server", "time", "lease_from"]

  /// Runs every dialect's own examples: what a dialect says of itself must be so.
  /// - Returns: what is not so, with file and line.
  public func checkExamples() -> [DialectError] {
    var errors: [DialectError] = []
    for (i, dialect) in dialects.enumerated() {
      for example in dialect.examples {
        guard let what = check(example, with: i) else { continue }
        errors.append(DialectError(file: dialect.file, JSON5Error(line: example.line, column: 1, path: example.path, what: what)))
      }
    }
    return errors
  }

  private func check(_ example: DialectExample, with index: Int) -> String? {
    var normaliser = Normaliser(self)
    let source = SourceReading(zone: .utc, dialects: [index])
    var events = EventList()
    for line in example.before {
      events.removeAll()
      _ = normaliser.read(Array(line.utf8).span, received: Self.exampleTime, sender: 1, source: source, into: &events)
    }
    let found = normaliser.explain(Array(example.input.utf8).span, received: Self.exampleTime, sender: 1, source: source)
    let why = found.why.map { " (\($0))" } ?? ""
    guard found.events.count == example.events.count else {
      return "expected \(example.events.count) events, found \(found.events.count)\(why)"
    }
    for (event, expected) in zip(found.events, example.events) {
      for member in expected.object ?? [] where event[member.name] != member.value {
        return "expected \(member.name) \(member.value.text), found \(event[member.name]?.text ?? "none")"
      }
      for member in event.object ?? [] where expected[member.name] == nil && !Self.optional.contains(member.name) {
        return "expected no \(member.name), found \(member.value.text)"
      }
    }
    return nil
  }
}
