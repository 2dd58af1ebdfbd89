public import Record

/// What the verifier says of one PATH.
public struct VerifierReport: Sendable {
  public struct Day: Sendable {
    public enum Result: String, Sendable { case ok, broken, unproven, deleted, open }

    public var day: CalendarDay
    public var result = Result.ok
    public var records = 0
    public var bytes = 0
    public var seals = 0
    /// Earliest trusted time at which the day's last seal existed.
    public var provenAt: Timestamp?
    /// Common name of the authority that says so.
    public var authority: String?
    /// SHA-256 of the certificate that signed the day's last seal.
    public var signer: String?
    public var findings: [Finding] = []

    init(day: CalendarDay) { self.day = day }
  }

  /// A record that an evidence bundle holds, whatever was found out about it.
  public struct Record: Sendable {
    public var day: CalendarDay
    public var record: Int
    public var seal: Int
    public var provenAt: Timestamp?
    public var authority: String?
    /// Without LF.
    public var line: [UInt8]
  }

  public var path: String
  public var result: Finding.Result
  public var logID: String?
  public var logName: String?
  /// Of the last final seal.
  public var head: Head?
  public var days: [Day] = []
  /// Those that belong to no listed day.
  public var findings: [Finding] = []
  /// Of a bundle; nil for an archive.
  public var records: [Record]?

  init(path: String, result: Finding.Result, logID: String? = nil, logName: String? = nil) {
    self.path = path
    self.result = result
    self.logID = logID
    self.logName = logName
  }

  /// What can only be said to be broken.
  init(path: String, malformed detail: String) {
    self.init(path: path, result: .broken)
    findings = [Finding(what: .malformed, day: nil, place: path, detail: detail)]
  }

  /// One line, as design section 6 has it; without LF. A bundle's has `records` behind it.
  public var json: JSONValue {
    guard case .object(var members) = common, let records else { return common }
    members.append(
      JSONMember(
        "records",
        .array(
          records.map {
            [
              "day": .string($0.day.description), "record": .integer($0.record), "seal": .integer($0.seal),
              "proven_at": JSONValue($0.provenAt?.description), "authority": JSONValue($0.authority),
              "line": .string(String(decoding: $0.line, as: UTF8.self)),
            ]
          })))
    return .object(members)
  }

  private var common: JSONValue {
    [
      "result": .string(result.rawValue), "log": ["id": JSONValue(logID), "name": JSONValue(logName)],
      "head": JSONValue(head?.description),
      "days": .array(
        days.map { day in
          [
            "day": .string(day.day.description), "result": .string(day.result.rawValue), "records": .integer(day.records),
            "bytes": .integer(day.bytes), "seals": .integer(day.seals), "proven_at": JSONValue(day.provenAt?.description),
            "authority": JSONValue(day.authority), "signer": JSONValue(day.signer),
            "findings": .array(day.findings.map { Self.json($0, withDay: false) }),
          ]
        }), "findings": .array(findings.map { Self.json($0, withDay: true) }),
    ]
  }

  private static func json(_ finding: Finding, withDay: Bool) -> JSONValue {
    var members = [
      JSONMember("what", .string(finding.what.rawValue)), JSONMember("where", .string(finding.place)),
      JSONMember("detail", .string(finding.detail)),
    ]
    if withDay, let day = finding.day { members.append(JSONMember("day", .string(day.description))) }
    return .object(members)
  }

  /// One line per day, one per finding, and a last line that says the result in words; each ends with LF.
  /// - Parameter color: for a terminal.
  public func text(color: Bool = false) -> String {
    var out = ""
    func paint(_ text: String, _ result: Finding.Result) -> String {
      guard color else { return text }
      let code = result == .ok ? "32" : result == .unproven ? "33" : "31"
      return "\u{1b}[\(code)m\(text)\u{1b}[0m"
    }
    func line(_ finding: Finding, _ indent: String) {
      let day = indent.isEmpty ? finding.day.map { "\($0) " } ?? "" : ""
      out += indent + day + paint(finding.what.rawValue, finding.what.result) + ": \(visible(finding.place)): \(visible(finding.detail))\n"
    }
    for day in days {
      let result: Finding.Result = day.result == .broken ? .broken : day.result == .ok || day.result == .deleted ? .ok : .unproven
      let records = String(day.records)
      out +=
        "\(day.day)  \(paint(day.result.rawValue.padded(8), result))  \(String(repeating: " ", count: max(0, 10 - records.utf8.count)))"
      out += "\(records) records  \(day.seals) \(day.seals == 1 ? "seal" : "seals")  "
      if let at = day.provenAt {
        out += "existed at \(at) (\(at.at(offsetMinutes: 0))), says \(visible(day.authority ?? "?"))\n"
      } else {
        out += "not proven by a time stamp\n"
      }
      for finding in day.findings { line(finding, "    ") }
    }
    for finding in findings { line(finding, "") }
    for record in records ?? [] {
      out += "\(record.day) record \(record.record), seal \(record.seal), "
      out += record.provenAt.map { "existed at \($0) (\($0.at(offsetMinutes: 0)))" } ?? "not proven by a time stamp"
      out += ":\n    \(visible(record.line))\n"
    }
    if records != nil { out += "README.html in the bundle is a page to read, not evidence: what counts is what is printed here.\n" }
    if let head { out += "head: \(head)\n" }
    return out + "\(visible(path)): \(paint(result.words, result))\n"
  }
}

extension String {
  fileprivate func padded(_ width: Int) -> String { self + String(repeating: " ", count: max(0, width - utf8.count)) }
}
