import Record

/// Answers of several logs about who held an address, put together: what two collectors say of the same device, or the
/// same session, at the same time is one answer with the evidence of both.
struct MergedHolders {
  private struct Entry {
    var answer: JSONValue
    /// The numbers of the logs that know of it.
    var logs: Set<Int>
  }

  private let command: CommandName
  private var given: [(answer: JSONValue, log: Int)] = []

  init(_ command: CommandName) { self.command = command }

  /// Takes one log's answers; its name goes to all evidence.
  mutating func add(_ answers: [JSONValue], of log: Int, named name: String) {
    func tagged(_ evidence: JSONValue?) -> JSONValue { .array((evidence?.array ?? []).map { $0.with("log", .string(name)) }) }
    for answer in answers {
      let users = (answer["users"]?.array ?? []).map { $0.with("evidence", tagged($0["evidence"])) }
      given.append((answer.with("users", .array(users)).with("evidence", tagged(answer["evidence"])), log))
    }
  }

  /// In the order in which one log gives them.
  var answers: [JSONValue] { ordered(judged(entries)).map(\.answer) }
  /// The one that ended last.
  var last: JSONValue? { entries.map(\.answer).max { HeldSpan($0).end < HeldSpan($1).end } }
  /// The one that began first.
  var first: JSONValue? { entries.map(\.answer).min { HeldSpan($0).start < HeldSpan($1).start } }

  private var entries: [Entry] {
    var entries: [Entry] = []
    // What names no device is joined to what does.
    for one in given.filter({ !Holder.isNameless($0.answer) }) + given.filter({ Holder.isNameless($0.answer) }) {
      var best: (entry: Int, overlap: Int64)?
      for (i, entry) in entries.enumerated() where entry.logs != [one.log] {
        // One log tells of one session once, and knows itself whose a login is; a lease of one may be several sightings of the
        // other.
        if Holder.session(one.answer) != nil || Holder.isNameless(one.answer), entry.logs.contains(one.log) { continue }
        guard let overlap = Holder.overlap(entry.answer, one.answer), overlap > best?.overlap ?? -1 else { continue }
        best = (i, overlap)
      }
      if let best {
        entries[best.entry].answer = Holder.joined(entries[best.entry].answer, one.answer)
        entries[best.entry].logs.insert(one.log)
      } else {
        entries.append(Entry(answer: one.answer, logs: [one.log]))
      }
    }
    return entries
  }

  /// Logs that name different holders contradict each other: then no candidate is more than possible, but for one that alone
  /// is confirmed, while the other log could not be sure.
  private func judged(_ entries: [Entry]) -> [Entry] {
    guard command != .device else { return entries }
    var out = entries
    for (i, one) in entries.enumerated() {
      for (j, other) in entries.enumerated() where i != j && Holder.contradict(one.answer, other.answer) {
        let isLowered: Bool
        if one.logs.isDisjoint(with: other.logs) {
          isLowered = !Holder.isConfirmed(one.answer) || Holder.isConfirmed(other.answer)
        } else {
          // A log that knew both has judged; another that saw one of them only does not outweigh it.
          isLowered = one.logs.count > 1
        }
        if isLowered { out[i].answer = out[i].answer.with("certainty", "possible") }
      }
    }
    return out
  }

  private func ordered(_ entries: [Entry]) -> [Entry] {
    func surer(_ a: JSONValue, _ b: JSONValue) -> Bool? {
      let (x, y) = (Holder.certainty(a), Holder.certainty(b))
      return x == y ? nil : x > y
    }
    func earlier(_ a: JSONValue, _ b: JSONValue) -> Bool? {
      let (x, y) = (HeldSpan(a).start, HeldSpan(b).start)
      return x == y ? nil : x < y
    }
    func isBefore(_ a: JSONValue, _ b: JSONValue) -> Bool? {
      switch command {
      case .nat: return surer(a, b) ?? earlier(a, b)
      case .device:
        if let before = earlier(a, b) { return before }
        let (x, y) = (a["ip"]?.string ?? "", b["ip"]?.string ?? "")
        return x == y ? nil : x < y
      default:
        // The address itself before the prefixes around it, the narrowest first; then by site.
        let (x, y) = (Holder.prefixLength(a), Holder.prefixLength(b))
        if x != y { return x > y }
        let (s, t) = (a["site"]?.string ?? "", b["site"]?.string ?? "")
        if s != t { return s.utf8.lexicographicallyPrecedes(t.utf8) }
        if let surer = surer(a, b) { return surer }
        return Holder.rank(a) == Holder.rank(b) ? nil : Holder.rank(a) < Holder.rank(b)
      }
    }
    return entries.enumerated().sorted { isBefore($0.element.answer, $1.element.answer) ?? ($0.offset < $1.offset) }.map(\.element)
  }
}

/// From when to when something lasted, in microseconds.
struct HeldSpan {
  var start: Int64
  /// Later than all where it may still last.
  var end: Int64

  /// Two collectors hear one message at slightly different moments, by clocks of their own.
  static let slack = 10 * Timestamp.second

  init(_ value: JSONValue) {
    start = value.microseconds("start") ?? .min / 4
    end = value.microseconds("end") ?? .max / 4
  }

  /// For how long both lasted; nil where they did not meet.
  func overlap(_ other: HeldSpan) -> Int64? {
    let both = min(end, other.end) - max(start, other.start)
    return both > 0 ? both : abs(start - other.start) <= Self.slack ? 0 : nil
  }
}

/// What is known of one answer or row, beside another log's.
enum Holder {
  // MARK: Whether two are one

  /// nil where they name nothing in common.
  static func isSameDevice(_ a: JSONValue, _ b: JSONValue) -> Bool? {
    func same(_ name: String) -> Bool? {
      guard let x = a[name]?.string, let y = b[name]?.string else { return nil }
      return x == y
    }
    // A MAC out of a DUID may be that of another of the device's interfaces.
    if a["mac_source"]?.string == "duid" || b["mac_source"]?.string == "duid", let isSame = same("duid") { return isSame }
    return same("mac") ?? same("duid") ?? same("client_id")
  }

  static func isNameless(_ a: JSONValue) -> Bool { ["mac", "duid", "client_id"].allSatisfy { a[$0]?.string == nil } }

  static func session(_ a: JSONValue) -> JSONValue? { a["session"].flatMap { $0.isNull ? nil : $0 } }

  static func isSamePlace(_ a: JSONValue, _ b: JSONValue) -> Bool {
    a["site"] == b["site"] && a["ip"] == b["ip"] && a["prefix"]?.string == b["prefix"]?.string
  }

  private static let ends = ["protocol", "src_ip", "src_port", "nat_ip", "nat_port", "nat_port_last", "dst_ip", "dst_port"]

  private static func isSameSession(_ a: JSONValue, _ b: JSONValue) -> Bool { ends.allSatisfy { a[$0] == b[$0] } }

  /// How long both lasted; nil where they are not one.
  static func overlap(_ a: JSONValue, _ b: JSONValue) -> Int64? {
    guard isSamePlace(a, b) else { return nil }
    let isSame = isSameDevice(a, b)
    guard isSame != false else { return nil }
    if let s = session(a), let t = session(b) { return isSameSession(s, t) ? HeldSpan(s).overlap(HeldSpan(t)) : nil }
    guard session(a) == nil, session(b) == nil else { return nil }
    let both = HeldSpan(a).overlap(HeldSpan(b))
    if isSame == true { return both }
    switch (isNameless(a), isNameless(b)) {
    case (true, true): return names(a) == names(b) ? both : nil
    // A login that one log knows alone is the user of the lease that the other knows.
    case (false, true) where b["basis"] == "login": return HeldSpan(b).start >= HeldSpan(a).start - HeldSpan.slack ? both : nil
    default: return nil
    }
  }

  private static func names(_ a: JSONValue) -> Set<String> { Set((a["users"]?.array ?? []).compactMap { $0["user"]?.string }) }

  /// Whether they name different devices for the same thing.
  static func contradict(_ a: JSONValue, _ b: JSONValue) -> Bool {
    guard isSamePlace(a, b), isSameDevice(a, b) == false else { return false }
    guard let s = session(a), let t = session(b) else { return session(a) == nil && session(b) == nil }
    return isSameSession(s, t) && HeldSpan(s).overlap(HeldSpan(t)) != nil
  }

  // MARK: How good it is

  static func certainty(_ a: JSONValue) -> Int { ["possible", "likely", "confirmed"].firstIndex { a["certainty"]?.string == $0 } ?? 0 }
  static func isConfirmed(_ a: JSONValue) -> Bool { a["certainty"] == "confirmed" }
  /// A lease before a sighting.
  static func rank(_ a: JSONValue) -> Int { ["lease", "binding", "login", "declared"].firstIndex { a["basis"]?.string == $0 } ?? 4 }
  static func prefixLength(_ a: JSONValue) -> Int {
    a["prefix"]?.string?.split(separator: "/").last.flatMap { Int($0) } ?? 128
  }

  // MARK: Making them one

  static func joined(_ a: JSONValue, _ b: JSONValue) -> JSONValue {
    let isBetter: Bool
    if isNameless(a) != isNameless(b) {
      isBetter = isNameless(a)
    } else {
      isBetter = certainty(b) > certainty(a) || certainty(b) == certainty(a) && rank(b) < rank(a)
    }
    let (best, other) = isBetter ? (b, a) : (a, b)
    var out = best
    if best["mac"]?.string == nil { out = filled(out, from: other, ["mac", "mac_source", "mac_random"]) }
    for name in ["duid", "client_id", "hostname", "relay", "circuit_id"] where best[name]?.string == nil {
      out = filled(out, from: other, [name])
    }
    // A login, or a session whose holder one log does not know, tells nothing of how long the device held the address.
    if isNameless(best) || !isNameless(other) {
      if HeldSpan(other).start < HeldSpan(best).start { out = filled(out, from: other, ["start"]) }
      out = filled(out, from: ending(best, other), ["end", "end_reason"])
      if let seen = lastSeen(best, other, until: HeldSpan(out).end) { out = filled(out, from: seen, ["last_seen"]) }
    }
    if let s = session(a), let t = session(b) { out = out.with("session", joinedSessions(s, t)) }
    return out.with("users", .array(united(a["users"]?.array ?? [], b["users"]?.array ?? [])))
      .with("evidence", .array(united(evidence: a, b)))
  }

  private static func filled(_ a: JSONValue, from b: JSONValue, _ names: [String]) -> JSONValue {
    names.reduce(a) { out, name in b[name].map { out.with(name, $0) } ?? out }
  }

  private static func united(evidence a: JSONValue, _ b: JSONValue) -> [JSONValue] {
    let first = a["evidence"]?.array ?? []
    return first + (b["evidence"]?.array ?? []).filter { !first.contains($0) }
  }

  /// Whether a log heard the end of what another still thinks to last, and the other saw nothing of it since.
  static func isOver(_ a: JSONValue, by heard: JSONValue) -> Bool {
    guard isHeard(heard), isSameDevice(a, heard) == true, overlap(a, heard) != nil else { return false }
    return a.microseconds("last_seen") ?? .max <= HeldSpan(heard).end
  }

  /// Whether a message tells of the end; others are calculated.
  private static func isHeard(_ a: JSONValue) -> Bool { ["released", "superseded", "declined"].contains(a["end_reason"]?.string) }

  /// Which of the two knows best when it ended.
  private static func ending(_ a: JSONValue, _ b: JSONValue) -> JSONValue {
    if isHeard(a) != isHeard(b) { return isHeard(a) ? a : b }
    // What one missed, it took for an end that came later.
    if isHeard(a) { return HeldSpan(a).end <= HeldSpan(b).end ? a : b }
    // Rows do not say when the device was seen last, nor on what they rest: whoever saw it last knows the latest end.
    guard a["last_seen"] != nil else { return HeldSpan(a).end >= HeldSpan(b).end ? a : b }
    func isLease(_ x: JSONValue) -> Bool { x["basis"] == "lease" || x["end_reason"] == "expired" }
    if isLease(a) != isLease(b) { return isLease(a) ? a : b }
    // A log that missed renewals calculates too early an expiry.
    if isLease(a), let seen = a.microseconds("last_seen"), let other = b.microseconds("last_seen"), abs(seen - other) > HeldSpan.slack {
      return seen > other ? a : b
    }
    let (x, y) = (a["end_reason"] == "expired", b["end_reason"] == "expired")
    if x != y { return x ? a : b }
    return HeldSpan(a).end >= HeldSpan(b).end ? a : b
  }

  /// The one with the latest observation before the end: what one log observed after an end that it missed is of later.
  private static func lastSeen(_ a: JSONValue, _ b: JSONValue, until end: Int64) -> JSONValue? {
    [a, b].filter { ($0.microseconds("last_seen") ?? .max) <= end }.max {
      $0.microseconds("last_seen") ?? 0 < $1.microseconds("last_seen") ?? 0
    }
  }

  /// The one whose end is known, with what only the other says.
  private static func joinedSessions(_ a: JSONValue, _ b: JSONValue) -> JSONValue {
    let (best, other) = HeldSpan(b).end < HeldSpan(a).end ? (b, a) : (a, b)
    guard case .object(let theirs) = other else { return best }
    var out = theirs.reduce(best) { $0[$1.name] == nil ? $0.with($1.name, $1.value) : $0 }
    if HeldSpan(other).start < HeldSpan(best).start { out = filled(out, from: other, ["start"]) }
    return out
  }

  private static func united(_ a: [JSONValue], _ b: [JSONValue]) -> [JSONValue] {
    var out = a
    for user in b {
      let same = out.firstIndex { known in
        guard known["user"] == user["user"], HeldSpan(known).overlap(HeldSpan(user)) != nil else { return false }
        guard let phone = known["phone"]?.string, let other = user["phone"]?.string else { return true }
        return phone == other
      }
      guard let same else {
        out.append(user)
        continue
      }
      let known = out[same]
      let (best, other) = certainty(user) > certainty(known) ? (user, known) : (known, user)
      var one = best
      for name in ["phone", "method", "outer_ip"] where best[name]?.string == nil { one = filled(one, from: other, [name]) }
      if HeldSpan(other).start < HeldSpan(best).start { one = filled(one, from: other, ["start"]) }
      // One log may have missed the logout: nobody is said to have been there longer than both know.
      if HeldSpan(other).end < HeldSpan(best).end { one = filled(one, from: other, ["end"]) }
      out[same] = one.with("evidence", .array(united(evidence: known, user)))
    }
    return out.enumerated().sorted { (HeldSpan($0.element).start, $0.offset) < (HeldSpan($1.element).start, $1.offset) }.map(\.element)
  }

  /// Two rows of a day's list that are one.
  static func joinedRows(_ a: JSONValue, _ b: JSONValue) -> JSONValue {
    let (best, other) = certainty(b) > certainty(a) ? (b, a) : (a, b)
    var out = best
    if HeldSpan(other).start < HeldSpan(best).start { out = filled(out, from: other, ["start"]) }
    out = filled(out, from: ending(best, other), ["end", "end_reason"])
    if best["hostname"]?.string == nil { out = filled(out, from: other, ["hostname"]) }
    if let user = a["user"]?.string, let more = b["user"]?.string, user != more {
      let known = user.components(", ")
      out = out.with("user", .string((known + more.components(", ").filter { !known.contains($0) }).joined(separator: ", ")))
    } else if best["user"]?.string == nil {
      out = filled(out, from: other, ["user"])
    }
    return out
  }
}

/// Rows of a day's list of several logs. Each says which logs know of it.
struct MergedRows {
  private var entries: [(row: JSONValue, logs: [String])] = []

  mutating func add(_ rows: [JSONValue], of log: String) {
    // Only rows of one address can be one.
    var places: [String: [Int]] = [:]
    func place(_ row: JSONValue) -> String { "\(row["site"]?.string ?? "")\n\(row["ip"]?.string ?? "")" }
    for (i, entry) in entries.enumerated() { places[place(entry.row), default: []].append(i) }
    for row in rows {
      var best: (entry: Int, overlap: Int64)?
      for i in places[place(row)] ?? [] {
        guard isOne(entries[i].row, row), let overlap = HeldSpan(entries[i].row).overlap(HeldSpan(row)), overlap > best?.overlap ?? -1
        else { continue }
        best = (i, overlap)
      }
      if let best {
        entries[best.entry].row = Holder.joinedRows(entries[best.entry].row, row)
        if !entries[best.entry].logs.contains(log) { entries[best.entry].logs.append(log) }
      } else {
        entries.append((row, [log]))
      }
    }
  }

  private func isOne(_ a: JSONValue, _ b: JSONValue) -> Bool {
    if let isSame = Holder.isSameDevice(a, b) { return isSame }
    return Holder.isNameless(a) && Holder.isNameless(b) && a["hostname"] == b["hostname"] && a["user"] == b["user"]
  }

  /// By site, address and time.
  var rows: [JSONValue] {
    let keyed = entries.enumerated().map { n, entry in
      let parts = (entry.row["ip"]?.string ?? "").split(separator: "/")
      let ip = parts.first.flatMap { IPAddress(String($0)) }
      return (
        site: Array((entry.row["site"]?.string ?? "").utf8), ip: ip?.value ?? 0, length: parts.count > 1 ? Int(parts[1]) ?? 128 : 128,
        start: HeldSpan(entry.row).start, number: n
      )
    }
    let sorted = keyed.sorted { a, b in
      guard a.site == b.site else { return a.site.lexicographicallyPrecedes(b.site) }
      return (a.ip, a.length, a.start, a.number) < (b.ip, b.length, b.start, b.number)
    }
    return sorted.map { entries[$0.number].row.with("logs", .array(entries[$0.number].logs.map(JSONValue.string))) }
  }
}

extension String {
  /// The parts between a separator.
  fileprivate func components(_ separator: String) -> [String] {
    split(separator: separator, omittingEmptySubsequences: false).map(String.init)
  }
}
