import Archive
import Glibc
import Record
import Synchronization

/// `muhur-verify` as a function: arguments in, an exit code out.
public enum VerifierCommand {
  /// The caller's mistake: exit 2.
  struct UsageError: Error { var words: String }

  static let help = """
    usage: muhur-verify [--signer FILE] [--tsa FILE] [OPTION]... PATH...

    Checks a Mühür log archive, one day's folder, or an evidence bundle (.zip): that no record was changed, removed, added
    or reordered since it was sealed, and until when each day provably existed. It needs that and the certificates you
    trust, nothing else; it writes nothing and needs no network. Of a bundle it prints each record itself; the README.html
    in it is a page to read, not evidence.

    what you trust
      --signer FILE      PEM: certificates that may sign seals, or their roots
      --tsa FILE         PEM: time-stamp authorities, or their roots
      --policy OID       count only tokens given under this policy
      --head FILE        published head lines (muhur-head-1 ID NUMBER DAY SHA256) that the log must agree with
      --log ID           the log's id, as it was recorded elsewhere
    The certificates must come to you by another way than the archive: compare their SHA-256 fingerprints with those that
    were recorded when the log was begun.

    what is checked
      --as-of TIME       judge as of this time (RFC 3339 or Unix seconds; default now)
      --max-delay 24h    how long after its end a day may be proven
      --retention 730d   how long records must be kept
      --closed           leave the open day out
      --from DAY --to DAY  check the records of these days only (2026-11-23; seals are always checked)
    Durations are digits and one of d h m s.

    what is printed
      --json             one JSON object for each PATH
      --report FILE.html  also a page to print, in Turkish and English; FILE must not exist
      --quiet            nothing; the exit code alone
      --version          the program's version, alone on the command line
      --help             this text

    exit codes
      0  all holds
      1  something was changed, removed, reordered or is malformed
      2  wrong usage
      3  nothing is wrong, but something is not proven
      4  a path cannot be reached, or the report cannot be written

    example
      muhur-verify --signer signer.crt --tsa tsa.crt --head heads.txt /media/usb/archive
      muhur-verify --signer signer.crt --tsa tsa.crt evidence.zip

    """

  struct Arguments {
    var options: VerifierOptions
    var json = false
    var quiet = false
    var help = false
    /// Where the page for people goes.
    var report: String?
    var paths: [String] = []
  }

  public static func run(_ arguments: [String]) -> Int32 {
    if arguments == ["--version"] { return wrote(say("muhur-verify \(Release.version)\n"), 0) }
    let parsed: Arguments
    do throws(UsageError) { parsed = try parse(arguments, now: now()) } catch {
      complain("error: \(error.words)\nmuhur-verify: --help shows how it is used")
      return 2
    }
    if parsed.help { return wrote(say(help), 0) }
    if let path = parsed.report, access(path, F_OK) == 0 {
      complain("error: --report: \(visible(path)) exists already")
      return 2
    }
    var codes: [Int32] = []
    var reports: [VerifierReport] = []
    let showsProgress = isatty(2) == 1 && !parsed.quiet
    for path in parsed.paths {
      do throws(Verifier.Unable) {
        var progress: (@Sendable (VerifierProgress) -> Void)?
        if showsProgress {
          let last = Mutex<Int64>(0)
          progress = { step in
            // Five times a second is as much as anybody reads.
            let isDue = last.withLock { last in
              guard now() - last > 200_000 else { return false }
              last = now()
              return true
            }
            if isDue { err("\r\(step.words)\u{1b}[K") }
          }
        }
        defer { if showsProgress { err("\r\u{1b}[K") } }
        let report = try Verifier.verify(path, parsed.options, progress: progress)
        if showsProgress { err("\r\u{1b}[K") }
        codes.append(report.result.exitCode)
        let text = parsed.json ? report.json.text + "\n" : parsed.quiet ? "" : report.text(color: isatty(1) == 1)
        codes.append(wrote(say(text), 0))
        if parsed.report != nil { reports.append(report) }
      } catch {
        guard case .unreachable(let error) = error else { continue }
        complain("error: \(visible(error.description))")
        codes.append(4)
      }
    }
    if let path = parsed.report, !reports.isEmpty {
      let made = Timestamp(microseconds: now(), fractionDigits: 0)
      let page = VerifierPage(reports: reports, options: parsed.options, arguments: arguments, made: made)
      do throws(ArchiveError) { try Disk.place(page.bytes, at: path, mode: 0o644) } catch {
        complain("error: --report: \(visible(error.description))")
        codes.append(4)
      }
    }
    for code: Int32 in [1, 4, 3] where codes.contains(code) { return code }
    return 0
  }

  // MARK: Arguments

  static func parse(_ arguments: [String], now: Int64) throws(UsageError) -> Arguments {
    var out = Arguments(options: VerifierOptions(asOf: now))
    var seen: Set<String> = []
    var rest = arguments[...]
    var onlyPaths = false
    while let argument = rest.popFirst() {
      guard !onlyPaths, argument.hasPrefix("-"), argument != "-" else {
        out.paths.append(argument)
        continue
      }
      if argument == "--" {
        onlyPaths = true
        continue
      }
      let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      let name = parts[0]
      guard seen.insert(name).inserted else { throw UsageError(words: "\(visible(name)) is given twice") }
      func value() throws(UsageError) -> String {
        if parts.count == 2 { return parts[1] }
        guard let next = rest.popFirst() else { throw UsageError(words: "\(name) needs a value") }
        return next
      }
      func bad(_ value: String, _ expected: String) -> UsageError { UsageError(words: "\(name): \(visible(value)) is no \(expected)") }
      switch name {
      case "--help", "-h", "--json", "--quiet", "--closed":
        guard parts.count == 1 else { throw UsageError(words: "\(name) takes no value") }
        if name == "--json" { out.json = true }
        if name == "--quiet" { out.quiet = true }
        if name == "--closed" { out.options.closedOnly = true }
        if name == "--help" || name == "-h" { out.help = true }
      case "--report": out.report = try value()
      case "--signer": out.options.signer = try trust(name, value())
      case "--tsa": out.options.tsa = try trust(name, value())
      case "--policy":
        let text = try value()
        let arcs = text.split(separator: ".", omittingEmptySubsequences: false)
        guard arcs.count >= 2, arcs.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(\.isDigit) }) else {
          throw bad(text, "policy OID (1.2.3.4)")
        }
        out.options.policy = text
      case "--head":
        let path = try value()
        let bytes = try file(name, path)
        do throws(Head.Unusable) { out.options.heads = try Head.lines(bytes) } catch {
          throw UsageError(words: "\(name): \(visible(path)): \(error)")
        }
      case "--log":
        let text = try value()
        guard LogIdentity.isID(text) else { throw bad(text, "log id (32 hexadecimal digits in lower case)") }
        out.options.log = text
      case "--as-of":
        let text = try value()
        guard let time = time(text) else { throw bad(text, "time (2026-11-23T14:03:00+03:00 or Unix seconds)") }
        out.options.asOf = time
      case "--max-delay", "--retention":
        let text = try value()
        guard let length = duration(text) else { throw bad(text, "duration (digits and one of d h m s)") }
        if name == "--retention" { out.options.retention = length } else { out.options.maxDelay = length }
      case "--from", "--to":
        let text = try value()
        guard let day = CalendarDay(text) else { throw bad(text, "day (2026-11-23)") }
        if name == "--from" { out.options.from = day } else { out.options.to = day }
      default: throw UsageError(words: "unknown option \(visible(name))")
      }
    }
    if out.help { return out }
    guard !out.paths.isEmpty else { throw UsageError(words: "PATH is missing: an archive, a day's folder or an evidence bundle") }
    if let from = out.options.from, let to = out.options.to, to < from { throw UsageError(words: "--to \(to) is before --from \(from)") }
    return out
  }

  private static func file(_ option: String, _ path: String) throws(UsageError) -> [UInt8] {
    // Named by the caller, so links are followed; a pipe is as good as a file.
    guard let stream = fopen(path, "re") else {
      throw UsageError(words: "\(option): \(visible(path)): \(String(cString: strerror(errno)))")
    }
    defer { fclose(stream) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = fread(&chunk, 1, chunk.count, stream), count > 0 {
      bytes += chunk[0..<count]
      guard bytes.count <= 64 << 20 else { throw UsageError(words: "\(option): \(visible(path)): over 64 MiB") }
    }
    guard ferror(stream) == 0 else { throw UsageError(words: "\(option): \(visible(path)) cannot be read") }
    return bytes
  }

  private static func trust(_ option: String, _ path: String) throws(UsageError) -> Trust {
    let bytes = try file(option, path)
    do throws(OpenSSLError) { return try Trust(pem: bytes) } catch {
      throw UsageError(words: "\(option): \(visible(path)): no PEM file of certificates (\(error))")
    }
  }

  static func time(_ text: String) -> Int64? {
    if let seconds = Array(text.utf8).span.decimal, seconds < 1 << 40 { return Int64(seconds) * Timestamp.second }
    return Timestamp(rfc3339: text)?.microseconds
  }

  /// More than any log's life, and little enough to be added to any time.
  private static let longest = 4_000_000 * Timestamp.day

  /// Digits and one of d h m s, in microseconds.
  static func duration(_ text: String) -> Int64? {
    let bytes = Array(text.utf8)
    guard let last = bytes.last, let count = bytes.span.extracting(0..<bytes.count - 1).decimal else { return nil }
    let unit: Int64
    switch last {
    case 0x64: unit = Timestamp.day
    case 0x68: unit = Timestamp.hour
    case 0x6d: unit = Timestamp.minute
    case 0x73: unit = Timestamp.second
    default: return nil
    }
    let (length, isOver) = Int64(count).multipliedReportingOverflow(by: unit)
    return isOver ? longest : min(length, longest)
  }

  // MARK: Output

  private static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * Timestamp.second + Int64(time.tv_nsec) / 1000
  }

  /// - Returns: false where it could not be written (a full disk): then nobody has the report.
  private static func say(_ text: String) -> Bool { put(1, text) }
  private static func err(_ text: String) { _ = put(2, text) }
  private static func complain(_ text: String) { err("muhur-verify: \(text)\n") }

  /// - Returns: that code, or 4 where the output was lost.
  private static func wrote(_ whole: Bool, _ code: Int32) -> Int32 {
    guard !whole else { return code }
    complain("error: the report could not be written: \(String(cString: strerror(errno)))")
    return 4
  }

  private static func put(_ descriptor: Int32, _ text: String) -> Bool {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let n = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      if n < 0, errno == EINTR { continue }
      guard n > 0 else { return false }
      rest = rest.dropFirst(n)
    }
    return true
  }
}
