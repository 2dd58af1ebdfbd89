import Glibc
import Synchronization

/// Every write, sync, rename and removal of the product goes through here, so that tests can make the n-th of them fail,
/// and so that nobody forgets a sync. The order of a durable replacement: write a temporary file, sync it, rename it,
/// sync its folder. After a failed sync nothing that was written is believed.
public enum Disk {
  public enum Operation: String, Sendable, CaseIterable { case create, write, sync, rename, remove, makeFolder, truncate }

  // MARK: Faults for tests

  private static let armed = Atomic(false)
  private static let faults = Mutex<[String: @Sendable (Operation, String) -> Int32?]>([:])

  /// Tests only: is asked before each operation, and may give the errno with which it fails. nil ends it.
  /// - Parameter prefix: of the paths it is asked about; each test has its own, so that tests may run beside each other.
  public static func setFault(under prefix: String = "", _ body: (@Sendable (Operation, String) -> Int32?)?) {
    faults.withLock {
      $0[prefix] = body
      armed.store(!$0.isEmpty, ordering: .sequentiallyConsistent)
    }
  }

  @inline(__always) private static func check(_ operation: Operation, _ path: String) throws(ArchiveError) {
    if armed.load(ordering: .relaxed) { try ask(operation, path) }
  }

  private static func ask(_ operation: Operation, _ path: String) throws(ArchiveError) {
    let bodies = faults.withLock { $0.filter { path.hasPrefix($0.key) } }.values
    for body in bodies {
      if let code = body(operation, path) { throw ArchiveError(operation.rawValue, path, code: code) }
    }
  }

  // MARK: Operations

  /// Opens a new file for writing and reading (`O_EXCL`: what exists is refused).
  public static func create(_ path: String, mode: mode_t = 0o600) throws(ArchiveError) -> Int32 {
    try check(.create, path)
    let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode)
    guard descriptor >= 0 else { throw ArchiveError("open", path) }
    return descriptor
  }

  /// Writes all of it at the descriptor's place, or at `offset`.
  public static func write(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, at offset: Int? = nil, path: String) throws(ArchiveError) {
    try check(.write, path)
    var done = 0
    while done < bytes.count, let base = bytes.baseAddress {
      let rest = bytes.count - done
      let n = retrying {
        if let offset { pwrite(descriptor, base + done, rest, offset + done) } else { Glibc.write(descriptor, base + done, rest) }
      }
      guard n >= 0 else { throw ArchiveError("write", path) }
      done += n
    }
  }

  public static func write(_ descriptor: Int32, _ bytes: Span<UInt8>, at offset: Int? = nil, path: String) throws(ArchiveError) {
    try bytes.withUnsafeBytes { buffer throws(ArchiveError) in try write(descriptor, buffer, at: offset, path: path) }
  }

  public static func write(_ descriptor: Int32, _ bytes: [UInt8], at offset: Int? = nil, path: String) throws(ArchiveError) {
    try write(descriptor, bytes.span, at: offset, path: path)
  }

  /// fdatasync: the data and what is needed to find it, its length included.
  public static func sync(_ descriptor: Int32, path: String) throws(ArchiveError) {
    try check(.sync, path)
    guard retrying({ Int(fdatasync(descriptor)) }) == 0 else { throw ArchiveError("fsync", path) }
  }

  public static func syncFolder(_ path: String) throws(ArchiveError) {
    try check(.sync, path)
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw ArchiveError("open", path) }
    defer { close(descriptor) }
    guard retrying({ Int(fsync(descriptor)) }) == 0 else { throw ArchiveError("fsync", path) }
  }

  public static func rename(_ from: String, _ to: String) throws(ArchiveError) {
    try check(.rename, to)
    guard Glibc.rename(from, to) == 0 else { throw ArchiveError("rename", to) }
  }

  /// Gone already is as good.
  public static func remove(_ path: String) throws(ArchiveError) {
    try check(.remove, path)
    guard unlink(path) == 0 || errno == ENOENT else { throw ArchiveError("unlink", path) }
  }

  public static func truncate(_ descriptor: Int32, to length: Int, path: String) throws(ArchiveError) {
    try check(.truncate, path)
    guard retrying({ Int(ftruncate(descriptor, length)) }) == 0 else { throw ArchiveError("ftruncate", path) }
  }

  /// A folder for the owner alone; its parent is synced. What exists is refused unless `orExisting`.
  public static func makeFolder(_ path: String, mode: mode_t = 0o700, orExisting: Bool = false) throws(ArchiveError) {
    try check(.makeFolder, path)
    if mkdir(path, mode) != 0 {
      guard errno == EEXIST, orExisting else { throw ArchiveError("mkdir", path) }
      return
    }
    try syncFolder(parent(path))
  }

  /// Puts a file in its place whole, or not at all: temporary file, sync, rename, sync of the folder.
  /// - Parameter replacing: false refuses a file that exists (EEXIST), which for evidence is the rule.
  public static func place(
    _ bytes: [UInt8], at path: String, mode: mode_t = 0o600, replacing: Bool = false
  ) throws(ArchiveError) {
    if !replacing, access(path, F_OK) == 0 { throw ArchiveError("open", path, code: EEXIST) }
    let temporary = Layout.temporary(path)
    try remove(temporary)
    let descriptor = try create(temporary, mode: mode)
    do throws(ArchiveError) {
      defer { close(descriptor) }
      try write(descriptor, bytes.span, path: temporary)
      try sync(descriptor, path: temporary)
    } catch {
      unlink(temporary)
      throw error
    }
    try rename(temporary, path)
    try syncFolder(parent(path))
  }

  /// The folder a path lies in.
  public static func parent(_ path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: 0x2f) else { return "." }
    return slash == path.utf8.startIndex ? "/" : String(path[..<slash])
  }
}
