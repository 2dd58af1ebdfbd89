import Archive
import Dialects
import Glibc
import Record
import Syslog

/// How the messages of a source are read that is imported.
public struct ImportSource: Sendable {
  /// As configured; stands in each record.
  public var name: String
  public var site: String
  public var charset: Charset
  public var dialects: DialectSet
  public var reading: SourceReading

  public init(name: String, site: String, charset: Charset, dialects: DialectSet, reading: SourceReading) {
    self.name = name
    self.site = site
    self.charset = charset
    self.dialects = dialects
    self.reading = reading
  }
}

/// `import`: a syslog text file, each line of which becomes a record.
///
/// The line's bytes are kept without their LF, with the offset in the file; an empty line is no message. Events rest on
/// the times in the lines (design section 12.20): a year that is not written is the one before the file's last change, or
/// counted from `--year` on.
struct ImportFile {
  let log: any LogAccess
  let progress: (String) -> Void

  /// Longer lines are cut, as messages from the network are.
  static let maximumMessage = 65_535
  private static let batchLines = 512
  private static let batchBytes = 1 << 18

  func run(_ invocation: Invocation, file: CInt?) throws -> Reply {
    guard let file, invocation.words.count == 1 else { throw Refusal(.usage, "import takes one open file at a time") }
    let path = invocation.words[0]
    guard let name = invocation.value("source"), !name.isEmpty else {
      throw UsageError("--source is missing", hint: "--source NAME: the device that wrote the file")
    }
    let year = try invocation.value("year").map { text throws(UsageError) in
      guard let year = Array(text.utf8).span.decimal, (1970...9999).contains(year) else {
        throw UsageError("--year: \(Arguments.quoted(text)) is no year")
      }
      return year
    }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw Refusal(.unreachable, "\(path): not a regular file", hint: "write what a pipe gives into a file first: its hash is recorded")
    }
    let size = Int(status.st_size)
    try refuseOtherFormats(file, path, asked: invocation.value("format"))
    let digest = try hash(file, size, path)
    if !invocation.has("again"), let day = try importedBefore(digest) {
      throw Refusal(.noAnswer, "\(path) was imported before, on \(day): nothing was written", hint: "--again imports it once more")
    }
    let writing = try log.writing()
    guard var source = try writing.source(named: name) else {
      throw UsageError(
        "--source: the configuration has no device \(Arguments.quoted(name))", hint: "its `devices` say how each one's messages are read")
    }
    source.reading.trustsDeviceClock = true
    let changed = Int64(status.st_mtim.tv_sec) * Timestamp.second
    var run = Run(
      writing: writing, source: source, zone: log.zone, path: path,
      clock: YearRule(zone: source.reading.zone, first: year, changed: changed))
    try lines(file, size, path) { line, offset in try run.add(line, at: offset) }
    try run.flush()
    guard try hash(file, size, path) == digest else {
      // The records hold what was read; only the claim that they are this file must not be made.
      throw Refusal(
        .noAnswer, "\(path) changed while it was read; its lines are in the log, but not as this file",
        hint: "import it again with --again once it is still")
    }
    let counts = [
      JSONMember("records", .integer(run.records)), JSONMember("events", .integer(run.events)),
      JSONMember("not_understood", .integer(run.notUnderstood)),
    ]
    let named = [JSONMember("file", .string(path)), JSONMember("sha256", .string(digest.description))]
    try writing.notice("imported", named + [JSONMember("bytes", .integer(size)), JSONMember("source", .string(source.name))] + counts)
    try writing.commit()
    return Reply(.answered, json: JSONValue.object(named + counts).bytes, answers: run.records)
  }

  // MARK: - Before

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

  /// A file of another format must not become thousands of lines that nobody understands.
  private func refuseOtherFormats(_ file: CInt, _ path: String, asked: String?) throws {
    guard asked == nil else { return }
    var head = [UInt8](repeating: 0, count: 4096)
    let n = head.withUnsafeMutableBytes { pread(file, $0.baseAddress, $0.count, 0) }
    guard n >= 0 else { throw Refusal(.unreachable, "\(path): \(String(cString: strerror(errno)))") }
    guard let format = FileFormat.of(head.span.extracting(0..<n)) else { return }
    throw UsageError("\(path) looks like \(format), which is not there yet", hint: "--format syslog reads it as lines all the same")
  }

  private func hash(_ file: CInt, _ size: Int, _ path: String) throws -> Digest {
    let hash = SHA256()
    try parts(file, size, path) { part, _ in hash.update(part.span) }
    return hash.finish()
  }

  // MARK: - Reading

  private func parts(_ file: CInt, _ size: Int, _ path: String, _ body: (ArraySlice<UInt8>, Int) throws -> Void) throws {
    var buffer = [UInt8](repeating: 0, count: 1 << 18)
    var offset = 0
    while offset < size {
      let n = buffer.withUnsafeMutableBytes { pread(file, $0.baseAddress, min($0.count, size - offset), off_t(offset)) }
      if n < 0, errno == EINTR { continue }
      guard n > 0 else {
        throw Refusal(.unreachable, "\(path): \(n < 0 ? String(cString: strerror(errno)) : "became shorter while it was read")")
      }
      try body(buffer[0..<n], offset)
      offset += n
    }
  }

  /// Every line without its LF, and where it begins.
  private func lines(_ file: CInt, _ size: Int, _ path: String, _ body: (Line, Int) throws -> Void) throws {
    var line = Line()
    var start = 0
    var told = 0
    try parts(file, size, path) { part, offset in
      var from = part.startIndex
      while let lf = part[from...].firstIndex(of: 0x0a) {
        line.append(part[from..<lf])
        if line.count > 0 { try body(line, start) }
        line.removeAll()
        from = lf + 1
        start = offset + from
      }
      line.append(part[from...])
      if offset - told > 8 << 20 {
        told = offset
        progress("\(path): \(offset * 100 / max(1, size)) %")
      }
    }
    if line.count > 0 { try body(line, start) }
  }

  /// A line's bytes, at most `maximumMessage` of them kept.
  fileprivate struct Line {
    var bytes: [UInt8] = []
    var count = 0

    mutating func append(_ part: ArraySlice<UInt8>) {
      count += part.count
      bytes += part.prefix(max(0, ImportFile.maximumMessage - bytes.count))
    }

    mutating func removeAll() {
      bytes.removeAll(keepingCapacity: true)
      count = 0
    }
  }

  // MARK: - Writing

  fileprivate struct Run {
    let writing: any LogWriting
    let source: ImportSource
    let zone: Zone
    let sender: [UInt8]
    var clock: YearRule
    var normaliser: Normaliser
    var writer = RecordWriter()
    var list = EventList()
    var text: [UInt8] = []
    var out: [UInt8] = []
    var lines = 0
    var records = 0
    var events = 0
    var notUnderstood = 0

    init(writing: any LogWriting, source: ImportSource, zone: Zone, path: String, clock: YearRule) {
      self.writing = writing
      self.source = source
      self.zone = zone
      self.clock = clock
      sender = RecordWriter.sender(via: .import, source: source.name, site: source.site, from: path)
      normaliser = Normaliser(source.dialects)
    }

    mutating func add(_ line: Line, at offset: Int) throws {
      let sender = sender
      var now = timespec()
      clock_gettime(CLOCK_REALTIME, &now)
      let microseconds = Int64(now.tv_sec) * Timestamp.second + Int64(now.tv_nsec) / 1000
      writer.begin(&out, microseconds: microseconds, offsetMinutes: zone.offsetMinutes(at: microseconds), sender: sender.span)
      RecordWriter.position(&out, at: offset, cut: line.count > line.bytes.count ? .some(line.count) : nil)
      list.removeAll()
      if source.charset.isText(line.bytes.span) {
        RecordWriter.raw(&out, utf8: line.bytes.span)
        read(line.bytes)
      } else {
        text.removeAll(keepingCapacity: true)
        source.charset.decode(line.bytes.span, into: &text)
        RecordWriter.raw(&out, bytes: line.bytes.span, text: text)
        read(text)
      }
      RecordWriter.end(&out, events: list)
      lines += 1
      records += 1
      events += list.count
      if lines >= ImportFile.batchLines || out.count >= ImportFile.batchBytes { try flush() }
    }

    private mutating func read(_ text: [UInt8]) {
      // A line's own time stands for its reception: `after` then looks at what was logged together.
      let reference = clock.reference(SyslogMessage(text.span))
      if case .notUnderstood = normaliser.read(text.span, received: reference, sender: 1, source: source.reading, into: &list) {
        notUnderstood += 1
      }
    }

    mutating func flush() throws {
      guard lines > 0 else { return }
      try writing.append(out, records: lines)
      out.removeAll(keepingCapacity: true)
      lines = 0
    }
  }
}

/// Which year a line of a file is of, where it does not say.
struct YearRule {
  let zone: Zone
  /// From here back the nearest such date is taken; microseconds.
  private var horizon: Int64
  private let isCounted: Bool

  /// - Parameters:
  ///   - first: the year of the first line.
  ///   - changed: the file's last change.
  init(zone: Zone, first: Int?, changed: Int64) {
    self.zone = zone
    isCounted = first != nil
    horizon = changed
    // `DeviceTime` goes at most a day beyond: the year's last moment, less that day.
    if let first, let new = CalendarDay(year: first + 1, month: 1, day: 1) {
      horizon = TimeArgument.firstMoment(of: new, in: zone).microseconds - Timestamp.day - 1
    }
  }

  /// The message's time, or what stands for it.
  mutating func reference(_ message: SyslogMessage) -> Int64 {
    guard let time = message.time?.resolved(zone: zone, received: horizon) else { return horizon }
    // Lines follow each other: the next is not more than a day before this one, and not more than 364 days after it.
    if isCounted { horizon = time.microseconds + 363 * Timestamp.day }
    return time.microseconds
  }
}

/// What a file is, by its first bytes, where it is surely not lines of syslog.
enum FileFormat {
  static func of(_ head: Span<UInt8>) -> String? {
    for magic in [
      [0xd4, 0xc3, 0xb2, 0xa1], [0xa1, 0xb2, 0xc3, 0xd4], [0x4d, 0x3c, 0xb2, 0xa1], [0xa1, 0xb2, 0x3c, 0x4d], [0x0a, 0x0d, 0x0d, 0x0a],
    ] as [[UInt8]]
    where head.count >= 4 && head.extracting(0..<4).equals(magic.span) {
      return "a packet capture (pcap)"
    }
    if head.count >= 2 && head[0] == 0x1f && head[1] == 0x8b { return "a gzip file (unpack it first)" }
    if head.starts(with: "address,hwaddr,") || head.starts(with: "address,duid,") { return "Kea's lease file (kea-leases)" }
    if head.starts(with: "# The format of this file is documented in the dhcpd.leases") || head.starts(with: "lease ") && has("{", head) {
      return "dhcpd's lease file (isc-leases)"
    }
    if has("Microsoft DHCP", head) || has("ID,Date,Time,Description", head) { return "a Windows DHCP audit log (windows-dhcp)" }
    return nil
  }

  private static func has(_ text: StaticString, _ head: Span<UInt8>) -> Bool { head.indices.contains { head.starts(with: text, at: $0) } }
}
