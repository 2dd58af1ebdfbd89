import Archive
import CLinux
import Dialects
import Glibc
import Record

/// One file that is read as it grows. What becomes of its name is `Following`'s concern; this reads what is in it, and
/// sees when that is no longer what was read before.
final class FollowedFile {
  private(set) var path: String
  /// The name under which it was met: rotation makes its later names of this one.
  let home: String
  private(set) var identity: FileState.Identity
  private(set) var format: FileFormat?
  private(set) var encoding = FileEncoding.narrow
  private(set) var position: FilePosition
  /// Since when it has had no name that is followed, monotonic milliseconds; nil while it has one.
  var absentSince: Int64?
  /// Bytes read so far.
  private(set) var bytesRead = 0
  /// Times that its content was replaced.
  private(set) var rewrites = 0

  private var descriptor: CInt = -1
  /// nil until the first bytes are there: they say what the file is.
  private var framing: EntryFraming?
  /// The file's first bytes and those before the place that is read next, as they were.
  private var head: [UInt8] = []
  private var window: [UInt8] = []
  private var seen: FileState?
  /// The state of a file written in place, until it has been the same for a moment.
  private var unsettled: (state: FileState, polls: Int)?
  private var looksAgain = false
  /// Entries of the file as it is now, while it is read from its beginning: those known already are passed over.
  private var fresh: Set<Digest>?

  private static let windowBytes = 256
  private static let partBytes = 1 << 18
  /// Read of one file before others have their turn.
  private static let turnBytes = 8 << 20

  typealias Emit = (_ file: FollowedFile, _ entry: [UInt8], _ at: Int, _ length: Int) -> Void
  /// Is asked once its content has been replaced: whether what was there goes on in another file.
  typealias Replaced = (_ file: FollowedFile) -> Bool

  /// - Parameters:
  ///   - format: nil: what its first bytes look like.
  ///   - position: from where it is to be read.
  init(_ path: String, home: String? = nil, _ identity: FileState.Identity, format: FileFormat?, position: FilePosition) {
    self.path = path
    self.home = home ?? path
    self.identity = identity
    self.format = format
    self.position = position
  }

  deinit { release() }

  /// It has another name now.
  func move(to path: String) { self.path = path }

  /// Another number, or another descriptor, for the same content.
  func adopt(_ identity: FileState.Identity) {
    release()
    self.identity = identity
    seen = nil
  }

  private func release() {
    if descriptor >= 0 { close(descriptor) }
    descriptor = -1
  }

  // MARK: - Reading

  /// Reads what has come.
  /// - Parameter state: what its name shows, where that was just looked at.
  /// - Throws: in words, where it cannot be read.
  func read(_ state: FileState? = nil, _ emit: Emit, replaced: Replaced = { _ in false }) throws(SourceError) {
    if let state, state == seen, !looksAgain, isAtRest(state) { return }
    let file = try opened()
    defer { if !Self.mayStayOpen(file) || seen.map(isAtRest) == true { release() } }
    guard let state = FileState(descriptor: file) else { throw failed() }
    if state == seen, !looksAgain { return }
    guard try begin(file) else { return }
    if format?.isRewrittenInPlace == true {
      try readAnew(file, state, emit)
    } else {
      if try !isContinued(file, state) { startOver(emit, replaced) }
      if try readOn(file, to: state.size, emit) { seen = state }
    }
  }

  /// Reads what is left; nothing will be added, so what is unfinished is an entry.
  func finish(_ emit: Emit) {
    _ = try? read(nil, emit)
    if format?.isRewritten != true { giveUnfinished(emit) }
    release()
  }

  private func opened() throws(SourceError) -> CInt {
    if descriptor >= 0 { return descriptor }
    // Not to wait for the writer of a pipe that takes a file's name.
    descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    guard descriptor >= 0 else { throw failed() }
    guard let state = FileState(descriptor: descriptor), state.identity == identity else {
      release()
      throw SourceError(description: "\(path): was replaced at this moment")
    }
    return descriptor
  }

  private func failed() -> SourceError {
    let code = errno
    let help = code == EACCES || code == EPERM ? ": let the user of muhurd read it (its group, or setfacl -m u:muhur:r)" : ""
    return SourceError(description: "\(path): \(String(cString: strerror(code)))\(help)")
  }

  /// Not written to for an hour: of thousands of old files none need be open.
  private func isAtRest(_ state: FileState) -> Bool { Clock.microseconds() - state.changed / 1000 > Timestamp.hour }

  /// An open file on a share may keep its server from replacing it.
  private static func mayStayOpen(_ file: CInt) -> Bool { linux_is_on_share(file) == 0 }

  /// Finds out what the file is.
  /// - Returns: false while there is nothing in it.
  private func begin(_ file: CInt) throws(SourceError) -> Bool {
    if framing != nil { return true }
    guard let first = FileBytes.read(file, FileFormat.headBytes, at: 0) else { throw failed() }
    // A hole that is still to be filled.
    guard first.contains(where: { $0 != 0 }), first.count >= 2 else { return false }
    // Half a line shows too little.
    guard format != nil || first.contains(0x0a) || first.count == FileFormat.headBytes else { return false }
    let found = format ?? FileFormat.of(first.span)
    guard found != .packets else {
      throw SourceError(description: "\(path): is a packet capture; captures are read by `muhur import`, or live by a source of type pcap")
    }
    format = found
    encoding = FileEncoding.of(first.span)
    if found.isRewritten {
      position.startOver()
      fresh = []
    }
    framing = EntryFraming(found, encoding, at: position.next)
    window = []
    head = []
    try lookBack(file)
    return true
  }

  /// Whether what was read is still there, so that what follows is new.
  private func isContinued(_ file: CInt, _ state: FileState) throws(SourceError) -> Bool {
    guard let framing else { return false }
    if state.size < framing.position { return false }
    return try matches(file)
  }

  private func matches(_ file: CInt) throws(SourceError) -> Bool {
    guard let framing else { return false }
    guard let first = FileBytes.read(file, head.count, at: 0),
      let last = FileBytes.read(file, window.count, at: framing.position - window.count)
    else { throw failed() }
    return first == head && last == window
  }

  /// Whether this file's content is what was read so far, in another file.
  func fits(_ other: String) -> Bool {
    let file = open(other, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    guard file >= 0 else { return false }
    defer { close(file) }
    guard let state = FileState(descriptor: file), state.isRegular else { return false }
    return framing != nil && !head.isEmpty && (try? isContinued(file, state)) == true
  }

  /// Another content stands in the file: it is read from its beginning.
  private func startOver(_ emit: Emit, _ replaced: Replaced) {
    rewrites += 1
    // What was unfinished is gone from here; a server that writes all anew writes it again.
    if format?.isRewritten != true, !replaced(self) { giveUnfinished(emit) }
    position.startOver()
    if let fresh { position.known.formUnion(fresh) }
    framing = nil
    head = []
    window = []
    seen = nil
  }

  private func giveUnfinished(_ emit: Emit) {
    guard var framing = self.framing else { return }
    framing.finish { entry, at, length in take(entry, at, length, emit) }
    self.framing = framing
  }

  /// - Returns: whether all of it was read.
  private func readOn(_ file: CInt, to size: Int, _ emit: Emit) throws(SourceError) -> Bool {
    if framing == nil, try !begin(file) { return true }
    guard var framing else { return true }
    defer { self.framing = framing }
    var left = Self.turnBytes
    while framing.position < size, left > 0 {
      guard var part = FileBytes.read(file, min(Self.partBytes, size - framing.position), at: framing.position) else { throw failed() }
      // Shares, and programs that reserve room, show zeros where text is still to come.
      if !encoding.isWide || part.suffix(4).allSatisfy({ $0 == 0 }) {
        while part.last == 0 { part.removeLast() }
        if encoding.isWide, !(framing.position + part.count).isMultiple(of: 2) { part.append(0) }
      }
      if part.isEmpty { break }
      framing.take(part.span) { entry, at, length in take(entry, at, length, emit) }
      bytesRead += part.count
      left -= part.count
      window = Array((window + part.suffix(Self.windowBytes)).suffix(Self.windowBytes))
      if head.count < Self.windowBytes { try growHead(file, to: framing.position) }
    }
    let isWhole = framing.position >= size
    if isWhole, let entries = fresh {
      position.known = entries
      fresh = nil
    }
    return isWhole || left > 0
  }

  private func growHead(_ file: CInt, to end: Int) throws(SourceError) {
    guard let bytes = FileBytes.read(file, min(end, Self.windowBytes), at: 0) else { throw failed() }
    head = bytes
  }

  /// What stands before the place from which a file is read on.
  private func lookBack(_ file: CInt) throws(SourceError) {
    let end = position.next
    guard end > 0 else { return }
    let count = min(end, Self.windowBytes)
    guard let last = FileBytes.read(file, count, at: end - count) else { throw failed() }
    window = last
    try growHead(file, to: end)
  }

  /// A file that is written over in place is read whole whenever it has changed and then rested for a moment: what is read
  /// in the middle of a change would be half of one line and half of another.
  private func readAnew(_ file: CInt, _ state: FileState, _ emit: Emit) throws(SourceError) {
    if unsettled?.state != state {
      let polls = (unsettled?.polls ?? 0) + 1
      unsettled = (state, polls)
      // One that never rests is read all the same.
      if polls < 20 { return }
    }
    guard state.size <= Self.maximumRewritten, let bytes = FileBytes.read(file, state.size, at: 0) else {
      throw state.size > Self.maximumRewritten
        ? SourceError(description: "\(path): has \(state.size) bytes, too many for a lease file") : failed()
    }
    guard FileState(descriptor: file) == state, bytes.count == state.size else { return }
    unsettled = nil
    // Within one tick of the file system's clock it may change again and look the same.
    looksAgain = state != seen
    seen = state
    position.startOver()
    var entries: Set<Digest> = []
    fresh = []
    var framing = EntryFraming(format ?? .syslog, encoding)
    framing.take(bytes.span) { entry, at, length in take(entry, at, length, emit) }
    entries = fresh ?? []
    fresh = nil
    position.known = entries
    bytesRead += bytes.count
  }

  private static let maximumRewritten = 256 << 20

  private func take(_ entry: [UInt8], _ at: Int, _ length: Int, _ emit: Emit) {
    let digest = SHA256.hash(entry)
    if fresh != nil {
      fresh?.insert(digest)
      if position.known.contains(digest) { return }
    } else if format?.isRewritten == true {
      position.known.insert(digest)
    }
    position.note(digest, entry, at: at, length: length)
    emit(self, entry, at, length)
  }
}
