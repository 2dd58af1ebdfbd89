import Record

/// What a field of a pattern accepts.
enum FieldType: String, CaseIterable, Sendable {
  case ip, ip4, ip6, prefix, mac, hex, integer, port, word, text, rest, blank, time, duration, seconds, milliseconds
  /// Text up to the first place where the literal behind it stands.
  case phrase
  /// A MAC address whose bytes may have one digit.
  case shortMAC = "short-mac"
  /// A time with the name or offset of its zone behind it.
  case zonedTime = "zoned-time"
  /// `Nov 20 10:15:02 2026`, also with the day of the week before or the year behind the day, or without a year.
  case monthTime = "month-time"
  /// `11/20/26 08:01:12`: month, day, year.
  case americanTime = "american-time"
  /// Since 1970: seconds, perhaps with a fraction, milli-, micro- or nanoseconds by the number of digits.
  case unixTime = "unix-time"
  /// A transport protocol's name in any case, or its number (IANA).
  case transport = "protocol"

  /// In words, for an administrator who looks for why a line is not understood.
  var words: String {
    switch self {
    case .ip: "an IP address"
    case .ip4: "an IPv4 address"
    case .ip6: "an IPv6 address"
    case .prefix: "an address block"
    case .mac, .shortMAC: "a MAC address of six bytes"
    case .hex: "bytes in hexadecimal with colons"
    case .integer: "a number"
    case .port: "a port"
    case .word: "a word"
    case .text, .phrase, .rest: "text"
    case .blank: "a space"
    case .time: "a date and time"
    case .zonedTime: "a date, a time and a zone"
    case .monthTime: "a month, a day and a time"
    case .americanTime: "month/day/year and a time"
    case .unixTime: "seconds since 1970"
    case .transport: "a protocol's name or number"
    case .duration: "a duration"
    case .seconds, .milliseconds: "a number, perhaps with a fraction"
    }
  }

  /// What an event field takes without being told.
  init?(_ field: EventField) {
    switch field {
    case .proto: self = .transport
    case .srcPort, .natPort, .natPortLast, .dstPort: self = .port
    default:
      switch field.form {
      case .ip: self = .ip
      case .prefix: self = .prefix
      case .mac: self = .mac
      case .hex: self = .hex
      case .integer: self = .integer
      case .time: self = .time
      case .text, .word: self = .text
      case .list: return nil
      }
    }
  }

  func fits(_ field: EventField) -> Bool {
    switch field {
    case .proto: return self == .transport
    case .srcPort, .natPort, .natPortLast, .dstPort: return self == .port || self == .integer
    default: break
    }
    return switch field.form {
    case .ip: self == .ip || self == .ip4 || self == .ip6
    case .prefix: self == .prefix
    case .mac: self == .mac || self == .shortMAC
    case .hex: self == .hex
    case .integer: self == .integer || self == .duration || self == .seconds || self == .milliseconds
    case .time: isTime
    case .text, .word: self == .text || self == .phrase || self == .word || self == .rest || self == .transport
    case .list: false
    }
  }

  var isTime: Bool {
    self == .time || self == .zonedTime || self == .monthTime || self == .americanTime || self == .unixTime
  }
}

/// One step of a compiled pattern. Texts are ranges of the dialect's pool.
struct PatternNode: Sendable {
  enum Kind: Sendable {
    case literal
    case field
    /// Begins a part that may be absent; `skip` is the node behind its end.
    case optional
    case optionalEnd
  }

  var kind: Kind
  var literal: Range<Int> = 0..<0
  var type: FieldType = .text
  /// What may stand there instead of a value of `type`; it is read over.
  var fallback: FieldType?
  /// Where the value goes: raw value of the event field, 256 + number of the dialect's own name, -1 for nowhere.
  var name = -1
  /// The literal behind this field, where one must stand there: where words and texts end.
  var until: Range<Int> = 0..<0
  var skip = 0
}

/// A pattern as compiled.
struct Pattern: Sendable {
  var name: String
  /// As written, for people.
  var text: String
  var line: Int
  var nodes: Range<Int>
  /// nil: the line is understood and means nothing.
  var event: EventTemplate?
  /// What the message says of others that never come.
  var gap: PatternGap?
  /// Number in the dialect's `afters` that must hold for this pattern.
  var after: Int?
  /// Numbers in `afters` to which this pattern contributes, and whether it arms or cancels them.
  var remembered: [(after: Int, arms: Bool)] = []
}

/// What a message can say of others of its sender that never come.
enum PatternGap: String, Sendable, CaseIterable {
  /// Some before it are missing; how many stands in `{_lost:integer}`.
  case lost
  /// Nothing is written from now on.
  case paused

  init(_ node: JSON5Node, hasEvent: Bool) throws(JSON5Error) {
    guard let found = PatternGap(rawValue: try node.string()) else {
      throw node.error("expected lost (messages before this one are missing) or paused (nothing is written from now on)")
    }
    guard !hasEvent else { throw node.error("what tells of a gap has no event: event: null") }
    self = found
  }
}

/// What reading needs of a pattern for every message: no strings and lists, which would cost counting references.
struct PatternCode: Sendable {
  var nodes: Range<Int>
  /// -1: none.
  var after: Int
  var remembers: Bool
  /// nil: the line is understood and means nothing.
  var event: EventCode?
  var gap: PatternGap?

  init(_ pattern: Pattern, _ constants: inout [EventCode.Constant]) {
    gap = pattern.gap
    nodes = pattern.nodes
    after = pattern.after ?? -1
    remembers = !pattern.remembered.isEmpty
    event = pattern.event.map { EventCode($0, &constants) }
  }
}

/// A pattern's demand for an earlier line of the same sender.
struct After: Sendable {
  /// Names that must have equal text in both lines: event fields by raw value, the dialect's own from 256 on.
  var equal: [Int]
  /// 10 seconds (design section 9), in microseconds.
  static let window: Int64 = 10 * Timestamp.second
}

/// A dialect as compiled. A class, so that threads share it and a message costs no copy of it.
public final class Dialect: Sendable {
  public let name: String
  public let version: Int
  public let about: String
  /// The file it came from, for messages.
  public let file: String
  /// `name/version`, as events say it.
  public let label: String

  /// Which messages the patterns are for; `cuts` have their own.
  let applies: Applies
  /// All texts of patterns and events.
  let pool: [UInt8]
  let nodes: [PatternNode]
  let head: Range<Int>
  let patterns: [Pattern]
  /// The same, in the same order.
  let codes: [PatternCode]
  /// Fixed words of the patterns' events.
  let constants: [EventCode.Constant]
  let afters: [After]
  let examples: [DialectExample]
  let dispatch: PatternDispatch
  /// Of each place in the dispatch's `order`, how many nodes its pattern begins with like the one before it.
  let shared: [Int]
  /// How text that is cut into named values is read.
  let cuts: [CutReading]
  let labelBytes: [UInt8]
  /// How captures of `{_lost:…}` are called; -1: no pattern has one.
  let lostName: Int
  /// Whether it only tells what is missing: it reads the messages of every device, whatever that one's dialects.
  let isOfGaps: Bool

  init(_ draft: DialectDraft) {
    name = draft.name
    version = draft.version
    about = draft.about
    file = draft.file
    label = "\(draft.name)/\(draft.version)"
    labelBytes = Array(label.utf8)
    applies = draft.applies
    pool = draft.pool
    nodes = draft.nodes
    head = draft.head
    patterns = draft.patterns
    var constants: [EventCode.Constant] = []
    codes = draft.patterns.map { PatternCode($0, &constants) }
    self.constants = constants
    afters = draft.afters
    examples = draft.examples
    dispatch = draft.dispatch
    let order = draft.dispatch.order
    shared = order.indices.map { $0 == 0 ? 0 : draft.sharedNodes(draft.patterns[order[$0 - 1]].nodes, draft.patterns[order[$0]].nodes) }
    lostName = draft.ownNames.firstIndex(of: "_lost").map { 256 + $0 } ?? -1
    isOfGaps = draft.patterns.allSatisfy { $0.event == nil } && draft.cuts.isEmpty && draft.patterns.contains { $0.gap != nil }
    cuts = draft.cuts.map { CutReading($0, pool: draft.pool, nodes: draft.nodes) }
  }

  /// The number of a case among those of all `cuts`.
  func number(of number: Int, in cut: Int) -> Int {
    var sum = number
    for i in 0..<cut { sum += cuts[i].cases.count }
    return sum
  }

  /// The name of a pattern, or of a case by its number behind the patterns.
  func title(_ number: Int) -> String {
    if number < patterns.count { return "pattern \(patterns[number].name)" }
    var left = number - patterns.count
    for cut in cuts {
      if left < cut.cases.count { return "case \(cut.cases[left].name)" }
      left -= cut.cases.count
    }
    return "?"
  }

  /// What a node waits for, in words.
  func expectation(_ node: PatternNode) -> String {
    switch node.kind {
    case .literal: "\"\(String(decoding: pool[node.literal], as: UTF8.self))\""
    case .field: node.type.words
    case .optional, .optionalEnd: "the end"
    }
  }
}

/// A dialect while its file is read.
struct DialectDraft {
  var name: String
  var version: Int
  var about: String
  var file: String
  var applies = Applies()
  var cuts: [CutDraft] = []
  var pool: [UInt8] = []
  var nodes: [PatternNode] = []
  var head: Range<Int> = 0..<0
  var patterns: [Pattern] = []
  /// Names of its own fields, by number.
  var ownNames: [String] = []
  var afters: [After] = []
  var examples: [DialectExample] = []
  var dispatch = PatternDispatch()

  /// How many nodes two patterns begin with that are the same, up to a place outside all optional parts.
  func sharedNodes(_ a: Range<Int>, _ b: Range<Int>) -> Int {
    var depth = 0
    var shared = 0
    for k in 0..<min(a.count, b.count) {
      let (x, y) = (nodes[a.lowerBound + k], nodes[b.lowerBound + k])
      guard x.kind == y.kind, x.type == y.type, x.fallback == y.fallback, x.name == y.name, pool[x.literal] == pool[y.literal],
        pool[x.until] == pool[y.until], x.kind != .optional || x.skip - a.lowerBound == y.skip - b.lowerBound
      else { break }
      if x.kind == .optional { depth += 1 }
      if x.kind == .optionalEnd { depth -= 1 }
      if depth == 0 { shared = k + 1 }
    }
    return shared
  }
}

/// Which patterns can match at all: by the first word behind the head.
struct PatternDispatch: Sendable {
  /// Open addressing by hash of the word; -1 or the number of a list.
  private var slots: [Int] = [-1]
  private var hashes: [UInt64] = [0]
  /// The lists of candidates, one behind the other; ranges of it, so that asking copies none.
  private(set) var order: [Int] = []
  private var lists: [Range<Int>] = []
  /// Patterns that begin with a field.
  private var always: Range<Int> = 0..<0

  init() {}

  /// - Parameter words: for each pattern its first word, nil where it has none. Order among candidates is kept.
  init(words: [[UInt8]?]) {
    always = append(words.indices.filter { words[$0] == nil })
    let distinct = Set(words.compactMap { $0 })
    var size = 4
    while size < distinct.count * 2 { size *= 2 }
    slots = Array(repeating: -1, count: size)
    hashes = Array(repeating: 0, count: size)
    for word in distinct.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
      let hash = Self.hash(word.span, 0..<word.count)
      var i = Int(truncatingIfNeeded: hash) & (size - 1)
      while slots[i] >= 0 { i = (i + 1) & (size - 1) }
      slots[i] = lists.count
      hashes[i] = hash
      lists.append(append(words.indices.filter { words[$0] == nil || words[$0] == word }))
    }
  }

  private mutating func append(_ list: [Int]) -> Range<Int> {
    order += list
    return order.count - list.count..<order.count
  }

  static func hash(_ text: Span<UInt8>, _ range: Range<Int>) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for i in range { hash = (hash ^ UInt64(text[i])) &* 0x100_0000_01b3 }
    return hash
  }

  /// Patterns to try on a message whose first word has that hash, in the dialect's order: places in `order`.
  func candidates(_ hash: UInt64) -> Range<Int> {
    var i = Int(truncatingIfNeeded: hash) & (slots.count - 1)
    while slots[i] >= 0 {
      if hashes[i] == hash { return lists[slots[i]] }
      i = (i + 1) & (slots.count - 1)
    }
    return always
  }

  static func isWordByte(_ b: UInt8) -> Bool { b.isLetter || b.isDigit || b == 0x5f }
}
