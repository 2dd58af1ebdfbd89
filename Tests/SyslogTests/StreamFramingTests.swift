import Record
import TestSupport
import Testing

@testable import Syslog

/// A message as it left the framing; `original` is nil where the end of the connection cut it off.
private struct Framed: Equatable, CustomStringConvertible {
  var bytes: [UInt8]
  var original: Int?

  init(_ bytes: [UInt8], original: Int?) {
    self.bytes = bytes
    self.original = original
  }
  init(_ text: String) { self.init(Array(text.utf8), original: text.utf8.count) }
  init(cutOff text: String) { self.init(Array(text.utf8), original: nil) }

  var description: String { "\(String(decoding: bytes, as: UTF8.self)) of \(original.map(String.init) ?? "?")" }
}

/// What a stream gives that comes in these pieces and then ends.
private func frames(_ pieces: [[UInt8]], kept: Int = 65_535) -> [Framed] {
  var framing = StreamFraming(keptBytes: kept)
  var out: [Framed] = []
  func take(_ bytes: Span<UInt8>, _ original: Int) {
    out.append(Framed(bytes.indices.map { bytes[$0] }, original: original == StreamFraming.unended ? nil : original))
  }
  for piece in pieces { framing.read(piece.span) { take($0, $1) } }
  framing.end { take($0, $1) }
  return out
}

private func frames(_ text: String, kept: Int = 65_535) -> [Framed] { frames([Array(text.utf8)], kept: kept) }

/// The stream cut once, at every place, and into single bytes.
private func cuts(_ stream: [UInt8]) -> [[[UInt8]]] {
  (0...stream.count).map { [Array(stream[..<$0]), Array(stream[$0...])] } + [stream.map { [$0] }]
}

@Suite struct StreamFramingTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var rule: String
    var stream: String
    fileprivate var expected: [Framed]
    var testDescription: String { rule }

    fileprivate init(_ rule: String, _ stream: String, _ expected: [Framed]) {
      self.rule = rule
      self.stream = stream
      self.expected = expected
    }
  }

  static let cases = [
    Case("a count is of bytes, and the frame may hold anything", "7 a\nb\0c\r\n3 xyz", [Framed("a\nb\0c\r\n"), Framed("xyz")]),
    Case("a frame in a frame is text", "9 3 abc 4 x2 de", [Framed("3 abc 4 x"), Framed("de")]),
    Case("lines end at LF, CR LF and NUL", "<1>a\n<2>b\r\n<3>c\0<4>d\n", [Framed("<1>a"), Framed("<2>b"), Framed("<3>c"), Framed("<4>d")]),
    Case("one CR belongs to the end of a line", "a\r\r\nb\rc\n\r\r\n", [Framed("a\r"), Framed("b\rc"), Framed("\r")]),
    Case("a CR before NUL is text", "a\r\0", [Framed("a\r")]),
    Case("empty lines are no messages", "\n\n\r\n\0\0<1>a\n\r\n", [Framed("<1>a")]),
    Case("a line feed behind a counted frame is none", "4 <1>a\n4 <2>b\r\n<3>c\n", [Framed("<1>a"), Framed("<2>b"), Framed("<3>c")]),
    Case("a count has no leading zero", "04 <1>a\n0\n", [Framed("04 <1>a"), Framed("0")]),
    Case("a number without a space is text", "12<34>x\n44123: y\n7\n", [Framed("12<34>x"), Framed("44123: y"), Framed("7")]),
    Case(
      "a number that no frame can have is text", "99999999999999999999 x\n20261120 10:15 y\n1048577 z\n",
      [Framed("99999999999999999999 x"), Framed("20261120 10:15 y"), Framed("1048577 z")]),
    Case("the end of a connection cuts off a line", "<1>a\n<2>b", [Framed("<1>a"), Framed(cutOff: "<2>b")]),
    Case("the end of a connection cuts off a frame", "4 <1>a9 <2>b", [Framed("<1>a"), Framed(cutOff: "<2>b")]),
    Case("a frame that was only announced is cut off too", "4 <1>a9 ", [Framed("<1>a"), Framed(cutOff: "")]),
    Case("the end of a connection cuts off a count", "4 <1>a12", [Framed("<1>a"), Framed(cutOff: "12")]),
  ]

  @Test("framing, wherever the stream is cut", arguments: cases)
  func framing(_ c: Case) {
    for pieces in cuts(Array(c.stream.utf8)) { #expect(frames(pieces) == c.expected) }
  }

  @Test(
    "of a long message the rest is read over and counted",
    arguments: ["12 0123456789ab<1>c\n", "<123456789ab\r\n<1>c\n", "<123456789ab\0<1>c\n"])
  func long(_ stream: String) {
    let long = stream.utf8.first == 0x31 ? "0123" : "<123"
    for pieces in cuts(Array(stream.utf8)) {
      #expect(frames(pieces, kept: 4) == [Framed(Array(long.utf8), original: 12), Framed("<1>c")])
    }
  }

  @Test("a message as long as what is kept is whole, also before CR LF")
  func asLong() {
    for pieces in cuts(Array("4 abcd<123\r\n".utf8)) { #expect(frames(pieces, kept: 4) == [Framed("abcd"), Framed("<123")]) }
    for pieces in cuts(Array("<12\r\r\n".utf8)) { #expect(frames(pieces, kept: 4) == [Framed("<12\r")]) }
  }

  @Test("what is cut off of a long message has no known length")
  func longCutOff() { #expect(frames("900 abcdefgh", kept: 4) == [Framed(cutOff: "abcd")]) }

  @Test("the corpus's streams, wherever they are cut", .enabled(if: Corpus.isThere))
  func corpus() {
    let cases = Corpus.cases("syslog/framing.cases.ndjson")
    #expect(cases.count >= 16)
    for c in cases {
      let stream = c["stream_base64"]?.string.flatMap { Base64.bytes(Array($0.utf8).span) } ?? Array((c["stream"]?.string ?? "").utf8)
      let expected = (c["messages"]?.array ?? []).map { message -> [UInt8] in
        message["base64"]?.string.flatMap { Base64.bytes(Array($0.utf8).span) } ?? Array((message.string ?? "").utf8)
      }
      for pieces in cuts(stream) {
        let found = frames(pieces)
        #expect(found.filter { $0.original != nil }.map(\.bytes).starts(with: expected), "\(c.id)")
        if let rest = c["rest"]?.string {
          #expect(found.dropFirst(expected.count) == [Framed(cutOff: rest)], "\(c.id)")
        } else if c["error"] != nil {
          // What has no right count is kept as text.
          #expect(found.map(\.bytes) == [stream.last == 0x0a ? Array(stream.dropLast()) : stream], "\(c.id)")
        } else {
          #expect(found == expected.map { Framed($0, original: $0.count) }, "\(c.id)")
        }
      }
    }
  }

  @Test("any bytes, cut anyhow, give the same messages")
  func property() {
    var random = Seeded(6587)
    let alphabet = Array("0123456789 <>\n\r\0aZ\u{e9}".utf8)
    for round in 0..<2000 {
      let stream = (0..<Int.random(in: 0...200, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? 0 }
      let whole = frames([stream], kept: 20)
      var pieces: [[UInt8]] = []
      var at = 0
      while at < stream.count {
        let end = min(stream.count, at + Int.random(in: 0...12, using: &random))
        pieces.append(Array(stream[at..<end]))
        at = end
      }
      #expect(frames(pieces, kept: 20) == whole, "round \(round): \(stream)")
      #expect(whole.allSatisfy { $0.bytes.count <= 20 })
    }
  }

  @Test("every byte is looked at three times at most", arguments: ["1", "9999999", "x", "\n", "1048576 ", "7<", "1 a", "\r", "0"])
  func steps(_ unit: String) {
    var stream: [UInt8] = []
    while stream.count < 200_000 { stream += Array(unit.utf8) }
    for size in [1, 7, 4096] {
      var framing = StreamFraming(keptBytes: 65_535)
      var at = 0
      while at < stream.count {
        framing.read(stream[at..<min(stream.count, at + size)].span) { _, _ in }
        at += size
      }
      #expect(framing.steps <= 3 * stream.count)
    }
  }
}
