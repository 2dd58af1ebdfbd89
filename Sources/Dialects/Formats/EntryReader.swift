public import Record

/// What became of an entry.
public enum EntryOutcome: Sendable, Equatable {
  /// It gave events.
  case events
  /// It is understood and means nothing: a title, a comment, a lease that is no longer active.
  case nothing
  case notUnderstood
}

/// Reads the entries of one file, in their order.
///
/// What it makes of an entry depends on the entry alone, but for what ISC's file says of itself in its first lines.
public enum EntryReader: Sendable {
  case isc(ISCLeases)
  case kea, dnsmasq, detail, declared

  /// - Parameters:
  ///   - entry: its bytes, whole: of one that was cut nothing is read.
  ///   - charset: of names in it that are not UTF-8.
  ///   - events: emptied by the caller.
  public mutating func read(
    _ entry: Span<UInt8>, charset: Charset, source: borrowing SourceReading, into events: inout EventList
  ) -> EntryOutcome {
    switch self {
    case .isc(var reader):
      defer { self = .isc(reader) }
      return reader.read(entry, charset: charset, source: source, into: &events)
    case .kea: return KeaLeases.read(entry, charset: charset, source: source, into: &events)
    case .dnsmasq: return DnsmasqLeases.read(entry, charset: charset, source: source, into: &events)
    case .detail: return RADIUSDetail.read(entry, charset: charset, source: source, into: &events)
    case .declared: return DeclaredAddresses.read(entry, charset: charset, source: source, into: &events)
    }
  }
}

extension EventList {
  /// A name as the device gave it; bytes that are not UTF-8 are read by the charset. An empty one is none.
  mutating func set(_ field: EventField, name bytes: Span<UInt8>, _ charset: Charset) {
    guard bytes.count > 0 else { return }
    if bytes.isUTF8 { return set(field, text: bytes) }
    var text: [UInt8] = []
    charset.decode(bytes, into: &text)
    set(field, text: text.span)
  }

  /// What all events of files have: the server is the source, the clock is the server's.
  mutating func close(_ dialect: StaticString, _ source: borrowing SourceReading) {
    if let name = source.name {
      let text = name.span
      if !has(.server) { set(.server, text: text) }
    }
    if source.trustsDeviceClock { set(.clock, word: "device") }
    set(.dialect, word: dialect)
  }

  mutating func set(_ field: EventField, seconds: Int64, in zone: borrowing Zone) {
    set(field, zone.timestamp(seconds * Timestamp.second, fractionDigits: 0))
  }
}

/// The parts of a line between single bytes.
struct Fields: ~Escapable {
  private let line: Span<UInt8>
  private let separator: UInt8
  private var at = 0

  @_lifetime(copy line)
  init(_ line: Span<UInt8>, separator: UInt8) {
    self.line = line
    self.separator = separator
  }

  /// The next part; nil behind the last.
  @_lifetime(copy self)
  mutating func next() -> Span<UInt8>? {
    guard at <= line.count else { return nil }
    let end = line.firstIndex(of: separator, from: at) ?? line.count
    defer { at = end + 1 }
    return line.extracting(at..<end)
  }

  /// How many parts there are.
  static func count(_ line: Span<UInt8>, separator: UInt8) -> Int {
    var count = 1
    for i in line.indices where line[i] == separator { count += 1 }
    return count
  }
}

extension Span<UInt8> {
  /// Seconds since 1970 in decimal; none beyond the year 9998, since RFC 3339 cannot write them.
  var unixSeconds: Int64? {
    guard let value = decimal, value < 253_370_764_800 else { return nil }
    return Int64(value)
  }

  /// Bytes written as pairs of hexadecimal digits with colons between, at most 255 of them; nil for anything else.
  var colonBytes: [UInt8]? {
    guard count >= 2, count <= 255 * 3, (count + 1).isMultiple(of: 3) else { return nil }
    var out: [UInt8] = []
    var i = 0
    while i < count {
      guard let high = self[i].hexValue, let low = self[i + 1].hexValue, i + 2 == count || self[i + 2] == 0x3a else { return nil }
      out.append(high << 4 | low)
      i += 3
    }
    return out
  }

  /// Without blanks and line ends around.
  @_lifetime(copy self)
  func trimmed() -> Span<UInt8> {
    var (from, to) = (0, count)
    while from < to, self[from].isBlank || self[from] == 0x0d || self[from] == 0x0a { from += 1 }
    while to > from, self[to - 1].isBlank || self[to - 1] == 0x0d || self[to - 1] == 0x0a { to -= 1 }
    return extracting(from..<to)
  }
}
