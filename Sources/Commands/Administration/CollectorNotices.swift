import Archive
import Record

/// The collector's own records of a log, found by reading it: they are few, but lie among all others.
struct CollectorNotices {
  let archive: ArchiveFolder
  let progress: (String) -> Void

  struct Notice {
    var day: CalendarDay
    var record: Int
    var time: Timestamp
    var event: Event
  }

  /// Every notice of these kinds of one day, in order, until `body` returns false.
  /// - Returns: false where it did.
  @discardableResult func forEach(_ day: CalendarDay, _ kinds: Set<String>, _ body: (Notice) throws -> Bool) throws -> Bool {
    progress("reading \(day)")
    var goesOn = true
    try DayReader(archive.day(day)).forEach { number, line in
      // A received message may quote a notice: only what the collector wrote itself counts.
      guard line.starts(with: ",\"via\":\"internal\"", at: 42), let record = try? RecordLine(line), record.via == .internal else {
        return true
      }
      for event in record.events where goesOn && event.kind == .notice && kinds.contains(event.what ?? "") {
        goesOn = try body(Notice(day: day, record: number, time: record.time, event: event))
      }
      return goesOn
    }
    return goesOn
  }
}
