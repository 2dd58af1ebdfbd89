import Archive
import Record

/// CMS SignedData taken apart as far as our rules reach (RFC 5652 section 5).
///
///     SignedData ::= SEQUENCE { version, digestAlgorithms SET, encapContentInfo, certificates [0], crls [1], signerInfos SET }
///     SignerInfo ::= SEQUENCE { version, sid, digestAlgorithm, signedAttrs [0], signatureAlgorithm, signature, … }
struct SignedData {
  struct Signer {
    /// issuerAndSerialNumber; nil where the signer is named in the other way.
    var issuer: [UInt8]?
    var serial: [UInt8] = []
    var digest: String
    var signatureAlgorithm: String
    /// The values of each signed attribute, encoded.
    var attributes: [String: [[UInt8]]] = [:]
  }

  var contentType: String
  /// nil where the signature is detached.
  var content: [UInt8]?
  var certificates: [Certificate] = []
  var signers: [Signer] = []

  init(_ bytes: [UInt8], _ rules: ASN1.Rules) throws(Malformed) {
    let info = try ASN1(bytes, rules).tagged(ASN1.sequence, "CMS ContentInfo")
    guard info.children.count == 2, try info.child(0, "a content type").oid(bytes) == OID.signedData else {
      throw Malformed(offset: 0, field: "CMS SignedData")
    }
    let data = try info.child(1, 0xa0, "CMS SignedData").child(0, ASN1.sequence, "CMS SignedData")
    guard info.children[1].children.count == 1, data.children.count >= 4, data.children[0].tag == ASN1.integer,
      data.children[1].tag == ASN1.set
    else { throw Malformed(offset: data.whole.lowerBound, field: "CMS SignedData") }
    let encapsulated = try data.child(2, ASN1.sequence, "encapsulated content")
    contentType = try encapsulated.child(0, "a content type").oid(bytes)
    if encapsulated.children.count > 1 {
      content = try encapsulated.child(1, 0xa0, "encapsulated content").child(0, "encapsulated content").octets(bytes)
    }
    for field in data.children.dropFirst(3).dropLast() where field.tag == 0xa0 {
      for certificate in field.children where certificate.tag == ASN1.sequence {
        certificates.append(try Certificate(der: certificate.wholeBytes(bytes)))
      }
    }
    for info in try data.child(data.children.count - 1, ASN1.set, "signer infos").children { signers.append(try Self.signer(info, bytes)) }
  }

  private static func signer(_ info: ASN1, _ bytes: [UInt8]) throws(Malformed) -> Signer {
    let hasAttributes = try info.child(3, "a signer info").tag == 0xa0
    var signer = Signer(
      digest: try info.child(2, ASN1.sequence, "a digest algorithm").algorithm(bytes),
      signatureAlgorithm: try info.child(hasAttributes ? 4 : 3, ASN1.sequence, "a signature algorithm").algorithm(bytes))
    let id = try info.child(1, "a signer's name")
    if id.tag == ASN1.sequence {
      signer.issuer = try id.child(0, ASN1.sequence, "an issuer").wholeBytes(bytes)
      signer.serial = try id.child(1, ASN1.integer, "a serial number").contentBytes(bytes)
    }
    if hasAttributes {
      for attribute in info.children[3].children {
        let oid = try attribute.child(0, "an attribute").oid(bytes)
        guard signer.attributes[oid] == nil else { throw Malformed(offset: attribute.whole.lowerBound, field: "each attribute once") }
        signer.attributes[oid] = try attribute.child(1, ASN1.set, "an attribute's values").children.map { $0.wholeBytes(bytes) }
      }
    }
    return signer
  }

  /// The certificate inside that the one signer names.
  var signerCertificate: Certificate? {
    guard let signer = signers.first, let issuer = signer.issuer else { return nil }
    return certificates.first { $0.issuer == issuer && $0.serial == signer.serial }
  }

  /// Whether the signer binds this certificate by ESSCertIDv2 (RFC 5035) or, where permitted, ESSCertID (RFC 2634).
  ///
  ///     SigningCertificateV2 ::= SEQUENCE { certs SEQUENCE OF SEQUENCE { hashAlgorithm DEFAULT sha256, certHash, … }, … }
  func binds(_ certificate: Certificate, permittingV1: Bool) throws(Malformed) -> Bool {
    guard let attributes = signers.first?.attributes else { return false }
    for (oid, permitted) in [(OID.signingCertificateV2, true), (OID.signingCertificate, permittingV1)] {
      guard permitted, let value = attributes[oid]?.first else { continue }
      let first = try ASN1(value, .ber).child(0, ASN1.sequence, "certificate ids").child(0, ASN1.sequence, "a certificate id")
      var algorithm = oid == OID.signingCertificateV2 ? OID.sha256 : OID.sha1
      var place = 0
      if oid == OID.signingCertificateV2, first.children.first?.tag == ASN1.sequence {
        algorithm = try first.children[0].algorithm(value)
        place = 1
      }
      let wanted = try first.child(place, "a certificate's hash").octets(value)
      return hash(certificate.der, algorithm) == wanted
    }
    return false
  }
}
