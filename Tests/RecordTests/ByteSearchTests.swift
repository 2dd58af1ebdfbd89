import Record
import Testing

@Suite("bytes looked for sixteen at a time") struct ByteSearchTests {
  private static let sets: [[UInt8]] = [[0x22], [0x3d, 0x20], [0x22, 0x5c, 0x20], [0x3d, 0x22, 0x20, 0x09], [0x00], [0xff, 0x80]]

  @Test("the first of them, wherever it stands and whatever stands around it", arguments: sets) func first(_ wanted: [UInt8]) {
    var random = SystemRandomNumberGenerator()
    let search = ByteSearch(wanted)
    for length in 0..<40 {
      for _ in 0..<40 {
        // Neighbours of the bytes that are looked for, and those bytes seldom.
        let text = (0..<length).map { _ in
          UInt8.random(in: 0..<8) == 0
            ? wanted.randomElement(using: &random) ?? 0 : [0x01, 0x21, 0x23, 0x5b, 0x5d, 0x3c, 0x7f, 0x81, 0xfe, 0x61].randomElement() ?? 0
        }
        for start in 0...length {
          let plain = (start..<length).first { wanted.contains(text[$0]) } ?? length
          #expect(search.first(in: text.span, from: start) == plain, "\(wanted) in \(text) from \(start)")
        }
      }
    }
  }

  @Test("one more byte") func more() {
    let search = ByteSearch([0x20, 0x09]).and(0x3a)
    for text in ["abc:d", "a b:cd", "abcdefghijk\tlm", "abcdefghijklmnop:", "abcdefghijklmnop"] {
      let bytes = Array(text.utf8)
      let plain = bytes.firstIndex { [0x20, 0x09, 0x3a].contains($0) } ?? bytes.count
      #expect(search.first(in: bytes.span, from: 0) == plain)
    }
  }

  @Test("a text in a text, and the words of a text") func texts() {
    let text = Array("date=2026 logid=\"0\" type=\"traffic\" tyype=".utf8)
    for start in text.indices {
      for end in start..<text.count {
        let wanted = Array(text[start...end])
        let plain = text.indices.first { text[$0...].starts(with: wanted) }
        #expect(text.span.firstIndex(of: wanted.span) == plain)
      }
    }
    #expect(text.span.firstIndex(of: Array("nowhere".utf8).span) == nil)
    #expect([UInt8]().span.firstIndex(of: text.span) == nil)
    for count in 0...8 {
      for at in 0...(text.count - count) {
        let plain = text[at..<at + count].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        #expect(text.span.word(at: at, count: count) == plain)
      }
    }
  }
}

@Suite("values as they are written") struct ValueTextTests {
  private func text(_ body: (inout [UInt8]) -> Void) -> String {
    var out = Array("x".utf8)
    body(&out)
    return String(decoding: out.dropFirst(), as: UTF8.self)
  }

  @Test("decimal numbers of every length") func decimals() {
    var values: [Int] = [0, .max, .min, .min + 1]
    var power = 1
    for _ in 0..<19 {
      values += [power - 1, power, power + 1, -power, 1 - power]
      power = power.multipliedReportingOverflow(by: 10).partialValue
    }
    for value in values { #expect(text { $0.append(decimal: value) } == String(value)) }
    #expect(text { $0.append(7, digits: 3) } == "007")
    #expect(text { $0.append(12345, digits: 3) } == "345")
  }

  @Test("IPv4 addresses with numbers of one, two and three digits") func dotted() {
    let numbers: [UInt32] = [0, 1, 9, 10, 11, 99, 100, 101, 109, 110, 199, 200, 249, 255]
    for a in numbers {
      for b in numbers {
        let address = IPAddress(v4: a << 24 | b << 16 | b << 8 | a)
        #expect(address.description == "\(a).\(b).\(b).\(a)")
        #expect(IPAddress(address.description) == address)
      }
    }
  }

  @Test(
    "an IPv4 address in front of something else",
    arguments: [
      ("10.20.3.1", 9), ("10.20.3.1:514", 9), ("10.20.3.1234", 11), ("10.20.3.256", nil), ("10.20.03.1", nil), ("10.20.3", nil), ("", nil),
      ("10.20.3.", nil), (".1.2.3", nil), ("255.255.255.255)", 15), ("0.0.0.0", 7), ("00.0.0.0", nil),
    ] as [(String, Int?)]) func leading(_ text: String, _ end: Int?)
  {
    #expect(IPAddress.leadingV4(Array(text.utf8).span, at: 0)?.end == end)
  }

  @Test("numbers and addresses are written as anybody writes them") func digits() {
    var numbers = Array(0...1100) + [9_999, 10_000, 65_535, 99_999, 100_000, .max, .min, -1, -99]
    for shift in 0..<63 { numbers.append(1 << shift) }
    for number in numbers {
      var out: [UInt8] = []
      out.append(decimal: number)
      #expect(String(decoding: out, as: UTF8.self) == String(number))
    }
    for octet in 0...255 as ClosedRange<UInt32> {
      #expect(IPAddress(v4: octet << 24 | octet << 16 | octet << 8 | octet).description == "\(octet).\(octet).\(octet).\(octet)")
      let pair = (octet < 16 ? "0" : "") + String(octet, radix: 16)
      #expect(MACAddress(value: UInt64(octet) << 40 | UInt64(octet)).description == "\(pair):00:00:00:00:\(pair)")
    }
  }

  @Test("a text of an event is escaped whatever its length and wherever an escape stands") func texts16() {
    var events = EventList()
    for length in 0...40 {
      for place in -1..<length {
        var text = [UInt8](repeating: 0x61, count: length)
        if place >= 0 { text[place] = [0x22, 0x5c, 0x01, 0x0a][place % 4] }
        events.removeAll()
        events.begin(.login, action: "start")
        events.set(.user, text: text.span)
        var out: [UInt8] = []
        events.write(into: &out)
        var wanted = Array("[{\"kind\":\"login\",\"action\":\"start\",\"user\":".utf8)
        wanted.append(jsonString: text.span)
        #expect(out == wanted + Array("}]".utf8), "\(length) \(place)")
      }
    }
  }

  @Test("a list grows as far as it must, and keeps what it has") func growth() {
    var events = EventList()
    let long = [UInt8](repeating: 0x62, count: 3000)
    for n in 0..<EventList.maximumEvents {
      events.begin(.login)
      events.set(.duration, n)
      events.set(.user, text: long.span)
    }
    #expect(events.count == EventList.maximumEvents)
    for n in 0..<EventList.maximumEvents {
      guard case .integer(n)? = events.value(event: n, .duration), case .text(let range)? = events.value(event: n, .user) else {
        Issue.record("event \(n) has lost its fields")
        continue
      }
      let isKept = events.bytes(of: range).equals(long.span)
      #expect(isKept)
    }
    // The fields of an event are bits of a word.
    #expect(EventField.allCases.count <= 64)
  }

  @Test("six pairs in front of something else") func pairs() {
    for (text, value) in [
      ("3c:52:82:1a:7f:09", 0x3c52_821a_7f09 as UInt64?), ("3C-52-82-1A-7F-09:eduroam", 0x3c52_821a_7f09), ("3c:52:82:1a:7f:0", nil),
      ("3c:52-82:1a:7f:09", nil), ("3c.52.82.1a.7f.09", nil), ("3g:52:82:1a:7f:09", nil),
    ] { #expect(MACAddress.leadingPairs(Array(text.utf8).span, at: 0)?.value == value) }
  }

  @Test("members of an event stand in their order, whatever the order in which they were set") func order() {
    var events = EventList()
    let fields: [EventField] = [.dstPort, .proto, .srcIP, .hostname, .dialect, .mac, .vlans, .clientID, .prefix, .time]
    for _ in 0..<50 {
      var made: [String] = []
      for n in 0..<3 {
        events.removeAll()
        if n == 2 {
          // Taken back: as if it had not been.
          events.begin(.lease)
          events.set(.user, text: Array("nobody".utf8).span)
          events.cancel()
        }
        events.begin(.session, action: "open")
        for field in fields.shuffled() {
          switch field {
          case .dstPort: events.set(field, 443)
          case .srcIP: events.set(field, IPAddress(v4: 0x0a00_0001))
          case .mac: events.set(field, MACAddress(value: 0x3c52_821a_7f09))
          case .vlans: events.set(field, list: [10, 200])
          case .clientID: events.set(field, hex: ([1, 0xab] as [UInt8]).span)
          case .prefix: if let prefix = IPPrefix("2001:db8::/56") { events.set(field, prefix) }
          case .time: events.set(field, Timestamp(microseconds: 0, offsetMinutes: 180, fractionDigits: 0))
          default: events.set(field, text: Array("a\"b".utf8).span)
          }
        }
        var out: [UInt8] = []
        events.write(into: &out)
        made.append(String(decoding: out, as: UTF8.self))
      }
      #expect(
        Set(made) == [
          #"[{"kind":"session","action":"open","prefix":"2001:db8::/56","mac":"3c:52:82:1a:7f:09","client_id":"01:ab","#
            + #""hostname":"a\"b","vlans":[10,200],"protocol":"a\"b","src_ip":"10.0.0.1","dst_port":443,"dialect":"a\"b","#
            + #""time":"1970-01-01T03:00:00+03:00"}]"#
        ])
    }
  }
}
