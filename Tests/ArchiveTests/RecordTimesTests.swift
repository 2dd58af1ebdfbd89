import Record
import Testing

@testable import Archive

@Suite("times of records, one after another") struct RecordTimesTests {
  static let lines: [String] = [
    #"{"time":"2026-11-23T14:03:07.123456+03:00","via":"udp","raw":"a"}"#,
    #"{"time":"2026-11-23T14:03:07.123457+03:00","via":"udp","raw":"the same second"}"#,
    #"{"time":"2026-11-23T14:03:07.000000+03:00","via":"udp"}"#,
    #"{"time":"2026-11-23T14:03:07.999999+03:00","via":"udp"}"#,
    #"{"time":"2026-11-23T14:03:07.12345x+03:00","via":"udp"}"#,
    #"{"time":"2026-11-23T14:03:07.1234567+03:0","via":"udp"}"#,
    #"{"time":"2026-11-23T14:03:07,123456+03:00","via":"udp"}"#,
    #"{"time":"2026-11-23T14:03:07.123456+02:00","via":"udp"}"#,
    #"{"time":"2026-11-23T14:03:08.123456+03:00","via":"udp"}"#,
    #"{"time":"2026-11-24T14:03:07.123456+03:00","via":"udp"}"#,
    #"{"time":"2026-11-31T14:03:07.123456+03:00","via":"udp"}"#,
    #"{"via":"udp","time":"2026-11-23T14:03:07.123456+03:00"}"#,
    #"["time":"2026-11-23T14:03:07.123456+03:00","via":"udp"]"#,
    #"{"time":"2026-11-23T14:03:07.123456+03:00"}"#,
    #"{"time":"1969-12-31T23:59:59.500000+00:00","via":"udp"}"#,
    #"{}"#, "",
  ]

  @Test("every line after every other has the time that it has alone") func pairs() {
    for before in Self.lines {
      for line in Self.lines {
        var times = RecordTimes()
        _ = times.time(of: Array(before.utf8).span)
        let text = Array(line.utf8)
        let found = times.time(of: text.span)
        #expect(found == RecordTime.of(text.span), "\(line) after \(before)")
        #expect(found == times.time(of: text.span))
      }
    }
  }

  @Test("a line that is the same but for one byte is not taken for it") func anyByte() {
    let good = Array(Self.lines[0].utf8)
    for i in good.indices {
      for byte in [UInt8(0x20), 0x2d, 0x2e, 0x30, 0x39, 0x3a, 0x54, 0x5c, 0x7b, 0xff] {
        var times = RecordTimes()
        _ = times.time(of: good.span)
        var changed = good
        changed[i] = byte
        #expect(times.time(of: changed.span) == RecordTime.of(changed.span))
      }
    }
  }
}
