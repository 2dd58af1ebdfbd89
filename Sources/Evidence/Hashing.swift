internal import COpenSSL

/// A hash of bytes by the algorithm's object identifier; nil for one that is not known here.
func hash(_ bytes: [UInt8], _ oid: String) -> [UInt8]? {
  let algorithm: OpaquePointer? =
    switch oid {
    case OID.sha1: EVP_sha1()
    case OID.sha256: EVP_sha256()
    case OID.sha384: EVP_sha384()
    case OID.sha512: EVP_sha512()
    default: nil
    }
  guard let algorithm else { return nil }
  var count: UInt32 = 0
  var out = [UInt8](repeating: 0, count: 64)
  guard EVP_Digest(bytes, bytes.count, &out, &count, algorithm, nil) == 1 else { return nil }
  return Array(out.prefix(Int(count)))
}
