import Record

// RFC 3164 and its deviations. A part is taken for what it looks like beyond doubt; what is left is the message.
//
//     [PRI] [sequence: [host:]] [TIME[:]] [HOST [:]] [TAG[\[PROCID\]]:] message
//
// - A host stands behind a time, unless the word there is a tag (pfSense sends none).
// - A tag ends in a colon or in `[…]`; a word that does neither belongs to the message.
// - Without time, a tag needs a priority before it: free text may begin with "Error: …".
// - A relay that keeps text of a Cisco device behind a header of its own: its sequence number is no tag, and its time counts.
// - Cisco puts a sequence number and its own host name before the time, and `%FACILITY-5-NAME:` as tag.

extension SyslogMessage {
  /// A longer tag is text.
  static let maximumTag = 128

  mutating func readRFC3164(_ reader: inout HeaderReader, hasPriority: Bool) {
    if hasPriority, reader.next == 0x20 { reader.at += 1 }
    let cisco = hasPriority && reader.next.isDigit && readCiscoPrefix(&reader)
    if readTime(&reader, hasPriority: hasPriority, cisco: cisco) {
      if reader.next == 0x3a { reader.at += 1 }
      reader.skipBlanks()
      if host != nil { _ = readTag(&reader) } else if !readTag(&reader, mayNameHost: true) { readHost(&reader) }
    } else if hasPriority, host != nil || cisco || !reader.next.isDigit {
      _ = readTag(&reader)
    }
    if reader.at < reader.end { message = reader.at..<reader.end }
  }

  /// Cisco's `44123: ` before a time, a second number (its own beside that of a relay), and its own name.
  private mutating func readCiscoPrefix(_ reader: inout HeaderReader) -> Bool {
    let start = reader.at
    var name: Range<Int>?
    var number: Range<Int>?
    for _ in 0..<3 {
      let word = reader.word()
      guard word.count > 1, word.count <= 64, reader.byte(word.upperBound - 1) == 0x3a, reader.next == 0x20 else { break }
      reader.at += 1
      let text = word.lowerBound..<word.upperBound - 1
      if !isNumber(reader, text) {
        guard name == nil, word.lowerBound > start else { break }
        name = text
      } else if number == nil {
        number = text
      }
      if reader.next == 0x25 || DeviceTime.Marked(reader.bytes.extracting(0..<reader.end), at: reader.at).time != nil {
        host = name
        sequence = number
        return true
      }
    }
    reader.at = start
    return false
  }

  private func isNumber(_ reader: borrowing HeaderReader, _ range: Range<Int>) -> Bool {
    for i in range where !reader.bytes[i].isDigit { return false }
    return true
  }

  private mutating func readTime(_ reader: inout HeaderReader, hasPriority: Bool, cisco: Bool) -> Bool {
    let text = reader.bytes.extracting(0..<reader.end)
    let marked = DeviceTime.Marked(text, at: reader.at, cisco: cisco)
    if let read = marked.time {
      time = read
      timestamp = marked.range
      reader.at = marked.end
      return true
    }
    guard let (read, end) = DeviceTime.iso(text, at: reader.at, strict: false) else { return false }
    // `2026-11-20 10:15:02 …` without priority is a line of a program's own file, not a syslog header.
    guard hasPriority || reader.byte(reader.at + 10) != 0x20 else { return false }
    guard end == reader.end || reader.byte(end).isBlank || reader.byte(end) == 0x3a else { return false }
    timestamp = reader.at..<end
    time = read
    reader.at = end
    return true
  }

  private mutating func readHost(_ reader: inout HeaderReader) {
    let name = reader.word()
    // A word with one of these is the message's first: devices that name no host send values.
    guard !name.isEmpty, name.count <= 255, !holdsValues(reader, name) else {
      reader.at = name.lowerBound
      return
    }
    host = name
    reader.skipBlanks()
    // Cisco ASA: `asa-edge : %ASA-6-302013: …`
    if reader.next == 0x3a, reader.byte(reader.at + 1) == 0x20 {
      reader.at += 2
      reader.skipBlanks()
    }
    if reader.next.isDigit { readRelayedCisco(&reader) }
    _ = readTag(&reader)
  }

  /// `1663303: Jun 20 02:41:39.326: ` behind a relay's time and host.
  private mutating func readRelayedCisco(_ reader: inout HeaderReader) {
    let relay = host
    let isCisco = readCiscoPrefix(&reader)
    host = relay
    guard isCisco, readTime(&reader, hasPriority: true, cisco: true) else { return }
    if reader.next == 0x3a { reader.at += 1 }
    reader.skipBlanks()
  }

  private func holdsValues(_ reader: borrowing HeaderReader, _ range: Range<Int>) -> Bool {
    for i in range where reader.bytes[i] == 0x2c || reader.bytes[i] == 0x3d || reader.bytes[i] == 0x7c { return true }
    return false
  }

  /// A tag here: `name:`, `name[procid]:` or `name[procid] `.
  /// - Parameter mayNameHost: `dev01: %ASA-…` is a host and not a tag.
  private mutating func readTag(_ reader: inout HeaderReader, mayNameHost: Bool = false) -> Bool {
    let start = reader.at
    var i = start
    while i < reader.end, i - start <= Self.maximumTag {
      let b = reader.bytes[i]
      guard b > 0x20, b != 0x5b, b != 0x3a, b != 0x22, b != 0x3d, b != 0x3c, b != 0x2c else { break }
      i += 1
    }
    guard i > start, i - start <= Self.maximumTag, i < reader.end, hasLetterOrDigit(reader, start..<i) else { return false }
    let name = start..<i
    var process: Range<Int>?
    if reader.bytes[i] == 0x5b {
      let open = i + 1
      i = open
      while i < reader.end, i - open <= Self.maximumTag, reader.bytes[i] > 0x20, reader.bytes[i] != 0x5d { i += 1 }
      guard i > open, i < reader.end, reader.bytes[i] == 0x5d else { return false }
      process = open..<i
      i += 1
      if i < reader.end, reader.bytes[i] == 0x3a { i += 1 } else if i < reader.end, reader.bytes[i] != 0x20 { return false }
    } else {
      // A colon inside a word is no end of a tag: fe80::1, 10.20.3.1:514.
      guard reader.bytes[i] == 0x3a, i + 1 >= reader.end || reader.bytes[i + 1].isBlank else { return false }
      i += 1
    }
    reader.at = i
    reader.skipBlanks()
    if mayNameHost, process == nil, reader.next == 0x25, reader.byte(reader.at + 1).isLetter {
      host = name
      _ = readTag(&reader)
      return true
    }
    app = name
    procid = process
    return true
  }

  private func hasLetterOrDigit(_ reader: borrowing HeaderReader, _ range: Range<Int>) -> Bool {
    for i in range where reader.bytes[i].isLetter || reader.bytes[i].isDigit { return true }
    return false
  }
}
