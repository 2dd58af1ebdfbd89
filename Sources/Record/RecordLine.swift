/// How a record came (design section 3).
public enum Via: String, Sendable, CaseIterable {
  case udp, tcp, tls, pcap, file, `import`, `internal`
}

/// A record as it is read back: one line of an archive, taken apart.
public struct RecordLine: Sendable {
  public var time: Timestamp
  public var via: Via
  public var source: String?
  /// `default` where the record names none.
  public var site: String
  public var from: String?
  /// Exactly what was received; nil for internal records.
  public var raw: [UInt8]?
  /// The message for people and dialects: `text` where the bytes are not UTF-8, else the bytes themselves.
  public var text: [UInt8]?
  public var linkType: Int?
  public var events: [Event]
  /// The whole object, other members included.
  public var json: JSONValue

  public static let defaultSite = "default"

  /// - Throws: what breaks the strict form, or `time`, `via`, `raw_base64` that are not what section 3 says.
  public init(_ line: Span<UInt8>) throws(Malformed) {
    let json = try StrictJSON.object(line)
    guard let time = json["time"]?.string.flatMap({ Timestamp(rfc3339: $0) }), time.fractionDigits == 6 else {
      throw Malformed(offset: 0, field: "time")
    }
    guard let via = json["via"]?.string.flatMap(Via.init(rawValue:)) else { throw Malformed(offset: 0, field: "via") }
    self.time = time
    self.via = via
    source = json["source"]?.string
    site = json["site"]?.string ?? Self.defaultSite
    from = json["from"]?.string
    linkType = json["linktype"]?.integer
    if let text = json["raw"]?.string {
      raw = Array(text.utf8)
    } else if let text = json["raw_base64"]?.string {
      guard let bytes = Base64.bytes(Array(text.utf8).span) else { throw Malformed(offset: 0, field: "raw_base64") }
      raw = bytes
    }
    text = json["text"]?.string.map { Array($0.utf8) } ?? raw
    events = json["events"]?.array?.compactMap(Event.init) ?? []
    self.json = json
  }
}
