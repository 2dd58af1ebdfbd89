import Archive
import Collector
import Glibc

@main struct Program {
  static let usage = """
    usage: muhurd [--config FILE]

    Collects syslog, keeps it in a sealed archive, and answers muhur. Runs in the foreground and says on standard error what
    it does; systemd starts it (muhurd.service).

      --config FILE   the configuration (default /etc/muhur/muhur.json5); `muhur check-config FILE` checks one
      --version       print the version
      --help          print this

    SIGTERM or SIGINT: write, seal, end. SIGHUP: read the configuration again.

    exit codes: 0 ended as asked · 1 the archive is damaged or was put back · 2 wrong usage or configuration
                4 something cannot be reached: the archive's folder, a port, the keys

    """

  static func main() {
    var path = "/etc/muhur/muhur.json5"
    var arguments = ProgramArguments.all
    while !arguments.isEmpty {
      let argument = arguments.removeFirst()
      switch argument {
      case "--help", "-h": finish(usage, to: 1, 0)
      case "--version": finish("muhurd \(Daemon.version)\n", to: 1, 0)
      case "--config":
        guard !arguments.isEmpty else { finish("muhurd: error: --config needs a file\n", to: 2, 2) }
        path = arguments.removeFirst()
      case _ where argument.hasPrefix("--config="): path = String(argument.dropFirst(9))
      default: finish("muhurd: error: unknown argument \(argument)\n\n\(usage)", to: 2, 2)
      }
    }
    do throws(StartError) {
      exit(try Daemon(configurationPath: path).run())
    } catch {
      finish("muhurd: error: \(error)\n", to: 2, error.exitCode)
    }
  }

  static func finish(_ text: String, to descriptor: Int32, _ code: Int32) -> Never {
    var bytes = Array(text.utf8)
    _ = write(descriptor, &bytes, bytes.count)
    exit(code)
  }
}
