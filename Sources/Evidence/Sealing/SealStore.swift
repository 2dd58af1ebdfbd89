public import Archive
public import Record

/// The seals of an archive as they lie on disk, for who goes on with them. Nothing is judged here beyond what it takes to
/// make the next one.
public struct SealStore: Sendable {
  public struct Entry: Sendable {
    public var number: Int
    public var day: CalendarDay
    public var isSigned: Bool
    /// File names of its tokens.
    public var tokens: [String]
  }

  public let archive: ArchiveFolder

  public init(_ archive: ArchiveFolder) { self.archive = archive }

  public func path(_ number: Int, _ day: CalendarDay, _ file: Layout.SealFile) -> String {
    archive.day(day).path(Layout.path(Layout.seals, Layout.seal(number, file)))
  }

  /// All that have a .json, in order of number.
  public func entries() throws(ArchiveError) -> [Entry] {
    var out: [Entry] = []
    for day in try archive.days() { out += try entries(of: day) }
    return out.sorted { $0.number < $1.number }
  }

  /// The newest that is signed; nil where there is none.
  public func newest() throws(ArchiveError) -> Seal? {
    for day in try archive.days().reversed() {
      if let last = try entries(of: day).last(where: \.isSigned) { return try seal(last.number, day) }
    }
    return nil
  }

  public func entries(of day: CalendarDay) throws(ArchiveError) -> [Entry] {
    let folder = archive.day(day)
    var found: [Int: (json: Bool, signed: Bool, tokens: [String])] = [:]
    for entry in try folderEntries(folder.path(Layout.seals), name: folder.name(Layout.seals)) ?? [] where entry.kind == .file {
      guard let (number, file) = Layout.sealFile(entry.name) else { continue }
      var one = found[number] ?? (false, false, [])
      switch file {
      case .json: one.json = true
      case .signature: one.signed = true
      case .token: one.tokens.append(entry.name)
      }
      found[number] = one
    }
    return found.filter { $0.value.json }.map { Entry(number: $0.key, day: day, isSigned: $0.value.signed, tokens: $0.value.tokens) }
      .sorted { $0.number < $1.number }
  }

  public func bytes(_ number: Int, _ day: CalendarDay, _ file: Layout.SealFile) throws(ArchiveError) -> [UInt8] {
    let name = Layout.path(Layout.seals, Layout.seal(number, file))
    return try RegularFile.bytes(archive.day(day).path(name), name: archive.day(day).name(name), limit: 1 << 20)
  }

  public func seal(_ number: Int, _ day: CalendarDay) throws(ArchiveError) -> Seal {
    let bytes = try bytes(number, day, .json)
    do throws(Malformed) { return try Seal(fileBytes: bytes.span) } catch {
      throw ArchiveError(.malformed, path(number, day, .json), "\(error)")
    }
  }
}
