import Glibc
import Record

/// How text for people is written: with colour on a terminal, without elsewhere or where NO_COLOR asks so.
public struct Style: Sendable {
  public var colour: Bool

  public init(colour: Bool) { self.colour = colour }

  /// For this descriptor.
  public static func of(_ descriptor: CInt) -> Style {
    let refused = getenv("NO_COLOR").map { $0.pointee != 0 } ?? false
    let dumb = getenv("TERM").map { String(cString: $0) == "dumb" } ?? true
    return Style(colour: isatty(descriptor) == 1 && !refused && !dumb)
  }

  func strong(_ text: String) -> String { wrap(text, "1") }
  func good(_ text: String) -> String { wrap(text, "32") }
  func doubtful(_ text: String) -> String { wrap(text, "33") }
  func bad(_ text: String) -> String { wrap(text, "31") }
  func faint(_ text: String) -> String { wrap(text, "2") }

  private func wrap(_ text: String, _ code: String) -> String { colour ? "\u{1b}[\(code)m\(text)\u{1b}[0m" : text }

  func certainty(_ word: String) -> String {
    switch word {
    case "confirmed": good(word)
    case "likely": doubtful(word)
    default: bad(visible(word))
    }
  }
}

/// Values of an answer as people read them. Everything that came from outside passes `visible` here.
enum Words {
  static func text(_ value: JSONValue?) -> String? {
    switch value {
    case .string(let s)?: visible(s)
    case .integer(let i)?: String(i)
    case .bool(let b)?: b ? "yes" : "no"
    default: nil
    }
  }

  /// `2026-11-20 14:03:07 +03:00`; other text as it is.
  static func time(_ value: JSONValue?) -> String? {
    guard let text = value?.string else { return nil }
    guard let time = Timestamp(rfc3339: text) else { return visible(text) }
    return local(time)
  }

  /// The same, and in UTC beside it: where evidence is shown, so that nobody has to calculate.
  static func both(_ value: JSONValue?) -> String? {
    guard let text = value?.string else { return nil }
    guard let time = Timestamp(rfc3339: text) else { return visible(text) }
    let utc = time.at(offsetMinutes: 0)
    let written = utc.description.utf8.prefix { $0 != 0x2b }
    let date = time.localDay == utc.localDay ? written.dropFirst(11) : written
    return local(time) + " (" + String(Substring(date)).replacing("T", with: " ") + " UTC)"
  }

  private static func local(_ time: Timestamp) -> String {
    let text = time.description.replacing("T", with: " ")
    return String(text.dropLast(6)) + " " + text.suffix(6)
  }

  /// ` [collector-a]`: which of several logs says it; nothing where one was asked.
  static func log(_ value: JSONValue) -> String { text(value["log"]).map { " [\($0)]" } ?? "" }

  static func count(_ number: Int, _ one: String, _ many: String) -> String { "\(grouped(number)) \(number == 1 ? one : many)" }

  /// Thousands set apart by a comma.
  static func grouped(_ number: Int) -> String {
    let digits = String(number.magnitude)
    var out = number < 0 ? "-" : ""
    for (i, digit) in digits.enumerated() {
      if i > 0, (digits.utf8.count - i).isMultiple(of: 3) { out += "," }
      out.append(digit)
    }
    return out
  }
}

extension String {
  fileprivate func replacing(_ a: Character, with b: Character) -> String { String(map { $0 == a ? b : $0 }) }
}

/// Rows whose columns begin below each other.
struct Columns {
  private var rows: [[String]] = []
  private let right: Set<Int>

  /// - Parameter right: columns of numbers, set to the right.
  init(right: Set<Int> = []) { self.right = right }

  mutating func add(_ cells: [String?]) { rows.append(cells.map { $0 ?? "-" }) }

  func lines(heading: [String], _ style: Style) -> String {
    let all = [heading] + rows
    var widths = heading.map(\.count)
    for row in rows { for (i, cell) in row.enumerated() where i < widths.count { widths[i] = max(widths[i], cell.count) } }
    var out = ""
    for (n, row) in all.enumerated() {
      var line = ""
      for (i, cell) in row.enumerated() where i < widths.count {
        if i > 0 { line += "  " }
        line += right.contains(i) ? cell.padded(left: widths[i]) : i == widths.count - 1 ? cell : cell.padded(to: widths[i])
      }
      out += (n == 0 ? style.strong(line) : line) + "\n"
    }
    return out
  }
}
