import Archive
import Attribution
public import Evidence
import Record

/// A log as commands see it. The daemon is one, a folder that no daemon holds (`OfflineLog`) another; what a command
/// answers does not depend on which. May be called from several threads at once.
public protocol LogAccess: Sendable {
  var archive: ArchiveFolder { get }
  var identity: LogIdentity { get }
  /// That of `identity.timezone`: in it records are written, days begin and naive times are read.
  var zone: Zone { get }

  /// When a seal was first proven; shared by all questions of a log, since tokens do not change.
  var seals: SealCatalog { get }

  /// Questions about who held an address, from an index that holds all that is in the archive now. For one thread.
  /// - Parameter blocks: whether sessions and records are looked for too: then blocks that are not indexed yet are first.
  func questions(blocks: Bool, progress: (String) -> Void) throws -> Questions

  /// Builds the index again from the archive.
  func reindex(progress: (String) -> Void) throws -> ReindexCount

  /// The answer of `status` (design section 12.24).
  func status() throws -> JSONValue

  /// How to write to the log.
  /// - Throws: `Refusal` where it cannot be written from here.
  func writing() throws -> any LogWriting
}

extension LogAccess {
  func questions(progress: (String) -> Void) throws -> Questions { try questions(blocks: false, progress: progress) }
}

/// What administration does to a log.
public protocol LogWriting {
  /// Appends whole lines, each ended by LF, to the open day, and returns when they are in its tail.
  func append(_ lines: [UInt8], records: Int) throws
  /// Appends a record about the collector itself: a notice with these members behind `what`.
  func notice(_ what: String, _ members: [JSONMember]) throws
  /// Makes what was appended so far safe against a power cut.
  func commit() throws
  /// Seals the open day, or closes a past one. Returns once the seal is signed.
  /// - Throws: `Refusal`, where the day cannot be closed.
  func seal(final day: CalendarDay?, confirmClock: Bool) throws -> SealDone
  /// Seals the open day with other days held.
  /// - Parameter change: gets those that are held now, and gives those that are to be.
  func seal(holding change: @escaping @Sendable ([Seal.Hold]) -> [Seal.Hold]) throws -> SealDone
  /// How messages of that source are read.
  /// - Returns: nil where the configuration has devices and this is none of them.
  func source(named name: String) throws -> ImportSource?
}

/// A seal that was just made.
public struct SealDone: Sendable {
  public var number: Int
  public var day: CalendarDay
  public var records: Int
  public var final: Bool
  /// The authorities whose tokens are there.
  public var tokens: [String]

  public init(number: Int, day: CalendarDay, records: Int, final: Bool, tokens: [String]) {
    self.number = number
    self.day = day
    self.records = records
    self.final = final
    self.tokens = tokens
  }
}

public struct ReindexCount: Sendable {
  public var days: Int
  public var records: Int
  public var events: Int

  public init(days: Int, records: Int, events: Int) {
    self.days = days
    self.records = records
    self.events = events
  }
}

/// Who asks through the socket.
public struct Caller: Sendable {
  public var uid: UInt32
  public var user: String
  /// `access.require_case`: questions without a case number are refused.
  public var requiresCase: Bool

  public init(uid: UInt32, user: String, requiresCase: Bool) {
    self.uid = uid
    self.user = user
    self.requiresCase = requiresCase
  }
}
