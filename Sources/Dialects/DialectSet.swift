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
    for (i, dialect) in dialects.enumerated() { for app in dialect.apps { apps.append(App(name: Array(app.utf8), dialect: i)) } }
    self.apps = apps
    dispatch = PatternDispatch(words: apps.map(\.name))
    bare = dialects.indices.filter { [dialects] in dialects[$0].bare }
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
}
