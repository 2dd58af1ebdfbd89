import Archive
import Attribution
import Commands
import Dialects
import Evidence
import Glibc
import Record
import Synchronization

/// Why the daemon does not start, and with which exit code.
public struct StartError: Error, CustomStringConvertible {
  public var exitCode: Int32
  public var description: String
}

/// One log being kept: everything that runs, and how it starts and ends.
///
/// Start: lock, recovery, keys, indexes, threads, sources, READY. End: sources first, then the writer, the `stopped`
/// notice, the last seal; so what was received is sealed.
public final class Daemon: Sendable {
  private let configurationPath: String
  private let configuration: Mutex<Configuration>
  /// The one it was started with: what a reload cannot change is still as it says.
  private let begunWith: Configuration
  let core: LogCore
  private let sources: [any RunningSource]
  private let control: ControlServer
  private let metrics: MetricsServer?
  private let service = ServiceManager()
  private let free: Handover<Batch>

  public static var version: String { Release.version }

  /// Messages on their way at once, in batches of up to a megabyte.
  private static let batches = 24

  /// - Throws: `StartError`, with words for the administrator.
  public init(configurationPath: String) throws(StartError) {
    self.configurationPath = configurationPath
    let loaded: Configuration
    do throws(ConfigurationErrors) { loaded = try Configuration.load(path: configurationPath) } catch {
      throw StartError(exitCode: error.exitCode, description: error.text)
    }
    for warning in loaded.warnings { Log.warning(warning.description) }
    configuration = Mutex(loaded)
    begunWith = loaded
    let service = service
    core = try LogCore(loaded, deletes: true) { words in
      service.status(words)
      // What says how far it is has not hung: systemd waits on.
      service.extendTimeout(seconds: 120)
    }
    var sources: [any RunningSource] = []
    do {
      for entry in loaded.sources {
        let source = try Sources.open(entry, loaded)
        for warning in source.warnings { Log.warning(warning) }
        sources.append(source)
      }
      control = try ControlServer(path: loaded.socket, log: core, access: Access(loaded.access))
      let core = core
      let opened = sources
      core.watch(sources)
      metrics = try loaded.metrics.map { listen throws(SourceError) in
        try MetricsServer(address: listen.address, port: listen.port) { core.exposition(opened) }
      }
    } catch {
      throw StartError(exitCode: 4, description: "\(error)")
    }
    self.sources = sources
    free = Handover(capacity: Self.batches, newestFirst: true)
  }

  /// Runs until SIGTERM or SIGINT.
  /// - Returns: the exit code.
  public func run() -> Int32 {
    // Every thread inherits this: signals are only taken here.
    var signals = sigset_t()
    sigemptyset(&signals)
    for signal in [SIGTERM, SIGINT, SIGHUP] { sigaddset(&signals, signal) }
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    signal(SIGPIPE, SIG_IGN)

    core.start(free: free)
    for _ in 0..<Self.batches { free.give(Batch()) }
    let (free, inbox) = (free, core.inbox)
    let threads = sources.map { source in
      Thread.start("receiver", joinable: true) { source.run(free: free, out: inbox) }
    }
    core.tell("started", startedMembers())
    declareStatic(configuration.withLock { $0 })
    core.sealAtFirstStart()
    control.start()
    metrics?.start()
    service.ready()
    let names = sources.isEmpty ? "nothing" : "on " + sources.map(\.name).joined(separator: ", ")
    Log.info("receiving \(names); archive \(core.archive.path)")

    var lost = sources.map { _ in 0 }
    while true {
      var wait = timespec(tv_sec: 0, tv_nsec: 500_000_000)
      let signal = sigtimedwait(&signals, nil, &wait)
      if signal == SIGHUP { reload() }
      if signal == SIGTERM || signal == SIGINT { break }
      tellLosses(&lost)
      for source in sources { source.hold(core.counters.diskFull.load(ordering: .relaxed)) }
      if service.watchdogMilliseconds != nil, core.isAlive { service.alive() }
    }
    service.stopping()
    for source in sources { source.stop() }
    for thread in threads { thread.join() }
    tellLosses(&lost)
    control.stop()
    metrics?.stop()
    return core.stop()
  }

  /// Losses before the writer since they were told last.
  private func tellLosses(_ told: inout [Int]) {
    for (i, source) in sources.enumerated() {
      let now = source.droppedCount
      if now > told[i] { core.lost(now - told[i], where: source.name) }
      told[i] = now
    }
  }

  private func startedMembers() -> [JSONMember] {
    [JSONMember("software", .string(LogCore.software))] + Self.readingMembers(configuration.withLock { $0 })
      + [JSONMember("clock_synchronised", .bool(Clock.state().isSynchronised))]
  }

  /// What answers depend on and an auditor's copy must know.
  private static func readingMembers(_ configuration: Configuration) -> [JSONMember] {
    [
      JSONMember("binding_timeout", .string(configuration.bindingTimeout.text)),
      JSONMember("clock_tolerance", .string(configuration.clockTolerance.text)),
    ]
  }

  /// The addresses that the configuration declares, as one record: at start and when they change. A list that has become
  /// empty is told too, since it ends the one before.
  private func declareStatic(_ configuration: Configuration) {
    guard !configuration.staticAddresses.isEmpty || core.isContinued else { return }
    core.tell(
      "static", [JSONMember("count", .integer(configuration.staticAddresses.count))],
      further: configuration.staticAddresses.map { $0.event(zone: core.zone) })
  }

  /// SIGHUP: takes over what can change while it runs, and says what cannot.
  private func reload() {
    service.reloading()
    defer { service.ready() }
    do {
      let new = try Configuration.load(path: configurationPath)
      let old = configuration.withLock { $0 }
      let dialects = try DialectSet.load(folders: new.dialectFolders)
      for path in new.changesNeedingRestart(from: begunWith) { Log.warning("\(path): the change takes effect with the next start") }
      configuration.withLock { $0 = new }
      control.reconfigure(Access(new.access))
      core.reconfigure(new, dialects: dialects)
      for source in sources { source.reload() }
      core.tell("configuration-changed", Self.readingMembers(new))
      if new.staticAddresses != old.staticAddresses { declareStatic(new) }
      Log.info("configuration taken over")
    } catch {
      Log.error("the configuration is not taken over: \(error)")
    }
  }
}
