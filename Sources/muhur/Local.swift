import Commands
import Dialects
import Record

enum Local {
  static var functions: Client.Local {
    Client.Local(checkConfiguration: checkConfiguration, explain: explain, openForWriting: { _, _, _ in throw UsageError("not there yet") })
  }

  private static func checkConfiguration(_ path: String?) -> Reply { Reply(.answered) }

  private static func explain(_ invocation: Invocation, give: ([UInt8]) -> Bool) -> Reply {
    do {
      let dialects = try DialectSet.load(folders: invocation.values["dialects"] ?? [])
      let zone = Zone(named: "Europe/Istanbul") ?? .utc
      return ExplainMessages(dialects: dialects, reading: SourceReading(zone: zone), charset: .windows1254).run(invocation, give: give)
    } catch { return Refusal(error).reply }
  }
}
