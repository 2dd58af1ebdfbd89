import Archive
import Attribution
import Dialects
import Glibc
import PacketDecoding
import Record
import Syslog

/// The one thread that makes records: it reads each message once, appends its line to a buffer, and writes the buffer to
/// the open day's tail. Everything behind it (hashing, blocks, seals, indexes, answers) reads the tails.
///
/// Nothing is allocated for a message. All members belong to the thread that runs `run`; others reach them by
/// `WriterWork.perform`. Those that every message needs are not checked for overlapping access at run time: no call here
/// gives a member away while it changes it, and the checks cost as much as a field of an event.
///
/// `@unchecked`: handed to its thread once, before it starts.
final class Writer: @unchecked Sendable {
  private let tail: TailWriter
  private let archiveZone: Zone
  private let reserve: Reserve
  private let archivePath: String
  private let counters: Counters
  @exclusivity(unchecked) private var dayClock: DayClock

  // How messages are read.
  @exclusivity(unchecked) private var normaliser: Normaliser
  private var configuration: Configuration
  @exclusivity(unchecked) private var peers: [Peer.Key: Peer] = [:]
  @exclusivity(unchecked) private var lastPeer: (key: Peer.Key, peer: Peer)?
  private var packetReadings: [ObjectIdentifier: PacketReading] = [:]
  private(set) var activities: [String: SenderActivity] = [:]
  @exclusivity(unchecked) private var events = EventList()
  @exclusivity(unchecked) private var text: [UInt8] = []

  // Lines that are not written yet.
  @exclusivity(unchecked) private var record = RecordWriter()
  @exclusivity(unchecked) private var lines: [UInt8] = []
  @exclusivity(unchecked) private var gathering: RecordGathering
  @exclusivity(unchecked) private var lineCount = 0
  @exclusivity(unchecked) private var messageCount = 0
  /// Notices among them, whole lines, to be written again where the write fails.
  private var noticeLines: [[UInt8]] = []
  @exclusivity(unchecked) private var offsetUntil: Int64 = .min
  @exclusivity(unchecked) private var offsetMinutes = 0

  private var clockWatch = ClockWatch()
  private let started = Clock.microseconds()
  private var diskLookedAt: Int64 = 0
  private var isDiskLow = false

  // Losses that are not in a notice yet.
  @exclusivity(unchecked) private var losses = Losses()
  @exclusivity(unchecked) private var gaps = SourceGaps()
  private var isStopping = false

  /// More senders than this at once are forgotten and met anew: forged addresses must not fill the memory.
  private static let maximumPeers = 16_384

  init(
    tail: TailWriter, archive: ArchiveFolder, zone: Zone, configuration: Configuration, dialects: DialectSet, counters: Counters,
    feed: RecordFeed
  ) {
    self.tail = tail
    gathering = RecordGathering(for: feed)
    archiveZone = zone
    archivePath = archive.path
    reserve = Reserve(archive)
    self.configuration = configuration
    self.counters = counters
    normaliser = Normaliser(dialects)
    dayClock = DayClock(day: tail.day)
    lines.reserveCapacity(1 << 20)
    if let space = DiskSpace(of: archive.path) { reserve.restore(freeBytes: space.freeBytes) }
    listDevices(since: Clock.microseconds())
  }

  /// The thread's body.
  func run(inbox: Handover<WriterWork>, free: Handover<Batch>) {
    var tick = Clock.monotonicMilliseconds()
    while !isStopping {
      let work = inbox.take(milliseconds: 100)
      switch work {
      case .messages(let batch)?:
        for message in batch.messages { add(message, of: batch) }
        flush()
        batch.removeAll()
        free.give(batch)
      case .perform(let body)?: body(self)
      case nil: break
      }
      let now = Clock.monotonicMilliseconds()
      counters.writerAlive.store(now, ordering: .relaxed)
      if now - tick >= 200 {
        tick = now
        everyNowAndThen()
      }
    }
  }

  /// Ends `run` when the work at hand is done.
  func stop() { isStopping = true }

  // MARK: Messages

  private func add(_ message: Batch.Message, of batch: Batch) {
    let peer = peer(of: message, source: batch.source)
    peer.activity.received += 1
    peer.activity.last = message.microseconds
    guard !counters.diskFull.load(ordering: .relaxed) else {
      // What a file holds is read again when there is room.
      if batch.source.via != .file { lost(1, since: message.microseconds, where: "disk") }
      return
    }
    advance(to: message.microseconds)
    batch.withMessage(message) { bytes in
      if let packets = peer.packets {
        add(packet: bytes, message, LinkType(rawValue: batch.source.linkType ?? 0), packets, peer: peer)
      } else {
        add(bytes, message, peer: peer)
      }
    }
  }

  /// Makes the record of one message.
  private func add(_ bytes: Span<UInt8>, _ message: Batch.Message, peer: Peer) {
    let microseconds = message.microseconds
    let sender = peer.sender
    let start = lines.count
    record.begin(&lines, microseconds: microseconds, offsetMinutes: offset(at: microseconds), sender: sender.span)
    let isUnended = message.original == Batch.Message.unended
    let isCut = message.original > bytes.count || isUnended
    if isCut { counters.cut.add(1) }
    RecordWriter.position(
      &lines, at: message.at < 0 ? nil : message.at, cut: isCut ? .some(isUnended ? nil : message.original) : nil)
    events.removeAll()
    let charset = peer.device?.charset ?? .windows1254
    if charset.isText(bytes) {
      RecordWriter.raw(&lines, utf8: bytes)
      read(bytes, isCut: isCut, microseconds: microseconds, peer: peer)
    } else {
      text.removeAll(keepingCapacity: true)
      charset.decode(bytes, into: &text)
      if peer.isFile, text.span.starts(with: "\u{feff}") { text.removeFirst(3) }
      RecordWriter.raw(&lines, bytes: bytes, text: text)
      let decoded = text
      read(decoded.span, isCut: isCut, microseconds: microseconds, peer: peer)
    }
    gathering.end(&lines, from: start, microseconds: microseconds, sender: peer.fed, events: events)
    lineCount += 1
    messageCount += 1
    if lineCount >= tail.roomInBlock || lines.count >= 1 << 20 { flush() }
  }

  /// Makes the record of one packet, where it is worth one.
  private func add(packet bytes: Span<UInt8>, _ message: Batch.Message, _ type: LinkType, _ packets: PacketReading, peer: Peer) {
    events.removeAll()
    let time = Timestamp(microseconds: message.microseconds, offsetMinutes: offset(at: message.microseconds))
    switch packets.reader.read(bytes, type, time: time, into: &events) {
    case .ignored: return
    case .repeated:
      counters.thinned.add(1)
      peer.activity.thinned = (peer.activity.thinned ?? 0) + 1
      return
    case .malformed: counters.notUnderstood.add(1)
    case .message, .fragment: break
    }
    let sender = peer.sender
    let start = lines.count
    record.begin(&lines, microseconds: message.microseconds, offsetMinutes: offset(at: message.microseconds), sender: sender.span)
    let isCut = message.original > bytes.count
    if isCut { counters.cut.add(1) }
    RecordWriter.position(&lines, cut: isCut ? .some(message.original) : nil, linkType: type.rawValue)
    RecordWriter.raw(&lines, bytes: bytes, text: nil)
    gathering.end(&lines, from: start, microseconds: message.microseconds, sender: peer.fed, events: events)
    if !events.isEmpty {
      peer.activity.events += events.count
      counters.events.add(events.count)
    }
    lineCount += 1
    messageCount += 1
    if lineCount >= tail.roomInBlock || lines.count >= 1 << 20 { flush() }
  }

  /// How the packets of a source are read; what was seen of them is kept when the configuration changes.
  private func packetReading(_ source: any MessageSource, _ device: Configuration.Device?) -> PacketReading? {
    guard source.linkType != nil else { return nil }
    let reading = packetReadings[ObjectIdentifier(source)] ?? PacketReading(PacketReader())
    reading.reader.charset = device?.charset ?? .windows1254
    reading.reader.thinning = configuration.bindingTimeout.microseconds / 2
    packetReadings[ObjectIdentifier(source)] = reading
    return reading
  }

  private func read(_ text: Span<UInt8>, isCut: Bool, microseconds: Int64, peer: Peer) {
    if peer.isFile { return readFile(text, isCut: isCut, microseconds: microseconds, peer: peer) }
    let activity = peer.activity
    if !peer.keepsEvents {
      guard activity.looksLike == nil, activity.looked < 50 else { return }
      activity.looked += 1
    }
    // Half of a message may be understood, and wrongly.
    if isCut, peer.keepsEvents { return count(peer, isUnderstood: false) }
    let outcome = normaliser.read(text, received: microseconds, sender: peer.senderKey, source: peer.reading, into: &events)
    if !peer.keepsEvents {
      switch outcome {
      case .event(let dialect, _), .nothing(let dialect, _): activity.looksLike = normaliser.set.label(dialect)
      case .notUnderstood, .notForUs: break
      }
      events.removeAll()
      return
    }
    if case .notUnderstood = outcome { count(peer, isUnderstood: false) } else { count(peer, isUnderstood: true) }
    note(peer, text, at: microseconds)
  }

  /// What the message that was just read says of others that never came.
  private func note(_ peer: Peer, _ text: Span<UInt8>, at time: Int64) {
    let activity = peer.activity
    if gaps.hasPaused { gaps.speaks(source: activity.name, at: time) }
    if !peer.isFile, let number = normaliser.header.sequenceNumber(text) {
      // A relay sends what several number for themselves.
      var key = 0xcbf2_9ce4_8422_2325 ^ peer.senderKey &* 0x9e37_79b9_7f4a_7c15
      if let host = normaliser.header.host { for i in host { key = (key ^ UInt64(text[i])) &* 0x100_0000_01b3 } }
      gaps.see(number, key: key, source: activity.name, now: time)
    }
    switch normaliser.gap {
    case .lost(let count)?: gaps.lost(count, source: activity.name, since: activity.said ?? time, until: time)
    case .paused?: gaps.pauses(source: activity.name, at: time)
    case nil: break
    }
    activity.said = time
  }

  private func count(_ peer: Peer, isUnderstood: Bool) {
    if !events.isEmpty {
      peer.activity.events += events.count
      counters.events.add(events.count)
    } else if !isUnderstood {
      counters.notUnderstood.add(1)
    }
  }

  /// An entry of a file: a lease, a request, or a line that a dialect reads.
  private func readFile(_ text: Span<UInt8>, isCut: Bool, microseconds: Int64, peer: Peer) {
    if var reader = peer.reader {
      // Half of an entry may be understood, and wrongly.
      let charset = peer.device?.charset ?? .windows1254
      let outcome = isCut ? .notUnderstood : reader.read(text, charset: charset, source: peer.reading, into: &events)
      peer.reader = reader
      return count(peer, isUnderstood: outcome != .notUnderstood)
    }
    let line = text.starts(with: "\u{feff}") ? text.extracting(3..<text.count) : text
    // Lines that were written hours apart are read in one moment: their own times say what was written together.
    let own = SyslogMessage(line).time?.resolved(zone: peer.reading.zone, received: microseconds)?.microseconds
    let outcome = normaliser.read(line, received: own ?? microseconds, sender: peer.senderKey, source: peer.reading, into: &events)
    if case .notUnderstood = outcome { count(peer, isUnderstood: false) } else { count(peer, isUnderstood: true) }
    note(peer, line, at: own ?? microseconds)
  }

  private func peer(of message: Batch.Message, source: any MessageSource) -> Peer {
    let key = Peer.Key(address: message.address, port: message.port, connection: message.connection, source: ObjectIdentifier(source))
    if let lastPeer, lastPeer.key == key { return lastPeer.peer }
    if let known = peers[key] {
      lastPeer = (key, known)
      return known
    }
    if peers.count >= Self.maximumPeers { peers.removeAll(keepingCapacity: true) }
    let made = makePeer(of: message, source: source)
    peers[key] = made
    lastPeer = (key, made)
    return made
  }

  /// These connections have ended.
  func forget(_ keys: [Peer.Key]) {
    for key in keys { peers[key] = nil }
    lastPeer = nil
  }

  private func makePeer(of message: Batch.Message, source: any MessageSource) -> Peer {
    let address = message.address
    let device = source.device ?? configuration.device(for: address)
    var from = Array((source.origin ?? "").utf8)
    if source.origin == nil { from.append(address, port: message.port) }
    let packets = packetReading(source, device)
    let activity = activity(device?.name ?? address.description, device: device, since: message.microseconds)
    if packets != nil, activity.thinned == nil { activity.thinned = 0 }
    let certificate = message.connection == 0 ? nil : source.certificate(of: message.connection)
    return Peer(
      via: source.via,
      sender: RecordWriter.sender(
        via: source.via, source: device?.name, site: device?.site, from: String(decoding: from, as: UTF8.self), peer: certificate),
      device: device,
      reading: SourceReading(device, zone: archiveZone, dialects: normaliser.set),
      senderKey: source.origin.map(Self.key) ?? UInt64(truncatingIfNeeded: address.value ^ address.value >> 64),
      keepsEvents: device != nil || configuration.devices.isEmpty,
      activity: activity,
      reader: source.entryFormat?.reader, isFile: source.via == .file, packets: packets)
  }

  private static func key(_ origin: String) -> UInt64 {
    origin.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  }

  private func activity(_ name: String, device: Configuration.Device?, since: Int64) -> SenderActivity {
    if let known = activities[name] { return known }
    if activities.count >= Self.maximumPeers { activities = activities.filter { $0.value.isListed } }
    let made = SenderActivity(
      name: name, isListed: device != nil || configuration.devices.isEmpty, isDevice: device != nil,
      silentAfter: device?.silentAfterMicroseconds, since: since)
    activities[name] = made
    return made
  }

  private func listDevices(since: Int64) {
    for device in configuration.devices + configuration.sources.compactMap(\.device) {
      _ = activity(device.name, device: device, since: since)
    }
    let watched = activities.values.filter { $0.silentAfter != nil }.map { ($0.name, $0.silentSince != nil) }
    counters.silentSources.withLock { $0 = Dictionary(watched) { first, _ in first } }
  }

  /// Puts whole lines that were made elsewhere (an import) into the open day.
  /// - Throws: what the disk said; the records before the fault are in the archive then.
  func append(lines text: [UInt8]) throws(ArchiveError) {
    flush()
    advance(to: Clock.microseconds())
    let bytes = text.span
    var start = 0
    while start < bytes.count {
      var end = start
      var count = 0
      let room = tail.roomInBlock
      while count < room, end < bytes.count, let lf = bytes.firstIndex(of: 0x0a, from: end) {
        end = lf + 1
        count += 1
      }
      guard count > 0 else { return }
      try tail.append(bytes.extracting(start..<end), count: count)
      gathering.written(count, day: tail.day, end: tail.records)
      counters.recorded.add(count)
      counters.recordedBytes.add(end - start)
      start = end
    }
  }

  // MARK: Time

  private func offset(at microseconds: Int64) -> Int {
    let seconds = microseconds.flooredQuotient(Timestamp.second)
    // Zones change twice a year; asking once a minute is enough.
    if seconds >= offsetUntil || seconds < offsetUntil - 60 {
      offsetMinutes = archiveZone.offset(at: seconds).seconds / 60
      offsetUntil = (seconds / 60 + 1) * 60
    }
    return offsetMinutes
  }

  private func advance(to microseconds: Int64) {
    let local = microseconds + Int64(offset(at: microseconds)) * Timestamp.minute
    let day = CalendarDay(number: Int(local.flooredQuotient(Timestamp.day)))
    guard day > tail.day else { return }
    switch dayClock.judge(day) {
    case .stay: return
    case .suspect(let first):
      if first {
        notice(
          "clock-suspect",
          [
            JSONMember("clock", .string(day.description)), JSONMember("open_day", .string(tail.day.description)),
            JSONMember("hint", "set the clock right, or confirm with: muhur seal --confirm-clock"),
          ])
      }
    case .begin:
      flush()
      do throws(ArchiveError) { try tail.begin(day) } catch {
        // The open day goes on; the next message tries again.
        diskFailed(error)
        return
      }
      gathering.written(0, day: day, end: 0)
      dayClock.begun(day)
    }
  }

  /// The operator vouches for the clock: a day far ahead may begin.
  func confirmClock() {
    dayClock.confirm()
    advance(to: Clock.microseconds())
  }

  var openDay: CalendarDay { tail.day }
  /// Senders whose numbers leave out so much that they tell nothing.
  var sparselyNumbered: [String] { gaps.sparse }

  /// Where the next record will stand; everything before it is in a tail.
  var nextPlace: PositionSearch.Place {
    flush()
    return PositionSearch.Place(day: tail.day, record: tail.records)
  }

  var isDiskFull: Bool { counters.diskFull.load(ordering: .relaxed) }

  private func watchClock() {
    guard let step = clockWatch.look() else { return }
    Log.warning("the clock was set by \(step.microseconds / 1000) ms")
    func time(_ microseconds: Int64) -> JSONValue { .string(archiveZone.timestamp(microseconds).description) }
    notice(
      "clock-stepped",
      [
        JSONMember("step_ms", .integer(Int(step.microseconds / 1000))), JSONMember("since", time(min(step.before, step.after))),
        JSONMember("until", time(max(step.before, step.after))),
      ])
  }

  // MARK: Notices

  /// Writes a record of the collector about itself; it is in the tail when this returns, or is tried again.
  func notice(_ what: String, _ members: [JSONMember] = [], further: [JSONValue] = []) {
    let now = Clock.microseconds()
    var line: [UInt8] = []
    record.notice(&line, microseconds: now, offsetMinutes: offset(at: now), what: what, members: members, further: further)
    counters.notices.add(1)
    put(notice: line)
    flush()
  }

  private func put(notice line: [UInt8]) {
    lines.append(line.span)
    gathering.add(notice: line.span)
    lineCount += 1
    noticeLines.append(line)
    if lineCount >= tail.roomInBlock { flush() }
  }

  // MARK: Disk

  /// Writes what has gathered.
  func flush() {
    guard lineCount > 0 else { return }
    var failure: ArchiveError?
    do throws(ArchiveError) {
      try tail.append(lines.span, count: lineCount)
      gathering.written(lineCount, day: tail.day, end: tail.records)
      counters.recorded.add(messageCount)
      counters.recordedBytes.add(lines.count)
    } catch {
      failure = error
      gathering.forget()
      lost(messageCount, since: Clock.microseconds(), where: "disk")
      unwritten.append(contentsOf: noticeLines)
    }
    noticeLines.removeAll(keepingCapacity: true)
    lines.removeAll(keepingCapacity: true)
    lineCount = 0
    messageCount = 0
    if lines.capacity > 8 << 20 {
      // One huge batch must not hold memory for ever.
      lines = []
      lines.reserveCapacity(1 << 20)
    }
    if let failure { diskFailed(failure) }
  }

  /// Notices whose write failed.
  private var unwritten: [[UInt8]] = []
  /// In words, for `status`.
  private(set) var diskError: String?

  private func diskFailed(_ error: ArchiveError) {
    diskError = error.description
    guard !counters.diskFull.exchange(true, ordering: .relaxed) else { return }
    reserve.giveUp()
    Log.error("cannot write: \(error); messages are counted as dropped until there is room")
    let space = DiskSpace(of: archivePath)
    notice("disk-full", [JSONMember("error", .string(error.detail)), JSONMember("free_bytes", .integer(space?.freeBytes ?? 0))])
  }

  private func everyNowAndThen() {
    watchClock()
    advance(to: Clock.microseconds())
    flush()
    mendDisk()
    watchDisk()
    tellLosses()
    tellGaps()
    tellSilence()
  }

  /// Says once when the room becomes little, and again only after there was enough.
  private func watchDisk() {
    let now = Clock.monotonicMilliseconds()
    guard now - diskLookedAt >= 10_000, let outlook = diskOutlook() else { return }
    diskLookedAt = now
    guard outlook.isLow != isDiskLow, !counters.diskFull.load(ordering: .relaxed) else { return }
    isDiskLow = outlook.isLow
    guard isDiskLow else { return }
    let words = outlook.words(archivePath)
    Log.warning("\(words); make room: nothing is deleted before its time")
    notice(
      "disk-low",
      [JSONMember("free_bytes", .integer(outlook.freeBytes)), JSONMember("days_left", outlook.daysLeft.map(JSONValue.integer) ?? .null)])
  }

  func diskOutlook() -> DiskOutlook? {
    DiskSpace(of: archivePath).map {
      DiskOutlook($0, recordBytes: counters.recordedBytes.value, started: started, now: Clock.microseconds())
    }
  }

  private func mendDisk() {
    guard counters.diskFull.load(ordering: .relaxed), let space = DiskSpace(of: archivePath) else { return }
    if !unwritten.isEmpty {
      let again = unwritten
      unwritten.removeAll()
      for line in again { put(notice: line) }
      flush()
    }
    // Room for the reserve and as much again, so that this does not begin anew with the next batch.
    guard unwritten.isEmpty, space.freeBytes >= 4 * reserve.bytes else { return }
    reserve.restore(freeBytes: space.freeBytes)
    counters.diskFull.store(false, ordering: .relaxed)
    diskError = nil
    Log.info("there is room on the disk again; messages are recorded")
  }

  // MARK: Losses and silence

  /// The kernel threw away messages of a source, since it was asked last.
  func lost(_ count: Int, where place: String) { lost(count, since: losses.lastTold, where: place) }

  private func lost(_ count: Int, since: Int64, where place: String) {
    counters.dropped.add(count)
    losses.add(count, since: since, where: place)
  }

  /// Losses go into a notice once a second at most, so that a flood of them is not itself one. While the disk is full
  /// they are counted on, and told when there is room again.
  private func tellLosses() {
    let now = Clock.microseconds()
    guard losses.isDue(now: now), !counters.diskFull.load(ordering: .relaxed) else { return }
    tellAllLosses()
  }

  /// Before the daemon stops: nothing that was lost goes untold.
  func tellAllLosses() {
    let now = Clock.microseconds()
    for loss in losses.take(now: now) {
      notice(
        "dropped",
        [
          JSONMember("count", .integer(loss.count)), JSONMember("since", .string(archiveZone.timestamp(loss.since).description)),
          JSONMember("until", .string(archiveZone.timestamp(now).description)), JSONMember("where", .string(loss.place)),
        ])
    }
  }

  /// What senders say is missing.
  /// - Parameter all: before the daemon stops.
  func tellGaps(all: Bool = false) {
    let now = Clock.microseconds()
    guard !counters.diskFull.load(ordering: .relaxed) else { return }
    for gap in gaps.take(now: now, all: all) {
      let activity = activities[gap.source]
      activity?.missing += gap.count ?? 0
      activity?.lastGap = gap.until
      counters.sourceGaps.add(1)
      counters.sourceGapMessages.add(gap.count ?? 0)
      // A sender that is no device gives records without source: its gap concerns all of them.
      let isDevice = activity?.isDevice == true
      notice(
        "source-gap",
        [
          JSONMember(isDevice ? "source" : "from", .string(gap.source)), JSONMember("count", gap.count.map(JSONValue.integer) ?? .null),
          JSONMember("since", .string(archiveZone.timestamp(gap.since).description)),
          JSONMember("until", .string(archiveZone.timestamp(gap.until).description)), JSONMember("how", .string(gap.how)),
        ])
    }
  }

  private func tellSilence() {
    let now = Clock.microseconds()
    for activity in activities.values {
      guard let limit = activity.silentAfter else { continue }
      if activity.silentSince == nil, now - activity.last > limit {
        activity.silentSince = activity.last
        counters.silentSources.withLock { $0[activity.name] = true }
        notice(
          "source-silent",
          [JSONMember("source", .string(activity.name)), JSONMember("since", .string(archiveZone.timestamp(activity.last).description))])
      } else if let since = activity.silentSince, now - activity.last < limit {
        activity.silentSince = nil
        counters.silentSources.withLock { $0[activity.name] = false }
        notice(
          "source-back",
          [JSONMember("source", .string(activity.name)), JSONMember("since", .string(archiveZone.timestamp(since).description))])
      }
    }
  }

  // MARK: Configuration

  /// Takes over what can change while the daemon runs.
  func reconfigure(_ configuration: Configuration, dialects: DialectSet) {
    self.configuration = configuration
    normaliser = Normaliser(dialects)
    peers.removeAll()
    lastPeer = nil
    let old = activities
    activities.removeAll()
    listDevices(since: Clock.microseconds())
    for (name, activity) in activities where old[name] != nil {
      activity.received = old[name]?.received ?? 0
      activity.last = old[name]?.last ?? activity.last
      activity.said = old[name]?.said
      activity.missing = old[name]?.missing ?? 0
      activity.lastGap = old[name]?.lastGap
    }
  }
}
