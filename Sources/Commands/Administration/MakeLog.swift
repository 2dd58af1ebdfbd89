import Archive
import Evidence
import Glibc
import Record

/// `init`: makes a log and its keys. log.json comes last, so that what a crash leaves is no log.
enum MakeLog {
  static func run(_ invocation: Invocation) -> Reply {
    do { return try invocation.has("resume") ? ResumeLog.run(invocation) : make(invocation) } catch { return Refusal(error).reply }
  }

  private static func make(_ invocation: Invocation) throws -> Reply {
    guard let path = invocation.value("archive") else { throw UsageError("--archive is missing", hint: "--archive DIR --keys DIR") }
    guard let keys = invocation.value("keys") else { throw UsageError("--keys is missing", hint: "--archive DIR --keys DIR") }
    guard !invocation.has("socket"), !invocation.has("index") else { throw UsageError("init needs --archive and --keys alone") }
    guard !FilePlace.lies(keys, in: path) else {
      throw UsageError(
        "--keys: \(Arguments.quoted(keys)) lies in the archive",
        hint: "a copy of the archive would carry the keys away: name a folder outside of it")
    }
    let name = try invocation.value("log") ?? hostName()
    guard !name.isEmpty, name.utf8.count <= 255, visible(name) == name else {
      throw UsageError("--log: \(Arguments.quoted(name)) is no name for a log")
    }
    let zoneName = invocation.value("timezone") ?? Zone.usual.name
    guard let zone = Zone(named: zoneName) else {
      throw UsageError(
        "--timezone: \(Arguments.quoted(zoneName)) is not known",
        hint: "as in /usr/share/zoneinfo: Europe/Istanbul; the package tzdata has them")
    }
    try refuseWhatExists(path, keys)
    try makeFolders(path)
    guard chmod(path, 0o700) == 0 else { throw ArchiveError("chmod", path) }
    try makeFolders(keys)
    let fingerprints = try KeyFolder(keys).create(log: name)
    let archive = ArchiveFolder(path)
    try Disk.makeFolder(archive.path(Layout.days), orExisting: true)
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    let created = zone.timestamp(Int64(now.tv_sec) * Timestamp.second, fractionDigits: 0)
    let identity = LogIdentity(name: name, timezone: zoneName, created: created)
    try Disk.place(identity.fileBytes, at: archive.path(Layout.log))
    let answer: JSONValue = [
      "id": .string(identity.id), "log": .string(name), "signer": .string(fingerprints.signer.description),
      "tsa": .string(fingerprints.authority.description),
    ]
    return Reply(.answered, json: answer.bytes)
  }

  /// An archive's folder may be there, as systemd makes it, but must be empty; no key is ever overwritten.
  private static func refuseWhatExists(_ path: String, _ keys: String) throws {
    let names =
      try folderEntries(path)?.map(\.name).filter { $0 != Layout.lostAndFound && $0 != Layout.reserve && !Layout.isTemporary($0) } ?? []
    if names.contains(Layout.log) { throw Refusal(.noAnswer, "\(path) holds a log already; nothing was changed") }
    // A crash of an earlier init leaves this and nothing else.
    let inside = try folderEntries(path + "/" + Layout.days) ?? []
    let isHalfMade = names == [Layout.days] && inside.isEmpty
    guard names.isEmpty || isHalfMade else {
      throw Refusal(.noAnswer, "\(path) is not empty (\(visible(names[0]))); nothing was changed", hint: "name a new or empty folder")
    }
    let folder = KeyFolder(keys)
    for file in KeyFolder.File.allCases where access(folder.path(file), F_OK) == 0 {
      throw Refusal(
        .noAnswer, "\(folder.path(file)) exists already; nothing was changed",
        hint: "a key is never overwritten: name another folder, or move these away")
    }
  }

  /// With its parents.
  private static func makeFolders(_ path: String) throws {
    var parts: [String] = []
    var missing = path
    while access(missing, F_OK) != 0, missing != ".", missing != "/" {
      parts.append(missing)
      missing = Disk.parent(missing)
    }
    for part in parts.reversed() { try Disk.makeFolder(part) }
  }

  private static func hostName() throws(UsageError) -> String {
    var name = [CChar](repeating: 0, count: 256)
    guard gethostname(&name, name.count - 1) == 0, name[0] != 0 else { throw UsageError("--log is missing, and the host has no name") }
    return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

extension Zone {
  /// The machine's zone, where it says one; else the country's for which this is made.
  public static var usual: Zone {
    let said = (try? RegularFile.bytes("/etc/timezone", limit: 256)).map { String(decoding: $0.prefix { $0 != 0x0a }, as: UTF8.self) }
    return said.flatMap { Zone(named: $0) } ?? Zone(named: "Europe/Istanbul") ?? .utc
  }
}
