internal import COpenSSL
import Glibc

/// What a certificate that we make ourselves is for.
enum CertificateUse {
  case sealing
  case timeStamping

  /// Extensions by OpenSSL's names (x509v3_config(5)).
  var extensions: [(Int32, String)] {
    let common: [(Int32, String)] = [
      (NID_basic_constraints, "critical,CA:FALSE"), (NID_key_usage, "critical,digitalSignature,nonRepudiation"),
      (NID_subject_key_identifier, "hash"),
    ]
    switch self {
    case .sealing: return common
    // RFC 3161 section 2.3: critical, and nothing else.
    case .timeStamping: return common + [(NID_ext_key_usage, "critical,timeStamping")]
    }
  }
}

extension Certificate {
  /// A self-signed certificate without an end: what it vouches for is judged at the time of the seals' tokens, and a key
  /// is replaced by announcement (`next_signer`), not by a date.
  static func selfSigned(_ key: borrowing PrivateKey, name: String, for use: CertificateUse) throws(OpenSSLError) -> Certificate {
    ERR_clear_error()
    let certificate = try given(X509_new(), "X509_new")
    defer { X509_free(certificate) }
    try done(X509_set_version(certificate, 2), "X509_set_version")
    var random = [UInt8](repeating: 0, count: 16)
    try done(RAND_bytes(&random, 16), "RAND_bytes")
    // A positive number that is not 0 (RFC 5280 section 4.1.2.2).
    random[0] = random[0] & 0x7f | 0x40
    let number = try given(BN_bin2bn(random, 16, nil), "BN_bin2bn")
    defer { BN_free(number) }
    _ = try given(BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)), "BN_to_ASN1_INTEGER")
    // An hour of slack for machines whose clocks differ.
    _ = try given(X509_gmtime_adj(X509_getm_notBefore(certificate), -3600), "X509_gmtime_adj")
    // RFC 5280 section 4.1.2.5: no well-defined end.
    try done(ASN1_TIME_set_string(X509_getm_notAfter(certificate), "99991231235959Z"), "ASN1_TIME_set_string")
    let subject = X509_get_subject_name(certificate)
    let text = Array(name.utf8)
    try done(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, text, Int32(text.count), -1, 0), "X509_NAME_add_entry_by_txt")
    try done(X509_set_issuer_name(certificate, subject), "X509_set_issuer_name")
    try done(X509_set_pubkey(certificate, key.handle), "X509_set_pubkey")
    var context = X509V3_CTX()
    ossl_v3_ctx(&context, certificate)
    for (nid, value) in use.extensions {
      let made = try given(X509V3_EXT_conf_nid(nil, &context, nid, value), "X509V3_EXT_conf_nid")
      defer { X509_EXTENSION_free(made) }
      try done(X509_add_ext(certificate, made, -1), "X509_add_ext")
    }
    guard X509_sign(certificate, key.handle, EVP_sha256()) > 0 else { throw OpenSSLError("X509_sign") }
    do { return try Certificate(copying: certificate) } catch { throw OpenSSLError("\(error)") }
  }
}
