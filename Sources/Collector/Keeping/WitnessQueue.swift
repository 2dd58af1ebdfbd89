import Archive
import Evidence
import Record
import Synchronization

/// The thread that sends head lines to the witnesses outside. None of them is waited for: what cannot be sent is tried
/// again, after a minute at first, then ever more seldom, at least hourly, also after a restart.
final class WitnessQueue: Sendable {
  private struct Orders: Sendable {
    /// In their order; the oldest first.
    var heads: [Head]
    var publishers: [Configuration.Publisher]
    var isStopping = false
  }

  private let log: String
  private let zone: Zone
  /// Which seal each witness has had last; outside the archive, since it is no evidence.
  private let file: String
  private let orders: Mutex<Orders>
  private let wake = Handover<Void>(capacity: 1)
  private let errors = Mutex<[String: String]>([:])

  /// - Parameters:
  ///   - file: where it is remembered what was sent.
  ///   - heads: of the newest closed days, the oldest first; those that a witness has not had are sent.
  init(log: String, zone: Zone, file: String, heads: [Head], publishers: [Configuration.Publisher]) {
    self.log = log
    self.zone = zone
    self.file = file
    orders = Mutex(Orders(heads: heads, publishers: publishers))
  }

  // MARK: For other threads; none of these waits

  func publish(_ head: Head) {
    orders.withLock {
      $0.heads.append(head)
      // A year of days: who has had none of these gets the newest, which names all before it.
      if $0.heads.count > 366 { $0.heads.removeFirst() }
    }
    wake.offer(())
  }

  func reconfigure(_ publishers: [Configuration.Publisher]) {
    orders.withLock { $0.publishers = publishers }
    errors.withLock { known in known = known.filter { name, _ in publishers.contains { $0.description == name } } }
    wake.offer(())
  }

  func stop() {
    orders.withLock { $0.isStopping = true }
    wake.offer(())
  }

  /// In words, for each witness that did not take the newest line.
  var warnings: [String] { errors.withLock { $0.sorted { $0.key < $1.key }.map { "publish to \($0.key): \($0.value)" } } }

  // MARK: The thread

  /// The thread's body.
  func run() {
    var sent = Self.read(file)
    var pause = 60_000
    while true {
      let (heads, publishers, isStopping) = orders.withLock { ($0.heads, $0.publishers, $0.isStopping) }
      if isStopping { return }
      var isDone = true
      for publisher in publishers {
        let name = publisher.description
        // A new witness gets the newest line; those before it are named by the chain.
        let last = sent[name] ?? (heads.last.map { $0.number - 1 } ?? 0)
        for head in heads where head.number > last {
          if orders.withLock({ $0.isStopping }) { return }
          do throws(Witness.Failure) {
            try Witness.send(head, log: log, to: publisher, now: zone.timestamp(Clock.microseconds()))
            sent[name] = head.number
            errors.withLock { $0[name] = nil }
            remember(sent)
          } catch {
            note(name, "\(error)")
            isDone = false
            break
          }
        }
      }
      pause = isDone ? 60_000 : min(pause * 2, 3_600_000)
      _ = wake.take(milliseconds: isDone ? 3_600_000 : pause / 2)
    }
  }

  private func note(_ name: String, _ words: String) {
    errors.withLock {
      if $0[name] != words { Log.warning("publish to \(name): \(words); tried again") }
      $0[name] = words
    }
  }

  // MARK: What was sent

  private static func read(_ file: String) -> [String: Int] {
    guard let bytes = try? RegularFile.bytes(file, limit: 1 << 20), let json = try? StrictJSON.file(bytes.span) else { return [:] }
    var out: [String: Int] = [:]
    if case .object(let members) = json { for member in members { out[member.name] = member.value.integer } }
    return out
  }

  private func remember(_ sent: [String: Int]) {
    let json = JSONValue.object(sent.sorted { $0.key < $1.key }.map { JSONMember($0.key, .integer($0.value)) })
    do throws(ArchiveError) { try Disk.place(Array((json.text + "\n").utf8), at: file, replacing: true) } catch {
      Log.warning("\(error): what was published is not remembered")
    }
  }
}
