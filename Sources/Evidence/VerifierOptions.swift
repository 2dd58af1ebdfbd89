public import Record

/// What an auditor asks of the verifier, beside the paths.
public struct VerifierOptions: Sendable {
  /// Certificates trusted for signers and for authorities; nil: none given, so nothing is trusted.
  public var signer: Trust?
  public var tsa: Trust?
  /// The policy that a token must name to count as trusted.
  public var policy: String?
  /// Published head lines that the log must agree with.
  public var heads: [Head] = []
  /// The id that the log must have.
  public var log: String?
  /// "Now", in microseconds since 1970.
  public var asOf: Int64
  /// A day must be proven to have existed so long after its end, in microseconds.
  public var maxDelay: Int64 = 24 * Timestamp.hour
  public var retention: Int64 = 730 * Timestamp.day
  /// Leaves the open day out.
  public var closedOnly = false
  /// Days whose records are checked, inclusive.
  public var from: CalendarDay?
  public var to: CalendarDay?

  public init(asOf: Int64) { self.asOf = asOf }
}
