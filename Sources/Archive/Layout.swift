import Record

/// Every name in an archive is spelled here and nowhere else (design section 4).
public enum Layout {
  public static let log = "log.json"
  public static let days = "days"
  public static let validation = "validation"
  /// A file that is freed when the disk is full, so that the notice and the seal still find room.
  public static let reserve = "reserve"
  public static let lostAndFound = "lost+found"

  public static let salt = "salt"
  public static let records = "records.ndjson.gz"
  public static let seals = "seals"

  /// What a file is called until it is whole and synced. Readers ignore such names, and a crash may leave them.
  public static let temporarySuffix = ".tmp"
  public static func temporary(_ name: String) -> String { name + temporarySuffix }
  public static func isTemporary(_ name: String) -> Bool {
    // Bytes, not Characters: a sign that joins the full stop to what stands before it changes nothing.
    name.utf8.suffix(temporarySuffix.utf8.count).elementsEqual(temporarySuffix.utf8)
  }

  // MARK: Tails

  /// `tail-0000118784.ndjson`, of the tail whose first record has this number.
  public static func tail(first: Int) -> String { "tail-" + padded(first, 10) + ".ndjson" }

  /// The number of the tail's first record, or nil where this is no tail's name.
  public static func tailFirst(_ name: String) -> Int? {
    let bytes = Array(name.utf8)
    guard bytes.count == 22, bytes.span.starts(with: "tail-"), bytes.span.starts(with: ".ndjson", at: 15) else { return nil }
    return bytes.span.extracting(5..<15).decimal
  }

  // MARK: Seals

  /// The three kinds of files of a seal.
  public enum SealFile: Hashable, Sendable {
    case json, signature
    /// The token of the authority of that name.
    case token(authority: String)
  }

  public static let sealDigits = 8
  public static let highestSeal = 99_999_999

  /// `00000417.json`, `00000417.p7s`, `00000417.local.tsr`.
  public static func seal(_ number: Int, _ file: SealFile) -> String {
    switch file {
    case .json: padded(number, sealDigits) + ".json"
    case .signature: padded(number, sealDigits) + ".p7s"
    case .token(let authority): padded(number, sealDigits) + "." + authority + ".tsr"
    }
  }

  /// The seal a name says it belongs to, whatever stands behind the number; the first seal is 1.
  public static func sealNumber(_ name: String) -> Int? {
    let bytes = Array(name.utf8)
    guard bytes.count > sealDigits, bytes[sealDigits] == 0x2e, let number = bytes.span.extracting(0..<sealDigits).decimal, number >= 1
    else { return nil }
    return number
  }

  /// Number and kind, or nil where this is no seal's name.
  public static func sealFile(_ name: String) -> (number: Int, file: SealFile)? {
    guard let number = sealNumber(name) else { return nil }
    let rest = name.utf8.dropFirst(sealDigits + 1)
    switch String(decoding: rest, as: UTF8.self) {
    case "json": return (number, .json)
    case "p7s": return (number, .signature)
    case let text where text.hasSuffix(".tsr"):
      let authority = String(text.dropLast(4))
      return isAuthority(authority) ? (number, .token(authority: authority)) : nil
    default: return nil
    }
  }

  /// Names of time-stamp authorities are [A-Za-z0-9_-]+ (design section 12.8).
  public static func isAuthority(_ name: String) -> Bool {
    !name.isEmpty && name.utf8.allSatisfy { $0.isLetter || $0.isDigit || $0 == 0x5f || $0 == 0x2d }
  }

  /// Files of validation/ are named by their SHA-256, without extension.
  public static func isValidation(_ name: String) -> Bool { Digest(hex: name) != nil }

  // MARK: Paths

  public static func path(_ parts: String...) -> String { parts.joined(separator: "/") }

  private static func padded(_ number: Int, _ digits: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
  }
}
