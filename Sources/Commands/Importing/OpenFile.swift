import Archive
import Glibc
import Record

/// A file that is to be imported, open already: by this process, or by the one that asks the daemon.
struct OpenFile {
  let path: String
  let size: Int
  /// Its last change, microseconds since 1970.
  let changed: Int64
  private let descriptor: CInt
  private let progress: (String) -> Void

  init(_ descriptor: CInt, path: String, progress: @escaping (String) -> Void) throws(Refusal) {
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw Refusal(.unreachable, "\(path): not a regular file", hint: "write what a pipe gives into a file first: its hash is recorded")
    }
    self.descriptor = descriptor
    self.path = path
    self.progress = progress
    size = Int(status.st_size)
    changed = Int64(status.st_mtim.tv_sec) * Timestamp.second
  }

  /// Its first bytes, at most so many.
  func head(_ count: Int) throws(Refusal) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let n = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
    guard n >= 0 else { throw Refusal(.unreachable, "\(path): \(String(cString: strerror(errno)))") }
    return Array(bytes.prefix(n))
  }

  func hash() throws -> Digest {
    let hash = SHA256()
    try parts { hash.update($0) }
    return hash.finish()
  }

  /// All its bytes, in order.
  func parts(_ body: (Span<UInt8>) throws -> Void) throws {
    var buffer = [UInt8](repeating: 0, count: 1 << 18)
    var offset = 0
    var told = 0
    while offset < size {
      let n = buffer.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, min($0.count, size - offset), off_t(offset)) }
      if n < 0, errno == EINTR { continue }
      guard n > 0 else {
        throw Refusal(.unreachable, "\(path): \(n < 0 ? String(cString: strerror(errno)) : "became shorter while it was read")")
      }
      try body(buffer.span.extracting(0..<n))
      offset += n
      if offset - told > 8 << 20 {
        told = offset
        progress("\(path): \(offset * 100 / max(1, size)) %")
      }
    }
  }
}
