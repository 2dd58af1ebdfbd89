import Archive
import Evidence
import Glibc

/// `muhur-verify`, the auditor's verifier: what it does is `VerifierCommand`.
@main struct Program {
  static func main() { exit(VerifierCommand.run(ProgramArguments.all)) }
}
