import Archive
import Attribution
import CLinux
import Record

/// Records that hold a text.
struct Search {
  let log: any LogAccess
  let progress: (String) -> Void

  static let maximumRecords = 1000
  /// Of the records together: what one answer may take of the daemon's memory.
  static let maximumBytes = 16 << 20

  func run(_ invocation: Invocation) throws -> Reply {
    let text = invocation.words[0]
    guard !text.isEmpty else { throw UsageError("TEXT is empty") }
    let (from, to) = try Between.of(invocation, in: log.zone)
    let kind = try invocation.value("kind").map { word throws(UsageError) in
      guard let kind = EventKind(rawValue: word) else {
        throw UsageError(
          "--kind: \(Arguments.quoted(word)) is no kind of event", hint: EventKind.allCases.map(\.rawValue).joined(separator: ", "))
      }
      return kind
    }
    var found = Found()
    if try !byIndex(text, from, to, kind, &found) { try byText(text, from, to, kind, &found) }
    var question: [JSONMember] = [
      JSONMember("text", .string(text)), JSONMember("from", .string(from.description)), JSONMember("to", .string(to.description)),
    ]
    if let kind { question.append(JSONMember("kind", .string(kind.rawValue))) }
    var json: [UInt8] = []
    json.append("{\"question\":")
    JSONValue.object(question).write(into: &json)
    json.append(",\"records\":[")
    json += found.json
    json.append("],\"truncated\":")
    json.append(found.truncated ? "true}" : "false}")
    return Reply(found.count == 0 ? .noAnswer : .answered, json: json, answers: found.count)
  }

  private struct Found {
    var json: [UInt8] = []
    var count = 0
    var truncated = false

    /// - Returns: false when there is no room for more.
    mutating func add(_ day: CalendarDay, _ number: Int, _ line: Span<UInt8>) -> Bool {
      guard count < Search.maximumRecords, json.count + line.count < Search.maximumBytes else {
        truncated = true
        return false
      }
      if count > 0 { json.append(0x2c) }
      json.append("{\"day\":\"")
      json.append(day)
      json.append("\",\"record\":")
      json.append(decimal: number)
      json.append(",\"line\":")
      json.append(jsonString: line)
      json.append(0x7d)
      count += 1
      return true
    }
  }

  // MARK: - By index

  /// - Returns: false where the index does not know the text.
  private func byIndex(
    _ text: String, _ from: Timestamp, _ to: Timestamp, _ kind: EventKind?, _ found: inout Found
  ) throws -> Bool {
    guard kind != .notice else { return false }
    let questions = try log.questions(blocks: true, progress: progress)
    try questions.forEachRecord(naming: text, from: from, to: to, kind: kind) { found.add($0.day, $0.record, $1) }
    return found.count > 0
  }

  // MARK: - By reading

  /// Compares bytes; a record belongs to the span by the time of its reception.
  private func byText(_ text: String, _ from: Timestamp, _ to: Timestamp, _ kind: EventKind?, _ found: inout Found) throws {
    let wanted = Needle(text)
    var read = 0
    for day in try log.archive.days() where try mayHold(day, from, to) {
      var more = true
      try DayReader(log.archive.day(day)).forEach { number, line in
        read += 1
        if read % 65_536 == 0 { progress("reading \(day): \(Words.grouped(number)) records, \(found.count) found") }
        guard let time = RecordTime.of(line), time.microseconds >= from.microseconds, time.microseconds <= to.microseconds,
          wanted.isIn(line), kind.map({ Self.has($0, line) }) ?? true
        else { return true }
        more = found.add(day, number, line)
        return more
      }
      if !more { return }
    }
  }

  /// A closed day's seal says from when to when its records are; an open day may hold any.
  private func mayHold(_ day: CalendarDay, _ from: Timestamp, _ to: Timestamp) throws -> Bool {
    guard let last = try log.seals.seals(of: day).last, last.final else { return true }
    guard let earliest = last.earliest, let latest = last.latest else { return false }
    return earliest.microseconds <= to.microseconds && latest.microseconds >= from.microseconds
  }

  private static func has(_ kind: EventKind, _ line: Span<UInt8>) -> Bool {
    (try? RecordLine(line))?.events.contains { $0.kind == kind } ?? false
  }
}

/// A text that is looked for in records' lines, without taking each of them apart.
struct Needle {
  private let escaped: [UInt8]
  private let plain: [UInt8]

  /// - Parameter asWritten: the text is JSON, not the inside of a string.
  init(_ text: String, asWritten: Bool = false) {
    let bytes = Array(text.utf8)
    var inside: [UInt8] = []
    if asWritten { inside = bytes } else { inside.append(jsonEscaped: bytes.span) }
    plain = bytes
    escaped = inside
  }

  /// Whether a member of the record holds the text, as it is after JSON's escapes are resolved, or the received bytes
  /// behind `raw_base64` do.
  func isIn(_ line: Span<UInt8>) -> Bool {
    if find(escaped, in: line, escapes: true) { return true }
    guard let start = place(of: Self.base64, in: line) else { return false }
    let from = start + Self.base64.count
    guard let end = line.firstIndex(of: 0x22, from: from), let bytes = Base64.bytes(line.extracting(from..<end)) else { return false }
    return find(plain, in: bytes.span, escapes: false)
  }

  private static let base64 = Array(",\"raw_base64\":\"".utf8)

  private func place(of text: [UInt8], in bytes: Span<UInt8>, from: Int = 0) -> Int? {
    let found = bytes.withUnsafeBytes { bytes in
      text.withUnsafeBytes { linux_find(bytes.baseAddress?.advanced(by: from), bytes.count - from, $0.baseAddress, $0.count) }
    }
    return found < 0 ? nil : from + found
  }

  private func find(_ text: [UInt8], in bytes: Span<UInt8>, escapes: Bool) -> Bool {
    var from = 0
    while let at = place(of: text, in: bytes, from: from) {
      // `\nfoo` in a line is a line feed and `foo`, not `nfoo`: an odd number of backslashes before belongs to the text's first byte.
      var backslashes = 0
      while escapes, backslashes < at, bytes[at - 1 - backslashes] == 0x5c { backslashes += 1 }
      if backslashes.isMultiple(of: 2) { return true }
      from = at + 1
    }
    return false
  }
}

/// `--from` and `--to`.
enum Between {
  static func of(_ invocation: Invocation, in zone: Zone) throws(UsageError) -> (from: Timestamp, to: Timestamp) {
    guard let first = invocation.value("from") else { throw UsageError("--from is missing", hint: "--from TIME --to TIME") }
    guard let last = invocation.value("to") else { throw UsageError("--to is missing", hint: "--from TIME --to TIME") }
    let from = try TimeArgument(first).beginning(in: zone)
    let to = try TimeArgument(last).end(in: zone)
    guard from.microseconds <= to.microseconds else { throw UsageError("--from is later than --to") }
    return (from, to)
  }
}
