import CLinux

/// What the program was called with, without its name.
///
/// Swift's `CommandLine.arguments` are read from /proc/self/cmdline, and empty where no /proc is mounted: in the root of an
/// image that is being made, where a package's installation calls `muhur init`.
public enum ProgramArguments {
  public static var all: [String] {
    (1..<max(1, linux_argument_count())).map { String(cString: linux_argument($0)) }
  }
}
