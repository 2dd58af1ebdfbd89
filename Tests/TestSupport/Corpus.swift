import Glibc
import Record

/// The test corpus, which lies beside the repository (`../shared/corpus`) and is not part of it. Tests that need it are
/// `.enabled(if: Corpus.isThere)`.
public enum Corpus {
  /// The package's folder.
  public static let package = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 }
  public static let folder = package + "/../shared/corpus"
  public static let isThere = access(folder, R_OK) == 0

  /// The bytes of a file below the corpus, nil where it is missing.
  public static func bytes(_ path: String) -> [UInt8]? { file(folder + "/" + path) }

  public static func file(_ path: String) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let n = read(descriptor, &part, part.count)
      guard n > 0 else { return n == 0 ? bytes : nil }
      bytes += part[0..<n]
    }
  }

  /// The lines of a text file, without their ends.
  public static func lines(_ path: String) -> [String] {
    bytes(path)?.split(separator: 0x0a).map { String(decoding: $0, as: UTF8.self) } ?? []
  }

  /// Names in a folder below the corpus, sorted.
  public static func names(in path: String) -> [String] {
    guard let directory = opendir(folder + "/" + path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names.sorted()
  }

  /// The cases of a `.cases.ndjson` file.
  public static func cases(_ path: String) -> [CorpusCase] {
    lines(path).compactMap { line in (try? JSON5.read(line))?.json.map { CorpusCase(json: $0) } }
  }
}

/// One case: a message and what must be read from it.
public struct CorpusCase: Sendable, CustomStringConvertible {
  public var json: JSONValue

  public init(json: JSONValue) { self.json = json }

  public subscript(name: String) -> JSONValue? { json[name] }
  public var id: String { json["id"]?.string ?? "?" }
  public var description: String { id }

  /// The message as it came.
  public var raw: [UInt8] {
    if let text = json["raw"]?.string { return Array(text.utf8) }
    return json["raw_base64"]?.string.flatMap { Base64.bytes(Array($0.utf8).span) } ?? []
  }

  /// The message as dialects see it: UTF-8, decoded by the case's charset where it has one.
  public var text: [UInt8] {
    let raw = raw
    if raw.span.isUTF8 { return raw }
    var text: [UInt8] = []
    let charset = json["charset"]?.string.flatMap(Charset.init(rawValue:)) ?? .windows1254
    charset.decode(raw.span, into: &text)
    return text
  }
}
