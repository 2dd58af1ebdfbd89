public import Archive
public import Record

/// What goes into an evidence bundle beside its page: records with their proofs, and the seals these lead to.
///
/// The seal of a record is the first that covers it and has a token; where none of its day has one, the first that covers
/// it. No other record's line, salt or unsalted hash is in it: a path is made of salted hashes.
public struct BundleMaking: Sendable {
  /// A record of the day's, from 0.
  public struct Place: Hashable, Sendable, Comparable {
    public var day: CalendarDay
    public var record: Int

    public init(day: CalendarDay, record: Int) {
      self.day = day
      self.record = record
    }

    public static func < (a: Place, b: Place) -> Bool { (a.day, a.record) < (b.day, b.record) }
  }

  /// A seal that is used.
  public struct SealFact: Sendable {
    public var number: Int
    public var day: CalendarDay
    public var made: Timestamp
    public var records: Int
    public var dropped: Int
    /// SHA-256 of the signer's certificate.
    public var signer: Digest
    /// What its tokens say, the earliest first.
    public var tokens: [Token]

    public struct Token: Sendable {
      /// As the file is called: `local`.
      public var authority: String
      /// Common name in its certificate.
      public var name: String
      public var time: Timestamp
      public var certificate: Digest
    }
  }

  public let log: LogIdentity
  public let file: BundleFile
  /// By number.
  public let seals: [SealFact]
  private let entries: [Zip.Entry]

  /// - Throws: `ArchiveError`: `.missing` where a record is not there, is not sealed, or is deleted; `.changed` where the
  ///   archive differs from the seal; `.malformed`.
  public init(_ archive: ArchiveFolder, _ places: [Place], progress: (String) -> Void = { _ in }) throws {
    log = try archive.log()
    let store = SealStore(archive)
    var chosen: [Place: SealStore.Entry] = [:]
    var used: [Int: (entry: SealStore.Entry, seal: Seal)] = [:]
    for (day, mine) in Dictionary(grouping: Set(places), by: \.day) {
      let signed = try store.entries(of: day).filter(\.isSigned)
      let seals = try signed.map { (entry: $0, seal: try store.seal($0.number, day)) }
      for place in mine {
        let covering = seals.filter { $0.seal.records > place.record }
        guard let best = covering.first(where: { !$0.entry.tokens.isEmpty }) ?? covering.first else {
          throw ArchiveError(.missing, archive.day(day).name, "no seal covers record \(place.record)")
        }
        chosen[place] = best.entry
        used[best.entry.number] = best
      }
    }
    var records: [BundleFile.Record] = []
    for (number, one) in used.sorted(by: { $0.key < $1.key }) {
      let wanted = chosen.filter { $0.value.number == number }.map(\.key).sorted()
      progress("proving \(wanted.count == 1 ? "a record" : "\(wanted.count) records") of \(one.seal.day)")
      let tree = try ProofTree(archive.day(one.seal.day), size: one.seal.records, wanted: Set(wanted.map(\.record)))
      guard tree.root == one.seal.root else {
        throw ArchiveError(.changed, archive.day(one.seal.day).name, "the records differ from seal \(number): muhur-verify says more")
      }
      for place in wanted {
        guard let leaf = tree.leaf(place.record) else { preconditionFailure("a wanted leaf is there") }
        records.append(
          BundleFile.Record(
            day: place.day, record: place.record, salt: leaf.salt, line: leaf.line, seal: number, path: leaf.path))
      }
    }
    file = BundleFile(records: records.sorted { ($0.day, $0.record) < ($1.day, $1.record) })
    var entries = [Zip.Entry(BundleLayout.bundle, file.fileBytes), Zip.Entry(BundleLayout.log, try archive.logBytes())]
    var certificates: [Digest: [UInt8]] = [:]
    var facts: [SealFact] = []
    for (_, one) in used.sorted(by: { $0.key < $1.key }) {
      facts.append(try Self.add(one.entry, one.seal, store, &entries, &certificates))
    }
    for (digest, der) in certificates.sorted(by: { $0.key.description < $1.key.description }) {
      entries.append(Zip.Entry(BundleLayout.certificate(digest), der))
    }
    self.entries = entries
    seals = facts
  }

  /// The files of one seal.
  private static func add(
    _ entry: SealStore.Entry, _ seal: Seal, _ store: SealStore, _ entries: inout [Zip.Entry], _ certificates: inout [Digest: [UInt8]]
  ) throws -> SealFact {
    func add(_ found: [Certificate]) { for certificate in found { certificates[certificate.sha256] = certificate.der } }
    let json = try store.bytes(entry.number, entry.day, .json)
    let p7s = try store.bytes(entry.number, entry.day, .signature)
    entries.append(Zip.Entry(BundleLayout.seal(entry.number, .json), json))
    entries.append(Zip.Entry(BundleLayout.seal(entry.number, .signature), p7s))
    let signature: Signature
    do throws(SignatureFault) { signature = try Signature(p7s, over: json) } catch {
      throw ArchiveError(.changed, Layout.seal(entry.number, .signature), "\(error)")
    }
    add([signature.certificate] + signature.others)
    var fact = SealFact(
      number: entry.number, day: entry.day, made: seal.made, records: seal.records, dropped: seal.dropped, signer: seal.signer, tokens: [])
    for name in entry.tokens.sorted() {
      guard case (_, .token(let authority))? = Layout.sealFile(name) else { continue }
      let response = try store.bytes(entry.number, entry.day, .token(authority: authority))
      do {
        let token = try TimeStampToken(response, over: p7s)
        add([token.certificate] + token.others)
        entries.append(Zip.Entry(BundleLayout.seals + name, response))
        entries.append(Zip.Entry(BundleLayout.token(of: BundleLayout.seals + name), try TimeStampToken.bare(response)))
        fact.tokens.append(
          SealFact.Token(
            authority: authority, name: token.certificate.name, time: Timestamp(microseconds: token.time),
            certificate: token.certificate.sha256))
      } catch { throw ArchiveError(.changed, name, "\(error)") }
    }
    fact.tokens.sort { $0.time.microseconds < $1.time.microseconds }
    return fact
  }

  /// The seal of a record in it.
  public func seal(of record: BundleFile.Record) -> SealFact? { seals.first { $0.number == record.seal } }

  /// The bundle.
  /// - Parameter page: README.html.
  /// - Throws: where it would be larger than a zip file without ZIP64.
  public func bytes(page: [UInt8]) throws(ArchiveError) -> [UInt8] {
    guard let bytes = Zip.bytes(entries + [Zip.Entry(BundleLayout.page, page)]) else {
      throw ArchiveError(.malformed, "the bundle", "would be over 4 GiB: export fewer records at once")
    }
    return bytes
  }
}
