public import Archive
import Glibc
import Record

extension Index {
  /// The index of an archive in a folder of indexes, ready to be followed: made where there is none, and made anew, with a
  /// word why, where its file cannot be used. What is in it is derived, so nothing is lost.
  /// - Parameters:
  ///   - folder: made (0700) where it is not there; its parent must be.
  ///   - remark: is told in words that a file was thrown away and why.
  /// - Throws: `ArchiveError` where log.json cannot be read; `IndexError` where the system refuses.
  public static func opened(in folder: String, for archive: ArchiveFolder, remark: (String) -> Void = { _ in }) throws -> Index {
    let id = try archive.log().id
    try make(folder)
    let path = path(in: folder)
    do { return try Index(path, logID: id) } catch let error as IndexError where error.kind == .damaged || error.kind == .foreign {
      remark("\(error): it is built again from the archive")
      discard(path)
      return try Index(path, logID: id)
    }
  }

  /// The file of an index in its folder.
  public static func path(in folder: String) -> String { folder + "/attribution.sqlite" }

  /// Builds the index of an archive from nothing and puts it in the place of the old one, which answers until then.
  ///
  /// Observations are appended in the order of the archive and sorted once at the end, which is many times faster than
  /// keeping millions of them sorted all along. Who has the old file open keeps reading that one and must open it again.
  /// - Parameters:
  ///   - rereading: how messages are read again whose dialects are others today; nil takes all events as they are recorded.
  ///   - progress: is told how many records were read.
  /// - Returns: the new index, opened.
  public static func rebuilt(
    in folder: String, for archive: ArchiveFolder, rereading: Rereading? = nil, progress: (Int) -> Void = { _ in }
  ) throws -> Index {
    let id = try archive.log().id
    try make(folder)
    let path = path(in: folder)
    let building = path + ".tmp"
    defer { discard(building) }
    discard(building)
    try build(building, id, archive, rereading, progress)
    discard(path)
    guard rename(building, path) == 0 else { throw IndexError(.system, path, "rename: \(String(cString: strerror(errno)))") }
    return try Index(path, logID: id)
  }

  /// In a function of its own, so that the file is closed behind it.
  private static func build(
    _ path: String, _ id: String, _ archive: ArchiveFolder, _ rereading: Rereading?, _ progress: (Int) -> Void
  ) throws {
    let index = try Index(bulk: path, logID: id)
    let follower = IndexFollower(index, of: archive, rereading: rereading)
    var records = 0
    while case let read = try follower.catchUp(records: 1_000_000), read > 0 {
      records += read
      progress(records)
    }
    try index.finishBulk()
  }

  private static func make(_ folder: String) throws(IndexError) {
    guard mkdir(folder, 0o700) == 0 || errno == EEXIST else {
      throw IndexError(.system, folder, "mkdir: \(String(cString: strerror(errno)))")
    }
  }

  /// Deletes an index file and what SQLite keeps beside it.
  static func discard(_ path: String) {
    for suffix in ["", "-wal", "-shm", "-journal", "-heap", "-heap-journal"] { unlink(path + suffix) }
  }
}

extension Index {
  /// Tables in which a new index's rows wait to be sorted: a file beside it, for the system's folder of temporary files
  /// may be in memory.
  func beginBulk() throws {
    try database.run("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-16384")
    try database.statement("ATTACH ? AS heap").bind(1, text: path + "-heap").run()
    try database.run(
      """
      PRAGMA heap.journal_mode=OFF; PRAGMA heap.synchronous=OFF;
      CREATE TABLE heap.observation(\(Schema.observationColumns));
      CREATE TABLE heap.name(key BLOB, address INTEGER, first INTEGER, last INTEGER);
      """)
  }

  /// Sorts what was appended and reads every address once.
  func finishBulk() throws {
    try database.transaction {
      try database.run("INSERT INTO main.observation SELECT * FROM heap.observation ORDER BY address, track, time, position, number")
      try database.run("INSERT INTO main.name SELECT key, address, min(first), max(last) FROM heap.name GROUP BY key, address")
      try foldAll()
    }
    database.forgetStatements()
    try database.run("DETACH heap")
  }

  private func foldAll() throws {
    let insert = try database.statement(Interval.insertion)
    var address = 0
    var timeline = Timeline()
    func keep(_ intervals: [Interval]) throws {
      for interval in intervals {
        interval.bind(to: insert, address: address)
        try insert.run()
      }
    }
    try database.statement(
      "\(Observation.joinedWithAddress) WHERE o.track=0 ORDER BY o.address, o.track, o.time, o.position, o.number"
    ).forEach { row in
      guard let o = Observation(row) else { return true }
      let next = row.int(Observation.addressColumn)
      if next != address {
        try keep(timeline.open)
        timeline = Timeline()
        address = next
      }
      timeline.read(o)
      try keep(timeline.takeClosed())
      return true
    }
    try keep(timeline.open)
  }
}
