// muhur: asks and administers a log. The commands are in Commands; this gives them what needs the daemon's configuration.
import Archive
import Commands
import Glibc

@main struct Program {
  static func main() {
    exit(Client(local: Local.functions).run(ProgramArguments.all))
  }
}
