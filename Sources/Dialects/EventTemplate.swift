import Record

/// What a pattern or case means: kind and fixed words of the event; the rest comes from the message.
struct EventTemplate: Sendable {
  var kind: EventKind
  /// Fields with fixed text, as ranges of the dialect's pool.
  var constants: [(field: EventField, text: Range<Int>)] = []
  /// `action: null`: the device does not say whether the session began or ended.
  var hasNoAction = false
}

/// What writing an event needs of its template for every message: no lists of its own, which would cost counting
/// references. Its fixed words stand in `constants` of the dialect or reading.
struct EventCode: Sendable {
  /// A field with fixed text, a range of the dialect's pool.
  struct Constant: Sendable {
    var field: EventField
    var text: Range<Int>
  }

  var kind: EventKind
  var constants: Range<Int>

  /// - Parameter all: takes the template's fixed words.
  init(_ template: EventTemplate, _ all: inout [Constant]) {
    kind = template.kind
    let start = all.count
    for constant in template.constants { all.append(Constant(field: constant.field, text: constant.text)) }
    constants = start..<all.count
  }
}

extension PatternCompiler {
  /// `event: { kind: "lease", action: "assign" }`
  /// - Parameter fields: names of the fields that values are taken for.
  mutating func readEvent(_ node: JSON5Node, _ fields: Set<Int>) throws(JSON5Error) -> EventTemplate {
    let kindNode = try node.member("kind")
    guard let kind = EventKind(rawValue: try kindNode.string()), kind != .notice else {
      throw kindNode.error("expected lease, binding, session or login, or event: null")
    }
    var template = EventTemplate(kind: kind)
    for member in try node.members() where member.name != "kind" {
      guard let field = EventField(name: member.name), field.form == .word || field.form == .text, field != .dialect, field != .clock,
        field != .leaseFrom
      else { throw member.node.error("unknown key; an event's fixed members are words, such as action") }
      // Some devices do not say whether a session was opened or closed.
      if field == .action, kind == .session, case .null = member.node.value {
        template.hasNoAction = true
        continue
      }
      let text = try member.node.string()
      if field == .action, !kind.actions.contains(text) {
        throw member.node.error("expected \(kind.actions.isEmpty ? "no action" : kind.actions.joined(separator: ", ")), found \(text)")
      }
      template.constants.append((field, intern(Array(text.utf8))))
    }
    if !kind.actions.isEmpty, !template.hasNoAction, !template.constants.contains(where: { $0.field == .action }),
      !fields.contains(Int(EventField.action.rawValue))
    {
      throw node.error("has no action")
    }
    if kind == .lease || kind == .binding, fields.isDisjoint(with: [Int(EventField.ip.rawValue), Int(EventField.prefix.rawValue)]) {
      throw node.error("a \(kind.rawValue) needs {ip} or {prefix} in the pattern's text")
    }
    return template
  }
}
