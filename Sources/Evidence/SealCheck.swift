import Archive
import Record

/// Each seal by itself: form, signature, tokens.
extension ArchiveCheck {
  func loadSeals() throws(ArchiveError) {
    var taken: [Int: String] = [:]
    for folder in folders {
      let name = folder.path(Layout.seals)
      var files: [Int: [String]] = [:]
      for entry in try entries(name, folder.day) ?? [] where !Layout.isTemporary(entry.name) {
        if let (number, _) = Layout.sealFile(entry.name) {
          files[number, default: []].append(entry.name)
        } else {
          findings.add(.extra, folder.day, name + "/" + entry.name, "not a seal's file")
        }
      }
      for (number, names) in files.sorted(by: { $0.key < $1.key }) {
        let place = name + "/" + String(Layout.seal(number, .json).dropLast(5))
        if let other = taken[number] {
          findings.add(.fork, folder.day, place, "seal \(number) is also in \(other)")
          continue
        }
        taken[number] = place
        let loaded = LoadedSeal(number: number, place: place, folderDay: folder.day)
        loaded.names = names
        seals.append(loaded)
      }
    }
    seals.sort { $0.number < $1.number }
    for (i, loaded) in seals.enumerated() { try load(loaded, isNewest: i == seals.count - 1) }
    lastFinal = seals.lastIndex { $0.seal?.isFinal ?? false }
  }

  func load(_ loaded: LoadedSeal, isNewest: Bool) throws(ArchiveError) {
    let json = try readPart(loaded, .json)
    if let json {
      loaded.jsonDigest = SHA256.hash(json)
      do throws(Malformed) {
        let seal = try Seal(fileBytes: json.span)
        if seal.number != loaded.number {
          findings.add(.malformed, loaded.day, loaded.place + ".json", "its number is \(seal.number)")
        } else if let day = loaded.folderDay, day != seal.day {
          findings.add(.malformed, loaded.day, loaded.place + ".json", "its day is \(seal.day)")
        } else {
          loaded.seal = seal
          loaded.day = seal.day
        }
      } catch {
        findings.add(.malformed, loaded.day, loaded.place + ".json", "\(error)")
      }
    } else if !loaded.names.contains(Layout.seal(loaded.number, .json)) {
      findings.add(.missing, loaded.day, loaded.place + ".json", "not there")
    }
    let p7s = try readPart(loaded, .signature)
    let tokens = loaded.names.filter { $0.hasSuffix(".tsr") }
    if let p7s {
      loaded.p7sDigest = SHA256.hash(p7s)
      if let json { checkSignature(loaded, p7s, json) }
    } else if !loaded.names.contains(Layout.seal(loaded.number, .signature)) {
      if isNewest, tokens.isEmpty {
        findings.add(.unsealed, loaded.day, loaded.place + ".json", "the newest seal is not signed yet")
      } else {
        findings.add(.missing, loaded.day, loaded.place + ".p7s", "not there")
      }
    }
    for name in tokens {
      guard let bytes = try read(loaded.folder + name, loaded.day) else { continue }
      // What a later seal lists is compared with that, also where there is nothing left that the token is over.
      loaded.tokenFiles[name] = SHA256.hash(bytes)
      if let p7s { checkToken(loaded, name, bytes, over: p7s) }
    }
  }

  private func readPart(_ loaded: LoadedSeal, _ file: Layout.SealFile) throws(ArchiveError) -> [UInt8]? {
    let name = Layout.seal(loaded.number, file)
    return loaded.names.contains(name) ? try read(loaded.folder + name, loaded.day) : nil
  }

  private func checkSignature(_ loaded: LoadedSeal, _ p7s: [UInt8], _ json: [UInt8]) {
    let place = loaded.place + ".p7s"
    do throws(SignatureFault) {
      var signature = try Signature(p7s, over: json)
      signature.share(in: &pool)
      if let seal = loaded.seal, seal.signer != signature.certificate.sha256 {
        findings.add(.signature, loaded.day, place, "signed by another certificate than the seal names")
      } else {
        loaded.signature = signature
      }
    } catch {
      switch error {
      case .malformed(let detail): findings.add(.malformed, loaded.day, place, detail)
      case .fails(let detail): findings.add(.signature, loaded.day, place, detail)
      }
    }
  }

  private func checkToken(_ loaded: LoadedSeal, _ name: String, _ bytes: [UInt8], over p7s: [UInt8]) {
    let place = loaded.folder + name
    do throws(SignatureFault) {
      let token = try TimeStampToken(bytes, over: p7s)
      var stamp = LoadedSeal.Stamp(place: place, time: token.time, accuracy: token.accuracy, authority: token.certificate.name)
      stamp.whyUntrusted = whyUntrusted(token, loaded, place)
      loaded.stamps.append(stamp)
      let slack = 5 * Timestamp.minute
      if stamp.whyUntrusted == nil, let made = loaded.seal?.made, stamp.upper < made.microseconds - slack {
        findings.add(.clock, loaded.day, place, "the token is of \(Timestamp(microseconds: token.time)), the seal says \(made)")
      }
    } catch {
      switch error {
      case .malformed(let detail): findings.add(.malformed, loaded.day, place, detail)
      case .fails(let detail): findings.add(.token, loaded.day, place, detail)
      }
    }
  }

  /// nil where the token is trusted.
  private func whyUntrusted(_ token: TimeStampToken, _ loaded: LoadedSeal, _ place: String) -> String? {
    guard let trust = options.tsa else { return "no --tsa given" }
    let name = token.certificate.name
    do throws(OpenSSLError) {
      let chain = try token.chain(trust)
      if let policy = options.policy, token.policy != policy { return "policy \(token.policy), not \(policy)" }
      return checkRevocation(chain, trust, at: token.time, loaded, place)
    } catch {
      return "authority \(name) does not chain to --tsa at \(Timestamp(microseconds: token.time, fractionDigits: 0)): \(error)"
    }
  }

  /// Judges every certificate of a chain that the auditor has not named himself.
  /// - Returns: why the chain must not be trusted; nil where nothing is known against it.
  func checkRevocation(_ chain: [Certificate], _ trust: Trust, at time: Int64, _ loaded: LoadedSeal, _ place: String) -> String? {
    for (i, certificate) in chain.enumerated() where certificate.namesRevocation && !trust.names(certificate) {
      let issuer = i + 1 < chain.count ? chain[i + 1] : certificate
      switch revocation.judge(certificate, issuer: issuer, at: time) {
      case .good: break
      case .revoked(let why): return "\(certificate.name): \(why)"
      case .unknown:
        findings.add(.revocationUnknown, loaded.day, place, "no captured answer says whether \(certificate.name) was revoked")
      }
    }
    return nil
  }
}
