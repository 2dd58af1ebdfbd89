/// Who gives time-stamp tokens.
public protocol TimeStampAuthority: Sendable {
  /// [A-Za-z0-9_-]+: the token's file is named after it.
  var name: String { get }
  /// A TimeStampResp over the bytes, already checked to be an answer to what was asked. May block for seconds.
  func stamp(_ p7s: [UInt8]) throws -> [UInt8]
  /// Tokens that are still paid for; nil where the authority does not count them. May block for seconds.
  func credits() throws -> Int?
  /// Between two tokens, in milliseconds: where they are paid for, a storm of seals must not empty the account.
  var pauseMilliseconds: Int64 { get }
  /// What an auditor will need to judge the certificate of a token that it gave. Blocks for as long as the network likes.
  func validation(of token: TimeStampToken) -> ValidationCapture?
}

extension TimeStampAuthority {
  public func credits() throws -> Int? { nil }
  public var pauseMilliseconds: Int64 { 0 }
  public func validation(of token: TimeStampToken) -> ValidationCapture? { nil }
}

/// Why an authority gave no token that can be used, in words for the administrator.
public struct AuthorityError: Error, Sendable, CustomStringConvertible {
  public var description: String

  init(_ words: String) { description = words }
}
