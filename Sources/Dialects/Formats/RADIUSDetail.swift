import Record
import Syslog

/// FreeRADIUS detail files (rlm_detail): a request a paragraph, a line with the time, then a line an attribute.
///
///     Fri Nov 20 10:15:02 2026
///     <tab>Acct-Status-Type = Start
///     <tab>User-Name = "mehmet.y"
///     <tab>Framed-IP-Address = 10.20.3.57
///     <tab>Calling-Station-Id = "3C-52-82-1A-7F-09"
///     <tab>Timestamp = 1795158902
///
/// `Timestamp` is when the server had it, in Unix seconds; without it the first line counts, by the source's clock.
/// An accounting request of a user (RFC 2866) gives a login; Accounting-On and -Off name nobody.
enum RADIUSDetail {
  /// `Fri Nov 20 10:15:02 2026`
  static func isHeader(_ line: Span<UInt8>) -> Bool { time(line) != nil }

  /// As ctime(3) writes it: the name of the day, then a time with its year.
  private static func time(_ line: Span<UInt8>) -> DeviceTime? {
    let line = line.trimmed()
    guard line.count >= 20, line[0].isLetter, line[1].isLetter, line[2].isLetter, line[3] == 0x20, let read = DeviceTime.bsd(line, at: 4),
      read.end == line.count
    else { return nil }
    return read.time
  }

  private struct Request {
    var action: StaticString?
    var isOther = false
    var user: [UInt8] = []
    var ip: IPAddress?
    var session: [UInt8] = []
    var nas: [UInt8] = []
    var nasAddress: [UInt8] = []
    var calling: [UInt8] = []
    var called: [UInt8] = []
    var tunnelClient: [UInt8] = []
    var portType: [UInt8] = []
    var timestamp: Int64?
  }

  static func read(
    _ entry: Span<UInt8>, charset: Charset, source: borrowing SourceReading, into events: inout EventList
  ) -> EntryOutcome {
    var request = Request()
    var lines = Fields(entry, separator: 0x0a)
    guard let header = lines.next() else { return .nothing }
    let headerTime = time(header)
    guard headerTime != nil || header.count > 0 && !header[0].isBlank else { return .notUnderstood }
    while let line = lines.next() {
      let line = line.trimmed()
      if line.count == 0 { continue }
      guard take(line, &request) else { return .notUnderstood }
    }
    // Other packets (Access-Request), and what the access point says of itself.
    guard let action = request.action else { return request.isOther ? .nothing : .notUnderstood }
    guard !request.user.isEmpty else { return .nothing }
    events.begin(.login, action: action)
    events.set(.user, name: request.user.span, charset)
    if let ip = request.ip { events.set(.ip, ip) }
    events.set(.method, word: "radius")
    events.set(.sessionID, name: request.session.span, charset)
    events.set(.nas, name: (request.nas.isEmpty ? request.nasAddress : request.nas).span, charset)
    setPlace(request, charset, &events)
    if let seconds = request.timestamp {
      events.set(.time, seconds: seconds, in: source.zone)
    } else if let time = headerTime?.resolved(zone: source.zone, received: 0) {
      events.set(.time, time)
    }
    events.close("radius-detail/1", source)
    return .events
  }

  /// `Name = value`.
  private static func take(_ line: Span<UInt8>, _ request: inout Request) -> Bool {
    guard let equals = line.firstIndex(of: 0x3d), equals > 1, line[equals - 1] == 0x20 else { return false }
    let name = line.extracting(0..<equals - 1)
    let value = unquoted(line.extracting(equals + 1..<line.count).trimmed())
    let text = value.span
    if name.equals("Acct-Status-Type") {
      if text.equals("Start") || text.equals("1") {
        request.action = "start"
      } else if text.equals("Stop") || text.equals("2") {
        request.action = "stop"
      } else if text.equals("Interim-Update") || text.equals("Alive") || text.equals("3") {
        request.action = "update"
      } else {
        request.isOther = true
      }
    } else if name.equals("Packet-Type") {
      if !text.equals("Accounting-Request") { request.isOther = true }
    } else if name.equals("User-Name") {
      request.user = value
    } else if name.equals("Framed-IP-Address") {
      // RFC 2865 section 5.8: these two say that the address is still to be chosen.
      if let ip = IPAddress(text: text), ip.value != 0xffff_0000_0000, ip.value != 0xffff_ffff_ffff, ip.value != 0xffff_ffff_fffe {
        request.ip = ip
      }
    } else if name.equals("Framed-IPv6-Address") {
      if request.ip == nil { request.ip = IPAddress(text: text) }
    } else if name.equals("Acct-Session-Id") {
      request.session = value
    } else if name.equals("NAS-Identifier") {
      request.nas = value
    } else if name.equals("NAS-IP-Address") || name.equals("NAS-IPv6-Address") {
      request.nasAddress = value
    } else if name.equals("Calling-Station-Id") {
      request.calling = value
    } else if name.equals("Called-Station-Id") {
      request.called = value
    } else if name.equals("Tunnel-Client-Endpoint") || name.equals("Tunnel-Client-Endpoint:0") {
      request.tunnelClient = value
    } else if name.equals("NAS-Port-Type") {
      request.portType = value
    } else if name.equals("Timestamp") {
      request.timestamp = text.unixSeconds
    }
    return true
  }

  /// Where the user sits: RFC 3580 section 3.20 and 3.21 have MAC addresses there; telephone numbers and, of VPN servers,
  /// addresses outside are as usual.
  private static func setPlace(_ request: Request, _ charset: Charset, _ events: inout EventList) {
    let calling = request.calling.span
    let isWireless = request.portType.span.starts(with: "Wireless-802.11") || request.portType.span.equals("Ethernet")
    let called = request.called.span
    let calledIsMAC = called.count >= 17 && MACAddress(text: called.extracting(0..<17)) != nil
    if calledIsMAC, called.count > 18, called[17] == 0x3a { events.set(.ssid, name: called.extracting(18..<called.count), charset) }
    if calling.count > 0 {
      var digits = calling
      if calling[0] == 0x2b { digits = calling.extracting(1..<calling.count) }
      let isNumber = (7...15).contains(digits.count) && digits.decimal != nil
      // Twelve digits that begin with 905 are a Turkish mobile number as well as a MAC address.
      let isUnclear = isNumber && digits.count == 12 && digits.starts(with: "905") && !isWireless && !calledIsMAC
      if isUnclear, calling[0] != 0x2b {
        // Not guessed.
      } else if let mac = MACAddress(text: calling) {
        if !mac.isGroup { events.set(.mac, mac) }
      } else if let outer = IPAddress(text: calling) {
        events.set(.outerIP, outer)
      } else if isNumber {
        events.set(.phone, text: calling)
      }
    }
    if !events.has(.outerIP), let outer = IPAddress(text: request.tunnelClient.span) { events.set(.outerIP, outer) }
  }

  /// A value in quotes has `\"`, `\\`, `\n`, `\r`, `\t` and `\ooo` in it (src/lib/print.c of FreeRADIUS).
  private static func unquoted(_ text: Span<UInt8>) -> [UInt8] {
    guard text.count >= 2, text[0] == 0x22, text[text.count - 1] == 0x22 else { return text.array }
    return text.extracting(1..<text.count - 1).unescaped
  }
}

extension Span<UInt8> {
  /// With `\ooo` and `\"` and the like put right.
  var unescaped: [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(count)
    var i = 0
    while i < count {
      guard self[i] == 0x5c, i + 1 < count else {
        out.append(self[i])
        i += 1
        continue
      }
      i += 1
      var digits = 0
      var value = 0
      while digits < 3, i + digits < count, self[i + digits] &- 0x30 < 8 {
        value = value * 8 + Int(self[i + digits] &- 0x30)
        digits += 1
      }
      if digits > 0 {
        out.append(UInt8(truncatingIfNeeded: value))
        i += digits
        continue
      }
      switch self[i] {
      case 0x6e: out.append(0x0a)
      case 0x72: out.append(0x0d)
      case 0x74: out.append(0x09)
      case 0x62: out.append(0x08)
      default: out.append(self[i])
      }
      i += 1
    }
    return out
  }
}
