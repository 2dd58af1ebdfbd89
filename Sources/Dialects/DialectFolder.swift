import Glibc
import Record

/// A folder of dialect files.
enum DialectFolder {
  struct File {
    var name: String
    var path: String
    var bytes: [UInt8]
  }

  /// Every `NAME.json5` in the folder, by name; none where there is no such folder.
  static func files(in folder: String) throws(DialectError) -> [File] {
    guard let directory = unsafe opendir(folder) else {
      if errno == ENOENT { return [] }
      throw DialectError(file: folder, what: "cannot be read: \(reason(errno))")
    }
    defer { unsafe closedir(directory) }
    var names: [String] = []
    while let entry = unsafe readdir(directory) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { tuple in
        unsafe tuple.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
      }
      if name.hasSuffix(".json5"), !name.hasPrefix(".") { names.append(String(name.dropLast(6))) }
    }
    var files: [File] = []
    for name in names.sorted() {
      let path = "\(folder)/\(name).json5"
      files.append(File(name: name, path: path, bytes: try read(path)))
    }
    return files
  }

  private static func read(_ path: String) throws(DialectError) -> [UInt8] {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw DialectError(file: path, what: "cannot be read: \(reason(errno))") }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 1 << 16)
    while bytes.count <= JSON5.maximumBytes {
      let n = unsafe Glibc.read(descriptor, &part, part.count)
      guard n >= 0 else { throw DialectError(file: path, what: "cannot be read: \(reason(errno))") }
      if n == 0 { break }
      bytes += part[0..<n]
    }
    return bytes
  }

  private static func reason(_ code: CInt) -> String { unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)" }
}
