import Record

/// What a syslog header says (RFC 5424, RFC 3164 and what devices send in their stead). Ranges lie in the message.
public struct SyslogMessage: Sendable {
  /// Facility * 8 + severity: 0 to 191; nil where there is none or it is out of range.
  public var priority: Int?
  /// Only for text that fulfils RFC 5424 (Check Point's structured data is taken for fulfilled).
  public var version: Int?
  /// As written, without a marker or colon of Cisco's around it.
  public var timestamp: Range<Int>?
  /// What the timestamp says; nil where there is none.
  public var time: DeviceTime?
  public var host: Range<Int>?
  /// APP-NAME, or the tag.
  public var app: Range<Int>?
  public var procid: Range<Int>?
  public var msgid: Range<Int>?
  public var structuredData: Range<Int>?
  /// The first number that a Cisco device writes before the time.
  public var sequence: Range<Int>?
  /// The text: without BOM, without the blanks behind a tag, without CR, LF and NUL at the end. nil where nothing
  /// stands behind the header.
  public var message: Range<Int>?

  public var facility: Int? { priority.map { $0 / 8 } }
  public var severity: Int? { priority.map { $0 % 8 } }

  public init(_ bytes: Span<UInt8>) {
    var end = bytes.count
    while end > 0, bytes[end - 1] == 0x0a || bytes[end - 1] == 0x0d || bytes[end - 1] == 0x00 { end -= 1 }
    // A BOM may stand before everything.
    let start = end >= 3 && bytes[0] == 0xef && bytes[1] == 0xbb && bytes[2] == 0xbf ? 3 : 0
    var reader = HeaderReader(bytes, at: start, end: end)
    let hasPriority = reader.priority()
    priority = reader.priorityValue
    let behindPriority = reader.at
    if hasPriority, priority != nil, reader.canonicalPriority, readRFC5424(&reader) { return }
    self = SyslogMessage(priority: priority)
    reader.at = behindPriority
    readRFC3164(&reader, hasPriority: hasPriority)
  }

  private init(priority: Int?) { self.priority = priority }
}

/// The bytes of a header, read from front to back.
struct HeaderReader: ~Escapable {
  let bytes: Span<UInt8>
  var at: Int
  let end: Int
  private(set) var priorityValue: Int?
  /// Whether the priority has no leading zero.
  private(set) var canonicalPriority = false

  @_lifetime(copy bytes)
  init(_ bytes: Span<UInt8>, at: Int, end: Int) {
    self.bytes = bytes
    self.at = at
    self.end = end
  }

  var isAtEnd: Bool { at >= end }
  @inline(__always) func byte(_ i: Int) -> UInt8 { i < end ? bytes[i] : 0 }
  var next: UInt8 { byte(at) }

  /// `<`, one to three digits, `>`.
  mutating func priority() -> Bool {
    guard next == 0x3c else { return false }
    var i = at + 1
    var value = 0
    while i < at + 4, byte(i).isDigit {
      value = value * 10 + Int(bytes[i] &- 0x30)
      i += 1
    }
    guard i > at + 1, byte(i) == 0x3e else { return false }
    canonicalPriority = byte(at + 1) != 0x30 || i == at + 2
    priorityValue = value <= 191 ? value : nil
    at = i + 1
    return true
  }

  /// Visible ASCII up to a space or the end.
  mutating func token() -> Range<Int> {
    let start = at
    while at < end, bytes[at] > 0x20, bytes[at] < 0x7f { at += 1 }
    return start..<at
  }

  /// Anything but white space.
  mutating func word() -> Range<Int> {
    let start = at
    while at < end, bytes[at] > 0x20 { at += 1 }
    return start..<at
  }

  mutating func skipBlanks() { while at < end, bytes[at].isBlank { at += 1 } }
}
