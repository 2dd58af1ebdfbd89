import Archive
import Evidence
import Glibc
import Record

/// `init --resume`: permits an archive that was put back from an older copy to go on (design section 10). The next start
/// writes a `restored` notice, and the next seal says it in its note. Where the keys are lost too, new ones are made.
enum ResumeLog {
  static func run(_ invocation: Invocation) throws -> Reply {
    guard let path = invocation.value("archive") else {
      throw UsageError("--archive is missing", hint: "--archive DIR --keys DIR --resume")
    }
    guard let keysPath = invocation.value("keys") else { throw UsageError("--keys is missing", hint: "--archive DIR --keys DIR --resume") }
    guard !invocation.has("log"), !invocation.has("timezone") else { throw UsageError("--resume changes neither name nor zone of a log") }
    guard !invocation.has("socket"), !invocation.has("index") else { throw UsageError("init needs --archive and --keys alone") }
    let archive = ArchiveFolder(path)
    let identity: LogIdentity
    do throws(ArchiveError) { identity = try archive.log() } catch {
      guard error.code == nil else { throw Refusal(.unreachable, "\(path)/\(error)") }
      throw Refusal(.noAnswer, "\(path)/\(error)", hint: "put the archive back first: `muhur copy` from the backup, or cp -a")
    }
    // No daemon may hold it.
    let lock = try ArchiveLock(archive)
    defer { withExtendedLifetime(lock) {} }
    let store = SealStore(archive)
    let newest = try store.entries().last(where: \.isSigned)
    let p7s = try newest.map { SHA256.hash(try store.bytes($0.number, $0.day, .signature)) }
    let keys = KeyFolder(keysPath)
    var words: [String] = []
    if access(keys.path(.signerKey), F_OK) != 0 {
      let fingerprints = try keys.create(log: identity.name)
      words = [
        "the keys were not there: new ones were made. Record their fingerprints elsewhere, as at the beginning",
        " signer.crt \(fingerprints.signer)", " tsa.crt    \(fingerprints.authority)",
        "auditors will be told of a change of signer that the old key did not announce (signer-changed)",
      ]
    }
    let last = try LastSeal.read(keys)
    if words.isEmpty, let newest, last == nil || last == p7s.map({ LastSeal(number: newest.number, p7s: $0) }) {
      throw Refusal(
        .noAnswer,
        "the archive is not older than its keys' last seal (\(newest.number)): there is nothing to resume, and nothing was changed")
    }
    if let last, let newest, newest.number > last.number {
      throw Refusal(
        .noAnswer,
        "the archive's newest seal is \(newest.number), later than the last that is known here (\(last.number)): muhurd goes on by itself")
    }
    let restoration = Restoration(newest: newest?.number ?? 0, made: last?.number)
    // The marker first: what a crash leaves is asked for again, and says the same.
    try restoration.write(keys)
    if let newest, let p7s { try LastSeal(number: newest.number, p7s: p7s).write(keys) } else { try Disk.remove(keys.path(.lastSeal)) }
    let answer: JSONValue = [
      "id": .string(identity.id), "log": .string(identity.name), "signer": .string(try keys.signer().certificate.sha256.description),
      "tsa": JSONValue((try? keys.authority())?.certificate.sha256.description), "resumed": true,
      "newest_seal": .integer(restoration.newest),
      "last_seal_made": last.map { .integer($0.number) } ?? .null,
    ]
    return Reply(.answered, json: answer.bytes, words: words)
  }
}
