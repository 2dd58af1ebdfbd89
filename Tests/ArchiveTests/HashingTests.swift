import Record
import TestSupport
import Testing

@testable import Archive

@Suite("two hashes at once") struct HashingTests {
  /// Bytes that are all different from their neighbours.
  private static let text = (0..<2048).map { UInt8(truncatingIfNeeded: $0 &* 167 &+ $0 >> 8) }

  /// Both hashes after `a` bytes were in one and `b` in the other, and then so many were taken together.
  private func hashes(_ a: Range<Int>, _ b: Range<Int>) -> (Digest, Digest) {
    let (x, y) = (SHA256(), SHA256())
    Self.text.withUnsafeBytes { text in
      x.update(UnsafeRawBufferPointer(rebasing: text[0..<a.lowerBound]))
      y.update(UnsafeRawBufferPointer(rebasing: text[0..<b.lowerBound]))
      SHA256.update(x, UnsafeRawBufferPointer(rebasing: text[a]), y, UnsafeRawBufferPointer(rebasing: text[b]))
    }
    return (x.finish(), y.finish())
  }

  @Test("each is what it is alone, for every length, beside every other length") func lengths() {
    let alone = (0...600).map { SHA256.hash(Self.text.span.extracting(0..<$0)) }
    for m in 0...300 {
      for n in [0, 1, 16, 17, 46, 47, 55, 56, 63, 64, 65, 110, 111, 127, 128, 129, 191, 192, 255, 256, 300, m] {
        let (a, b) = hashes(0..<m, 0..<n)
        #expect(a == alone[m] && b == alone[n], "\(m) and \(n) bytes")
        let (c, d) = hashes(17..<17 + m, n..<n + 300 - m)
        #expect(c == alone[17 + m] && d == alone[n + 300 - m], "17 bytes before \(m), \(n) before \(300 - m)")
      }
    }
  }

  @Test("each is what it is alone after any number of steps") func steps() {
    var random = Seeded(5651)
    for _ in 0..<300 {
      let (x, y) = (SHA256(), SHA256())
      var (a, b): ([UInt8], [UInt8]) = ([], [])
      for _ in 0..<Int.random(in: 1...12, using: &random) {
        let m = Int.random(in: 0...300, using: &random)
        let n = Int.random(in: 0...300, using: &random)
        let from = Int.random(in: 0...64, using: &random)
        Self.text.withUnsafeBytes { text in
          SHA256.update(x, UnsafeRawBufferPointer(rebasing: text[from..<from + m]), y, UnsafeRawBufferPointer(rebasing: text[m..<m + n]))
        }
        a += Self.text[from..<from + m]
        b += Self.text[m..<m + n]
        if Bool.random(using: &random) {
          x.update(Self.text.span.extracting(0..<from))
          a += Self.text[0..<from]
        }
        #expect(x.current() == SHA256.hash(a))
      }
      #expect(x.finish() == SHA256.hash(a))
      #expect(y.finish() == SHA256.hash(b))
    }
  }

  @Test("the examples of FIPS 180-4") func examples() {
    let (x, y) = (SHA256(), SHA256())
    let thousand = [UInt8](repeating: 0x61, count: 1000)
    for _ in 0..<1000 { thousand.withUnsafeBytes { SHA256.update(x, $0, y, $0) } }
    let million = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
    #expect("\(x.finish())" == million)
    #expect("\(y.finish())" == million)
    for (text, hash) in [
      ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
    ] {
      x.reset()
      y.reset()
      Array(text.utf8).withUnsafeBytes { SHA256.update(x, $0, y, $0) }
      #expect("\(x.finish())" == hash)
      #expect("\(y.finish())" == hash)
    }
  }

  @Test("a day's state is what its definition says") func day() {
    let salt = DaySalt(key: (0..<32).map { UInt8($0) })
    let digest = DayDigest(salt: salt)
    let stream = SaltStream(salt)
    var (lines, tree) = ([UInt8](), MerkleTree())
    for i in 0..<1500 {
      let line = Array(Self.text[i % 70..<i % 70 + i * 7 % 1000])
      digest.add(line.span)
      lines += line + [0x0a]
      tree.append(leaf: SHA256.hash([0] + stream.salt(i) + line))
      let state = digest.snapshot()
      #expect(state.sha256 == SHA256.hash(lines) && state.root == tree.root, "after \(i + 1) records")
    }
  }
}
