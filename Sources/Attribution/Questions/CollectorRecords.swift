public import Record

extension Questions {
  /// The collector's own records about a stretch of time: what it lost, who was silent, when it did not run, and the last
  /// record before the stretch's end that says it was running. They show how far "nobody" can be believed.
  public func collectorRecords(from: Timestamp, to: Timestamp) throws -> [EvidencePlace] {
    var found: [EvidencePlace] = []
    for (number, index) in indexes.enumerated() {
      let (lower, upper) = (Moment(from).raw & ~7, Moment(to).raw | 7)
      func add(_ row: Statement) -> Bool {
        found.append(EvidencePlace(index: number, position: RecordPosition(raw: row.int64(0))))
        return true
      }
      try index.database.statement("SELECT position FROM gap WHERE since<=? AND (until IS NULL OR until>=?) ORDER BY position LIMIT 100")
        .bind(1, upper).bind(2, lower).forEach(add)
      try index.database.statement("SELECT position FROM setting WHERE time<=? ORDER BY position DESC LIMIT 1").bind(1, upper).forEach(add)
    }
    return Self.union(found, [])
  }
}

extension GapAnswer {
  /// Days whose records retention has deleted.
  public static func deleted(from: Timestamp, to: Timestamp) -> GapAnswer {
    GapAnswer(from: from, to: to, source: nil, what: "deleted")
  }
}
