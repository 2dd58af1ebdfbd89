import Record
import Testing

@testable import PacketDecoding

/// Capture files put together for tests.
private enum Files {
  static let packet = Packets.ethernet(0x0806, Packets.arp(ip: "10.0.0.9"))

  static func little(_ value: Int, _ count: Int = 4) -> [UInt8] { (0..<count).map { UInt8(value >> (8 * $0) & 255) } }

  /// One packet, nine bytes of which were not captured.
  static func pcap(
    _ magic: [UInt8], _ isBigEndian: Bool, fraction: Int, padding: Int = 0, major: Int = 2, minor: Int = 4
  ) -> [UInt8] {
    func number(_ value: Int, _ count: Int = 4) -> [UInt8] { isBigEndian ? little(value, count).reversed() : little(value, count) }
    var out = magic + number(major, 2) + number(minor, 2)
    out += number(0) + number(0) + number(65_535) + number(1)
    out += number(1_795_000_000) + number(fraction)
    let lengths = minor < 3 ? [packet.count + 9, packet.count] : [packet.count, packet.count + 9]
    for length in lengths { out += number(length) }
    return out + [UInt8](repeating: 0, count: padding) + packet
  }

  static func block(_ type: Int, _ body: [UInt8]) -> [UInt8] {
    let padded = body + [UInt8](repeating: 0, count: (4 - body.count % 4) % 4)
    return little(type) + little(padded.count + 12) + padded + little(padded.count + 12)
  }

  static func section(version: Int = 1) -> [UInt8] {
    block(0x0a0d_0d0a, little(0x1a2b_3c4d) + little(version, 2) + little(0, 2) + [UInt8](repeating: 255, count: 8))
  }

  static func interface(_ linkType: Int, _ options: [UInt8] = []) -> [UInt8] {
    block(1, little(linkType, 2) + little(0, 2) + little(0) + options)
  }

  static func option(_ code: Int, _ value: [UInt8]) -> [UInt8] {
    little(code, 2) + little(value.count, 2) + value + [UInt8](repeating: 0, count: (4 - value.count % 4) % 4)
  }

  static func enhanced(_ interface: Int, units: Int, claims: Int = packet.count) -> [UInt8] {
    let head = little(interface) + little(units >> 32) + little(units & 0xffff_ffff)
    return block(6, head + little(claims) + little(claims) + packet)
  }

  static let variants: [[UInt8]] = [
    pcap([0xd4, 0xc3, 0xb2, 0xa1], false, fraction: 123_456), pcap([0xa1, 0xb2, 0xc3, 0xd4], true, fraction: 123_456),
    pcap([0x4d, 0x3c, 0xb2, 0xa1], false, fraction: 123_456_789), pcap([0xa1, 0xb2, 0x3c, 0x4d], true, fraction: 123_456_789),
    pcap([0x34, 0xcd, 0xb2, 0xa1], false, fraction: 123_456, padding: 8),
    pcap([0xd4, 0xc3, 0xb2, 0xa1], false, fraction: 123_456, minor: 2),
  ]

  static let damaged: [(bytes: [UInt8], words: String)] = [
    (Array("{\"a\":1}\n and more".utf8), "no capture"), (section(version: 2), "version 2.0"),
    (section() + enhanced(0, units: 1), "interface 0, which is not described"),
    (section() + little(6) + little(13) + little(0), "a block of 13 bytes"),
    (section() + interface(1) + block(6, [1, 2, 3]), "a packet block of 4 bytes"),
    (pcap([0xd4, 0xc3, 0xb2, 0xa1], false, fraction: 0, major: 3), "version 3.4"),
    (section() + interface(1) + enhanced(0, units: 1, claims: 99), "longer than its block"),
  ]
}

@Suite struct CaptureFileTests {
  private struct Result {
    var packets: [CaptureFile.Packet] = []
    var bytes: [[UInt8]] = []
    var failure: String?
  }

  /// All packets of a file, shown in windows that grow by `part` bytes.
  private func read(_ bytes: [UInt8], part: Int = .max) -> Result {
    var file = CaptureFile()
    var result = Result()
    var at = 0
    var end = 0
    let whole = bytes.span
    do throws(CaptureFile.Failure) {
      while at < bytes.count {
        end = max(at, end)
        let window = whole.extracting(at..<end)
        let size = window.count
        switch try file.step(window) {
        case .more(let count):
          #expect(count > size)
          if end == bytes.count {
            result.failure = "cut"
            return result
          }
          end += min(part, bytes.count - end)
        case .skip(let count): at += count
        case .packet(let packet, let length):
          result.packets.append(packet)
          result.bytes.append(window.extracting(packet.bytes).array)
          at += length
        }
      }
    } catch { result.failure = error.description }
    return result
  }

  @Test("all variants of pcap are read alike, whatever the parts they come in", arguments: Files.variants)
  func variants(_ bytes: [UInt8]) {
    let isCapture = CaptureFile.isCapture(bytes.span)
    #expect(isCapture)
    for part in [1, 7, 50, Int.max] {
      let found = read(bytes, part: part)
      #expect(found.failure == nil)
      #expect(found.bytes == [Files.packet])
      #expect(found.packets.first?.microseconds == 1_795_000_000_123_456)
      #expect(found.packets.first?.originalLength == Files.packet.count + 9)
    }
  }

  @Test("interfaces have link types, resolutions and offsets of their own; a simple packet has no time")
  func interfaces() {
    var file = Files.section() + Files.interface(1)
    file += Files.interface(101, Files.option(9, [0]) + Files.option(14, Files.little(1000, 8)) + Files.option(0, []))
    file += Files.interface(113, Files.option(9, [0x8a])) + Files.interface(1, Files.option(9, [9]))
    file += Files.enhanced(0, units: 1_795_000_000_123_456) + Files.block(0x0bad, [1, 2, 3])
    file += Files.enhanced(1, units: 1_795_000_000) + Files.enhanced(2, units: 1024 * 7 + 512)
    file += Files.enhanced(3, units: 1_795_000_000_123_456_789) + Files.block(3, Files.little(Files.packet.count) + Files.packet)
    file += Files.section() + Files.interface(276) + Files.enhanced(0, units: 5)
    let types = [1, 101, 113, 1, 1, 276]
    let times: [Int64?] = [1_795_000_000_123_456, 1_795_001_000_000_000, 7_500_000, 1_795_000_000_123_456, nil, 5]
    for part in [1, 13, Int.max] {
      let found = read(file, part: part)
      #expect(found.failure == nil)
      #expect(found.packets.map { $0.linkType.rawValue } == types)
      #expect(found.packets.map { $0.microseconds } == times)
    }
  }

  @Test("what is no capture, or damaged, is refused in words", arguments: Files.damaged.indices)
  func damaged(_ index: Int) {
    let found = read(Files.damaged[index].bytes)
    #expect(found.packets.isEmpty)
    #expect(found.failure?.contains(Files.damaged[index].words) == true, "\(found.failure ?? "nothing")")
  }
}
