import Glibc
import Record

/// An open regular file. Nothing else is ever opened for reading: no link is followed, and a FIFO does not make us wait.
public struct RegularFile: ~Copyable {
  private let descriptor: Int32
  /// What errors and findings call it.
  public let name: String

  /// - Parameters:
  ///   - path: where it is.
  ///   - name: what to call it; the path where nil.
  /// - Throws: `.system(ENOENT)` and the like; `.malformed` for what is no regular file.
  public init(_ path: String, name: String? = nil) throws(ArchiveError) {
    let name = name ?? path
    let descriptor = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else {
      // ELOOP: a link. ENXIO: a socket, or a FIFO or device without its other side.
      if errno == ELOOP || errno == ENXIO { throw ArchiveError(.malformed, name, "not a regular file") }
      throw ArchiveError("open", name)
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      let error = ArchiveError("fstat", name)
      close(descriptor)
      throw error
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw ArchiveError(.malformed, name, "not a regular file")
    }
    self.name = name
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  /// Bytes it has now.
  public func size() throws(ArchiveError) -> Int {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw ArchiveError("fstat", name) }
    return status.st_size
  }

  /// Tells two files apart, also where one took the other's name.
  public func identity() throws(ArchiveError) -> UInt64 {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw ArchiveError("fstat", name) }
    return UInt64(status.st_ino)
  }

  /// As many bytes as fit and are there, from `offset` on; fewer only at the end of the file.
  public func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(ArchiveError) -> Int {
    var done = 0
    while done < buffer.count, let base = buffer.baseAddress {
      let rest = buffer.count - done
      let n = retrying { pread(descriptor, base + done, rest, offset + done) }
      guard n >= 0 else { throw ArchiveError("read", name) }
      if n == 0 { break }
      done += n
    }
    return done
  }

  /// `SEEK_DATA` of lseek(2), which Swift's Glibc does not name.
  private static let seekData: Int32 = 3

  /// Whether nothing but zero bytes stands from an offset on. Holes are not read: a hostile file may claim any size.
  public func isZero(from start: Int) throws(ArchiveError) -> Bool {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
    defer { buffer.deallocate() }
    var offset = start
    while true {
      let data = lseek(descriptor, offset, Self.seekData)
      if data < 0, errno == ENXIO { return true }
      // Some file systems know nothing of holes.
      if data >= 0 { offset = data }
      let n = try read(into: buffer, at: offset)
      guard n > 0 else { return true }
      guard buffer[0..<n].allSatisfy({ $0 == 0 }) else { return false }
      offset += n
    }
  }

  /// The whole file.
  /// - Throws: `.malformed` where it has more than `limit` bytes.
  public func bytes(limit: Int) throws(ArchiveError) -> [UInt8] {
    let size = try size()
    guard size <= limit else { throw ArchiveError(.malformed, name, "\(size) bytes; at most \(limit) can belong here") }
    var failure: ArchiveError?
    let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
      do throws(ArchiveError) { count = try read(into: UnsafeMutableRawBufferPointer(buffer), at: 0) } catch { failure = error }
    }
    if let failure { throw failure }
    return bytes
  }

  /// SHA-256 of the whole file, however large.
  public func digest() throws(ArchiveError) -> Digest {
    let hash = SHA256()
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
    defer { buffer.deallocate() }
    var offset = 0
    while case let n = try read(into: buffer, at: offset), n > 0 {
      hash.update(UnsafeRawBufferPointer(rebasing: buffer[0..<n]))
      offset += n
    }
    return hash.finish()
  }

  public static func bytes(_ path: String, name: String? = nil, limit: Int) throws(ArchiveError) -> [UInt8] {
    try RegularFile(path, name: name).bytes(limit: limit)
  }
}

/// One name in a folder.
public struct FolderEntry: Hashable, Sendable {
  public enum Kind: Sendable { case file, folder, other }
  public var name: String
  public var kind: Kind
}

/// Lists a folder by name.
/// - Returns: nil where there is none.
/// - Throws: `.malformed` where something else, or a link, stands in its place.
public func folderEntries(_ path: String, name: String? = nil) throws(ArchiveError) -> [FolderEntry]? {
  let name = name ?? path
  let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
  guard descriptor >= 0 else {
    if errno == ENOENT { return nil }
    if errno == ENOTDIR || errno == ELOOP { throw ArchiveError(.malformed, name, "not a folder") }
    throw ArchiveError("open", name)
  }
  guard let folder = fdopendir(descriptor) else {
    let error = ArchiveError("opendir", name)
    close(descriptor)
    throw error
  }
  defer { closedir(folder) }
  var entries: [FolderEntry] = []
  while true {
    errno = 0
    guard let entry = readdir(folder) else { break }
    let (text, entryKind) = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
      pointer.withMemoryRebound(to: CChar.self, capacity: 256) { name in
        (String(cString: name), kind(of: name, type: Int32(entry.pointee.d_type), in: descriptor))
      }
    }
    if text != ".", text != ".." { entries.append(FolderEntry(name: text, kind: entryKind)) }
  }
  guard errno == 0 else { throw ArchiveError("readdir", name) }
  entries.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  return entries
}

private func kind(of name: UnsafePointer<CChar>, type: Int32, in folder: Int32) -> FolderEntry.Kind {
  switch type {
  case Int32(DT_REG): return .file
  case Int32(DT_DIR): return .folder
  case Int32(DT_UNKNOWN):
    // Some file systems do not say.
    var status = stat()
    guard fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { return .other }
    return status.st_mode & S_IFMT == S_IFREG ? .file : status.st_mode & S_IFMT == S_IFDIR ? .folder : .other
  default: return .other
  }
}
