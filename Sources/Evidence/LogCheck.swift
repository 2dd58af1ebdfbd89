import Archive
import Record

/// What belongs to the log as a whole: its id, published heads, and how old its last seal is.
extension ArchiveCheck {
  func checkLog() {
    guard !isAlone else {
      if seals.isEmpty { findings.add(.unsealed, folders.first?.day, Layout.seals, "no seal at all: nothing is proven") }
      return
    }
    let id = log?.id
    if let wanted = options.log, wanted != id { findings.add(.fork, nil, Layout.log, "the log is \(id ?? "not known"), not \(wanted)") }
    let byNumber = Dictionary(uniqueKeysWithValues: seals.map { ($0.number, $0) })
    var count = 0
    for head in options.heads where head.log == id {
      count += 1
      guard let loaded = byNumber[head.number], let p7s = loaded.p7sDigest else {
        findings.add(.missing, head.day, "seal \(head.number)", "named by a head line")
        continue
      }
      if loaded.day != head.day || p7s != head.p7s { findings.add(.fork, head.day, loaded.place, "not the seal of the head line") }
    }
    if !options.heads.isEmpty, count == 0 { findings.add(.fork, nil, Layout.log, "no head line is of this log") }
    guard let newest = seals.last else {
      findings.add(.unsealed, nil, Layout.days, "no seal at all: nothing is proven")
      return
    }
    let last = lastFinal.map { seals[$0] } ?? newest
    if let made = last.seal?.made, options.asOf - made.microseconds > 48 * Timestamp.hour {
      findings.add(.stale, nil, last.place, "the last \(lastFinal == nil ? "" : "final ")seal is of \(made)")
    }
  }
}
