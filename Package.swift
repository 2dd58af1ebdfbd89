// swift-tools-version: 6.2
import PackageDescription

// FUZZ=1 swift build -c release --product fuzz: the sanitizers' flags must reach every Swift target (see Fuzz/Fuzz.swift).
let fuzzing = Context.environment["FUZZ"] != nil
let plain: [SwiftSetting] =
  [.enableExperimentalFeature("Lifetimes")] + (fuzzing ? [.unsafeFlags(["-sanitize=fuzzer,address"])] : [])
// What reads bytes from outside is checked by the compiler too: no unsafe construct without the word.
let record: [SwiftSetting] = plain + [.strictMemorySafety()]

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
  .testTarget(name: name, dependencies: dependencies + ["TestSupport"], exclude: exclude, swiftSettings: plain)
}

let package = Package(
  name: "muhur",
  products: [
    .executable(name: "muhurd", targets: ["muhurd"]),
    .executable(name: "muhur", targets: ["muhur"]),
    .executable(name: "muhur-verify", targets: ["muhur-verify"]),
  ],
  targets: [
    .target(name: "CLinux"),
    .target(name: "CVector"),
    .target(name: "CSHA256", dependencies: ["COpenSSL"]),
    .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CDeflate", pkgConfig: "libdeflate", providers: [.apt(["libdeflate-dev"])]),
    .systemLibrary(name: "CIsal", pkgConfig: "libisal", providers: [.apt(["libisal-dev"])]),
    .systemLibrary(name: "CPcap", pkgConfig: "libpcap", providers: [.apt(["libpcap-dev"])]),
    .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),

    .target(name: "Record", dependencies: ["CVector"], swiftSettings: record),
    .target(name: "Syslog", dependencies: ["Record"], swiftSettings: record),
    .target(name: "PacketDecoding", dependencies: ["Record"], swiftSettings: record),
    .target(name: "Dialects", dependencies: ["Record", "Syslog"], resources: [.embedInCode("BuiltIn")], swiftSettings: record),
    .target(
      name: "Archive", dependencies: ["Record", "COpenSSL", "CSHA256", "CZlib", "CDeflate", "CIsal", "CLinux"], swiftSettings: plain),
    .target(name: "Evidence", dependencies: ["Record", "Archive", "COpenSSL"], swiftSettings: plain),
    .target(name: "Attribution", dependencies: ["Record", "Syslog", "Dialects", "Archive", "CSQLite", "CLinux"], swiftSettings: plain),
    .target(
      name: "Commands", dependencies: ["Record", "Syslog", "PacketDecoding", "Dialects", "Archive", "Evidence", "Attribution", "CLinux"],
      swiftSettings: plain
    ),
    .target(
      name: "Collector",
      dependencies: [
        "Record", "Syslog", "PacketDecoding", "Dialects", "Archive", "Evidence", "Attribution", "Commands", "CLinux", "COpenSSL",
        "CPcap",
      ],
      swiftSettings: plain),

    .executableTarget(name: "muhurd", dependencies: ["Collector"], swiftSettings: plain),
    .executableTarget(name: "muhur", dependencies: ["Commands", "Collector"], swiftSettings: plain),
    .executableTarget(name: "muhur-verify", dependencies: ["Evidence"], swiftSettings: plain),

    .target(name: "TestSupport", dependencies: ["Record"], path: "Tests/TestSupport", swiftSettings: plain),
    tests("RecordTests", ["Record"]),
    tests("SyslogTests", ["Syslog"]),
    tests("PacketDecodingTests", ["PacketDecoding"]),
    tests("DialectsTests", ["Dialects"]),
    tests("ArchiveTests", ["Archive"]),
    tests("EvidenceTests", ["Evidence"], exclude: ["Fixtures"]),
    tests("AttributionTests", ["Attribution", "Archive", "Dialects", "Record"], exclude: ["scenarios"]),
    tests("CommandsTests", ["Commands", "Archive", "Dialects", "Evidence"]),
    tests("CollectorTests", ["Collector"]),
    // Runs the programs; they are dependencies so that testing builds them.
    tests("EndToEndTests", ["Record", "Archive", "Evidence", "muhurd", "muhur", "muhur-verify"], exclude: ["Servers"]),
  ],
  swiftLanguageModes: [.v6]
)

if fuzzing {
  package.targets.append(
    .executableTarget(
      name: "fuzz", dependencies: ["Record", "Syslog", "PacketDecoding", "Dialects", "Archive", "Evidence", "Attribution"], path: "Fuzz",
      swiftSettings: plain,
      linkerSettings: [.unsafeFlags(["-sanitize=fuzzer,address", "-use-ld=lld"])]))
}

// BENCH=1 swift build -c release --product reading-bench: see Benchmarks/Reading.swift.
if Context.environment["BENCH"] != nil {
  package.targets.append(
    .executableTarget(name: "reading-bench", dependencies: ["Record", "Dialects"], path: "Benchmarks", swiftSettings: plain))
}
