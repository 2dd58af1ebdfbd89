import Record

/// When a message says that a session began and ended.
struct SessionTimes {
  /// The record's time, or the event's own where the device's clock is believed.
  var at: Moment
  var start: Moment?
  var end: Moment?
  /// `start` comes from a time or duration in the message.
  var isStartStated = false

  init(_ event: EventReading, of record: RecordReading) {
    self.init(
      received: record.time, believesDevice: event.believesDevice(record.via), action: event.sessionAction, time: event.time,
      start: event.start, end: event.end, duration: event.duration)
  }

  /// - Parameter duration: seconds.
  init(
    received: Moment, believesDevice: Bool, action: SessionAction?, time: Timestamp?, start began: Timestamp?, end ended: Timestamp?,
    duration: Int?
  ) {
    let claimed = time.map(Moment.init)
    at = believesDevice ? claimed ?? received : received
    // Where the receipt counts, what the message says of other moments is moved by as much as its own is wrong.
    let shift = believesDevice ? 0 : (claimed ?? ended.map(Moment.init)).map { received.microseconds - $0.microseconds }
    if action == .close || action == .free { end = ended.flatMap { time in shift.map { Moment(time).adding($0) } } ?? at }
    if let began, let shift {
      start = Moment(began).adding(shift)
      isStartStated = true
    } else if let duration, duration >= 0 {
      start = (end ?? at).adding(-Int64(clamping: min(duration, 1 << 32)) * Timestamp.second)
      isStartStated = true
    } else if action == .open || action == .allocate || action == nil {
      start = at
    }
    if let begin = start, begin > end ?? at { start = end ?? at }
  }
}

/// What one message says of a session: that it began, goes on, or is over.
struct SessionSign {
  var key: Observation.Key
  var event: EventReading
  /// The record's time, or the event's own where the device's clock is believed.
  var at: Moment
  /// When the session began, where the message says so: by itself, by how long it lasted, or because it begins with it.
  var start: Moment?
  /// When it ended, where the message says that it did.
  var end: Moment?
  /// `start` comes from a time or duration in the message.
  var isStartStated = false
  var clockIsDevice: Bool
  var difference: Int?
  var site: [UInt8] = []
  var source: [UInt8]?
  /// The event as it stands in the record.
  var json: [UInt8] = []
  /// The device began another session under the number of this one: it was over by then, whatever is missing.
  var overBy: Moment?

  init(_ event: EventReading, of record: RecordReading, at position: RecordPosition = RecordPosition(raw: 0)) {
    self.event = event
    let times = SessionTimes(event, of: record)
    at = times.at
    start = times.start
    end = times.end
    isStartStated = times.isStartStated
    clockIsDevice = event.believesDevice(record.via) && event.time != nil
    difference = event.time.map { Int((Moment($0).microseconds - record.time.microseconds) / 1000) }
    key = Observation.Key(time: at, position: position, number: event.number)
    site = record.site ?? Array(RecordLine.defaultSite.utf8)
    source = record.source
  }

  /// Messages with the same are about one session, or about several one after another.
  struct Tuple: Hashable {
    var site: [UInt8]
    var proto: [UInt8]?
    var src: Endpoint
    var nat: Endpoint
    var dst: Endpoint
  }

  var tuple: Tuple { Tuple(site: site, proto: event.proto, src: event.src, nat: event.nat, dst: event.dst) }
}

/// A session, put together from what one or several messages say of it.
struct Session {
  var signs: [SessionSign]
  var start: Moment
  /// Whether it is known when it began.
  var isStartKnown: Bool
  /// The latest moment at which it surely still was.
  var last: Moment
  /// nil where no message says that it ended.
  var end: Moment?
  /// Where the same ends meet in a new session, or the device uses its number again, without a word that this one is over.
  var isSuperseded = false

  /// How long after the last word of it a session may still last. Firewalls that log only beginnings say no more.
  static let maximum = 24 * 3600 * Timestamp.second
  /// Messages about one moment from several witnesses, or delayed, lie so near together.
  static let near = 5 * Timestamp.second

  private init(_ sign: SessionSign) {
    signs = [sign]
    start = sign.start ?? sign.end ?? sign.at
    isStartKnown = sign.start != nil
    last = sign.end ?? sign.at
    end = sign.end
  }

  var possibleUntil: Moment { end ?? last.adding(Self.maximum) }

  /// Sessions of what was read, whatever its order. A refused one is none.
  static func assemble(_ signs: [SessionSign]) -> [Session] {
    var groups: [SessionSign.Tuple: [SessionSign]] = [:]
    for sign in signs where sign.event.sessionAction != .deny { groups[sign.tuple, default: []].append(sign) }
    var found: [Session] = []
    for group in groups.values {
      var current: Session?
      for sign in group.sorted(by: { $0.key < $1.key }) {
        if var session = current, session.takes(sign) {
          session.add(sign)
          current = session
          continue
        }
        if var over = current {
          if over.end == nil {
            over.end = max(over.last, min(sign.start ?? sign.at, over.possibleUntil))
            over.isSuperseded = true
          }
          found.append(over)
        }
        current = Session(sign)
      }
      if let current { found.append(current) }
    }
    for i in found.indices where found[i].end == nil {
      guard let over = found[i].signs.compactMap(\.overBy).max(), over >= found[i].last else { continue }
      found[i].end = min(over, found[i].possibleUntil)
      found[i].isSuperseded = true
    }
    return found.sorted { ($0.start, $0.signs[0].key) < ($1.start, $1.signs[0].key) }
  }

  /// Whether a later message is about this session.
  private func takes(_ sign: SessionSign) -> Bool {
    let at = sign.at.microseconds
    if let end {
      // Another witness of the end.
      guard sign.end != nil, at - end.microseconds <= Self.near else { return false }
      guard sign.isStartStated, let begin = sign.start else { return true }
      return begin.microseconds <= end.microseconds && (!isStartKnown || abs(begin.microseconds - start.microseconds) <= Self.near)
    }
    guard at <= possibleUntil.microseconds || sign.isStartStated else { return false }
    if sign.isStartStated, let begin = sign.start {
      return !isStartKnown || begin.microseconds <= start.microseconds + Self.near
    }
    // A second beginning is another session, unless it is another witness of the first.
    if sign.start != nil { return at - start.microseconds <= Self.near && signs.allSatisfy { $0.source != sign.source } }
    return true
  }

  private mutating func add(_ sign: SessionSign) {
    signs.append(sign)
    if let begin = sign.start, sign.isStartStated || !isStartKnown {
      // The message that began it says when more exactly than a duration in whole seconds.
      if !isStartKnown || begin < start.adding(-Self.near) { start = begin }
      isStartKnown = true
    }
    last = max(last, sign.end ?? sign.at)
    if let theirs = sign.end { end = max(end ?? theirs, theirs) }
  }

  /// How sure it is that it lasted at that time; nil where it did not, not even `window` microseconds off.
  func certainty(at time: Moment, window: Int64) -> Certainty? {
    let t = time.microseconds
    guard start.microseconds &- window <= t, t <= possibleUntil.microseconds &+ window else { return nil }
    let isInside = start.microseconds <= t && t <= (end ?? last).microseconds
    if isInside { return !isStartKnown ? .likely : isSuperseded && t > last.microseconds ? .possible : .confirmed }
    if t > last.microseconds, end == nil { return t <= last.microseconds &+ window ? .likely : .possible }
    return .likely
  }
}
