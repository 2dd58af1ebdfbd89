import Record
import Testing

@Suite("JSON strings as they are written")
struct JSONWritingTests {
  /// Design section 3, byte by byte.
  private func plainly(_ text: [UInt8]) -> [UInt8] {
    text.flatMap { b -> [UInt8] in
      switch b {
      case 0x22, 0x5c: [0x5c, b]
      case 0x08: Array("\\b".utf8)
      case 0x09: Array("\\t".utf8)
      case 0x0a: Array("\\n".utf8)
      case 0x0c: Array("\\f".utf8)
      case 0x0d: Array("\\r".utf8)
      case 0..<0x20:
        Array("\\u00".utf8) + Array("0123456789abcdef".utf8)[Int(b >> 4)...Int(b >> 4)]
          + Array("0123456789abcdef".utf8)[Int(b & 15)...Int(b & 15)]
      default: [b]
      }
    }
  }

  @Test("every byte at every place of a word", arguments: 0..<20)
  func everyByte(place: Int) {
    for b in UInt8.min...UInt8.max {
      var text = [UInt8](repeating: 0x61, count: 20)
      text[place] = b
      var out: [UInt8] = [0x2e]
      out.append(jsonEscaped: text.span)
      #expect(out == [0x2e] + plainly(text))
    }
  }

  @Test("texts of any length and any density of escapes")
  func anyText() {
    var random = SystemRandomNumberGenerator()
    for length in 0..<80 {
      for dense in [false, true] {
        let text = (0..<length).map { _ in
          dense ? [0x22, 0x5c, 0x1f, 0x20, 0x21, 0x00, 0xa2, 0x80].randomElement(using: &random) ?? 0 : UInt8.random(in: 0...255)
        }
        var out: [UInt8] = []
        out.append(jsonEscaped: text.span)
        #expect(out == plainly(text))
      }
    }
  }
}
