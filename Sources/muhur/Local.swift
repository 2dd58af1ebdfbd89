import Archive
import Collector
import Commands
import Dialects
import Glibc
import Record

/// What `muhur` does by itself with the daemon's configuration in hand.
enum Local {
  static var functions: Client.Local {
    Client.Local(checkConfiguration: checkConfiguration, explain: explain, openForWriting: openForWriting)
  }

  private static let defaultPath = "/etc/muhur/muhur.json5"

  // MARK: - check-config

  private static func checkConfiguration(_ path: String?) -> Reply {
    do throws(ConfigurationErrors) {
      let configuration = try Configuration.load(path: path ?? defaultPath, examples: true)
      let answer: JSONValue = ["result": "ok", "errors": []]
      return Reply(.answered, json: answer.bytes, words: configuration.warnings.map { "warning: \($0)" })
    } catch {
      return Reply(error.exitCode == 4 ? .unreachable : .usage, json: error.json.bytes)
    }
  }

  // MARK: - explain

  /// Dialects come from `--dialects`, else from where the configuration says, else from the usual folders and the
  /// program itself (design section 12.22).
  private static func explain(_ invocation: Invocation, give: ([UInt8]) -> Bool) -> Reply {
    do {
      var words: [String] = []
      let configuration = try configuration(invocation, &words)
      // A folder that is configured may be absent; one that the caller names was meant.
      for folder in invocation.values["dialects"] ?? [] where access(folder, F_OK) != 0 {
        throw Refusal(.unreachable, "--dialects: \(folder): \(String(cString: strerror(errno)))")
      }
      let dialects: DialectSet
      do { dialects = try DialectSet.load(folders: invocation.values["dialects"] ?? configuration?.dialectFolders ?? usualFolders) } catch {
        throw UsageError("\(error)", hint: "`muhur check-config` says all that is wrong")
      }
      let device = try device(invocation.value("source"), configuration)
      let reading = SourceReading(device, zone: archiveZone(configuration), dialects: dialects)
      let messages = ExplainMessages(dialects: dialects, reading: reading, charset: device?.charset ?? .windows1254)
      var reply = messages.run(invocation, give: give)
      reply.words = words + reply.words
      return reply
    } catch { return Refusal(error).reply }
  }

  private static let usualFolders = ["/etc/muhur/dialects", "/usr/share/muhur/dialects"]

  /// nil where none is needed, or none is there. One that is wrong is only an obstacle where something was asked of it.
  private static func configuration(_ invocation: Invocation, _ words: inout [String]) throws -> Configuration? {
    let named = invocation.value("config")
    let source = invocation.value("source")
    if named == nil, source == nil, invocation.has("dialects") || access(defaultPath, F_OK) != 0 { return nil }
    do throws(ConfigurationErrors) { return try Configuration.load(path: named ?? defaultPath) } catch {
      if named == nil, source == nil {
        words.append("warning: the configuration is not used: \(error.faults.first.map { "\($0)" } ?? "it is wrong")")
        return nil
      }
      throw Refusal(error.exitCode == 4 ? .unreachable : .usage, error.faults.map(\.description).joined(separator: "; "))
    }
  }

  private static func device(_ name: String?, _ configuration: Configuration?) throws -> Configuration.Device? {
    guard let name else { return nil }
    guard let device = configuration?.device(named: name) else {
      let known = configuration?.devices.map(\.name).joined(separator: ", ") ?? ""
      throw UsageError(
        "--source: the configuration has no device \(visible(name))",
        hint: known.isEmpty ? "it has no devices at all" : "it has \(known)")
    }
    return device
  }

  /// The archive's zone where it can be read, as the daemon takes it; else the machine's.
  private static func archiveZone(_ configuration: Configuration?) -> Zone {
    if let path = configuration?.archive, let log = try? ArchiveFolder(path).log(), let zone = Zone(named: log.timezone) { return zone }
    return Zone.usual
  }

  // MARK: - import, seal

  private static func openForWriting(
    _ archive: String, _ keys: String?, _ seals: Bool, _ progress: @escaping @Sendable (String) -> Void
  ) throws -> Client.OpenedLog {
    do throws(StartError) {
      let core = try LogCore.open(archive: archive, keys: keys, seals: seals, progress: progress)
      return Client.OpenedLog(log: core, close: core.close)
    } catch {
      throw Refusal(ExitCode(rawValue: Int(error.exitCode)) ?? .unreachable, error.description)
    }
  }
}
