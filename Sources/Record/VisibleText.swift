// What is printed for people: nothing in it may move the cursor, hide text or turn its direction (CVE-2021-42574).

/// The text with everything that a terminal would obey or a reader could not see written as `\u{202e}`: control
/// characters, characters that steer direction, line separators, invisible format characters, spaces that are not the
/// space, letters without a shape. Bytes that are not UTF-8 become U+FFFD. For people only: JSON gives the exact text.
public func visible(_ text: String) -> String {
  guard text.unicodeScalars.contains(where: isHidden) else { return text }
  var out = ""
  for scalar in text.unicodeScalars {
    if isHidden(scalar) { out += "\\u{" + String(scalar.value, radix: 16) + "}" } else { out.unicodeScalars.append(scalar) }
  }
  return out
}

public func visible(_ bytes: some Sequence<UInt8>) -> String { visible(String(decoding: Array(bytes), as: UTF8.self)) }

private func isHidden(_ scalar: Unicode.Scalar) -> Bool {
  if scalar.value >= 0x20, scalar.value < 0x7f { return false }
  switch scalar.properties.generalCategory {
  // Format characters are the bidirectional controls, the zero-width characters, the byte order mark, the soft hyphen
  // and the tags.
  case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: return true
  case .spaceSeparator: return scalar.value != 0xa0
  // Hangul fillers.
  default: return scalar.value == 0x115f || scalar.value == 0x1160 || scalar.value == 0x3164 || scalar.value == 0xffa0
  }
}
