import Record

/// Which messages a dialect, or one of its forms, is for.
struct Applies: Sendable {
  /// Tags and APP-NAMEs; one that ends in `*` stands for all that begin so.
  var apps: [String] = []
  /// How messages begin that name no program.
  var begins: [[UInt8]] = []
  /// What must stand in the first bytes of those messages, and of those of `apps`.
  var contains: [[UInt8]] = []
  /// `begins` holds for messages of any program.
  var anyApp = false
  /// Lines that have no syslog header.
  var bare = false
  /// Patterns read from the program's name on: what a log puts first looks like one.
  var withTag = false
  /// It is tried after the other dialects of its programs: it reads what a product adds to another program's messages.
  var last = false

  /// How far `contains` looks, in bytes.
  static let reach = 8192

  /// Whether all of `contains` stands in a text.
  func holds(_ text: Span<UInt8>) -> Bool {
    guard !contains.isEmpty else { return true }
    let reach = text.extracting(0..<min(text.count, Self.reach))
    for part in contains where !reach.contains(part.span) { return false }
    return true
  }

  var isEmpty: Bool { apps.isEmpty && begins.isEmpty && !bare }
}
