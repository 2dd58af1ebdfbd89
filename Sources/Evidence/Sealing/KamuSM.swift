import Archive
internal import COpenSSL
import Glibc
import Record

/// The protocol by which TÜBİTAK Kamu SM's time-stamp service knows its customers, as its public clients speak it: RFC 3161
/// over HTTP with one header more.
///
///     identity: hexadecimal of SEQUENCE { userid INTEGER, salt OCTET STRING (16), iterationCount INTEGER (100),
///                                         iv OCTET STRING (16, the salt), encryptedMessageImprint OCTET STRING }
///
/// The key is PBKDF2-HMAC-SHA256 of the password; the imprint is encrypted with AES-256-CBC and PKCS#7 padding.
enum KamuSM {
  static let iterations = 100

  /// - Parameters:
  ///   - imprint: the hash that the request carries.
  ///   - salt: 16 bytes, new for each request.
  static func identity(user: Int, password: [UInt8], imprint: [UInt8], salt: [UInt8] = randomBytes(16)) throws(OpenSSLError) -> String {
    ERR_clear_error()
    var key = [UInt8](repeating: 0, count: 32)
    let derived = password.withUnsafeBytes {
      PKCS5_PBKDF2_HMAC($0.baseAddress, Int32($0.count), salt, Int32(salt.count), Int32(iterations), EVP_sha256(), 32, &key)
    }
    try done(derived, "PKCS5_PBKDF2_HMAC")
    let context = try given(EVP_CIPHER_CTX_new(), "EVP_CIPHER_CTX_new")
    defer { EVP_CIPHER_CTX_free(context) }
    try done(EVP_EncryptInit_ex(context, EVP_aes_256_cbc(), nil, key, salt), "EVP_EncryptInit_ex")
    var encrypted = [UInt8](repeating: 0, count: imprint.count + 16)
    var count: Int32 = 0
    try done(EVP_EncryptUpdate(context, &encrypted, &count, imprint, Int32(imprint.count)), "EVP_EncryptUpdate")
    var last = [UInt8](repeating: 0, count: 16)
    var lastCount: Int32 = 0
    try done(EVP_EncryptFinal_ex(context, &last, &lastCount), "EVP_EncryptFinal_ex")
    let cipher = Array(encrypted.prefix(Int(count))) + last.prefix(Int(lastCount))
    let sequence =
      value(0x02, integer(user)) + value(0x04, salt) + value(0x02, integer(iterations)) + value(0x04, salt) + value(0x04, cipher)
    return Hex.text(value(0x30, sequence))
  }

  /// The headers of a question for the credits, whose body is empty.
  /// - Parameter milliseconds: since 1970.
  static func creditHeaders(user: Int, password: [UInt8], milliseconds: Int = now()) throws(OpenSSLError) -> [(name: String, value: String)]
  {
    let imprint = hash(Array("\(user)\(milliseconds)".utf8), OID.sha1) ?? []
    return [
      ("identity", try identity(user: user, password: password, imprint: imprint)), ("credit_req", String(user)),
      ("credit_req_time", String(milliseconds)),
    ]
  }

  /// The number in an answer to that question, which is text, bare or as an ASN.1 string.
  /// - Throws: what the service says where it gives no number.
  static func credits(_ answer: [UInt8], user: Int) throws(AuthorityError) -> Int {
    var text = visible(String(decoding: answer.prefix(500), as: UTF8.self))
    do throws(Malformed) {
      let parsed = try ASN1(answer, .ber)
      text = Refusal.texts(parsed, answer).joined(separator: "; ")
    } catch {
      // Bare text.
    }
    let numbers = text.utf8.split { !$0.isDigit }.compactMap { Array($0).span.decimal }
    // "User 999 is not known" holds a number too.
    let isBare = text.utf8.allSatisfy { $0.isDigit || $0 == 0x20 }
    guard numbers.count == 1, let number = numbers.first, isBare || number != user else {
      throw AuthorityError(text.isEmpty ? "its answer about credits is empty" : "about credits it says: \(text)")
    }
    return number
  }

  private static func now() -> Int {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    return now.tv_sec * 1000 + now.tv_nsec / 1_000_000
  }

  // MARK: DER

  private static func value(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
    if content.count < 0x80 { return [tag, UInt8(content.count)] + content }
    // What stands here has under 256 bytes: an imprint of at most 64, padded.
    return [tag, 0x81, UInt8(content.count)] + content
  }

  /// Of a number that is not negative: the fewest bytes, the first bit clear.
  private static func integer(_ number: Int) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = number
    repeat {
      bytes.insert(UInt8(truncatingIfNeeded: rest), at: 0)
      rest >>= 8
    } while rest > 0
    return bytes[0] < 0x80 ? bytes : [0] + bytes
  }
}
