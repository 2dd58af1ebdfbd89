import Archive
import Glibc
import Record

/// How far a file has been read, and what its last entries were: by these it is known again, whatever it is called and
/// whatever number the file system gives it.
struct FilePosition: Sendable, Equatable {
  /// An entry that was read.
  struct Mark: Sendable, Equatable {
    var at: Int
    /// Bytes that were kept of it, whose hash this is.
    var length: Int
    var digest: Digest
  }

  /// The last entries, the latest last.
  private(set) var marks: [Mark] = []
  /// Behind the last entry.
  private(set) var next = 0
  /// Entries that were read of a file which its server writes anew again and again.
  var known: Set<Digest> = []

  /// Enough of them that no other file has the same at the same places.
  private static let maximumMarks = 8

  /// - Parameters:
  ///   - entry: the bytes that were kept.
  ///   - length: how long it was.
  mutating func note(_ digest: Digest, _ entry: [UInt8], at: Int, length: Int) {
    if marks.count >= Self.maximumMarks { marks.removeFirst() }
    marks.append(Mark(at: at, length: entry.count, digest: digest))
    next = at + length
  }

  /// As it was written down.
  init(marks: [Mark] = [], next: Int = 0, known: Set<Digest> = []) {
    self.marks = marks
    self.next = next
    self.known = known
  }

  /// Another file begins: nothing of it is read yet.
  mutating func startOver() {
    marks = []
    next = 0
  }

  /// Whether the entries stand in this file where they were.
  ///
  /// Of two files that had a name one after the other, the archive tells only the places of their entries: where they do
  /// not follow each other closely, those before may be of the earlier file, and do not count.
  func fits(_ file: CInt) -> Bool {
    guard !marks.isEmpty else { return false }
    for i in marks.indices.reversed() {
      let mark = marks[i]
      if let bytes = FileBytes.read(file, mark.length, at: mark.at), bytes.count == mark.length, SHA256.hash(bytes) == mark.digest {
        continue
      }
      return i + 1 < marks.count && marks[i + 1].at - mark.at - mark.length > FileHistory.betweenEntries
    }
    return true
  }
}

/// The files of some names, one after another as they were rotated, and how far each was read.
struct FileHistory: Sendable {
  struct Generation: Sendable {
    /// What it was called when its last entry was read.
    var path: String
    var position: FilePosition
    /// Greater for one that was read later.
    var order: Int
  }

  private(set) var generations: [Generation] = []
  private var latest: [String: Int] = [:]
  private var order = 0

  private static let maximum = 4096
  /// Bytes that stand between two entries of a file: the end of a line, or of a paragraph.
  static let betweenEntries = 2

  var newest: Generation? { generations.max { $0.order < $1.order } }

  /// The file of that name that was read last.
  func position(of path: String) -> FilePosition? { latest[path].map { generations[$0].position } }

  /// An entry, as a record tells of it.
  mutating func note(_ path: String, _ digest: Digest, _ entry: [UInt8], at: Int, length: Int, remembersEntry: Bool) {
    order += 1
    var known: Set<Digest> = []
    if let index = latest[path] {
      let next = generations[index].position.next
      if at >= next, at - next <= Self.betweenEntries {
        generations[index].order = order
        generations[index].position.note(digest, entry, at: at, length: length)
        if remembersEntry { generations[index].position.known.insert(digest) }
        return
      }
      if remembersEntry { known = generations[index].position.known }
      // A few empty lines, or another file that happens to be as long: both may be.
      if at >= next, at - next <= 8 {
        var both = generations[index].position
        both.note(digest, entry, at: at, length: length)
        if remembersEntry { both.known.insert(digest) }
        return add(path, both)
      }
    }
    var position = FilePosition(known: known)
    position.note(digest, entry, at: at, length: length)
    if remembersEntry { position.known.insert(digest) }
    add(path, position)
  }

  /// As it stood when it was lost sight of.
  mutating func add(_ path: String, _ position: FilePosition) {
    guard !position.marks.isEmpty || !position.known.isEmpty else { return }
    order += 1
    if generations.count >= Self.maximum {
      generations.sort { $0.order < $1.order }
      generations.removeFirst(Self.maximum / 2)
      latest = [:]
      for (i, generation) in generations.enumerated() { latest[generation.path] = i }
    }
    latest[path] = generations.count
    generations.append(Generation(path: path, position: position, order: order))
  }

  /// How far the content of an open file was read, whatever it was called.
  func position(in file: CInt) -> FilePosition? {
    var best: FilePosition?
    for generation in generations where generation.position.next > best?.next ?? 0 && generation.position.fits(file) {
      best = generation.position
    }
    return best
  }
}

/// Reading at a place, whole or not at all.
enum FileBytes {
  /// - Returns: fewer bytes at the file's end; nil where it cannot be read, with `errno`.
  static func read(_ file: CInt, _ count: Int, at offset: Int) -> [UInt8]? {
    var failed = false
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, length in
      length = 0
      while length < count, let base = buffer.baseAddress {
        let n = pread(file, base + length, count - length, off_t(offset + length))
        if n < 0, errno == EINTR { continue }
        failed = n < 0
        guard n > 0 else { return }
        length += n
      }
    }
    return failed ? nil : bytes
  }
}

/// By what a file system tells files apart, and by what it shows that one has changed.
struct FileState: Equatable {
  struct Identity: Hashable {
    var device: UInt
    var number: UInt
  }

  var identity: Identity
  var size: Int
  /// Last change, nanoseconds since 1970 by the clock of whoever keeps the file.
  var changed: Int64
  var isRegular: Bool

  init(_ status: stat) {
    identity = Identity(device: UInt(status.st_dev), number: UInt(status.st_ino))
    size = Int(status.st_size)
    changed = Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
    isRegular = status.st_mode & S_IFMT == S_IFREG
  }

  /// nil, and `errno`, where there is none.
  init?(path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    self.init(status)
  }

  init?(descriptor: CInt) {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return nil }
    self.init(status)
  }
}
