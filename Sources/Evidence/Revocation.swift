import Archive
internal import COpenSSL
import Glibc
import Record

/// CRLs and OCSP answers that the daemon captured into validation/. They are information from the archive, so each is
/// believed only where the issuer of the certificate in question (or a responder that it named) has signed it.
///
/// Sendable because nothing here changes after `init`.
final class Revocation: @unchecked Sendable {
  private var lists: [OpaquePointer] = []
  private var answers: [OpaquePointer] = []

  enum Verdict: Equatable {
    /// A captured answer says it was not revoked then.
    case good
    case revoked(String)
    case unknown
  }

  /// - Parameter files: of validation/; what is neither CRL nor OCSP answer is passed over.
  init(_ files: [[UInt8]] = []) { for file in files { add(file) } }

  func add(_ file: [UInt8]) {
    if let list = parsed(file, { d2i_X509_CRL(nil, $0, $1) }) {
      lists.append(list)
    } else if let response = parsed(file, { d2i_OCSP_RESPONSE(nil, $0, $1) }) {
      defer { OCSP_RESPONSE_free(response) }
      if let basic = OCSP_response_get1_basic(response) { answers.append(basic) }
      ERR_clear_error()
    }
  }

  deinit {
    for list in lists { X509_CRL_free(list) }
    for answer in answers { OCSP_BASICRESP_free(answer) }
  }

  /// - Parameters:
  ///   - time: when the certificate was used, in microseconds since 1970.
  func judge(_ certificate: Certificate, issuer: Certificate, at time: Int64) -> Verdict {
    defer { ERR_clear_error() }
    var verdict = Verdict.unknown
    for found in lists.map({ judge(certificate, issuer, $0, time) }) + answers.map({ judge(certificate, issuer, $0, ocsp: time) }) {
      switch found {
      case .revoked: return found
      case .good: verdict = .good
      case .unknown: break
      }
    }
    return verdict
  }

  private func judge(_ certificate: Certificate, _ issuer: Certificate, _ list: OpaquePointer, _ time: Int64) -> Verdict {
    guard X509_NAME_cmp(X509_CRL_get_issuer(list), X509_get_issuer_name(certificate.handle)) == 0,
      X509_CRL_verify(list, X509_get0_pubkey(issuer.handle)) == 1
    else { return .unknown }
    var entry: OpaquePointer?
    // 2: the entry says "removed from the list".
    guard X509_CRL_get0_by_cert(list, &entry, certificate.handle) == 1, let entry else { return .good }
    let reason = X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, nil, nil)?.assumingMemoryBound(to: ASN1_ENUMERATED.self)
    defer { ASN1_ENUMERATED_free(reason) }
    let code = reason.map { ASN1_ENUMERATED_get($0) } ?? -1
    return Self.verdict(date: Self.microseconds(X509_REVOKED_get0_revocationDate(entry)), reason: code, time)
  }

  private func judge(_ certificate: Certificate, _ issuer: Certificate, _ answer: OpaquePointer, ocsp time: Int64) -> Verdict {
    guard let trust = try? Trust([issuer]), let store = try? trust.store(at: Int(time.flooredQuotient(Timestamp.second))),
      let known = try? Trust.stack([issuer])
    else { return .unknown }
    defer {
      X509_STORE_free(store)
      ossl_certs_free(known)
    }
    guard OCSP_basic_verify(answer, known, store, 0) == 1 else { return .unknown }
    for i in 0..<OCSP_resp_count(answer) {
      guard let single = OCSP_resp_get0(answer, i), let id = OCSP_SINGLERESP_get0_id(single) else { continue }
      var algorithm: OpaquePointer?
      guard OCSP_id_get0_info(nil, &algorithm, nil, nil, id) == 1,
        let digest = EVP_get_digestbyname(OBJ_nid2sn(OBJ_obj2nid(algorithm))),
        let wanted = OCSP_cert_to_id(digest, certificate.handle, issuer.handle)
      else { continue }
      defer { OCSP_CERTID_free(wanted) }
      guard OCSP_id_cmp(id, wanted) == 0 else { continue }
      var reason: Int32 = -1
      var date: UnsafeMutablePointer<ASN1_GENERALIZEDTIME>?
      switch OCSP_single_get0_status(single, &reason, &date, nil, nil) {
      case V_OCSP_CERTSTATUS_GOOD: return .good
      case V_OCSP_CERTSTATUS_REVOKED: return Self.verdict(date: Self.microseconds(date), reason: Int(reason), time)
      default: continue
      }
    }
    return .unknown
  }

  /// Revoked before the time of use, or for a compromised key or without a reason: then nobody knows since when the key
  /// was in other hands (design section 12.16).
  private static func verdict(date: Int64?, reason: Int, _ time: Int64) -> Verdict {
    switch reason {
    case -1: .revoked("revoked without a reason")
    case 0: .revoked("revoked for an unspecified reason")
    case 1, 2, 10: .revoked("revoked: its key, or its authority's, was compromised")
    default: (date.map { $0 <= time } ?? true) ? .revoked("revoked before that time") : .good
    }
  }

  private static func microseconds(_ time: UnsafePointer<ASN1_TIME>?) -> Int64? {
    guard let time else { return nil }
    var parts = tm()
    guard ASN1_TIME_to_tm(time, &parts) == 1 else { return nil }
    return Int64(timegm(&parts)) * Timestamp.second
  }
}
