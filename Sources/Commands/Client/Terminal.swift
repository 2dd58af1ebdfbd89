import Glibc
import Record
import Synchronization

/// Standard output and standard error of a command.
/// Sendable: nothing in it changes but one atomic.
final class Terminal: Sendable {
  let program: String
  let style = Style.of(1)
  let errorStyle = Style.of(2)
  private let showsProgress = isatty(2) == 1
  private let progressIsShown = Atomic(false)

  init(program: String) { self.program = program }

  /// - Returns: false where the output cannot be written (a full disk): then the answer was not given.
  func write(_ bytes: [UInt8], to descriptor: CInt = 1) -> Bool {
    var at = 0
    while at < bytes.count {
      let n = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress?.advanced(by: at), $0.count - at) }
      if n < 0, errno == EINTR { continue }
      guard n > 0 else { return false }
      at += n
    }
    return true
  }

  func write(_ text: String) -> Bool { write(Array(text.utf8)) }

  /// A line that the next replaces; only where somebody looks.
  func progress(_ line: String) {
    guard showsProgress else { return }
    _ = write(Array("\r\u{1b}[K\(visible(line))".utf8), to: 2)
    progressIsShown.store(true, ordering: .relaxed)
  }

  func endProgress() {
    if progressIsShown.exchange(false, ordering: .relaxed) { _ = write(Array("\r\u{1b}[K".utf8), to: 2) }
  }

  /// A line that begins with a space goes on with the one before.
  func say(_ line: String) {
    endProgress()
    _ = write(Array((line.hasPrefix(" ") ? "" : program + ": ").utf8) + Array("\(visible(line))\n".utf8), to: 2)
  }

  func complain(_ words: String, hint: String? = nil) {
    endProgress()
    // The words may hold what somebody else wrote; our own marks of quotation stay.
    _ = write(Array("\(program): \(errorStyle.bad("error:")) \(visible(words))\n".utf8), to: 2)
    if let hint { _ = write(Array("  \(visible(hint))\n".utf8), to: 2) }
  }
}
