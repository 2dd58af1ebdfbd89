public import Record

/// An archive as a folder: where things are. Holds nothing open.
public struct ArchiveFolder: Sendable {
  public let path: String

  public init(_ path: String) { self.path = path }

  public func path(_ name: String) -> String { path + "/" + name }

  /// The days there are, in order. Names that are no day are not looked at.
  /// - Throws: `.missing` where there is no folder of days.
  public func days() throws(ArchiveError) -> [CalendarDay] {
    guard let entries = try folderEntries(path(Layout.days), name: Layout.days) else {
      throw ArchiveError(.missing, path(Layout.days), "no folder of days; is this an archive?")
    }
    return entries.compactMap { $0.kind == .folder ? CalendarDay($0.name) : nil }
  }

  public func day(_ day: CalendarDay) -> DayFolder { DayFolder(root: path, name: Layout.path(Layout.days, day.description)) }

  /// What log.json says.
  /// - Throws: `.missing` where it is not there, `.malformed`.
  public func log() throws(ArchiveError) -> LogIdentity { try LogIdentity.read(logBytes()) }

  /// log.json as it stands: its SHA-256 is in every seal.
  public func logBytes() throws(ArchiveError) -> [UInt8] {
    do throws(ArchiveError) {
      return try RegularFile.bytes(path(Layout.log), name: Layout.log, limit: LogIdentity.maximumBytes)
    } catch {
      throw error.code == 2 ? ArchiveError(.missing, Layout.log, "not there") : error
    }
  }
}

extension LogIdentity {
  static func read(_ bytes: [UInt8]) throws(ArchiveError) -> LogIdentity {
    do throws(Malformed) { return try LogIdentity(fileBytes: bytes.span) } catch {
      throw ArchiveError(.malformed, Layout.log, "\(error)")
    }
  }
}

/// A day's folder.
public struct DayFolder: Sendable {
  /// The archive's path, or that of a day folder standing alone.
  public let root: String
  /// Seen from `root`: `days/2026-11-23`, or `.`.
  public let name: String

  public init(root: String, name: String) {
    self.root = root
    self.name = name
  }

  public var path: String { root + "/" + name }
  /// Where a file of this day is.
  public func path(_ file: String) -> String { root + "/" + name + "/" + file }
  /// What reports call a file of this day.
  public func name(_ file: String) -> String { name == "." ? file : name + "/" + file }

  public func open(_ file: String) throws(ArchiveError) -> RegularFile { try RegularFile(path(file), name: name(file)) }

  /// The numbers of the tails' first records, in order.
  public func tails() throws(ArchiveError) -> [Int] {
    try (folderEntries(path, name: name) ?? []).compactMap { $0.kind == .file ? Layout.tailFirst($0.name) : nil }
  }

  /// Whether its records are gone, as retention leaves a day: no salt, no blocks, no tails.
  public func isDeleted() throws(ArchiveError) -> Bool {
    guard let entries = try folderEntries(path, name: name) else { return false }
    return !entries.contains { $0.name == Layout.salt || $0.name == Layout.records || Layout.tailFirst($0.name) != nil }
  }

  /// - Throws: `.missing`, `.malformed`.
  public func salt() throws(ArchiveError) -> DaySalt {
    let bytes: [UInt8]
    do throws(ArchiveError) { bytes = try RegularFile.bytes(path(Layout.salt), name: name(Layout.salt), limit: 1 << 16) } catch {
      throw error.code == 2 ? ArchiveError(.missing, name(Layout.salt), "not there") : error
    }
    guard let salt = DaySalt(fileBytes: bytes.span) else {
      throw ArchiveError(.malformed, name(Layout.salt), "not 64 hexadecimal digits and LF")
    }
    return salt
  }
}
