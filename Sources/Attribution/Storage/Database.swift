internal import CSQLite

/// A failed SQLite call, in words.
public struct IndexError: Error, Equatable, Sendable, CustomStringConvertible {
  public enum Kind: Hashable, Sendable {
    /// The file is no database, or is damaged: it can be deleted and built again.
    case damaged
    /// Of another version, or of another log.
    case foreign
    /// Another process is building or writing it.
    case busy
    /// The system refused: no space, no permission, no such folder.
    case system
  }

  public var kind: Kind
  public var path: String
  public var detail: String

  public init(_ kind: Kind, _ path: String, _ detail: String) {
    self.kind = kind
    self.path = path
    self.detail = detail
  }

  public var description: String { "\(path): \(detail)" }
  /// What helps.
  public var hint: String {
    switch kind {
    case .damaged, .foreign: "the index is derived from the archive: `muhur reindex` builds it again"
    case .busy: "wait for the other program, or name another folder with --index"
    case .system: "check the folder's space and permissions"
    }
  }
}

/// One connection (`sqlite3 *`). One thread at a time.
final class Database {
  let path: String
  private let handle: OpaquePointer
  private var statements: [String: Statement] = [:]
  private static let isConfigured: Bool = {
    muhur_sqlite_count_no_memory()
    return true
  }()

  /// - Parameter writable: false opens for questions only and fails where there is no file.
  init(_ path: String, writable: Bool) throws(IndexError) {
    self.path = path
    _ = Self.isConfigured
    var opened: OpaquePointer?
    let flags = (writable ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY) | SQLITE_OPEN_NOMUTEX
    let code = sqlite3_open_v2(path, &opened, flags, nil)
    guard code == SQLITE_OK, let opened else {
      let error = Self.error(code, path, opened)
      sqlite3_close_v2(opened)
      throw error
    }
    handle = opened
    sqlite3_extended_result_codes(handle, 1)
    sqlite3_busy_timeout(handle, 5_000)
  }

  deinit {
    statements.removeAll()
    sqlite3_close_v2(handle)
  }

  private static func error(_ code: Int32, _ path: String, _ handle: OpaquePointer?) -> IndexError {
    let words = handle.map { String(cString: sqlite3_errmsg($0)) } ?? String(cString: sqlite3_errstr(code))
    let kind: IndexError.Kind =
      switch code & 0xff {
      case SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_SCHEMA, SQLITE_ERROR, SQLITE_CONSTRAINT, SQLITE_MISMATCH, SQLITE_FORMAT: .damaged
      case SQLITE_BUSY, SQLITE_LOCKED: .busy
      default: .system
      }
    return IndexError(kind, path, "SQLite: \(words)")
  }

  func failure(_ code: Int32) -> IndexError { Self.error(code, path, handle) }

  /// Statements without parameters or results.
  func run(_ sql: String) throws(IndexError) {
    let code = sqlite3_exec(handle, sql, nil, nil, nil)
    guard code == SQLITE_OK else { throw failure(code) }
  }

  /// A prepared statement, kept for the next time. Not to be used while it is being stepped through by a caller.
  func statement(_ sql: String) throws(IndexError) -> Statement {
    if let kept = statements[sql] { return kept }
    let made = try Statement(handle, sql, path)
    statements[sql] = made
    return made
  }

  private static let rowsAtOnce = 32

  /// Inserts rows, many by one statement: what a statement costs besides its rows is as much as a row.
  ///
  /// `OR FAIL`, since the caller rolls all of it back where one fails: SQLite then keeps no copies to undo one statement.
  /// - Parameters:
  ///   - or: what becomes of a row whose key is there.
  ///   - bind: is given each row's number, and binds what is not NULL.
  ///   - didInsert: is told which rows were to be inserted, and how many were.
  func insert(
    _ count: Int, into table: String, columns: Int, or: String = "FAIL", _ bind: (Int, Statement) throws -> Void,
    didInsert: (Range<Int>, Int) throws -> Void = { _, _ in }
  ) throws {
    let row = "(" + [String](repeating: "?", count: columns).joined(separator: ",") + ")"
    func statement(rows: Int) throws -> Statement {
      try self.statement("INSERT OR \(or) INTO \(table) VALUES" + [String](repeating: row, count: rows).joined(separator: ","))
    }
    var done = 0
    while done < count {
      let rows = count - done >= Self.rowsAtOnce ? Self.rowsAtOnce : 1
      let insert = try statement(rows: rows)
      repeat {
        try insert.run(rows: rows, columns: columns) { try bind(done + $0, insert) }
        try didInsert(done..<done + rows, Int(sqlite3_changes(handle)))
        done += rows
      } while count - done >= rows
    }
  }

  /// Releases prepared statements, e.g. before tables change.
  func forgetStatements() { statements.removeAll() }

  func transaction<T>(_ body: () throws -> T) throws -> T {
    try run("BEGIN IMMEDIATE")
    do {
      let result = try body()
      try run("COMMIT")
      return result
    } catch {
      try? run("ROLLBACK")
      throw error
    }
  }
}

/// A prepared statement (`sqlite3_stmt *`). Bind, step, read, reset.
final class Statement {
  private let handle: OpaquePointer
  private let database: OpaquePointer
  private let path: String
  /// Memory for the texts of its rows; SQLite would ask for some for each. Only in what inserts rows: there every parameter
  /// is bound each time or cleared, so that none is left of the rows before.
  private let texts: UnsafeMutableRawBufferPointer
  private var textsUsed = 0
  /// Parameters before those of the row that is bound.
  private var parametersBefore: Int32 = 0
  /// NULL need not be bound.
  private var isCleared = false

  fileprivate init(_ database: OpaquePointer, _ sql: String, _ path: String) throws(IndexError) {
    var made: OpaquePointer?
    let code = sqlite3_prepare_v3(database, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &made, nil)
    guard code == SQLITE_OK, let made else {
      throw IndexError(code & 0xff == SQLITE_BUSY ? .busy : .damaged, path, "SQLite: \(String(cString: sqlite3_errmsg(database)))")
    }
    handle = made
    texts = .allocate(byteCount: sql.hasPrefix("INSERT") ? 1 << 14 : 0, alignment: 1)
    self.database = database
    self.path = path
  }

  deinit {
    sqlite3_finalize(handle)
    texts.deallocate()
  }

  // MARK: Binding, counted from 1

  @discardableResult func bind(_ index: Int32, _ value: Int64?) -> Statement {
    if let value {
      sqlite3_bind_int64(handle, parametersBefore + index, value)
    } else if !isCleared {
      sqlite3_bind_null(handle, parametersBefore + index)
    }
    return self
  }

  @discardableResult func bind(_ index: Int32, _ value: Int?) -> Statement { bind(index, value.map(Int64.init)) }

  /// UTF-8 or any bytes, as a blob: text from devices is compared byte by byte.
  @discardableResult func bind(_ index: Int32, _ value: [UInt8]?) -> Statement {
    guard let value else {
      if !isCleared { sqlite3_bind_null(handle, parametersBefore + index) }
      return self
    }
    return bind(index, value, value.indices)
  }

  /// The same of a part of some bytes.
  @discardableResult func bind(_ index: Int32, _ bytes: [UInt8], _ range: Range<Int>) -> Statement {
    let index = parametersBefore + index
    guard !range.isEmpty else {
      sqlite3_bind_zeroblob(handle, index, 0)
      return self
    }
    bytes.withUnsafeBytes { all in
      let part = UnsafeRawBufferPointer(rebasing: all[range])
      if texts.count - textsUsed >= part.count, let place = texts.baseAddress.map({ $0 + textsUsed }) {
        place.copyMemory(from: part.baseAddress!, byteCount: part.count)
        textsUsed += part.count
        sqlite3_bind_blob64(handle, index, place, UInt64(part.count), nil)
      } else {
        sqlite3_bind_blob64(handle, index, part.baseAddress, UInt64(part.count), muhur_sqlite_transient())
      }
    }
    return self
  }

  @discardableResult func bind(_ index: Int32, text value: String?) -> Statement {
    assert(parametersBefore == 0, "rows of many have no such values")
    if let value { sqlite3_bind_text(handle, index, value, -1, muhur_sqlite_transient()) } else { sqlite3_bind_null(handle, index) }
    return self
  }

  // MARK: Running

  /// - Returns: whether there is a row to read.
  func step() throws(IndexError) -> Bool {
    let code = sqlite3_step(handle)
    if code == SQLITE_ROW { return true }
    if code == SQLITE_DONE { return false }
    let words = String(cString: sqlite3_errmsg(database))
    sqlite3_reset(handle)
    let kind: IndexError.Kind =
      switch code & 0xff {
      case SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_CONSTRAINT, SQLITE_MISMATCH: .damaged
      case SQLITE_BUSY, SQLITE_LOCKED: .busy
      default: .system
      }
    throw IndexError(kind, path, "SQLite: \(words)")
  }

  func reset() {
    sqlite3_reset(handle)
    textsUsed = 0
  }

  /// For statements without result.
  func run() throws(IndexError) {
    defer { reset() }
    _ = try step()
  }

  /// For a statement that inserts several rows and is run in no other way.
  /// - Parameter bind: is given each row's number, and binds what is not NULL.
  func run(rows: Int, columns: Int, _ bind: (Int) throws -> Void) throws {
    defer {
      reset()
      sqlite3_clear_bindings(handle)
      parametersBefore = 0
      isCleared = false
    }
    isCleared = true
    for row in 0..<rows {
      parametersBefore = Int32(row * columns)
      try bind(row)
    }
    _ = try step()
  }

  /// Every row. The statement is reset behind the last, and when `body` throws or returns false.
  func forEach(_ body: (Statement) throws -> Bool) throws {
    defer { reset() }
    while try step() {
      guard try body(self) else { return }
    }
  }

  // MARK: Reading columns, counted from 0

  var columns: Int32 { sqlite3_column_count(handle) }

  func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }
  func int64(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }
  func int(_ column: Int32) -> Int { Int(sqlite3_column_int64(handle, column)) }
  func optionalInt64(_ column: Int32) -> Int64? { isNull(column) ? nil : int64(column) }
  func optionalInt(_ column: Int32) -> Int? { isNull(column) ? nil : int(column) }

  func bytes(_ column: Int32) -> [UInt8]? {
    guard !isNull(column) else { return nil }
    let count = Int(sqlite3_column_bytes(handle, column))
    guard count > 0, let start = sqlite3_column_blob(handle, column) else { return [] }
    return Array(UnsafeRawBufferPointer(start: start, count: count))
  }

  func text(_ column: Int32) -> String? { bytes(column).map { String(decoding: $0, as: UTF8.self) } }
}
