import Record

/// All dialects in use. Made once and shared by all threads; each thread reads with a `Normaliser` of its own.
public struct DialectSet: Sendable {
  /// In order of names. A dialect's place here is its index.
  public let dialects: [Dialect]
  /// A program's name and a reading of its messages.
  private struct App: Sendable {
    var name: [UInt8]
    var reading: Reading
  }
  /// How texts begin that a reading is for.
  private struct Beginning: Sendable {
    var text: [UInt8]
    /// Also where the message names a program.
    var anyApp: Bool
    var reading: Reading
    /// The text's first eight bytes, as many as it has, and which bits of a word they are.
    let first: UInt64
    let mask: UInt64

    init(text: [UInt8], anyApp: Bool, reading: Reading) {
      (self.text, self.anyApp, self.reading) = (text, anyApp, reading)
      first = text.span.word(at: 0, count: min(text.count, 8))
      mask = .max >> UInt64(64 - 8 * min(text.count, 8))
    }
  }
  /// One way to read messages: a dialect's patterns, or one of its `cuts`.
  struct Reading: Sendable, Equatable {
    var dialect: Int
    /// -1: the patterns.
    var cut: Int
  }
  private let apps: [App]
  private let dispatch: PatternDispatch
  /// The beginning of a program's name.
  private let appPrefixes: [App]
  /// By the text's first byte, places in `beginnings`.
  private let beginningsOfByte: [Range<Int>]
  private let beginnings: [Beginning]
  /// Those that also read lines without a header.
  let bare: [Reading]
  /// All of a dialect's, by dialect.
  let readings: [[Reading]]

  /// Those that come with the program.
  public static let builtIn: DialectSet = {
    var dialects: [Dialect] = []
    for file in BuiltInDialects.files {
      do throws(DialectError) {
        dialects.append(try Dialect.read(file))
      } catch {
        // Our own file, which the tests have read: not input from outside.
        preconditionFailure("built-in dialect: \(error)")
      }
    }
    return DialectSet(dialects)
  }()

  /// The dialects of folders, over those built in. A name's first file counts, so that an administrator's folder stands
  /// before the installed one; a folder that does not exist is passed over.
  /// - Throws: what is wrong with the first file that is wrong.
  public static func load(folders: [String]) throws(DialectError) -> DialectSet {
    var found: [Dialect] = []
    for folder in folders {
      for file in try DialectFolder.files(in: folder) where !found.contains(where: { $0.name == file.name }) {
        found.append(try Dialect.read(file))
      }
    }
    return DialectSet(found + builtIn.dialects.filter { own in !found.contains { $0.name == own.name } })
  }

  /// One dialect alone, for checking a file.
  public static func load(file bytes: Span<UInt8>, path: String, name: String) throws(DialectError) -> DialectSet {
    DialectSet([try Dialect.read(bytes, file: path, name: name)])
  }

  init(_ list: [Dialect]) {
    dialects = list.sorted { $0.name < $1.name }
    var apps: [App] = []
    var appPrefixes: [App] = []
    var beginnings: [Beginning] = []
    var bare: [Reading] = []
    var readings: [[Reading]] = []
    var all: [(Reading, Applies)] = []
    for (i, dialect) in dialects.enumerated() {
      var own: [(Reading, Applies)] = dialect.patterns.isEmpty ? [] : [(Reading(dialect: i, cut: -1), dialect.applies)]
      for (n, cut) in dialect.cuts.enumerated() { own.append((Reading(dialect: i, cut: n), cut.applies)) }
      readings.append(own.map(\.0))
      all += own
    }
    for (reading, applies) in all.filter({ !$0.1.last }) + all.filter(\.1.last) {
      for app in applies.apps {
        if app.hasSuffix("*") {
          appPrefixes.append(App(name: Array(app.utf8.dropLast()), reading: reading))
        } else {
          apps.append(App(name: Array(app.utf8), reading: reading))
        }
      }
      for text in applies.begins {
        beginnings.append(Beginning(text: text, anyApp: applies.anyApp, reading: reading))
      }
      if applies.bare { bare.append(reading) }
    }
    self.apps = apps
    self.appPrefixes = appPrefixes
    dispatch = PatternDispatch(words: apps.map(\.name))
    let ordered = beginnings.enumerated().sorted { a, b in
      (a.element.text[0], a.offset) < (b.element.text[0], b.offset)
    }.map(\.element)
    self.beginnings = ordered
    beginningsOfByte = (0..<256).map { byte in
      let first = ordered.firstIndex { $0.text[0] == UInt8(byte) } ?? 0
      return first..<(ordered.lastIndex { $0.text[0] == UInt8(byte) } ?? first - 1) + 1
    }
    self.bare = bare
    self.readings = readings
  }

  /// Whether what the reading wants stands in a text.
  func holds(_ reading: Reading, _ text: Span<UInt8>) -> Bool {
    let dialect = dialects[reading.dialect]
    return reading.cut >= 0 ? dialect.cuts[reading.cut].applies.holds(text) : dialect.applies.holds(text)
  }

  /// Whether its text begins with the program's name.
  func isWithTag(_ reading: Reading) -> Bool {
    let dialect = dialects[reading.dialect]
    return reading.cut >= 0 ? dialect.cuts[reading.cut].applies.withTag : dialect.applies.withTag
  }

  /// The place of a dialect by its name, for a source's restriction.
  public func index(of name: String) -> Int? { dialects.firstIndex { $0.name == name } }

  /// Whether a line of the dialect may mean something else because of a line before it (`after`).
  public func remembers(_ index: Int) -> Bool { dialects.indices.contains(index) && !dialects[index].afters.isEmpty }

  /// `name/version`, as events say it.
  public func label(_ index: Int) -> String { dialects.indices.contains(index) ? dialects[index].label : "" }

  /// Places of entries for a program's name; some may be of another name.
  func entries(_ text: Span<UInt8>, _ app: Range<Int>) -> Range<Int> { dispatch.candidates(PatternDispatch.hash(text, app)) }

  /// The reading of an entry, nil where its name differs.
  func reading(ofEntry place: Int, _ text: Span<UInt8>, _ app: Range<Int>) -> Reading? {
    let entry = dispatch.order[place]
    return text.equals(app, apps[entry].name) ? apps[entry].reading : nil
  }

  /// Places of readings that may be for a text that begins so.
  func beginnings(_ text: Span<UInt8>) -> Range<Int> { text.count > 0 ? beginningsOfByte[Int(text[0])] : 0..<0 }

  /// The reading at a place, nil where it is not for this text.
  /// - Parameter first: the text's first eight bytes, zeros behind where it has fewer.
  func reading(ofBeginning place: Int, _ text: Span<UInt8>, _ first: UInt64, namesProgram: Bool) -> Reading? {
    guard first & beginnings[place].mask == beginnings[place].first, beginnings[place].anyApp || !namesProgram,
      text.starts(with: beginnings[place].text)
    else { return nil }
    let reading = beginnings[place].reading
    return holds(reading, text) ? reading : nil
  }

  /// The reading of the first program's name in `appPrefixes` from `position` on that the name begins with, and the position behind it.
  func reading(ofPrefixFrom position: Int, _ text: Span<UInt8>, _ app: Range<Int>) -> (reading: Reading, next: Int)? {
    let name = text.extracting(app)
    for i in position..<appPrefixes.count where name.starts(with: appPrefixes[i].name) { return (appPrefixes[i].reading, i + 1) }
    return nil
  }
}

extension Span<UInt8> {
  func starts(with text: [UInt8]) -> Bool { text.count <= count && equals(0..<text.count, text) }

  /// Whether what stands there is that text.
  func equals(_ place: Range<Int>, _ text: [UInt8]) -> Bool {
    guard place.count == text.count else { return false }
    for i in text.indices where self[place.lowerBound + i] != text[i] { return false }
    return true
  }
}
