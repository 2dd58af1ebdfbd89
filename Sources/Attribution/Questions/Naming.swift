public import Record

extension Questions {
  /// Gives the records with an event about an address, a MAC, an identifier, a user or a host name that happened between
  /// two times, in each archive's order, by the indexes of blocks. Free text is searched in the archive itself.
  /// - Parameter body: takes the index of the archive, where the record is, and its line; returns false where that is enough.
  public func forEachRecord(
    naming text: String, from: Timestamp, to: Timestamp, kind: EventKind? = nil,
    _ body: (EvidencePlace, Span<UInt8>) throws -> Bool
  ) throws {
    let span = Moment(from).microseconds...max(Moment(from), Moment(to)).microseconds
    let wanted = Self.keys(of: text)
    for (number, blocks) in blocks.enumerated() {
      var keys: [UInt64] = []
      var goesOn = true
      try blocks.forEach(wanted, in: span) { position, line, recorded in
        guard RecordReading.hasEvents(line), let record = try? RecordReading(line) else { return true }
        for event in record.facts + record.sessions where kind == nil || event.kind == kind {
          keys.removeAll(keepingCapacity: true)
          event.addKeys(to: &keys)
          guard keys.contains(where: { wanted.contains($0) }), event.when(record).touches(span) else { continue }
          goesOn = try body(EvidencePlace(index: number, position: position), recorded)
          return goesOn
        }
        return true
      }
      if !goesOn { return }
    }
  }

  /// What a text may name.
  private static func keys(of text: String) -> [UInt64] {
    if let ip = IPAddress(text) { return [BlockKey.inside(ip), BlockKey.outside(ip)] }
    let name = DeviceName(text)
    var keys = [BlockKey.user(name.folded.span), BlockKey.hostname(name.folded.span)]
    if let mac = name.mac { keys.append(BlockKey.mac(mac)) }
    if let identifier = name.identifier { keys.append(BlockKey.identifier(identifier.span)) }
    return keys
  }
}

extension EventReading {
  /// From when to when it was.
  fileprivate func when(_ record: RecordReading) -> BlockSummary.TimeRange {
    var range = BlockSummary.TimeRange()
    if kind == .session {
      let sign = SessionSign(self, of: record)
      range.add(sign.start ?? sign.at)
      range.add(sign.end ?? sign.at)
    } else {
      range.add(believesDevice(record.via) ? time.map(Moment.init) ?? record.time : record.time)
    }
    return range
  }
}
