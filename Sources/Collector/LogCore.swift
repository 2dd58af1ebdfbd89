import Archive
import Attribution
import Commands
import Dialects
import Evidence
import Glibc
import Record
import Synchronization

/// A log that this process writes: the lock, the writer, the keeper and the index, without any source. The daemon puts
/// sources before it; `muhur import` and `muhur seal` with `--archive` use it as it is.
public final class LogCore: LogAccess {
  public static let software = "muhurd \(Release.version)"

  public let archive: ArchiveFolder
  public let identity: LogIdentity
  public let zone: Zone
  public let seals: SealCatalog
  let counters = Counters()
  let inbox = Handover<WriterWork>(capacity: 64)
  private let keeperInbox = Handover<KeeperWork>(capacity: 16)
  private let lock: ArchiveLock
  private let writer: Writer
  let keeper: Keeper
  let stamper: Stamper
  let witnesses: WitnessQueue
  private let recovered: [RecoveryNote]
  private let restoration: Restoration?
  /// Whether the log has had a life before this one.
  let isContinued: Bool
  let configuration: Mutex<Configuration>
  private let dialects: Mutex<DialectSet>
  private let index: LogIndex
  private let feed: RecordFeed
  private let indexer = IndexerState()
  private let threads = Mutex<(writer: Thread.Handle, keeper: Thread.Handle, index: Thread.Handle?)?>(nil)
  let started = Clock.microseconds()
  let watched = Mutex<[any RunningSource]>([])

  /// Takes the archive's lock and brings it into a state that can be gone on with.
  /// - Parameters:
  ///   - deletes: whether days go whose retention is over; without it none ever does.
  ///   - seals: without it no key is needed, and the days stay unsealed until the log is opened with its keys.
  ///   - isOffline: not the daemon: what waits for an authority goes on waiting for the daemon's.
  ///   - progress: words while that takes long.
  public init(
    _ configuration: Configuration, seals: Bool = true, deletes: Bool = false, isOffline: Bool = false,
    progress: @escaping @Sendable (String) -> Void = { _ in }
  ) throws(StartError) {
    do {
      let archive = ArchiveFolder(configuration.archive)
      self.archive = archive
      lock = try ArchiveLock(archive)
      identity = try archive.log()
      guard let zone = Zone(named: identity.timezone) else {
        throw StartError(
          exitCode: 2,
          description: "\(archive.path)/\(Layout.log): time zone \(identity.timezone) is not known here: install the package tzdata")
      }
      self.zone = zone
      self.seals = SealCatalog(archive)
      let dialects = try DialectSet.load(folders: configuration.dialectFolders)
      let keys = KeyFolder(configuration.keys)
      let authorities = seals ? try Self.authorities(configuration, keys) : []
      let sealer = try Sealer(
        archive, keys: keys, signer: seals ? try Self.signer(configuration, keys) : nil, authorities: Self.prompt(authorities),
        stampsEvery: configuration.timestamp.every == .seal, software: Self.software)
      if seals {
        try Self.handOver(sealer, keys)
        try sealer.finishUnsigned()
        if isOffline { sealer.leaveWaiting() }
      }
      isContinued = sealer.newest != nil
      restoration = seals ? try Restoration.read(keys) : nil
      let queue = TailQueue()
      let (writerDay, keeperDay, notes) = try Self.recover(archive, sealer, zone, queue)
      for note in notes { Log.warning("recovered: \(note.file): \(note.detail), \(note.cut) bytes cut off") }
      recovered = notes
      let tail = try TailWriter(archive, resuming: writerDay, queue: queue)
      let feed = RecordFeed()
      self.feed = feed
      writer = Writer(
        tail: tail, archive: archive, zone: zone, configuration: configuration, dialects: dialects, counters: counters, feed: feed)
      let witnesses = WitnessQueue(
        log: identity.name, zone: zone, file: keys.path + "/published", heads: try Self.newestHeads(archive, self.seals, identity.id),
        publishers: configuration.publish)
      self.witnesses = witnesses
      let inbox = inbox
      stamper = Stamper(archive, zone: zone, authorities: authorities, expectedPerDay: configuration.sealsStampedPerDay) {
        name, why, number in
        let members = [JSONMember("authority", .string(name)), JSONMember("error", .string(why)), JSONMember("seal", .integer(number))]
        inbox.give(.perform { $0.notice("timestamp-failed", members) })
      }
      keeper = Keeper(
        archive: archive, queue: queue, day: try DayKeeper(archive, keeperDay) { progress("reading the open day: record \($0)") },
        sealer: sealer, stamper: stamper, zone: zone, counters: counters,
        commitMilliseconds: Int(configuration.commitInterval.microseconds / 1000),
        sealIntervalMilliseconds: configuration.seal.interval.microseconds / 1000, publish: { witnesses.publish($0) })
      if deletes {
        keeper.retention = Retention(configuration.retention)
        keeper.notice = { what, members in Self.wait(for: inbox) { $0.notice(what, members) } }
      }
      index = LogIndex(archive: archive, identity: identity, zone: zone, folder: configuration.index, isLive: true, feed: feed)
      index.use(Rereading(configuration, zone: zone, dialects: dialects))
      self.configuration = Mutex(configuration)
      self.dialects = Mutex(dialects)
    } catch let error as StartError {
      throw error
    } catch let error as DialectError {
      throw StartError(exitCode: 2, description: "\(error)")
    } catch let error as ArchiveError {
      let help = Self.help(error, configuration, isOffline: isOffline)
      throw StartError(exitCode: error.code == nil ? 1 : 4, description: "\(error)\(help)")
    } catch {
      throw StartError(exitCode: 4, description: "\(error)")
    }
  }

  /// What to do about a file that is not there or cannot be read, and which key names it; empty where there is nothing to say.
  private static func help(_ error: ArchiveError, _ configuration: Configuration, isOffline: Bool) -> String {
    guard error.code != nil else { return "" }
    let (path, seal) = (error.path, configuration.seal)
    let named = [
      ("certificate", seal.certificate), ("key", seal.key), ("pkcs12", seal.pkcs12), ("password_file", seal.passwordFile),
    ]
    if let key = named.first(where: { $0.1 == path })?.0 { return " (key: seal.\(key))" }
    if FilePlace.lies(path, in: configuration.keys) {
      return isOffline ? "; --keys names the folder of this log's keys" : "; `muhur init` makes the keys with the log (key: keys)"
    }
    guard error.code == ENOENT, !isOffline, path == ArchiveFolder(configuration.archive).path(Layout.log) else { return "" }
    return "; `muhur init` makes a log (key: archive)"
  }

  // MARK: Start

  private static func signer(_ configuration: Configuration, _ keys: KeyFolder) throws -> Signer {
    let seal = configuration.seal
    func bytes(_ path: String) throws -> [UInt8] { try RegularFile.bytes(path, limit: 1 << 20) }
    let password = try seal.passwordFile.map { Evidence.Identity.password(fileBytes: try bytes($0)) }
    func named<R>(_ path: String, _ body: () throws -> R) throws -> R {
      do { return try body() } catch let error as OpenSSLError { throw StartError(exitCode: 4, description: "\(path): \(error)") }
    }
    if let path = seal.pkcs12 { return try named(path) { Signer(try Evidence.Identity(pkcs12: bytes(path), password: password ?? [])) } }
    if let key = seal.key, let certificate = seal.certificate {
      return try named(key) {
        if key.hasPrefix("pkcs11:") {
          return Signer(try Evidence.Identity(pkcs11: key, pin: password ?? [], certificatePEM: bytes(certificate)))
        }
        return Signer(try Evidence.Identity(keyPEM: bytes(key), certificatePEM: bytes(certificate), password: password))
      }
    }
    return Signer(try keys.signer())
  }

  /// A key that was changed while nothing ran is announced by the one in the keys folder, where that signed the newest seal.
  private static func handOver(_ sealer: Sealer, _ keys: KeyFolder) throws {
    guard let new = sealer.signer, !sealer.expects(new) else { return }
    if let old = try? Signer(keys.signer()), sealer.expects(old) {
      Log.info("another key signs from now on: certificate \(new.digest)")
      return sealer.announce(new, by: old)
    }
    Log.warning(
      "the certificate \(new.digest) is not the one that the newest seal announces: an auditor is told of it. To change the key "
        + "without that, change it while the daemon runs with the old one, and reload: systemctl reload muhurd")
  }

  private static func authorities(_ configuration: Configuration, _ keys: KeyFolder) throws -> [any TimeStampAuthority] {
    try configuration.timestamp.authorities.map { authority in
      func make(_ remote: Configuration.Authority.Remote, _ account: RemoteAuthority.Account) -> RemoteAuthority {
        RemoteAuthority(
          name: authority.name, address: remote.url, account: account, trustFile: remote.trust, policy: remote.policy, proxy: remote.proxy)
      }
      switch authority.service {
      case .local: return try LocalAuthority(name: authority.name, identity: try keys.authority())
      case .rfc3161(let remote, let user):
        guard let user, let file = remote.passwordFile else { return make(remote, .anybody) }
        return make(remote, .basic(user: user, passwordFile: file))
      case .kamuSM(let remote, let user): return make(remote, .kamuSM(user: user, passwordFile: remote.passwordFile ?? ""))
      }
    }
  }

  /// Those that stand before every authority on another machine: their tokens need not be waited for.
  private static func prompt(_ authorities: [any TimeStampAuthority]) -> [any TimeStampAuthority] {
    Array(authorities.prefix { $0 is LocalAuthority })
  }

  /// Every day that has no final seal is made whole again. The writer goes on with the last of them, the keeper closes
  /// those before it.
  private static func recover(
    _ archive: ArchiveFolder, _ sealer: Sealer, _ zone: Zone, _ queue: TailQueue
  ) throws -> (writer: RecoveredDay, keeper: CalendarDay, notes: [RecoveryNote]) {
    let today = zone.timestamp(Clock.microseconds()).localDay
    let days = try archive.days()
    // Where the newest seal is final, the days behind it are open; else its own day is the first that is.
    let firstOpen: CalendarDay
    if let newest = sealer.newest {
      firstOpen = newest.isFinal ? newest.day.adding(days: 1) : newest.day
    } else {
      firstOpen = days.first ?? today
    }
    let last = max(days.last ?? firstOpen, firstOpen)
    var notes: [RecoveryNote] = []
    var found: [RecoveredDay] = []
    for day in days where day >= firstOpen && day <= last {
      let sealed = sealer.newest.map { $0.day == day ? $0.records : 0 } ?? 0
      var one = try Recovery.recover(archive, day, sealed: sealed)
      notes += one.notes
      if day < last {
        for i in one.segments.indices { one.segments[i].isClosed = true }
        for segment in one.segments { queue.enqueue(segment) }
      }
      found.append(one)
    }
    let open = try found.last.flatMap { $0.day == last ? $0 : nil } ?? Recovery.recover(archive, last, sealed: 0)
    if !days.contains(firstOpen), firstOpen < last { _ = try Recovery.recover(archive, firstOpen, sealed: 0) }
    return (open, firstOpen, notes)
  }

  /// Sources whose warnings `status` tells.
  func watch(_ sources: [any RunningSource]) { watched.withLock { $0 = sources } }

  /// Starts the threads.
  /// - Parameter keepsIndex: whether questions will come.
  func start(free: Handover<Batch>, keepsIndex: Bool = true) {
    let (writer, keeper, inbox, keeperInbox) = (writer, keeper, inbox, keeperInbox)
    let writing = Thread.start("writer", joinable: true) { writer.run(inbox: inbox, free: free) }
    // Behind the writer nothing is urgent: the tails hold what is not done yet.
    let keeping = Thread.start("keeper", nice: 5, joinable: true) {
      keeper.run(inbox: keeperInbox) { Self.wait(for: inbox) { $0.flush() } }
    }
    let stamper = stamper
    // It may hang in an authority's answer when the daemon ends; nothing is lost with it.
    Thread.start("stamper", nice: 5) { stamper.run(out: keeperInbox) }
    let witnesses = witnesses
    Thread.start("publisher", nice: 5) { witnesses.run() }
    for note in recovered {
      var members = [
        JSONMember("file", .string(note.file)), JSONMember("detail", .string(note.detail)), JSONMember("bytes", .integer(note.cut)),
      ]
      if !note.bytes.isEmpty {
        var text: [UInt8] = []
        text.append(base64: note.bytes.span)
        members.append(JSONMember("cut_base64", .string(String(decoding: text, as: UTF8.self))))
      }
      tell("recovered", members)
    }
    if let restoration { tell("restored", restoration.members) }
    let indexing = keepsIndex ? Thread.start("index", nice: 5, joinable: true) { self.keepIndex() } : nil
    threads.withLock { $0 = (writing, keeping, indexing) }
  }

  /// Records in one round of the index thread that say that messages come in a flood.
  private static let flood = 50_000

  /// The index thread's body: what a record says is to be found within a second of its receipt.
  private func keepIndex() {
    var round = 0
    while !indexer.isStopping.load(ordering: .relaxed) {
      do {
        let read = try index.catchUp(isLazy: !round.isMultiple(of: 3))
        round += 1
        // Where messages come faster than they are indexed, blocks that must be unpacked wait: they are read without it too.
        var turns = 8
        try index.catchUpBlocks(
          isBusy: read > Self.flood,
          while: {
            turns -= 1
            return turns >= 0 && !indexer.isStopping.load(ordering: .relaxed)
          })
        indexer.error.withLock { $0 = nil }
      } catch {
        let words = "\(error)"
        indexer.error.withLock {
          if $0 != words { Log.error("index: \(words); tried again") }
          $0 = words
        }
        usleep(2_000_000)
      }
      // Questions bring the index up to date themselves; larger transactions cost less.
      for _ in 0..<4 where !indexer.isStopping.load(ordering: .relaxed) && !feed.isPressed { usleep(200_000) }
    }
  }

  /// In words, while the index cannot be kept up to date.
  var indexError: String? { indexer.error.withLock { $0 } }

  /// The log's first seal is made at once: its day is the log's first.
  func sealAtFirstStart() {
    guard !isContinued else { return }
    do { _ = try seal(final: nil, confirmClock: false) } catch { Log.error("the first seal: \(error)") }
  }

  /// Opens an archive that no daemon holds, to import into it or to seal it: the threads run when this returns.
  /// - Parameters:
  ///   - keys: the folder of keys; the usual one where nil.
  ///   - seals: without it no keys are needed, and what is written is sealed when the log is next opened with them.
  public static func open(
    archive: String, keys: String?, seals: Bool, progress: @escaping @Sendable (String) -> Void
  ) throws(StartError) -> LogCore {
    var configuration = Configuration(archive: archive)
    if let keys { configuration.keys = keys }
    let core = try LogCore(configuration, seals: seals, isOffline: true, progress: progress)
    core.start(free: Handover(capacity: 1), keepsIndex: false)
    return core
  }

  /// Ends what `open` began; what was written is sealed where there are keys.
  /// - Returns: the exit code.
  public func close() -> Int32 { end() }

  /// Ends the daemon's log: everything received is written, a `stopped` notice behind it, all of it sealed.
  /// - Returns: the exit code.
  func stop() -> Int32 {
    inbox.give(
      .perform { writer in
        writer.tellAllLosses()
        writer.tellGaps(all: true)
        writer.notice("stopped")
      })
    return end()
  }

  private func end() -> Int32 {
    onWriter { $0.flush() }
    keeperInbox.give(.stop)
    let handles = threads.withLock { $0 }
    handles?.keeper.join()
    stamper.stop()
    witnesses.stop()
    inbox.give(.perform { $0.stop() })
    handles?.writer.join()
    indexer.isStopping.store(true, ordering: .relaxed)
    handles?.index?.join()
    if let error = keeper.state.now.error {
      Log.error("stopped, but not sealed: \(error)")
      return 4
    }
    return 0
  }

  /// Runs something on the writer's thread, behind all that was given to it so far, and waits for it.
  private static func wait<R: Sendable>(for inbox: Handover<WriterWork>, _ body: @escaping @Sendable (Writer) -> R) -> R {
    let done = Handover<R>(capacity: 1)
    inbox.give(.perform { done.give(body($0)) })
    return done.take()
  }

  func onWriter<R: Sendable>(_ body: @escaping @Sendable (Writer) -> R) -> R { Self.wait(for: inbox, body) }

  // MARK: What the daemon's threads say

  /// Does not wait; for the daemon's own threads.
  func tell(_ what: String, _ members: [JSONMember], further: [JSONValue] = []) {
    inbox.give(.perform { $0.notice(what, members, further: further) })
  }

  func lost(_ count: Int, where place: String) { inbox.give(.perform { $0.lost(count, where: place) }) }

  func reconfigure(_ new: Configuration, dialects: DialectSet) {
    configuration.withLock { $0 = new }
    self.dialects.withLock { $0 = dialects }
    index.use(Rereading(new, zone: zone, dialects: dialects))
    inbox.give(.perform { $0.reconfigure(new, dialects: dialects) })
    do {
      let authorities = try Self.authorities(new, KeyFolder(new.keys))
      witnesses.reconfigure(new.publish)
      stamper.reconfigure(authorities: authorities, expectedPerDay: new.sealsStampedPerDay)
      keeperInbox.give(
        .reconfigure(
          KeeperSettings(
            sealIntervalMilliseconds: new.seal.interval.microseconds / 1000, stampsEvery: new.timestamp.every == .seal,
            authorities: Self.prompt(authorities), signer: try Self.signer(new, KeyFolder(new.keys)))))
    } catch {
      Log.error("timestamp and seal are not taken over: \(error)")
    }
  }

  /// Whether writer and keeper came round lately; a long seal or a slow disk may take a while.
  var isAlive: Bool {
    let now = Clock.monotonicMilliseconds()
    return now - counters.writerAlive.load(ordering: .relaxed) < 30_000 && now - counters.keeperAlive.load(ordering: .relaxed) < 300_000
  }

  /// Head lines of the newest closed days, the oldest first.
  private static func newestHeads(_ archive: ArchiveFolder, _ seals: SealCatalog, _ log: String) throws -> [Head] {
    try archive.days().suffix(31).compactMap { day in
      guard let seal = try seals.seals(of: day).last, seal.final, seal.isSigned else { return nil }
      return Head(log: log, number: seal.number, day: day, p7s: SHA256.hash(try SealStore(archive).bytes(seal.number, day, .signature)))
    }
  }

  // MARK: LogAccess

  public func questions(blocks: Bool, progress: (String) -> Void) throws -> Questions {
    // What was received before the question counts.
    onWriter { $0.flush() }
    return try index.questions(blocks: blocks, progress: progress)
  }

  public func reindex(progress: (String) -> Void) throws -> ReindexCount { try index.rebuild(progress: progress) }

  public func writing() throws -> any LogWriting { self }
}

extension LogCore: LogWriting {
  public func append(_ lines: [UInt8], records: Int) throws {
    let failure = onWriter { writer -> ArchiveError? in
      do throws(ArchiveError) { try writer.append(lines: lines) } catch { return error }
      return nil
    }
    if let failure { throw failure }
  }

  public func notice(_ what: String, _ members: [JSONMember]) throws { onWriter { $0.notice(what, members) } }

  public func commit() throws { onWriter { $0.flush() } }

  public func seal(final day: CalendarDay?, confirmClock: Bool) throws -> SealDone {
    if confirmClock { onWriter { $0.confirmClock() } }
    if let day { return try close(day) }
    let done = Handover<Result<SealMade, any Error>>(capacity: 1)
    keeperInbox.give(.seal { done.give($0) })
    let made = try done.take().get()
    return SealDone(number: made.number, day: made.day, records: made.records, final: made.isFinal, tokens: made.tokens)
  }

  /// `seal --final DAY`: a past day that has no final seal. The keeper closes such days by itself as soon as a later day
  /// is open, so all there is to do is to wait for it.
  private func close(_ day: CalendarDay) throws -> SealDone {
    let open = onWriter { $0.openDay }
    guard day < open else {
      throw Refusal(.usage, "\(day) is still open; only a past day can be closed", hint: "muhur seal seals the open day")
    }
    guard try archive.days().contains(day) else { throw Refusal(.usage, "the log has no day \(day)") }
    if try seals.seals(of: day).contains(where: \.final) { throw Refusal(.noAnswer, "\(day) has its final seal already") }
    _ = try seal(final: nil, confirmClock: false)
    guard let last = try seals.seals(of: day).last, last.final else {
      throw Refusal(.unreachable, "\(day) could not be closed; see muhur status")
    }
    return SealDone(number: last.number, day: day, records: last.records, final: true, tokens: last.tokens)
  }

  public func seal(holding change: @escaping @Sendable ([Seal.Hold]) -> [Seal.Hold]) throws -> SealDone {
    let done = Handover<Result<SealMade, any Error>>(capacity: 1)
    keeperInbox.give(.hold(change) { done.give($0) })
    let made = try done.take().get()
    return SealDone(number: made.number, day: made.day, records: made.records, final: made.isFinal, tokens: made.tokens)
  }

  public func source(named name: String) throws -> ImportSource? {
    let dialects = dialects.withLock { $0 }
    let (device, devices) = configuration.withLock { ($0.device(named: name), $0.devices) }
    guard device != nil || devices.isEmpty else { return nil }
    return ImportSource(
      name: name, site: device?.site ?? RecordLine.defaultSite, charset: device?.charset ?? .windows1254, dialects: dialects,
      reading: SourceReading(device, zone: zone, dialects: dialects),
      bindingTimeout: configuration.withLock { $0.bindingTimeout.microseconds })
  }
}

/// What the index thread shares with others.
private final class IndexerState: Sendable {
  let isStopping = Atomic(false)
  let error = Mutex<String?>(nil)
}
