import Archive
import Record

/// A time-stamp authority on another machine: RFC 3161 over HTTP or HTTPS (section 3.4), with the ways in which providers
/// know their customers.
public struct RemoteAuthority: TimeStampAuthority {
  /// How the authority knows who asks.
  public enum Account: Sendable {
    case anybody
    /// RFC 7617.
    case basic(user: String, passwordFile: String)
    /// TÜBİTAK Kamu SM's `identity` header, and its credits.
    case kamuSM(user: Int, passwordFile: String)
  }

  public let name: String
  let address: WebAddress
  let account: Account
  /// PEM file of the certificates to which a token must chain, and to which the server's may.
  let trustFile: String
  /// The policy that a token must name; nil: any.
  let policy: String?
  let proxy: WebAddress?
  /// How long it may take (design section 12.25).
  var seconds = 15

  public init(name: String, address: WebAddress, account: Account, trustFile: String, policy: String? = nil, proxy: WebAddress? = nil) {
    self.name = name
    self.address = address
    self.account = account
    self.trustFile = trustFile
    self.policy = policy
    self.proxy = proxy
  }

  // Files are read at each request: a corrected password counts at once.
  private func trust() throws -> Trust {
    do { return try Trust(pem: try RegularFile.bytes(trustFile, limit: 1 << 20)) } catch { throw AuthorityError("trust: \(error)") }
  }

  private func password(_ file: String) throws -> [UInt8] {
    do { return Identity.password(fileBytes: try RegularFile.bytes(file, limit: 1 << 12)) } catch {
      throw AuthorityError("password_file: \(error)")
    }
  }

  public func stamp(_ p7s: [UInt8]) throws -> [UInt8] {
    let trust = try trust()
    // Kamu SM gives its one policy to whoever asks for none; others are asked for the one that is wanted.
    var asked = policy
    if case .kamuSM = account { asked = nil }
    let request = try TimeStampRequest(over: p7s, policy: asked)
    var headers: [(name: String, value: String)] = []
    switch account {
    case .anybody: break
    case .basic(let user, let file):
      var text: [UInt8] = []
      text.append(base64: (Array(user.utf8) + [0x3a] + (try password(file))).span)
      headers.append(("Authorization", "Basic " + String(decoding: text, as: UTF8.self)))
    case .kamuSM(let user, let file):
      headers.append(("identity", try KamuSM.identity(user: user, password: try password(file), imprint: request.digest)))
    }
    let answer = try post(request.der, headers, trust)
    try check(answer, to: request, over: p7s, trust)
    return answer
  }

  private func post(_ body: [UInt8], _ headers: [(name: String, value: String)], _ trust: Trust) throws(WebError) -> [UInt8] {
    var request = WebRequest(address)
    request.body = (body, "application/timestamp-query")
    request.headers = headers
    request.trust = trust.certificates
    request.proxy = proxy
    request.maximumBytes = TimeStampToken.maximumBytes
    request.seconds = seconds
    return try request.send()
  }

  /// - Throws: `AuthorityError` where the answer is not a token that an auditor with the same trust file would accept.
  func check(_ answer: [UInt8], to request: TimeStampRequest, over p7s: [UInt8], _ trust: Trust) throws {
    if let refusal = Refusal.words(in: answer) { throw AuthorityError(refusal) }
    let token: TimeStampToken
    do throws(SignatureFault) { token = try TimeStampToken(answer, over: p7s) } catch {
      switch error {
      case .malformed(let why): throw AuthorityError("its answer is no time-stamp response (\(why))")
      case .fails(let why): throw AuthorityError("its token cannot be used: \(why)")
      }
    }
    do throws(OpenSSLError) { _ = try token.chain(trust) } catch {
      throw AuthorityError("its certificate \(token.certificate.name) is not trusted by \(trustFile): \(error)")
    }
    do throws(OpenSSLError) {
      try request.check(answer, trust: trust, at: Int(token.time.flooredQuotient(Timestamp.second)))
    } catch {
      throw AuthorityError("its token is not the answer to what was asked: \(error)")
    }
    if let policy, token.policy != policy { throw AuthorityError("its token is under policy \(token.policy), not \(policy)") }
  }

  public func validation(of token: TimeStampToken) -> ValidationCapture? {
    var capture = ValidationCapture(proxy: proxy, seconds: seconds)
    capture.capture(token.certificate, through: token.others + ((try? trust().certificates) ?? []))
    return capture
  }

  public var pauseMilliseconds: Int64 { if case .kamuSM = account { 3000 } else { 0 } }

  /// Everything that reads an answer before anything in it is believed; for fuzzing.
  public static func readAnswer(_ answer: [UInt8]) {
    _ = Refusal.words(in: answer)
    _ = try? KamuSM.credits(answer, user: 1)
    _ = ASN1.wholeLength(answer)
  }

  public func credits() throws -> Int? {
    guard case .kamuSM(let user, let file) = account else { return nil }
    let trust = try trust()
    let answer = try post([], try KamuSM.creditHeaders(user: user, password: try password(file)), trust)
    return try KamuSM.credits(answer, user: user)
  }
}
