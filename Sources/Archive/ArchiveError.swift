import Glibc

/// Why something of an archive could not be read or written.
public struct ArchiveError: Error, Equatable, Sendable, CustomStringConvertible {
  public enum Kind: Hashable, Sendable {
    /// Does not parse, or has bytes behind it.
    case malformed
    /// Fewer than there should be.
    case missing
    /// Two places that must hold the same bytes do not.
    case changed
    /// The last line or member is not whole, as in a copy of a day that was being written.
    case torn
    /// The system refused; the errno it gave.
    case system(Int32)
  }

  public var kind: Kind
  /// The file or folder as it was named: inside an archive, seen from its root.
  public var path: String
  public var detail: String

  public init(_ kind: Kind, _ path: String, _ detail: String) {
    self.kind = kind
    self.path = path
    self.detail = detail
  }

  /// From errno, which must not have been touched since `call` failed.
  public init(_ call: String, _ path: String, code: Int32 = errno) {
    self.init(.system(code), path, "\(call): \(String(cString: strerror(code)))")
  }

  public var description: String { "\(path): \(detail)" }
  /// The errno, where the system refused.
  public var code: Int32? { if case .system(let code) = kind { code } else { nil } }
}

/// Calls again while a signal interrupts.
@inline(__always) func retrying(_ call: () -> Int) -> Int {
  while true {
    let result = call()
    if result >= 0 || errno != EINTR { return result }
  }
}
