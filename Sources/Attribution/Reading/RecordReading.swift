import Archive
internal import CLinux
import Record

/// What a record's line has for the index, read without making values of the rest.
struct RecordReading {
  var time: Moment
  var via: Via
  var source: [UInt8]?
  var site: [UInt8]?
  /// Where `from` stands in the line.
  private var from = 0..<0
  /// `lease`, `binding` and `login` events.
  var facts: [EventReading] = []
  /// `session` events: they are looked up in the archive's blocks, only port blocks are kept in the index.
  var sessions: [EventReading] = []
  /// What the collector says about itself, read by `StrictJSON`.
  var notices: [Event] = []

  /// Whether a line can matter: whether it has an event that is not a NAT session, or one that gives out or takes back
  /// ports. Made of a few byte searches, since most records are sessions or nothing.
  static func matters(_ line: Span<UInt8>) -> Bool {
    guard let events = find(",\"events\":[", in: line, from: 0) else { return false }
    if find("\"allocate\"", in: line, from: events) != nil || find("\"free\"", in: line, from: events) != nil
      || find("\"nat_port_last\"", in: line, from: events) != nil
    {
      return true
    }
    var at = events
    var any = false
    while let kind = find("\"kind\":\"", in: line, from: at) {
      if !line.starts(with: "session\"", at: kind + 8) { return true }
      any = true
      at = kind + 16
    }
    // Events whose members stand in an order that we do not write are looked at closely.
    return !any
  }

  /// Whether there is something for the SQLite file.
  var matters: Bool { !facts.isEmpty || !notices.isEmpty || sessions.contains { $0.isPortBlock } }

  /// Whether a line has that text in it.
  static func holds(_ text: [UInt8], _ line: Span<UInt8>) -> Bool {
    line.withUnsafeBytes { line in text.withUnsafeBytes { linux_find(line.baseAddress, line.count, $0.baseAddress, $0.count) } } >= 0
  }

  /// Whether a line has any event.
  static func hasEvents(_ line: Span<UInt8>) -> Bool { find(",\"events\":[", in: line, from: 0) != nil }

  private static func find(_ text: StaticString, in line: Span<UInt8>, from start: Int) -> Int? {
    guard start < line.count else { return nil }
    let place = line.extracting(start..<line.count).withUnsafeBytes { bytes in
      linux_find(bytes.baseAddress, bytes.count, text.utf8Start, text.utf8CodeUnitCount)
    }
    return place < 0 ? nil : start + place
  }

  /// The address in `from`, without the port; an interface or path as it stands there. nil where there is none.
  func sender(in line: Span<UInt8>) -> [UInt8]? {
    guard !from.isEmpty, from.upperBound <= line.count else { return nil }
    let text = line.extracting(from).array
    guard via == .udp || via == .tcp || via == .tls, let colon = text.lastIndex(of: 0x3a) else { return text }
    return Array(text[..<colon])
  }

  /// What the writer knows of a record, without its events.
  init(time: Moment, sender: RecordFeed.Sender) {
    self.time = time
    via = sender.via
    source = sender.source
    site = sender.site
  }

  /// - Throws: where the line is no record.
  init(_ line: Span<UInt8>) throws(Malformed) {
    var time: Timestamp?
    var via: Via?
    /// Where the list begins.
    var events: Int?
    var members = try ObjectScanner(line, at: 0)
    while true {
      // The message is most of a line, and in its text a quotation mark never stands without a backslash.
      members.skip(",\"raw", to: ",\"events\":[")
      // The last member of a record (design section 3).
      if time != nil, via != nil, line.starts(with: ",\"events\":[", at: members.place) {
        events = members.place + 10
        break
      }
      guard let (name, value) = try members.member() else { break }
      let key = line.extracting(name)
      if key.equals("time") {
        time = RecordTime.parse(line.extracting(value.range))
      } else if key.equals("via") {
        via = Via(line.extracting(value.range))
      } else if key.equals("source") {
        source = value.text(in: line)
      } else if key.equals("site") {
        site = value.text(in: line)
      } else if key.equals("from") {
        from = value.range
      } else if key.equals("events"), value.kind == .array {
        events = value.range.lowerBound
      }
    }
    guard let time else { throw Malformed(offset: 0, field: "time") }
    guard let via else { throw Malformed(offset: 0, field: "via") }
    self.time = Moment(time)
    self.via = via
    guard let events else { return }
    var list = try ObjectScanner(line, at: events, array: true)
    var number = 0
    while true {
      guard list.beginsObject() else {
        guard try list.element() != nil else { break }
        number += 1
        continue
      }
      let reading = try EventReading(line, at: list.place, number: number)
      list.go(to: reading.range.upperBound)
      number += 1
      switch reading.kind {
      case .lease, .binding, .login: facts.append(reading)
      case .notice:
        if let notice = Event(try StrictJSON.object(line.extracting(reading.range))) { notices.append(notice) }
      case .session: sessions.append(reading)
      case nil: break
      }
    }
  }
}

extension Via {
  /// Whether the times in its records count for themselves (design section 12.20).
  var believesDevice: Bool { self == .file || self == .import || self == .pcap }

  fileprivate init?(_ text: Span<UInt8>) {
    if text.equals("udp") { self = .udp } else { self.init(rawValue: text.string) }
  }
}

extension Observation.Action {
  /// The actions of events that say something: a NAK does not.
  fileprivate init?(_ text: Span<UInt8>) {
    if text.equals("assign") || text.equals("renew") {
      self = .acknowledged
    } else if text.equals("release") {
      self = .released
    } else if text.equals("expire") {
      self = .expired
    } else if text.equals("decline") {
      self = .declined
    } else if text.equals("start") {
      self = .loginStart
    } else if text.equals("update") {
      self = .loginUpdate
    } else if text.equals("stop") {
      self = .loginStop
    } else {
      return nil
    }
  }
}

/// The fields of an event that the index keeps.
struct EventReading {
  var kind: EventKind?
  /// Which of the record's events.
  var number: Int
  /// Where it stands in the line.
  var range = 0..<0
  /// Of a lease or login; nil where the index has no use for it.
  var action: Observation.Action?
  var ip: IPAddress?
  var prefix: IPPrefix?
  var mac: MACAddress?
  var leaseSeconds: Int?
  var leaseUntil: Timestamp?
  var leaseIsConfigured = false
  var isDeclared = false
  var outerIP: IPAddress?
  var clockIsDevice = false
  /// Of a `session`; nil where the log does not say what happened.
  var sessionAction: SessionAction?
  var proto: [UInt8]?
  var src = Endpoint()
  var nat = Endpoint()
  /// The last port of a block that begins with `nat.port`.
  var natPortLast: Int?
  var dst = Endpoint()
  /// Seconds.
  var duration: Int?
  var start: Timestamp?
  var end: Timestamp?
  var time: Timestamp?

  /// What it says in words, where it does: apart, so that a reading can be moved about at the cost of one reference.
  private var texts: Texts?

  var macSource: [UInt8]? { texts?.macSource }
  var duid: [UInt8]? { texts?.duid }
  var clientID: [UInt8]? { texts?.clientID }
  var hostname: [UInt8]? { texts?.hostname }
  var relay: [UInt8]? { texts?.relay }
  var circuitID: [UInt8]? { texts?.circuitID }
  /// Of a declared address; what is received belongs to its record's site.
  var site: [UInt8]? { texts?.site }
  var user: [UInt8]? { texts?.user }
  var phone: [UInt8]? { texts?.phone }
  var method: [UInt8]? { texts?.method }
  var session: [UInt8]? { texts?.session }
  var nas: [UInt8]? { texts?.nas }

  /// Does not change once its event was read.
  private final class Texts {
    var macSource: [UInt8]?
    var duid: [UInt8]?
    var clientID: [UInt8]?
    var hostname: [UInt8]?
    var relay: [UInt8]?
    var circuitID: [UInt8]?
    var site: [UInt8]?
    var user: [UInt8]?
    var phone: [UInt8]?
    var method: [UInt8]?
    var session: [UInt8]?
    var nas: [UInt8]?
  }

  /// Words that stand in most events, so that no memory is asked for.
  private enum Words {
    static let protocols = [Array("tcp".utf8), Array("udp".utf8), Array("icmp".utf8)]
    static let macSources = [Array("log".utf8), Array("chaddr".utf8), Array("duid".utf8), Array("option79".utf8)]

    static func word(_ value: ObjectScanner.Value, _ line: Span<UInt8>, of known: [[UInt8]]) -> [UInt8]? {
      if value.kind == .string, let word = word(line.extracting(value.range), of: known) { return word }
      return value.text(in: line)
    }

    static func word(_ text: Span<UInt8>, of known: [[UInt8]]) -> [UInt8]? {
      for word in known where word.span.equals(text) { return word }
      return nil
    }
  }

  init(_ line: Span<UInt8>, at start: Int, number: Int) throws(Malformed) {
    self.number = number
    var members = try ObjectScanner(line, at: start)
    while let (name, value) = try members.member() { take(line.extracting(name), value, line) }
    range = start..<members.place + 1
  }

  private mutating func take(kind text: Span<UInt8>) {
    if text.equals("lease") {
      kind = .lease
    } else if text.equals("binding") {
      kind = .binding
    } else if text.equals("login") {
      kind = .login
    } else if text.equals("notice") {
      kind = .notice
    } else if text.equals("session") {
      kind = .session
    }
  }

  /// Reads an event that the writer gathered, as `init` does one in a record.
  init(_ event: PlainEvent, of fed: borrowing FedRecords) {
    number = event.number
    let text = fed.text.span.extracting(event.text)
    for i in event.fields { take(fed.fields[i], text) }
  }

  private mutating func take(_ field: PlainEvent.Field, _ text: Span<UInt8>) {
    switch field.name {
    case .kind: take(kind: field.bytes(in: text))
    case .action:
      action = Observation.Action(field.bytes(in: text))
      sessionAction = SessionAction(field.bytes(in: text))
    case .ip: ip = field.ip
    case .mac: mac = field.mac
    case .macSource: words.macSource = Words.word(field.bytes(in: text), of: Words.macSources) ?? field.text(in: text)
    case .duid: words.duid = field.text(in: text)
    case .clientID: words.clientID = field.text(in: text)
    case .hostname: words.hostname = field.text(in: text)
    case .leaseSeconds: leaseSeconds = field.integer
    case .leaseUntil: leaseUntil = field.time
    case .leaseFrom: leaseIsConfigured = field.bytes(in: text).equals("configuration")
    case .relay: words.relay = field.text(in: text)
    case .circuitID: words.circuitID = field.text(in: text)
    case .basis: isDeclared = field.bytes(in: text).equals("declared")
    case .user: words.user = field.text(in: text)
    case .phone: words.phone = field.text(in: text)
    case .outerIP: outerIP = field.ip
    case .method: words.method = field.text(in: text)
    case .sessionID: words.session = field.text(in: text)
    case .nas: words.nas = field.text(in: text)
    case .start: start = field.time
    case .clock: clockIsDevice = field.bytes(in: text).equals("device")
    case .time: time = field.time
    default: break
    }
  }

  /// Made when the first is read.
  private var words: Texts {
    mutating get {
      if let texts { return texts }
      let made = Texts()
      texts = made
      return made
    }
  }

  private mutating func take(_ key: Span<UInt8>, _ value: ObjectScanner.Value, _ line: Span<UInt8>) {
    let text = line.extracting(value.range)
    switch key.count {
    case 2: if key.equals("ip") { ip = IPAddress(text: text) }
    case 3:
      if key.equals("mac") {
        mac = MACAddress(text: text)
      } else if key.equals("nas") {
        words.nas = value.text(in: line)
      } else if key.equals("end") {
        end = Timestamp(rfc3339: text)
      }
    case 4:
      if key.equals("kind") {
        take(kind: text)
      } else if key.equals("time") {
        time = Timestamp(rfc3339: text)
      } else if key.equals("duid") {
        words.duid = value.text(in: line)
      } else if key.equals("user") {
        words.user = value.text(in: line)
      } else if key.equals("site") {
        words.site = value.text(in: line)
      }
    case 5:
      if key.equals("relay") {
        words.relay = value.text(in: line)
      } else if key.equals("clock") {
        clockIsDevice = text.equals("device")
      } else if key.equals("basis") {
        isDeclared = text.equals("declared")
      } else if key.equals("phone") {
        words.phone = value.text(in: line)
      } else if key.equals("start") {
        start = Timestamp(rfc3339: text)
      }
    case 6:
      if key.equals("action") {
        action = Observation.Action(text)
        sessionAction = SessionAction(text)
      } else if key.equals("src_ip") {
        src.ip = IPAddress(text: text)
      } else if key.equals("nat_ip") {
        nat.ip = IPAddress(text: text)
      } else if key.equals("dst_ip") {
        dst.ip = IPAddress(text: text)
      } else if key.equals("prefix") {
        prefix = IPPrefix(text: text)
      } else if key.equals("method") {
        words.method = value.text(in: line)
      }
    case 8:
      if key.equals("src_port") {
        src.port = Endpoint.port(value.integer(in: line))
      } else if key.equals("nat_port") {
        nat.port = Endpoint.port(value.integer(in: line))
      } else if key.equals("dst_port") {
        dst.port = Endpoint.port(value.integer(in: line))
      } else if key.equals("protocol") {
        proto = Words.word(value, line, of: Words.protocols)
      } else if key.equals("duration") {
        duration = value.integer(in: line)
      } else if key.equals("hostname") {
        words.hostname = value.text(in: line)
      } else if key.equals("outer_ip") {
        outerIP = IPAddress(text: text)
      }
    case 9: if key.equals("client_id") { words.clientID = value.text(in: line) }
    case 10:
      if key.equals("mac_source") {
        words.macSource = Words.word(value, line, of: Words.macSources)
      } else if key.equals("circuit_id") {
        words.circuitID = value.text(in: line)
      } else if key.equals("lease_from") {
        leaseIsConfigured = text.equals("configuration")
      } else if key.equals("session_id") {
        words.session = value.text(in: line)
      }
    case 11: if key.equals("lease_until") { leaseUntil = Timestamp(rfc3339: text) }
    case 13:
      if key.equals("lease_seconds") {
        leaseSeconds = value.integer(in: line)
      } else if key.equals("nat_port_last") {
        natPortLast = Endpoint.port(value.integer(in: line))
      }
    default: break
    }
  }
}

extension EventReading {
  /// Whether the event's own time counts. Files, imports and captures are read long after: only that time says when it
  /// happened (design section 12.20).
  func believesDevice(_ via: Via) -> Bool { clockIsDevice || via.believesDevice }

  /// What it says of its `address`; nil where the index has no use for it.
  func observation(of record: RecordReading, at position: RecordPosition, bindingTimeout: Int, list: Int) -> Observation? {
    let action: Observation.Action
    switch (kind, self.action) {
    case (.lease?, let known?) where known.kind == .lease: action = known
    case (.login?, let known?) where known.kind == .login: action = known
    case (.binding?, _): action = isDeclared ? .declared : .seen
    default: return nil
    }
    let ownClock = believesDevice(record.via)
    let claimed = time.map(Moment.init)
    let believed = action == .declared ? (time ?? start).map(Moment.init) ?? record.time : ownClock ? claimed ?? record.time : record.time
    var o = Observation(key: .init(time: believed, position: position, number: number), action: action)
    o.clockIsDevice = ownClock && claimed != nil && action != .declared
    if let claimed, action != .declared { o.difference = Int((claimed.microseconds - record.time.microseconds) / 1000) }
    switch action {
    case .acknowledged:
      o.seconds = leaseSeconds.map { min(max($0, 0), Interval.endlessSeconds) }
      o.secondsAreConfigured = leaseIsConfigured && o.seconds != nil
      o.until = leaseUntil.map(Moment.init)
    case .seen: o.seconds = bindingTimeout
    case .declared:
      // A list that was imported stands for itself: the configuration's later lists do not end it.
      o.seconds = record.via == .import ? Observation.importedList : list
      o.until = record.time
    default: break
    }
    if let macSource, macSource.span.equals("duid") { o.identity.macInDUID = mac } else { o.identity.mac = mac }
    o.identity.macSource = mac == nil ? nil : macSource
    o.identity.duid = duid
    o.identity.clientID = clientID
    // An address seen with nobody says nothing.
    if o.identity.isEmpty, action == .seen || action == .declared { return nil }
    o.detail = Detail(
      hostname: hostname, relay: relay, circuitID: circuitID, source: record.source, user: user, phone: phone, method: method,
      session: session, nas: nas, outerIP: outerIP)
    return o
  }

  /// The address or prefix that it is about, or what stands in its place.
  var address: (ip: IPAddress, length: Int)? {
    if let ip { return (ip, 128) }
    if kind == .login { return LoginPlace.of(self).map { ($0.value, $0.length) } }
    guard let prefix else { return nil }
    return (prefix.address, prefix.address.isV4 ? prefix.length + 96 : prefix.length)
  }
}
