import Archive
import Glibc
import Record
import Testing

/// The real programs, as processes, on loopback and in temporary folders.
@Suite(.serialized, .timeLimit(.minutes(8))) struct EndToEndTests {
  @Test func `what is sent comes back byte for byte and in order, sealed and proven`() throws {
    let daemon = try RealDaemon()
    try daemon.start()
    let sent: [[UInt8]] = [
      Array("<13>plain".utf8), [0x3c, 0x31, 0x33, 0x3e, 0x61, 0, 0x62], Array("<13>a\r\nb\n".utf8), [0xff, 0xfe, 0x80, 0xc3],
      [0x3c, 0x31, 0x33, 0x3e, 0xdd, 0xfe, 0xf0, 0xd0], [], (0..<65_507).map { UInt8(truncatingIfNeeded: $0 &* 31) },
      Array("<13>\"quoted\\ \u{2028} İstanbul".utf8),
    ]
    for one in sent { daemon.send(one) }
    #expect(try RealDaemon.wait { try daemon.received().count == sent.count })
    #expect(daemon.stop() == 0, "\(daemon.log)")
    #expect(try daemon.received() == sent)
    let outcome = try daemon.verify()
    #expect(outcome.code == 0, "\(outcome)")
    // Everything that is there is sealed, the daemon's own `stopped` included.
    let days = try #require(try daemon.read("days").json?["days"]?.array)
    for day in days { #expect(day["records"]?.integer != nil && day["records"] == day["sealed_records"], "\(day.text)") }
  }

  @Test func `kill -9 under load loses nothing that was on disk, tears nothing, doubles nothing`() throws {
    let seed = UInt64.random(in: 0 ... .max)
    print("seed \(seed)")
    var random = seed
    let daemon = try RealDaemon()
    var next = 0
    for _ in 0..<10 {
      try daemon.start()
      random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      for _ in 0..<(200 + Int(random >> 33) % 3000) {
        daemon.send("<13>message \(next)")
        next += 1
      }
      #expect(daemon.end(SIGKILL) == -SIGKILL)
      let before = try daemon.received()
      try daemon.start()
      let after = try daemon.received()
      #expect(after.count >= before.count && Array(after.prefix(before.count)) == before, "seed \(seed)")
      _ = daemon.end(SIGKILL)
    }
    try daemon.start()
    #expect(daemon.stop() == 0)
    let numbers = try daemon.received().map { Int(String(decoding: $0, as: UTF8.self).dropFirst(12)) ?? -1 }
    #expect(!numbers.isEmpty && zip(numbers, numbers.dropFirst()).allSatisfy { $0 < $1 }, "seed \(seed)")
    #expect(numbers.first ?? -1 >= 0)
    let outcome = try daemon.verify()
    #expect(outcome.code == 0, "seed \(seed) \(outcome)")
  }
}
