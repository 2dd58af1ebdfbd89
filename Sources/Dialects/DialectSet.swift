import Record

/// All dialects in use. Made once and shared by all threads; each thread reads with a `Normaliser` of its own.
public struct DialectSet: Sendable {
  /// In order of names. A dialect's place here is its index.
  public let dialects: [Dialect]
  /// A program's name and a dialect that reads it.
  private struct App: Sendable {
    var name: [UInt8]
    var dialect: Int
  }
  private let apps: [App]
  private let dispatch: PatternDispatch
  /// The beginning of a program's name.
  private let appPrefixes: [App]
  /// The beginning of a message.
  private struct Begin: Sendable {
    var text: [UInt8]
    var dialect: Int
    /// Also where the message names a program.
    var anyApp: Bool
  }
  /// In order of dialects; `byFirst` has the first of each first byte and `next` the following one, -1 for none.
  private let begins: [Begin]
  private let byFirst: [Int]
  private let next: [Int]
  /// Dialects that also read lines without a header.
  let bare: [Int]

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
    var begins: [Begin] = []
    for i in dialects.indices.filter({ [dialects] in !dialects[$0].applies.last })
      + dialects.indices.filter({ [dialects] in dialects[$0].applies.last })
    {
      let dialect = dialects[i]
      for app in dialect.applies.apps {
        if app.hasSuffix("*") {
          appPrefixes.append(App(name: Array(app.utf8.dropLast()), dialect: i))
        } else {
          apps.append(App(name: Array(app.utf8), dialect: i))
        }
      }
      for text in dialect.applies.begins { begins.append(Begin(text: Array(text.utf8), dialect: i, anyApp: dialect.applies.anyApp)) }
    }
    self.apps = apps
    self.appPrefixes = appPrefixes
    dispatch = PatternDispatch(words: apps.map(\.name))
    var byFirst = [Int](repeating: -1, count: 256)
    var next = [Int](repeating: -1, count: begins.count)
    for i in begins.indices.reversed() {
      let first = Int(begins[i].text[0])
      next[i] = byFirst[first]
      byFirst[first] = i
    }
    self.begins = begins
    self.byFirst = byFirst
    self.next = next
    bare = dialects.indices.filter { [dialects] in dialects[$0].applies.bare }
  }

  /// The place of a dialect by its name, for a source's restriction.
  public func index(of name: String) -> Int? { dialects.firstIndex { $0.name == name } }

  /// `name/version`, as events say it.
  public func label(_ index: Int) -> String { dialects.indices.contains(index) ? dialects[index].label : "" }

  /// Entries of `apps` for a program's name; some may be of another name.
  func entries(_ text: Span<UInt8>, _ app: Range<Int>) -> [Int] { dispatch.candidates(PatternDispatch.hash(text, app)) }

  /// The dialect of an entry, nil where its name differs.
  func dialect(ofEntry entry: Int, _ text: Span<UInt8>, _ app: Range<Int>) -> Int? {
    let name = apps[entry].name
    return name.span.equals(text.extracting(app)) ? apps[entry].dialect : nil
  }

  /// The dialect of the first program's name in `appPrefixes` from `position` on that the name begins with, and the position behind it.
  func dialect(ofPrefixFrom position: Int, _ text: Span<UInt8>, _ app: Range<Int>) -> (dialect: Int, next: Int)? {
    let name = text.extracting(app)
    for i in position..<appPrefixes.count where name.starts(with: appPrefixes[i].name) { return (appPrefixes[i].dialect, i + 1) }
    return nil
  }

  /// Where looking for a message's beginning starts; -1 for none.
  func firstBegin(_ byte: UInt8) -> Int { byFirst[Int(byte)] }

  /// The dialect of the first beginning from `position` on that the text has, and the position behind it.
  func dialect(ofBeginFrom position: Int, _ text: Span<UInt8>, namesProgram: Bool) -> (dialect: Int, next: Int)? {
    var i = position
    while i >= 0 {
      if begins[i].anyApp || !namesProgram, text.starts(with: begins[i].text) { return (begins[i].dialect, next[i]) }
      i = next[i]
    }
    return nil
  }
}

extension Span<UInt8> {
  func starts(with text: [UInt8]) -> Bool {
    guard text.count <= count else { return false }
    for i in text.indices where self[i] != text[i] { return false }
    return true
  }
}
