import Record
import Testing

@Suite struct AddressTests {
  static let written = [
    ("10.20.3.57", "10.20.3.57"), ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"),
    ("2001:DB8:20:3:0:0:0:81", "2001:db8:20:3::81"), ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
    ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
    ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("::ffff:192.0.2.1", "192.0.2.1"), ("::ffff:c000:201", "192.0.2.1"),
    ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"), ("fe80::0001", "fe80::1"), ("1:0:0:0:0:0:0:0", "1::"), ("0:0:1::", "0:0:1::"),
  ]

  @Test("addresses are written in their one form (RFC 5952)", arguments: written)
  func canonical(_ text: String, _ written: String) throws {
    let address = try #require(IPAddress(text))
    #expect(address.description == written)
    #expect(IPAddress(written) == address)
    #expect(IPAddress(bytes: address.bytes.span)?.description == address.description)
  }

  @Test(
    "nothing but an address is one",
    arguments: [
      "", "1", "10.20.3", "10.20.3.300", "10.20.3.", "010.1.1.1", "10.20.3.4.5", "10.20.3.4 ", " 10.20.3.4", "10..3.4", ":", ":::",
      "1::2::3", "1:2:3:4:5:6:7",
      "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "12345::", "fe80::1%eth0", "[::1]", "::1/64", "g::", "1:", ":1", "::1.2.3", "1.2.3.4::",
      "::1.2.3.4:5", "0x1::",
    ])
  func rejects(_ text: String) { #expect(IPAddress(text) == nil) }

  @Test("a block holds its addresses and no other")
  func prefixes() throws {
    let block = try #require(IPPrefix("10.20.0.0/16"))
    let inside = try #require(IPAddress("10.20.255.1"))
    let outside = try #require(IPAddress("10.21.0.0"))
    #expect(block.contains(inside) && !block.contains(outside))
    let all = try #require(IPPrefix("0.0.0.0/0"))
    let loopback = try #require(IPAddress("::1"))
    #expect(all.contains(outside) && !all.contains(loopback))
    let everything = try #require(IPPrefix("::/0"))
    #expect(everything.contains(loopback))
    #expect(IPPrefix("2001:db8::1")?.length == 128)
    #expect(IPPrefix("2001:db8::/56")?.description == "2001:db8::/56")
    for text in ["10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/1x", "/8", "10.0.0.0/0008"] {
      #expect(IPPrefix(text) == nil, "\(text)")
    }
  }

  @Test(
    "MAC addresses are read in every device's form and written in one",
    arguments: [
      "3c:52:82:1a:7f:09", "3C-52-82-1A-7F-09", "3c52.821a.7f09", "3c52-821a-7f09", "3C52821A7F09", "3c:52:82:1a:7f:9",
    ])
  func mac(_ text: String) { #expect(MACAddress(text)?.description == "3c:52:82:1a:7f:09") }

  @Test(
    "nothing but a MAC address is one",
    arguments: [
      "", "3c:52:82:1a:7f", "3c:52:82:1a:7f:09:11", "3c:52:82:1a:7f:", ":52:82:1a:7f:09", "3c-52:82:1a:7f:09", "3c:52:82:1a:7f:123",
      "3-52-82-1a-7f-09",
      "3c52.821a.7f0", "3c52.821a", "3c52-821a-7f", "3c52-821a.7f09", "3c:52-821a-7f09", "3c52821a7f0", "3c52821a7f091",
      "gg:52:82:1a:7f:09", "3c 52 82 1a 7f 09",
    ])
  func macRejects(_ text: String) { #expect(MACAddress(text) == nil) }

  @Test("the locally administered and the group bit are told apart")
  func bits() {
    #expect(MACAddress("02:00:00:00:00:01")?.isLocallyAdministered == true)
    #expect(MACAddress("3c:52:82:1a:7f:09")?.isLocallyAdministered == false)
    #expect(MACAddress("01:00:5e:00:00:01")?.isGroup == true)
    #expect(MACAddress("02:00:00:00:00:01")?.isGroup == false)
  }

  @Test(
    "base64 is read only as it is written",
    arguments: [
      ("", [] as [UInt8]), ("AA==", [0]), ("AAA=", [0, 0]), ("AAAA", [0, 0, 0]), ("+/8=", [0xfb, 0xff]),
    ])
  func base64(_ text: String, _ bytes: [UInt8]) {
    #expect(Base64.bytes(Array(text.utf8).span) == bytes)
    var written: [UInt8] = []
    written.append(base64: bytes.span)
    #expect(String(decoding: written, as: UTF8.self) == text)
  }

  @Test(
    "base64 with loose bits, blanks or wrong padding is refused",
    arguments: ["A", "AA", "AAA", "AB==", "AAB=", "AA=A", "A===", "AA= ", "AA==AA==", "AA\n="])
  func base64Rejects(_ text: String) { #expect(Base64.bytes(Array(text.utf8).span) == nil) }

  @Test("hexadecimal is lower case")
  func hex() {
    #expect(Hex.text([0, 0xab]) == "00ab")
    #expect(Hex.bytes(lowerCase: "00ab") == [0, 0xab])
    for text in ["0", "0A", "0g", "00 "] { #expect(Hex.bytes(lowerCase: text) == nil, "\(text)") }
  }
}
