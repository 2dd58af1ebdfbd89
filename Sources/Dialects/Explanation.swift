import Record
import Syslog

/// How one message is read, and why not: a row of `muhur explain` (design section 7).
public struct Explanation: Sendable {
  /// The header's parts by name, those that are there.
  public var syslog: [JSONMember]
  /// `name/version` of the dialect that read it, or that reads this program's messages.
  public var dialect: String?
  public var events: [JSONValue]
  /// What was not understood; nil where there is nothing to say.
  public var why: String?

  public var json: JSONValue {
    .object([
      JSONMember("syslog", .object(syslog)), JSONMember("dialect", JSONValue(dialect)), JSONMember("events", .array(events)),
      JSONMember("why", JSONValue(why)),
    ])
  }
}

extension Normaliser {
  /// Reads a message like `read` and says how.
  public mutating func explain(_ text: Span<UInt8>, received: Int64, sender: UInt64, source: borrowing SourceReading) -> Explanation {
    var events = EventList()
    let outcome = read(text, received: received, sender: sender, source: source, into: &events)
    var result = Explanation(syslog: header.members(text), dialect: nil, events: [], why: nil)
    switch outcome {
    case .event(let dialect, _):
      result.dialect = set.label(dialect)
      result.events = events.json
    case .nothing(let dialect, let pattern):
      result.dialect = set.label(dialect)
      let meaning =
        switch gap {
        case .lost: "the sender says that messages before this one are missing: a source-gap"
        case .paused: "the sender says that it writes nothing from now on: a source-gap"
        case nil: "a message that gives or takes no address"
        }
      result.why = "\(name(dialect, pattern)): \(meaning)"
    case .notUnderstood(let dialect):
      result.dialect = set.label(dialect)
      result.why = stopped(text)
    case .notForUs:
      if let app = header.app {
        result.why = "no dialect in use reads messages of \(text.extracting(app).string)"
      } else {
        result.why =
          nearest.pattern >= 0 || nearest.cut != nil
          ? "no dialect in use reads this; \(stopped(text))" : "no dialect in use reads messages without a program's name"
      }
    }
    return result
  }

  private func name(_ dialect: Int, _ pattern: Int) -> String {
    "\(set.label(dialect)) \(set.dialects[dialect].title(pattern))"
  }

  /// Where the pattern that came furthest stopped: its text, the byte, what stands there, what was expected.
  private func stopped(_ text: Span<UInt8>) -> String {
    guard set.dialects.indices.contains(nearest.dialect) else { return "nothing matches" }
    let dialect = set.dialects[nearest.dialect]
    if let stop = nearest.cut { return explain(stop, dialect, text) }
    if nearest.pattern == Self.noPattern { return "\(dialect.label): no pattern begins like the message at byte \(nearest.byte)" }
    let which =
      nearest.pattern >= 0
      ? "\(name(nearest.dialect, nearest.pattern)) (\(dialect.patterns[nearest.pattern].text))" : "\(dialect.label) head"
    let expected = nearest.node >= 0 ? dialect.expectation(dialect.nodes[nearest.node]) : "the end"
    return "\(which) stopped at byte \(nearest.byte): expected \(expected), found \(found(text))"
  }

  /// What stands where reading stopped.
  private func found(_ text: Span<UInt8>) -> String {
    let rest = text.extracting(min(nearest.byte, text.count)..<min(nearest.byte + 40, text.count))
    return rest.count == 0 ? "the end" : "\"\(rest.string)\""
  }

  /// Why named values were not understood.
  private func explain(_ stop: CutStop, _ dialect: Dialect, _ text: Span<UInt8>) -> String {
    let reading = dialect.cuts[stop.reading]
    let which = stop.inCase >= 0 ? "\(dialect.label) case \(reading.cases[stop.inCase].name)" : dialect.label
    func key(_ number: Int) -> String { reading.keys.name(number) }
    switch stop.what {
    case .text(let expected): return "\(which) stopped at byte \(nearest.byte): expected \(expected), found \(found(text))"
    case .head(let node):
      return
        "\(which) head stopped at byte \(nearest.byte): expected \(dialect.expectation(dialect.nodes[max(node, 0)])), found \(found(text))"
    case .noCase: return "\(which): no case's when holds"
    case .cutOff: return "\(which): the message was cut off inside a quoted value"
    case .nobody: return "\(which): names no address"
    case .missing(let number): return "\(which): \(key(number)) is missing or empty"
    case .ambiguous(let number): return "\(which): \(key(number)) stands several times with different values"
    case .misfit(let node, let range):
      let value = values(range)
      let names = reading.ruleKeys[reading.rules[stop.rule].keys].map { key($0.number) }.joined(separator: " + ")
      guard node >= 0 else { return "\(which): \(names) is \"\(value)\", which says more than its pattern" }
      return "\(which): \(names) is \"\(value)\", expected \(dialect.expectation(dialect.nodes[node]))"
    case .unmapped(let range):
      let names = reading.ruleKeys[reading.rules[stop.rule].keys].map { key($0.number) }.joined(separator: " + ")
      return "\(which): \(names) is \"\(values(range))\", which stands for nothing known"
    }
  }
}

extension SyslogMessage {
  /// The parts by the names of `muhur explain`; absent ones are left out.
  func members(_ text: Span<UInt8>) -> [JSONMember] {
    func part(_ name: String, _ range: Range<Int>?) -> JSONMember? {
      range.map { JSONMember(name, .string(text.extracting($0).string)) }
    }
    func number(_ name: String, _ value: Int?) -> JSONMember? { value.map { JSONMember(name, .integer($0)) } }
    return [
      number("pri", priority), number("facility", facility), number("severity", severity), number("version", version),
      part("timestamp", timestamp), part("host", host), part("app", app), part("procid", procid), part("msgid", msgid),
      part("structured_data", structuredData), part("message", message),
    ].compactMap { $0 }
  }
}

extension EventList {
  /// The events as values, for people and tests.
  public var json: [JSONValue] {
    var bytes = Array("{\"events\":".utf8)
    write(into: &bytes)
    bytes.append(0x7d)
    return (try? StrictJSON.object(bytes.span))?["events"]?.array ?? []
  }
}
