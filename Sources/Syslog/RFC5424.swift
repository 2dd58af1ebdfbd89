import Record

// RFC 5424 section 6, read strictly: what breaks it is read as RFC 3164 instead and has no version.
//
//     SYSLOG-MSG = PRI VERSION SP TIMESTAMP SP HOSTNAME SP APP-NAME SP PROCID SP MSGID SP STRUCTURED-DATA [SP MSG]

extension SyslogMessage {
  /// SD-IDs must differ, which costs the square of their number.
  static let maximumElements = 64

  /// - Returns: false where the text behind the priority is not RFC 5424; what was set until then is void.
  mutating func readRFC5424(_ reader: inout HeaderReader) -> Bool {
    var number = 0
    let start = reader.at
    while reader.next.isDigit, reader.at - start < 3 {
      number = number * 10 + Int(reader.next &- 0x30)
      reader.at += 1
    }
    guard reader.at > start, reader.byte(start) != 0x30, space(&reader) else { return false }
    let junosMaySend = Self.isJunos(reader)
    guard readTimestamp(&reader, offset: !junosMaySend), space(&reader), field(&reader, 255, &host), space(&reader),
      field(&reader, 48, &app), space(&reader),
      field(&reader, 128, &procid), space(&reader), field(&reader, 32, &msgid), space(&reader), readStructuredData(&reader)
    else { return false }
    version = number
    guard !reader.isAtEnd else { return true }
    guard space(&reader) else { return false }
    if reader.bytes.starts(with: "\u{feff}", at: reader.at), reader.at + 3 <= reader.end { reader.at += 3 }
    message = reader.at..<reader.end
    return true
  }

  private func space(_ reader: inout HeaderReader) -> Bool {
    guard reader.next == 0x20 else { return false }
    reader.at += 1
    return true
  }

  private func field(_ reader: inout HeaderReader, _ limit: Int, _ part: inout Range<Int>?) -> Bool {
    let found = reader.token()
    guard !found.isEmpty, found.count <= limit else { return false }
    if found.count > 1 || reader.byte(found.lowerBound) != 0x2d { part = found }
    return true
  }

  private mutating func readTimestamp(_ reader: inout HeaderReader, offset: Bool) -> Bool {
    let found = reader.token()
    if found.count == 1, reader.byte(found.lowerBound) == 0x2d { return true }
    guard let (read, end) = DeviceTime.iso(reader.bytes.extracting(0..<reader.end), at: found.lowerBound, strict: offset),
      end == found.upperBound
    else { return false }
    timestamp = found
    time = read
    return true
  }

  /// `-` or elements `[id name="value" …]` whose ids differ (section 6.3).
  private mutating func readStructuredData(_ reader: inout HeaderReader) -> Bool {
    if reader.next == 0x2d {
      reader.at += 1
      return reader.isAtEnd || reader.next == 0x20
    }
    let start = reader.at
    var ids = InlineArray<64, Range<Int>>(repeating: 0..<0)
    var count = 0
    while reader.next == 0x5b {
      reader.at += 1
      let element = reader.at
      let id = name(&reader)
      guard !id.isEmpty, count < Self.maximumElements else { return false }
      if reader.next == 0x22, count == 0, reader.byte(reader.at - 1) == 0x3a {
        // Check Point: [action:"Accept"; flags:"444676"; …]
        reader.at = element
        guard checkPointElement(&reader) else { return false }
      } else {
        guard id.count <= 32 || Self.isJunosElement(reader, element), parameters(&reader, junos: Self.isJunosElement(reader, element))
        else {
          return false
        }
      }
      for i in 0..<count where reader.bytes.extracting(ids[i]).equals(reader.bytes.extracting(id)) { return false }
      ids[count] = id
      count += 1
    }
    guard count > 0, reader.isAtEnd || reader.next == 0x20 else { return false }
    structuredData = start..<reader.at
    return true
  }

  /// SD-NAME: visible ASCII without `=`, `]` and `"`.
  private func name(_ reader: inout HeaderReader) -> Range<Int> {
    let start = reader.at
    while true {
      let b = reader.next
      guard b > 0x20, b < 0x7f, b != 0x3d, b != 0x5d, b != 0x22 else { break }
      reader.at += 1
    }
    return start..<reader.at
  }

  /// ` name="value"` any number of times, and the closing bracket.
  /// - Parameter junos: a value need not stand in quotes.
  private func parameters(_ reader: inout HeaderReader, junos: Bool) -> Bool {
    while reader.next == 0x20 {
      reader.at += 1
      let parameter = name(&reader)
      guard !parameter.isEmpty, parameter.count <= 32, reader.next == 0x3d else { return false }
      reader.at += 1
      if junos, reader.next != 0x22 {
        while reader.next > 0x20, reader.next != 0x5d { reader.at += 1 }
      } else {
        guard quoted(&reader, bracketEnds: true) else { return false }
      }
    }
    guard reader.next == 0x5d, !reader.isAtEnd else { return false }
    reader.at += 1
    return true
  }

  /// Juniper's enterprise element, `[junos@2636.…`: its messages are taken for RFC 5424 although some have a time without
  /// offset or a value in typographic quotes (the manual's own examples).
  private static func isJunosElement(_ reader: borrowing HeaderReader, _ at: Int) -> Bool { reader.bytes.starts(with: "junos@", at: at) }

  private static func isJunos(_ reader: borrowing HeaderReader) -> Bool {
    var i = reader.at
    for _ in 0..<5 {
      while i < reader.end, reader.bytes[i] > 0x20 { i += 1 }
      guard i < reader.end else { return false }
      i += 1
    }
    return reader.byte(i) == 0x5b && isJunosElement(reader, i + 1)
  }

  /// `"…"` in which `"`, `\` and `]` are escaped by `\` (section 6.3.3).
  private func quoted(_ reader: inout HeaderReader, bracketEnds: Bool) -> Bool {
    guard reader.next == 0x22 else { return false }
    reader.at += 1
    while !reader.isAtEnd {
      let b = reader.next
      reader.at += 1
      if b == 0x22 { return true }
      if b == 0x5d, bracketEnds { return false }
      if b == 0x5c {
        let escaped = reader.next
        if escaped == 0x22 || escaped == 0x5c || escaped == 0x5d { reader.at += 1 }
      }
    }
    return false
  }

  /// `name:"value"` any number of times with `; ` between, and the closing bracket.
  private func checkPointElement(_ reader: inout HeaderReader) -> Bool {
    while true {
      let key = name(&reader)
      guard key.count > 1, reader.byte(key.upperBound - 1) == 0x3a, quoted(&reader, bracketEnds: false) else { return false }
      if reader.next == 0x3b { reader.at += 1 }
      if reader.next == 0x20 { reader.at += 1 }
      if reader.next == 0x5d {
        reader.at += 1
        return true
      }
    }
  }
}
