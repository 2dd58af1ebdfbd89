import Record
import Syslog

/// What the configuration says about a sender, as far as reading its messages needs it.
public struct SourceReading: Sendable {
  /// The zone of its clock.
  public var zone: Zone
  /// Its configured name: an event's `server` where the message names no host.
  public var name: [UInt8]?
  /// Indices of the only dialects for it; nil: all.
  public var dialects: [Int]?
  /// How long a lease is where the message does not say.
  public var leaseSeconds: Int?
  /// Events rest on the device's clock (`"clock":"device"`).
  public var trustsDeviceClock: Bool

  public init(
    zone: Zone, name: String? = nil, dialects: [Int]? = nil, leaseSeconds: Int? = nil, trustsDeviceClock: Bool = false
  ) {
    self.zone = zone
    self.name = name.map { Array($0.utf8) }
    self.dialects = dialects
    self.leaseSeconds = leaseSeconds
    self.trustsDeviceClock = trustsDeviceClock
  }
}

/// What a sender says of its own messages that never come.
public enum SaidGap: Sendable, Equatable {
  /// So many before this message, where it says how many.
  case lost(Int?)
  /// Nothing is written from now on.
  case paused
}

/// What became of a message.
public enum Outcome: Sendable, Equatable {
  /// It gave an event.
  case event(dialect: Int, pattern: Int)
  /// It is understood and means nothing: an offer, a request.
  case nothing(dialect: Int, pattern: Int)
  /// A dialect reads this program's messages, but not this one.
  case notUnderstood(dialect: Int)
  /// No dialect reads this program's messages.
  case notForUs
}

/// Reads messages, one after another: one for each thread, and in the order of records. Allocates nothing per message.
public struct Normaliser: Sendable {
  public let set: DialectSet
  /// The latest message's header.
  public private(set) var header = SyslogMessage(Span())
  private var scratch = MatchScratch()
  private var afters = AfterTable()
  /// Whether the latest dialect's head stood before the message and was not empty.
  private var hadHead = false
  /// What the latest message says of others that never come; nil where it says nothing of them.
  public private(set) var gap: SaidGap?
  /// Where the pattern stopped that came furthest in the latest message.
  private(set) var nearest = Nearest()

  struct Nearest: Sendable {
    var dialect = -1
    /// -1: the head.
    var pattern = -1
    var node = -1
    /// Place in the whole message.
    var byte = -1
  }

  public init(_ set: DialectSet) { self.set = set }

  /// Steps taken for the latest pattern attempts, for tests.
  var steps: Int { scratch.steps }

  /// Reads one message and appends its event.
  /// - Parameters:
  ///   - text: the message in UTF-8: as received, or decoded by the source's charset.
  ///   - received: the record's time, microseconds since 1970.
  ///   - sender: the same for all messages of one sender, different for different ones (`after`).
  ///   - events: emptied by the caller.
  public mutating func read(
    _ text: Span<UInt8>, received: Int64, sender: UInt64, source: borrowing SourceReading, into events: inout EventList
  ) -> Outcome {
    header = SyslogMessage(text)
    nearest = Nearest()
    gap = nil
    scratch.reset()
    var outcome = Outcome.notForUs
    if let app = header.app {
      guard let message = header.message else { return .notForUs }
      for entry in set.entries(text, app) {
        guard let i = set.dialect(ofEntry: entry, text, app), permits(i, source.dialects) else { continue }
        let read = read(text, whole(message, app, with: i), with: i, received, sender, source, &events)
        guard case .notUnderstood = read else { return read }
        if outcome == .notForUs { outcome = read }
      }
      var position = 0
      while let found = set.dialect(ofPrefixFrom: position, text, app) {
        position = found.next
        guard permits(found.dialect, source.dialects) else { continue }
        let read = read(
          text, whole(message, app, with: found.dialect), with: found.dialect, received, sender, source, &events)
        guard case .notUnderstood = read else { return read }
        if outcome == .notForUs { outcome = read }
      }
      return readByBeginning(text, message, received, sender, source, &events, outcome)
    }
    // A line without any header is text from its first byte on.
    let bare = header.priority == nil && header.time == nil
    guard let message = bare ? header.message.map({ 0..<$0.upperBound }) : header.message else { return .notForUs }
    if let only = source.dialects {
      for i in only where set.dialects.indices.contains(i) {
        outcome = read(text, message, with: i, received, sender, source, &events)
        if case .notUnderstood = outcome { continue }
        return outcome
      }
      return outcome
    }
    outcome = readByBeginning(text, message, received, sender, source, &events, outcome)
    guard bare else { return outcome }
    switch outcome {
    case .event, .nothing: return outcome
    case .notUnderstood, .notForUs: break
    }
    for i in set.bare {
      let before = nearest
      let found = read(text, message, with: i, received, sender, source, &events)
      // A line without header is a dialect's own only if its head is there.
      if case .notUnderstood = found {
        if !hadHead { nearest = before } else if outcome == .notForUs { outcome = found }
        continue
      }
      return found
    }
    return outcome
  }

  /// The text that a dialect's patterns read.
  private func whole(_ message: Range<Int>, _ app: Range<Int>, with index: Int) -> Range<Int> {
    set.dialects[index].applies.withTag ? app.lowerBound..<message.upperBound : message
  }

  /// Dialects that know their messages by how these begin.
  /// - Parameter outcome: what has become of the message until here.
  private mutating func readByBeginning(
    _ text: Span<UInt8>, _ message: Range<Int>, _ received: Int64, _ sender: UInt64, _ source: borrowing SourceReading,
    _ events: inout EventList, _ outcome: Outcome
  ) -> Outcome {
    var start = message.lowerBound
    while start < message.upperBound, text[start] == 0x20 { start += 1 }
    guard start < message.upperBound else { return outcome }
    let body = text.extracting(start..<message.upperBound)
    var outcome = outcome
    var position = set.firstBegin(body[0])
    while position >= 0, let found = set.dialect(ofBeginFrom: position, body, namesProgram: header.app != nil) {
      position = found.next
      guard permits(found.dialect, source.dialects) else { continue }
      let read = read(text, message, with: found.dialect, received, sender, source, &events)
      guard case .notUnderstood = read else { return read }
      // Others begin so too: it is this program's message only if its head is there.
      if outcome == .notForUs, hadHead || set.dialects[found.dialect].head.isEmpty { outcome = read }
    }
    return outcome
  }

  private func permits(_ index: Int, _ only: [Int]?) -> Bool {
    guard let only else { return true }
    return only.contains(index) || set.dialects[index].isOfGaps
  }

  private mutating func read(
    _ text: Span<UInt8>, _ message: Range<Int>, with index: Int, _ received: Int64, _ sender: UInt64, _ source: borrowing SourceReading,
    _ events: inout EventList
  ) -> Outcome {
    let dialect = set.dialects[index]
    // rsyslog keeps the space behind a tag's colon and sends it on in RFC 5424 as the text's first character.
    var start = message.lowerBound
    while start < message.upperBound, text[start] == 0x20 { start += 1 }
    let message = start..<message.upperBound
    let body = text.extracting(message)
    var at = 0
    scratch.keep(captures: 0)
    hadHead = false
    if !dialect.head.isEmpty {
      guard let end = scratch.match(body, at: 0, dialect, dialect.head, toEnd: false) else {
        note(index, -1, message.lowerBound)
        return .notUnderstood(dialect: index)
      }
      at = end
    }
    hadHead = at > 0
    let headCaptures = scratch.captureCount
    var end = at
    while end < body.count, PatternDispatch.isWordByte(body[end]) { end += 1 }
    for number in dialect.dispatch.candidates(PatternDispatch.hash(body, at..<end)) {
      scratch.keep(captures: headCaptures)
      let code = dialect.codes[number]
      if code.after >= 0, !afters.mayHold(at: received) { continue }
      guard scratch.match(body, at: at, dialect, code.nodes, toEnd: true) != nil else {
        note(index, number, message.lowerBound)
        continue
      }
      if code.after >= 0 {
        guard afters.take(key(code.after, index, sender, body), at: received) else { continue }
      }
      if code.remembers {
        for remembered in dialect.patterns[number].remembered {
          afters.remember(key(remembered.after, index, sender, body), at: received, armed: remembered.arms)
        }
      }
      if let said = code.gap { gap = said == .paused ? .paused : .lost(lostCount(dialect)) }
      guard code.hasEvent, let event = dialect.patterns[number].event else { return .nothing(dialect: index, pattern: number) }
      write(event, text, body, dialect, received, source, &events)
      return .event(dialect: index, pattern: number)
    }
    if nearest.dialect < 0 { nearest = Nearest(dialect: index, pattern: Self.noPattern, node: -1, byte: message.lowerBound + at) }
    return .notUnderstood(dialect: index)
  }

  /// The number in `{_lost:integer}` of the pattern that has matched.
  private func lostCount(_ dialect: Dialect) -> Int? {
    guard dialect.lostName >= 0 else { return nil }
    for n in 0..<scratch.captureCount {
      let capture = scratch.capture(n)
      if capture.name == dialect.lostName, case .integer(let count) = capture.value { return count }
    }
    return nil
  }

  /// Stands for a pattern where none begins like the message.
  static let noPattern = Int.max

  private mutating func note(_ dialect: Int, _ pattern: Int, _ offset: Int) {
    let byte = offset + scratch.failedAt
    if byte > nearest.byte || nearest.pattern < 0 && pattern >= 0 {
      nearest = Nearest(dialect: dialect, pattern: pattern, node: scratch.failedNode, byte: byte)
    }
  }

  /// Of a line's fields that must be equal to another's.
  private func key(_ after: Int, _ dialect: Int, _ sender: UInt64, _ body: Span<UInt8>) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325 ^ sender &* 0x9e37_79b9_7f4a_7c15
    func mix(_ value: UInt64) { hash = (hash ^ value) &* 0x100_0000_01b3 }
    mix(UInt64(truncatingIfNeeded: dialect))
    mix(UInt64(truncatingIfNeeded: after))
    for name in set.dialects[dialect].afters[after].equal {
      mix(0x100)
      for n in 0..<scratch.captureCount {
        let capture = scratch.capture(n)
        if capture.name == name { for i in capture.range { mix(UInt64(body[i])) } }
      }
    }
    // The table takes the low bits.
    return hash ^ hash >> 29
  }

  // MARK: - Events

  private func write(
    _ template: EventTemplate, _ text: Span<UInt8>, _ body: Span<UInt8>, _ dialect: Dialect, _ received: Int64,
    _ source: borrowing SourceReading, _ events: inout EventList
  ) {
    let bytes = dialect.pool
    let pool = bytes.span
    events.begin(template.kind)
    for (field, constant) in template.constants { events.set(field, text: pool.extracting(constant)) }
    var time: Timestamp?
    for n in 0..<scratch.captureCount {
      let capture = scratch.capture(n)
      guard capture.name < 256, let field = EventField(rawValue: UInt8(truncatingIfNeeded: capture.name)) else { continue }
      switch capture.value {
      case .nothing: break
      case .text: if !capture.range.isEmpty { events.set(field, text: body.extracting(capture.range)) }
      case .word(let word): events.set(field, word: word)
      case .hex(let range): events.set(field, hex: scratch.bytes.span.extracting(range))
      case .integer(let value): events.set(field, value)
      case .ip(let value): events.set(field, value)
      case .prefix(let value): events.set(field, value)
      case .mac(let value): events.set(field, value)
      case .time(let value):
        guard let resolved = value.resolved(zone: source.zone, received: received) else { break }
        if field == .time { time = resolved } else { events.set(field, resolved) }
      }
    }
    if template.kind == .lease {
      if events.has(.leaseSeconds) {
        events.set(.leaseFrom, word: "log")
      } else if let seconds = source.leaseSeconds, givesLease(events) {
        events.set(.leaseSeconds, seconds)
        events.set(.leaseFrom, word: "configuration")
      }
    }
    if template.kind == .session { events.tidySession() }
    if case .ip(let ip)? = events.value(of: .ip), ip.isUnspecified {
      // 0.0.0.0 stands for "none yet".
      guard template.kind == .login else { return events.cancel() }
      events.remove(.ip)
    }
    if !events.has(.server) {
      if let host = header.host {
        events.set(.server, text: text.extracting(host))
      } else if let name = source.name {
        let text = name.span
        events.set(.server, text: text)
      }
    }
    if source.trustsDeviceClock { events.set(.clock, word: "device") }
    let label = dialect.labelBytes
    events.set(.dialect, text: label.span)
    if time == nil { time = header.time?.resolved(zone: source.zone, received: received) }
    if let time { events.set(.time, time) }
    events.commit()
  }

  /// Whether the event begun last gives or renews an address.
  private func givesLease(_ events: borrowing EventList) -> Bool {
    let last = events.count - 1
    return events.equals(event: last, .action, "assign") || events.equals(event: last, .action, "renew")
  }
}
