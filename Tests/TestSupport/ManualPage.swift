import Record

/// A page of man/, as far as tests compare it with the programs: what it explains under which heading.
public struct ManualPage {
  /// The macros of each entry (`.It`), by the heading (`.Sh` or `.Ss`) below which it stands.
  public private(set) var entries: [String: [String]] = [:]

  /// nil where there is no such page.
  public init?(_ name: String) {
    guard let bytes = Corpus.file(Corpus.package + "/man/" + name) else { return nil }
    var heading = ""
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
      if line.hasPrefix(".Sh ") || line.hasPrefix(".Ss ") { heading = String(line.dropFirst(4)) }
      if line.hasPrefix(".It ") { entries[heading, default: []].append(String(line.dropFirst(4))) }
    }
  }

  public var headings: [String] { entries.keys.sorted() }

  /// The options below a heading, nil: in the whole page; written as in the help, `--at TIME`.
  public func options(_ heading: String? = nil) -> Set<String> {
    let entries = heading.map { self.entries[$0] ?? [] } ?? self.entries.values.flatMap { $0 }
    return Set(
      entries.filter { $0.hasPrefix("Fl ") }.map { $0.replacing("Fl -", with: "--").replacing(" Ar ", with: " ") })
  }

  /// The keys below a heading: of `Cm site , charset : Em text` site and charset.
  public func keys(_ heading: String) -> Set<String> {
    Set(
      (entries[heading] ?? []).filter { $0.hasPrefix("Cm ") }.flatMap { entry in
        entry.dropFirst(3).split(separator: " ").prefix { $0 != ":" && $0 != ";" }.filter { $0 != "," }.map(String.init)
      })
  }
}
