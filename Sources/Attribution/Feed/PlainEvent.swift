import Record

/// An event as the writer has it in its list, with the fields that the index keeps: an `EventReading` is made of it as of
/// the event in a record, without writing and reading its text.
struct PlainEvent: Sendable {
  /// Which of the record's events.
  var number: Int
  /// When the record was received.
  var received: Moment
  /// In `FedRecords.senders`.
  var sender: Int
  /// In `FedRecords.fields`.
  var fields: Range<Int>
  /// In `FedRecords.text`.
  var text: Range<Int>

  struct Field: Sendable {
    var name: EventField
    /// Of a time.
    var digits: UInt8 = 0
    /// A number, a time's microseconds, the low half of an address; where a text begins in the event's text.
    var low: UInt64
    /// The high half of an address; where a text ends.
    var high: UInt64 = 0
  }

  /// What the index reads of a lease, a binding or a login, and how it is written.
  private static let kept: [(name: EventField, form: EventField.Form)] = [
    .kind, .action, .ip, .mac, .macSource, .duid, .clientID, .hostname, .leaseSeconds, .leaseUntil, .leaseFrom, .relay, .circuitID, .basis,
    .user, .phone, .outerIP, .method, .sessionID, .nas, .start, .clock, .time,
  ].map { (name: EventField) in (name, name.form) }

  /// Appends an event's fields and their texts.
  /// - Returns: false where it is a session, has a field that others of its kind have not, a value that is written in
  ///   another form than is usual for its field, or one that may be read back as another; some may have been added then.
  static func add(event: Int, of events: borrowing EventList, to fields: inout [Field], _ text: inout [UInt8]) -> Bool {
    guard
      events.equals(event: event, .kind, "lease") || events.equals(event: event, .kind, "binding")
        || events.equals(event: event, .kind, "login"),
      !events.has(event: event, .prefix), !events.has(event: event, .srcIP), !events.has(event: event, .natIP),
      !events.has(event: event, .dstIP)
    else { return false }
    let start = text.count
    for (name, form) in kept where events.has(event: event, name) {
      guard let value = events.value(event: event, name) else { continue }
      var field = Field(name: name, low: 0)
      switch (value, form) {
      // It is kept as it is written.
      case (.ip(let ip), _) where name == .relay:
        field.low = UInt64(text.count - start)
        text.append(ip)
        field.high = UInt64(text.count - start)
      case (.ip(let ip), .ip):
        field.low = UInt64(truncatingIfNeeded: ip.value)
        field.high = UInt64(truncatingIfNeeded: ip.value >> 64)
      case (.mac(let mac), .mac): field.low = mac.value
      // As many digits as are read back.
      case (.integer(let number), .integer) where (1 - 1 << 53)..<(1 << 53) ~= number: field.low = UInt64(bitPattern: Int64(number))
      case (.time(let time), .time) where PlainSession.isReadBack(time):
        field.low = UInt64(bitPattern: time.microseconds)
        field.digits = UInt8(truncatingIfNeeded: time.fractionDigits)
      case (.text(let range), .text), (.text(let range), .word), (.hex(let range), .hex):
        field.low = UInt64(text.count - start)
        if form == .hex { text.append(hex: events.bytes(of: range), separator: 0x3a) } else { text.append(events.bytes(of: range)) }
        field.high = UInt64(text.count - start)
      default: return false
      }
      fields.append(field)
    }
    return true
  }
}

extension PlainEvent.Field {
  var integer: Int { Int(Int64(bitPattern: low)) }
  var mac: MACAddress { MACAddress(value: low) }
  var ip: IPAddress { IPAddress(v6: UInt128(high) << 64 | UInt128(low)) }
  /// The offset from UTC is for readers of the record alone.
  var time: Timestamp { Timestamp(microseconds: Int64(bitPattern: low), offsetMinutes: 0, fractionDigits: Int(digits)) }

  @_lifetime(copy text)
  func bytes(in text: Span<UInt8>) -> Span<UInt8> { text.extracting(Int(low)..<Int(high)) }
  func text(in text: Span<UInt8>) -> [UInt8] { bytes(in: text).array }
}
