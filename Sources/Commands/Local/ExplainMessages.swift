import Dialects
import Glibc
import Record
import Syslog

/// `explain`: how messages are read, one a line, without archive and daemon.
public struct ExplainMessages {
  public var dialects: DialectSet
  public var reading: SourceReading
  public var charset: Charset

  public init(dialects: DialectSet, reading: SourceReading, charset: Charset) {
    self.dialects = dialects
    self.reading = reading
    self.charset = charset
  }

  /// - Parameter give: takes each answer's JSON; false ends the reading.
  public func run(_ invocation: Invocation, give: ([UInt8]) -> Bool) -> Reply {
    var input: CInt = 0
    if let path = invocation.words.first, path != "-" {
      input = open(path, O_RDONLY | O_CLOEXEC)
      guard input >= 0 else { return Refusal(.unreachable, "\(path): \(String(cString: strerror(errno)))").reply }
    }
    defer { if input > 0 { close(input) } }
    do {
      let named = try narrowed(invocation)
      var normaliser = Normaliser(dialects)
      var found = 0
      try lines(input) { line, number in
        let message = invocation.has("base64") ? Base64.bytes(line.span) : line
        guard let message else { throw UsageError("line \(number) is not base64") }
        var text = message
        if !named.charset.isText(message.span) {
          text = []
          named.charset.decode(message.span, into: &text)
        }
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let received = Int64(now.tv_sec) * Timestamp.second + Int64(now.tv_nsec) / 1000
        var explanation = normaliser.explain(text.span, received: received, sender: 1, source: named.reading)
        if text != message, named.charset.containsASCII, let bytes = SyslogMessage(message.span).message {
          // What `message` shows is a reading of bytes that are not UTF-8: these are they.
          var base64: [UInt8] = []
          base64.append(base64: message.span.extracting(bytes))
          explanation.syslog.append(JSONMember("message_base64", .string(String(decoding: base64, as: UTF8.self))))
        }
        if !explanation.events.isEmpty { found += 1 }
        return give(explanation.json.bytes)
      }
      return Reply(found > 0 ? .answered : .noAnswer)
    } catch { return Refusal(error).reply }
  }

  private func narrowed(_ invocation: Invocation) throws(UsageError) -> ExplainMessages {
    var out = self
    if let name = invocation.value("charset") {
      guard let charset = Charset(rawValue: name.lowercased()) else {
        throw UsageError(
          "--charset: \(Arguments.quoted(name)) is not known", hint: Charset.allCases.map(\.rawValue).joined(separator: ", "))
      }
      out.charset = charset
    }
    if let name = invocation.value("dialect") {
      guard let index = dialects.index(of: name) else {
        let names = dialects.dialects.map(\.name)
        let near = Arguments.nearest(name, among: names)
        throw UsageError(
          "--dialect: \(Arguments.quoted(name)) is not known", hint: near.map { "did you mean `\($0)`?" } ?? names.joined(separator: ", "))
      }
      out.reading.dialects = [index]
    }
    return out
  }

  /// Lines without LF; a message is at most 1 MiB.
  private func lines(_ input: CInt, _ body: ([UInt8], Int) throws -> Bool) throws {
    var line: [UInt8] = []
    var number = 0
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    func give() throws -> Bool {
      number += 1
      defer { line.removeAll(keepingCapacity: true) }
      return try body(line, number)
    }
    while true {
      let n = buffer.withUnsafeMutableBytes { read(input, $0.baseAddress, $0.count) }
      if n < 0, errno == EINTR { continue }
      guard n >= 0 else { throw Refusal(.unreachable, "the messages cannot be read: \(String(cString: strerror(errno)))") }
      if n == 0 { break }
      var from = 0
      while let lf = buffer[from..<n].firstIndex(of: 0x0a) {
        line += buffer[from..<lf]
        if try !give() { return }
        from = lf + 1
      }
      line += buffer[from..<n]
      guard line.count <= StrictJSON.maximumLine else { throw UsageError("line \(number + 1) is longer than 1 MiB") }
    }
    if !line.isEmpty { _ = try give() }
  }
}
