import Archive
import Record

/// The seals one after another, and what tokens prove about them.
extension ArchiveCheck {
  func checkChain() {
    for (i, loaded) in seals.enumerated() {
      let before = i > 0 ? seals[i - 1] : nil
      if let seal = loaded.seal, !isAlone { checkLogName(seal, loaded) }
      let expected = (before?.number ?? (isAlone ? loaded.number - 1 : 0)) + 1
      guard loaded.number == expected else {
        reportGap(expected..<loaded.number, before, loaded)
        continue
      }
      guard let before, let seal = loaded.seal, let last = before.seal else { continue }
      if let json = before.jsonDigest, let p7s = before.p7sDigest, seal.previous == Seal.Previous(json: json, p7s: p7s) {
        linked.insert(i)
      } else {
        findings.add(.chain, loaded.day, loaded.place + ".json", "previous is not seal \(before.number) as it lies here")
      }
      checkDayOrder(last, before, seal, loaded)
      if seal.keptFrom < last.keptFrom {
        findings.add(.chain, loaded.day, loaded.place + ".json", "kept_from goes back from \(last.keptFrom) to \(seal.keptFrom)")
      }
      let wanted = last.nextSigner ?? last.signer
      if seal.signer != wanted {
        let detail = "from certificate \(wanted.short) to \(seal.signer.short), which the seal before does not announce"
        findings.add(.signerChanged, loaded.day, loaded.place + ".p7s", detail)
      }
    }
  }

  func checkLogName(_ seal: Seal, _ loaded: LoadedSeal) {
    if let logDigest, seal.logSHA256 != logDigest {
      findings.add(.changed, nil, Layout.log, "not the one that seal \(loaded.number) names")
    }
    if let log, seal.log != log.name {
      findings.add(.malformed, loaded.day, loaded.place + ".json", "names the log \(seal.log), which is \(log.name)")
    }
  }

  /// Numbers that are not there: each day that may have lost a seal is named.
  private func reportGap(_ gap: Range<Int>, _ before: LoadedSeal?, _ loaded: LoadedSeal) {
    let detail = gap.count == 1 ? "seal \(gap.lowerBound) is not there" : "seals \(gap.lowerBound) to \(gap.upperBound - 1) are not there"
    guard !isAlone, let last = before?.seal, let seal = loaded.seal else {
      findings.add(.missing, loaded.day, loaded.place, detail)
      return
    }
    var days = last.isFinal ? [] : [last.day]
    // A claim of a seal about thousands of years is not worth a line a day.
    var day = last.day.adding(days: 1)
    while day < seal.day, days.count < 10_000 {
      days.append(day)
      day = day.adding(days: 1)
    }
    for day in days.isEmpty ? [seal.day] : days { findings.add(.missing, day, loaded.place, detail) }
  }

  private func checkDayOrder(_ last: Seal, _ before: LoadedSeal, _ seal: Seal, _ loaded: LoadedSeal) {
    if seal.day == last.day {
      if last.isFinal { findings.add(.chain, loaded.day, loaded.place, "a seal after the day's final one") }
      if seal.records < last.records {
        findings.add(.chain, loaded.day, loaded.place, "covers \(seal.records) records, the seal before \(last.records)")
      }
    } else if !last.isFinal {
      findings.add(.missing, last.day, before.place, "the day has no final seal")
    } else if seal.day < last.day {
      findings.add(.chain, loaded.day, loaded.place, "the day is before that of the seal before")
    } else if seal.day != last.day.adding(days: 1) {
      findings.add(.missing, last.day.adding(days: 1), loaded.place, "no seal of this day: days do not follow one another")
    }
  }

  // MARK: Tokens

  func checkTokens() {
    let byNumber = Dictionary(uniqueKeysWithValues: seals.map { ($0.number, $0) })
    for loaded in seals {
      guard let seal = loaded.seal else { continue }
      for token in seal.tokens {
        // Where that seal is not here, the chain says so, or the folder stands alone.
        guard let of = byNumber[token.number] else { continue }
        let place = of.folder + token.file
        guard let digest = of.tokenFiles[token.file] else {
          // A token that came after a bundle was made is in no part of it.
          if !of.names.contains(token.file), bundle == nil { findings.add(.missing, of.day, place, "listed in seal \(seal.number)") }
          continue
        }
        if digest != token.sha256 { findings.add(.changed, of.day, place, "not the one that seal \(seal.number) lists") }
        if let stamp = of.stamps.first(where: { $0.place == place && $0.whyUntrusted == nil }),
          stamp.lower > seal.made.microseconds + 5 * Timestamp.minute
        {
          findings.add(
            .clock, loaded.day, loaded.place + ".json",
            "made \(seal.made), yet it lists \(token.file) of \(Timestamp(microseconds: stamp.time))")
        }
      }
      if !isAlone {
        for file in seal.validation where !validationFiles.contains(file.description) {
          findings.add(.missing, nil, Layout.path(Layout.validation, file.description), "listed in seal \(seal.number)")
        }
      }
    }
    prove()
    for (i, loaded) in seals.enumerated() {
      guard let seal = loaded.seal, loaded.p7sDigest != nil, !options.closedOnly || i <= lastFinal ?? -1 else { continue }
      checkSigner(loaded, seal)
      checkDelay(loaded, seal)
    }
    if isAlone, bundle == nil {
      findings.add(.chainNotChecked, seals.first?.day, ".", "a day's folder alone: chain, --head and --log cannot be checked")
    }
  }

  /// A seal is proven at the earliest trusted time among the tokens of itself and of later chained seals.
  private func prove() {
    var later: (time: Int64, authority: String)?
    var hasToken = false
    for (i, loaded) in seals.enumerated().reversed() {
      if i + 1 < seals.count, !linked.contains(i + 1) {
        later = nil
        hasToken = false
      }
      hasToken = hasToken || !loaded.stamps.isEmpty
      for stamp in loaded.stamps where stamp.whyUntrusted == nil && later.map({ stamp.upper < $0.time }) ?? true {
        later = (stamp.upper, stamp.authority)
      }
      loaded.proven = later
      guard later == nil else { continue }
      var reasons: [String] = []
      for stamp in loaded.stamps { if let why = stamp.whyUntrusted, !reasons.contains(why) { reasons.append(why) } }
      loaded.whyUnproven =
        hasToken
        ? (.untrusted, reasons.isEmpty ? "only later seals have tokens, and none is trusted" : reasons.joined(separator: "; "))
        : (.noToken, "neither this seal nor a later one has a token")
    }
    // A final seal that covers no more records than an earlier seal of its day counts as proven with that one. Where it has
    // a time of its own it is judged by that: sealing a day late is late, whatever was proven of its records before.
    for (i, loaded) in seals.enumerated() {
      guard let seal = loaded.seal, seal.isFinal, loaded.proven == nil else { continue }
      var j = i
      while j > 0, linked.contains(j), let earlier = seals[j - 1].seal, earlier.day == seal.day, earlier.records == seal.records {
        j -= 1
        if let proven = seals[j].proven { loaded.proven = proven }
      }
      if loaded.proven != nil { loaded.whyUnproven = nil }
    }
  }

  /// The certificate is judged at the proven time, else at `made`.
  private func checkSigner(_ loaded: LoadedSeal, _ seal: Seal) {
    guard let signature = loaded.signature else { return }
    let place = loaded.place + ".p7s"
    guard let trust = options.signer else { return findings.add(.untrusted, loaded.day, place, "no --signer given") }
    let time = loaded.proven?.time ?? seal.made.microseconds
    do throws(OpenSSLError) {
      let chain = try signature.chain(trust, at: Int(time.flooredQuotient(Timestamp.second)))
      if let why = checkRevocation(chain, trust, at: time, loaded, place) { findings.add(.untrusted, loaded.day, place, why) }
    } catch {
      let name = signature.certificate.name
      let when = Timestamp(microseconds: time, fractionDigits: 0)
      findings.add(.untrusted, loaded.day, place, "signer \(name) (\(seal.signer.short)) does not chain to --signer at \(when): \(error)")
    }
  }

  private func checkDelay(_ loaded: LoadedSeal, _ seal: Seal) {
    if let why = loaded.whyUnproven { return findings.add(why.what, loaded.day, loaded.place + ".p7s", why.detail) }
    guard let proven = loaded.proven else { return }
    let end = Int64(seal.day.number + 1) * Timestamp.day - Int64(seal.made.offsetMinutes) * Timestamp.minute
    if proven.time > end + options.maxDelay {
      let existed = Timestamp(microseconds: proven.time, fractionDigits: 0).at(offsetMinutes: seal.made.offsetMinutes)
      findings.add(.late, loaded.day, loaded.place, "existed on \(existed)")
    }
  }
}

extension Signature {
  /// The chain from the signer to the trusted certificates, valid at that time (seconds since 1970).
  func chain(_ trust: Trust, at seconds: Int) throws(OpenSSLError) -> [Certificate] {
    try trust.chain(from: certificate, through: others, at: seconds, for: .any)
  }
}

extension Digest {
  /// Enough for people to tell certificates apart.
  var short: String { String(description.prefix(16)) }
}
