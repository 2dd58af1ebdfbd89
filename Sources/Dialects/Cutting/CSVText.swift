import Record

// Text of the csv form: values by their place. RFC 4180 as far as devices keep it: a value that begins with a quote goes
// up to the next lone quote, two of which are one in it.

extension ValueTable {
  /// Cuts the columns, finds what kind of row it is and gives the columns their names.
  /// - Parameter text: what `reset` took.
  mutating func cutColumns(
    _ text: Span<UInt8>, from start: Int, separator: UInt8, quote: UInt8, _ reading: CutReading
  ) -> CutFault? {
    var at = start
    while columns.count < Self.maximumColumns {
      if at < text.count, text[at] == quote, quote != 0 {
        var end = at + 1
        while end < text.count {
          if text[end] == quote {
            guard end + 1 < text.count, text[end + 1] == quote else { break }
            end += 1
          }
          end += 1
        }
        guard end < text.count else {
          isCut = true
          return CutFault(at: at, expected: "a closing quote")
        }
        columns.append(Column(range: at + 1..<end, isQuoted: true))
        at = end + 1
        guard at == text.count || text[at] == separator else { return CutFault(at: at, expected: "a separator behind the closing quote") }
      } else {
        let begin = at
        while at < text.count, text[at] != separator { at += 1 }
        columns.append(Column(range: begin..<at, isQuoted: false))
      }
      guard at < text.count else { break }
      at += 1
    }
    rows: for row in reading.rows {
      for i in row.conditions {
        let condition = reading.conditions[i]
        guard condition.holds(text, condition.key < columns.count ? columns[condition.key].range : 0..<0, reading) else { continue rows }
      }
      guard columns.count >= row.required else { return CutFault(at: text.count, expected: "more columns") }
      for (i, entry) in row.columns.enumerated() where entry >= 0 && i < columns.count {
        put(entry, text, columns[i], quote, reading)
      }
      return nil
    }
    return CutFault(at: start, expected: "one of the kinds of rows")
  }

  private mutating func put(_ entry: Int, _ text: Span<UInt8>, _ column: Column, _ quote: UInt8, _ reading: CutReading) {
    guard column.isQuoted, text.extracting(column.range).firstIndex(of: quote) != nil else { return put(entry, column.range, reading) }
    begin()
    var at = column.range.lowerBound
    while at < column.range.upperBound {
      append(text[at])
      at += text[at] == quote ? 2 : 1
    }
    end(entry, reading)
  }
}

extension Condition {
  /// - Parameter place: where the value stands in the text.
  @inline(__always) func holds(_ text: Span<UInt8>, _ place: Range<Int>, _ reading: CutReading) -> Bool {
    let passes = tests.isEmpty ? place.isEmpty : reading.passes(text, place, tests)
    return passes != isNegated
  }
}
