import Record

/// The lease files of ISC dhcpd, IPv4 and IPv6 (dhcpd.leases(5)): a block for every change of a lease. Times are UTC.
///
///     lease 10.20.3.57 {
///       starts 5 2026/11/20 07:15:02;
///       ends 5 2026/11/20 08:15:02;
///       binding state active;
///       hardware ethernet 3c:52:82:1a:7f:09;
///       client-hostname "BIM-PC";
///     }
///     ia-na "\002\000\000\000\000\001\000\001…" {
///       cltt 5 2026/11/20 07:15:02;
///       iaaddr 2001:db8::1a5 { binding state active; max-life 3600; ends …; }
///     }
///
/// The text behind `ia-na` is the IAID, four bytes in the order that `authoring-byte-order` says, and the DUID.
public struct ISCLeases: Sendable {
  private enum ByteOrder: Sendable { case little, big }
  private var order: ByteOrder?
  /// Bytes of words and strings looked at in the latest entry, for tests.
  private(set) var steps = 0

  public init() {}

  /// Whether a line begins something that only stands in these files.
  static func begins(_ line: Span<UInt8>) -> Bool {
    if line.starts(with: "# The format of this file is documented in the dhcpd.leases") { return true }
    if line.starts(with: "authoring-byte-order ") || line.starts(with: "server-duid \"") || line.starts(with: "failover peer \"") {
      return true
    }
    if line.starts(with: "ia-na \"") || line.starts(with: "ia-ta \"") || line.starts(with: "ia-pd \"") { return true }
    guard line.starts(with: "lease "), let brace = line.firstIndex(of: 0x7b) else { return false }
    return IPAddress(text: line.extracting(6..<brace).trimmed()) != nil
  }

  mutating func read(
    _ entry: Span<UInt8>, charset: Charset, source: borrowing SourceReading, into events: inout EventList
  ) -> EntryOutcome {
    var tokens = Tokens(entry)
    defer { steps = tokens.steps }
    guard let first = tokens.next() else { return .nothing }
    let word = tokens.bytes(first)
    if word.equals("lease") { return lease(&tokens, charset, source, &events) }
    if word.equals("ia-na") || word.equals("ia-ta") { return association(&tokens, isPrefix: false, charset, source, &events) }
    if word.equals("ia-pd") { return association(&tokens, isPrefix: true, charset, source, &events) }
    if word.equals("authoring-byte-order"), let value = tokens.next() {
      order = tokens.bytes(value).equals("little-endian") ? .little : tokens.bytes(value).equals("big-endian") ? .big : nil
    }
    // Declarations that omshell made, the failover state, the server's own DUID.
    for other in ["server-duid", "authoring-byte-order", "failover", "host", "group", "class", "subclass", "option"] as [StaticString]
    where word.equals(other) { return .nothing }
    return .notUnderstood
  }

  // MARK: - lease

  private struct Lease {
    var starts: Int64?
    var ends: Int64?
    var endsNever = false
    /// nil: none is written, as before dhcpd 3.0.
    var isActive: Bool?
    var mac: MACAddress?
    var clientID: [UInt8]?
    var hostname: [UInt8] = []
    var vendorClass: [UInt8] = []
    var circuitID: [UInt8] = []
    var remoteID: [UInt8] = []
    var cltt: Int64?
    var life: Int?
  }

  private func lease(
    _ tokens: inout Tokens, _ charset: Charset, _ source: borrowing SourceReading, _ events: inout EventList
  ) -> EntryOutcome {
    guard let address = tokens.next(), let ip = IPAddress(text: tokens.bytes(address)), let lease = block(&tokens), tokens.next() == nil
    else {
      return .notUnderstood
    }
    guard lease.isActive ?? true else { return .nothing }
    guard lease.mac != nil || lease.clientID != nil, let starts = lease.starts else { return .notUnderstood }
    events.begin(.lease, action: "assign")
    events.set(.ip, ip)
    if let mac = lease.mac { events.set(.mac, mac) }
    if let id = lease.clientID { events.set(.clientID, hex: id.span) }
    set(lease, charset, &events)
    if lease.endsNever {
      events.set(.leaseSeconds, Self.endless)
      events.set(.leaseFrom, word: "log")
    } else if let ends = lease.ends, ends >= starts {
      events.set(.leaseSeconds, Int(min(ends - starts, Int64(Self.endless))))
      events.set(.leaseFrom, word: "log")
    }
    events.set(.time, seconds: starts, in: source.zone)
    events.close("isc-leases/1", source)
    return .events
  }

  /// All ones (RFC 2131 section 3.3).
  private static let endless = 0xffff_ffff

  private func set(_ lease: Lease, _ charset: Charset, _ events: inout EventList) {
    events.set(.hostname, name: lease.hostname.span, charset)
    events.set(.vendorClass, name: lease.vendorClass.span, charset)
    if !lease.circuitID.isEmpty { events.set(.circuitID, hex: lease.circuitID.span) }
    if !lease.remoteID.isEmpty { events.set(.remoteID, hex: lease.remoteID.span) }
  }

  // MARK: - ia-na, ia-ta, ia-pd

  private func association(
    _ tokens: inout Tokens, isPrefix: Bool, _ charset: Charset, _ source: borrowing SourceReading, _ events: inout EventList
  ) -> EntryOutcome {
    guard let id = tokens.next(), id.kind == .string, let open = tokens.next(), tokens.bytes(open).equals("{") else {
      return .notUnderstood
    }
    let identity = tokens.bytes(id).unescaped
    // RFC 8415 section 11.1: a DUID has at most 130 bytes.
    guard identity.count > 6, identity.count <= 4 + 130 else { return .notUnderstood }
    var cltt: Int64?
    let before = events.count
    while let token = tokens.next() {
      let word = tokens.bytes(token)
      if word.equals("}") {
        if tokens.next() != nil { break }
        return events.count > before ? .events : .nothing
      }
      if word.equals("cltt") {
        guard let time = time(&tokens) else { break }
        cltt = time
      } else if word.equals("iaaddr") || word.equals("iaprefix") {
        guard let address = tokens.next(), let lease = block(&tokens), word.equals("iaprefix") == isPrefix else { break }
        guard lease.isActive == true else { continue }
        guard events.count < EventList.maximumEvents,
          add(tokens.bytes(address), lease, identity, cltt, isPrefix, charset, source, &events)
        else { break }
      } else if !tokens.skipStatement() {
        break
      }
    }
    while events.count > before { events.cancel() }
    return .notUnderstood
  }

  private func add(
    _ address: Span<UInt8>, _ lease: Lease, _ identity: [UInt8], _ cltt: Int64?, _ isPrefix: Bool, _ charset: Charset,
    _ source: borrowing SourceReading, _ events: inout EventList
  ) -> Bool {
    // Behind `cltt` a renewal is written with a new end; without it the end says when it was.
    guard let begin = cltt ?? lease.cltt ?? lease.ends.flatMap({ ends in lease.life.map { ends - Int64($0) } }) else { return false }
    let ip = isPrefix ? nil : IPAddress(text: address)
    let prefix = isPrefix ? IPPrefix(text: address) : nil
    guard ip != nil || prefix != nil else { return false }
    events.begin(.lease, action: "assign")
    if let ip { events.set(.ip, ip) }
    if let prefix { events.set(.prefix, prefix) }
    events.set(.duid, hex: identity.span.extracting(4..<identity.count))
    if let order {
      let four = identity[0..<4].map { Int($0) }
      let value = order == .big ? four : four.reversed()
      events.set(.iaid, value[0] << 24 | value[1] << 16 | value[2] << 8 | value[3])
    }
    set(lease, charset, &events)
    if let life = lease.life {
      events.set(.leaseSeconds, life)
      events.set(.leaseFrom, word: "log")
    }
    events.set(.time, seconds: begin, in: source.zone)
    events.close("isc-leases/1", source)
    return true
  }

  // MARK: - What stands in a block

  /// `{ … }`. nil where it is not understood.
  private func block(_ tokens: inout Tokens) -> Lease? {
    guard let open = tokens.next(), tokens.bytes(open).equals("{") else { return nil }
    var lease = Lease()
    while let token = tokens.next() {
      let word = tokens.bytes(token)
      if word.equals("}") { return lease }
      guard statement(word, &tokens, &lease) else { return nil }
    }
    return nil
  }

  private func statement(_ word: Span<UInt8>, _ tokens: inout Tokens, _ lease: inout Lease) -> Bool {
    if word.equals("starts") {
      lease.starts = time(&tokens)
      return lease.starts != nil
    }
    if word.equals("cltt") {
      lease.cltt = time(&tokens)
      return lease.cltt != nil
    }
    if word.equals("ends") {
      if tokens.take("never") {
        lease.endsNever = true
        return tokens.take(";")
      }
      lease.ends = time(&tokens)
      return lease.ends != nil
    }
    if word.equals("binding") {
      guard tokens.take("state"), let state = tokens.next() else { return false }
      let name = tokens.bytes(state)
      lease.isActive = name.equals("active") || name.equals("bootp")
      if name.equals("bootp") { lease.endsNever = true }
      return tokens.take(";")
    }
    if word.equals("abandoned") {
      lease.isActive = false
      return tokens.take(";")
    }
    if word.equals("max-life") {
      guard let life = tokens.next(), let value = tokens.bytes(life).decimal, value <= Self.endless else { return false }
      lease.life = value
      return tokens.take(";")
    }
    if word.equals("hardware") {
      guard let kind = tokens.next(), let address = tokens.next() else { return false }
      // Of other networks the address is none that could be found elsewhere.
      if tokens.bytes(kind).equals("ethernet") {
        guard let mac = MACAddress(text: tokens.bytes(address)) else { return false }
        lease.mac = mac
      }
      return tokens.take(";")
    }
    if word.equals("uid") {
      lease.clientID = data(&tokens)
      return lease.clientID != nil
    }
    if word.equals("client-hostname") {
      guard let name = data(&tokens) else { return false }
      lease.hostname = name
      return true
    }
    if word.equals("set") {
      guard tokens.take("vendor-class-identifier") else { return tokens.skipStatement() }
      guard tokens.take("="), let value = data(&tokens) else { return false }
      lease.vendorClass = value
      return true
    }
    if word.equals("option") {
      guard let name = tokens.next() else { return false }
      let isCircuit = tokens.bytes(name).equals("agent.circuit-id")
      guard isCircuit || tokens.bytes(name).equals("agent.remote-id") else { return tokens.skipStatement() }
      guard let value = data(&tokens) else { return false }
      if isCircuit { lease.circuitID = value } else { lease.remoteID = value }
      return true
    }
    return word.equals(";") || tokens.skipStatement()
  }

  /// A string, or bytes in hexadecimal with colons, and the semicolon.
  private func data(_ tokens: inout Tokens) -> [UInt8]? {
    guard let token = tokens.next() else { return nil }
    var value: [UInt8] = []
    if token.kind == .string {
      value = tokens.bytes(token).unescaped
    } else {
      let text = tokens.bytes(token)
      var parts = Fields(text, separator: 0x3a)
      while let part = parts.next() {
        guard part.count == 1 || part.count == 2, value.count < 1024 else { return nil }
        var byte: UInt8 = 0
        for i in part.indices {
          guard let digit = part[i].hexValue else { return nil }
          byte = byte << 4 | digit
        }
        value.append(byte)
      }
    }
    return tokens.take(";") ? value : nil
  }

  /// `5 2026/11/20 07:15:02;`, with an offset in seconds where one is written, or `epoch 1795158902;`. Seconds since 1970.
  private func time(_ tokens: inout Tokens) -> Int64? {
    guard let first = tokens.next() else { return nil }
    if tokens.bytes(first).equals("epoch") {
      guard let value = tokens.next(), let seconds = tokens.bytes(value).unixSeconds, tokens.take(";") else { return nil }
      return seconds
    }
    guard let date = tokens.next(), let clock = tokens.next() else { return nil }
    var parts = Fields(tokens.bytes(date), separator: 0x2f)
    guard let year = parts.next()?.decimal, let month = parts.next()?.decimal, let dayOfMonth = parts.next()?.decimal, parts.next() == nil,
      let day = CalendarDay(year: year, month: month, day: dayOfMonth)
    else { return nil }
    var hms = Fields(tokens.bytes(clock), separator: 0x3a)
    guard let hours = hms.next()?.decimal, let minutes = hms.next()?.decimal, let seconds = hms.next()?.decimal, hms.next() == nil,
      hours < 24, minutes < 60, seconds <= 60, (1970...9998).contains(year)
    else { return nil }
    var time = Int64(day.number) * 86_400 + Int64(hours * 3600 + minutes * 60 + seconds)
    guard let next = tokens.next() else { return nil }
    if tokens.bytes(next).equals(";") { return time }
    // "-10800": local time less UTC.
    let offset = tokens.bytes(next)
    let isNegative = offset.count > 1 && offset[0] == 0x2d
    guard let value = offset.extracting((isNegative ? 1 : 0)..<offset.count).decimal, value <= 86_400, tokens.take(";") else { return nil }
    time -= Int64(isNegative ? -value : value)
    return time
  }
}

/// Words, strings and signs of a lease file; comments are passed over.
private struct Tokens: ~Escapable {
  struct Token {
    enum Kind { case word, string, sign }
    var kind: Kind
    /// The inside of a string.
    var range: Range<Int>
  }

  private let text: Span<UInt8>
  private var at = 0
  private(set) var steps = 0

  @_lifetime(copy text)
  init(_ text: Span<UInt8>) { self.text = text }

  @_lifetime(copy self)
  func bytes(_ token: Token) -> Span<UInt8> { text.extracting(token.range) }

  mutating func next() -> Token? {
    let before = at
    defer { steps += at - before + 1 }
    while at < text.count {
      let byte = text[at]
      if byte.isBlank || byte == 0x0a || byte == 0x0d {
        at += 1
      } else if byte == 0x23 {
        at = text.firstIndex(of: 0x0a, from: at) ?? text.count
      } else {
        break
      }
    }
    guard at < text.count else { return nil }
    let start = at
    switch text[at] {
    case 0x22:
      at += 1
      while at < text.count, text[at] != 0x22 { at += text[at] == 0x5c ? 2 : 1 }
      let end = min(at, text.count)
      at = min(end + 1, text.count)
      return Token(kind: .string, range: start + 1..<end)
    case 0x7b, 0x7d, 0x3b, 0x3d:
      at += 1
      return Token(kind: .sign, range: start..<at)
    default:
      while at < text.count, !isEnd(text[at]) { at += 1 }
      return Token(kind: .word, range: start..<at)
    }
  }

  private func isEnd(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x20, 0x09, 0x0a, 0x0d, 0x22, 0x23, 0x3b, 0x3d, 0x7b, 0x7d: true
    default: false
    }
  }

  /// Takes the next token if it is that one.
  mutating func take(_ wanted: StaticString) -> Bool {
    let before = at
    if let token = next(), token.kind != .string, bytes(token).equals(wanted) { return true }
    at = before
    return false
  }

  /// Passes over the rest of a statement: to its semicolon, or over its block.
  mutating func skipStatement() -> Bool {
    var depth = 0
    while let token = next() {
      guard token.kind == .sign else { continue }
      let sign = bytes(token)
      if sign.equals("{") {
        depth += 1
      } else if sign.equals("}") {
        depth -= 1
        if depth < 0 { return false }
        if depth == 0 { return true }
      } else if sign.equals(";"), depth == 0 {
        return true
      }
    }
    return false
  }
}
