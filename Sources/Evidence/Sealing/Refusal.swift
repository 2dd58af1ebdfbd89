import Record

/// What an authority says instead of giving a token.
enum Refusal {
  /// nil where the answer may hold a token.
  ///
  ///     PKIStatusInfo ::= SEQUENCE { status INTEGER, statusString SEQUENCE OF UTF8String OPTIONAL, failInfo BIT STRING OPTIONAL }
  static func words(in answer: [UInt8]) -> String? {
    guard !answer.isEmpty else { return "its answer is empty" }
    do throws(Malformed) {
      let outer = try ASN1(answer, .ber).tagged(ASN1.sequence, "a TimeStampResp")
      // Kamu SM refuses with status 200 and without SignedData, whatever else stands there.
      if outer.children.count > 1 { return nil }
      var parts = texts(outer, answer)
      if let info = outer.children.first { parts += failures(info, answer) }
      return parts.isEmpty ? "it refuses, without saying why" : "it refuses: " + parts.joined(separator: "; ")
    } catch {
      // A page, or a line of text.
      let text = visible(String(decoding: answer.prefix(160), as: UTF8.self))
      guard answer.prefix(160).allSatisfy({ $0 >= 0x20 || $0 == 0x0a || $0 == 0x0d || $0 == 0x09 }) else { return nil }
      return "its answer is no time-stamp response but text: \(text)"
    }
  }

  /// All strings of a value, in their order.
  static func texts(_ value: ASN1, _ bytes: [UInt8]) -> [String] {
    switch value.tag {
    // UTF8String, PrintableString, TeletexString, IA5String, VisibleString.
    case 0x0c, 0x13, 0x14, 0x16, 0x1a:
      let text = visible(String(decoding: value.contentBytes(bytes).prefix(500), as: UTF8.self))
      return text.isEmpty ? [] : [text]
    default: return value.children.flatMap { texts($0, bytes) }
    }
  }

  /// RFC 3161 section 2.4.2.
  private static let reasons: [Int: String] = [
    0: "it does not know the hash algorithm", 2: "it does not permit or support this", 5: "the data has the wrong form",
    14: "its source of time is not there", 15: "it does not support the policy", 16: "it does not support an extension",
    17: "it cannot give the information asked for", 25: "it failed",
  ]

  private static func failures(_ info: ASN1, _ bytes: [UInt8]) -> [String] {
    guard let bits = info.children.last, bits.tag == 0x03 else { return [] }
    var out: [String] = []
    for (i, byte) in bits.contentBytes(bytes).dropFirst().prefix(8).enumerated() {
      for bit in 0..<8 where byte & (0x80 >> bit) != 0 { out.append(reasons[8 * i + bit] ?? "failure \(8 * i + bit)") }
    }
    return out
  }
}
