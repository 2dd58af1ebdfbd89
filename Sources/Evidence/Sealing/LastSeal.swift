public import Archive
import Glibc
import Record

/// `keys/last-seal`: number and SHA-256 of the newest signature, kept apart from the archive. An archive that was put back
/// from an older copy is recognised by it, before it would fork the chain (design section 10).
public struct LastSeal: Equatable, Sendable {
  public var number: Int
  public var p7s: Digest

  public init(number: Int, p7s: Digest) {
    self.number = number
    self.p7s = p7s
  }

  /// nil where none was written yet.
  public static func read(_ keys: KeyFolder) throws(ArchiveError) -> LastSeal? {
    let path = keys.path(.lastSeal)
    let bytes: [UInt8]
    do throws(ArchiveError) { bytes = try RegularFile.bytes(path, limit: 4096) } catch {
      if error.code == ENOENT { return nil }
      throw error
    }
    let words = bytes.split(separator: 0x20, maxSplits: 1)
    guard words.count == 2, let number = Array(words[0]).span.decimal, words[1].last == 0x0a,
      let digest = Digest(hex: String(decoding: words[1].dropLast(), as: UTF8.self))
    else { throw ArchiveError(.malformed, path, "not a seal's number and SHA-256") }
    return LastSeal(number: number, p7s: digest)
  }

  public func write(_ keys: KeyFolder) throws(ArchiveError) {
    try Disk.place(Array("\(number) \(p7s)\n".utf8), at: keys.path(.lastSeal), replacing: true)
  }
}
