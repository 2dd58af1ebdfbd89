import Archive
import Evidence
import Record
import Synchronization

/// What a seal's .json says, as far as questions need it. Nothing is judged here: that is the verifier's work.
public struct SealFacts: Sendable {
  public var number: Int
  public var records: Int
  public var bytes: Int
  public var final: Bool
  public var dropped: Int
  public var earliest: Timestamp?
  public var latest: Timestamp?
  public var made: Timestamp?
  /// File names in the day's folder of seals.
  public var tokens: [String]
  public var isSigned: Bool
}

/// The seals of an archive: which one covers a record, and since when that is proven. What a closed day's seals say is
/// kept: they never change.
public final class SealCatalog: Sendable {
  private let archive: ArchiveFolder
  private let closed = Mutex<[CalendarDay: [SealFacts]]>([:])
  private let proofs = Mutex<[Int: Timestamp]>([:])

  public init(_ archive: ArchiveFolder) { self.archive = archive }

  /// Of one day, in order. A seal whose file is no seal is left out: it covers nothing.
  public func seals(of day: CalendarDay) throws -> [SealFacts] {
    if let known = closed.withLock({ $0[day] }) { return known }
    let store = SealStore(archive)
    var seals: [SealFacts] = []
    for entry in try store.entries(of: day) {
      let bytes = try store.bytes(entry.number, day, .json)
      guard let json = try? StrictJSON.file(bytes.span), let records = json["records"]?.integer, let size = json["bytes"]?.integer else {
        continue
      }
      seals.append(
        SealFacts(
          number: entry.number, records: records, bytes: size, final: json["final"]?.bool == true, dropped: json["dropped"]?.integer ?? 0,
          earliest: json["earliest"]?.string.flatMap { RecordTime.strict($0) },
          latest: json["latest"]?.string.flatMap { RecordTime.strict($0) },
          made: json["made"]?.string.flatMap { RecordTime.strict($0) },
          tokens: entry.tokens, isSigned: entry.isSigned))
    }
    // A token may still come for the last seal of a closed day.
    if let last = seals.last, last.final, !last.tokens.isEmpty { closed.withLock { $0[day] = seals } }
    return seals
  }

  /// The first seal that covers that record.
  public func seal(of record: Int, on day: CalendarDay) throws -> SealFacts? {
    try seals(of: day).first { $0.isSigned && $0.records > record }
  }

  /// The earliest time at which a token says that this seal existed: its own, else the first of a later seal, since seals
  /// are chained. Whether the authority is trusted is the verifier's question, not ours.
  /// - Returns: nil while no token is there.
  public func provenAt(_ number: Int, on day: CalendarDay) throws -> Timestamp? {
    if let known = proofs.withLock({ $0[number] }) { return known }
    for later in try archive.days() where later >= day {
      for seal in try seals(of: later) where seal.number >= number && !seal.tokens.isEmpty {
        let folder = archive.day(later)
        let times = try seal.tokens.compactMap { try Self.time(of: $0, seal.number, folder) }
        guard let first = times.min(by: { $0.microseconds < $1.microseconds }) else { continue }
        proofs.withLock { $0[number] = first }
        return first
      }
    }
    return nil
  }

  /// nil where the token is none over that seal's signature: the verifier says what is wrong with it.
  private static func time(of token: String, _ number: Int, _ folder: DayFolder) throws -> Timestamp? {
    func bytes(_ name: String, _ limit: Int) throws -> [UInt8] {
      let path = Layout.path(Layout.seals, name)
      return try RegularFile.bytes(folder.path(path), name: folder.name(path), limit: limit)
    }
    let response = try bytes(token, TimeStampToken.maximumBytes)
    let signature = try bytes(Layout.seal(number, .signature), 1 << 16)
    return (try? TimeStampToken(response, over: signature)).map { Timestamp(microseconds: $0.time) }
  }

  /// Where a record stands: the seal that covers it, and when that was proven, in the log's zone; each nil while there is none.
  public func proof(of record: Int, on day: CalendarDay, in zone: Zone) throws -> (seal: Int?, provenAt: Timestamp?) {
    guard let seal = try seal(of: record, on: day) else { return (nil, nil) }
    let time = try provenAt(seal.number, on: day)
    return (
      seal.number, time.map { zone.timestamp($0.microseconds, fractionDigits: $0.microseconds.isMultiple(of: Timestamp.second) ? 0 : 6) }
    )
  }
}
