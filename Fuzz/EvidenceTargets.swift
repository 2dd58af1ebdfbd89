import Archive
import Evidence
import Glibc
import Record

/// A folder for inputs that must be files.
private let scratch: String = {
  let path = "/tmp/muhur-fuzz-\(getpid())"
  mkdir(path, 0o700)
  atexit {
    let path = "/tmp/muhur-fuzz-\(getpid())"
    for name in [Layout.records, Layout.tail(first: 2)] { unlink(path + "/" + name) }
    rmdir(path)
  }
  return path
}()

private func put(_ name: String, _ bytes: Span<UInt8>) {
  let file = open(scratch + "/" + name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
  guard file >= 0 else { fatalError("no scratch folder") }
  _ = bytes.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
  close(file)
}

extension FuzzTarget {
  /// Records of a day: both readers end, and agree where neither complains.
  static let blocks = FuzzTarget(name: "blocks") { bytes in
    // A byte says how the input is split between blocks and a tail; without it all are blocks.
    let split = bytes.count > 1 ? min(bytes.count - 1, Int(bytes[0]) * 8) : 0
    put(Layout.records, bytes.extracting(min(1, bytes.count)..<bytes.count - split))
    if split > 0 {
      put(Layout.tail(first: 2), bytes.extracting(bytes.count - split..<bytes.count))
    } else {
      unlink(scratch + "/" + Layout.tail(first: 2))
    }
    let folder = DayFolder(root: scratch, name: ".")
    var followed: [Int] = []
    let isRead =
      (try? DayReader(folder).forEach { number, line in
        require(number == followed.count, "numbers run on")
        followed.append(line.count)
        return followed.count < 5000
      }) != nil
    let audit = DayAudit(folder, isFinal: bytes.count & 1 == 0, sealedRecords: 3, sealedBytes: nil)
    var audited: [Int] = []
    let isAudited =
      (try? audit.forEach { _, line in
        audited.append(line.count)
        return audited.count < 5000
      }) != nil
    if isRead, isAudited, audit.faults.isEmpty { require(followed == audited, "both readers give the same records") }
  }

  static let seals = FuzzTarget(name: "seals") { bytes in
    guard let seal = try? Seal(fileBytes: bytes) else { return }
    require((try? Seal(fileBytes: seal.fileBytes.span)) == seal, "a seal reads back as it was written")
  }

  static let records = FuzzTarget(name: "records") { bytes in
    let isGood = (try? RecordCheck.time(bytes)) != nil
    require(
      !isGood || (try? RecordLine(bytes)) != nil || (try? StrictJSON.object(bytes))?["raw_base64"] != nil, "what verifies can be read")
    _ = try? LogIdentity(fileBytes: bytes)
    _ = try? Head.lines(bytes.array)
    _ = DaySalt(fileBytes: bytes)
  }

  static let signatures = FuzzTarget(name: "signatures") { bytes in
    let content = Array("x".utf8)
    _ = try? Signature(bytes.array, over: content)
    _ = try? Certificate(der: bytes.array)
    _ = try? Identity(pkcs12: bytes.array, password: [])
  }

  /// Zip files and bundle.json: what reads, reads again after it was written, and the verifier says something of all.
  static let bundles = FuzzTarget(name: "bundles") { bytes in
    if let zip = try? Zip(bytes) {
      guard let written = Zip.bytes(zip.entries) else { return }
      require((try? Zip(written.span))?.entries == zip.entries, "a zip reads back as it was written")
    }
    if let bundle = try? BundleFile(fileBytes: bytes) {
      require((try? BundleFile(fileBytes: bundle.fileBytes.span)) == bundle, "a bundle.json reads back as it was written")
    }
    _ = try? Verifier.verify(bundle: bytes.array, called: "x.zip", VerifierOptions(asOf: 0))
  }

  /// What an authority may answer: a token, a refusal, a page; and URLs as certificates name them.
  static let answers = FuzzTarget(name: "answers") { bytes in
    RemoteAuthority.readAnswer(bytes.array)
    _ = WebAddress(String(decoding: bytes.array, as: UTF8.self))
  }

  static let tokens = FuzzTarget(name: "tokens") { bytes in _ = try? TimeStampToken(bytes.array, over: stamped) }
}

/// What the token among the seeds is over: with anything else its signature would never be reached.
private let stamped: [UInt8] = {
  let package = #filePath.split(separator: "/").dropLast(2).reduce("") { $0 + "/" + $1 }
  let path = package + "/Tests/EvidenceTests/Fixtures/small/archive/days/2026-11-02/seals/00000001.p7s"
  return (try? RegularFile.bytes(path, limit: 1 << 20)) ?? []
}()
