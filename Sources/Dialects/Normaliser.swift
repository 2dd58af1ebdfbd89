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
  /// It gave an event. Cases of text that is cut are numbered behind the patterns.
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
  private var values = ValueTable()
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
    /// Where a reading of named values stopped, in place of the pattern.
    var cut: CutStop?
  }

  public init(_ set: DialectSet) { self.set = set }

  /// Steps taken for the latest pattern attempts, for tests.
  var steps: Int { scratch.steps }

  /// A value of the latest message, for people.
  func values(_ range: Range<Int>) -> String {
    range.upperBound <= values.bytes.count ? values.bytes.span.extracting(range).string : "?"
  }

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
      for place in set.entries(text, app) {
        guard let reading = set.reading(ofEntry: place, text, app), permits(reading.dialect, source.dialects), isFor(reading, text) else {
          continue
        }
        let found = read(text, with: reading, byName: true, received, sender, source, &events)
        guard case .notUnderstood = found else { return found }
        if outcome == .notForUs { outcome = found }
      }
      var position = 0
      while let prefix = set.reading(ofPrefixFrom: position, text, app) {
        position = prefix.next
        guard permits(prefix.reading.dialect, source.dialects), isFor(prefix.reading, text) else { continue }
        let found = read(text, with: prefix.reading, byName: true, received, sender, source, &events)
        guard case .notUnderstood = found else { return found }
        if outcome == .notForUs { outcome = found }
      }
      return readByBeginning(text, received, sender, source, &events, outcome)
    }
    // A line without any header is text from its first byte on.
    let bare = header.priority == nil && header.time == nil
    if bare, let message = header.message { header.message = 0..<message.upperBound }
    outcome = readByBeginning(text, received, sender, source, &events, outcome)
    switch outcome {
    case .event, .nothing: return outcome
    case .notUnderstood, .notForUs: break
    }
    // A source's own dialects read also what does not look like theirs.
    if let only = source.dialects {
      for i in only where set.dialects.indices.contains(i) {
        for reading in set.readings[i] {
          let found = read(text, with: reading, received, sender, source, &events)
          guard case .notUnderstood = found else { return found }
          if outcome == .notForUs { outcome = found }
        }
      }
      return outcome
    }
    guard bare else { return outcome }
    for reading in set.bare {
      let before = nearest
      let found = read(text, with: reading, received, sender, source, &events)
      guard case .notUnderstood = found else { return found }
      if !isOwn(reading) { nearest = before } else if outcome == .notForUs { outcome = found }
    }
    return outcome
  }

  /// Dialects that know their messages by how these begin.
  /// - Parameter outcome: what has become of the message until here.
  private mutating func readByBeginning(
    _ text: Span<UInt8>, _ received: Int64, _ sender: UInt64, _ source: borrowing SourceReading, _ events: inout EventList,
    _ outcome: Outcome
  ) -> Outcome {
    guard let message = header.message else { return outcome }
    let body = text.extracting(trimmed(text, message))
    var outcome = outcome
    // A source's own dialects are asked whatever a forwarder has put before the text.
    let namesProgram = header.app != nil && source.dialects == nil
    let first = body.word(at: 0, count: min(body.count, 8))
    for place in set.beginnings(body) {
      guard let reading = set.reading(ofBeginning: place, body, first, namesProgram: namesProgram),
        permits(reading.dialect, source.dialects)
      else { continue }
      let found = read(text, with: reading, received, sender, source, &events)
      guard case .notUnderstood = found else { return found }
      if outcome == .notForUs, isOwn(reading, unlessHeadless: true) { outcome = found }
    }
    return outcome
  }

  /// Whether a message that a reading did not understand is its own all the same: its head is there, or its text could be
  /// cut. Others' messages may begin so too, or have no header either.
  private func isOwn(_ reading: DialectSet.Reading, unlessHeadless: Bool = false) -> Bool {
    if reading.cut >= 0 { return nearest.dialect == reading.dialect && (nearest.cut?.rank ?? 0) > 1 }
    return hadHead || unlessHeadless && set.dialects[reading.dialect].head.isEmpty
  }

  /// The text that a reading has which was chosen by the program's name.
  private func named(_ reading: DialectSet.Reading) -> Range<Int>? {
    guard set.isWithTag(reading), let app = header.app, let message = header.message else { return header.message }
    return app.lowerBound..<message.upperBound
  }

  /// Whether a message of its program has what the reading wants in it.
  private func isFor(_ reading: DialectSet.Reading, _ text: Span<UInt8>) -> Bool {
    set.holds(reading, text.extracting(named(reading) ?? 0..<0))
  }

  private func permits(_ index: Int, _ only: [Int]?) -> Bool {
    guard let only else { return true }
    return only.contains(index) || set.dialects[index].isOfGaps
  }

  /// rsyslog keeps the space behind a tag's colon and sends it on in RFC 5424 as the text's first character.
  private func trimmed(_ text: Span<UInt8>, _ message: Range<Int>) -> Range<Int> {
    var start = message.lowerBound
    while start < message.upperBound, text[start] == 0x20 { start += 1 }
    return start..<message.upperBound
  }

  /// - Parameter byName: the reading was chosen by the program's name; what it may read then begins there (`with_tag`).
  private mutating func read(
    _ text: Span<UInt8>, with reading: DialectSet.Reading, byName: Bool = false, _ received: Int64, _ sender: UInt64,
    _ source: borrowing SourceReading, _ events: inout EventList
  ) -> Outcome {
    let message = byName ? named(reading) : header.message
    if reading.cut >= 0 { return cut(text, message, with: reading, received, source, &events) }
    guard let message else { return .notUnderstood(dialect: reading.dialect) }
    return read(text, trimmed(text, message), with: reading.dialect, received, sender, source, &events)
  }

  private mutating func read(
    _ text: Span<UInt8>, _ message: Range<Int>, with index: Int, _ received: Int64, _ sender: UInt64, _ source: borrowing SourceReading,
    _ events: inout EventList
  ) -> Outcome {
    let dialect = set.dialects[index]
    let body = text.extracting(message)
    var at = 0
    scratch.reset()
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
    var tried = -1
    for place in dialect.dispatch.candidates(PatternDispatch.hash(body, at..<end)) {
      scratch.keep(captures: headCaptures)
      let number = dialect.dispatch.order[place]
      let code = dialect.codes[number]
      if code.after >= 0, !afters.mayHold(at: received) { continue }
      // What this pattern begins with like the one before it was read then.
      let shared = tried == place - 1 && tried >= 0 ? dialect.shared[place] : 0
      tried = place
      guard scratch.match(body, at: at, dialect, code.nodes, toEnd: true, shared: shared) != nil else {
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
      guard let event = code.event else { return .nothing(dialect: index, pattern: number) }
      begin(event, dialect.constants, dialect, &events)
      var time: Timestamp?
      for n in 0..<scratch.captureCount { set(n, body, dialect, received, source, &time, &events) }
      guard close(event.kind, text, time, dialect, received, source, &events) else { continue }
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

  // MARK: - Named values

  /// Reads text that is cut into named values.
  private mutating func cut(
    _ text: Span<UInt8>, _ message: Range<Int>?, with which: DialectSet.Reading, _ received: Int64, _ source: borrowing SourceReading,
    _ events: inout EventList
  ) -> Outcome {
    let dialect = set.dialects[which.dialect]
    let reading = dialect.cuts[which.cut]
    scratch.reset()
    guard let part = reading.readsStructuredData ? header.structuredData : message else {
      return stop(which, 0, CutStop(reading: which.cut, what: .text("text")))
    }
    let range = trimmed(text, part)
    let body = text.extracting(range)
    values.reset(reading.keys, body)
    var at = 0
    if !reading.head.isEmpty {
      guard let end = scratch.match(body, at: 0, dialect, reading.head, toEnd: false) else {
        return stop(which, range.lowerBound + scratch.failedAt, CutStop(reading: which.cut, what: .head(scratch.failedNode)))
      }
      at = end
      for i in reading.ownKeys.indices {
        for n in 0..<scratch.captureCount where scratch.capture(n).name == reading.ownKeys[i].own {
          values.put(reading.ownKeys[i].entry, scratch.capture(n).range, reading)
        }
      }
    }
    for i in reading.headerKeys.indices {
      let found =
        switch reading.headerKeys[i].part {
        case .app: header.app
        case .host: header.host
        case .msgid: header.msgid
        case .procid: header.procid
        }
      if let found { values.set(reading.headerKeys[i].entry, text.extracting(found), reading) }
    }
    var fault: CutFault?
    switch reading.form {
    case .keyValue(let style): values.cutPairs(body, from: at, style, reading)
    case .cef: fault = values.cutCEF(body, from: at, reading)
    case .leef: fault = values.cutLEEF(body, from: at, reading)
    case .csv(let separator, let quote): fault = values.cutColumns(body, from: at, separator: separator, quote: quote, reading)
    case .json: fault = values.cutJSON(body, from: at, reading)
    }
    if let fault { return stop(which, range.lowerBound + fault.at, CutStop(reading: which.cut, what: .text(fault.expected))) }
    // What was asked already, and what of it holds: a bit for each of the first conditions.
    var asked: UInt64 = 0
    var held: UInt64 = 0
    cases: for number in reading.codes.indices {
      let one = reading.codes[number]
      for i in one.conditions {
        let number = reading.sameConditions[i]
        let bit: UInt64 = number < 64 ? 1 << UInt64(number) : 0
        if asked & bit != 0 {
          guard held & bit != 0 else { continue cases }
          continue
        }
        let condition = reading.conditions[i]
        let holds = condition.holds(values.bytes.span, values.range(condition.key), reading)
        asked |= bit
        guard holds, values.state(condition.key) != .ambiguous else { continue cases }
        held |= bit
      }
      if values.isCut, !one.readsCutOff { return stop(which, range.upperBound, CutStop(reading: which.cut, inCase: number, what: .cutOff)) }
      guard let event = one.event else {
        if let said = one.gap { gap = said == .paused ? .paused : .lost(nil) }
        return .nothing(dialect: which.dialect, pattern: dialect.patterns.count + dialect.number(of: number, in: which.cut))
      }
      begin(event, reading.constants, dialect, &events)
      var time: Timestamp?
      for n in 0..<scratch.captureCount { set(n, body, dialect, received, source, &time, &events) }
      for rule in one.rules {
        if values.take(reading.plainRules[rule], &events) { continue }
        scratch.keep(captures: 0)
        if let what = CaseMatcher.match(reading.rules[rule], reading, dialect, &values, &scratch) {
          events.cancel()
          return stop(which, range.upperBound, CutStop(reading: which.cut, inCase: number, rule: rule, what: what))
        }
        for n in 0..<scratch.captureCount { set(n, body, dialect, received, source, &time, &events) }
      }
      guard close(event.kind, text, time, dialect, received, source, &events) else {
        return stop(which, range.upperBound, CutStop(reading: which.cut, inCase: number, what: .nobody))
      }
      return .event(dialect: which.dialect, pattern: dialect.patterns.count + dialect.number(of: number, in: which.cut))
    }
    return stop(which, range.upperBound, CutStop(reading: which.cut, what: .noCase))
  }

  /// Keeps the stop that came furthest.
  private mutating func stop(_ which: DialectSet.Reading, _ byte: Int, _ stop: CutStop) -> Outcome {
    if nearest.dialect < 0 || stop.rank > (nearest.cut?.rank ?? 0) {
      nearest = Nearest(dialect: which.dialect, pattern: -1, node: -1, byte: byte, cut: stop)
    }
    return .notUnderstood(dialect: which.dialect)
  }

  // MARK: - Events

  private func begin(_ event: EventCode, _ constants: [EventCode.Constant], _ dialect: Dialect, _ events: inout EventList) {
    events.begin(event.kind)
    guard !event.constants.isEmpty else { return }
    let bytes = dialect.pool
    let pool = bytes.span
    for i in event.constants { events.set(constants[i].field, text: pool.extracting(constants[i].text)) }
  }

  /// Sets what a capture has taken.
  /// - Parameter time: the event's own, where that is what it took.
  private func set(
    _ number: Int, _ body: Span<UInt8>, _ dialect: Dialect, _ received: Int64, _ source: borrowing SourceReading,
    _ time: inout Timestamp?, _ events: inout EventList
  ) {
    let capture = scratch.capture(number)
    guard capture.name < 256, let field = EventField(rawValue: UInt8(truncatingIfNeeded: capture.name)) else { return }
    switch capture.value {
    case .nothing: break
    case .text:
      if capture.range.isEmpty { break }
      if capture.isOfValue {
        events.set(field, text: values.bytes.span.extracting(capture.range))
      } else {
        events.set(field, text: body.extracting(capture.range))
      }
    case .word(let word): events.set(field, word: word)
    case .constant(let range):
      let bytes = dialect.pool
      if !range.isEmpty { events.set(field, text: bytes.span.extracting(range)) }
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

  /// Adds what holds for events of every device.
  /// - Parameter time: what the message says of the event itself, where it does.
  /// - Returns: whether the event says whom it is about; else it is taken back.
  private func close(
    _ kind: EventKind, _ text: Span<UInt8>, _ time: Timestamp?, _ dialect: Dialect, _ received: Int64, _ source: borrowing SourceReading,
    _ events: inout EventList
  ) -> Bool {
    guard isAboutSomebody(kind, &events) else {
      events.cancel()
      return false
    }
    if kind == .lease {
      if events.has(.leaseSeconds) {
        events.set(.leaseFrom, word: "log")
      } else if let seconds = source.leaseSeconds, givesLease(events) {
        events.set(.leaseSeconds, seconds)
        events.set(.leaseFrom, word: "configuration")
      }
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
    if let time = time ?? header.time?.resolved(zone: source.zone, received: received) { events.set(.time, time) }
    return true
  }

  /// What holds for events of every device. Whether the event names an address (or, of a login, anybody) at all: Cisco's
  /// sessions may name two ends without saying which is whose.
  private func isAboutSomebody(_ kind: EventKind, _ events: inout EventList) -> Bool {
    // 0.0.0.0 stands for "none yet".
    if case .ip(let ip)? = events.value(of: .ip), ip.isUnspecified { events.remove(.ip) }
    switch kind {
    case .lease, .binding: return events.has(.ip) || events.has(.prefix)
    case .login:
      return events.has(.ip) || events.has(.user) || events.has(.mac) || events.has(.phone) || events.has(.sessionID)
    case .notice: return true
    case .session:
      events.tidySession()
      return true
    }
  }

  /// Whether the event begun last gives or renews an address.
  private func givesLease(_ events: borrowing EventList) -> Bool {
    let last = events.count - 1
    return events.equals(event: last, .action, "assign") || events.equals(event: last, .action, "renew")
  }
}
