import Record

extension SyslogMessage {
  /// The number that the sender gave this message among its own, by which losses on the way can be told: `sequenceId` of
  /// RFC 5424 section 7.3.1 (1 to 2147483647, then 1 again), or the number that Cisco's devices write before the time.
  /// - Parameter text: the message that this was read from.
  public func sequenceNumber(_ text: Span<UInt8>) -> Int64? {
    if let sequence { return Self.number(text, sequence) }
    guard let structuredData, structuredData.count > 10 else { return nil }
    return Self.sequenceID(text, structuredData)
  }

  private static func number(_ text: Span<UInt8>, _ range: Range<Int>) -> Int64? {
    guard !range.isEmpty, range.count <= 10 else { return nil }
    var value: Int64 = 0
    for i in range {
      guard text[i].isDigit else { return nil }
      value = value * 10 + Int64(text[i] &- 0x30)
    }
    return value
  }

  /// Structured data that was read already: `[id name="value" …]…`, with `\` before quotes in values.
  private static func sequenceID(_ text: Span<UInt8>, _ data: Range<Int>) -> Int64? {
    var isMeta = false
    var at = data.lowerBound
    while at < data.upperBound {
      switch text[at] {
      case 0x5b:
        // An element's id: exactly `meta`.
        isMeta = text.starts(with: "meta ", at: at + 1)
        at += 1
      case 0x22:
        at += 1
        while at < data.upperBound, text[at] != 0x22 { at += text[at] == 0x5c ? 2 : 1 }
        at += 1
      case 0x20 where isMeta && text.starts(with: "sequenceId=\"", at: at + 1):
        let start = at + 13
        var end = start
        while end < data.upperBound, text[end].isDigit { end += 1 }
        guard end < data.upperBound, text[end] == 0x22 else { return nil }
        return number(text, start..<end)
      default: at += 1
      }
    }
    return nil
  }
}
