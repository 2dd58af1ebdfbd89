import Record

// Text of the forms key-value, CEF and LEEF. Each byte is looked at a fixed number of times.

extension ValueTable {
  /// `key=value key2="value 2"`. Words without a key are read over; so is what stands between brackets and pairs.
  /// - Parameter text: what `reset` took.
  mutating func cutPairs(_ text: Span<UInt8>, from start: Int, _ style: KeyValueStyle, _ reading: CutReading) {
    let blankSeparates = style.separator == 0x20
    let structured = reading.readsStructuredData
    func isBetween(_ b: UInt8) -> Bool { b.isBlank || b == style.separator || structured && (b == 0x5b || b == 0x5d) }
    let own = ObjectIdentifier(reading)
    var place = 0
    var at = start
    while at < text.count {
      let keyStart = at
      let entry: Int
      let number: Int
      let expected = order.next(place)
      if expected.stands(in: text, at: at, before: style.assign, of: own) {
        at &+= expected.length
        entry = Int(expected.entry)
        number = Int(expected.number)
        place = expected.place
      } else if isBetween(text[at]) {
        at += 1
        continue
      } else {
        at = reading.search.key.first(in: text, from: at)
        guard at < text.count else { return }
        guard text[at] == style.assign else {
          // A word without a key, or a quoted text without one: what looks like a pair inside it is none.
          if text[at] == style.quote, style.quote != 0 {
            at = closing(text, at + 1, style, reading.search, structured)?.end ?? text.count
          } else {
            at += 1
          }
          continue
        }
        var keyEnd = at
        while keyEnd > keyStart, text[keyEnd - 1].isBlank { keyEnd -= 1 }
        entry = reading.keys.entry(text, keyStart..<keyEnd)
        number = entry < 0 ? -1 : Int(reading.keys.places[entry].first)
        // With blanks before the sign it would not be found again where it ends.
        if keyEnd == at { place = order.remember(text, keyStart..<keyEnd, entry, behind: place, reading) }
      }
      at &+= 1
      if !blankSeparates { while at < text.count, text[at].isBlank { at += 1 } }
      if at < text.count, text[at] == style.quote, style.quote != 0 {
        // Nearly always the next quote is the one that closes.
        let next = reading.search.quoted.first(in: text, from: at &+ 1)
        if next < text.count &- 1, text[next] == style.quote, endsPair(text[next &+ 1], style, structured) {
          if entry >= 0 { put(entry, first: number, at &+ 1, next, reading) }
          // What ends a pair begins none.
          at = next &+ 2
          continue
        }
        guard let (end, hasEscape) = closing(text, at + 1, style, reading.search, structured) else {
          isCut = true
          return
        }
        if entry >= 0 { put(entry, text, at + 1..<end - 1, style, hasEscape: hasEscape, reading) }
        at = end
        continue
      }
      let valueStart = at
      at = reading.search.value.first(in: text, from: at)
      var hasEscape = false
      while at < text.count, text[at] == style.escape, style.escape != 0 {
        hasEscape = true
        // Cisco ISE: a separator in a value has a backslash before it.
        at = reading.search.value.first(in: text, from: at + (blankSeparates || at + 1 == text.count ? 1 : 2))
      }
      if blankSeparates, !hasEscape {
        if entry >= 0 { put(entry, first: number, valueStart, at, reading) }
        at &+= 1
        continue
      }
      guard entry >= 0 else { continue }
      var valueEnd = min(at, text.count)
      while valueEnd > valueStart, text[valueEnd - 1].isBlank { valueEnd -= 1 }
      put(entry, text, valueStart..<valueEnd, style, hasEscape: hasEscape, reading)
    }
  }

  /// The place behind the quote that closes, and whether an escape stands before it; nil where the text ends before. A
  /// quote inside a value that nobody escaped has no end of a pair behind it.
  private func closing(
    _ text: Span<UInt8>, _ start: Int, _ style: KeyValueStyle, _ search: PairSearch, _ structured: Bool
  ) -> (end: Int, hasEscape: Bool)? {
    var at = search.quoted.first(in: text, from: start)
    var hasEscape = false
    while at < text.count {
      if text[at] == style.escape, style.escape != 0 {
        hasEscape = true
        if at + 1 < text.count, isEscaped(text[at + 1], style) {
          at = search.quoted.first(in: text, from: at + 2)
          continue
        }
      }
      if text[at] == style.quote {
        guard at + 1 < text.count else { return (at + 1, hasEscape) }
        if endsPair(text[at + 1], style, structured) { return (at + 1, hasEscape) }
      }
      at = search.quoted.first(in: text, from: at + 1)
    }
    return nil
  }

  /// Whether a quote with that byte behind it closes a value.
  @inline(__always) private func endsPair(_ next: UInt8, _ style: KeyValueStyle, _ structured: Bool) -> Bool {
    next.isBlank || next == style.separator || structured && next == 0x5d
  }

  private func isEscaped(_ b: UInt8, _ style: KeyValueStyle) -> Bool {
    b == style.quote || b == style.escape || b == 0x5d || b == style.separator && style.separator != 0x20
  }

  private mutating func put(
    _ entry: Int, _ text: Span<UInt8>, _ range: Range<Int>, _ style: KeyValueStyle, hasEscape: Bool, _ reading: CutReading
  ) {
    guard hasEscape else { return put(entry, range, reading) }
    begin()
    var at = range.lowerBound
    while at < range.upperBound {
      if text[at] == style.escape, at + 1 < range.upperBound, isEscaped(text[at + 1], style) { at += 1 }
      append(text[at])
      at += 1
    }
    end(entry, reading)
  }

  // MARK: - CEF, LEEF

  /// ArcSight Common Event Format: `CEF:0|vendor|product|version|id|name|severity|key=value key2=value 2 …`. A value goes
  /// up to the next key; `=` and `\` in it have a backslash before them.
  mutating func cutCEF(_ text: Span<UInt8>, from start: Int, _ reading: CutReading) -> CutFault? {
    guard text.starts(with: "CEF:", at: start) else { return CutFault(at: start, expected: "CEF:") }
    var at = start + 4
    for part in 0..<7 {
      guard let end = pipe(text, at) else { return CutFault(at: at, expected: "a header of seven parts with | behind each") }
      set(header: part, text, at..<end, reading)
      at = end + 1
    }
    while at < text.count, text[at].isBlank { at += 1 }
    guard at < text.count else { return nil }
    guard var assign = keyEnd(text, at) else { return CutFault(at: at, expected: "key=value") }
    var key = at..<assign
    while true {
      // The value ends before the next word that is a key.
      let valueStart = assign + 1
      var valueEnd = text.count
      var next: (key: Range<Int>, assign: Int)?
      var i = valueStart
      var wordStart = -1
      while i < text.count {
        let b = text[i]
        if b.isBlank {
          wordStart = i + 1
        } else if b == 0x5c {
          wordStart = -1
          i += 1
        } else if b == 0x3d {
          if wordStart >= 0, i > wordStart {
            valueEnd = wordStart - 1
            next = (wordStart..<i, i)
            break
          }
        } else if !Self.isKeyByte(b) {
          wordStart = -1
        }
        i += 1
      }
      while valueEnd > valueStart, text[valueEnd - 1].isBlank { valueEnd -= 1 }
      let entry = reading.keys.entry(text, key)
      if entry >= 0 {
        begin()
        appendCEF(text, valueStart..<max(valueStart, valueEnd))
        end(entry, reading)
      }
      guard let found = next else { return nil }
      (key, assign) = found
    }
  }

  /// IBM LEEF: `LEEF:1.0|vendor|product|version|id|` and pairs with tabs between; LEEF:2.0 names the separator in a part more.
  mutating func cutLEEF(_ text: Span<UInt8>, from start: Int, _ reading: CutReading) -> CutFault? {
    guard text.starts(with: "LEEF:", at: start), start + 6 < text.count else { return CutFault(at: start, expected: "LEEF:") }
    let second = text[start + 5] == 0x32
    var at = start + 5
    for part in [0, 1, 2, 3, 4] {
      guard let end = pipe(text, at) else { return CutFault(at: at, expected: "a header of five parts with | behind each") }
      set(header: part, text, at..<end, reading)
      at = end + 1
    }
    var separator: UInt8 = 0x09
    if second, let end = pipe(text, at), end - at <= 4 {
      let part = text.extracting(at..<end)
      if part.count == 1 {
        separator = part[0]
      } else if part.count >= 2 {
        // x5E, 0x5E
        guard let high = part[part.count - 2].hexValue, let low = part[part.count - 1].hexValue else {
          return CutFault(at: at, expected: "a separator such as ^ or x09")
        }
        separator = high << 4 | low
      }
      at = end + 1
    }
    while at < text.count {
      var end = at
      // rsyslog writes a tab as #011 when it sends on.
      while end < text.count, text[end] != separator, !(separator == 0x09 && text.starts(with: "#011", at: end)) { end += 1 }
      if let assign = text.extracting(0..<end).firstIndex(of: 0x3d, from: at) {
        var keyStart = at
        while keyStart < assign, text[keyStart].isBlank { keyStart += 1 }
        let entry = reading.keys.entry(text, keyStart..<assign)
        if entry >= 0 { put(entry, assign + 1..<end, reading) }
      }
      at = end < text.count && text[end] != separator ? end + 4 : end + 1
    }
    return nil
  }

  private static let headerNames: [[UInt8]] = ["@format", "@vendor", "@product", "@version", "@id", "@name", "@severity"].map {
    Array($0.utf8)
  }

  private mutating func set(header part: Int, _ text: Span<UInt8>, _ range: Range<Int>, _ reading: CutReading) {
    let name = Self.headerNames[part]
    let entry = reading.keys.entry(name.span, 0..<name.count)
    guard entry >= 0 else { return }
    begin()
    appendCEF(text, range)
    end(entry, reading)
  }

  /// The next `|` that has no backslash before it.
  private func pipe(_ text: Span<UInt8>, _ start: Int) -> Int? {
    var at = start
    while at < text.count {
      if text[at] == 0x5c { at += 1 } else if text[at] == 0x7c { return at }
      at += 1
    }
    return nil
  }

  private func keyEnd(_ text: Span<UInt8>, _ start: Int) -> Int? {
    var at = start
    while at < text.count, Self.isKeyByte(text[at]) { at += 1 }
    return at > start && at < text.count && text[at] == 0x3d ? at : nil
  }

  private static func isKeyByte(_ b: UInt8) -> Bool { b.isLetter || b.isDigit || b == 0x5f || b == 0x2d || b == 0x2e }

  private mutating func appendCEF(_ text: Span<UInt8>, _ range: Range<Int>) {
    var at = range.lowerBound
    while at < range.upperBound {
      if text[at] == 0x5c, at + 1 < range.upperBound {
        let next = text[at + 1]
        if next == 0x3d || next == 0x5c || next == 0x7c { at += 1 }
      }
      append(text[at])
      at += 1
    }
  }
}
