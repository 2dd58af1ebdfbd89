import Archive
import Record

/// A seal as it lies in a folder, and what has been found out about it. The files' bytes are not kept.
final class LoadedSeal {
  let number: Int
  /// `days/2026-11-23/seals/00000417`
  let place: String
  /// The day of its folder; nil in a folder that stands alone under another name.
  let folderDay: CalendarDay?
  /// That, else the day the seal names.
  var day: CalendarDay?
  /// Its files that are there.
  var names: [String] = []
  /// nil where the .json is missing or malformed.
  var seal: Seal?
  var jsonDigest: Digest?
  /// nil where there is no .p7s.
  var p7sDigest: Digest?
  /// nil where the signature does not hold.
  var signature: Signature?
  /// The .tsr files over it, by name.
  var tokenFiles: [String: Digest] = [:]
  var stamps: [Stamp] = []
  /// The earliest trusted time of itself and of later chained seals, and whose it is.
  var proven: (time: Int64, authority: String)?
  var whyUnproven: (what: Finding.What, detail: String)?

  /// What a token that holds says.
  struct Stamp {
    var place: String
    /// Microseconds since 1970.
    var time: Int64
    var accuracy: Int64?
    var authority: String
    /// nil where it is trusted.
    var whyUntrusted: String?

    var upper: Int64 { time + (accuracy ?? 0) }
    var lower: Int64 { time - (accuracy ?? 0) }
  }

  init(number: Int, place: String, folderDay: CalendarDay?) {
    self.number = number
    self.place = place
    self.folderDay = folderDay
    day = folderDay
  }

  /// The folder it lies in, with a slash.
  var folder: String { place.utf8.lastIndex(of: 0x2f).map { String(place[...$0]) } ?? "" }
}

/// One certificate in memory for each that occurs: every seal carries the same ones.
struct CertificatePool {
  private var all: [Digest: Certificate] = [:]

  mutating func shared(_ certificate: Certificate) -> Certificate {
    if let known = all[certificate.sha256] { return known }
    all[certificate.sha256] = certificate
    return certificate
  }
}
