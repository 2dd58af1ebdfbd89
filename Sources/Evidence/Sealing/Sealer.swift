public import Archive
import Glibc
public import Record

/// A signed seal that has no token and is to have one.
public struct WaitingSeal: Hashable, Sendable {
  public var number: Int
  public var day: CalendarDay

  public init(number: Int, day: CalendarDay) {
    self.number = number
    self.day = day
  }
}

/// Makes a log's seals, one after another, and places their tokens (design section 5). Owned by one thread. An authority on
/// this machine stamps at once; tokens of others are brought by whoever asks them, since that may take its time.
///
/// A seal's files are placed whole, in the order .json, .p7s, .tsr; what a crash leaves is finished first: an unsigned
/// .json is signed as it stands, a signed seal without token is stamped later.
public final class Sealer {
  private let store: SealStore
  private let keys: KeyFolder
  private let log: LogIdentity
  private let logSHA256: Digest
  /// Who signs; nil where the log was opened without its keys.
  public private(set) var signer: Signer?
  /// Who signs from the seal after the next on.
  private var successor: Signer?
  /// Those that answer at once.
  private var authorities: [any TimeStampAuthority]
  private var stampsEvery: Bool
  private let software: String

  /// Whether there is a key.
  public let canSeal: Bool
  /// The newest seal, nil before the first.
  public private(set) var newest: Seal?
  private var previous: Seal.Previous?
  private var unsigned: (number: Int, day: CalendarDay)?
  /// Tokens that no seal lists yet.
  private var unlisted: [Seal.Token] = []
  private var unlistedValidation: [Digest] = []
  /// Signed seals that have no token and are to have one, oldest first.
  public private(set) var waiting: [WaitingSeal] = []
  /// What each authority said when it failed last.
  public private(set) var lastErrors: [String: String] = [:]

  /// - Parameters:
  ///   - signer: nil where nothing is to be sealed: no key is needed then.
  ///   - authorities: those that answer at once.
  ///   - stampsEvery: false: only final seals are sent to authorities.
  /// - Throws: `ArchiveError` where the newest seal is older than `keys/last-seal` says, or is not the one it says.
  public init(
    _ archive: ArchiveFolder, keys: KeyFolder, signer: Signer?, authorities: [any TimeStampAuthority], stampsEvery: Bool,
    software: String
  ) throws {
    store = SealStore(archive)
    self.keys = keys
    log = try archive.log()
    logSHA256 = SHA256.hash(try archive.logBytes())
    self.signer = signer
    self.authorities = authorities
    self.stampsEvery = stampsEvery
    self.software = software
    canSeal = signer != nil
    try load()
    if canSeal { try compareWithLast() }
  }

  private func load() throws {
    let entries = try store.entries()
    // A token of a day's final seal proves the whole day: what was not stamped before it is not paid for any more.
    var proven: Set<CalendarDay> = []
    var listed: Set<String> = []
    var listedValidation: Set<Digest> = []
    for entry in entries {
      let seal = try store.seal(entry.number, entry.day)
      for token in seal.tokens { listed.insert(token.file) }
      listedValidation.formUnion(seal.validation)
      newest = seal
      if entry.isSigned {
        if seal.isFinal, !entry.tokens.isEmpty { proven.insert(entry.day) }
        if entry.tokens.isEmpty, seal.isFinal || stampsEvery { waiting.append(WaitingSeal(number: entry.number, day: entry.day)) }
      } else if entry.number == entries.last?.number {
        unsigned = (entry.number, entry.day)
      }
    }
    waiting.removeAll { proven.contains($0.day) }
    for entry in entries {
      for token in entry.tokens where !listed.contains(token) {
        guard case (let number, let file)? = Layout.sealFile(token) else { continue }
        unlisted.append(Seal.Token(file: token, sha256: SHA256.hash(try store.bytes(number, entry.day, file))))
      }
    }
    for entry in try folderEntries(store.archive.path(Layout.validation), name: Layout.validation) ?? [] {
      if let digest = Digest(hex: entry.name), !listedValidation.contains(digest) { unlistedValidation.append(digest) }
    }
    if let last = entries.last, last.isSigned { try remember(last.number, last.day) }
  }

  private func remember(_ number: Int, _ day: CalendarDay) throws(ArchiveError) {
    previous = Seal.Previous(
      json: SHA256.hash(try store.bytes(number, day, .json)), p7s: SHA256.hash(try store.bytes(number, day, .signature)))
  }

  private func compareWithLast() throws(ArchiveError) {
    guard let last = try LastSeal.read(keys) else { return }
    let help = "the archive was put back from an older copy, or is another; see `muhur init --resume`"
    guard let newest, newest.number >= last.number else {
      throw ArchiveError(
        .missing, keys.path(.lastSeal), "seal \(last.number) was made, the archive's newest is \(newest?.number ?? 0): \(help)")
    }
    if newest.number == last.number, unsigned == nil, previous?.p7s != last.p7s {
      throw ArchiveError(.changed, keys.path(.lastSeal), "seal \(last.number) is not the one that was made: \(help)")
    }
  }

  /// What is known of the day that is to be sealed.
  public struct Statement: Sendable {
    public var day: CalendarDay
    public var isFinal: Bool
    public var state: DayState
    public var salt: DaySalt
    public var dropped: Int
    public var made: Timestamp
    public var clock: Seal.Clock
    public var note: String?
    /// nil leaves it where it is; it never goes back.
    public var keptFrom: CalendarDay?
    /// nil leaves them as they are.
    public var holds: [Seal.Hold]?

    public init(
      day: CalendarDay, isFinal: Bool, state: DayState, salt: DaySalt, dropped: Int, made: Timestamp, clock: Seal.Clock,
      note: String? = nil, keptFrom: CalendarDay? = nil, holds: [Seal.Hold]? = nil
    ) {
      self.day = day
      self.isFinal = isFinal
      self.state = state
      self.salt = salt
      self.dropped = dropped
      self.made = made
      self.clock = clock
      self.note = note
      self.keptFrom = keptFrom
      self.holds = holds
    }
  }

  /// Makes the next seal: on disk and signed when this returns; its token is asked for, and waited for later where no
  /// authority answers.
  /// - Throws: where it could not be placed or signed. Calling again finishes what was begun.
  public func seal(_ statement: Statement) throws -> Seal {
    try finishUnsigned()
    guard let signer = signer?.digest else { throw Self.noKey }
    guard let root = statement.state.root else { throw ArchiveError(.missing, Layout.salt, "no seal without the day's salt") }
    let firstKept = newest?.keptFrom ?? statement.day
    let restored = try Restoration.read(keys)
    let notes = [statement.note, restored?.note].compactMap(\.self)
    let seal = Seal(
      log: log.name, logSHA256: logSHA256, number: (newest?.number ?? 0) + 1, previous: previous, tokens: unlisted,
      validation: unlistedValidation,
      day: statement.day, isFinal: statement.isFinal, records: statement.state.records, bytes: statement.state.bytes,
      sha256: statement.state.sha256,
      root: root, saltSHA256: SHA256.hash(statement.salt.fileBytes), earliest: statement.state.earliest, latest: statement.state.latest,
      made: statement.made, dropped: statement.dropped, keptFrom: max(firstKept, statement.keptFrom ?? firstKept),
      holds: statement.holds ?? newest?.holds ?? [],
      signer: signer, clock: statement.clock, software: software, note: notes.isEmpty ? nil : notes.joined(separator: "; "),
      nextSigner: successor?.digest)
    try Disk.place(seal.fileBytes, at: store.path(seal.number, seal.day, .json))
    newest = seal
    unlisted = []
    unlistedValidation = []
    unsigned = (seal.number, seal.day)
    try finishUnsigned()
    if restored != nil { try Restoration.clear(keys) }
    stampWaiting()
    return seal
  }

  /// Signs a newest seal that a crash or a full disk left unsigned, as it stands.
  public func finishUnsigned() throws {
    guard let (number, day) = unsigned else { return }
    let json = try store.bytes(number, day, .json)
    if let newest, let signer, newest.signer != signer.digest {
      throw ArchiveError(
        .changed, store.path(number, day, .json), "it is to be signed by certificate \(newest.signer), but there is only \(signer.digest)")
    }
    let p7s = try sign(json)
    try Disk.place(p7s, at: store.path(number, day, .signature))
    previous = Seal.Previous(json: SHA256.hash(json), p7s: SHA256.hash(p7s))
    unsigned = nil
    if let successor, newest?.nextSigner == successor.digest { (signer, self.successor) = (successor, nil) }
    if stampsEvery || newest?.isFinal == true { waiting.append(WaitingSeal(number: number, day: day)) }
    try LastSeal(number: number, p7s: SHA256.hash(p7s)).write(keys)
  }

  private func sign(_ json: [UInt8]) throws -> [UInt8] {
    guard let signer else { throw Self.noKey }
    return try Signature.sign(json, signer.identity.key, signer.identity.certificate, chain: signer.identity.chain)
  }

  /// Whether the newest seal leads one to expect this signer. Anybody else is a change that it does not announce.
  public func expects(_ signer: Signer) -> Bool {
    guard let newest else { return true }
    return (newest.nextSigner ?? newest.signer) == signer.digest
  }

  /// Hands over to another key (design section 5): the next seal is still the old one's, and announces it.
  /// - Parameter old: who signs until then; nil: who signs now.
  public func announce(_ new: Signer, by old: Signer? = nil) {
    if let old { signer = old }
    successor = new.digest == signer?.digest ? nil : new
  }

  /// Whether the next seal announces another key.
  public var isHandingOver: Bool { successor != nil }

  private static let noKey = ArchiveError(.missing, "keys", "the log was opened without its keys: nothing can be sealed")

  /// Asks the authorities that answer at once, in their order, for each seal that has no token.
  /// - Returns: whether none waits any more.
  @discardableResult public func stampWaiting() -> Bool {
    while let seal = waiting.first {
      guard stamp(seal) else { return false }
    }
    return true
  }

  private func stamp(_ seal: WaitingSeal) -> Bool {
    for authority in authorities {
      do {
        try add(token: try authority.stamp(try store.bytes(seal.number, seal.day, .signature)), of: authority.name, to: seal)
        lastErrors[authority.name] = nil
        return true
      } catch { lastErrors[authority.name] = "\(error)" }
    }
    return false
  }

  /// Places a token that an authority gave for a seal, to be listed in the next one.
  public func add(token: [UInt8], of authority: String, to seal: WaitingSeal) throws {
    let file = Layout.SealFile.token(authority: authority)
    try Disk.place(token, at: store.path(seal.number, seal.day, file))
    unlisted.append(Seal.Token(file: Layout.seal(seal.number, file), sha256: SHA256.hash(token)))
    waiting.removeAll { $0 == seal }
  }

  /// Keeps certificates, CRLs and OCSP answers, to be listed in the next seal.
  public func add(validation files: [[UInt8]]) throws {
    guard !files.isEmpty else { return }
    let folder = store.archive.path(Layout.validation)
    try Disk.makeFolder(folder, orExisting: true)
    for file in files {
      let digest = SHA256.hash(file)
      let path = folder + "/" + digest.description
      guard access(path, F_OK) != 0 else { continue }
      try Disk.place(file, at: path)
      unlistedValidation.append(digest)
    }
  }

  /// Those that wait now are left to the daemon, whose authorities may be others.
  public func leaveWaiting() { waiting = [] }

  /// What is to be stamped of a seal.
  public static func stamped(_ seal: WaitingSeal, in archive: ArchiveFolder) throws(ArchiveError) -> [UInt8] {
    try SealStore(archive).bytes(seal.number, seal.day, .signature)
  }

  /// Takes over what has changed in the configuration.
  public func reconfigure(authorities: [any TimeStampAuthority], stampsEvery: Bool) {
    self.authorities = authorities
    self.stampsEvery = stampsEvery
    for name in lastErrors.keys where !authorities.contains(where: { $0.name == name }) { lastErrors[name] = nil }
  }

  /// The authorities whose tokens a seal has.
  public func tokens(_ number: Int, _ day: CalendarDay) throws -> [String] {
    try store.entries(of: day).first { $0.number == number }?.tokens.compactMap {
      if case .token(let authority)? = Layout.sealFile($0)?.file { authority } else { nil }
    } ?? []
  }

  /// The line by which a witness knows the newest final seal.
  public func head(of seal: Seal) -> Head? {
    guard let previous, seal.number == newest?.number else { return nil }
    return Head(log: log.id, number: seal.number, day: seal.day, p7s: previous.p7s)
  }
}
