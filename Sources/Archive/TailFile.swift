import Glibc
import Record

/// A tail: plain records, the first of which has the number in the file's name. It may grow while it is read, and its file
/// may be unlinked; what was opened stays readable.
final class TailFile {
  private let file: RegularFile
  let first: Int
  /// The number of the record that `nextLine` gives next.
  private(set) var next: Int
  private var buffer: UnsafeMutableRawBufferPointer
  private var position = 0
  private var filled = 0
  private var offset = 0

  /// Set once a record in it was found to be another than elsewhere.
  var differs = false

  private static let chunk = 1 << 16

  init(_ folder: DayFolder, first: Int) throws(ArchiveError) {
    file = try folder.open(Layout.tail(first: first))
    self.first = first
    next = first
    buffer = .allocate(byteCount: 2 * Self.chunk, alignment: 16)
  }

  deinit { buffer.deallocate() }

  var name: String { file.name }
  /// Whether bytes without LF stand at the end, once `nextLine` has given nil.
  var isTorn: Bool { filled > position }

  /// The next whole line, without LF, valid until the next call; nil where there is none, or not yet.
  /// - Throws: `.malformed` for a line over 1 MiB.
  func nextLine() throws(ArchiveError) -> UnsafeRawBufferPointer? {
    guard let line = try peek() else { return nil }
    position += line.count + 1
    next += 1
    return line
  }

  /// The same line again and again, until `nextLine` takes it.
  func peek() throws(ArchiveError) -> UnsafeRawBufferPointer? {
    var searched = position
    while true {
      if filled > searched, let base = buffer.baseAddress, let lf = memchr(base + searched, 0x0a, filled - searched) {
        let end = UnsafeRawPointer(lf) - UnsafeRawPointer(base)
        guard end - position <= StrictJSON.maximumLine else { throw tooLong }
        return UnsafeRawBufferPointer(rebasing: buffer[position..<end])
      }
      guard filled - position <= StrictJSON.maximumLine else { throw tooLong }
      makeRoom()
      searched = filled
      let n = try file.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]), at: offset)
      if n == 0 { return nil }
      filled += n
      offset += n
    }
  }

  private var tooLong: ArchiveError { ArchiveError(.malformed, file.name, "record \(next): a line over 1 MiB") }

  /// Moves the beginning of a line to the front, and grows the buffer where a line fills it.
  private func makeRoom() {
    guard let base = buffer.baseAddress else { return }
    if position > 0 {
      memmove(base, base + position, filled - position)
      filled -= position
      position = 0
    }
    guard buffer.count - filled < Self.chunk else { return }
    let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: 2 * buffer.count, alignment: 16)
    larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[0..<filled]))
    buffer.deallocate()
    buffer = larger
  }
}
