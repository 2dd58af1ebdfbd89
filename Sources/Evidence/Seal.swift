public import Archive
public import Record

/// A seal: what the log states about a day so far (design section 5). Its bytes as they stand are signed.
public struct Seal: Equatable, Sendable {
  public static let format = "muhur-seal-1"

  /// SHA-256 of the .json and .p7s of the seal before.
  public struct Previous: Equatable, Sendable {
    public var json: Digest
    public var p7s: Digest

    public init(json: Digest, p7s: Digest) {
      self.json = json
      self.p7s = p7s
    }
  }

  /// A token that was received since the seal before.
  public struct Token: Equatable, Sendable {
    /// `00000416.kamusm.tsr`
    public var file: String
    public var sha256: Digest

    public init(file: String, sha256: Digest) {
      self.file = file
      self.sha256 = sha256
    }

    /// The seal that it is over.
    public var number: Int { Layout.sealNumber(file) ?? 0 }
  }

  /// Days older than `keptFrom` that are kept for a case.
  public struct Hold: Equatable, Sendable {
    public var from: CalendarDay
    public var to: CalendarDay
    /// Of 16 random bytes and the case number.
    public var caseSHA256: Digest

    public init(from: CalendarDay, to: CalendarDay, caseSHA256: Digest) {
      self.from = from
      self.to = to
      self.caseSHA256 = caseSHA256
    }
  }

  /// What the kernel said of its clock when the seal was made.
  public struct Clock: Equatable, Sendable {
    public var isSynchronised: Bool
    public var errorMicroseconds: Int

    public init(isSynchronised: Bool, errorMicroseconds: Int) {
      self.isSynchronised = isSynchronised
      self.errorMicroseconds = errorMicroseconds
    }
  }

  public var log: String
  public var logSHA256: Digest
  /// From 1, without a gap through the log's whole life.
  public var number: Int
  /// nil in the first.
  public var previous: Previous?
  public var tokens: [Token]
  /// Files of validation/ added since the seal before.
  public var validation: [Digest]
  public var day: CalendarDay
  public var isFinal: Bool
  public var records: Int
  public var bytes: Int
  public var sha256: Digest
  public var root: Digest
  public var saltSHA256: Digest
  public var earliest: Timestamp?
  public var latest: Timestamp?
  public var made: Timestamp
  public var dropped: Int
  public var keptFrom: CalendarDay
  public var holds: [Hold]
  /// SHA-256 of the signing certificate.
  public var signer: Digest
  public var clock: Clock
  public var software: String
  public var note: String?
  /// The certificate that signs from the next seal on.
  public var nextSigner: Digest?

  public init(
    log: String, logSHA256: Digest, number: Int, previous: Previous?, tokens: [Token], validation: [Digest], day: CalendarDay,
    isFinal: Bool,
    records: Int, bytes: Int, sha256: Digest, root: Digest, saltSHA256: Digest, earliest: Timestamp?, latest: Timestamp?, made: Timestamp,
    dropped: Int, keptFrom: CalendarDay, holds: [Hold], signer: Digest, clock: Clock, software: String, note: String? = nil,
    nextSigner: Digest? = nil
  ) {
    self.log = log
    self.logSHA256 = logSHA256
    self.number = number
    self.previous = previous
    self.tokens = tokens
    self.validation = validation
    self.day = day
    self.isFinal = isFinal
    self.records = records
    self.bytes = bytes
    self.sha256 = sha256
    self.root = root
    self.saltSHA256 = saltSHA256
    self.earliest = earliest
    self.latest = latest
    self.made = made
    self.dropped = dropped
    self.keptFrom = keptFrom
    self.holds = holds
    self.signer = signer
    self.clock = clock
    self.software = software
    self.note = note
    self.nextSigner = nextSigner
  }

  /// Whether a hold covers a day.
  public func holds(_ day: CalendarDay) -> Bool { holds.contains { $0.from <= day && day <= $0.to } }

  // MARK: Writing

  public var fileBytes: [UInt8] {
    var members: [JSONMember] = [
      JSONMember("format", .string(Self.format)), JSONMember("log", .string(log)), JSONMember("log_sha256", Self.json(logSHA256)),
      JSONMember("number", .integer(number)),
      JSONMember("previous", previous.map { ["json": Self.json($0.json), "p7s": Self.json($0.p7s)] } ?? .null),
      JSONMember("tokens", .array(tokens.map { ["file": .string($0.file), "sha256": Self.json($0.sha256)] })),
      JSONMember("validation", .array(validation.map(Self.json))), JSONMember("day", .string(day.description)),
      JSONMember("final", .bool(isFinal)), JSONMember("records", .integer(records)), JSONMember("bytes", .integer(bytes)),
      JSONMember("sha256", Self.json(sha256)), JSONMember("root", Self.json(root)), JSONMember("salt_sha256", Self.json(saltSHA256)),
      JSONMember("earliest", JSONValue(earliest?.description)), JSONMember("latest", JSONValue(latest?.description)),
      JSONMember("made", .string(made.description)), JSONMember("dropped", .integer(dropped)),
      JSONMember("kept_from", .string(keptFrom.description)),
      JSONMember(
        "holds",
        .array(
          holds.map {
            ["from": .string($0.from.description), "to": .string($0.to.description), "case_sha256": Self.json($0.caseSHA256)]
          })),
      JSONMember("signer", Self.json(signer)),
      JSONMember("clock", ["synchronised": .bool(clock.isSynchronised), "error_us": .integer(clock.errorMicroseconds)]),
      JSONMember("software", .string(software)),
    ]
    if let note { members.append(JSONMember("note", .string(note))) }
    if let nextSigner { members.append(JSONMember("next_signer", Self.json(nextSigner))) }
    return JSONValue.object(members).bytes + [0x0a]
  }

  private static func json(_ digest: Digest) -> JSONValue { .string(digest.description) }

  // MARK: Reading

  /// Reads a .json under the rules of design sections 3, 5 and 12.
  /// - Throws: what is not as it must be.
  public init(fileBytes bytes: Span<UInt8>) throws(Malformed) {
    let json = try StrictJSON.file(bytes)
    guard json["format"]?.string == Self.format else { throw Malformed(offset: 0, field: "format muhur-seal-1") }
    guard let log = json["log"]?.string else { throw Malformed(offset: 0, field: "log") }
    guard let number = json["number"]?.integer, number >= 1, number <= Layout.highestSeal else {
      throw Malformed(offset: 0, field: "number")
    }
    guard let records = json["records"]?.integer, records >= 0 else { throw Malformed(offset: 0, field: "records") }
    guard let bytes = json["bytes"]?.integer, bytes >= 0 else { throw Malformed(offset: 0, field: "bytes") }
    guard let dropped = json["dropped"]?.integer, dropped >= 0 else { throw Malformed(offset: 0, field: "dropped") }
    guard let isFinal = json["final"]?.bool else { throw Malformed(offset: 0, field: "final") }
    guard let software = json["software"]?.string else { throw Malformed(offset: 0, field: "software") }
    guard let made = json["made"]?.string.flatMap({ RecordTime.strict($0) }) else { throw Malformed(offset: 0, field: "made") }
    guard let day = json["day"]?.string.flatMap({ CalendarDay($0) }) else { throw Malformed(offset: 0, field: "day") }
    guard let keptFrom = json["kept_from"]?.string.flatMap({ CalendarDay($0) }) else { throw Malformed(offset: 0, field: "kept_from") }
    // How the clock stood is information: only its being there is required.
    guard let clock = json["clock"], clock.object != nil else { throw Malformed(offset: 0, field: "clock") }
    let note = json["note"]
    guard note == nil || note?.string != nil else { throw Malformed(offset: 0, field: "note") }
    let nextSigner = json["next_signer"]
    self.init(
      log: log, logSHA256: try Self.digest(json["log_sha256"], "log_sha256"), number: number,
      previous: try Self.previous(json["previous"], number: number), tokens: try Self.tokens(json["tokens"], before: number),
      validation: try Self.digests(json["validation"]), day: day, isFinal: isFinal, records: records, bytes: bytes,
      sha256: try Self.digest(json["sha256"], "sha256"), root: try Self.digest(json["root"], "root"),
      saltSHA256: try Self.digest(json["salt_sha256"], "salt_sha256"), earliest: try Self.time(json["earliest"], records, "earliest"),
      latest: try Self.time(json["latest"], records, "latest"), made: made, dropped: dropped, keptFrom: keptFrom,
      holds: try Self.holds(json["holds"]), signer: try Self.digest(json["signer"], "signer"),
      clock: Clock(isSynchronised: clock["synchronised"]?.bool ?? false, errorMicroseconds: clock["error_us"]?.integer ?? 0),
      software: software, note: note?.string, nextSigner: nextSigner == nil ? nil : try Self.digest(nextSigner, "next_signer"))
  }

  private static func digest(_ value: JSONValue?, _ field: StaticString) throws(Malformed) -> Digest {
    guard let digest = value?.string.flatMap({ Digest(hex: $0) }) else { throw Malformed(offset: 0, field: field) }
    return digest
  }

  private static func previous(_ value: JSONValue?, number: Int) throws(Malformed) -> Previous? {
    guard let value else { throw Malformed(offset: 0, field: "previous") }
    // null in the first seal, and only there.
    guard value.isNull == (number == 1) else { throw Malformed(offset: 0, field: "previous") }
    return value.isNull
      ? nil : Previous(json: try digest(value["json"], "json in previous"), p7s: try digest(value["p7s"], "p7s in previous"))
  }

  private static func tokens(_ value: JSONValue?, before number: Int) throws(Malformed) -> [Token] {
    guard let list = value?.array else { throw Malformed(offset: 0, field: "tokens") }
    var out: [Token] = []
    for entry in list {
      guard let file = entry["file"]?.string, let (of, kind) = Layout.sealFile(file), case .token = kind, of < number else {
        throw Malformed(offset: 0, field: "a token's file in tokens")
      }
      out.append(Token(file: file, sha256: try digest(entry["sha256"], "sha256 in tokens")))
    }
    return out
  }

  private static func digests(_ value: JSONValue?) throws(Malformed) -> [Digest] {
    guard let list = value?.array else { throw Malformed(offset: 0, field: "validation") }
    var out: [Digest] = []
    for entry in list { out.append(try digest(entry, "validation")) }
    return out
  }

  private static func time(_ value: JSONValue?, _ records: Int, _ field: StaticString) throws(Malformed) -> Timestamp? {
    guard let value, value.isNull == (records == 0) else { throw Malformed(offset: 0, field: field) }
    if value.isNull { return nil }
    guard let time = value.string.flatMap({ RecordTime.parse(Array($0.utf8).span) }) else { throw Malformed(offset: 0, field: field) }
    return time
  }

  private static func holds(_ value: JSONValue?) throws(Malformed) -> [Hold] {
    guard let list = value?.array else { throw Malformed(offset: 0, field: "holds") }
    var out: [Hold] = []
    for entry in list {
      guard let from = entry["from"]?.string.flatMap({ CalendarDay($0) }), let to = entry["to"]?.string.flatMap({ CalendarDay($0) }),
        from <= to
      else { throw Malformed(offset: 0, field: "from and to in holds") }
      out.append(Hold(from: from, to: to, caseSHA256: try digest(entry["case_sha256"], "case_sha256 in holds")))
    }
    return out
  }
}
