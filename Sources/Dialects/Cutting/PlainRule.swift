import Record

/// The short way of a rule that most are: one value is one field of the event, and nothing else. Where the value is not
/// in its usual form, `CaseMatcher` reads it, and tells why it cannot.
struct PlainRule: Sendable {
  /// Number of the value; -1: the rule is another.
  fileprivate var key = -1
  fileprivate var isOptional = false
  fileprivate var type = FieldType.text
  fileprivate var field = EventField.kind

  init(_ rule: Rule, _ draft: CutDraft, _ nodes: [PatternNode]) {
    guard rule.keys.count == 1, rule.maps.isEmpty, rule.alternatives.count == 1 else { return }
    let pattern = draft.alternatives[rule.alternatives.lowerBound]
    let node = nodes[pattern.lowerBound]
    guard pattern.count == 1, node.kind == .field, node.fallback == nil, let raw = UInt8(exactly: node.name),
      let field = EventField(rawValue: raw)
    else { return }
    let wanted = draft.ruleKeys[rule.keys.lowerBound]
    (key, isOptional, type, self.field) = (wanted.number, wanted.isOptional, node.type, field)
  }
}

extension ValueTable {
  /// Sets the rule's field of the event begun last. It changes nothing here: `mutating` keeps the table from being copied.
  /// - Returns: whether that was the rule's whole work.
  @inline(__always) mutating func take(_ rule: PlainRule, _ events: inout EventList) -> Bool {
    guard rule.key >= 0, state(rule.key) != .ambiguous else { return false }
    let range = range(rule.key)
    if range.isEmpty { return rule.isOptional }
    let bytes = bytes.span
    let end = range.upperBound
    switch rule.type {
    case .ip, .ip4:
      guard let (v4, behind) = IPAddress.leadingV4(bytes, at: range.lowerBound), behind == end else { return false }
      events.set(rule.field, IPAddress(v4: v4))
    case .integer, .port:
      let (number, behind) = bytes.leadingDecimal(at: range.lowerBound)
      guard behind == end, range.count <= 18, rule.type == .integer || number <= 0xffff else { return false }
      events.set(rule.field, number)
    case .mac, .shortMAC:
      guard range.count == 17, let mac = MACAddress.leadingPairs(bytes, at: range.lowerBound) else { return false }
      events.set(rule.field, mac)
    case .text, .rest:
      guard !bytes[end - 1].isBlank else { return false }
      events.set(rule.field, text: bytes.extracting(range))
    case .transport:
      guard case .known(let name)? = TransportProtocol.read(bytes.extracting(range)) else { return false }
      events.set(rule.field, word: name)
    default: return false
    }
    return true
  }
}
