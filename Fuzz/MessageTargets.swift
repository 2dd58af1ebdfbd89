import Dialects
import Record
import Syslog

/// One without and one with daylight saving time.
private let zones = ["Europe/Istanbul", "Europe/Berlin"].compactMap { Zone(named: $0) }

extension FuzzTarget {
  /// Headers: every part lies in the message, every time resolves or does not.
  static let syslog = FuzzTarget(name: "syslog") { bytes in
    let message = SyslogMessage(bytes)
    for range in [message.timestamp, message.host, message.app, message.procid, message.msgid, message.structuredData, message.message] {
      guard let range else { continue }
      require(range.lowerBound >= 0 && range.upperBound <= bytes.count, "a part lies in the message")
    }
    _ = message.time?.resolved(zone: .utc, received: 1_795_435_200_000_000)
    for zone in zones { _ = message.time?.resolved(zone: zone, received: 1_795_435_200_000_000) }
    _ = DeviceTime.zoned(bytes, at: 0)
  }

  /// Framing: however a stream is cut, it gives the same messages. The first byte says how long the pieces are.
  static let framing = FuzzTarget(name: "framing") { bytes in
    guard bytes.count > 1 else { return }
    let stream = bytes.extracting(1..<bytes.count)
    func frames(_ size: Int) -> [[UInt8]] {
      var framing = StreamFraming(keptBytes: 40)
      var out: [[UInt8]] = []
      func take(_ message: Span<UInt8>, _ original: Int) {
        require(message.count <= 40 && (original < 0 || message.count == min(40, original)), "no more is kept than may be")
        var bytes: [UInt8] = []
        bytes.append(message)
        bytes.append(decimal: original)
        out.append(bytes)
      }
      var at = 0
      while at < stream.count {
        framing.read(stream.extracting(at..<min(stream.count, at + size))) { take($0, $1) }
        at += size
      }
      framing.end { take($0, $1) }
      require(!framing.isInside, "behind the end is nothing")
      return out
    }
    require(frames(Int(bytes[0]) + 1) == frames(stream.count), "pieces give the same messages as the whole")
  }

  /// All built-in dialects over any text. The input is the text behind a tag; its first byte chooses the tag.
  static let dialects = FuzzTarget(name: "dialects") { bytes in
    guard bytes.count > 1 else { return }
    // The last ones leave it to the text which dialect reads it.
    let tags: [StaticString] = [
      "<30>dhcpd: ", "<30>dnsmasq-dhcp: ", "<30>kea-dhcp4: ", "<30>kea-dhcp6: ", "<30>kea-legal-log: ", "<30>filterlog: ",
      "<30>1 - h RT_FLOW - RT_FLOW_SESSION_CREATE [junos ", "<30>Microsoft-Windows-Security-Auditing: {", "<30>CEF:0|Fortinet|Fortigate|",
      "<30>date=2026-11-23 logid=0000000013 type=traffic ", "<30>h 10,11/23/26,08:14:40,", "<30>", "",
    ]
    var text: [UInt8] = []
    text.append(tags[Int(bytes[0]) % tags.count])
    let body = bytes.extracting(1..<bytes.count)
    if body.isUTF8 { text.append(body) } else { Charset.windows1254.decode(body, into: &text) }
    var normaliser = Normaliser(.builtIn)
    let row = normaliser.explain(
      text.span, received: 1_795_435_200_000_000, sender: 1, source: SourceReading(zone: .utc, name: "s", leaseSeconds: 60))
    require((try? StrictJSON.object(row.json.bytes.span)) != nil, "a row of explain is strict JSON")
    for event in row.events {
      require(Event(event) != nil && event["dialect"] != nil, "an event is one")
      if let ip = event["ip"]?.string { require(IPAddress(ip)?.description == ip, "an address is canonical") }
      if let mac = event["mac"]?.string { require(MACAddress(mac)?.description == mac, "a MAC address is canonical") }
    }
  }

  /// Dialect files: what is read runs its examples and reads a message.
  static let dialectFiles = FuzzTarget(name: "dialect-files") { bytes in
    guard let set = try? DialectSet.load(file: bytes, path: "x", name: "x") else { return }
    _ = set.checkExamples()
    var normaliser = Normaliser(set)
    let text = Array("<30>x: a 10.0.0.1 (b) 3c:52:82:1a:7f:09".utf8)
    _ = normaliser.explain(text.span, received: 0, sender: 1, source: SourceReading(zone: .utc))
    // Forms that are cut into values, on text of each.
    for text in [
      "<30>1 - h x - m [s a=\"10.0.0.1\" b=\"x\"]", "<30>x: a=10.0.0.1 b=\"\\\"\" c,d=1", "<30>x: CEF:0|a|b|c|d|e|f|a=1 b=2 3 c=\\=",
      "<30>x: 1,\"a\"\"\",10.0.0.1",
      "<30>x: {\"a\":{\"b\":[1,\"\\u0041\"]},\"c\":\"10.0.0.1\"}", "<30>x: LEEF:2.0|a|b|c|d|^|a=1^b=2",
    ] { _ = normaliser.explain(Array(text.utf8).span, received: 0, sender: 1, source: SourceReading(zone: .utc, dialects: [0])) }
  }

  static let json5 = FuzzTarget(name: "json5") { bytes in
    guard let node = try? JSON5.read(bytes), let json = node.json else { return }
    // What it means can be written strictly, and JSON5 reads that as the same.
    let written = json.bytes
    if written.count <= JSON5.maximumBytes {
      require((try? JSON5.read(written.span))?.json == json, "strict JSON is JSON5 with the same meaning")
    }
  }

  static let strictJSON = FuzzTarget(name: "strict-json") { bytes in
    let checked = (try? StrictJSON.check(bytes)) != nil
    guard let json = try? StrictJSON.object(bytes) else { return require(!checked, "check and read agree") }
    let written = json.bytes
    require(checked && bytes.equals(written.span), "what is read is written as the same bytes")
    _ = try? RecordLine(bytes)
  }
}
