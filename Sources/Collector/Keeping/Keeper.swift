import Archive
import Evidence
import Glibc
import Record

/// What the keeper is asked to do.
enum KeeperWork: Sendable {
  /// Seals the open day as far as it is written.
  case seal(@Sendable (Result<SealMade, any Error>) -> Void)
  /// The same, with other days held.
  case hold(@Sendable ([Seal.Hold]) -> [Seal.Hold], @Sendable (Result<SealMade, any Error>) -> Void)
  /// Places a token that an authority gave.
  case token(ArrivedToken)
  /// Keeps what an auditor will need to judge certificates.
  case validation([[UInt8]])
  /// Takes over what has changed in the configuration.
  case reconfigure(KeeperSettings)
  /// Takes everything written so far, seals it, and ends.
  case stop
}

/// A token that was asked for, on its way into the archive.
struct ArrivedToken: Sendable {
  var seal: WaitingSeal
  var authority: String
  var bytes: [UInt8]
}

/// What the keeper takes from the configuration and can take anew while it runs.
struct KeeperSettings: Sendable {
  var sealIntervalMilliseconds: Int64
  var stampsEvery: Bool
  /// Those that answer at once; see `Stamper` for the others.
  var authorities: [any TimeStampAuthority]
  var signer: Signer
}

struct SealMade: Sendable {
  var number: Int
  var day: CalendarDay
  var records: Int
  var isFinal: Bool
  var tokens: [String]
}

/// The thread behind the writer: syncs the tails every commit interval, hashes their records, moves them into blocks,
/// closes days and makes the seals. It is as late as it may be: what it has not done lies safe in the tails.
///
/// `@unchecked`: handed to its thread once, before it starts; what other threads read is in `state`.
final class Keeper: @unchecked Sendable {
  let archive: ArchiveFolder
  let queue: TailQueue
  let sealer: Sealer
  private let zone: Zone
  private let counters: Counters
  private let publish: (Head) -> Void
  private let commitMilliseconds: Int
  private(set) var day: DayKeeper
  /// How far each waiting tail is synced, by its day and first record.
  private var synced: [TailKey: Int] = [:]
  private var nextSeal: Int64
  private var sealInterval: Int64
  private let stamper: Stamper
  /// Tokens that are not in the archive yet: they were paid for.
  private var arrived: [ArrivedToken] = []
  let state: KeeperState

  // Set before its thread starts.
  /// nil: nothing is deleted.
  var retention: Retention?
  /// Has the writer write a notice, and returns when it is in the tail.
  var notice: ((String, [JSONMember]) -> Void)?
  /// The open day on which retention was applied last.
  var retainedOn: CalendarDay?

  private struct TailKey: Hashable {
    var day: CalendarDay
    var first: Int

    init(_ segment: TailQueue.Segment) {
      day = segment.day
      first = segment.first
    }
  }

  /// - Parameter day: the oldest day that is not closed.
  init(
    archive: ArchiveFolder, queue: TailQueue, day: DayKeeper, sealer: Sealer, stamper: Stamper, zone: Zone, counters: Counters,
    commitMilliseconds: Int, sealIntervalMilliseconds: Int64, publish: @escaping (Head) -> Void
  ) {
    self.archive = archive
    self.queue = queue
    self.day = day
    self.sealer = sealer
    self.stamper = stamper
    self.zone = zone
    self.counters = counters
    self.commitMilliseconds = max(10, commitMilliseconds)
    self.publish = publish
    sealInterval = sealIntervalMilliseconds
    nextSeal = Clock.monotonicMilliseconds() + sealIntervalMilliseconds
    state = KeeperState()
    stamper.ask(for: sealer.waiting)
    stamper.signs(sealer.signer)
    tellState()
  }

  /// The thread's body.
  /// - Parameter flush: has the writer put everything it was given into the tails.
  func run(inbox: Handover<KeeperWork>, flush: () -> Void) {
    while true {
      let work = inbox.take(milliseconds: commitMilliseconds)
      counters.keeperAlive.store(Clock.monotonicMilliseconds(), ordering: .relaxed)
      if case .token(let token)? = work { arrived.append(token) }
      if case .reconfigure(let settings)? = work { take(settings) }
      do {
        try takeTails()
        try placeTokens()
        if case .validation(let files)? = work { try sealer.add(validation: files) }
        switch work {
        case .seal(let reply)?:
          flush()
          reply(Result { try sealOpenDay() })
        case .hold(let change, let reply)?:
          flush()
          reply(Result { try sealOpenDay(holds: change(sealer.newest?.holds ?? [])) })
        case .stop?:
          flush()
          try takeTails()
          let isSealed = day.records == sealer.newest.map { $0.day == day.day ? $0.records : -1 }
          if sealer.canSeal, !isSealed { try seal(isFinal: false, note: nil) }
          awaitTokens(inbox)
          return
        case .token?, .validation?, .reconfigure?, nil:
          // A key is replaced at once: its old one may soon be gone.
          let isDue = sealer.isHandingOver || Clock.monotonicMilliseconds() >= nextSeal
          if sealer.canSeal, isDue { _ = try sealOpenDay() }
        }
        try applyRetention()
        state.set(error: nil)
      } catch {
        tell(error)
        if case .seal(let reply)? = work { reply(.failure(error)) }
        if case .hold(_, let reply)? = work { reply(.failure(error)) }
        if case .stop? = work { return }
        usleep(useconds_t(commitMilliseconds) * 1000)
        day = (try? reopen()) ?? day
      }
    }
  }

  private func tell(_ error: any Error) {
    let words = "\(error)"
    // The same again and again is said once.
    if state.now.error != words { Log.error("\(words); tried again") }
    state.set(error: words)
    counters.keeperErrors.add(1)
  }

  /// After a failure nothing in memory about the day's blocks is believed: they are read again.
  private func reopen() throws -> DayKeeper? {
    guard day.isInDoubt else { return nil }
    _ = try Recovery.mendBlocks(archive.day(day.day))
    return try DayKeeper(archive, day.day)
  }

  // MARK: Tails

  /// Syncs what is written, and takes it.
  func takeTails() throws {
    let segments = queue.waiting
    let waiting = segments.reduce(0) { $0 + $1.records - (synced[TailKey($1)] ?? 0) }
    for segment in segments {
      // Days before this one on which the collector did not run, or that it could not close.
      while day.day < segment.day { try closeDay(hadCollector: day.records > 0) }
      let key = TailKey(segment)
      if segment.records > synced[key] ?? 0 {
        try sync(segment)
        synced[key] = segment.records
      }
      try day.take(segment, synced: segment.records, waiting: waiting)
      if segment.endsDay { try closeDay(hadCollector: true) }
      if segment.isClosed { try releaseTails() }
    }
    tellState()
  }

  /// Unlinks the tails whose records are in blocks on disk.
  private func releaseTails() throws {
    try day.sync()
    while let oldest = queue.waiting.first, oldest.day == day.day, day.holds(oldest) {
      try day.release(oldest)
      queue.removeFirst()
      synced[TailKey(oldest)] = nil
    }
  }

  private func sync(_ segment: TailQueue.Segment) throws(ArchiveError) {
    let path = archive.day(segment.day).path(Layout.tail(first: segment.first))
    let file = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
    guard file >= 0 else { throw ArchiveError("open", path) }
    defer { close(file) }
    try Disk.sync(file, path: path)
  }

  // MARK: Days and seals

  /// Closes a day on which nothing more can come, and opens the next. The tails go before the final seal: a closed day's
  /// records lie in blocks alone.
  private func closeDay(hadCollector: Bool) throws {
    try day.finish()
    try releaseTails()
    let isSealed = sealer.newest.map { $0.isFinal && $0.day == day.day } ?? false
    // Without a key the day waits for its final seal until the log is opened with one.
    if !isSealed, sealer.canSeal { try seal(isFinal: true, note: hadCollector ? nil : "the collector did not run on this day") }
    day = try DayKeeper(archive, day.day.adding(days: 1), making: true)
  }

  /// Takes everything that is written and seals it.
  private func sealOpenDay(holds: [Seal.Hold]? = nil) throws -> SealMade {
    try takeTails()
    let seal = try seal(isFinal: false, note: nil, holds: holds)
    return SealMade(
      number: seal.number, day: seal.day, records: seal.records, isFinal: seal.isFinal, tokens: try sealer.tokens(seal.number, seal.day))
  }

  @discardableResult func seal(
    isFinal: Bool, note: String?, keptFrom: CalendarDay? = nil, holds: [Seal.Hold]? = nil
  ) throws -> Seal {
    let clock = Clock.state()
    let seal = try sealer.seal(
      Sealer.Statement(
        day: day.day, isFinal: isFinal, state: day.digest.snapshot(), salt: day.salt, dropped: day.dropped,
        made: zone.timestamp(Clock.microseconds()),
        clock: Seal.Clock(isSynchronised: clock.isSynchronised, errorMicroseconds: clock.errorMicroseconds),
        note: note, keptFrom: keptFrom, holds: holds))
    counters.seals.add(1)
    nextSeal = Clock.monotonicMilliseconds() + sealInterval
    if isFinal, let head = sealer.head(of: seal) { publish(head) }
    stamper.ask(for: sealer.waiting)
    stamper.signs(sealer.signer)
    tellState()
    return seal
  }

  // MARK: Tokens

  private func placeTokens() throws {
    guard !arrived.isEmpty else { return }
    while let token = arrived.first {
      try sealer.add(token: token.bytes, of: token.authority, to: token.seal)
      arrived.removeFirst()
    }
    stamper.waits(for: sealer.waiting)
    tellState()
  }

  /// At the end: a token that comes promptly is taken along; an authority that hangs is not waited for, the next start asks
  /// again.
  private func awaitTokens(_ inbox: Handover<KeeperWork>) {
    let deadline = Clock.monotonicMilliseconds() + 5000
    while !sealer.waiting.isEmpty, !stamper.isIdle, Clock.monotonicMilliseconds() < deadline {
      guard case .token(let token)? = inbox.take(milliseconds: 100) else { continue }
      arrived.append(token)
      do { try placeTokens() } catch { tell(error) }
    }
    // What came in the last moment.
    while case .token(let token)? = inbox.take(milliseconds: 0) {
      arrived.append(token)
      do { try placeTokens() } catch { tell(error) }
    }
  }

  private func take(_ settings: KeeperSettings) {
    sealInterval = settings.sealIntervalMilliseconds
    nextSeal = min(nextSeal, Clock.monotonicMilliseconds() + sealInterval)
    if sealer.canSeal, sealer.signer?.digest != settings.signer.digest {
      Log.info("another key signs from now on: certificate \(settings.signer.digest)")
      sealer.announce(settings.signer)
    } else if sealer.isHandingOver, let signer = sealer.signer {
      // Changed back before it was announced.
      sealer.announce(signer)
    }
    sealer.reconfigure(authorities: settings.authorities, stampsEvery: settings.stampsEvery)
    stamper.ask(for: sealer.waiting)
  }

  private func tellState() {
    state.set(
      newest: sealer.newest.map { ($0.number, $0.day, $0.records, $0.made) }, waiting: sealer.waiting.count, errors: sealer.lastErrors,
      signer: sealer.signer?.certificate)
  }
}
