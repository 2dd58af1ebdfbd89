public import Archive
import Glibc
public import Record

/// `keys/restored`: that the archive was put back from an older copy, until a seal says so (design section 10). Written by
/// `muhur init --resume`, read by the next start, gone once the next seal with its note stands.
public struct Restoration: Equatable, Sendable {
  /// The newest seal of the archive as it was put back; 0 where it has none.
  public var newest: Int
  /// The newest seal that was ever made, as far as the keys' folder knows; nil where that is not known.
  public var made: Int?

  public init(newest: Int, made: Int?) {
    self.newest = newest
    self.made = made
  }

  /// For the next seal.
  public var note: String {
    "the archive was restored from a copy whose newest seal is \(newest)"
      + (made.map { $0 > newest ? "; seals \(newest + 1) to \($0) were made before and are lost" : "" } ?? "")
  }

  /// For the `restored` notice.
  public var members: [JSONMember] {
    [JSONMember("newest_seal", .integer(newest)), JSONMember("last_seal_made", made.map(JSONValue.integer) ?? .null)]
  }

  private static func path(_ keys: KeyFolder) -> String { keys.path + "/restored" }

  /// nil where the archive was not restored, or a seal says so already.
  public static func read(_ keys: KeyFolder) throws(ArchiveError) -> Restoration? {
    let bytes: [UInt8]
    do throws(ArchiveError) { bytes = try RegularFile.bytes(path(keys), limit: 4096) } catch {
      if error.code == ENOENT { return nil }
      throw error
    }
    guard let json = try? StrictJSON.file(bytes.span), let newest = json["newest_seal"]?.integer else {
      throw ArchiveError(.malformed, path(keys), "not what `muhur init --resume` writes")
    }
    return Restoration(newest: newest, made: json["last_seal_made"]?.integer)
  }

  public func write(_ keys: KeyFolder) throws(ArchiveError) {
    try Disk.place(JSONValue.object(members).bytes + [0x0a], at: Self.path(keys), replacing: true)
  }

  public static func clear(_ keys: KeyFolder) throws(ArchiveError) { try Disk.remove(path(keys)) }
}
