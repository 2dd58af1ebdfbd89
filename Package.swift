// swift-tools-version: 6.2
import PackageDescription

// What reads bytes from outside is checked by the compiler too: no unsafe construct without the word.
let record: [SwiftSetting] = [.enableExperimentalFeature("Lifetimes"), .strictMemorySafety()]
let plain: [SwiftSetting] = [.enableExperimentalFeature("Lifetimes")]

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
    .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .systemLibrary(name: "CDeflate", pkgConfig: "libdeflate", providers: [.apt(["libdeflate-dev"])]),
    .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),

    .target(name: "Record", swiftSettings: record),
    .target(name: "Syslog", dependencies: ["Record"], swiftSettings: record),
    .target(name: "Dialects", dependencies: ["Record", "Syslog"], resources: [.embedInCode("BuiltIn")], swiftSettings: record),
    .target(name: "Archive", dependencies: ["Record", "COpenSSL", "CZlib", "CDeflate", "CLinux"], swiftSettings: plain),
    .target(name: "Evidence", dependencies: ["Record", "Archive", "COpenSSL"], swiftSettings: plain),
    .target(name: "Attribution", dependencies: ["Record", "Dialects", "Archive", "CSQLite", "CLinux"], swiftSettings: plain),
    .target(
      name: "Commands", dependencies: ["Record", "Syslog", "Dialects", "Archive", "Evidence", "Attribution", "CLinux"], swiftSettings: plain
    ),
    .target(
      name: "Collector", dependencies: ["Record", "Syslog", "Dialects", "Archive", "Evidence", "Attribution", "Commands", "CLinux"],
      swiftSettings: plain),

    .executableTarget(name: "muhurd", dependencies: ["Collector"], swiftSettings: plain),
    .executableTarget(name: "muhur", dependencies: ["Commands", "Collector"], swiftSettings: plain),
    .executableTarget(name: "muhur-verify", dependencies: ["Evidence"], swiftSettings: plain),

    .target(name: "TestSupport", dependencies: ["Record"], path: "Tests/TestSupport", swiftSettings: plain),
    tests("RecordTests", ["Record"]),
    tests("SyslogTests", ["Syslog"]),
    tests("DialectsTests", ["Dialects"]),
    tests("ArchiveTests", ["Archive"]),
    tests("EvidenceTests", ["Evidence"]),
    tests("AttributionTests", ["Attribution", "Archive", "Dialects", "Record"], exclude: ["scenarios"]),
    tests("CommandsTests", ["Commands"]),
    tests("CollectorTests", ["Collector"]),
  ],
  swiftLanguageModes: [.v6]
)
