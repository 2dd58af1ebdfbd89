import Archive
import Dialects
import Glibc
import Record

/// How the messages of a source are read that is imported.
public struct ImportSource: Sendable {
  /// As configured; stands in each record.
  public var name: String
  public var site: String
  public var charset: Charset
  public var dialects: DialectSet
  public var reading: SourceReading
  /// Microseconds; how long after a sighting a binding is still possible.
  public var bindingTimeout: Int64

  public init(
    name: String, site: String, charset: Charset, dialects: DialectSet, reading: SourceReading, bindingTimeout: Int64 = Timestamp.hour
  ) {
    self.name = name
    self.site = site
    self.charset = charset
    self.dialects = dialects
    self.reading = reading
    self.bindingTimeout = bindingTimeout
  }
}

/// `import`: a file of one of the formats of `FileFormat`, each entry of which becomes a record.
///
/// An entry's bytes are kept, with the offset in the file. Events rest on the times in the file (design section 12.20): a
/// year that is not written is the one before the file's last change, or counted from `--year` on.
struct ImportFile {
  let log: any LogAccess
  let progress: (String) -> Void

  func run(_ invocation: Invocation, file: CInt?) throws -> Reply {
    guard let file, invocation.words.count == 1 else { throw Refusal(.usage, "import takes one open file at a time") }
    guard let name = invocation.value("source"), !name.isEmpty else {
      throw UsageError("--source is missing", hint: "--source NAME: the device that wrote the file")
    }
    let year = try year(invocation.value("year"))
    let content = try OpenFile(file, path: invocation.words[0], progress: progress)
    let (format, encoding) = try format(of: content, asked: invocation.value("format"))
    let digest = try content.hash()
    if !invocation.has("again"), let day = try importedBefore(digest) {
      throw Refusal(
        .noAnswer, "\(content.path) was imported before, on \(day): nothing was written", hint: "--again imports it once more")
    }
    let writing = try log.writing()
    guard var source = try writing.source(named: name) else {
      throw UsageError(
        "--source: the configuration has no device \(Arguments.quoted(name))", hint: "its `devices` say how each one's messages are read")
    }
    source.reading.trustsDeviceClock = true
    if let charset = encoding.charset { source.charset = charset }
    if let only = format.dialect {
      guard let index = source.dialects.index(of: only) else {
        throw UsageError("\(content.path): there is no dialect \(only) to read it by")
      }
      source.reading.dialects = [index]
    }
    let done = try format == .packets ? packets(content, writing, source) : entries(content, format, encoding, writing, source, first: year)
    guard try content.hash() == digest else {
      // The records hold what was read; only the claim that they are this file must not be made.
      throw Refusal(
        .noAnswer, "\(content.path) changed while it was read; its lines are in the log, but not as this file",
        hint: "import it again with --again once it is still")
    }
    let counts = [
      JSONMember("records", .integer(done.records)), JSONMember("events", .integer(done.events)),
      JSONMember("not_understood", .integer(done.notUnderstood)),
    ]
    let named = [JSONMember("file", .string(content.path)), JSONMember("sha256", .string(digest.description))]
    let about = [
      JSONMember("bytes", .integer(content.size)), JSONMember("source", .string(source.name)),
      JSONMember("format", .string(format.rawValue)),
    ]
    try writing.notice("imported", named + about + counts + done.further)
    try writing.commit()
    return Reply(.answered, json: JSONValue.object(named + counts + done.further).bytes, words: done.words, answers: done.records)
  }

  /// What came of a file.
  private struct Done {
    var records: Int
    var events: Int
    var notUnderstood: Int
    /// Members of answer and notice that only this format has.
    var further: [JSONMember] = []
    /// For people: what of the file could not be read.
    var words: [String] = []
  }

  private func entries(
    _ content: OpenFile, _ format: FileFormat, _ encoding: FileEncoding, _ writing: any LogWriting, _ source: ImportSource, first year: Int?
  ) throws -> Done {
    var run = ImportRun(
      writing: writing, source: source, format: format, zone: log.zone, path: content.path,
      clock: YearRule(zone: source.reading.zone, first: year, changed: content.changed))
    var framing = EntryFraming(format, encoding)
    try content.parts { part in try framing.take(part) { entry, at, length in try run.add(entry, at: at, length: length) } }
    try framing.finish { entry, at, length in try run.add(entry, at: at, length: length) }
    try run.flush()
    return Done(records: run.records, events: run.events, notUnderstood: run.notUnderstood)
  }

  private func packets(_ content: OpenFile, _ writing: any LogWriting, _ source: ImportSource) throws -> Done {
    var run = PacketImport(writing: writing, source: source, zone: log.zone, path: content.path)
    try content.parts { try run.take($0) }
    try run.finish()
    let unread = run.unread.values.reduce(0, +)
    let types = run.unread.keys.sorted { $0.rawValue < $1.rawValue }.map(\.description).joined(separator: ", ")
    if let fault = run.fault, run.packets == 0 {
      throw Refusal(.noAnswer, "\(content.path): \(fault): nothing was written")
    }
    if run.packets > 0, unread == run.packets {
      throw Refusal(
        .noAnswer, "\(content.path): its packets are of \(types), which is not read: nothing was written",
        hint: "what is read: Ethernet, Linux cooked, IEEE 802.11, raw IP, BSD loopback; capture there")
    }
    var done = Done(records: run.records, events: run.events, notUnderstood: run.notUnderstood)
    done.further = [JSONMember("packets", .integer(run.packets)), JSONMember("thinned", .integer(run.thinned))]
    if unread > 0 {
      done.further.append(JSONMember("unread", .integer(unread)))
      done.words.append("\(content.path): \(unread) of \(run.packets) packets are of \(types), which is not read")
    }
    if let fault = run.fault {
      done.further.append(JSONMember("fault", .string(fault)))
      done.words.append("\(content.path): \(fault); the \(run.packets) packets before that were read")
    }
    return done
  }

  // MARK: - Before

  private func year(_ text: String?) throws(UsageError) -> Int? {
    guard let text else { return nil }
    guard let year = Array(text.utf8).span.decimal, (1970...9999).contains(year) else {
      throw UsageError("--year: \(Arguments.quoted(text)) is no year")
    }
    return year
  }

  /// The format that was asked for, else that of its content.
  private func format(of file: OpenFile, asked: String?) throws -> (FileFormat, FileEncoding) {
    let head = try file.head(FileFormat.headBytes)
    if head.count >= 2, head[0] == 0x1f, head[1] == 0x8b, asked == nil {
      throw UsageError(
        "\(file.path) looks like a gzip file", hint: "unpack it first (gunzip); --format syslog reads it as lines all the same")
    }
    let format = asked.flatMap(FileFormat.init(rawValue:)) ?? FileFormat.of(head.span)
    return (format, FileEncoding.of(head.span))
  }

  /// Whether a notice of the log names this file. Notices are few, but they lie among the records: this reads the archive.
  private func importedBefore(_ digest: Digest) throws -> CalendarDay? {
    let wanted = Needle("\"what\":\"imported\"", asWritten: true)
    let hash = Needle(digest.description)
    for day in try log.archive.days().reversed() {
      progress("looking for earlier imports: \(day)")
      var found = false
      try DayReader(log.archive.day(day)).forEach { _, line in
        // A received message may quote a notice; only the collector's own records count.
        if wanted.isIn(line), hash.isIn(line), let record = try? RecordLine(line), record.via == .internal {
          found = record.events.contains { $0.what == "imported" && $0.json["sha256"]?.string == digest.description }
        }
        return !found
      }
      if found { return day }
    }
    return nil
  }
}
