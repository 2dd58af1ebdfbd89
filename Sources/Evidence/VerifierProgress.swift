import Synchronization

/// How far the verifier has come with the records; the seals are checked before.
public struct VerifierProgress: Sendable {
  public var records: Int
  /// As many as the seals cover.
  public var ofRecords: Int
  public var days: Int
  public var ofDays: Int

  /// `12 of 730 days, 118801000 of 212000000 records (56 %)`
  public var words: String {
    let percent = ofRecords > 0 ? min(100, records * 100 / ofRecords) : 100
    return "\(days) of \(ofDays) days, \(records) of \(ofRecords) records (\(percent) %)"
  }
}

/// Adds up what several threads have read, and tells of it now and then.
final class ProgressCounter: Sendable {
  private let records = Atomic(0)
  private let days = Atomic(0)
  private let ofRecords: Int
  private let ofDays: Int
  private let tell: @Sendable (VerifierProgress) -> Void

  init(_ checks: [RecordsCheck], _ tell: @escaping @Sendable (VerifierProgress) -> Void) {
    ofRecords = checks.reduce(0) { $0 &+ ($1.seals.last?.records ?? 0) }
    ofDays = checks.count
    self.tell = tell
  }

  func read(_ count: Int) { told(records.add(count, ordering: .relaxed).newValue, days.load(ordering: .relaxed)) }
  func finishedDay() { told(records.load(ordering: .relaxed), days.add(1, ordering: .relaxed).newValue) }

  private func told(_ records: Int, _ days: Int) {
    tell(VerifierProgress(records: records, ofRecords: ofRecords, days: days, ofDays: ofDays))
  }
}
