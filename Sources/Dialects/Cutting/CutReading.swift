import Record

/// How a dialect reads text that is cut into named values: form, names, cases. As compiled; shared by all threads.
final class CutReading: Sendable {
  enum Form: Sendable {
    case keyValue(KeyValueStyle)
    case cef, leef
    case csv(separator: UInt8, quote: UInt8)
    case json
  }

  let applies: Applies
  let form: Form
  /// How pairs are found (key-value).
  let search: PairSearch
  /// Whether the values stand in RFC 5424's structured data and not in the text.
  let readsStructuredData: Bool
  /// What stands before the values, as nodes of the dialect.
  let head: Range<Int>
  let keys: KeyTable
  /// Values that mean that there is none, as ranges of the dialect's pool.
  private let none: [Range<Int>]
  /// How long these are, a bit for each length: most values are told apart by it.
  private let noneLengths: UInt64
  /// Names of columns, by the kind of row (csv).
  let rows: [Row]
  let cases: [Case]
  /// The same, in the same order.
  let codes: [CaseCode]
  let conditions: [Condition]
  /// Of each condition the first that asks the same: cases of a device ask the same of most messages.
  let sameConditions: [Int]
  let tests: [TextTest]
  /// The first eight bytes of each test's text: all of most words.
  private let beginnings: [UInt64]
  let rules: [Rule]
  /// The short way of each rule, in the same order.
  let plainRules: [PlainRule]
  /// Fixed words of the cases' events.
  let constants: [EventCode.Constant]
  let ruleKeys: [RuleKey]
  let alternatives: [Range<Int>]
  let maps: [MapEntry]
  /// Parts of the header that are values too: `@app` …
  let headerKeys: [(part: HeaderPart, entry: Int)]
  /// Names of the head's own fields that are values too.
  let ownKeys: [(own: Int, entry: Int)]
  private let pool: [UInt8]

  init(_ draft: CutDraft, pool: [UInt8], nodes: [PatternNode]) {
    applies = draft.applies
    form = draft.form
    readsStructuredData = draft.readsStructuredData
    if case .keyValue(let style) = draft.form {
      search = PairSearch(style, isStructured: draft.readsStructuredData)
    } else {
      search = PairSearch(KeyValueStyle(), isStructured: false)
    }
    head = draft.head
    keys = draft.keys
    none = draft.none
    noneLengths = draft.none.reduce(0) { $0 | Self.lengthBit($1.count) }
    rows = draft.rows
    cases = draft.cases
    var constants: [EventCode.Constant] = []
    codes = draft.cases.map { CaseCode($0, &constants) }
    self.constants = constants
    plainRules = draft.rules.map { PlainRule($0, draft, nodes) }
    conditions = draft.conditions
    sameConditions = draft.conditions.map { one in draft.conditions.firstIndex { $0.asks(sameAs: one, draft.tests, pool) } ?? 0 }
    tests = draft.tests
    beginnings = draft.tests.map { pool.span.word(at: $0.text.lowerBound, count: min($0.text.count, 8)) }
    rules = draft.rules
    ruleKeys = draft.ruleKeys
    alternatives = draft.alternatives
    maps = draft.maps
    headerKeys = draft.headerKeys
    ownKeys = draft.ownKeys
    self.pool = pool
  }

  /// Whether a value is one of those that mean that there is none.
  func isNone(_ value: Span<UInt8>) -> Bool {
    guard mayBeNone(length: value.count) else { return false }
    let bytes = pool
    let texts = bytes.span
    for range in none where texts.extracting(range).equals(value) { return true }
    return false
  }

  @inline(__always) func mayBeNone(length: Int) -> Bool { noneLengths & Self.lengthBit(length) != 0 }

  @inline(__always) private static func lengthBit(_ count: Int) -> UInt64 { 1 << UInt64(min(count, 63)) }

  /// Whether what stands there passes one of the tests.
  @inline(__always) func passes(_ text: Span<UInt8>, _ place: Range<Int>, _ range: Range<Int>) -> Bool {
    let isShort = place.count <= 8
    let word = isShort ? text.word(at: place.lowerBound, count: place.count) : 0
    for i in range {
      if isShort, tests[i].kind == .equal {
        if tests[i].text.count == place.count, beginnings[i] == word { return true }
      } else if passesOther(text.extracting(place), i) {
        return true
      }
    }
    return false
  }

  private func passesOther(_ value: Span<UInt8>, _ test: Int) -> Bool {
    let bytes = pool
    let texts = bytes.span
    return tests[test].holds(value, texts.extracting(tests[test].text))
  }
}

enum HeaderPart: String, CaseIterable, Sendable {
  case app = "@app"
  case host = "@host"
  case msgid = "@msgid"
  case procid = "@procid"
}

/// How text of the key-value form is written.
struct KeyValueStyle: Sendable {
  /// Behind each pair; a space stands for any blanks.
  var separator: UInt8 = 0x20
  /// Between key and value.
  var assign: UInt8 = 0x3d
  /// Around values; 0: none.
  var quote: UInt8 = 0x22
  /// Before a quote or itself in a quoted value; 0: none.
  var escape: UInt8 = 0x5c
}

/// What ends the parts of a pair.
struct PairSearch: Sendable {
  let key: ByteSearch
  let value: ByteSearch
  let quoted: ByteSearch

  init(_ style: KeyValueStyle, isStructured: Bool) {
    let blanks: [UInt8] = style.separator == 0x20 ? [0x20, 0x09] : [style.separator]
    let quote = style.quote == 0 ? [] : [style.quote]
    let escape = style.escape == 0 ? [] : [style.escape]
    key = ByteSearch([style.assign] + quote + blanks)
    value = ByteSearch(blanks + escape + (isStructured ? [0x5d] : []))
    quoted = ByteSearch(quote + escape)
  }
}

/// A test of a text: equal, or with what begins, ends or contains it.
struct TextTest: Sendable {
  enum Kind: Sendable { case equal, prefix, suffix, within, any }
  var kind: Kind
  /// In the dialect's pool.
  var text: Range<Int>

  func holds(_ value: Span<UInt8>, _ wanted: Span<UInt8>) -> Bool {
    switch kind {
    case .any: return value.count > 0
    case .equal: return value.equals(wanted)
    case .prefix: return value.count >= wanted.count && value.extracting(0..<wanted.count).equals(wanted)
    case .suffix: return value.count >= wanted.count && value.extracting(value.count - wanted.count..<value.count).equals(wanted)
    case .within: return value.contains(wanted)
    }
  }
}

extension Span<UInt8> {
  /// Whether that text stands in these bytes.
  func contains(_ text: Span<UInt8>) -> Bool { firstIndex(of: text) != nil }
}

/// One key of a `when`: its value passes one of the tests, or is absent.
struct Condition: Sendable {
  /// Number of the value; of a row's conditions the column, from 0.
  var key: Int
  /// Empty: the value must be absent or empty.
  var tests: Range<Int>
  /// `{ not: … }`.
  var isNegated: Bool

  func asks(sameAs other: Condition, _ all: [TextTest], _ pool: [UInt8]) -> Bool {
    key == other.key && isNegated == other.isNegated && tests.count == other.tests.count
      && zip(tests, other.tests).allSatisfy { all[$0].kind == all[$1].kind && pool[all[$0].text] == pool[all[$1].text] }
  }
}

/// What a kind of row (csv) calls its columns.
struct Row: Sendable {
  var conditions: Range<Int>
  /// Entries in `keys`, -1 where nobody looks at the column.
  var columns: [Int]
  /// A shorter row is cut off.
  var required: Int
}

/// One of a rule's values.
struct RuleKey: Sendable {
  var number: Int
  /// Whether it may be absent.
  var isOptional: Bool
}

/// `KEYS: PATTERN`: how a value becomes fields of the event.
struct Rule: Sendable {
  var keys: Range<Int>
  /// Patterns, of which one must match; empty where it is a map.
  var alternatives: Range<Int>
  /// Words and what they mean.
  var maps: Range<Int>
  /// The field that a map gives.
  var field: EventField
  var line: Int
}

struct MapEntry: Sendable {
  var test: TextTest
  /// In the dialect's pool; empty: the field is left out.
  var constant: Range<Int>
}

/// The first case whose conditions hold reads the message, or nobody does.
struct Case: Sendable {
  var name: String
  var conditions: Range<Int>
  var rules: Range<Int>
  /// nil: the message is understood and means nothing.
  var event: EventTemplate?
  /// What the message says of others that never come.
  var gap: PatternGap?
  /// Whether it also reads messages that were cut off inside a quoted value.
  var readsCutOff: Bool
}

/// What reading needs of a case for every message: no strings and lists, which would cost counting references.
struct CaseCode: Sendable {
  var conditions: Range<Int>
  var rules: Range<Int>
  var gap: PatternGap?
  var readsCutOff: Bool
  /// nil: the message is understood and means nothing.
  var event: EventCode?

  init(_ one: Case, _ constants: inout [EventCode.Constant]) {
    event = one.event.map { EventCode($0, &constants) }
    conditions = one.conditions
    rules = one.rules
    gap = one.gap
    readsCutOff = one.readsCutOff
  }
}

/// A reading while its file is read.
struct CutDraft {
  var applies = Applies()
  var form = CutReading.Form.json
  var readsStructuredData = false
  var head: Range<Int> = 0..<0
  var keys = KeyTable()
  var none: [Range<Int>] = []
  var rows: [Row] = []
  var cases: [Case] = []
  var conditions: [Condition] = []
  var tests: [TextTest] = []
  var rules: [Rule] = []
  var ruleKeys: [RuleKey] = []
  var alternatives: [Range<Int>] = []
  var maps: [MapEntry] = []
  var headerKeys: [(part: HeaderPart, entry: Int)] = []
  var ownKeys: [(own: Int, entry: Int)] = []
}
