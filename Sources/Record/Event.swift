/// An event as it is read back from a record. Fields that are absent are nil; unknown members are kept in `json`.
public struct Event: Sendable, Hashable {
  public let kind: EventKind
  /// The whole object as it stands in the record.
  public let json: JSONValue

  /// nil where the object is no event of a known kind.
  public init?(_ json: JSONValue) {
    guard let kind = json["kind"]?.string.flatMap(EventKind.init(rawValue:)) else { return nil }
    self.kind = kind
    self.json = json
  }

  public func text(_ field: EventField) -> String? { json[field.name.description]?.string }
  public func integer(_ field: EventField) -> Int? { json[field.name.description]?.integer }
  public func ip(_ field: EventField) -> IPAddress? { text(field).flatMap { IPAddress($0) } }
  public func mac(_ field: EventField = .mac) -> MACAddress? { text(field).flatMap { MACAddress($0) } }
  public func time(_ field: EventField = .time) -> Timestamp? { text(field).flatMap { Timestamp(rfc3339: $0) } }
  public var action: String? { text(.action) }
  /// What a notice is about.
  public var what: String? { text(.what) }
}
