public import Archive
public import Record

/// `bundle.json`: the records that a bundle proves, each with its way to a seal's root (design section 6).
public struct BundleFile: Equatable, Sendable {
  public static let format = "muhur-bundle-1"

  public struct Record: Equatable, Sendable {
    public var day: CalendarDay
    /// Its place in the day, from 0.
    public var record: Int
    /// 16 bytes; those of no other record can be had from them.
    public var salt: [UInt8]
    /// Without LF.
    public var line: [UInt8]
    /// The number of the seal whose root the path leads to.
    public var seal: Int
    public var path: [Digest]

    public init(day: CalendarDay, record: Int, salt: [UInt8], line: [UInt8], seal: Int, path: [Digest]) {
      self.day = day
      self.record = record
      self.salt = salt
      self.line = line
      self.seal = seal
      self.path = path
    }
  }

  public var records: [Record]

  public init(records: [Record]) { self.records = records }

  public var fileBytes: [UInt8] {
    let json: JSONValue = [
      "format": .string(Self.format),
      "records": .array(
        records.map { record in
          var line: [UInt8] = []
          line.append(base64: record.line.span)
          return [
            "day": .string(record.day.description), "record": .integer(record.record), "salt": .string(Hex.text(record.salt)),
            "line": .string(String(decoding: line, as: UTF8.self)), "seal": .integer(record.seal),
            "path": .array(record.path.map { .string($0.description) }),
          ]
        }),
    ]
    return json.bytes + [0x0a]
  }

  /// Reads a bundle.json under the rules of design sections 3, 6 and 12. A line of 1 MiB is longer in base64, so the file
  /// may be larger than other contract files.
  public init(fileBytes bytes: Span<UInt8>) throws(Malformed) {
    let json = try StrictJSON.file(bytes, limit: .max)
    guard json["format"]?.string == Self.format else { throw Malformed(offset: 0, field: "format muhur-bundle-1") }
    guard let list = json["records"]?.array, !list.isEmpty else { throw Malformed(offset: 0, field: "records") }
    records = []
    records.reserveCapacity(list.count)
    for entry in list {
      guard let day = entry["day"]?.string.flatMap({ CalendarDay($0) }) else { throw Malformed(offset: 0, field: "a record's day") }
      guard let number = entry["record"]?.integer, number >= 0 else { throw Malformed(offset: 0, field: "a record's number") }
      guard let salt = entry["salt"]?.string.flatMap({ Hex.bytes(lowerCase: $0) }), salt.count == 16 else {
        throw Malformed(offset: 0, field: "a salt of 32 hexadecimal digits")
      }
      guard let text = entry["line"]?.string, let line = Base64.bytes(Array(text.utf8).span), line.count <= StrictJSON.maximumLine else {
        throw Malformed(offset: 0, field: "a record's line in base64")
      }
      guard let seal = entry["seal"]?.integer, seal >= 1, seal <= Layout.highestSeal else {
        throw Malformed(offset: 0, field: "a seal's number")
      }
      // No tree has more than 2^63 leaves.
      guard let hashes = entry["path"]?.array, hashes.count <= 63 else { throw Malformed(offset: 0, field: "an inclusion path") }
      var path: [Digest] = []
      for hash in hashes {
        guard let digest = hash.string.flatMap({ Digest(hex: $0) }) else { throw Malformed(offset: 0, field: "a hash in a path") }
        path.append(digest)
      }
      records.append(Record(day: day, record: number, salt: salt, line: line, seal: seal, path: path))
    }
  }
}

/// Every name in a bundle is spelled here (design sections 6 and 12.17).
enum BundleLayout {
  static let bundle = "bundle.json"
  static let log = "log.json"
  static let page = "README.html"
  static let seals = "seals/"
  static let certificates = "certificates/"

  static func seal(_ number: Int, _ file: Layout.SealFile) -> String { seals + Layout.seal(number, file) }

  /// `seals/00000417.local.zd` beside `seals/00000417.local.tsr`.
  static func token(of response: String) -> String { String(response.dropLast(4)) + ".zd" }
  static func response(of token: String) -> String { String(token.dropLast(3)) + ".tsr" }

  static func certificate(_ digest: Digest) -> String { certificates + digest.description + ".der" }

  /// `certificates/NAME`: any plain file name.
  static func isCertificate(_ name: String) -> Bool {
    guard name.hasPrefix(certificates) else { return false }
    let rest = name.utf8.dropFirst(certificates.utf8.count)
    return !rest.isEmpty && rest.first != 0x2e
      && rest.allSatisfy { $0.isLetter || $0.isDigit || $0 == 0x5f || $0 == 0x2d || $0 == 0x2e }
  }

  /// The SHA-256 by which a certificate's name calls it; nil where it is named otherwise.
  static func certificateDigest(_ name: String) -> Digest? {
    name.hasSuffix(".der") ? Digest(hex: String(name.dropFirst(certificates.utf8.count).dropLast(4))) : nil
  }
}
