public import Archive
import Glibc
import Record

/// The folder of keys beside an archive, never in it (design sections 5 and 7): `signer.key`, `signer.crt`, and `tsa.key`,
/// `tsa.crt` of the local authority; folder 0700, keys 0600.
public struct KeyFolder: Sendable {
  public let path: String

  public init(_ path: String) { self.path = path }

  public enum File: String, Sendable, CaseIterable {
    case signerKey = "signer.key"
    case signerCertificate = "signer.crt"
    case authorityKey = "tsa.key"
    case authorityCertificate = "tsa.crt"
    case lastSeal = "last-seal"
  }

  public func path(_ file: File) -> String { path + "/" + file.rawValue }

  /// SHA-256 of the certificates that were made: to be written down elsewhere.
  public struct Fingerprints: Sendable {
    public var signer: Digest
    public var authority: Digest
  }

  /// Makes keys and certificates.
  /// - Parameter log: the log's name, which stands in the certificates.
  /// - Throws: `ArchiveError` `.system(EEXIST)` where one of the files is there already; nothing is overwritten.
  public func create(log: String) throws -> Fingerprints {
    for file in File.allCases where access(path(file), F_OK) == 0 { throw ArchiveError("open", path(file), code: EEXIST) }
    try Disk.makeFolder(path, orExisting: true)
    let signer = try make(.signerKey, .signerCertificate, name: log, for: .sealing)
    let authority = try make(.authorityKey, .authorityCertificate, name: "Mühür local authority, \(log)", for: .timeStamping)
    return Fingerprints(signer: signer, authority: authority)
  }

  private func make(_ keyFile: File, _ certificateFile: File, name: String, for use: CertificateUse) throws -> Digest {
    let key = try PrivateKey()
    // A common name has at most 64 characters (RFC 5280, ub-common-name).
    let certificate = try Certificate.selfSigned(key, name: String(String.UnicodeScalarView(name.unicodeScalars.prefix(64))), for: use)
    try Disk.place(try key.pem(), at: path(keyFile), mode: 0o600)
    try Disk.place(try certificate.pem(), at: path(certificateFile), mode: 0o644)
    return certificate.sha256
  }

  /// The key and certificate that seal.
  public func signer() throws -> Identity { try identity(.signerKey, .signerCertificate) }

  /// Those of the local authority.
  public func authority() throws -> Identity { try identity(.authorityKey, .authorityCertificate) }

  private func identity(_ key: File, _ certificate: File) throws -> Identity {
    let keyBytes = try RegularFile.bytes(path(key), limit: 1 << 16)
    let certificateBytes = try RegularFile.bytes(path(certificate), limit: 1 << 20)
    do { return try Identity(keyPEM: keyBytes, certificatePEM: certificateBytes) } catch {
      throw ArchiveError(.malformed, path(key), "\(error)")
    }
  }
}
