public import Record

/// What log.json says: which log this is. Written once by `muhur init`, never changed.
public struct LogIdentity: Equatable, Sendable {
  public static let format = "muhur-log-1"
  /// More than any log.json has.
  public static let maximumBytes = 1 << 16

  /// 32 hexadecimal digits, random: head lines and seals' readers know the log by it.
  public var id: String
  /// What people call it, e.g. the institution's domain.
  public var name: String
  /// IANA name of the zone in which records' times are written and days begin.
  public var timezone: String
  public var created: Timestamp

  public init(id: String, name: String, timezone: String, created: Timestamp) {
    self.id = id
    self.name = name
    self.timezone = timezone
    self.created = created
  }

  /// With a new random id.
  public init(name: String, timezone: String, created: Timestamp) {
    self.init(id: Hex.text(randomBytes(16)), name: name, timezone: timezone, created: created)
  }

  /// - Throws: what breaks the strict form of design sections 3, 4 and 12.1.
  public init(fileBytes bytes: Span<UInt8>) throws(Malformed) {
    let json = try StrictJSON.file(bytes)
    guard json["format"]?.string == Self.format else { throw Malformed(offset: 0, field: "format muhur-log-1") }
    guard let id = json["id"]?.string, id.utf8.count == 32, Hex.bytes(lowerCase: id) != nil else { throw Malformed(offset: 0, field: "id") }
    guard let name = json["log"]?.string else { throw Malformed(offset: 0, field: "log") }
    guard let timezone = json["timezone"]?.string else { throw Malformed(offset: 0, field: "timezone") }
    guard let created = json["created"]?.string.flatMap({ RecordTime.strict($0) }) else { throw Malformed(offset: 0, field: "created") }
    self.init(id: id, name: name, timezone: timezone, created: created)
  }

  public var fileBytes: [UInt8] {
    let json: JSONValue = [
      "format": .string(Self.format), "id": .string(id), "log": .string(name), "timezone": .string(timezone),
      "created": .string(created.description),
    ]
    return json.bytes + [0x0a]
  }

  /// Whether a text can be an id.
  public static func isID(_ text: String) -> Bool { text.utf8.count == 32 && Hex.bytes(lowerCase: text) != nil }
}
