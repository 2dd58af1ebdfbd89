internal import COpenSSL
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

/// A running SHA-256 (`EVP_MD_CTX`), used again and again: fetching the algorithm for each hash costs half as much as a
/// record's hash itself. One thread at a time.
public final class SHA256 {
  // Written once, by whichever thread comes first, and immutable afterwards; never freed.
  private nonisolated(unsafe) static let algorithm: OpaquePointer = {
    guard let algorithm = EVP_MD_fetch(nil, "SHA256", nil) else { fatalError("libcrypto has no SHA-256") }
    return algorithm
  }()

  private let context: OpaquePointer
  private var scratch: OpaquePointer?

  public init() {
    guard let context = EVP_MD_CTX_new() else { fatalError("out of memory") }
    self.context = context
    reset()
  }

  deinit {
    EVP_MD_CTX_free(context)
    EVP_MD_CTX_free(scratch)
  }

  /// Begins anew.
  public func reset() { must(EVP_DigestInit_ex2(context, Self.algorithm, nil)) }

  @inline(__always) public func update(_ bytes: Span<UInt8>) {
    bytes.withUnsafeBytes { must(EVP_DigestUpdate(context, $0.baseAddress, $0.count)) }
  }

  @inline(__always) func update(_ bytes: UnsafeRawBufferPointer) { must(EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)) }

  /// The hash of everything since `reset`, which must come before the next use.
  @inline(__always) public func finish() -> Digest { Self.take(context) }

  /// The hash of everything so far; more may follow.
  public func current() -> Digest {
    let copy = scratch ?? EVP_MD_CTX_new()
    guard let copy else { fatalError("out of memory") }
    scratch = copy
    must(EVP_MD_CTX_copy_ex(copy, context))
    return Self.take(copy)
  }

  public static func hash(_ bytes: Span<UInt8>) -> Digest {
    let hash = SHA256()
    hash.update(bytes)
    return hash.finish()
  }

  public static func hash(_ bytes: [UInt8]) -> Digest { hash(bytes.span) }

  @inline(__always) private static func take(_ context: OpaquePointer) -> Digest {
    var digest = Digest()
    digest.withBytes { must(EVP_DigestFinal_ex(context, $0.baseAddress?.assumingMemoryBound(to: UInt8.self), nil)) }
    return digest
  }
}

/// These calls fail only when used in a wrong order, which is our own mistake.
@inline(__always) private func must(_ result: Int32) { precondition(result == 1, "libcrypto refuses to hash") }
