public import Archive
internal import COpenSSL
import Record

/// An X.509 certificate (`X509 *`) and those of its fields that the rules of sections 5 and 6 speak of.
///
/// Sendable because nothing here changes it after `init`; what OpenSSL computes about it later it guards by its own lock.
public final class Certificate: @unchecked Sendable {
  let handle: OpaquePointer
  public let der: [UInt8]
  public let sha256: Digest
  /// Common name, else organisation, of the subject.
  public let name: String
  /// Names and serial number as they are encoded.
  let issuer: [UInt8]
  let subject: [UInt8]
  let serial: [UInt8]
  /// In microseconds since 1970, both inclusive.
  public let notBefore: Int64
  public let notAfter: Int64
  /// nil where the extension is absent.
  let extendedKeyUsage: [String]?
  let extendedKeyUsageIsCritical: Bool
  /// Whether it says where a CRL or an OCSP answer about it is to be had.
  let namesRevocation: Bool
  /// The URLs at which it says so, and at which its issuer's certificate is to be had.
  let crlAddresses: [String]
  let ocspAddresses: [String]
  let issuerAddresses: [String]

  public init(der: [UInt8]) throws(Malformed) {
    // Extensions: RFC 5280 section 4.1
    //   Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signatureValue }
    //   TBSCertificate ::= SEQUENCE { version [0], serialNumber, signature, issuer, validity, subject, spki, …, extensions [3] }
    let tbs = try ASN1(der, .ber).tagged(ASN1.sequence, "a certificate").child(0, ASN1.sequence, "a certificate's contents")
    let from = tbs.children.first?.tag == 0xa0 ? 1 : 0
    serial = try tbs.child(from, ASN1.integer, "a serial number").contentBytes(der)
    issuer = try tbs.child(from + 2, ASN1.sequence, "an issuer").wholeBytes(der)
    let validity = try tbs.child(from + 3, ASN1.sequence, "a validity")
    notBefore = try validity.child(0, "notBefore").time(der)
    notAfter = try validity.child(1, "notAfter").time(der)
    let subject = try tbs.child(from + 4, ASN1.sequence, "a subject")
    self.subject = subject.wholeBytes(der)
    name = try Self.text(subject, der)
    var usage: [String]?
    var isCritical = false
    var revocation = false
    var (lists, responders, issuers): ([String], [String], [String]) = ([], [], [])
    for list in tbs.children.dropFirst(from + 6) where list.tag == 0xa3 {
      for entry in try list.child(0, ASN1.sequence, "extensions").children {
        let oid = try entry.child(0, ASN1.objectIdentifier, "an extension").oid(der)
        let value = try entry.child(entry.children.count - 1, "an extension's value").octets(der)
        switch oid {
        case OID.extendedKeyUsage:
          var found: [String] = []
          for purpose in try ASN1(value, .ber).tagged(ASN1.sequence, "purposes").children { found.append(try purpose.oid(value)) }
          usage = found
          if entry.children.count == 3 { isCritical = try entry.child(1, 0x01, "a critical flag").contentBytes(der) == [0xff] }
        case OID.crlDistributionPoints:
          revocation = true
          lists += Self.urls(try ASN1(value, .ber), value)
        case OID.authorityInformation:
          for access in try ASN1(value, .ber).tagged(ASN1.sequence, "access descriptions").children {
            let method = try access.child(0, ASN1.objectIdentifier, "an access method").oid(value)
            if method == OID.ocsp {
              revocation = true
              responders += Self.urls(access, value)
            } else if method == OID.issuers {
              issuers += Self.urls(access, value)
            }
          }
        default: break
        }
      }
    }
    extendedKeyUsage = usage
    extendedKeyUsageIsCritical = isCritical
    namesRevocation = revocation
    (crlAddresses, ocspAddresses, issuerAddresses) = (lists, responders, issuers)
    self.der = der
    sha256 = SHA256.hash(der)
    guard let handle = parsed(der, { d2i_X509(nil, $0, $1) }) else { throw Malformed(offset: 0, field: "a certificate that OpenSSL reads") }
    self.handle = handle  // Last: from here on deinit frees it.
  }

  /// Takes a certificate that OpenSSL holds; it keeps its own reference.
  convenience init(copying handle: OpaquePointer) throws(Malformed) {
    let bytes: [UInt8]
    do throws(OpenSSLError) { bytes = try Evidence.der("i2d_X509") { i2d_X509(handle, $0) } } catch {
      throw Malformed(offset: 0, field: "a certificate that can be written")
    }
    try self.init(der: bytes)
  }

  deinit { X509_free(handle) }

  /// The last common name of a Name, else its organisation.
  private static func text(_ name: ASN1, _ bytes: [UInt8]) throws(Malformed) -> String {
    var found: [String: String] = [:]
    for relative in name.children {
      for pair in relative.children {
        let oid = try pair.child(0, ASN1.objectIdentifier, "a name's part").oid(bytes)
        found[oid] = String(decoding: try pair.child(1, "a name's text").contentBytes(bytes), as: UTF8.self)
      }
    }
    return found[OID.commonName] ?? found[OID.organization] ?? ""
  }

  /// The uniformResourceIdentifier [6] names in an extension (RFC 5280 section 4.2.1.6).
  private static func urls(_ value: ASN1, _ bytes: [UInt8]) -> [String] {
    if value.tag == 0x86 { return [String(decoding: value.contentBytes(bytes), as: UTF8.self)] }
    return value.children.flatMap { urls($0, bytes) }
  }

  /// Whether its own key signed it.
  var isSelfSigned: Bool { issuer == subject }
  /// Whether nothing but itself can vouch for it, as for the one that `muhur init` makes.
  public var isOwnRoot: Bool { isSelfSigned && !namesRevocation }

  /// As a PEM file holds it.
  public func pem() throws(OpenSSLError) -> [UInt8] { try written("PEM_write_bio_X509") { PEM_write_bio_X509($0, handle) } }

  /// The certificates of a PEM file, in order.
  /// - Throws: `OpenSSLError` where one in it does not parse.
  public static func pem(_ bytes: [UInt8]) throws(OpenSSLError) -> [Certificate] {
    ERR_clear_error()
    return try withBIO(bytes) { bio throws(OpenSSLError) in
      var out: [Certificate] = []
      while let handle = PEM_read_bio_X509_AUX(bio, nil, nil, nil) {
        defer { X509_free(handle) }
        do throws(Malformed) { out.append(try Certificate(copying: handle)) } catch {
          throw OpenSSLError("certificate \(out.count + 1): \(error)")
        }
      }
      // "no start line" is how the end of the file shows.
      let last = ERR_peek_last_error()
      let reason = Int32(truncatingIfNeeded: last & 0x7fffff)
      guard last == 0 || reason == PEM_R_NO_START_LINE else { throw OpenSSLError("certificate \(out.count + 1)") }
      ERR_clear_error()
      return out
    }
  }
}
