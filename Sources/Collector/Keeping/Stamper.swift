import Archive
import Evidence
import Record
import Synchronization

/// The thread that asks time-stamp authorities. They may hang for seconds or lie; nobody waits for it: seals stand signed
/// without their tokens, and what comes is handed to the keeper, who alone writes into the archive.
///
/// A seal that waits is asked for at every seal, and else after a minute, then ever more seldom, at least hourly. The list
/// of those that wait is no file of its own: it is the signed seals without token, so a restart finds it.
final class Stamper: Sendable {
  private struct Orders: Sendable {
    var waiting: [WaitingSeal] = []
    var authorities: [any TimeStampAuthority]
    /// Tokens a day that the configuration leads one to expect of the first authority.
    var expectedPerDay: Double
    /// Rises with each demand to ask now.
    var demand = 0
    /// The newest demand that was tried to the end.
    var tried = 0
    var isStopping = false
    var signer: Signer?
  }

  /// Once a day is what a certificate's issuer says of it fetched.
  private static let captureMilliseconds: Int64 = 86_400_000

  private let archive: ArchiveFolder
  private let zone: Zone
  private let orders: Mutex<Orders>
  private let wake = Handover<Void>(capacity: 1)
  /// Told of an authority that begins to fail, or fails for another reason: its name, why, and the seal's number.
  private let failed: @Sendable (String, String, Int) -> Void
  let board = AuthorityBoard()

  init(
    _ archive: ArchiveFolder, zone: Zone, authorities: [any TimeStampAuthority], expectedPerDay: Double,
    failed: @escaping @Sendable (String, String, Int) -> Void
  ) {
    self.archive = archive
    self.zone = zone
    self.failed = failed
    orders = Mutex(Orders(authorities: authorities, expectedPerDay: expectedPerDay))
  }

  // MARK: For other threads; none of these waits

  /// These have no token: they are asked for now.
  func ask(for seals: [WaitingSeal]) {
    orders.withLock {
      $0.waiting = seals
      if !seals.isEmpty { $0.demand += 1 }
    }
    wake.offer(())
  }

  /// These still have no token.
  func waits(for seals: [WaitingSeal]) { orders.withLock { $0.waiting = seals } }

  func reconfigure(authorities: [any TimeStampAuthority], expectedPerDay: Double) {
    orders.withLock {
      $0.authorities = authorities
      $0.expectedPerDay = expectedPerDay
      $0.demand += 1
    }
    board.keep(authorities.map(\.name))
    wake.offer(())
  }

  /// Who signs: what an auditor will need to judge that certificate is fetched too.
  func signs(_ signer: Signer?) { orders.withLock { $0.signer = signer } }

  func stop() {
    orders.withLock { $0.isStopping = true }
    wake.offer(())
  }

  /// Whether everything that it was told to ask for was asked for.
  var isIdle: Bool { orders.withLock { $0.tried == $0.demand } }

  // MARK: The thread

  /// The thread's body.
  func run(out: Handover<KeeperWork>) {
    var pause: Int64 = 60_000
    var next = Clock.monotonicMilliseconds()
    var nextCredits = next
    // Handed to the keeper, who has not yet said so: they must not be bought twice.
    var bought: Set<WaitingSeal> = []
    var lastToken: [String: Int64] = [:]
    var captured: [Digest: Int64] = [:]
    while true {
      let now = Clock.monotonicMilliseconds()
      _ = wake.take(milliseconds: Int(max(0, min(next, nextCredits) - now)))
      let orders = orders.withLock { $0 }
      if orders.isStopping { return }
      bought.formIntersection(orders.waiting)
      let isDemanded = orders.demand != orders.tried
      var paid: Set<String> = []
      if isDemanded || Clock.monotonicMilliseconds() >= next {
        let open = orders.waiting.filter { !bought.contains($0) }
        let outcome = stamp(open, orders.authorities, &bought, &lastToken, out)
        self.orders.withLock { $0.tried = orders.demand }
        paid = outcome.paid
        switch outcome.rest {
        case .none: (pause, next) = (60_000, Clock.monotonicMilliseconds() + 60_000)
        case .paused(let until): next = until
        case .failed:
          if !isDemanded { pause = min(pause * 2, 3_600_000) }
          next = Clock.monotonicMilliseconds() + pause
        }
      }
      if Clock.monotonicMilliseconds() >= nextCredits {
        paid = Set(orders.authorities.map(\.name))
        nextCredits = Clock.monotonicMilliseconds() + 3_600_000
      }
      capture(orders, &captured, out)
      for (i, authority) in orders.authorities.enumerated() where paid.contains(authority.name) {
        askCredits(authority, expected: i == 0 ? orders.expectedPerDay : 0)
      }
    }
  }

  /// What a round left.
  private enum Rest {
    case none
    /// An authority is to be asked again at this time.
    case paused(Int64)
    case failed
  }

  /// Asks for each seal's token the authorities in their order, until one answers. One that failed is left alone until the
  /// next round: it would fail for each seal.
  /// - Parameter lastToken: when each authority gave one.
  private func stamp(
    _ seals: [WaitingSeal], _ authorities: [any TimeStampAuthority], _ bought: inout Set<WaitingSeal>, _ lastToken: inout [String: Int64],
    _ out: Handover<KeeperWork>
  ) -> (rest: Rest, paid: Set<String>) {
    var silent: Set<String> = []
    var paid: Set<String> = []
    var rest = Rest.none
    for seal in seals {
      guard let p7s = try? Sealer.stamped(seal, in: archive) else {
        rest = .failed
        continue
      }
      var token: ArrivedToken?
      for authority in authorities where token == nil && !silent.contains(authority.name) {
        if orders.withLock({ $0.isStopping }) { return (.failed, paid) }
        let due = (lastToken[authority.name] ?? 0) + authority.pauseMilliseconds
        if authority.pauseMilliseconds > 0, Clock.monotonicMilliseconds() < due { return (.paused(due), paid) }
        do {
          token = ArrivedToken(seal: seal, authority: authority.name, bytes: try authority.stamp(p7s))
          lastToken[authority.name] = Clock.monotonicMilliseconds()
          noteSuccess(authority.name, token?.bytes ?? [], over: p7s)
          paid.insert(authority.name)
        } catch {
          silent.insert(authority.name)
          noteFailure(authority.name, "\(error)", seal.number)
        }
      }
      if let token {
        bought.insert(seal)
        out.give(.token(token))
      } else {
        rest = .failed
        if silent.count == authorities.count { break }
      }
    }
    return (rest, paid)
  }

  private func noteSuccess(_ name: String, _ token: [UInt8], over p7s: [UInt8]) {
    var doubt: String?
    let read = try? TimeStampToken(token, over: p7s)
    if let read {
      let difference = abs(read.time - Clock.microseconds()) / Timestamp.second
      if difference > 60 + 15 { doubt = "the clock of \(name) and this machine's differ by \(difference) seconds" }
    }
    let before = board[name].stampError
    board.update(name) {
      $0.stampError = nil
      $0.tokens += 1
      $0.clockDoubt = doubt
      $0.token = read
    }
    if before != nil { Log.info("time stamps: \(name) answers again") }
  }

  private func noteFailure(_ name: String, _ words: String, _ number: Int) {
    let before = board[name].stampError
    board.update(name) { $0.stampError = words }
    // The same again and again is said once.
    guard before != words else { return }
    Log.warning("time stamps: \(name): \(words); seal \(number) waits for its token")
    failed(name, words, number)
  }

  // MARK: Validation

  /// Fetches, where it is due, what an auditor will need to judge the certificates of signer and authorities; on a thread of
  /// its own, so that no token waits for a slow server of CRLs.
  /// - Parameter captured: when each certificate's turn was last.
  private func capture(_ orders: Orders, _ captured: inout [Digest: Int64], _ out: Handover<KeeperWork>) {
    let now = Clock.monotonicMilliseconds()
    func isDue(_ certificate: Certificate) -> Bool {
      if let last = captured[certificate.sha256], now - last < Self.captureMilliseconds { return false }
      captured[certificate.sha256] = now
      return true
    }
    var jobs: [@Sendable () -> ValidationCapture?] = []
    for authority in orders.authorities {
      guard let token = board[authority.name].token, isDue(token.certificate) else { continue }
      jobs.append { authority.validation(of: token) }
    }
    if let signer = orders.signer, isDue(signer.certificate), !signer.certificate.isOwnRoot {
      jobs.append {
        var capture = ValidationCapture()
        capture.capture(signer.certificate, through: signer.identity.chain)
        return capture
      }
    }
    guard !jobs.isEmpty else { return }
    let all = jobs
    Thread.start("validation", nice: 5) {
      for job in all {
        guard let capture = job() else { continue }
        for words in capture.missing { Log.warning("validation: \(words)") }
        if !capture.files.isEmpty { out.give(.validation(capture.files)) }
      }
    }
  }

  // MARK: Credits

  private func askCredits(_ authority: any TimeStampAuthority, expected: Double) {
    do {
      guard let credits = try authority.credits() else { return }
      let perDay = max(measuredPerDay(authority.name), expected)
      board.update(authority.name) {
        $0.credits = credits
        $0.daysLeft = perDay > 0 ? Int((Double(credits) / perDay).rounded(.down)) : nil
        $0.creditError = nil
      }
    } catch {
      let words = "\(error)"
      if board[authority.name].creditError != words { Log.warning("time stamps: \(authority.name): credits: \(words)") }
      board.update(authority.name) { $0.creditError = words }
    }
  }

  /// Tokens that lie in the archive of the last thirty days, for each of those days.
  private func measuredPerDay(_ name: String) -> Double {
    let today = zone.timestamp(Clock.microseconds()).localDay
    var (count, days) = (0, 0)
    for back in 0..<30 {
      let day = today.adding(days: -back)
      let tokens = (try? SealStore(archive).entries(of: day))?.flatMap(\.tokens) ?? []
      let mine = tokens.filter { Layout.sealFile($0)?.file == .token(authority: name) }.count
      if mine > 0 { days = back + 1 }
      count += mine
    }
    return days > 0 ? Double(count) / Double(days) : 0
  }
}
