import Record

/// What the daemon said in a notice about how its records are to be read.
struct Setting: Hashable, Sendable {
  /// Since which record's time.
  var time = Moment(raw: .min)
  /// Seconds.
  var bindingTimeout: Int
  /// Microseconds.
  var tolerance: Int64

  /// Where no notice says otherwise (design section 10).
  static let defaults = Setting(bindingTimeout: 3600, tolerance: 2 * Timestamp.second)
}

extension Index {
  /// In the order of the records.
  func settings() throws -> [Setting] {
    var found: [Setting] = []
    try database.statement("SELECT time, binding_timeout, tolerance FROM setting ORDER BY position").forEach { row in
      found.append(Setting(time: Moment(raw: row.int64(0)), bindingTimeout: row.int(1), tolerance: row.int64(2)))
      return true
    }
    return found
  }

  /// What was in force at that time.
  func setting(at time: Moment) throws -> Setting { try settings().last { $0.time <= time } ?? .defaults }
}

extension JSONValue {
  /// A duration as the configuration has it, `1h`, `500ms`, or a number of seconds.
  var microseconds: Int64? {
    if let integer { return integer >= 0 && integer <= 1 << 32 ? Int64(integer) * Timestamp.second : nil }
    guard let string else { return nil }
    let text = Array(string.utf8)
    let digits = text.prefix { $0.isDigit }.count
    guard digits <= 10, let count = text.span.extracting(0..<digits).decimal else { return nil }
    let unit: Int64
    switch string.dropFirst(digits) {
    case "ms": unit = Timestamp.second / 1000
    case "s": unit = Timestamp.second
    case "m": unit = Timestamp.minute
    case "h": unit = Timestamp.hour
    case "d": unit = Timestamp.day
    default: return nil
    }
    let (product, over) = Int64(count).multipliedReportingOverflow(by: unit)
    return over || product > 1 << 52 ? nil : product
  }

  var seconds: Int? { microseconds.map { Int($0 / Timestamp.second) } }
}
