import Archive
import Glibc
public import Record

/// Something the verifier has to say (design section 6).
public struct Finding: Hashable, Sendable {
  public enum What: String, Sendable, CaseIterable {
    // Something was changed, removed, reordered, or is malformed.
    case changed, missing, extra, malformed, chain, signature, token, fork
    case deletedEarly = "deleted-early"
    // Nothing is wrong, but something is not proven.
    case noToken = "no-token"
    case untrusted, late, stale, unsealed, clock
    case tornCopy = "torn-copy"
    case signerChanged = "signer-changed"
    case recordsNotChecked = "records-not-checked"
    // Told only.
    case deleted
    case chainNotChecked = "chain-not-checked"
    case revocationUnknown = "revocation-unknown"

    public var result: Result {
      switch self {
      case .changed, .missing, .extra, .malformed, .chain, .signature, .token, .fork, .deletedEarly: .broken
      case .noToken, .untrusted, .late, .stale, .unsealed, .clock, .tornCopy, .signerChanged, .recordsNotChecked: .unproven
      case .deleted, .chainNotChecked, .revocationUnknown: .ok
      }
    }
  }

  public enum Result: String, Sendable, Comparable {
    case ok, unproven, broken

    public static func < (a: Result, b: Result) -> Bool { a.rank < b.rank }
    private var rank: Int { self == .ok ? 0 : self == .unproven ? 1 : 2 }
    public var exitCode: Int32 { self == .ok ? 0 : self == .unproven ? 3 : 1 }

    public var words: String {
      switch self {
      case .ok: "all holds"
      case .unproven: "nothing is wrong, but something is not proven"
      case .broken: "something was changed, removed, reordered or is malformed"
      }
    }
  }

  public var what: What
  /// nil for the log as a whole.
  public var day: CalendarDay?
  /// File, seal or record, seen from PATH.
  public var place: String
  public var detail: String
}

/// Findings as they come, each (what, day, where) once.
struct Findings {
  private(set) var all: [Finding] = []
  private var seen: Set<Finding> = []

  mutating func add(_ what: Finding.What, _ day: CalendarDay?, _ place: String, _ detail: String) {
    guard seen.insert(Finding(what: what, day: day, place: place, detail: "")).inserted else { return }
    all.append(Finding(what: what, day: day, place: place, detail: detail))
  }

  /// Makes a finding of an error.
  /// - Throws: the error itself where we have no right to the file, or no room: that is no fault of the archive.
  mutating func add(_ error: ArchiveError, _ day: CalendarDay?) throws(ArchiveError) {
    switch error.kind {
    case .malformed: add(.malformed, day, error.path, error.detail)
    case .missing: add(.missing, day, error.path, error.detail)
    case .changed: add(.changed, day, error.path, error.detail)
    case .torn: add(.tornCopy, day, error.path, error.detail)
    case .system(ENOENT): add(.missing, day, error.path, "not there")
    case .system(EACCES), .system(EPERM), .system(EMFILE), .system(ENFILE), .system(ENOMEM): throw error
    case .system: add(.malformed, day, error.path, error.detail)
    }
  }

  func result(day: CalendarDay) -> Finding.Result { all.lazy.filter { $0.day == day }.map(\.what.result).max() ?? .ok }
  var result: Finding.Result { all.lazy.map(\.what.result).max() ?? .ok }
}
