/// Writes records as lines into a buffer that is used again and again (design section 3).
public struct RecordWriter: Sendable {
  /// `"time":"2026-11-23T14:03:07.` of the second written last, and what stands behind its fraction.
  private var second: Int64 = .min
  private var secondOffset = 0
  private var head: [UInt8] = []
  private var tail: [UInt8] = []

  public init() {}

  /// Bytes of a line before its sender's members: the time has one form.
  public static let timeBytes = 42

  /// Begins a line: `{"time":"…","via":"…"`, and the members of the sender as `sender` holds them.
  /// - Parameter sender: from `Self.sender(…)`.
  public mutating func begin(_ out: inout [UInt8], microseconds: Int64, offsetMinutes: Int, sender: Span<UInt8>) {
    let whole = microseconds.flooredQuotient(Timestamp.second)
    if whole != second || offsetMinutes != secondOffset {
      var text: [UInt8] = []
      text.append(Timestamp(microseconds: whole * Timestamp.second, offsetMinutes: offsetMinutes, fractionDigits: 0))
      head = Array("{\"time\":\"".utf8) + text[0..<19] + [0x2e]
      tail = text[19...] + [0x22]
      second = whole
      secondOffset = offsetMinutes
    }
    out.append(room: head.count + 6 + tail.count + sender.count) { room in
      room.put(head.span)
      room.put(Int(microseconds - whole * Timestamp.second), digits: 6)
      room.put(tail.span)
      room.put(sender)
    }
  }

  /// The members between `time` and the message, with a leading comma: the same for all messages of a peer.
  public static func sender(
    via: Via, source: String? = nil, site: String? = nil, from: String? = nil, peer: String? = nil
  ) -> [UInt8] {
    var out = Array(",\"via\":\"\(via.rawValue)\"".utf8)
    func member(_ name: StaticString, _ value: String?) {
      guard let value else { return }
      out.append(jsonMember: name)
      out.append(jsonString: value)
    }
    member("source", source)
    member("site", site == RecordLine.defaultSite ? nil : site)
    member("from", from)
    member("peer", peer)
    return out
  }

  /// `at`, `cut` and `linktype`, where they are due.
  public static func position(_ out: inout [UInt8], at: Int? = nil, cut: Int?? = nil, linkType: Int? = nil) {
    if let at {
      out.append(",\"at\":")
      out.append(decimal: at)
    }
    if let cut {
      out.append(",\"cut\":")
      if let cut { out.append(decimal: cut) } else { out.append("null") }
    }
    if let linkType {
      out.append(",\"linktype\":")
      out.append(decimal: linkType)
    }
  }

  /// A message of valid UTF-8.
  public static func raw(_ out: inout [UInt8], utf8 message: Span<UInt8>) {
    out.append(",\"raw\":")
    out.append(jsonString: message)
  }

  /// Any other bytes, and the same for people (valid UTF-8; nil for packets).
  public static func raw(_ out: inout [UInt8], bytes message: Span<UInt8>, text: [UInt8]?) {
    out.append(",\"raw_base64\":\"")
    out.append(base64: message)
    out.append(0x22)
    if let text {
      out.append(",\"text\":")
      out.append(jsonString: text.span)
    }
  }

  /// Ends the line, LF included.
  public static func end(_ out: inout [UInt8], events: borrowing EventList) {
    if !events.isEmpty {
      out.append(",\"events\":")
      events.write(into: &out)
    }
    out.append("}\n")
  }

  /// A record of the collector about itself, LF included: one notice with these members behind `kind` and `what`.
  public mutating func notice(
    _ out: inout [UInt8], microseconds: Int64, offsetMinutes: Int, what: String, members: [JSONMember], further: [JSONValue] = []
  ) {
    begin(&out, microseconds: microseconds, offsetMinutes: offsetMinutes, sender: Self.sender(via: .internal).span)
    let notice = JSONValue.object([JSONMember("kind", "notice"), JSONMember("what", .string(what))] + members)
    out.append(",\"events\":")
    JSONValue.array([notice] + further).write(into: &out)
    out.append("}\n")
  }
}
