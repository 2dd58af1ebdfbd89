import Glibc
import Record
import Testing

@testable import Attribution

/// A scenario file: what was received when, and who then held the address. `scenarios/README` tells the language.
struct Scenario: Sendable, CustomTestStringConvertible {
  struct Problem: Error, CustomStringConvertible {
    var description: String
  }

  var name: String
  var text: String
  var testDescription: String { name }

  static let all: [Scenario] = {
    let folder = String(#filePath.dropLast("Scenario.swift".count)) + "scenarios"
    guard let list = opendir(folder) else { return [] }
    defer { closedir(list) }
    var found: [Scenario] = []
    while let entry = readdir(list) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      guard name.hasSuffix(".txt"), let text = read(folder + "/" + name) else { continue }
      found.append(Scenario(name: String(name.dropLast(4)), text: text))
    }
    return found.sorted { $0.name < $1.name }
  }()

  static func read(_ path: String) -> String? {
    let fd = open(path, O_RDONLY | O_CLOEXEC)
    guard fd >= 0 else { return nil }
    defer { close(fd) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while case let n = Glibc.read(fd, &buffer, buffer.count), n > 0 { bytes += buffer[0..<n] }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Plays it and returns what is not as the file says.
  func play() throws -> [String] {
    let archive = try TestArchive()
    let index = try archive.index()
    var faults: [String] = []
    var last = try Self.time("00:00:00")
    var asked: (line: Int, answers: Answers, next: Int)?
    func finish() {
      if let a = asked, a.next < a.answers.answers.count {
        faults.append("line \(a.line): also answers \(a.answers.answers[a.next...].map(Self.describe))")
      }
      asked = nil
    }
    for (i, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let words = line.prefix { $0 != "#" }.split(separator: " ").map(String.init)
      guard let first = words.first else { continue }
      let fields = Self.fields(words)
      switch first {
      case "?":
        finish()
        try archive.follow(index)
        guard let ip = IPAddress(words[2]) else { throw Problem(description: "line \(i + 1): no address") }
        let at = try Self.time(words[1])
        let now = try fields["now"].map(Self.time) ?? (at.microseconds > last.microseconds ? at : last)
        var question = Who(ip: ip, at: at, site: fields["site"])
        if let window = fields["window"].flatMap({ JSONValue.string($0).microseconds }) { question.window = window }
        asked = (i + 1, try archive.questions(index, now: now, live: fields["folder"] == nil).who(question), 0)
      case "?nat":
        finish()
        try archive.follow(index)
        let (ip, port) = try Self.endpoint(words[2])
        let at = try Self.time(words[1])
        let now = try fields["now"].map(Self.time) ?? (at.microseconds > last.microseconds ? at : last)
        var question = Nat(
          ip: ip, port: port, at: at, to: try fields["to"].map(Self.endpoint), proto: fields["proto"], site: fields["site"])
        if let window = fields["window"].flatMap({ JSONValue.string($0).microseconds }) { question.window = window }
        asked = (i + 1, try archive.questions(index, now: now).nat(question), 0)
      case "?device":
        finish()
        try archive.follow(index)
        let (from, to) = (try Self.time(words[2]), try Self.time(words[3]))
        let now = try fields["now"].map(Self.time) ?? (to.microseconds > last.microseconds ? to : last)
        let name = words[1].utf8.count == 1 ? Self.mac(words[1]) : words[1]
        asked = (i + 1, try archive.questions(index, now: now).device(DeviceQuestion(name, from: from, to: to)), 0)
      case "=":
        guard let a = asked else { throw Problem(description: "line \(i + 1): no question before it") }
        if words[1] == "nobody" {
          if !a.answers.answers.isEmpty { faults.append("line \(i + 1): somebody: \(a.answers.answers.map(Self.describe))") }
          compare("before", fields["before"], a.answers.before?.mac.map(Self.letter), i, &faults)
          compare("after", fields["after"], a.answers.after?.mac.map(Self.letter), i, &faults)
          continue
        }
        guard a.next < a.answers.answers.count else {
          faults.append("line \(i + 1): nobody more, \(a.answers.answers.count) answers")
          continue
        }
        let answer = a.answers.answers[a.next]
        asked = (a.line, a.answers, a.next + 1)
        for (key, wanted) in fields { compare(key, wanted, try Self.value(key, answer), i, &faults) }
      case "gaps":
        guard let a = asked else { throw Problem(description: "line \(i + 1): no question before it") }
        let found = a.answers.gaps.map(\.what)
        if found != Array(words.dropFirst()) { faults.append("line \(i + 1): gaps \(found)") }
      default:
        finish()
        last = try Self.time(first)
        try record(archive, last, words, fields)
      }
    }
    finish()
    return faults
  }

  private func compare(_ key: String, _ wanted: String?, _ found: String?, _ line: Int, _ faults: inout [String]) {
    guard let wanted else { return }
    if (found ?? "-") != wanted { faults.append("line \(line + 1): \(key) is \(found ?? "-"), not \(wanted)") }
  }

  private static func value(_ key: String, _ a: Answer) throws -> String? {
    switch key {
    case "mac": a.mac.map(letter)
    case "source": a.macSource
    case "duid": a.duid
    case "cid": a.clientID
    case "name": a.hostname
    case "site": a.site
    case "basis": a.basis?.rawValue
    case "sure": a.certainty.rawValue
    case "start": clock(a.start)
    case "seen": clock(a.lastSeen)
    case "end": a.end.map(clock)
    case "why": a.endReason.rawValue
    case "clock": a.clock.rawValue
    case "off": a.clockDifferenceMilliseconds.map(String.init)
    case "ip": a.ip
    case "src": a.session?["src_port"]?.integer.map(String.init)
    case "dst": a.session?["dst_ip"]?.string
    case "from": a.session?["start"]?.string.flatMap { Timestamp(rfc3339: $0) }.map(clock)
    case "until": a.session?["end"]?.string.flatMap { Timestamp(rfc3339: $0) }.map(clock)
    case "users": a.users.map(\.user).joined(separator: ",")
    case "usersure": a.users.map(\.certainty.rawValue).joined(separator: ",")
    case "login": a.users.map { clock($0.start) }.joined(separator: ",")
    case "logout": a.users.map { $0.end.map(clock) ?? "-" }.joined(separator: ",")
    case "outer": a.users.compactMap(\.outerIP).joined(separator: ",")
    case "userevidence": a.users.first?.evidence.map { String($0.record) }.joined(separator: ",")
    case "evidence": a.evidence.map { String($0.record) }.joined(separator: ",")
    case "prefix": a.prefix
    default: throw Problem(description: "no field \(key)")
    }
  }

  private static func describe(_ a: Answer) -> String {
    "\(a.mac.map(letter) ?? a.duid ?? "?") \(a.basis?.rawValue ?? "-") \(clock(a.start)) to \(a.end.map(clock) ?? "open") \(a.endReason) \(a.certainty)"
  }

  private func record(_ archive: TestArchive, _ time: Timestamp, _ words: [String], _ f: [String: String]) throws {
    let kind = words[1]
    var event: [JSONMember] = []
    func add(_ name: String, _ value: JSONValue?) { if let value { event.append(.init(name, value)) } }
    func add(_ name: String, text: String?) { add(name, text.map(JSONValue.string)) }
    var internalRecord = false
    let actions = ["ack": "assign", "renew": "renew", "release": "release", "decline": "decline", "expire": "expire", "nak": "nak"]
    if let action = actions[kind] {
      add("kind", "lease")
      add("action", text: action)
    } else if kind == "seen" {
      add("kind", "binding")
    } else if ["login", "alive", "logout"].contains(kind) {
      add("kind", "login")
      add("action", text: ["login": "start", "alive": "update", "logout": "stop"][kind])
    } else if ["open", "update", "close", "deny", "allocate", "free", "session"].contains(kind) {
      add("kind", "session")
      if kind != "session" { add("action", text: kind) }
    } else {
      internalRecord = true
      add("kind", "notice")
      add("what", text: kind)
    }
    var further: [JSONValue] = []
    if internalRecord {
      for key in ["binding_timeout", "clock_tolerance", "where"] { add(key, text: f[key]) }
      add("source", text: f["source"])
      for key in ["since", "until"] { add(key, try f[key].map { .string(try Self.time($0).description) }) }
      for word in words.dropFirst(2) where IPAddress(word) != nil {
        further.append(
          .object(
            [
              .init("kind", "binding"), .init("ip", .string(word)), .init("mac", .string(Self.mac(f["mac"] ?? "A"))),
              .init("basis", "declared"),
            ] + (try f["from"].map { [.init("time", .string(try Self.time($0).description))] } ?? [])))
      }
    } else {
      if let proto = f["proto"] { add("protocol", text: proto) }
      for side in ["src", "nat", "dst"] {
        guard let text = f[side] else { continue }
        let block = text.split(separator: "-").map(String.init)
        let (ip, port) = try Self.endpoint(block[0])
        add(side + "_ip", text: ip.description)
        add(side + "_port", port.map(JSONValue.integer))
        if block.count > 1 { add("nat_port_last", Int(block[1]).map(JSONValue.integer)) }
      }
      if f["src"] == nil, words[2] != "-" { add(words[2].contains("/") ? "prefix" : "ip", text: words[2]) }
      add("mac", text: f["mac"].map(Self.mac))
      add("mac_source", text: f["source"])
      add("duid", text: f["duid"])
      add("client_id", text: f["cid"])
      add("hostname", text: f["name"])
      add("lease_seconds", f["lease"].flatMap { Int($0) }.map(JSONValue.integer))
      add("lease_until", try f["until"].map { .string(try Self.time($0).description) })
      if f["configured"] != nil { add("lease_from", "configuration") }
      add("user", text: f["user"])
      add("start", try f["start"].map { .string(try Self.time($0).description) })
      add("end", try f["end"].map { .string(try Self.time($0).description) })
      add("duration", f["duration"].flatMap { Int($0) }.map(JSONValue.integer))
      for (key, name) in [("outer", "outer_ip"), ("session", "session_id"), ("nas", "nas"), ("method", "method"), ("phone", "phone")] {
        add(name, text: f[key])
      }
      if f["clock"] != nil { add("clock", text: f["clock"]) }
      add("time", try f["own"].map { .string(try Self.time($0).description) })
    }
    let via = f["via"].flatMap(Via.init(rawValue:)) ?? (internalRecord ? .internal : .udp)
    try archive.record(
      time, via: via, source: internalRecord ? nil : f["from"], site: f["site"], events: [.object(event)] + further,
      raw: internalRecord ? nil : words.joined(separator: " "))
  }

  private static func fields(_ words: [String]) -> [String: String] {
    var found: [String: String] = [:]
    for word in words {
      guard let equals = word.firstIndex(of: "="), equals != word.startIndex else { continue }
      found[String(word[..<equals])] = String(word[word.index(after: equals)...])
    }
    return found
  }

  /// `1.2.3.4:5` or `1.2.3.4`.
  private static func endpoint(_ text: String) throws -> (ip: IPAddress, port: Int?) {
    let parts = text.split(separator: ":").map(String.init)
    guard let ip = IPAddress(parts[0]) else { throw Problem(description: "no address: \(text)") }
    return (ip, parts.count > 1 ? Int(parts[1]) : nil)
  }

  /// Devices are called by a letter.
  static func mac(_ letter: String) -> String {
    letter.utf8.count == 1 ? "3c:52:82:1a:7f:\(String(letter.utf8.first ?? 0, radix: 16))" : letter
  }
  static func letter(_ mac: MACAddress) -> String {
    mac.value >> 8 == 0x3c52_821a_7f ? String(UnicodeScalar(UInt8(truncatingIfNeeded: mac.value))) : mac.description
  }

  /// `10:00:00` is the first day, `2d10:00:00` the third, `-1d10:00:00` the one before; a fraction may follow.
  static func time(_ text: String) throws -> Timestamp {
    var days = 0
    var clock = text
    if let d = text.firstIndex(of: "d") {
      days = Int(text[..<d]) ?? 0
      clock = String(text[text.index(after: d)...])
    }
    guard let first = CalendarDay("2026-11-23"), let time = ClockTime(text: Array(clock.utf8).span, at: 0) else {
      throw Problem(description: "no time: \(text)")
    }
    return Timestamp(day: first.adding(days: days), clock: time, offsetMinutes: 180)
  }

  static func clock(_ time: Timestamp) -> String {
    let days = time.localDay.number - (CalendarDay("2026-11-23")?.number ?? 0)
    let text = String(time.description.dropFirst(11).prefix { $0 != "+" })
    return days == 0 ? text : "\(days)d\(text)"
  }
}
