import Record
import Testing

@testable import Syslog

@Suite struct SequenceNumberTests {
  private func number(_ text: String) -> Int64? {
    let bytes = Array(text.utf8)
    return SyslogMessage(bytes.span).sequenceNumber(bytes.span)
  }

  @Test(
    "the number that a sender gives its message",
    arguments: [
      // RFC 5424 section 7.3.1
      (#"<13>1 2026-11-20T10:15:02Z h a - - [meta sequenceId="29"] m"#, 29),
      (
        #"<13>1 2026-11-20T10:15:02Z h a - - [x y="\"\]" z="[meta"][meta sysUpTime="1" sequenceId="2147483647" language="tr"] m"#,
        2_147_483_647
      ),
      (#"<13>1 2026-11-20T10:15:02Z h a - - [x y=" sequenceId=\"7\""] m"#, nil),
      (#"<13>1 2026-11-20T10:15:02Z h a - - [metas sequenceId="7"] m"#, nil),
      (#"<13>1 2026-11-20T10:15:02Z h a - - [meta sequenceId="x"] m"#, nil),
      (#"<13>1 2026-11-20T10:15:02Z h a - - [meta sequenceId=""] m"#, nil),
      (#"<13>1 2026-11-20T10:15:02Z h a - - [meta sequenceId="99999999999"] m"#, nil),
      (#"<13>1 2026-11-20T10:15:02Z h a - - - [meta sequenceId="7"] in the text"#, nil),
      // Cisco: the number for this destination, then the device's own.
      ("<189>44123: *Mar  1 18:48:50.483 UTC: %SYS-5-CONFIG_I: Configured", 44123),
      ("<189>44124: router1: *Mar  1 18:48:50.483 UTC: %SYS-5-CONFIG_I: Configured", 44124),
      ("<189>44125: 000207: *Mar  1 18:48:50.483 UTC: %SYS-5-CONFIG_I: Configured", 44125),
      ("<189>000208: Nov 20 10:15:02: %SYS-5-CONFIG_I: Configured", 208),
      ("<189>Nov 20 10:15:02: %SYS-5-CONFIG_I: Configured", nil), ("<30>12: a text that begins with a number", nil),
    ] as [(String, Int64?)])
  func numbers(_ text: String, _ expected: Int64?) { #expect(number(text) == expected) }
}
