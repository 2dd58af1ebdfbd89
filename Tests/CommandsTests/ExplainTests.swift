import Dialects
import Glibc
import Record
import Testing

@testable import Commands

@Suite struct ExplainTests {
  /// The answer to one message, given by a file of one line of base64.
  private func row(_ message: [UInt8], charset: Charset) throws -> JSONValue {
    var name = Array("/tmp/muhur-explain-XXXXXX".utf8CString)
    let descriptor = mkstemp(&name)
    try #require(descriptor >= 0)
    let path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer { unlink(path) }
    var line: [UInt8] = []
    line.append(base64: message.span)
    #expect(write(descriptor, line, line.count) == line.count)
    close(descriptor)
    guard case .run(let invocation) = try Arguments.read(["explain", "--base64", "--charset", charset.rawValue, path]) else {
      throw UsageError("no invocation")
    }
    let explain = ExplainMessages(dialects: .builtIn, reading: SourceReading(zone: .utc), charset: .utf8)
    var rows: [[UInt8]] = []
    _ = explain.run(invocation) { answer in
      rows.append(answer)
      return true
    }
    let answer = try #require(rows.first)
    return try StrictJSON.object(answer.span)
  }

  @Test("what is not UTF-8 is shown decoded, with its bytes beside it")
  func bytes() throws {
    let header = Array("<13>1 2026-11-20T10:15:02Z h a p m - ".utf8)
    let turkish = try row(header + [0xde, 0x65, 0x6d], charset: .windows1254)["syslog"]
    #expect(turkish?["message"]?.string == "Şem" && turkish?["message_base64"]?.string == "3mVt")
    let plain = try row(header + Array("Şem".utf8), charset: .windows1254)["syslog"]
    #expect(plain?["message"]?.string == "Şem" && plain?["message_base64"] == nil)
  }

  @Test("UTF-16 is read although its zeros are valid UTF-8")
  func wide() throws {
    let text = "<30>Nov 20 10:15:02 dhcp1 dhcpd[812]: DHCPACK on 10.20.3.57 to 3c:52:82:1a:7f:09 (SUKRAN) via eth0"
    let read = try row(text.utf8.flatMap { [$0, 0] }, charset: .utf16LittleEndian)
    #expect(read["syslog"]?["app"]?.string == "dhcpd" && read["events"]?.array?.first?["hostname"]?.string == "SUKRAN")
  }
}
