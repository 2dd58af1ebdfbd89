import Archive
import Dialects
import Glibc
import Record
import Synchronization

/// What the writer knows of one file: records of one path that are read in one way.
final class FileOrigin: MessageSource {
  let via = Via.file
  let name: String
  let origin: String?
  let device: Configuration.Device?
  let entryFormat: FileFormat?

  init(path: String, format: FileFormat, device: Configuration.Device) {
    name = "file \(path)"
    origin = path
    self.device = device
    entryFormat = format
  }
}

/// Follows the files of one entry of `sources`, on a thread of its own: a share that hangs holds up nobody else.
///
/// The kernel is not asked to tell of changes: it knows nothing of those that others make on a share. Every file is looked
/// at twice a second instead, which costs a `stat`.
///
/// `@unchecked`: what is not atomic or locked belongs to the thread that runs `run`.
final class FileSource: RunningSource, @unchecked Sendable {
  let name: String
  private let settings: Configuration.Source.Followed
  private let archive: ArchiveFolder
  private let indexFolder: String
  private let isStopping = Atomic(false)
  private let received = Atomic(0)
  private let bytesRead = Atomic(0)
  private let followed = Atomic(0)
  private let replaced = Atomic(0)
  private let troubles = Mutex<[String: String]>([:])

  // The thread's own.
  private var origins: [OriginKey: FileOrigin] = [:]
  private var batch: Batch?
  private var isUnsaved = false
  private var lastSave: Int64 = 0
  private var outstanding = 0
  private let done = Handover<Bool>(capacity: 8)

  private struct OriginKey: Hashable {
    var path: String
    var format: FileFormat
    var charset: Charset
  }

  private static let pollMilliseconds = 500
  private static let saveMilliseconds: Int64 = 10_000

  init(_ settings: Configuration.Source.Followed, _ configuration: Configuration) {
    self.settings = settings
    name = "file \(settings.path)"
    archive = ArchiveFolder(configuration.archive)
    indexFolder = configuration.index
  }

  var receivedCount: Int { received.load(ordering: .relaxed) }
  /// What a file holds waits there.
  var droppedCount: Int { 0 }
  var warnings: [String] { troubles.withLock { $0 }.sorted { $0.key < $1.key }.map { "not followed: \($0.value)" } }

  func addMetrics(to page: inout Exposition) {
    let label = [("source", name)]
    page.add("muhur_files_followed", .gauge, "Files that are followed, by source.", [(label, followed.load(ordering: .relaxed))])
    page.add("muhur_files_unreadable", .gauge, "Files that cannot be read, by source.", [(label, troubles.withLock { $0.count })])
    page.add("muhur_file_bytes_total", .counter, "Bytes read of followed files, by source.", [(label, bytesRead.load(ordering: .relaxed))])
    page.add(
      "muhur_files_replaced_total", .counter, "Times that a followed file was rotated or written over, by source.",
      [(label, replaced.load(ordering: .relaxed))])
  }

  func stop() { isStopping.store(true, ordering: .relaxed) }

  // MARK: - The thread

  func run(free: Handover<Batch>, out: Handover<WriterWork>) {
    let search = PositionSearch(
      archive: archive, logID: (try? archive.log())?.id ?? "", path: indexFolder + "/followed-\(settings.fileName)", pattern: settings.path,
      remembersEntries: Following.matches(settings.path).contains {
        Following.format(of: $0, given: settings.format)?.isRewritten == true
      })
    while true {
      let following = Following(settings.path, format: settings.format, history: search.positions { Log.info($0) })
      let isFull = follow(following, search, free: free, out: out)
      guard isFull, !isStopping.load(ordering: .relaxed) else { return }
      // What could not be written is still in the files: they are read again from where the archive ends.
      while isDiskFull(out), !isStopping.load(ordering: .relaxed) { pause() }
    }
  }

  /// - Returns: true where the disk is full.
  private func follow(_ following: Following, _ search: PositionSearch, free: Handover<Batch>, out: Handover<WriterWork>) -> Bool {
    var isFull = false
    while true {
      // Looked at before, so that what is there when it is stopped is still read.
      let isLast = isStopping.load(ordering: .relaxed)
      let before = receivedCount
      following.poll { file, entry, at, length in
        if !isFull { isFull = self.add(file, entry, at, length, free, out) }
      }
      isFull = give(out) || isFull
      while outstanding > 0 { isFull = settle() || isFull }
      if isFull { return true }
      if receivedCount > before { isUnsaved = true }
      tell(following)
      if isUnsaved, isLast || Clock.monotonicMilliseconds() - lastSave >= Self.saveMilliseconds { save(following, search, out) }
      if isLast { return false }
      pause()
    }
  }

  private func pause() {
    for _ in 0..<Self.pollMilliseconds / 50 where !isStopping.load(ordering: .relaxed) { usleep(50_000) }
  }

  /// - Returns: whether the disk is full.
  private func add(
    _ file: FollowedFile, _ entry: [UInt8], _ at: Int, _ length: Int, _ free: Handover<Batch>, _ out: Handover<WriterWork>
  ) -> Bool {
    let origin = origin(of: file)
    var isFull = false
    if let batch, batch.source !== origin { isFull = give(out) }
    let now = Clock.microseconds()
    while true {
      let open = batch ?? free.take()
      if batch == nil {
        open.source = origin
        batch = open
      }
      let isTaken = entry.withUnsafeBytes {
        open.append($0, original: length, microseconds: now, address: IPAddress(v6: 0), port: 0, at: at)
      }
      if isTaken { break }
      isFull = give(out) || isFull
    }
    received.add(1, ordering: .relaxed)
    return isFull
  }

  private func origin(of file: FollowedFile) -> FileOrigin {
    let format = file.format ?? .syslog
    var device = settings.device
    if let charset = file.encoding.charset { device.charset = charset }
    if let only = format.dialect { device.dialects = [only] }
    let key = OriginKey(path: file.path, format: format, charset: device.charset)
    if let known = origins[key] { return known }
    // Kept for ever: the writer knows them by their place in memory.
    let made = FileOrigin(path: file.path, format: format, device: device)
    origins[key] = made
    return made
  }

  /// Hands the batch on, and waits while two are on their way: sockets need batches too.
  /// - Returns: whether the disk is full.
  private func give(_ out: Handover<WriterWork>) -> Bool {
    guard let full = batch else { return false }
    batch = nil
    out.give(.messages(full))
    let done = done
    out.give(.perform { done.give($0.isDiskFull) })
    outstanding += 1
    return outstanding >= 2 ? settle() : false
  }

  private func settle() -> Bool {
    outstanding -= 1
    return done.take()
  }

  private func isDiskFull(_ out: Handover<WriterWork>) -> Bool {
    let done = done
    out.give(.perform { done.give($0.isDiskFull) })
    return done.take()
  }

  private func tell(_ following: Following) {
    followed.store(following.files.count, ordering: .relaxed)
    bytesRead.store(following.bytesRead, ordering: .relaxed)
    replaced.store(following.replaced + following.files.reduce(0) { $0 + $1.rewrites }, ordering: .relaxed)
    let new = following.troubles
    troubles.withLock { old in
      // Said once in the log, and in `status` for as long as it lasts.
      for (path, words) in new where old[path] != words { Log.warning("\(words); tried again") }
      for path in old.keys where new[path] == nil { Log.info("\(path): can be read") }
      old = new
    }
  }

  private func save(_ following: Following, _ search: PositionSearch, _ out: Handover<WriterWork>) {
    let place = Handover<PositionSearch.Place>(capacity: 1)
    out.give(.perform { place.give($0.nextPlace) })
    search.write(following.positions, upTo: place.take())
    lastSave = Clock.monotonicMilliseconds()
    isUnsaved = false
  }
}
