import Dialects
import Glibc
import Record
import Syslog

/// Makes the records of one file.
struct ImportRun: ~Copyable {
  private let writing: any LogWriting
  private let source: ImportSource
  private let zone: Zone
  private let sender: [UInt8]
  private var clock: YearRule
  private var normaliser: Normaliser
  private var reader: EntryReader?
  private var writer = RecordWriter()
  private var list = EventList()
  private var text: [UInt8] = []
  private var out: [UInt8] = []
  private var waiting = 0
  private(set) var records = 0
  private(set) var events = 0
  private(set) var notUnderstood = 0

  private static let batchRecords = 512
  private static let batchBytes = 1 << 18

  init(writing: any LogWriting, source: ImportSource, format: FileFormat, zone: Zone, path: String, clock: YearRule) {
    self.writing = writing
    self.source = source
    self.zone = zone
    self.clock = clock
    sender = RecordWriter.sender(via: .import, source: source.name, site: source.site, from: path)
    normaliser = Normaliser(source.dialects)
    reader = format.reader
  }

  /// - Parameters:
  ///   - entry: its bytes, cut where it is longer than `EntryFraming.limit`.
  ///   - offset: where it begins in the file.
  ///   - length: its whole length.
  mutating func add(_ entry: [UInt8], at offset: Int, length: Int) throws {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    let microseconds = Int64(now.tv_sec) * Timestamp.second + Int64(now.tv_nsec) / 1000
    let sender = sender
    writer.begin(&out, microseconds: microseconds, offsetMinutes: zone.offsetMinutes(at: microseconds), sender: sender.span)
    let isCut = length > entry.count
    RecordWriter.position(&out, at: offset, cut: isCut ? .some(length) : nil)
    list.removeAll()
    if source.charset.isText(entry.span) {
      RecordWriter.raw(&out, utf8: entry.span)
      read(entry, isCut: isCut)
    } else {
      text.removeAll(keepingCapacity: true)
      source.charset.decode(entry.span, into: &text)
      if text.span.starts(with: "\u{feff}") { text.removeFirst(3) }
      RecordWriter.raw(&out, bytes: entry.span, text: text)
      read(text, isCut: isCut)
    }
    RecordWriter.end(&out, events: list)
    waiting += 1
    records += 1
    events += list.count
    if waiting >= Self.batchRecords || out.count >= Self.batchBytes { try flush() }
  }

  private mutating func read(_ text: [UInt8], isCut: Bool) {
    if var reader {
      let outcome = isCut ? .notUnderstood : reader.read(text.span, charset: source.charset, source: source.reading, into: &list)
      if outcome == .notUnderstood { notUnderstood += 1 }
      self.reader = reader
      return
    }
    var text = text
    if text.span.starts(with: "\u{feff}") { text.removeFirst(3) }
    // A line's own time stands for its reception: `after` then looks at what was logged together.
    let reference = clock.reference(SyslogMessage(text.span))
    if case .notUnderstood = normaliser.read(text.span, received: reference, sender: 1, source: source.reading, into: &list) {
      notUnderstood += 1
    }
  }

  mutating func flush() throws {
    guard waiting > 0 else { return }
    try writing.append(out, records: waiting)
    out.removeAll(keepingCapacity: true)
    waiting = 0
  }
}
