import Record
import Testing
import TestSupport

@testable import Collector

/// Reads a text as a configuration; what lies outside the file is not looked at.
func configuration(_ text: String) throws(ConfigurationErrors) -> Configuration {
  try ConfigurationReader(Array(text.utf8).span, file: "muhur.json5").finish()
}

@Suite struct ConfigurationTests {
  @Test("every value but archive has its default")
  func defaults() throws {
    let c = try configuration(#"{archive: "/a"}"#)
    #expect(c.archive == "/a" && c.keys == "/etc/muhur/keys" && c.index == "/var/lib/muhur/index" && c.socket == "/run/muhur/muhur.sock")
    #expect(c.dialectFolders == ["/etc/muhur/dialects", "/usr/share/muhur/dialects"])
    #expect(c.commitInterval == .init(text: "500ms", microseconds: 500_000) && c.retention.microseconds == 731 * Timestamp.day)
    #expect(c.bindingTimeout == .init(text: "1h", microseconds: Timestamp.hour) && c.clockTolerance.text == "2s")
    #expect(c.sources == [.udp(.init(address: try #require(IPAddress("::")), port: 514))])
    #expect(c.devices.isEmpty && c.staticAddresses.isEmpty && c.publish.isEmpty && c.metrics == nil && c.warnings.isEmpty)
    #expect(
      c.seal == .init() && c.seal.interval.text == "1h" && c.timestamp.every == .seal && c.timestamp.authorities == [.init(name: "local")])
    #expect(c.access.query == ["group:muhur-query"] && c.access.administer == ["group:muhur-admin"] && !c.access.requiresCase)
  }

  @Test("every key is read, as JSON5")
  func everything() throws {
    let c = try configuration(
      """
      // comment
      {
        archive: '/srv/a', "keys": "/srv/k", index: "/srv/i", socket: "/srv/s", dialects: ["/srv/d"],
        commit_interval: "250ms", retention: "730d", binding_timeout: "90m", clock_tolerance: "0s",
        sources: [ { type: "udp", listen: "127.0.0.1:5514" }, { type: "udp", listen: "[::1]:65535" }, { type: "udp" } ],
        devices: [
          { name: "dhcp1", from: "10.20.0.0/16", site: "Kültür.Merkezi", timezone: "Europe/Istanbul", charset: "iso-8859-9",
            dialects: ["isc-dhcpd"], clock: "device", lease_time: "8h", silent_after: "15m" },
          { name: "dhcp_2", from: "2001:db8::/32" },
          { name: "rest", from: "10.0.0.7", clock: "receive", dialects: [] },
        ],
        static: [ { ip: "10.20.1.5", mac: "3C-52-82-1A-7F-09", hostname: "Yazıcı 2", site: "merkez", since: "2026-01-01" },
          { ip: "10.20.1.5", mac: "3c:52:82:1a:7f:0a", site: "merkez", since: "2026-02-01T08:00:00+03:00" }, { ip: "fd00::5", mac: "3c52821a7f0b" } ],
        seal: { interval: "10m", pkcs12: "/srv/p12", password_file: "/srv/pw" },
        timestamp: { every: "final", authorities: [ { name: "yerel", type: "local" } ] },
        access: { query: ["group:kolluk", "user:ayse"], administer: [], require_case: true },
        publish: [ { type: "file", path: "/mnt/heads" } ], metrics: { listen: "[::1]:9000" },
      } // end
      """)
    #expect(c.archive == "/srv/a" && c.keys == "/srv/k" && c.index == "/srv/i" && c.socket == "/srv/s" && c.dialectFolders == ["/srv/d"])
    #expect(c.commitInterval.microseconds == 250_000 && c.retention.microseconds == 730 * Timestamp.day)
    #expect(
      c.bindingTimeout == .init(text: "90m", microseconds: 90 * Timestamp.minute) && c.clockTolerance == .init(text: "0s", microseconds: 0))
    #expect(
      c.sources.map { if case .udp(let listen) = $0 { "\(listen.address) \(listen.port)" } else { "other" } }
        == ["127.0.0.1 5514", "::1 65535", ":: 514"])
    let device = try #require(c.devices.first)
    #expect(
      device.name == "dhcp1" && device.site == "Kültür.Merkezi" && device.zone?.name == "Europe/Istanbul" && device.charset == .iso88599)
    #expect(device.dialects == ["isc-dhcpd"] && device.trustsDeviceClock && device.leaseSeconds == 28_800)
    #expect(device.silentAfterMicroseconds == 15 * Timestamp.minute)
    #expect(c.devices[1].site == RecordLine.defaultSite && c.devices[1].charset == .windows1254 && c.devices[1].dialects == nil)
    #expect(c.devices[2].dialects == [] && !c.devices[2].trustsDeviceClock && c.devices[2].silentAfterMicroseconds == nil)
    #expect(c.staticAddresses.map(\.mac.description) == ["3c:52:82:1a:7f:09", "3c:52:82:1a:7f:0a", "3c:52:82:1a:7f:0b"])
    #expect(c.staticAddresses[0].since == .day(try #require(CalendarDay("2026-01-01"))) && c.staticAddresses[2].since == nil)
    #expect(c.staticAddresses[0].hostname == "Yazıcı 2")
    #expect(c.seal.interval.text == "10m" && c.seal.pkcs12 == "/srv/p12" && c.seal.passwordFile == "/srv/pw" && c.seal.key == nil)
    #expect(c.timestamp.every == .final && c.timestamp.authorities == [.init(name: "yerel")])
    #expect(c.access == .init(query: ["group:kolluk", "user:ayse"], administer: [], requiresCase: true))
    #expect(c.publish == [.file(path: "/mnt/heads")] && c.metrics?.port == 9000 && c.warnings.isEmpty)
  }

  @Test("time-stamp authorities of each kind, and witnesses of each kind")
  func outside() throws {
    let c = try configuration(
      #"""
      { archive: "/a",
        timestamp: { every: "seal", authorities: [
          { name: "kamusm", type: "kamusm", url: "http://tzd.kamusm.gov.tr", user: 123, password_file: "/etc/hostname", trust: "/etc/passwd", policy: "2.16.792.1.2.1.1.5.7.3.1" },
          { name: "other", type: "rfc3161", url: "https://tsa.example/t", basic_user: "efeler", password_file: "/etc/hostname", trust: "/etc/passwd",
            proxy: "http://10.0.0.1:3128" },
          { type: "rfc3161", url: "http://[fd00::1]:99/", trust: "/etc/passwd" }, { type: "local" } ] },
        publish: [ { type: "syslog", to: "10.20.0.9" }, { type: "syslog", to: "tcp://log.example" }, { type: "syslog", to: "udp://[fd00::2]:1514" },
          { type: "mail", to: "denetim@efeler.bel.tr", sendmail: "/bin/true" } ] }
      """#)
    let list = c.timestamp.authorities
    #expect(list.map(\.name) == ["kamusm", "other", "rfc3161", "local"])
    guard case .kamuSM(let kamu, user: 123) = list[0].service, case .rfc3161(let other, user: "efeler") = list[1].service,
      case .rfc3161(let plain, user: nil) = list[2].service
    else { return #expect(Bool(false), "\(list)") }
    #expect(kamu.url.host == "tzd.kamusm.gov.tr" && kamu.policy == "2.16.792.1.2.1.1.5.7.3.1" && kamu.trust == "/etc/passwd")
    #expect(other.passwordFile == "/etc/hostname" && other.proxy?.port == "3128" && other.policy == nil && plain.url.host == "fd00::1")
    #expect(list[3].service == .local && c.warnings.isEmpty)
    #expect(
      c.publish.map(\.description) == ["udp://10.20.0.9:514", "tcp://log.example:601", "udp://fd00::2:1514", "denetim@efeler.bel.tr"])
    #expect(c.publish.last == .mail(to: "denetim@efeler.bel.tr", sendmail: "/bin/true"))
  }

  @Test("sources over TCP and TLS are read, with defaults that work")
  func streams() throws {
    let c = try configuration(
      """
      {archive: "/a", sources: [ { type: "tcp" }, { type: "tcp", listen: "[::1]:1", max_connections: 3, idle_timeout: "2h" },
        { type: "tls", certificate: "/c", key: "/k" },
        { type: "tls", listen: "[::1]:2", certificate: "/c", key: "/k", client_ca: "/a", client_certificates: "optional", handshake_timeout: "3s" } ]}
      """)
    let any = try #require(IPAddress("::"))
    let one = try #require(IPAddress("::1"))
    var limited = Configuration.Source.Stream(listen: .init(address: one, port: 1), maximumConnections: 3)
    limited.idleMicroseconds = 2 * Timestamp.hour
    let plain = Configuration.Source.TLS(stream: .init(listen: .init(address: any, port: 6514)), certificate: "/c", key: "/k")
    #expect(plain.requiresClientCertificate && plain.clientCA == nil && plain.stream.idleMicroseconds == nil)
    var asking = Configuration.Source.TLS(stream: .init(listen: .init(address: one, port: 2)), certificate: "/c", key: "/k")
    asking.clientCA = "/a"
    asking.requiresClientCertificate = false
    asking.handshakeMicroseconds = 3 * Timestamp.second
    #expect(c.sources == [.tcp(.init(listen: .init(address: any, port: 601))), .tcp(limited), .tls(plain), .tls(asking)])
  }

  @Test("the first device that matches a sender counts")
  func firstMatch() throws {
    let c = try configuration(
      #"{archive: "/a", devices: [{name: "one", from: "10.0.0.1"}, {name: "all", from: "10.0.0.0/8"}, {name: "six", from: "fd00::/8"}]}"#)
    func name(_ address: String) -> String? { IPAddress(address).flatMap { c.device(for: $0)?.name } }
    #expect(name("10.0.0.1") == "one" && name("10.0.0.2") == "all" && name("11.0.0.1") == nil && name("fd12::1") == "six")
    #expect(name("::ffff:10.0.0.1") == "one")
  }

  @Test(
    "what works but is hardly meant is a warning",
    arguments: [
      (#"retention: "729d""#, "retention: shorter than the two years (730d)"), (#"sources: []"#, "sources: no source"),
      (
        #"timestamp: {authorities: [{type: "rfc3161", url: "http://x/", trust: "/none"}]}"#,
        "timestamp.authorities[0].trust: /none cannot be read"
      ),
      (#"publish: [{type: "mail", to: "a@b", sendmail: "/none"}]"#, "publish[0].sendmail: /none is not there"),
      (#"timestamp: {authorities: []}"#, "timestamp.authorities: no authority"),
      (#"devices: [{name: "a", from: "10.0.0.0/8"}, {name: "b", from: "10.1.0.0/16"}]"#, "devices[1].from: never matches: devices[0]"),
    ])
  func warning(_ text: String, _ words: String) throws {
    let warnings = try configuration("{archive: \"/a\",\n\(text)}").warnings
    #expect(warnings.count == 1)
    #expect(warnings.first?.description.hasPrefix("muhur.json5:2: " + words) == true, "\(warnings)")
  }

  @Test("the configuration that is installed is right, and every value in it is the default")
  func installed() throws {
    let bytes = try #require(Corpus.file(Corpus.package + "/etc/muhur.json5"))
    let c = try ConfigurationReader(bytes.span, file: "muhur.json5").finish()
    let defaults = Configuration(archive: "/var/lib/muhur/archive")
    #expect(c.warnings.isEmpty && c.archive == defaults.archive && c.devices.isEmpty && c.changesNeedingRestart(from: defaults).isEmpty)
  }

  @Test("what the installed configuration shows in comments is right too, but for what it is not meant to be")
  func installedComments() throws {
    let bytes = try #require(Corpus.file(Corpus.package + "/etc/muhur.json5"))
    // Lines of prose begin with a capital or small word; examples with a key, a bracket or a brace.
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let start = try #require(lines.firstIndex(of: "{"))
    let shown = lines[start...].map { line -> String in
      let text = line.drop { $0 == " " }
      guard text.hasPrefix("//") else { return line }
      let inner = text.dropFirst(2).drop { $0 == " " }
      let isExample =
        inner.hasPrefix("{") || inner.hasPrefix("}") || inner.hasPrefix("]")
        || inner.prefix { $0.isLetter || $0 == "_" }.count > 0 && inner.drop { $0.isLetter || $0 == "_" }.hasPrefix(":")
          && inner.contains("\"")
        || inner.hasPrefix("sources: [")
      return isExample ? String(inner) : ""
    }
    let c = try configuration(shown.joined(separator: "\n"))
    #expect(c.warnings.isEmpty && c.devices.count == 1 && c.staticAddresses.count == 1 && c.publish.count == 1 && c.metrics?.port == 9514)
    let defaults = Configuration(archive: "/var/lib/muhur/archive")
    #expect(c.changesNeedingRestart(from: defaults) == ["metrics.listen"])
  }

  @Test("changes that only a start can take over are named")
  func changes() throws {
    let old = try configuration(#"{archive: "/a"}"#)
    func changed(_ text: String) throws -> [String] { try configuration("{archive: \"/a\", \(text)}").changesNeedingRestart(from: old) }
    #expect(try configuration(#"{archive: "/b"}"#).changesNeedingRestart(from: old) == ["archive"])
    #expect(try changed(#"sources: [{type: "udp", listen: "[::]:515"}]"#) == ["sources"])
    #expect(try changed(#"sources: [{type: "udp", listen: "[::]:514"}], commit_interval: "500ms""#) == [])
    #expect(try changed(#"seal: {interval: "2h", key: "/k", certificate: "/c", password_file: "/p"}, timestamp: {every: "final"}"#) == [])
    #expect(try changed(#"publish: [{type: "file", path: "/h"}]"#) == [])
    #expect(try changed(#"metrics: {}, keys: "/k", socket: "/s", index: "/i""#) == ["keys", "index", "socket", "metrics.listen"])
    #expect(
      try changed(
        #"devices: [{name: "a", from: "10.0.0.1"}], static: [{ip: "10.0.0.1", mac: "3c:52:82:1a:7f:09"}], access: {require_case: true}, binding_timeout: "2h", clock_tolerance: "1s", dialects: []"#
      ) == [])
  }
}
