import Archive
import Attribution
import Evidence
import Record

/// What retention has deleted. An index may still know what stood in those records; an answer must not rest on evidence
/// that nobody can show any more.
final class DeletedDays {
  private let archive: ArchiveFolder
  private let zone: Zone
  private let keptFrom: CalendarDay?
  private var known: [CalendarDay: Bool] = [:]

  init(_ log: any LogAccess) throws {
    archive = log.archive
    zone = log.zone
    keptFrom = try SealStore(archive).newest()?.keptFrom
  }

  func contains(_ day: CalendarDay) throws -> Bool {
    guard let keptFrom, day < keptFrom else { return false }
    if let answer = known[day] { return answer }
    let answer = try archive.day(day).isDeleted()
    known[day] = answer
    return answer
  }

  /// The answers without what rests on deleted records alone, and a gap that says so.
  /// - Parameter at: the time asked about, where it is one.
  func removed(from answers: Answers, at: Timestamp? = nil) throws -> Answers {
    var out = answers
    var gone: Set<CalendarDay> = []
    func kept(_ evidence: [EvidencePlace]) throws -> [EvidencePlace] {
      try evidence.filter { place in
        // Other archives of a question that was asked of several are not looked at: each has its own retention.
        guard place.index == 0, try contains(place.day) else { return true }
        gone.insert(place.day)
        return false
      }
    }
    func kept(_ answer: Answer) throws -> Answer? {
      var one = answer
      one.evidence = try kept(answer.evidence)
      one.users = try answer.users.compactMap { user in
        var user = user
        let before = user.evidence.count
        user.evidence = try kept(user.evidence)
        return user.evidence.isEmpty && before > 0 ? nil : user
      }
      return one.evidence.isEmpty && !answer.evidence.isEmpty ? nil : one
    }
    out.answers = try answers.answers.compactMap { try kept($0) }
    out.before = try answers.before.flatMap { try kept($0) }
    out.after = try answers.after.flatMap { try kept($0) }
    let isOfDeletedDay = try at.map { try contains($0.localDay) } ?? false
    if let at, isOfDeletedDay { gone.insert(at.localDay) }
    guard isOfDeletedDay || out.answers.count < answers.answers.count, let first = gone.min(), let last = gone.max() else { return out }
    let end = TimeArgument.firstMoment(of: last.adding(days: 1), in: zone).microseconds - 1
    out.gaps.append(.deleted(from: TimeArgument.firstMoment(of: first, in: zone), to: zone.timestamp(end)))
    return out
  }
}
