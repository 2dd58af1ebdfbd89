import Record

/// A value of ASN.1 in its encoding (X.690), with those inside it.
struct ASN1 {
  /// The first byte: class, constructed, number. Numbers above 30 occur nowhere in our formats and are refused.
  let tag: UInt8
  /// In the bytes that were read.
  let content: Range<Int>
  let whole: Range<Int>
  let children: [ASN1]

  enum Rules {
    /// One way to write a value: definite lengths in the fewest bytes, strings in one piece.
    case der
    /// What time-stamp authorities may send as well.
    case ber
  }

  static let maximumDepth = 40

  static let integer: UInt8 = 0x02
  static let octetString: UInt8 = 0x04
  static let objectIdentifier: UInt8 = 0x06
  static let sequence: UInt8 = 0x30
  static let set: UInt8 = 0x31

  /// One value and nothing behind it.
  init(_ bytes: [UInt8], _ rules: Rules) throws(Malformed) {
    self = try ASN1(bytes.span, at: 0, end: bytes.count, depth: 0, rules)
    guard whole.upperBound == bytes.count else { throw Malformed(offset: whole.upperBound, field: "nothing behind the value") }
  }

  private init(_ bytes: Span<UInt8>, at start: Int, end: Int, depth: Int, _ rules: Rules) throws(Malformed) {
    guard depth <= Self.maximumDepth else { throw Malformed(offset: start, field: "nesting of at most 40") }
    guard end - start >= 2 else { throw Malformed(offset: start, field: "a tag and a length") }
    let tag = bytes[start]
    guard tag & 0x1f != 0x1f else { throw Malformed(offset: start, field: "a tag of one byte") }
    let isConstructed = tag & 0x20 != 0
    if rules == .der, isConstructed, tag & 0xc0 == 0, tag != Self.sequence, tag != Self.set {
      throw Malformed(offset: start, field: "a string in one piece")
    }
    var at = start + 2
    var length = Int(bytes[start + 1])
    if length == 0x80 {
      guard rules == .ber, isConstructed else { throw Malformed(offset: start, field: "a definite length") }
      var children: [ASN1] = []
      while true {
        guard end - at >= 2 else { throw Malformed(offset: at, field: "the end of contents") }
        if bytes[at] == 0, bytes[at + 1] == 0 { break }
        let child = try ASN1(bytes, at: at, end: end, depth: depth + 1, rules)
        children.append(child)
        at = child.whole.upperBound
      }
      self.init(tag: tag, content: start + 2..<at, whole: start..<at + 2, children: children)
      return
    }
    if length > 0x80 {
      let count = length & 0x7f
      guard count <= 8, end - at >= count else { throw Malformed(offset: start, field: "a length of at most eight bytes") }
      length = 0
      for i in 0..<count {
        guard length < 1 << 48 else { throw Malformed(offset: start, field: "a length that fits") }
        length = length << 8 | Int(bytes[at + i])
      }
      if rules == .der {
        guard bytes[at] != 0, length >= 0x80 else { throw Malformed(offset: start, field: "the shortest form of the length") }
      }
      at += count
    }
    guard length <= end - at else { throw Malformed(offset: start, field: "as many bytes as the length says") }
    let content = at..<at + length
    var children: [ASN1] = []
    if isConstructed {
      while at < content.upperBound {
        let child = try ASN1(bytes, at: at, end: content.upperBound, depth: depth + 1, rules)
        children.append(child)
        at = child.whole.upperBound
      }
    }
    self.init(tag: tag, content: content, whole: start..<content.upperBound, children: children)
  }

  private init(tag: UInt8, content: Range<Int>, whole: Range<Int>, children: [ASN1]) {
    self.tag = tag
    self.content = content
    self.whole = whole
    self.children = children
  }

  /// How many bytes the value has that these begin with; nil where that is not known yet, or not said by a length.
  static func wholeLength(_ bytes: [UInt8]) -> Int? {
    guard bytes.count >= 2, bytes[0] == sequence, bytes[1] != 0x80 else { return nil }
    guard bytes[1] > 0x80 else { return 2 + Int(bytes[1]) }
    let count = Int(bytes[1] & 0x7f)
    guard count <= 4, bytes.count >= 2 + count else { return nil }
    return bytes[2..<2 + count].reduce(0) { $0 << 8 | Int($1) } + 2 + count
  }

  // MARK: Taking apart

  func child(_ index: Int, _ field: StaticString) throws(Malformed) -> ASN1 { try child(index, nil, field) }

  /// The child at that place, of that tag.
  func child(_ index: Int, _ tag: UInt8?, _ field: StaticString) throws(Malformed) -> ASN1 {
    guard children.indices.contains(index), tag == nil || children[index].tag == tag else {
      throw Malformed(offset: whole.lowerBound, field: field)
    }
    return children[index]
  }

  /// This value, if it is of that tag.
  func tagged(_ tag: UInt8, _ field: StaticString) throws(Malformed) -> ASN1 {
    guard self.tag == tag else { throw Malformed(offset: whole.lowerBound, field: field) }
    return self
  }

  func contentBytes(_ bytes: [UInt8]) -> [UInt8] { Array(bytes[content]) }
  func wholeBytes(_ bytes: [UInt8]) -> [UInt8] { Array(bytes[whole]) }

  /// An OCTET STRING's bytes, its pieces put together.
  func octets(_ bytes: [UInt8]) throws(Malformed) -> [UInt8] {
    if tag == Self.octetString { return contentBytes(bytes) }
    guard tag == Self.octetString | 0x20 else { throw Malformed(offset: whole.lowerBound, field: "an OCTET STRING") }
    var out: [UInt8] = []
    for child in children { out += try child.octets(bytes) }
    return out
  }

  /// A non-negative INTEGER of at most 62 bits.
  func number(_ bytes: [UInt8]) throws(Malformed) -> Int {
    guard content.count >= 1, content.count <= 8, bytes[content.lowerBound] < 0x40 || content.count < 8, bytes[content.lowerBound] < 0x80
    else {
      throw Malformed(offset: whole.lowerBound, field: "a small number")
    }
    return bytes[content].reduce(0) { $0 << 8 | Int($1) }
  }

  /// An OBJECT IDENTIFIER in dotted form.
  func oid(_ bytes: [UInt8]) throws(Malformed) -> String {
    guard tag == Self.objectIdentifier, let last = bytes[content].last, last < 0x80, content.count <= 128 else {
      throw Malformed(offset: whole.lowerBound, field: "an object identifier")
    }
    var arcs: [DecimalNumber] = []
    var value = DecimalNumber()
    for byte in bytes[content] {
      // X.690 section 8.19.2: the fewest bytes.
      guard byte != 0x80 || !value.isZero else { throw Malformed(offset: whole.lowerBound, field: "an object identifier's shortest form") }
      value.append(sevenBits: byte & 0x7f)
      if byte < 0x80 {
        arcs.append(value)
        value = DecimalNumber()
      }
    }
    // The first two arcs are one number: 40 times the first, which is 0, 1 or 2, and the second.
    let first = arcs[0].small.map { min($0 / 40, 2) } ?? 2
    arcs[0].subtract(40 * first)
    return "\(first)." + arcs.map(\.description).joined(separator: ".")
  }

  /// The object identifier that an AlgorithmIdentifier begins with.
  func algorithm(_ bytes: [UInt8]) throws(Malformed) -> String {
    try child(0, Self.objectIdentifier, "an algorithm").oid(bytes)
  }

  /// UTCTime or GeneralizedTime in UTC, in microseconds since 1970 (RFC 5280 section 4.1.2.5, RFC 3161 section 2.4.2:
  /// seconds are there, a fraction may be).
  func time(_ bytes: [UInt8]) throws(Malformed) -> Int64 {
    let bad = Malformed(offset: whole.lowerBound, field: "a time in UTC with seconds")
    var text = contentBytes(bytes)
    guard text.last == 0x5a else { throw bad }
    text.removeLast()
    if tag == 0x17 {
      guard text.count == 12, let year = text.span.extracting(0..<2).decimal else { throw bad }
      text = Array((year >= 50 ? "19" : "20").utf8) + text
    } else {
      guard tag == 0x18 else { throw bad }
    }
    var fraction: Int64 = 0
    if text.count > 14 {
      guard text[14] == 0x2e, text.count >= 16, text.last != 0x30 else { throw bad }
      var scale: Int64 = 100_000
      for digit in text[15...] {
        guard digit.isDigit else { throw bad }
        fraction += Int64(digit - 0x30) * scale
        scale /= 10
      }
      text.removeLast(text.count - 14)
    }
    guard text.count == 14, let all = text.span.decimal else { throw bad }
    let (date, clock) = (all / 1_000_000, all % 1_000_000)
    guard let day = CalendarDay(year: date / 10_000, month: date / 100 % 100, day: date % 100), clock / 10_000 < 24,
      clock / 100 % 100 < 60, clock % 100 < 60
    else { throw bad }
    let seconds = clock / 10_000 * 3600 + clock / 100 % 100 * 60 + clock % 100
    return Int64(day.number) * Timestamp.day + Int64(seconds) * Timestamp.second + fraction
  }
}

/// Object identifiers that our formats use.
enum OID {
  static let data = "1.2.840.113549.1.7.1"
  static let signedData = "1.2.840.113549.1.7.2"
  static let timeStampToken = "1.2.840.113549.1.9.16.1.4"
  static let signingCertificate = "1.2.840.113549.1.9.16.2.12"
  static let signingCertificateV2 = "1.2.840.113549.1.9.16.2.47"
  static let commonName = "2.5.4.3"
  static let organization = "2.5.4.10"
  static let extendedKeyUsage = "2.5.29.37"
  static let crlDistributionPoints = "2.5.29.31"
  static let authorityInformation = "1.3.6.1.5.5.7.1.1"
  static let ocsp = "1.3.6.1.5.5.7.48.1"
  static let issuers = "1.3.6.1.5.5.7.48.2"
  static let timeStamping = "1.3.6.1.5.5.7.3.8"
  static let sha1 = "1.3.14.3.2.26"
  static let sha256 = "2.16.840.1.101.3.4.2.1"
  static let sha384 = "2.16.840.1.101.3.4.2.2"
  static let sha512 = "2.16.840.1.101.3.4.2.3"
  /// sha1WithRSAEncryption, ecdsa-with-SHA1, dsa-with-sha1.
  static let sha1Signatures: Set<String> = ["1.2.840.113549.1.1.5", "1.2.840.10045.4.1", "1.2.840.10040.4.3"]
  static let goodDigests: Set<String> = [sha256, sha384, sha512]
}

/// A number without limit, as arcs of object identifiers are (2.25 takes a UUID's 128 bits): digits of base 1,000,000,000,
/// the least significant first.
private struct DecimalNumber: CustomStringConvertible {
  private var digits: [UInt64] = [0]
  private static let base: UInt64 = 1_000_000_000

  var isZero: Bool { digits == [0] }
  /// Where it has one digit.
  var small: UInt64? { digits.count == 1 ? digits[0] : nil }

  mutating func append(sevenBits: UInt8) {
    var carry = UInt64(sevenBits)
    for i in digits.indices {
      let sum = digits[i] * 128 + carry
      digits[i] = sum % Self.base
      carry = sum / Self.base
    }
    if carry > 0 { digits.append(carry) }
  }

  /// Of something not larger.
  mutating func subtract(_ number: UInt64) {
    var borrow = number
    for i in digits.indices where borrow > 0 {
      let under = digits[i] < borrow
      digits[i] = under ? digits[i] + Self.base - borrow : digits[i] - borrow
      borrow = under ? 1 : 0
    }
    while digits.count > 1, digits.last == 0 { digits.removeLast() }
  }

  var description: String {
    digits.dropLast().reversed().reduce(String(digits[digits.count - 1])) { text, digit in
      let part = String(digit)
      return text + String(repeating: "0", count: 9 - part.count) + part
    }
  }
}
