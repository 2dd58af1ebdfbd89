internal import COpenSSL
internal import CSHA256
import Record

/// A SHA-256 value, as 32 bytes in memory.
public struct Digest: Hashable, Sendable, CustomStringConvertible {
  private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

  public static let count = 32

  /// All zero; to be filled.
  init() {}

  /// 32 bytes and nothing else.
  public init?(_ bytes: Span<UInt8>) {
    guard bytes.count == Self.count else { return nil }
    withUnsafeMutableBytes(of: &words) { out in
      for i in 0..<Self.count { out[i] = bytes[i] }
    }
  }

  /// 64 hexadecimal digits in lower case.
  public init?(hex text: String) {
    guard text.utf8.count == 2 * Self.count, let bytes = Hex.bytes(lowerCase: text) else { return nil }
    self.init(bytes.span)
  }

  public var bytes: [UInt8] { withUnsafeBytes(of: words) { Array($0) } }
  /// Lower-case hexadecimal, as it stands in every contract file.
  public var description: String { Hex.text(bytes) }

  public static func == (a: Digest, b: Digest) -> Bool { a.words == b.words }
  public func hash(into hasher: inout Hasher) { hasher.combine(words.0) }

  mutating func withBytes<R>(_ body: (UnsafeMutableRawBufferPointer) -> R) -> R { withUnsafeMutableBytes(of: &words, body) }
  func withReadBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R { withUnsafeBytes(of: words, body) }
}

/// A running SHA-256, used again and again. One thread at a time.
///
/// By libcrypto's `SHA256_*`: `EVP_*` costs a fifth more for a record and half more for a node of the tree.
public final class SHA256 {
  private let context = UnsafeMutablePointer<SHA256_CTX>.allocate(capacity: 1)

  public init() { reset() }

  deinit { context.deallocate() }

  /// Begins anew.
  @inline(__always) public func reset() { _ = SHA256_Init(context) }

  @inline(__always) public func update(_ bytes: Span<UInt8>) { bytes.withUnsafeBytes { update($0) } }

  @inline(__always) func update(_ bytes: UnsafeRawBufferPointer) { _ = SHA256_Update(context, bytes.baseAddress, bytes.count) }

  /// The same for two hashes, which may be taken at once (`CSHA256`).
  @inline(__always) static func update(
    _ a: SHA256, _ aBytes: UnsafeRawBufferPointer, _ b: SHA256, _ bBytes: UnsafeRawBufferPointer
  ) {
    precondition(a !== b)
    sha256_update_both(a.context, aBytes.baseAddress, aBytes.count, b.context, bBytes.baseAddress, bBytes.count)
  }

  /// The hash of everything since `reset`, which must come before the next use.
  @inline(__always) public func finish() -> Digest { Self.take(context) }

  /// The hash of everything so far; more may follow.
  public func current() -> Digest {
    var copy = context.pointee
    return Self.take(&copy)
  }

  public static func hash(_ bytes: Span<UInt8>) -> Digest {
    let hash = SHA256()
    hash.update(bytes)
    return hash.finish()
  }

  public static func hash(_ bytes: [UInt8]) -> Digest { hash(bytes.span) }

  @inline(__always) private static func take(_ context: UnsafeMutablePointer<SHA256_CTX>) -> Digest {
    var digest = Digest()
    digest.withBytes { _ = SHA256_Final($0.baseAddress?.assumingMemoryBound(to: UInt8.self), context) }
    return digest
  }
}
