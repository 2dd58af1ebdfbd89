import Archive
import Glibc
import Record

/// The derived index of one archive: an SQLite file that is a function of the archive's records and can be deleted at
/// any time. One thread at a time; questions from another thread open the file a second time (`Index(reading:)`).
public final class Index {
  public let path: String
  /// The id of the log whose records it holds.
  public let logID: String
  let database: Database
  /// Rows are appended and sorted at the end (`finishBulk`).
  private let isBulk: Bool

  /// The record that is read next.
  public private(set) var next: RecordPosition
  /// When the record before `next` was received; nil in an empty index.
  public private(set) var newest: Moment?
  /// Events it has read, and records that had some.
  public private(set) var counts: (records: Int, events: Int) = (0, 0)

  /// The latest record that is in `counts`.
  private var counted: RecordPosition?

  /// The first record's time: before it nobody listened.
  private(set) var oldest: Moment?
  private var bindingTimeout = Setting.defaults.bindingTimeout
  private var lists = 0
  /// Time of a `stopped` notice with nothing behind it.
  private var stopped: Moment?

  private var sites: [[UInt8]: Int] = [:]
  // Unchecked: it is one thread's, and nothing that changes one of them reaches for it by another way.
  @exclusivity(unchecked) private var states: [AddressKey: AddressState] = [:]
  /// The latest of `sites` that was looked for.
  private var latestSite: (name: [UInt8], id: Int)?
  @exclusivity(unchecked) private var pending: [Pending] = []
  /// Names that are to be written, and their keys one behind another.
  @exclusivity(unchecked) private var names: [Name] = []
  @exclusivity(unchecked) private var nameKeys: [UInt8] = []
  /// Rows of table `detail` that are to be written, the last of them before `nextDetail`.
  @exclusivity(unchecked) private var details = DetailRows()
  private var nextAddress = 1
  private var nextDetail = 1

  /// What is known of an address while it is worked on.
  final class AddressState {
    let id: Int
    @exclusivity(unchecked) var timeline: Timeline?
    /// The same when the transaction began; nil where nothing was read of the address since.
    @exclusivity(unchecked) var before: Timeline?
    /// An observation came after a later one: all of this transaction are read again, in order.
    var isOutOfOrder = false
    var detailID = 0
    @exclusivity(unchecked) var detail: Described?
    /// Names whose days in table `name` are known to reach at least this far, by their hashes: the latest few. A hash of
    /// 64 bits, seeded anew at each start, is not met by another of eight names.
    @exclusivity(unchecked) var named: [(hash: Int, days: ClosedRange<Int>)] = []
    var nextNamed = 0
    static let maximumNamed = 8
    @exclusivity(unchecked) var latestNamed: Named?
    init(id: Int) { self.id = id }

    /// What makes a row of table `detail`.
    struct Described {
      var detail: Detail
      var macSource: [UInt8]?
      var duid: [UInt8]?
      var clientID: [UInt8]?
    }

    /// What an observation's names depend on.
    struct Named: Equatable {
      var detail: Int
      var mac: MACAddress?
      var day: Int
    }
  }

  private struct Pending {
    var state: AddressState
    var row: Observation.Row
    var observation: Observation
  }

  /// An observation that waits, with what it is sorted by.
  private struct Sorted {
    var address: Int
    var track: Observation.Track
    var key: Observation.Key
    /// In `pending`.
    var index: Int
  }

  /// An address can be found under a key, on these days at least (days since 1970, UTC).
  private struct Name {
    /// In `nameKeys`.
    var key: Range<Int>
    var address: Int
    var days: ClosedRange<Int>
  }

  /// Addresses kept in memory between commits; beyond it they are read again from the file.
  static let maximumStates = 20_000
  /// Observations that one transaction holds at most: sorted, they cost least together.
  public static let batch = 20_000

  // MARK: Opening

  /// For writing; makes the file where there is none.
  /// - Throws: `.foreign` where it is of another log or version, `.damaged` where it is no index. `opened` builds it again.
  public convenience init(_ path: String, logID: String) throws { try self.init(path, logID, .write) }

  /// For questions only, beside a writer.
  public convenience init(reading path: String, logID: String) throws { try self.init(path, logID, .read) }

  /// A new file that is filled from nothing; `finishBulk` completes it.
  convenience init(bulk path: String, logID: String) throws { try self.init(path, logID, .bulk) }

  private enum Purpose { case read, write, bulk }

  private init(_ path: String, _ logID: String, _ purpose: Purpose) throws {
    self.path = path
    self.logID = logID
    isBulk = purpose == .bulk
    let writable = purpose != .read
    database = try Database(path, writable: writable)
    next = RecordPosition(raw: 0)
    if purpose == .write {
      try database.run("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-16384; PRAGMA wal_autocheckpoint=4000")
    }
    if purpose == .bulk { try beginBulk() }
    let found = try database.statement("PRAGMA user_version")
    let version = try found.step() ? found.int(0) : 0
    found.reset()
    if version == 0, writable {
      let tables = try database.statement("SELECT count(*) FROM main.sqlite_master")
      let count = try tables.step() ? tables.int(0) : 0
      tables.reset()
      guard count == 0 else { throw IndexError(.foreign, path, "is another program's database") }
      try database.transaction {
        try database.run(Schema.tables)
        try database.run("PRAGMA user_version=\(Schema.version)")
        try database.statement("INSERT INTO meta VALUES('log', ?)").bind(1, text: logID).run()
      }
    } else if version != Schema.version {
      throw IndexError(.foreign, path, "is an index of version \(version), this program reads version \(Schema.version)")
    }
    try load()
  }

  private func load() throws {
    var meta: [String: Int64] = [:]
    var log: String?
    try database.statement("SELECT name, value FROM meta").forEach { row in
      let name = row.text(0) ?? ""
      if name == "log" { log = row.text(1) } else { meta[name] = row.int64(1) }
      return true
    }
    guard log == logID else { throw IndexError(.foreign, path, "is the index of log \(log ?? "?"), not of \(logID)") }
    next = RecordPosition(raw: meta["next"] ?? 0)
    newest = meta["newest"].map(Moment.init(raw:))
    oldest = meta["oldest"].map(Moment.init(raw:))
    stopped = meta["stopped"].map(Moment.init(raw:))
    counts = (Int(meta["records"] ?? 0), Int(meta["events"] ?? 0))
    nextAddress = try number("SELECT max(id) FROM address") + 1
    nextDetail = try number("SELECT max(id) FROM detail") + 1
    lists = try number("SELECT max(number) FROM list")
    bindingTimeout = try settings().last?.bindingTimeout ?? Setting.defaults.bindingTimeout
    try database.statement("SELECT id, name FROM site").forEach { row in
      sites[row.bytes(1) ?? []] = row.int(0)
      return true
    }
  }

  private func number(_ sql: String) throws -> Int {
    let statement = try database.statement(sql)
    defer { statement.reset() }
    return try statement.step() ? statement.int(0) : 0
  }

  /// A reader takes notice of what the writer has committed meanwhile.
  public func refresh() throws { try load() }

  // MARK: Reading records

  /// Whether a commit is due.
  public var isFull: Bool { pending.count >= Self.batch }

  /// Reads one record. Records must come in the archive's order, each once.
  /// - Parameter previous: the record before it, where it was not given to `apply`; for how long the collector was down.
  func apply(_ line: Span<UInt8>, at position: RecordPosition, previous: Moment?) throws {
    // A line that is no record is not ours to judge: the verifier names it, and it is evidence of nothing.
    guard let reading = try? RecordReading(line) else { return }
    try apply(reading, at: position, previous: previous)
  }

  /// The same where the line was read already.
  func apply(_ reading: RecordReading, at position: RecordPosition, previous: Moment?) throws {
    for notice in reading.notices {
      try apply(notice, time: reading.time, position: position, previous: previous)
      count(at: position)
    }
    for event in reading.facts { try apply(event, of: reading, at: position) }
    for event in reading.sessions { try apply(event, of: reading, at: position) }
  }

  /// One event of a record.
  func apply(_ event: EventReading, of record: RecordReading, at position: RecordPosition) throws {
    if event.kind == .session {
      guard event.isPortBlock else { return }
      try begin()
      try apply(block: event, of: record, site: try site(record.site ?? Self.defaultSite), at: position)
    } else {
      guard let address = event.address,
        let observation = event.observation(of: record, at: position, bindingTimeout: bindingTimeout, list: lists)
      else { return }
      let state = try state(
        AddressKey(site: try site(event.site ?? record.site ?? Self.defaultSite), ip: address.ip, length: address.length))
      let row = Observation.Row(observation, address: state.id, detail: detail(observation, state))
      name(observation, state)
      if row.track == .address, !isBulk { try read(observation, state) }
      pending.append(Pending(state: state, row: row, observation: observation))
    }
    count(at: position)
  }

  /// Most observations come in the order of their times, and are read while they are at hand.
  private func read(_ o: Observation, _ state: AddressState) throws {
    if state.before == nil {
      if state.timeline == nil { state.timeline = try load(state.id) }
      state.before = state.timeline
    }
    if let last = state.timeline?.last, o.key < last { state.isOutOfOrder = true }
    if !state.isOutOfOrder { state.timeline?.read(o) }
  }

  private func count(at position: RecordPosition) {
    counts.events += 1
    if counted != position { counts.records += 1 }
    counted = position
  }

  private static let defaultSite = Array(RecordLine.defaultSite.utf8)

  private func site(_ name: [UInt8]) throws -> Int {
    if let latestSite, latestSite.name == name { return latestSite.id }
    if let known = sites[name] {
      latestSite = (name, known)
      return known
    }
    let id = sites.count + 1
    try begin()
    try database.statement("INSERT INTO site VALUES(?,?)").bind(1, id).bind(2, name).run()
    sites[name] = id
    return id
  }

  private func state(_ key: AddressKey) throws -> AddressState {
    if let known = states[key] { return known }
    let find = try database.statement("SELECT id FROM address WHERE ip=? AND length=? AND site=?")
    find.bind(1, key.ip.bytes).bind(2, key.length).bind(3, key.site)
    defer { find.reset() }
    let state: AddressState
    if try find.step() {
      state = AddressState(id: find.int(0))
    } else {
      try begin()
      state = AddressState(id: nextAddress)
      state.timeline = Timeline()
      try database.statement("INSERT INTO address VALUES(?,?,?,?)").bind(1, nextAddress).bind(2, key.site).bind(3, key.ip.bytes).bind(
        4, key.length
      )
      .run()
      nextAddress += 1
    }
    states[key] = state
    return state
  }

  private func apply(_ notice: Event, time: Moment, position: RecordPosition, previous: Moment?) throws {
    try begin()
    let source = (notice.json["source"] ?? notice.json["where"])?.string
    func moment(_ name: String) -> Moment? { notice.json[name]?.string.flatMap { Timestamp(rfc3339: $0) }.map(Moment.init) }
    func gap(_ since: Moment, _ until: Moment?, _ source: String?, _ what: String) throws {
      try database.statement("INSERT OR REPLACE INTO gap VALUES(?,?,?,?,?)").bind(1, position.raw).bind(2, since.raw).bind(3, until?.raw)
        .bind(4, source.map { Array($0.utf8) }).bind(5, text: what).run()
    }
    switch notice.what {
    case "started", "configuration-changed":
      if notice.what == "started" {
        // From the last sign of life until now nobody listened.
        if let since = stopped ?? previous { try gap(since, time, nil, "collector-down") }
      }
      let before = try settings().last ?? .defaults
      let setting = Setting(
        bindingTimeout: notice.json["binding_timeout"]?.seconds ?? before.bindingTimeout,
        tolerance: notice.json["clock_tolerance"]?.microseconds ?? before.tolerance)
      try database.statement("INSERT OR REPLACE INTO setting VALUES(?,?,?,?)").bind(1, position.raw).bind(2, time.raw)
        .bind(3, setting.bindingTimeout).bind(4, setting.tolerance).run()
      bindingTimeout = setting.bindingTimeout
    case "dropped": try gap(moment("since") ?? previous ?? time, moment("until") ?? time, source, "dropped")
    case "source-gap": try gap(moment("since") ?? time, moment("until") ?? time, source, "source-gap")
    case "source-silent": try gap(moment("since") ?? time, nil, source, "source-silent")
    case "source-back":
      try database.statement("UPDATE gap SET until=? WHERE what='source-silent' AND until IS NULL AND source IS ?").bind(1, time.raw)
        .bind(2, source.map { Array($0.utf8) }).run()
    case "clock-stepped": try gap(moment("since") ?? previous ?? time, moment("until") ?? time, nil, "clock-stepped")
    case "clock-suspect": try gap(moment("since") ?? time, moment("until") ?? time, nil, "clock-suspect")
    case "static":
      lists += 1
      try database.statement("INSERT INTO list VALUES(?,?)").bind(1, lists).bind(2, time.raw).run()
    default: break
    }
    if notice.what == "started" || notice.what == "stopped" {
      stopped = notice.what == "stopped" ? time : nil
    }
  }

  // MARK: Writing

  private var inTransaction = false

  /// Whether a transaction is open.
  var isWriting: Bool { inTransaction }

  private func begin() throws {
    guard !inTransaction else { return }
    try database.run("BEGIN IMMEDIATE")
    inTransaction = true
  }

  /// Writes what was read, with the position up to which it was read, in one transaction.
  func commit(next: RecordPosition, oldest: Moment?, newest: Moment?) throws {
    guard next != self.next || !pending.isEmpty || inTransaction else { return }
    do {
      try begin()
      try write()
      let meta = try database.statement("INSERT OR REPLACE INTO meta VALUES(?,?)")
      func set(_ name: String, _ value: Int64?) throws { try meta.bind(1, text: name).bind(2, value).run() }
      self.oldest = self.oldest ?? oldest
      self.newest = newest ?? self.newest
      try set("next", next.raw)
      try set("records", Int64(counts.records))
      try set("events", Int64(counts.events))
      if let oldest = self.oldest { try set("oldest", oldest.raw) }
      if let newest = self.newest { try set("newest", newest.raw) }
      if let stopped { try set("stopped", stopped.raw) } else { try database.statement("DELETE FROM meta WHERE name='stopped'").run() }
      try database.run("COMMIT")
      inTransaction = false
      self.next = next
    } catch {
      try rollback()
      throw error
    }
    if states.count > Self.maximumStates { states.removeAll() }
  }

  /// As if nothing had been read since the last commit.
  func rollback() throws {
    if inTransaction { try? database.run("ROLLBACK") }
    inTransaction = false
    pending.removeAll()
    names.removeAll()
    nameKeys.removeAll()
    details.removeAll()
    states.removeAll()
    sites.removeAll()
    latestSite = nil
    counted = nil
    try load()
  }

  private func write() throws {
    guard !pending.isEmpty else { return }
    // Neither a member nor an array while it is worked on: each look at an observation in there would be a copy.
    var written: [Pending] = []
    swap(&written, &pending)
    defer {
      written.removeAll(keepingCapacity: true)
      swap(&written, &pending)
      names.removeAll(keepingCapacity: true)
      nameKeys.removeAll(keepingCapacity: true)
    }
    try written.withUnsafeBufferPointer { pending in
      guard let first = pending.baseAddress else { return }
      if isBulk { try append(first, pending.count) } else { try insert(first, pending.count) }
    }
  }

  private func insert(_ pending: UnsafePointer<Pending>, _ count: Int) throws {
    // Only keys are moved about: an observation is large.
    var order = (0..<count).map { i in
      let row = pending[i].row
      return Sorted(address: row.address, track: row.track, key: row.key, index: i)
    }
    order.sort { a, b in
      if a.address != b.address { return a.address < b.address }
      return a.track != b.track ? a.track.rawValue < b.track.rawValue : a.key < b.key
    }
    try writeDetails()
    // Gathered first: in one small loop the processor waits for many of them at once.
    let rows = order.map { pending[$0.index].row }
    try database.insert(count, into: "main.observation", columns: Observation.Row.columns) { i, row in rows[i].bind(to: row) }
    try writeNames()
    let keep = try database.statement(Interval.insertion)
    var start = 0
    while start < count {
      var end = start + 1
      while end < count, order[end].address == order[start].address, order[end].track == order[start].track { end += 1 }
      if order[start].track == .address { try fold(pending[order[start].index].state, order[start..<end], of: pending, keep) }
      start = end
    }
  }

  /// In the order of the archive; sorted and folded at the end.
  private func append(_ pending: UnsafePointer<Pending>, _ count: Int) throws {
    try writeDetails()
    try database.insert(count, into: "heap.observation", columns: Observation.Row.columns) { i, row in pending[i].row.bind(to: row) }
    try database.insert(names.count, into: "heap.name", columns: 4) { i, row in bind(names[i], to: row) }
  }

  /// The row of what else an observation says: that of the observation before it on this address, where it is the same.
  private func detail(_ o: borrowing Observation, _ state: AddressState) -> Int {
    if let old = state.detail, old.detail == o.detail, old.macSource == o.identity.macSource, old.duid == o.identity.duid,
      old.clientID == o.identity.clientID
    {
      return state.detailID
    }
    details.add(o)
    state.detail = .init(detail: o.detail, macSource: o.identity.macSource, duid: o.identity.duid, clientID: o.identity.clientID)
    state.detailID = nextDetail
    nextDetail += 1
    return state.detailID
  }

  private func writeDetails() throws {
    let first = nextDetail - details.count
    try database.insert(details.count, into: "detail", columns: DetailRows.columns) { i, row in details.bind(i, id: first + i, to: row) }
    details.removeAll()
  }

  /// Notes under which names the address can be found, where that is news.
  private func name(_ o: borrowing Observation, _ state: AddressState) {
    let day = Int(o.time.microseconds.flooredQuotient(Timestamp.day))
    // The same names on the same day as the observation before it: nearly always.
    let latest = AddressState.Named(detail: state.detailID, mac: o.identity.mac ?? o.identity.macInDUID, day: day)
    if state.latestNamed == latest { return }
    let isSameMAC = state.latestNamed?.mac == latest.mac && state.latestNamed?.day == latest.day
    state.latestNamed = latest
    NameKey.add(of: o, withMAC: !isSameMAC, to: &nameKeys) { key, range in
      var hasher = Hasher()
      key.withUnsafeBytes { hasher.combine(bytes: $0) }
      let hash = hasher.finalize()
      if let known = state.named.firstIndex(where: { $0.hash == hash }) {
        let old = state.named[known].days
        if old.contains(day) { return false }
        state.named[known].days = min(old.lowerBound, day)...max(old.upperBound, day)
        names.append(Name(key: range, address: state.id, days: state.named[known].days))
        return true
      }
      if state.named.count < AddressState.maximumNamed {
        state.named.append((hash, day...day))
      } else {
        state.named[state.nextNamed] = (hash, day...day)
        state.nextNamed = (state.nextNamed + 1) % AddressState.maximumNamed
      }
      names.append(Name(key: range, address: state.id, days: day...day))
      return true
    }
  }

  private func writeNames() throws {
    // In the order of the table. Which of two with one key comes first does not matter: `min` and `max`.
    nameKeys.withUnsafeBufferPointer { text in
      names.sort { a, b in
        let order = memcmp(text.baseAddress! + a.key.lowerBound, text.baseAddress! + b.key.lowerBound, min(a.key.count, b.key.count))
        return order != 0 ? order < 0 : a.key.count < b.key.count
      }
    }
    let widen = try database.statement(
      """
      INSERT INTO name VALUES(?,?,?,?)
      ON CONFLICT DO UPDATE SET first=min(first, excluded.first), last=max(last, excluded.last)
      WHERE excluded.first<first OR excluded.last>last
      """)
    try database.insert(names.count, into: "name", columns: 4, or: "IGNORE") { i, row in
      bind(names[i], to: row)
    } didInsert: { rows, inserted in
      // Some are there already, perhaps for fewer days.
      guard inserted < rows.count else { return }
      for i in rows {
        bind(names[i], to: widen)
        try widen.run()
      }
    }
  }

  private func bind(_ name: Name, to row: Statement) {
    row.bind(1, nameKeys, name.key).bind(2, name.address).bind(3, name.days.lowerBound).bind(4, name.days.upperBound)
  }

  // MARK: Intervals

  /// Writes an address's intervals, after it has read observations again where late ones came.
  /// - Parameter observations: of this transaction, by time.
  private func fold(_ state: AddressState, _ observations: ArraySlice<Sorted>, of pending: UnsafePointer<Pending>, _ insert: Statement)
    throws
  {
    guard let first = observations.first?.key, var timeline = state.isOutOfOrder ? state.before : state.timeline else { return }
    // Moved, not copied, while it changes.
    state.timeline = nil
    state.before = nil
    func keep(_ interval: Interval) throws {
      interval.bind(to: insert, address: state.id)
      try insert.run()
    }
    if state.isOutOfOrder {
      state.isOutOfOrder = false
      let late = observations.prefix { place in timeline.last.map { place.key < $0 } ?? false }
      var isNews = false
      for place in late where !timeline.absorbs(pending[place.index].observation) { isNews = true }
      if isNews {
        timeline = try refold(state.id, from: first, keep)
      } else {
        for place in observations.dropFirst(late.count) { timeline.read(pending[place.index].observation) }
      }
    }
    for interval in timeline.takeClosed() { try keep(interval) }
    if let lease = timeline.lease { try keep(lease) }
    for claim in timeline.claims { try keep(claim) }
    state.timeline = timeline
  }

  private func load(_ address: Int) throws -> Timeline {
    let open = try intervals("SELECT \(Interval.columns) FROM interval WHERE address=? AND end IS NULL ORDER BY start, position, number") {
      $0.bind(1, address)
    }
    return Timeline(open: open, last: try lastBefore(address))
  }

  /// The last observation of an address that was committed: those of this transaction are in the table already.
  private func lastBefore(_ address: Int) throws -> Observation.Key? {
    try observations(
      """
      \(Observation.joined) WHERE o.address=? AND o.track=0 AND o.position<? ORDER BY o.time DESC, o.position DESC, o.number DESC LIMIT 1
      """
    ) { $0.bind(1, address).bind(2, next.raw) }.first?.key
  }

  /// Reads an address again from the last moment before `key` at which nothing was open.
  private func refold(_ address: Int, from key: Observation.Key, _ keep: (Interval) throws -> Void) throws -> Timeline {
    let all = try intervals("SELECT \(Interval.columns) FROM interval WHERE address=?") { $0.bind(1, address) }
      .sorted { $0.first < $1.first }
    var from = key
    // From the latest to the earliest, so that what reaches over the new beginning from before moves it again.
    for interval in all.reversed() where interval.first < from && interval.possibleUntil.microseconds >= from.time.microseconds {
      from = interval.first
    }
    let delete = try database.statement("DELETE FROM interval WHERE address=? AND basis=? AND start=? AND position=? AND number=?")
    for interval in all where !(interval.first < from) {
      try delete.bind(1, address).bind(2, interval.basis.rawValue).bind(3, interval.first.time.raw).bind(4, interval.first.position.raw)
        .bind(5, interval.first.number).run()
    }
    var timeline = Timeline()
    try database.statement(
      "\(Observation.joined) WHERE o.address=? AND o.track=0 AND (o.time, o.position, o.number) >= (?,?,?) ORDER BY o.time, o.position, o.number"
    )
    .bind(1, address).bind(2, from.time.raw).bind(3, from.position.raw).bind(4, from.number)
    .forEach { row in
      guard let o = Observation(row) else { return true }
      timeline.read(o)
      for interval in timeline.takeClosed() { try keep(interval) }
      return true
    }
    return timeline
  }

  func intervals(_ sql: String, _ bind: (Statement) -> Void) throws -> [Interval] {
    let statement = try database.statement(sql)
    bind(statement)
    var found: [Interval] = []
    try statement.forEach { row in
      if let interval = Interval(row) { found.append(interval) }
      return true
    }
    return found
  }

  func observations(_ sql: String, _ bind: (Statement) -> Void) throws -> [Observation] {
    let statement = try database.statement(sql)
    bind(statement)
    var found: [Observation] = []
    try statement.forEach { row in
      if let o = Observation(row) { found.append(o) }
      return true
    }
    return found
  }
}
