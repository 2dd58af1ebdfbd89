import Dialects
import Record

extension FuzzTarget {
  /// Files cut into entries and read: the first byte says which format, the second where they are cut.
  static let formats = FuzzTarget(name: "formats") { bytes in
    guard bytes.count >= 2 else { return }
    let formats = FileFormat.allCases
    let format = formats[Int(bytes[0]) % formats.count]
    let file = bytes.extracting(2..<bytes.count)
    let encoding: FileEncoding = bytes[0] & 0x80 == 0 ? .narrow : bytes[0] & 0x40 == 0 ? .utf16LittleEndian : .utf16BigEndian
    func entries(_ part: Int) -> [(entry: [UInt8], at: Int, length: Int)] {
      var found: [(entry: [UInt8], at: Int, length: Int)] = []
      var framing = EntryFraming(format, encoding)
      var from = 0
      while from < file.count {
        let to = min(file.count, from + part)
        framing.take(file.extracting(from..<to)) { entry, at, length in found.append((entry, at, length)) }
        from = to
      }
      framing.finish { entry, at, length in found.append((entry, at, length)) }
      return found
    }
    let whole = entries(max(1, file.count))
    let cut = entries(1 + Int(bytes[1]) % 64)
    require(whole.count == cut.count, "entries do not depend on where the file is cut")
    for (a, b) in zip(whole, cut) {
      require(a.entry == b.entry && a.at == b.at && a.length == b.length, "an entry is the same wherever the file is cut")
    }
    var reader = format.reader
    var list = EventList()
    var end = 0
    for (entry, at, length) in whole {
      require(at >= end && length >= entry.count && at + length <= file.count, "entries follow each other in the file")
      require(file.extracting(at..<at + entry.count).equals(entry.span), "an entry is the file's own bytes")
      end = at + length
      list.removeAll()
      let outcome = reader?.read(entry.span, charset: .windows1254, source: SourceReading(zone: .utc, name: "s"), into: &list)
      require(outcome == nil || (outcome == .events) == !list.isEmpty, "what is understood has events")
      var line: [UInt8] = []
      var record = RecordWriter()
      record.begin(&line, microseconds: 0, offsetMinutes: 0, sender: Span())
      RecordWriter.end(&line, events: list)
      require((try? StrictJSON.object(line.span.extracting(0..<line.count - 1))) != nil || line.count > 1 << 20, "events are strict JSON")
    }
    _ = FileFormat.of(file.extracting(0..<min(file.count, FileFormat.headBytes)))
  }
}
