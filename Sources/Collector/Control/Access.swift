import Commands
import Glibc

/// Who may ask and who may administer (design section 12.23), as the configuration names them: `group:NAME`, primary or
/// supplementary, or `user:NAME`. Root has no exception; the daemon's own user may administer.
struct Access: Sendable {
  enum Right: Sendable { case query, administer }

  private let query: [Entry]
  private let administer: [Entry]
  let requiresCase: Bool
  private let ownUser = geteuid()

  private enum Entry: Sendable, Equatable {
    case group(gid_t)
    case user(uid_t)
  }

  /// Names that do not exist match nobody; the configuration's check warns of them.
  init(_ configuration: Configuration.Access) {
    query = configuration.query.compactMap(Self.entry)
    administer = configuration.administer.compactMap(Self.entry)
    requiresCase = configuration.requiresCase
  }

  private static func entry(_ text: String) -> Entry? {
    if text.hasPrefix("group:") { return getgrnam(String(text.dropFirst(6))).map { .group($0.pointee.gr_gid) } }
    if text.hasPrefix("user:") { return getpwnam(String(text.dropFirst(5))).map { .user($0.pointee.pw_uid) } }
    return nil
  }

  func permits(_ peer: ControlChannel.Peer, _ right: Right) -> Bool {
    switch right {
    case .query: matches(peer, query)
    case .administer: peer.uid == ownUser || matches(peer, administer)
    }
  }

  private func matches(_ peer: ControlChannel.Peer, _ entries: [Entry]) -> Bool {
    entries.contains { entry in
      switch entry {
      case .user(let uid): uid == peer.uid
      case .group(let gid): gid == peer.gid || peer.groups.contains(gid)
      }
    }
  }

  static func userName(_ uid: uid_t) -> String { getpwuid(uid).map { String(cString: $0.pointee.pw_name) } ?? String(uid) }
}
