import Record

/// Host names and user names as they are looked up: without regard to case, and so that the four Turkish letters i are
/// one. `İLHAN`, `ilhan` and `ılhan` find each other; an answer shows the name as it was received.
public enum Folding {
  public static func fold(_ name: [UInt8]) -> [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(name.count)
    fold(name, into: &out)
    return out
  }

  /// Appends the folded name.
  static func fold(_ name: [UInt8], into out: inout [UInt8]) {
    if name.span.isASCII {
      for b in name { out.append(b >= 0x41 && b <= 0x5a ? b | 0x20 : b) }
      return
    }
    let start = out.count
    for scalar in String(decoding: name, as: UTF8.self).unicodeScalars {
      switch scalar {
      case "I", "\u{130}", "\u{131}": out.append(0x69)
      // The dot above that a decomposed İ leaves behind.
      case "\u{307}": if out.count == start || out.last != 0x69 { out.append(scalar: scalar) }
      default: out.append(contentsOf: scalar.properties.lowercaseMapping.utf8)
      }
    }
  }

  public static func fold(_ name: String) -> [UInt8] { fold(Array(name.utf8)) }
}
