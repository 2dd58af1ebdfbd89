import Record

/// What goes over the control socket: a caller sends one request, the daemon answers with any number of pieces and an
/// end. Each message is a kind (one byte), the length of its content (four bytes, most significant first) and the content.
///
///     Q  request: {"arguments":["who","--at=…","--","10.20.3.57"]}; an open file may come along with it (SCM_RIGHTS)
///     P  progress, for people, replaced by the next
///     W  a line for standard error
///     A  a piece of the answer's JSON text
///     F  a piece of the file that the answer is, such as an evidence bundle; the caller's program places it
///     E  the end: the exit code as a decimal number
///
/// The arguments are those of the command line, read on both sides by the same table (`Arguments`): nothing that the
/// daemon does depends on what the caller's program has checked.
public struct Message: Sendable, Hashable {
  public enum Kind: UInt8, Sendable, CaseIterable {
    case request = 0x51
    case progress = 0x50
    case words = 0x57
    case answer = 0x41
    case file = 0x46
    case end = 0x45
  }

  public var kind: Kind
  public var content: [UInt8]

  public init(_ kind: Kind, _ content: [UInt8]) {
    self.kind = kind
    self.content = content
  }

  public static let headerBytes = 5
  /// An answer of any length goes in pieces of this size.
  public static let maximumContent = 1 << 18
  /// A request is a command line; more is an attack or a mistake.
  public static let maximumRequest = 1 << 16

  public var bytes: [UInt8] {
    var out = [kind.rawValue]
    for shift in [24, 16, 8, 0] { out.append(UInt8(truncatingIfNeeded: content.count >> shift)) }
    return out + content
  }

  /// Kind and length of the content, from the first five bytes.
  public static func header(_ bytes: Span<UInt8>) throws(Malformed) -> (kind: Kind, count: Int) {
    var cursor = ByteCursor(bytes)
    guard let kind = Kind(rawValue: try cursor.uint8("kind of message")) else { throw Malformed(offset: 0, field: "kind of message") }
    let count = Int(try cursor.uint32("length of message"))
    guard count <= (kind == .request ? maximumRequest : maximumContent) else { throw Malformed(offset: 1, field: "length of message") }
    return (kind, count)
  }
}

/// A command that a caller wants carried out.
public struct Request: Sendable, Hashable {
  /// The command, its options and its words.
  public var arguments: [String]

  public static let maximumArguments = 1024

  public init(arguments: [String]) { self.arguments = arguments }

  public init(content: Span<UInt8>) throws(Malformed) {
    let json = try StrictJSON.object(content)
    guard let list = json["arguments"]?.array, list.count <= Self.maximumArguments else { throw Malformed(offset: 0, field: "arguments") }
    arguments = []
    for value in list {
      // A NUL would end a path early where C reads it.
      guard let text = value.string, !text.utf8.contains(0) else { throw Malformed(offset: 0, field: "arguments") }
      arguments.append(text)
    }
  }

  public var content: [UInt8] {
    JSONValue.object([JSONMember("arguments", .array(arguments.map(JSONValue.string)))]).bytes
  }
}
