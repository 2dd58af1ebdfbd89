import Record

/// Cuts a file into its entries: lines, dhcpd's blocks, FreeRADIUS's paragraphs. It is given the file's bytes in parts of
/// any size, in order; what is unfinished at a part's end waits for the next part. Work is proportional to the bytes.
///
/// An entry's bytes are the file's own: a line without its LF, a whole multi-line entry without the white space around it.
/// Of a longer one than `limit` the first bytes are kept, and its length is told.
public struct EntryFraming: Sendable {
  /// Longer entries are cut, as messages from the network are.
  public static let limit = 65_535

  enum Shape: Sendable { case lines, wideLines(bigEndian: Bool), blocks, paragraphs }

  private let shape: Shape
  /// The place in the file of the byte that is taken next.
  public private(set) var position: Int
  /// What is kept of the entry at hand, its whole length, and where it begins.
  private var entry: [UInt8] = []
  private var length = 0
  private var start: Int

  /// White space that belongs to the entry only if more of it follows (at most `limit` bytes are kept).
  private var held: [UInt8] = []
  private var heldLength = 0
  /// Whether nothing but white space has come since the last LF.
  private var lineIsBlank = true
  /// Place in its line of the byte that is taken next.
  private var column = 0

  // dhcpd's blocks.
  private var depth = 0
  private var inString = false
  private var isEscaped = false
  private var inComment = false
  /// The first bytes of a line within a block that begins at its border.
  private var word: [UInt8]?

  // UTF-16.
  private var half: UInt8?

  /// Bytes looked at and bytes moved, for tests.
  private(set) var steps = 0

  /// - Parameter position: where in the file the first byte given stands.
  public init(_ format: FileFormat, _ encoding: FileEncoding = .narrow, at position: Int = 0) {
    switch (format, encoding) {
    case (.iscLeases, _): shape = .blocks
    case (.radiusDetail, _): shape = .paragraphs
    case (_, .utf16LittleEndian): shape = .wideLines(bigEndian: false)
    case (_, .utf16BigEndian): shape = .wideLines(bigEndian: true)
    default: shape = .lines
    }
    self.position = position
    start = position
  }

  /// Where the next entry begins, or may begin: nothing before it is needed again.
  public var unfinished: Int { length > 0 ? start : position }
  /// Whether part of an entry waits for the rest.
  public var isUnfinished: Bool { length > 0 || word != nil }

  public typealias Body<E: Error> = (_ entry: [UInt8], _ at: Int, _ length: Int) throws(E) -> Void

  /// Takes the next bytes of the file.
  /// - Parameter body: gets each entry that ends in them: its bytes (cut at `limit`), where it begins, how long it is.
  public mutating func take<E: Error>(_ part: Span<UInt8>, _ body: Body<E>) throws(E) {
    steps += part.count
    switch shape {
    case .lines: try lines(part, body)
    case .wideLines(let bigEndian): try wideLines(part, bigEndian, body)
    case .blocks: for i in part.indices { try block(part[i], body) }
    case .paragraphs: for i in part.indices { try paragraph(part[i], body) }
    }
  }

  /// The file is at its end and nothing will be added to it: what is unfinished is an entry.
  public mutating func finish<E: Error>(_ body: Body<E>) throws(E) {
    settleWord()
    if length > 0 { try give(body) }
    reset()
  }

  // MARK: - The entry at hand

  private mutating func append(_ byte: UInt8) {
    if length == 0 { start = position }
    if entry.count < Self.limit { entry.append(byte) }
    length += 1
  }

  private mutating func give<E: Error>(_ body: Body<E>) throws(E) {
    defer { reset() }
    try body(entry, start, length)
  }

  private mutating func reset() {
    entry.removeAll(keepingCapacity: true)
    length = 0
    held.removeAll(keepingCapacity: true)
    heldLength = 0
    depth = 0
    inString = false
    isEscaped = false
    inComment = false
    word = nil
  }

  /// White space: part of the entry if more of it comes.
  private mutating func hold(_ byte: UInt8) {
    guard length > 0 else { return }
    if entry.count + held.count < Self.limit { held.append(byte) }
    heldLength += 1
  }

  private mutating func release() {
    guard heldLength > 0 else { return }
    entry += held
    length += heldLength
    steps += held.count
    held.removeAll(keepingCapacity: true)
    heldLength = 0
  }

  // MARK: - Lines

  private mutating func lines<E: Error>(_ part: Span<UInt8>, _ body: Body<E>) throws(E) {
    var from = 0
    while from < part.count {
      let lf = part.firstIndex(of: 0x0a, from: from)
      let end = lf ?? part.count
      if length == 0 { start = position }
      let room = max(0, Self.limit - entry.count)
      entry.append(part.extracting(from..<min(end, from + room)))
      length += end - from
      position += end - from
      from = end
      guard lf != nil else { return }
      position += 1
      from += 1
      try giveLine(body)
    }
  }

  /// An empty line is no message, whatever ends it.
  private mutating func giveLine<E: Error>(_ body: Body<E>) throws(E) {
    let isEmpty = length == 0 || length == 1 && entry == [0x0d] || length == 2 && (entry == [0x0d, 0] || entry == [0, 0x0d])
    if isEmpty { reset() } else { try give(body) }
  }

  private mutating func wideLines<E: Error>(_ part: Span<UInt8>, _ bigEndian: Bool, _ body: Body<E>) throws(E) {
    for i in part.indices {
      let byte = part[i]
      // Characters stand at even places, the byte order mark being the first.
      if let first = half {
        half = nil
        if (bigEndian ? (first, byte) : (byte, first)) == (0, 0x0a) {
          position += 1
          try giveLine(body)
        } else {
          position -= 1
          append(first)
          position += 1
          append(byte)
          position += 1
        }
      } else {
        half = byte
        position += 1
      }
    }
  }

  // MARK: - Paragraphs

  /// Lines up to an empty one; a line at the border after indented ones begins the next (its empty line is missing).
  private mutating func paragraph<E: Error>(_ byte: UInt8, _ body: Body<E>) throws(E) {
    defer {
      position += 1
      column = byte == 0x0a ? 0 : column + 1
    }
    switch byte {
    case 0x0a:
      if lineIsBlank, length > 0 { try give(body) } else { hold(byte) }
      lineIsBlank = true
    case 0x20, 0x09, 0x0d: hold(byte)
    default:
      if column == 0, length > 0 { try give(body) }
      lineIsBlank = false
      release()
      append(byte)
    }
  }

  // MARK: - Blocks

  private mutating func block<E: Error>(_ byte: UInt8, _ body: Body<E>) throws(E) {
    defer {
      position += 1
      column = byte == 0x0a ? 0 : column + 1
    }
    if byte == 0x0a {
      settleWord()
      // Neither a comment nor a string goes beyond its line: dhcpd writes a line feed as \012.
      if inComment, depth == 0, length > 0 { return try give(body) }
      inComment = false
      inString = false
      isEscaped = false
      return hold(byte)
    }
    if column == 0, length > 0, byte.isLetter, !inComment { word = [] }
    if var begun = word {
      guard byte.isLetter || byte == 0x2d, begun.count < 9 else {
        if Self.isBlockWord(begun.span), byte.isBlank {
          // The block before was never ended, as a power cut leaves it.
          let at = position - begun.count
          try give(body)
          start = at
          entry = begun
          length = begun.count
          return hold(byte)
        }
        settleWord()
        return try inBlock(byte, body)
      }
      begun.append(byte)
      word = begun
      return
    }
    try inBlock(byte, body)
  }

  private static func isBlockWord(_ word: Span<UInt8>) -> Bool {
    word.equals("lease") || word.equals("ia-na") || word.equals("ia-ta") || word.equals("ia-pd") || word.equals("failover")
  }

  /// A word at the border that begins no block belongs to the entry at hand.
  private mutating func settleWord() {
    guard let begun = word else { return }
    word = nil
    release()
    for i in begun.indices where entry.count < Self.limit { entry.append(begun[i]) }
    length += begun.count
  }

  private mutating func inBlock<E: Error>(_ byte: UInt8, _ body: Body<E>) throws(E) {
    if byte.isBlank || byte == 0x0d, !inString { return hold(byte) }
    release()
    append(byte)
    if inComment { return }
    if inString {
      if isEscaped {
        isEscaped = false
      } else if byte == 0x5c {
        isEscaped = true
      } else if byte == 0x22 {
        inString = false
      }
      return
    }
    switch byte {
    case 0x23: inComment = true
    case 0x22: inString = true
    case 0x7b: depth += 1
    case 0x7d:
      depth -= 1
      if depth <= 0 { try give(body) }
    case 0x3b: if depth == 0 { try give(body) }
    default: break
    }
  }
}
