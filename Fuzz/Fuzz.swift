// One program for all fuzz targets: `fuzz TARGET [options of libFuzzer] [folder of inputs]`.
//
//     FUZZ=1 swift build -c release --product fuzz --scratch-path .build/fuzz
//     ASAN_OPTIONS=detect_leaks=0 SWIFT_BACKTRACE=enable=no .build/fuzz/release/fuzz syslog -max_total_time=10
//
// Without SWIFT_BACKTRACE=enable=no a crash hangs in the backtracer and its input is lost; what Swift makes once and
// keeps looks like a leak. A target reads any bytes: that it neither traps nor takes long is what libFuzzer checks,
// what else must hold the target checks by `require`.

/// One parser of bytes from outside.
struct FuzzTarget: Sendable {
  var name: String
  /// Reads one input.
  var run: @Sendable (Span<UInt8>) -> Void

  static let all: [FuzzTarget] = [
    .syslog, .framing, .dialects, .dialectFiles, .json5, .strictJSON, .blocks, .seals, .records, .signatures, .tokens,
    .answers, .bundles, .packets, .captures, .blockIndex, .formats,
  ]

  /// Chosen before the first input.
  nonisolated(unsafe) fileprivate static var chosen: FuzzTarget?
}

/// Stops the program, so that libFuzzer keeps the input.
func require(_ condition: Bool, _ what: StaticString) { if !condition { fatalError(what.description) } }

// libFuzzer's own main does not fit SwiftPM's renamed entry point, its driver does.
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ count: UnsafeMutablePointer<CInt>, _ arguments: UnsafeMutableRawPointer, _ one: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

@main struct Fuzz {
  static func main() {
    let name = CommandLine.arguments.dropFirst().first ?? ""
    guard let target = FuzzTarget.all.first(where: { $0.name == name }) else {
      print("usage: fuzz TARGET [options of libFuzzer]; targets: " + FuzzTarget.all.map(\.name).joined(separator: " "))
      return
    }
    FuzzTarget.chosen = target
    // The driver gets the arguments without the target's name.
    var count = CommandLine.argc - 1
    var arguments = CommandLine.unsafeArgv
    arguments[1] = arguments[0]
    arguments += 1
    _ = runDriver(&count, &arguments) { bytes, count in
      let input = UnsafeBufferPointer(start: bytes, count: count)
      FuzzTarget.chosen?.run(input.span)
      return 0
    }
  }
}
