internal import COpenSSL
import Glibc

/// A failed OpenSSL call and its error queue, oldest first.
public struct OpenSSLError: Error, Sendable, CustomStringConvertible {
  public var call: String
  public var reasons: [String] = []
  private var isSentence = false

  /// Empties this thread's queue: the next failure must not inherit these reasons.
  init(_ call: String) {
    self.call = call
    while case let code = ERR_get_error(), code != 0 {
      if let text = ERR_reason_error_string(code) { reasons.append(String(cString: text)) }
    }
  }

  /// A failure of another kind, told in words.
  init(words: String) {
    call = words
    isSentence = true
  }

  public var description: String {
    reasons.isEmpty ? (isSentence ? call : "\(call) failed") : "\(call): \(reasons.joined(separator: "; "))"
  }
}

/// A pointer that OpenSSL gave, or the error.
func given<T>(_ pointer: T?, _ call: String) throws(OpenSSLError) -> T {
  guard let pointer else { throw OpenSSLError(call) }
  return pointer
}

/// A call that gives 1 when it did what it should.
func done(_ result: Int32, _ call: String) throws(OpenSSLError) {
  guard result == 1 else { throw OpenSSLError(call) }
}

/// DER of anything with an i2d function.
func der(_ call: String, _ i2d: (UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>?) -> Int32) throws(OpenSSLError) -> [UInt8] {
  let count = Int(i2d(nil))
  guard count > 0 else { throw OpenSSLError(call) }
  return [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
    var start: UnsafeMutablePointer<UInt8>? = buffer.baseAddress
    initialized = max(0, Int(i2d(&start)))
  }
}

/// Reads DER (or BER) by a d2i function; nil, with the queue emptied, where it does not parse.
func parsed<T>(_ bytes: [UInt8], _ d2i: (UnsafeMutablePointer<UnsafePointer<UInt8>?>, Int) -> T?) -> T? {
  ERR_clear_error()
  let result = bytes.withUnsafeBufferPointer { buffer in
    var start: UnsafePointer<UInt8>? = buffer.baseAddress
    return d2i(&start, buffer.count)
  }
  ERR_clear_error()
  return result
}

/// A memory BIO over bytes, for the length of a call.
func withBIO<R>(_ bytes: [UInt8], _ body: (OpaquePointer) throws(OpenSSLError) -> R) throws(OpenSSLError) -> R {
  var result: Result<R, OpenSSLError>?
  bytes.withUnsafeBytes { buffer in
    // A NULL pointer would be refused even for no bytes at all.
    let bio = BIO_new_mem_buf(buffer.baseAddress ?? UnsafeRawPointer(bitPattern: 1), Int32(buffer.count))
    guard let bio else { return }
    defer { BIO_free(bio) }
    do throws(OpenSSLError) { result = .success(try body(bio)) } catch { result = .failure(error) }
  }
  guard let result else { throw OpenSSLError("BIO_new_mem_buf") }
  return try result.get()
}

/// What a call writes into a memory BIO.
func written(_ call: String, _ body: (OpaquePointer) -> Int32) throws(OpenSSLError) -> [UInt8] {
  let bio = try given(BIO_new(BIO_s_mem()), "BIO_new")
  defer { BIO_free(bio) }
  try done(body(bio), call)
  var start: UnsafeMutablePointer<CChar>?
  let count = ossl_bio_bytes(bio, &start)
  return [UInt8](UnsafeRawBufferPointer(start: start, count: max(0, count)))
}
