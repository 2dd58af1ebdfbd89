// What one message costs the thread that makes records, without sockets and disks: reading it by the dialects and writing
// its record's line. For work on that path; `scripts/bench` measures the whole daemon beside its peer.
//
//     BENCH=1 swift build -c release --product reading-bench
//     reading-bench FILE [MESSAGES]
//
// FILE holds messages, one a line. Prints microseconds a message by the dialect that read it, and a checksum of all lines
// that were made: the same before and after a change that shall change nothing.
import Dialects
import Glibc
import Record

private func seconds() -> Double {
  var now = timespec()
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now)
  return Double(now.tv_sec) + Double(now.tv_nsec) * 1e-9
}

private func contents(_ path: String) -> [UInt8]? {
  guard let file = fopen(path, "r") else { return nil }
  defer { fclose(file) }
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 1 << 16)
  while case let n = fread(&buffer, 1, buffer.count, file), n > 0 { bytes += buffer[..<n] }
  return bytes
}

private struct Reading: ~Copyable {
  var normaliser = Normaliser(.builtIn)
  var record = RecordWriter()
  var events = EventList()
  let source = SourceReading(zone: .utc)
  let sender = RecordWriter.sender(via: .udp, from: "192.0.2.1:514")

  /// Appends the record's line.
  mutating func read(_ message: [UInt8], at time: Int64, _ out: inout [UInt8]) -> Outcome {
    let bytes = message.span
    let sender = sender
    record.begin(&out, microseconds: time, offsetMinutes: 0, sender: sender.span)
    RecordWriter.position(&out)
    events.removeAll()
    RecordWriter.raw(&out, utf8: bytes)
    let outcome = normaliser.read(bytes, received: time, sender: 1, source: source, into: &events)
    RecordWriter.end(&out, events: events)
    return outcome
  }
}

@main enum ReadingBench {
  static func main() {
    let arguments = CommandLine.arguments
    guard arguments.count > 1, let text = contents(arguments[1]) else {
      print("usage: reading-bench FILE [MESSAGES]")
      exit(2)
    }
    let count = arguments.count > 2 ? Int(arguments[2]) ?? 0 : 1_000_000
    let messages = text.split(separator: 0x0a).map(Array.init)
    guard !messages.isEmpty, count > 0 else {
      print("reading-bench: no messages")
      exit(2)
    }
    var reading = Reading()
    var out: [UInt8] = []
    out.reserveCapacity(2 << 20)
    var checksum: UInt64 = 0xcbf2_9ce4_8422_2325
    var groups: [String: [[UInt8]]] = [:]
    // 2026-11-23T11:00:00Z
    let start: Int64 = 1_795_431_600_000_000
    for (i, message) in messages.enumerated() {
      out.removeAll(keepingCapacity: true)
      let name =
        switch reading.read(message, at: start + Int64(i), &out) {
        case .event(let dialect, _): reading.normaliser.set.label(dialect)
        case .nothing(let dialect, _): reading.normaliser.set.label(dialect) + " without event"
        case .notUnderstood(let dialect): reading.normaliser.set.label(dialect) + " not understood"
        case .notForUs: "no dialect"
        }
      groups[name, default: []].append(message)
      for b in out { checksum = (checksum ^ UInt64(b)) &* 0x100_0000_01b3 }
    }
    print("checksum \(String(checksum, radix: 16))")
    func measure(_ name: String, _ messages: [[UInt8]], _ count: Int) {
      let before = seconds()
      var n = 0
      while n < count {
        for message in messages {
          if out.count > 1 << 20 { out.removeAll(keepingCapacity: true) }
          _ = reading.read(message, at: start + Int64(n), &out)
          n += 1
        }
      }
      let cost = (seconds() - before) / Double(n) * 1_000_000
      let hundredths = Int(cost * 100)
      print("\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100) us  \(name) (\(messages.count))")
    }
    for (name, list) in groups.sorted(by: { $0.value.count > $1.value.count }) { measure(name, list, count / 10) }
    measure("all", messages, count)
  }
}
