internal import COpenSSL
import Glibc
import Synchronization

/// Keys that never leave their token (smart card, HSM), by OpenSSL's engine `pkcs11` (Debian: libengine-pkcs11-openssl). All
/// that is known of engines, which a later OpenSSL replaces by providers, is here.
enum PKCS11 {
  /// Loaded engines, by module; kept while the process runs, since keys live in them.
  private static let engines = Mutex<[String: Int]>([:])

  /// Whether a key's place is named by a PKCS#11 URI (RFC 7512).
  static func isURI(_ text: String) -> Bool { text.hasPrefix("pkcs11:") }

  /// - Parameters:
  ///   - uri: `pkcs11:token=…;object=…`; `?module-path=…` names the token's library, else p11-kit finds it.
  ///   - pin: UTF-8 without NUL.
  static func key(_ uri: String, pin: [UInt8]) throws(OpenSSLError) -> PrivateKey {
    let module = modulePath(uri)
    let engine = try engine(module)
    ERR_clear_error()
    let set = (pin + [0]).withUnsafeBytes { ENGINE_ctrl_cmd_string(engine, "PIN", $0.baseAddress?.assumingMemoryBound(to: CChar.self), 0) }
    try done(set, "PKCS#11: the PIN")
    // Without a UI method of its own the engine would ask at the terminal.
    let place = String(uri.split(separator: "?", maxSplits: 1)[0])
    guard let key = ENGINE_load_private_key(engine, place, UI_null(), nil) else {
      throw OpenSSLError("PKCS#11: no private key at \(place), or the PIN is wrong")
    }
    return PrivateKey(taking: key)
  }

  /// The `module-path` of a URI's query, percent-decoded.
  static func modulePath(_ uri: String) -> String? {
    guard let query = uri.split(separator: "?", maxSplits: 1).dropFirst().first else { return nil }
    for part in query.split(separator: "&") where part.hasPrefix("module-path=") {
      var out: [UInt8] = []
      var rest = Array(part.dropFirst(12).utf8)[...]
      while let byte = rest.popFirst() {
        if byte == 0x25, rest.count >= 2, let code = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) {
          out.append(code)
          rest = rest.dropFirst(2)
        } else {
          out.append(byte)
        }
      }
      return String(decoding: out, as: UTF8.self)
    }
    return nil
  }

  private static func engine(_ module: String?) throws(OpenSSLError) -> OpaquePointer {
    let found = try engines.withLock { known throws(OpenSSLError) -> Int in
      if let address = known[module ?? ""] { return address }
      ERR_clear_error()
      ENGINE_load_builtin_engines()
      guard let engine = ENGINE_by_id("pkcs11") else {
        throw OpenSSLError("PKCS#11: OpenSSL's engine pkcs11 is not installed (package libengine-pkcs11-openssl)")
      }
      if let module { try done(ENGINE_ctrl_cmd_string(engine, "MODULE_PATH", module, 0), "PKCS#11: module-path \(module)") }
      try done(ENGINE_init(engine), "PKCS#11: \(module ?? "the engine")")
      let address = Int(bitPattern: engine)
      known[module ?? ""] = address
      return address
    }
    return OpaquePointer(bitPattern: found)!
  }
}
