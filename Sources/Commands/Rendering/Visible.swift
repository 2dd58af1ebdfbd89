/// Text from outside, made safe to look at: what a terminal would obey or a reader could not see is written out as
/// `\u{…}` (control characters, bidirectional marks that reorder a line, zero-width and other format characters).
/// For people only; `--json` gives the exact text.
public enum Visible {
  public static func text(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: isHidden) else { return text }
    var out = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      if isHidden(scalar) {
        out.append(contentsOf: "\\u{\(String(scalar.value, radix: 16))}".unicodeScalars)
      } else {
        out.append(scalar)
      }
    }
    return String(out)
  }

  /// Bytes that are not UTF-8 become U+FFFD.
  public static func text(_ bytes: [UInt8]) -> String { text(String(decoding: bytes, as: UTF8.self)) }

  static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    // Line and paragraph separators break a line; format characters hold the bidirectional controls, the zero-width
    // characters, the byte order mark, the soft hyphen and the tags.
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: true
    // Spaces that are not the space, and letters without a shape.
    case .spaceSeparator: scalar != " " && scalar != "\u{a0}"
    default: scalar.value == 0x115f || scalar.value == 0x1160 || scalar.value == 0x3164 || scalar.value == 0xffa0
    }
  }
}
