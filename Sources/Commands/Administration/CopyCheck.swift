import Archive
import Evidence
import Glibc
import Record

/// How far a copy is behind the log, and whether it is one (`copy --check`).
struct CopyCheck {
  let log: any LogAccess
  let progress: (String) -> Void

  struct Result {
    var json: JSONValue
    var verdict: Finding.Result
  }

  func run(_ invocation: Invocation) throws -> Reply {
    let result = try check(invocation.words[0], records: false)
    let exit: ExitCode = result.verdict == .ok ? .answered : result.verdict == .broken ? .noAnswer : .unproven
    return Reply(exit, json: result.json.bytes, answers: 1)
  }

  /// - Parameter records: also reads every record of the copy; without it seals, signatures, tokens and the chain are checked.
  func check(_ path: String, records: Bool) throws -> Result {
    let copy = ArchiveFolder(path)
    guard access(path, R_OK | X_OK) == 0 else { throw ArchiveError("open", path) }
    guard let there = try? copy.logBytes(), try there == log.archive.logBytes() else {
      throw Refusal(.noAnswer, "\(path) is no copy of this log")
    }
    let (mine, its) = (SealStore(log.archive), SealStore(copy))
    let newest = try mine.newest()
    let copied = try its.newest()
    var verdict = Finding.Result.ok
    var why: [String] = []
    if let copied {
      // The same seal here and there: the copy is of this log's history and of no other.
      do {
        let same = try mine.bytes(copied.number, copied.day, .signature) == its.bytes(copied.number, copied.day, .signature)
        if !same {
          verdict = .broken
          why.append("seal \(copied.number) of the copy is not the log's")
        }
      } catch {
        verdict = .broken
        why.append("the copy's newest seal \(copied.number) is not in the log: \(error)")
      }
    } else {
      verdict = .unproven
      why.append("the copy holds no seal")
    }
    progress("checking the copy")
    let found = try Self.verify(copy, records: records)
    verdict = max(verdict, found.map(\.what.result).max() ?? .ok)
    why += found.filter { $0.what.result != .ok }.prefix(20).map { "\($0.what.rawValue): \($0.place): \($0.detail)" }
    let days = try log.archive.days()
    let last = copied?.day
    let json: JSONValue = [
      "path": .string(path), "head": JSONValue(try Days.lastHead(copy, SealCatalog(copy), log.identity.id)),
      "newest_seal": copied.map { .integer($0.number) } ?? .null, "newest_day": JSONValue(last?.description),
      "made": JSONValue(copied?.made.description), "seals_behind": .integer(max(0, (newest?.number ?? 0) - (copied?.number ?? 0))),
      "days_behind": .integer(days.count { day in last.map { day > $0 } ?? true }),
      "seconds_behind": copied.flatMap { copied in
        newest.map { .integer(Int(max(0, $0.made.microseconds - copied.made.microseconds) / Timestamp.second)) }
      } ?? .null, "records_checked": .bool(records), "result": .string(verdict.rawValue), "why": .array(why.map(JSONValue.string)),
    ]
    return Result(json: json, verdict: verdict)
  }

  /// What an auditor would find. Trust is the auditor's: nobody here says which certificates count, so what rests on trust
  /// and on today's date is left out.
  private static func verify(_ copy: ArchiveFolder, records: Bool) throws -> [Finding] {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    var options = VerifierOptions(asOf: Int64(now.tv_sec) * Timestamp.second)
    if !records { options.from = CalendarDay(year: 9999, month: 12, day: 31) }
    let report: VerifierReport
    do throws(Verifier.Unable) { report = try Verifier.verify(copy.path, options) } catch {
      guard case .unreachable(let error) = error else { throw Refusal(.unreachable, copy.path) }
      throw error
    }
    let last = report.days.last?.day
    return (report.findings + report.days.flatMap(\.findings)).filter { finding in
      switch finding.what {
      case .untrusted, .late, .stale, .recordsNotChecked: false
      // A copy of a log that is being written has records behind its last seal.
      case .unsealed: finding.day != last
      default: true
      }
    }
  }
}
