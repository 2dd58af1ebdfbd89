internal import COpenSSL
import Record

/// A day's random key: 64 hexadecimal digits and LF in the file `salt` (design sections 4 and 12.1).
public struct DaySalt: Hashable, Sendable {
  public let key: [UInt8]

  public init(key: [UInt8]) {
    precondition(key.count == 32)
    self.key = key
  }

  /// nil where the file's bytes are not exactly what `fileBytes` gives.
  public init?(fileBytes bytes: Span<UInt8>) {
    guard bytes.count == 65, bytes[64] == 0x0a, let key = Hex.bytes(lowerCase: bytes.extracting(0..<64).string) else { return nil }
    self.key = key
  }

  public static func random() -> DaySalt { DaySalt(key: randomBytes(32)) }

  public var fileBytes: [UInt8] {
    var out: [UInt8] = []
    out.append(hex: key.span)
    out.append(0x0a)
    return out
  }
}

/// Bytes nobody can guess (`RAND_bytes`).
public func randomBytes(_ count: Int) -> [UInt8] {
  [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
    guard RAND_bytes(buffer.baseAddress, Int32(count)) == 1 else { fatalError("no random numbers") }
    initialized = count
  }
}

/// The salts of a day's records: salt i is the i-th 16-byte block of AES-256-CTR key stream under the day's key with a
/// zero IV, so any of them can be had without the others.
public final class SaltStream {
  private static let chunkRecords = 1024
  private static let chunkBytes = 16 * chunkRecords

  private let salt: DaySalt
  private let context: OpaquePointer
  private let zeros: UnsafeMutablePointer<UInt8>
  private let stream: UnsafeMutablePointer<UInt8>
  /// The first record whose salt is in `stream`; -1 while there is none.
  private var first = -1

  public init(_ salt: DaySalt) {
    guard let context = EVP_CIPHER_CTX_new() else { fatalError("out of memory") }
    self.salt = salt
    self.context = context
    zeros = .allocate(capacity: Self.chunkBytes)
    zeros.initialize(repeating: 0, count: Self.chunkBytes)
    stream = .allocate(capacity: Self.chunkBytes)
    stream.initialize(repeating: 0, count: Self.chunkBytes)
  }

  deinit {
    EVP_CIPHER_CTX_free(context)
    zeros.deallocate()
    stream.deallocate()
  }

  /// The 16 bytes of one record.
  public func salt(_ record: Int) -> [UInt8] { withSalt(record) { Array($0) } }

  @inline(__always) func withSalt<R>(_ record: Int, _ body: (UnsafeRawBufferPointer) -> R) -> R {
    let start = record & ~(Self.chunkRecords - 1)
    if start != first { fill(start) }
    return body(UnsafeRawBufferPointer(start: stream + 16 * (record - start), count: 16))
  }

  private func fill(_ start: Int) {
    precondition(start >= 0)
    // The counter is the IV as a number of 128 bits, most significant byte first.
    var counter = [UInt8](repeating: 0, count: 16)
    for i in 0..<8 { counter[15 - i] = UInt8(truncatingIfNeeded: start >> (8 * i)) }
    var written: Int32 = 0
    let done =
      EVP_EncryptInit_ex(context, EVP_aes_256_ctr(), nil, salt.key, counter) == 1
      && EVP_EncryptUpdate(context, stream, &written, zeros, Int32(Self.chunkBytes)) == 1
    precondition(done && Int(written) == Self.chunkBytes, "libcrypto refuses AES-256-CTR")
    first = start
  }
}
