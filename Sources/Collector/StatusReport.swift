import Archive
import Commands
import Evidence
import Glibc
import Record

/// What the writer knows of its senders at one moment.
struct SenderStatus: Sendable {
  var name: String
  var isListed: Bool
  var received: Int
  var events: Int
  /// Since 1970; when its latest message came. nil where none did.
  var last: Int64?
  var silentSince: Int64?
  var looksLike: String?
  /// Messages of its own that never came, as its numbers or words say; and when the latest should have come.
  var missing = 0
  var lastGap: Int64?
  /// Repeated sightings that were not recorded; nil where it captures no packets.
  var thinned: Int?
}

extension Writer {
  /// For `status`; on the writer's thread.
  func senderStatus() -> [SenderStatus] {
    activities.values.map { activity in
      SenderStatus(
        name: activity.name, isListed: activity.isListed, received: activity.received, events: activity.events,
        last: activity.received > 0 ? activity.last : nil, silentSince: activity.silentSince, looksLike: activity.looksLike,
        missing: activity.missing, lastGap: activity.lastGap, thinned: activity.thinned)
    }.sorted { $0.name < $1.name }
  }
}

extension LogCore {
  /// The answer of `status` (design section 12.24).
  public func status() throws -> JSONValue {
    let (senders, diskError, sparse) = onWriter { ($0.senderStatus(), $0.diskError, $0.sparselyNumbered) }
    let keeper = keeper.state.now
    let disk = DiskSpace(of: archive.path).map {
      DiskOutlook($0, recordBytes: counters.recordedBytes.value, started: started, now: Clock.microseconds())
    }
    let configuration = configuration.withLock { $0 }
    func time(_ microseconds: Int64?) -> JSONValue { JSONValue(microseconds.map { zone.timestamp($0).description }) }
    func row(_ s: SenderStatus) -> JSONValue {
      var members: [JSONMember] = [
        JSONMember("name", .string(s.name)), JSONMember("received", .integer(s.received)), JSONMember("events", .integer(s.events)),
      ]
      if s.isListed {
        members += [JSONMember("dropped", 0), JSONMember("silent_since", time(s.silentSince))]
        if s.missing > 0 || s.lastGap != nil {
          members += [JSONMember("missing", .integer(s.missing)), JSONMember("last_gap", time(s.lastGap))]
        }
      } else {
        members += [JSONMember("looks_like", JSONValue(s.looksLike)), JSONMember("configure", .string(Self.suggestion(s)))]
      }
      if let thinned = s.thinned { members.append(JSONMember("thinned", .integer(thinned))) }
      return .object(members + [JSONMember("last", time(s.last))])
    }
    var last: JSONValue = .null
    if let newest = keeper.newest {
      last = [
        "number": .integer(newest.number), "day": .string(newest.day.description), "records": .integer(newest.records),
        "made": .string(newest.made.description),
      ]
    }
    let numbered = sparse.map {
      "\($0) numbers messages that it does not send here: losses on the way cannot be told by its numbers (send all levels, or number them for each destination)"
    }
    let warnings = warnings(senders, keeper, diskError, disk) + numbered
    return [
      "log": .string(identity.name), "software": .string(Self.software), "started": time(started), "now": time(Clock.microseconds()),
      "recorded": .integer(counters.recorded.value), "events": .integer(counters.events.value),
      "not_understood": .integer(counters.notUnderstood.value), "sources": .array(senders.filter { $0.isListed }.map(row)),
      "receivers": .array(
        watched.withLock { $0 }.map { source in
          .object(
            [
              JSONMember("name", .string(source.name)), JSONMember("received", .integer(source.receivedCount)),
              JSONMember("dropped", .integer(source.droppedCount)),
            ] + source.statusMembers)
        }),
      "unlisted": .array(senders.filter { !$0.isListed }.map(row)), "dropped": .integer(counters.dropped.value),
      "seals": ["last": last, "waiting_for_token": .integer(keeper.waiting)],
      "authorities": .array(
        configuration.timestamp.authorities.map {
          let known = stamper.board[$0.name]
          return [
            "name": .string($0.name), "last_error": JSONValue(known.lastError ?? keeper.authorityErrors[$0.name]),
            "credits": known.credits.map(JSONValue.integer) ?? .null, "days_left": known.daysLeft.map(JSONValue.integer) ?? .null,
          ]
        }),
      "disk": ["free_bytes": disk.map { .integer($0.freeBytes) } ?? .null, "days_left": disk?.daysLeft.map(JSONValue.integer) ?? .null],
      "warnings": .array(warnings.map(JSONValue.string)),
    ]
  }

  /// The lines that make an unlisted sender a device.
  private static func suggestion(_ s: SenderStatus) -> String {
    let dialects = s.looksLike.map { ", dialects: [\"\($0.prefix { $0 != "/" })\"]" } ?? ""
    let name = "sender-" + s.name.map { $0 == ":" ? "-" : String($0) }.joined()
    return "{ name: \"\(name)\", from: \"\(s.name)\"\(dialects) },"
  }

  private func warnings(
    _ senders: [SenderStatus], _ keeper: KeeperState.Values, _ diskError: String?, _ disk: DiskOutlook?
  ) -> [String] {
    var out = watched.withLock { $0 }.flatMap(\.warnings)
    if counters.diskFull.load(ordering: .relaxed) {
      out.append("the disk is full: messages are dropped and counted until there is room (\(diskError ?? archive.path))")
    } else if let disk, disk.isLow {
      out.append(disk.words(archive.path))
    }
    if let error = keeper.error { out.append("sealing does not work: \(error)") }
    out += authorityWarnings(keeper) + witnesses.warnings
    let clock = Clock.state()
    if !clock.isSynchronised {
      out.append("the kernel does not call the clock synchronised: run an NTP client (chrony or systemd-timesyncd)")
    }
    let yesterday = Clock.microseconds() - Timestamp.day
    for s in senders {
      guard let last = s.lastGap, last > yesterday else { continue }
      let how = s.missing > 0 ? "\(s.missing) messages" : "messages"
      out.append("\(s.name): \(how) of its own never came, the last of them before \(zone.timestamp(last)) (source-gap notices)")
    }
    for s in senders where s.silentSince != nil { out.append("\(s.name) has been silent beyond its silent_after") }
    let unlisted = senders.filter { !$0.isListed }.count
    if unlisted > 0 {
      let senders = unlisted == 1 ? "1 sender is" : "\(unlisted) senders are"
      out.append("\(senders) not among devices: what they send is kept, but gives no events")
    }
    if let error = indexError { out.append("the index cannot be kept up to date: \(error)") }
    return out
  }

  /// Two months before a certificate ends; what it vouched for before keeps its worth.
  private static func endWarning(_ what: String, _ certificate: Certificate, help: String = "") -> [String] {
    let left = (certificate.notAfter - Clock.microseconds()) / Timestamp.day
    guard left < 60 else { return [] }
    let end = Timestamp(microseconds: certificate.notAfter, fractionDigits: 0)
    return ["\(what) \(certificate.notAfter < Clock.microseconds() ? "ended" : "ends") at \(end)\(help)"]
  }

  private func authorityWarnings(_ keeper: KeeperState.Values) -> [String] {
    let names = configuration.withLock { $0.timestamp.authorities.map(\.name) }
    var out: [String] = []
    var errors: [String] = []
    for name in names {
      let known = stamper.board[name]
      if let error = known.stampError ?? keeper.authorityErrors[name] { errors.append("\(name): \(error)") }
      if let error = known.creditError, known.stampError == nil { out.append("\(name) does not say how many credits are left: \(error)") }
      if let credits = known.credits, let days = known.daysLeft, days < 30 {
        out.append("\(name): \(credits) credits are left, which last \(days) days at the present rate: buy more")
      }
      if let doubt = known.clockDoubt { out.append(doubt) }
      if let certificate = known.token?.certificate { out += Self.endWarning("the certificate of the authority \(name)", certificate) }
    }
    if let certificate = keeper.signer {
      out += Self.endWarning("the certificate that signs the seals (\(certificate.name))", certificate, help: ": renew it, and reload")
    }
    if keeper.waiting > 0 {
      let words = errors.isEmpty ? "no authority has answered yet" : errors.joined(separator: "; ")
      out.append("\(keeper.waiting) seals have no time-stamp token yet (\(words))")
    } else if !errors.isEmpty {
      out.append("not every time-stamp authority answers (\(errors.joined(separator: "; ")))")
    }
    return out
  }

  /// The page for Prometheus.
  func exposition(_ sources: [any RunningSource]) -> [UInt8] {
    var page = Exposition()
    func label(_ name: String) -> [(String, String)] { [("source", name)] }
    page.add(
      "muhur_received_total", .counter, "Messages received, by source.", sources.map { (label($0.name), $0.receivedCount) })
    page.add(
      "muhur_kernel_dropped_total", .counter, "Messages the kernel dropped because a receive buffer was full, by source.",
      sources.map { (label($0.name), $0.droppedCount) })
    for source in sources { source.addMetrics(to: &page) }
    page.add("muhur_recorded_total", .counter, "Messages written as records.", counters.recorded.value)
    page.add("muhur_record_bytes_total", .counter, "Bytes of records written.", counters.recordedBytes.value)
    page.add("muhur_events_total", .counter, "Events read from messages.", counters.events.value)
    page.add("muhur_not_understood_total", .counter, "Messages of known programs that no dialect understood.", counters.notUnderstood.value)
    page.add(
      "muhur_sightings_thinned_total", .counter, "Repeated sightings of an address with the same device that were not recorded again.",
      counters.thinned.value)
    page.add("muhur_cut_total", .counter, "Messages longer than what is kept of one.", counters.cut.value)
    page.add("muhur_dropped_total", .counter, "Messages received and not recorded, for whatever reason.", counters.dropped.value)
    page.add(
      "muhur_source_gaps_total", .counter, "Times that senders' numbers or words said that messages are missing.", counters.sourceGaps.value
    )
    page.add(
      "muhur_source_gap_messages_total", .counter, "Messages that are missing so, as far as their number is known.",
      counters.sourceGapMessages.value)
    page.add(
      "muhur_source_silent", .gauge, "1 while a device has been silent beyond its silent_after.",
      counters.silentSources.withLock { $0 }.sorted { $0.key < $1.key }.map { (label($0.key), $0.value ? 1 : 0) })
    page.add("muhur_notices_total", .counter, "Records of the collector about itself.", counters.notices.value)
    page.add("muhur_seals_total", .counter, "Seals made.", counters.seals.value)
    page.add(
      "muhur_keeper_errors_total", .counter, "Times that syncing, packing or sealing failed and was tried again.",
      counters.keeperErrors.value)
    let keeper = keeper.state.now
    page.add("muhur_seals_waiting_for_token", .gauge, "Signed seals without time-stamp token.", keeper.waiting)
    let authorities = configuration.withLock { $0.timestamp.authorities.map(\.name) }
    page.add(
      "muhur_authority_failing", .gauge, "1 where a time-stamp authority gave no token when it was asked last.",
      authorities.map { ([("authority", $0)], stamper.board[$0].stampError == nil ? 0 : 1) })
    page.add(
      "muhur_authority_credits", .gauge, "Tokens that are still paid for.",
      authorities.compactMap { name in stamper.board[name].credits.map { ([("authority", name)], $0) } })
    if let newest = keeper.newest {
      page.add(
        "muhur_last_seal_timestamp_seconds", .gauge, "When the newest seal was made.", Int(newest.made.microseconds / Timestamp.second))
      page.add("muhur_last_seal_number", .gauge, "Number of the newest seal.", newest.number)
    }
    if let disk = DiskSpace(of: archive.path) {
      page.add("muhur_disk_free_bytes", .gauge, "Free room on the archive's disk.", disk.freeBytes)
    }
    let clock = Clock.state()
    page.add("muhur_clock_synchronised", .gauge, "1 where the kernel calls its clock synchronised.", clock.isSynchronised ? 1 : 0)
    page.add("muhur_clock_error_microseconds", .gauge, "The clock's greatest error as the kernel admits it.", clock.errorMicroseconds)
    page.add(
      "muhur_disk_full", .gauge, "1 while messages are dropped because the disk is full.",
      counters.diskFull.load(ordering: .relaxed) ? 1 : 0)
    return page.bytes
  }
}
