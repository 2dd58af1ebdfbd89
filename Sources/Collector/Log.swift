import Glibc

/// What the daemon says to whoever runs it: a line on standard error, with the level that journald understands
/// (sd-daemon(3)) where that is where it goes.
enum Log {
  private static let toJournal = getenv("JOURNAL_STREAM") != nil

  static func error(_ text: String) { write("<3>", "error: ", text) }
  static func warning(_ text: String) { write("<4>", "warning: ", text) }
  static func info(_ text: String) { write("<6>", "", text) }

  private static func write(_ level: String, _ word: String, _ text: String) {
    let line = (toJournal ? level : "muhurd: \(word)") + text + "\n"
    var bytes = Array(line.utf8)
    // One write, so that lines of several threads do not mix.
    _ = Glibc.write(2, &bytes, bytes.count)
  }
}
