// What is printed for people: nothing in it may move the cursor, hide text or turn its direction (CVE-2021-42574).

/// The text with control characters, characters that steer its direction, line separators and invisible format characters
/// written as `\u{202e}`; bytes that are not UTF-8 become U+FFFD.
public func visible(_ bytes: some Sequence<UInt8>) -> String {
  var out = ""
  for scalar in String(decoding: Array(bytes), as: UTF8.self).unicodeScalars {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned:
      out += "\\u{" + String(scalar.value, radix: 16) + "}"
    default: out.unicodeScalars.append(scalar)
    }
  }
  return out
}

public func visible(_ text: String) -> String { visible(text.utf8) }
