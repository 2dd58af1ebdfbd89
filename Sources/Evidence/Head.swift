public import Archive
public import Record

/// A published head line: the witness outside the machine that a final seal existed (design section 5).
///
///     muhur-head-1 ID NUMBER DAY SHA256(p7s)
public struct Head: Hashable, Sendable, CustomStringConvertible {
  public static let format = "muhur-head-1"

  public var log: String
  public var number: Int
  public var day: CalendarDay
  public var p7s: Digest

  public init(log: String, number: Int, day: CalendarDay, p7s: Digest) {
    self.log = log
    self.number = number
    self.day = day
    self.p7s = p7s
  }

  public var description: String { "\(Self.format) \(log) \(number) \(day) \(p7s)" }

  /// Why a file of head lines cannot be used.
  public struct Unusable: Error, Sendable, CustomStringConvertible { public var description: String }

  /// The head lines of a text; what stands before `muhur-head-1` on a line is skipped, and so are lines without it.
  /// - Throws: where there is none, or one is damaged.
  public static func lines(_ text: [UInt8]) throws(Unusable) -> [Head] {
    var out: [Head] = []
    for line in text.split(separator: 0x0a) {
      guard let start = behindFormat(line) else { continue }
      let rest = line[start...].split { $0 == 0x20 || $0 == 0x09 || $0 == 0x0d }.prefix(4).map { String(decoding: $0, as: UTF8.self) }
      guard rest.count == 4, LogIdentity.isID(rest[0]), let number = Int(rest[1]), number >= 1, number <= Layout.highestSeal,
        String(number) == rest[1], let day = CalendarDay(rest[2]), let hash = Digest(hex: rest[3])
      else { throw Unusable(description: "not a whole head line: \(visible(line))") }
      out.append(Head(log: rest[0], number: number, day: day, p7s: hash))
    }
    guard !out.isEmpty else { throw Unusable(description: "holds no head line (muhur-head-1 ID NUMBER DAY SHA256)") }
    return out
  }

  /// Where a line goes on behind the last `muhur-head-1` that ends as a word; what stands before it may touch it, as the `>`
  /// of a quoted letter does.
  private static func behindFormat(_ line: ArraySlice<UInt8>) -> Int? {
    let format = Array(format.utf8)
    var end = line.endIndex
    while end - line.startIndex >= format.count {
      let ends = end == line.endIndex || [0x20, 0x09, 0x0d].contains(line[end])
      if ends, line[end - format.count..<end].elementsEqual(format) { return end }
      end -= 1
    }
    return nil
  }
}
