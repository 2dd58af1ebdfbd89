import Record

/// The audit log of the DHCP server of Windows (`DhcpSrvLog-Mon.log`, `DhcpV6SrvLog-Mon.log`). What its lines mean the
/// dialect `windows-dhcp` says; here is only what tells such a file from others.
///
/// Titles and descriptions are in the language of the server, so they are not looked at: a line begins with a number, a
/// date (month/day/year in every language) and a time of day.
enum WindowsDHCPLog {
  /// `10,11/20/26,08:01:12,Assign,10.20.3.57,…`
  static func isLine(_ line: Span<UInt8>) -> Bool {
    if line.starts(with: "ID,Date,Time,Description") { return true }
    var fields = Fields(line, separator: 0x2c)
    guard let id = fields.next(), (2...5).contains(id.count), id.decimal != nil, let date = fields.next(), date.count == 8,
      date[2] == 0x2f, date[5] == 0x2f, date.extracting(0..<2).decimal != nil, let time = fields.next(), time.count == 8
    else { return false }
    return ClockTime(text: time, at: 0) != nil
  }
}
