import Archive
import Dialects
import Glibc
import Record

/// The files behind one entry of `sources`: finds them, and follows each through whatever becomes of its name.
///
/// A file is told from others by its number in the file system while it is open, and by its content always: at a start, and
/// on shares whose numbers change. A name whose file is another one than before has been rotated; the old file is read to
/// its end under its new name, or from the descriptor that is still open.
final class Following {
  let pattern: String
  private let format: FileFormat?
  private let hasWildcards: Bool
  /// How far files were read that are not followed now: what the archive says, and what was lost sight of since.
  private var history: FileHistory
  private(set) var files: [FollowedFile] = []
  private var byIdentity: [FileState.Identity: FollowedFile] = [:]
  /// Paths that cannot be read, and why.
  private(set) var troubles: [String: String] = [:]
  private(set) var replaced = 0
  private var paths: [String] = []
  private var pollsUntilLook = 0
  private var isFirstPoll = true
  private var hasFoundRotated = false
  private let now: () -> Int64

  /// How long a file that has lost its name is still read: programs write into it until they are told to open the new one.
  static let graceMilliseconds: Int64 = 60_000
  /// New names are looked for every so many polls.
  private static let pollsBetweenLooks = 4
  static let maximumFiles = 4096

  /// - Parameters:
  ///   - pattern: a path, or a pattern of glob(7).
  ///   - format: nil: what each file looks like.
  init(
    _ pattern: String, format: FileFormat?, history: FileHistory, now: @escaping () -> Int64 = Clock.monotonicMilliseconds
  ) {
    self.pattern = pattern
    self.format = format
    self.history = history
    self.now = now
    hasWildcards = pattern.utf8.contains { $0 == 0x2a || $0 == 0x3f || $0 == 0x5b }
  }

  /// How far all files were read; to be kept for the next start.
  var positions: FileHistory {
    var all = history
    for file in files { all.add(file.path, file.position) }
    return all
  }

  var bytesRead: Int { bytesOfGone + files.reduce(0) { $0 + $1.bytesRead } }
  private var bytesOfGone = 0

  // MARK: - One round

  /// What bears a name of the list at this moment.
  private struct Present {
    var files: [(path: String, state: FileState)] = []
    var identities: [String: FileState.Identity] = [:]
  }

  /// Reads what has come since the last time.
  func poll(_ emit: FollowedFile.Emit) {
    look()
    var present = Present()
    var troubles: [String: String] = [:]
    for path in paths {
      guard let state = FileState(path: path) else {
        // A name in a list of names that has gone since is none; a path that somebody wrote down should be there.
        let code = errno
        if code != ENOENT || !hasWildcards { troubles[path] = "\(path): \(String(cString: strerror(code)))" }
        continue
      }
      if state.isRegular {
        present.files.append((path, state))
        present.identities[path] = state.identity
      } else {
        troubles[path] = "\(path): is no file, but a folder, pipe or device"
      }
    }
    if hasWildcards, present.files.isEmpty, troubles.isEmpty { troubles[pattern] = "\(pattern): no file has such a name" }
    // What was written first is read first, where several are to be caught up with.
    if isFirstPoll { present.files.sort(by: Self.isOlder) }
    rename(present)
    if isFirstPoll, !hasWildcards { findRotated(present, emit) }
    leave(present, emit)
    for (path, state) in present.files {
      do throws(SourceError) { try follow(path, state, emit) } catch { troubles[path] = error.description }
    }
    self.troubles = troubles
    isFirstPoll = false
  }

  private func look() {
    guard hasWildcards else {
      paths = [pattern]
      return
    }
    pollsUntilLook -= 1
    guard pollsUntilLook <= 0 else { return }
    pollsUntilLook = Self.pollsBetweenLooks
    paths = Array(Self.matches(pattern).prefix(Self.maximumFiles))
  }

  static func matches(_ pattern: String) -> [String] {
    var found = glob_t()
    defer { globfree(&found) }
    guard glob(pattern, GLOB_NOSORT, nil, &found) == 0, let list = found.gl_pathv else { return [] }
    return (0..<Int(found.gl_pathc)).compactMap { list[$0].map { String(cString: $0) } }.sorted()
  }

  /// Files that have taken other names of the list (logrotate with a pattern that takes its names too).
  private func rename(_ present: Present) {
    for (path, state) in present.files {
      // One file under two names keeps the first.
      guard let file = byIdentity[state.identity], file.path != path, present.identities[file.path] != file.identity else { continue }
      file.move(to: path)
    }
  }

  /// Files that have no name of the list any more: read to their end before anything that took their names.
  private func leave(_ present: Present, _ emit: FollowedFile.Emit) {
    let time = now()
    let identities = Set(present.identities.values)
    var ended: [FollowedFile] = []
    for file in files {
      if identities.contains(file.identity) {
        file.absentSince = nil
        continue
      }
      // On a share the same file may have another number, or be opened anew under another name.
      if let same = present.identities[file.path], byIdentity[same] == nil, file.fits(file.path) {
        adopt(file, same)
        file.absentSince = nil
        continue
      }
      let since = file.absentSince ?? time
      file.absentSince = since
      if let moved = Self.siblings(of: file.home).first(where: { $0.state.identity == file.identity }) {
        file.move(to: moved.path)
      }
      if (try? file.read(nil, emit)) == nil, let moved = Self.siblings(of: file.home).first(where: { file.fits($0.path) }) {
        file.move(to: moved.path)
        adopt(file, moved.state.identity)
        _ = try? file.read(nil, emit)
      }
      if time - since >= Self.graceMilliseconds { ended.append(file) }
    }
    for file in ended {
      file.finish(emit)
      bytesOfGone += file.bytesRead
      history.add(file.path, file.position)
      if byIdentity[file.identity] === file { byIdentity[file.identity] = nil }
    }
    if !ended.isEmpty { files.removeAll { file in ended.contains { $0 === file } } }
  }

  private func add(_ file: FollowedFile) {
    files.append(file)
    byIdentity[file.identity] = file
  }

  private func adopt(_ file: FollowedFile, _ identity: FileState.Identity) {
    if byIdentity[file.identity] === file { byIdentity[file.identity] = nil }
    file.adopt(identity)
    byIdentity[identity] = file
  }

  private func isFollowed(_ state: FileState) -> Bool { byIdentity[state.identity] != nil }

  private func follow(_ path: String, _ state: FileState, _ emit: FollowedFile.Emit) throws(SourceError) {
    if let file = byIdentity[state.identity] {
      // A second name of the same file says nothing new.
      guard file.path == path else { return }
      return try file.read(state, emit) { self.isCopied($0, emit) }
    }
    let file = FollowedFile(path, state.identity, format: format, position: position(of: path, emit))
    add(file)
    try file.read(nil, emit)
  }

  // MARK: - Files that are met for the first time

  /// From where a file is read that was not followed so far.
  private func position(of path: String, _ emit: FollowedFile.Emit) -> FilePosition {
    if Self.format(of: path, given: format)?.isRewritten == true {
      // Entries that are known are not read again, where a server wrote its file anew under the same name.
      let old = files.last { $0.path == path }
      if old != nil { replaced += 1 }
      return FilePosition(known: (old?.position ?? history.position(of: path))?.known ?? [])
    }
    if let known = position(in: path) { return known }
    if files.contains(where: { $0.path == path }) {
      replaced += 1
      return FilePosition()
    }
    // Its content is here no more: it has been rotated while nobody looked, or written over.
    if history.position(of: path) != nil, !hasWildcards, !hasFoundRotated {
      Log.warning(
        "\(path): is another file than the one that was read last, and that is not beside it under a name such as \(path).1; "
          + "what was written to it meanwhile may be missing")
    }
    return FilePosition()
  }

  /// How far the content of a file was read, whatever it is called: it may have been renamed, or be a copy.
  private func position(in path: String) -> FilePosition? {
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    guard file >= 0 else { return nil }
    defer { close(file) }
    let past = history.position(in: file)
    let present = files.filter { $0.position.fits(file) }.max { $0.position.next < $1.position.next }?.position
    guard let past, let present else { return past ?? present }
    return past.next > present.next ? past : present
  }

  /// What is given, else what the file looks like; nil while it cannot be read.
  static func format(of path: String, given: FileFormat?) -> FileFormat? {
    if let given { return given }
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    guard file >= 0 else { return nil }
    defer { close(file) }
    return FileBytes.read(file, FileFormat.headBytes, at: 0).map { FileFormat.of($0.span) }
  }

  private static func fits(_ position: FilePosition, _ path: String) -> Bool {
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    guard file >= 0 else { return false }
    defer { close(file) }
    return position.fits(file)
  }

  /// What stood in a file that has been written over may go on in a copy (logrotate's copytruncate).
  private func isCopied(_ file: FollowedFile, _ emit: FollowedFile.Emit) -> Bool {
    let position = file.position
    history.add(file.path, position)
    guard !position.marks.isEmpty else { return false }
    let others = files.filter { $0 !== file && FileState(path: $0.path)?.identity == $0.identity }
    if others.contains(where: { Self.fits(position, $0.path) }) { return true }
    // Those of the list are met in their turn.
    if hasWildcards, Self.matches(pattern).contains(where: { $0 != file.path && Self.fits(position, $0) }) {
      pollsUntilLook = 0
      return true
    }
    return readRotated(file.home, position, emit)
  }

  /// Reads the rest of a file that was written over, from its copy.
  /// - Returns: whether there is one.
  private func readRotated(_ path: String, _ position: FilePosition, _ emit: FollowedFile.Emit) -> Bool {
    let siblings = Self.siblings(of: path).filter { sibling in !isFollowed(sibling.state) && !paths.contains(sibling.path) }
    guard let copy = siblings.last(where: { Self.fits(position, $0.path) }) else { return false }
    readRest(of: copy, from: position, emit)
    return true
  }

  /// At a start: reads what was written before a file was rotated while nobody looked: the rest of the one that was being
  /// read then, and those that came after it.
  private func findRotated(_ present: Present, _ emit: FollowedFile.Emit) {
    guard Self.format(of: pattern, given: format)?.isRewritten != true else { return }
    for sibling in Self.siblings(of: pattern) where !present.identities.values.contains(sibling.state.identity) {
      let known = position(in: sibling.path)
      if known != nil { hasFoundRotated = true }
      guard hasFoundRotated, sibling.state.size > known?.next ?? 0 else { continue }
      readRest(of: sibling, from: known ?? FilePosition(), emit)
    }
  }

  /// For a while, as of a file that was just rotated: somebody may still be writing into it.
  private func readRest(of sibling: (path: String, state: FileState), from position: FilePosition, _ emit: FollowedFile.Emit) {
    let file = FollowedFile(sibling.path, home: pattern, sibling.state.identity, format: format, position: position)
    add(file)
    _ = try? file.read(nil, emit)
  }

  /// Files that a rotation may have made of this one, by the time of their last change: its name with a number or a date
  /// behind it (`messages.1`, `messages-20261120`).
  static func siblings(of path: String) -> [(path: String, state: FileState)] {
    guard let slash = path.utf8.lastIndex(of: 0x2f) else { return [] }
    let folder = String(path[...slash])
    let name = Array(path[path.utf8.index(after: slash)...].utf8)
    guard let directory = opendir(folder) else { return [] }
    defer { closedir(directory) }
    var found: [(path: String, state: FileState)] = []
    while let entry = readdir(directory), found.count < 1000 {
      let other = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      let bytes = Array(other.utf8)
      guard bytes.count > name.count + 1, bytes.starts(with: name), bytes[name.count] == 0x2e || bytes[name.count] == 0x2d,
        bytes[(name.count + 1)...].allSatisfy({ $0.isDigit || $0 == 0x2d || $0 == 0x2e || $0 == 0x54 }),
        let state = FileState(path: folder + other), state.isRegular
      else { continue }
      found.append((folder + other, state))
    }
    return found.sorted(by: isOlder)
  }

  private static func isOlder(_ a: (path: String, state: FileState), _ b: (path: String, state: FileState)) -> Bool {
    if a.state.changed != b.state.changed { return a.state.changed < b.state.changed }
    // Of one moment: a greater number is an older file.
    return a.path.utf8.count == b.path.utf8.count ? a.path > b.path : a.path.utf8.count > b.path.utf8.count
  }
}
