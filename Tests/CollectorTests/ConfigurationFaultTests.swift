import Dialects
import Glibc
import Record
import Testing

@testable import Collector

/// A wrong configuration and the words in which it is refused; `archive` stands in line 1, the text in line 2.
struct Fault: Sendable, CustomTestStringConvertible {
  var text: String
  var words: String
  init(_ text: String, _ words: String) { (self.text, self.words) = (text, words) }
  var testDescription: String { text }

  static let all: [Fault] = [
    // Keys
    Fault(#"archiv: "/x""#, #"archiv: unknown key (did you mean "archive"?)"#),
    Fault(#"comit_interval: "1s""#, #"comit_interval: unknown key (did you mean "commit_interval"?)"#),
    Fault(#"zzzzzz: 1"#, "zzzzzz: unknown key; known here: archive, keys, index"),
    Fault(#"keys: "keys""#, #"keys: expected a whole path, beginning with /, found "keys""#),
    Fault(#"keys: """#, "keys: is empty"), Fault(#"index: 5"#, "index: expected a string, found an integer"),
    Fault(#"keys: "/a/keys""#, "keys: lies in the archive, which holds the log alone; name a place outside of /a"),
    Fault(#"index: "/a""#, "index: lies in the archive"), Fault(#"socket: "//b/.././a/socket""#, "socket: lies in the archive"),
    Fault(#"publish: [{type: "file", path: "/a/heads"}]"#, "publish[0].path: lies in the archive"),
    Fault(#"index: null"#, "index: expected a string, found null"),
    Fault("socket: \"/" + String(repeating: "s", count: 107) + "\"", "socket: a socket's path has at most 107 bytes; this one has 108"),
    Fault(#"dialects: "/x""#, "dialects: expected a list, found a string"),
    Fault(#"dialects: ["/x", 1]"#, "dialects[1]: expected a string"),
    // Times
    Fault(#"commit_interval: "soon""#, #"commit_interval: expected digits and one of d h m s ms, as in "500ms", found "soon""#),
    Fault(#"commit_interval: "0s""#, #"commit_interval: expected a time from 10ms to 60s, found "0s""#),
    Fault(#"retention: 730"#, #"retention: expected a time with its unit in quotes, as in "8h", found 730"#),
    Fault(#"retention: "500ms""#, #"retention: expected digits and one of d h m s, as in "8h", found "500ms""#),
    Fault(#"retention: "99999999999d""#, #"retention: expected digits and one of d h m s"#),
    Fault(#"retention: "999999999d""#, #"retention: expected a time from 1d to 36500d"#),
    Fault(#"binding_timeout: " 1h""#, "binding_timeout: expected digits"),
    Fault(#"binding_timeout: "1H""#, "binding_timeout: expected digits"),
    Fault(#"clock_tolerance: "s""#, "clock_tolerance: expected digits"),
    Fault(#"clock_tolerance: "2d""#, "clock_tolerance: expected a time from 0s to 1d"),
    // Sources
    Fault(#"sources: {type: "udp"}"#, "sources: expected a list, found an object"),
    Fault(#"sources: ["udp"]"#, "sources[0]: expected an object, found a string"),
    Fault(#"sources: [{listen: "[::]:514"}]"#, "sources[0].type: is missing: one of udp, tcp, tls, pcap, file"),
    Fault(
      #"sources: [{type: "udpp"}]"#, #"sources[0].type: expected one of udp, tcp, tls, pcap, file, found "udpp" (did you mean "udp"?)"#),
    Fault(#"sources: [{type: "udp", lisen: "x"}]"#, #"sources[0].lisen: unknown key (did you mean "listen"?); known here: type, listen"#),
    Fault(#"sources: [{type: "udp", listen: "127.0.0.1:99999"}]"#, "sources[0].listen: expected a port from 1 to 65535"),
    Fault(#"sources: [{type: "udp", listen: "127.0.0.1:0"}]"#, "sources[0].listen: expected a port from 1 to 65535"),
    Fault(#"sources: [{type: "udp", listen: "[::]"}]"#, "sources[0].listen: expected an address and a port"),
    Fault(#"sources: [{type: "udp", listen: "::1:514"}]"#, "sources[0].listen: expected an address and a port"),
    Fault(#"sources: [{type: "udp", listen: "localhost:514"}]"#, "sources[0].listen: expected an address and a port"),
    Fault(#"sources: [{type: "udp", listen: ":514"}]"#, "sources[0].listen: expected an address and a port"),
    Fault(
      #"sources: [{type: "udp", listen: 514}]"#, #"sources[0].listen: expected an address and a port in quotes, as in "127.0.0.1:514""#),
    Fault(#"sources: [{type: "udp"}, {type: "udp", listen: "[::]:514"}]"#, "sources[1].listen: another source listens here already"),
    // Its default is another's address, which is not what is wrong with it.
    Fault(#"sources: [{type: "udp"}, {type: "udp", listen: ":514"}]"#, "sources[1].listen: expected an address and a port"),
    Fault(#"sources: [{type: "pcap"}]"#, "sources[0].interface: is missing: the interface to capture on"),
    Fault(#"sources: [{type: "pcap", interface: "eth 1"}]"#, #"sources[0].interface: expected an interface such as "eth1""#),
    Fault(#"sources: [{type: "pcap", interface: "eth1", listen: "[::]:1"}]"#, "sources[0].listen: unknown key"),
    Fault(#"sources: [{type: "tcp", max_connections: 0}]"#, "sources[0].max_connections: expected a number from 1 to 1000000, found 0"),
    Fault(#"sources: [{type: "tcp", idle_timeout: "0s"}]"#, "sources[0].idle_timeout: expected a time from 1s"),
    Fault(#"sources: [{type: "tcp", key: "/k"}]"#, "sources[0].key: unknown key"),
    Fault(
      #"sources: [{type: "tcp", listen: "[::]:6514"}, {type: "tls", certificate: "/c", key: "/k"}]"#,
      "sources[1]: another source listens here already"),
    Fault(#"sources: [{type: "tls", key: "/k"}]"#, "sources[0].certificate: is missing: the PEM file of the server's certificate"),
    Fault(#"sources: [{type: "tls", certificate: "/c"}]"#, "sources[0].key: is missing: the PEM file of the certificate's key"),
    Fault(#"sources: [{type: "tls", certificate: "c.pem", key: "/k"}]"#, "sources[0].certificate: expected a whole path"),
    Fault(
      #"sources: [{type: "tls", certificate: "/c", key: "/k", client_ca: "/a", client_certificates: "yes"}]"#,
      #"sources[0].client_certificates: expected one of required, optional, found "yes""#),
    Fault(
      #"sources: [{type: "tls", certificate: "/c", key: "/k", client_certificates: "required"}]"#,
      "sources[0].client_certificates: needs `client_ca` beside it"),
    Fault(
      #"sources: [{type: "tls", certificate: "/c", key: "/k", handshake_timeout: "1h"}]"#,
      "sources[0].handshake_timeout: expected a time from 1s to 10m"),
    Fault(#"sources: [{type: "file", path: "/a"}]"#, "sources[0].name: is missing: how records call the device"),
    Fault(#"sources: [{type: "file", name: "a"}]"#, "sources[0].path: is missing: the file, or a pattern"),
    Fault(#"sources: [{type: "file", name: "a", path: "logs/*"}]"#, "sources[0].path: expected a whole path"),
    Fault(#"sources: [{type: "file", name: "a", path: "/a", charset: "cp1254"}]"#, "sources[0].charset: expected one of"),
    Fault(#"sources: [{type: "file", name: "a", path: "/a"}, {type: "file", name: "b", path: "/a"}]"#, "sources[1].path: another source"),
    // Devices
    Fault(#"devices: [{name: "a", from: "10.20.0.0/99"}]"#, #"devices[0].from: expected an address or a block"#),
    Fault(#"devices: [{name: "a", from: ["10.20.0.0/16"]}]"#, "devices[0].from: expected a string, found a list"),
    Fault(#"devices: [{from: "10.20.0.0/16"}]"#, "devices[0].name: is missing"),
    Fault(#"devices: [{name: "a"}]"#, "devices[0].from: is missing"),
    Fault(#"devices: [{name: "a b", from: "10.0.0.1"}]"#, "devices[0].name: expected letters, digits"),
    Fault(
      "devices: [{name: \"a\", from: \"10.0.0.1\"},{name: \"a\", from: \"10.0.0.2\"}]", "devices[1].name: devices[0] has this name already"),
    Fault(
      #"devices: [{name: "a", from: "10.0.0.1", timezone: "Europe/Efeler"}]"#,
      #"devices[0].timezone: no time zone "Europe/Efeler" is known"#),
    Fault(#"devices: [{name: "a", from: "10.0.0.1", timezone: "../../etc/passwd"}]"#, "devices[0].timezone: no time zone"),
    Fault(#"devices: [{name: "a", from: "10.0.0.1", clock: "wall"}]"#, #"devices[0].clock: expected one of receive, device, found "wall""#),
    Fault(
      #"devices: [{name: "a", from: "10.0.0.1", charset: "windows-9999"}]"#,
      "devices[0].charset: expected one of utf-8, windows-1254, iso-8859-9"),
    Fault(#"devices: [{name: "a", from: "10.0.0.1", lease_time: "-8h"}]"#, "devices[0].lease_time: expected digits"),
    Fault(#"devices: [{name: "a", from: "10.0.0.1", silent_after: "0m"}]"#, "devices[0].silent_after: expected a time from 1s"),
    Fault(#"devices: [{name: "a", from: "10.0.0.1", dialects: "kea"}]"#, "devices[0].dialects: expected a list"),
    // Declared addresses
    Fault(
      #"static: [{ip: "10.20.1.500", mac: "00:11:22:33:44:55"}]"#, #"static[0].ip: expected an IPv4 or IPv6 address, found "10.20.1.500""#),
    Fault(#"static: [{ip: "10.20.1.5", mac: "zz:11:22:33:44:55"}]"#, "static[0].mac: expected a MAC address"),
    Fault(#"static: [{ip: "10.20.1.5", mac: "01:11:22:33:44:55"}]"#, "static[0].mac: 01:11:22:33:44:55 is a group address"),
    Fault(#"static: [{ip: "10.20.1.5"}]"#, "static[0].mac: is missing"),
    Fault(#"static: [{ip: "10.20.1.5", mac: "00:11:22:33:44:55", since: "01.01.2026"}]"#, "static[0].since: expected a day or a time"),
    Fault(#"static: [{ip: "10.20.1.5", mac: "00:11:22:33:44:55", since: "2026-02-30"}]"#, "static[0].since: expected a day or a time"),
    Fault(
      #"static: [{ip: "10.20.1.5", mac: "00:11:22:33:44:55"}, {ip: "10.20.1.5", mac: "00:11:22:33:44:56"}]"#,
      "static[1].ip: static[0] declares this"),
    // Seals
    Fault(#"seal: []"#, "seal: expected an object, found a list"),
    Fault(#"seal: {interval: "1x"}"#, "seal.interval: expected digits and one of d h m s"),
    Fault(#"seal: {intervall: "1h"}"#, #"seal.intervall: unknown key (did you mean "interval"?)"#),
    Fault(#"seal: {key: "/k"}"#, "seal.key: needs `certificate` beside it"),
    Fault(#"seal: {certificate: "/k"}"#, "seal.certificate: needs `key` beside it"),
    Fault(#"seal: {pkcs12: "/p", key: "/k"}"#, "seal.pkcs12: holds key and certificate"),
    Fault(#"seal: {key: "pkcs11:object=a", certificate: "/c"}"#, "seal.key: needs `password_file`"),
    Fault(
      #"seal: {key: "pkcs11:object=a?pin-value=1", certificate: "/c", password_file: "/p"}"#, "seal.key: expected a PKCS#11 URI without PIN"
    ),
    Fault(#"seal: {password_file: "/k"}"#, "seal.password_file: there is no `key`"),
    Fault(#"timestamp: {every: "sometimes"}"#, #"timestamp.every: expected one of seal, final, found "sometimes""#),
    Fault(
      #"timestamp: {authorities: [{name: "x", type: "rfc"}]}"#, "timestamp.authorities[0].type: expected one of local, kamusm, rfc3161"),
    Fault(#"timestamp: {authorities: [{type: "rfc3161", url: "https://x"}]}"#, "timestamp.authorities[0].trust: is missing"),
    Fault(#"timestamp: {authorities: [{type: "rfc3161", trust: "/t"}]}"#, "timestamp.authorities[0].url: is missing"),
    Fault(
      #"timestamp: {authorities: [{type: "rfc3161", url: "x", trust: "/t"}]}"#,
      #"timestamp.authorities[0].url: expected a URL with http://"#),
    Fault(#"timestamp: {authorities: [{type: "rfc3161", url: "ftp://x/", trust: "/t"}]}"#, "timestamp.authorities[0].url: expected a URL"),
    Fault(#"timestamp: {authorities: [{type: "rfc3161", url: "http://u:p@x/", trust: "/t"}]}"#, "without user and password"),
    Fault(
      #"timestamp: {authorities: [{type: "rfc3161", url: "https://x/", trust: "/t", policy: "1.x"}]}"#,
      "timestamp.authorities[0].policy: expected an object identifier"),
    Fault(
      #"timestamp: {authorities: [{type: "rfc3161", url: "https://x/", trust: "/t", basic_user: "a"}]}"#,
      "timestamp.authorities[0].basic_user: needs `password_file`"),
    Fault(
      #"timestamp: {authorities: [{type: "rfc3161", url: "https://x/", trust: "/t", password_file: "/p"}]}"#,
      "timestamp.authorities[0].password_file: needs `basic_user`"),
    Fault(
      #"timestamp: {authorities: [{type: "rfc3161", url: "https://x/", trust: "/t", password_file: "/p", basic_user: "a:b"}]}"#,
      "timestamp.authorities[0].basic_user: a user name has no"),
    Fault(
      #"timestamp: {authorities: [{type: "rfc3161", url: "https://x/", trust: "/t", proxy: "https://p/"}]}"#,
      "timestamp.authorities[0].proxy: a proxy is reached by"),
    Fault(
      #"timestamp: {authorities: [{type: "rfc3161", url: "https://x/", trust: "/t", user: 1}]}"#,
      "timestamp.authorities[0].user: unknown key"),
    Fault(
      #"timestamp: {authorities: [{type: "kamusm", url: "https://x/", trust: "/t", password_file: "/p"}]}"#,
      "timestamp.authorities[0].user: is missing"),
    Fault(
      #"timestamp: {authorities: [{type: "kamusm", url: "https://x/", trust: "/t", password_file: "/p", user: "1"}]}"#,
      "timestamp.authorities[0].user: expected the customer's number"),
    Fault(
      #"timestamp: {authorities: [{type: "kamusm", url: "https://x/", trust: "/t", password_file: "/p", user: 0}]}"#,
      "timestamp.authorities[0].user: expected the customer's number, found 0"),
    Fault(
      #"timestamp: {authorities: [{type: "kamusm", url: "https://x/", trust: "/t", user: 1}]}"#,
      "timestamp.authorities[0]: needs `password_file`"),
    Fault(#"timestamp: {authorities: [{name: "x/y", type: "local"}]}"#, "timestamp.authorities[0].name: expected letters from a to z"),
    Fault(
      #"timestamp: {authorities: [{type: "local"}, {type: "local"}]}"#, "timestamp.authorities[1]: timestamp.authorities[0] has this name"),
    // The rest
    Fault(#"access: {require_case: "yes"}"#, "access.require_case: expected true or false, found a string"),
    Fault(#"access: {query: ["muhur"]}"#, #"access.query[0]: expected "group:NAME" or "user:NAME", found "muhur""#),
    Fault(#"access: {query: ["group:"]}"#, "access.query[0]: expected"),
    Fault(#"access: {administer: ["role:x"]}"#, "access.administer[0]: expected"),
    Fault(#"access: {query: ["grüp:x"]}"#, "access.query[0]: expected"),
    Fault(#"publish: [{type: "fax", to: "x"}]"#, "publish[0].type: expected one of file, syslog, mail"),
    Fault(#"publish: [{type: "mail"}]"#, "publish[0].to: is missing"),
    Fault(#"publish: [{type: "mail", to: "-oQ/tmp"}]"#, "publish[0].to: expected one mail address"),
    Fault(#"publish: [{type: "mail", to: "a@b, c@d"}]"#, "publish[0].to: expected one mail address"),
    Fault(#"publish: [{type: "mail", to: "a@b\nBcc: c@d"}]"#, "publish[0].to: expected one mail address"),
    Fault(#"publish: [{type: "syslog"}]"#, "publish[0].to: is missing"),
    Fault(#"publish: [{type: "syslog", to: "http://x"}]"#, "publish[0].to: expected a server"),
    Fault(#"publish: [{type: "syslog", to: "x:99999"}]"#, "publish[0].to: expected a server"),
    Fault(#"publish: [{type: "syslog", to: "udp://"}]"#, "publish[0].to: expected a server"),
    Fault(#"publish: [{type: "file"}]"#, "publish[0].path: is missing"),
    Fault(#"metrics: {listen: 9514}"#, "metrics.listen: expected an address and a port"),
    Fault(#"metrics: {listen: "*:9514"}"#, "metrics.listen: expected an address and a port"),
  ]

}

@Suite struct ConfigurationFaultTests {
  func refusal(_ text: String) -> ConfigurationErrors? {
    do throws(ConfigurationErrors) { _ = try configuration(text) } catch { return error }
    return nil
  }

  @Test("a fault is refused with its line, its key's path and what is expected", arguments: Fault.all)
  func refused(_ fault: Fault) throws {
    let errors = try #require(refusal("{archive: \"/a\",\n\(fault.text)}"))
    #expect(errors.exitCode == 2 && errors.faults.count == 1, "\(errors)")
    let text = errors.text
    #expect(text.hasPrefix("muhur.json5:2: ") && text.contains(fault.words), "\(text)")
  }

  @Test(
    "what is no configuration at all is refused",
    arguments: [
      ("", "muhur.json5:1: expected a value, found the end of the file"), ("// nothing\n", "muhur.json5:2: expected a value"),
      ("[]", "muhur.json5:1: expected an object, found a list"),
      ("{}", "muhur.json5:1: archive: is missing: the folder that `muhur init` made"),
      ("{ archive: ", "muhur.json5:1: archive: expected a value, found the end of the file"),
      ("{ archive: \"/a\",\n archive: \"/b\" }", "muhur.json5:2: archive: this key stands in line 1 already"),
      ("{ archive: \"/a\" keys: \"/b\" }", "muhur.json5:1: archive: expected a comma or }"),
      ("{ archive: /a }", "muhur.json5:1: archive: expected a value"),
    ])
  func noConfiguration(_ text: String, _ words: String) throws {
    let errors = try #require(refusal(text))
    #expect(errors.faults.count == 1 && errors.text.hasPrefix(words), "\(errors)")
  }

  @Test("all faults are told at once, in the order of the file")
  func allAtOnce() throws {
    let text = """
      {
        metrics: { listen: "x" },
        retention: "never",
        devices: [
          { name: "a", from: "10.0.0.1", clok: "receive" },
          { nam: "b", from: "10.0.0.300", clock: "wall" },
        ],
        static: [ { ip: "x", mac: "y", since: "z" } ],
      }
      """
    let errors = try #require(refusal(text))
    #expect(
      errors.faults.map { "\($0.line) \($0.path)" } == [
        "1 archive", "2 metrics.listen", "3 retention", "5 devices[0].clok", "6 devices[1].nam", "6 devices[1].name", "6 devices[1].from",
        "6 devices[1].clock", "8 static[0].ip", "8 static[0].mac", "8 static[0].since",
      ])
    #expect(errors.json["result"]?.string == "wrong" && errors.json["errors"]?.array?.count == 11)
    #expect(
      errors.json["errors"]?.array?[2].text
        == #"{"file":"muhur.json5","line":3,"path":"retention","what":"expected digits and one of d h m s, as in \"8h\", found \"never\""}"#
    )
  }

  @Test("a file that cannot be read is exit 4 and named")
  func unreadable() throws {
    for path in ["/nonexistent/none.json5", "/"] {
      do throws(ConfigurationErrors) {
        _ = try Configuration.load(path: path)
        Issue.record("\(path) was read")
      } catch {
        #expect(error.exitCode == 4 && error.text.hasPrefix("\(path): cannot be read: "), "\(error)")
      }
    }
  }

  @Test("a device's dialect must exist")
  func dialectNames() throws {
    let text = #"{archive: "/a", dialects: [], devices: [{name: "a", from: "10.0.0.1", dialects: ["isc-dhcpd", "isc-dhcp"]}]}"#
    let reader = ConfigurationReader(Array(text.utf8).span, file: "muhur.json5")
    reader.checkDialects(examples: true)
    do throws(ConfigurationErrors) {
      _ = try reader.finish()
      Issue.record("accepted")
    } catch {
      #expect(
        error.text == #"muhur.json5:1: devices[0].dialects[1]: no dialect of this name is built in (did you mean "isc-dhcpd"?)"#)
    }
  }

  @Test("groups and users that do not exist are warned of")
  func access() throws {
    let text = #"{archive: "/a", access: {query: ["group:root", "group:no-such-group"], administer: ["user:root", "user:no-such-user"]}}"#
    let reader = ConfigurationReader(Array(text.utf8).span, file: "muhur.json5")
    reader.checkAccess()
    #expect(
      try reader.finish().warnings.map { "\($0.path): \($0.what)" } == [
        "access.query[1]: group no-such-group does not exist here; it lets nobody in",
        "access.administer[1]: user no-such-user does not exist here; it lets nobody in",
      ])
  }

  @Test("the default of a right that the file leaves out is looked at too")
  func halfOfAccess() throws {
    let text = #"{archive: "/a", access: {query: ["user:root"]}}"#
    let reader = ConfigurationReader(Array(text.utf8).span, file: "muhur.json5")
    reader.checkAccess()
    let warned = try reader.finish().warnings.map(\.path)
    #expect(warned == (getgrnam("muhur-admin") == nil ? ["access.administer"] : []))
  }

  @Test("what the daemon would not start without is looked for")
  func files() throws {
    func check(_ more: String) throws -> [String] {
      let reader = ConfigurationReader(Array("{archive: \"/nonexistent/a\", keys: \"/nonexistent/k\", \(more)}".utf8).span, file: "f")
      reader.checkFiles()
      do throws(ConfigurationErrors) { return try reader.finish().warnings.map(\.description) } catch {
        return error.faults.map(\.description)
      }
    }
    #expect(try check("") == ["f:1: archive: no log is there yet; `muhur init` makes it"])
    #expect(
      try check(#"seal: {pkcs12: "/nonexistent/p12"}"#) == [
        "f:1: seal.pkcs12: /nonexistent/p12 cannot be read: No such file or directory; muhurd does not start without it"
      ])
  }

  @Test("a dialect file of the administrator is read and must pass its own examples")
  func dialectFiles() throws {
    let folder = "/tmp/muhur-configuration-\(getpid())"
    try #require(mkdir(folder, 0o700) == 0 && mkdir("\(folder)/dialects", 0o700) == 0)
    defer {
      unlink("\(folder)/dialects/own.json5")
      unlink("\(folder)/muhur.json5")
      rmdir("\(folder)/dialects")
      rmdir(folder)
    }
    func write(_ name: String, _ text: String) {
      let file = open("\(folder)/\(name)", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
      defer { close(file) }
      _ = text.withCString { Glibc.write(file, $0, strlen($0)) }
    }
    func check(_ dialect: String) -> String {
      write("muhur.json5", "{archive: \"/a\", dialects: [\"\(folder)/dialects\"]}")
      write("dialects/own.json5", dialect)
      do throws(ConfigurationErrors) { _ = try Configuration.load(path: "\(folder)/muhur.json5", examples: true) } catch {
        return error.text
      }
      return ""
    }
    #expect(check("{ nothing: ").hasPrefix("\(folder)/dialects/own.json5:1: "))
    #expect(check("{}").hasPrefix("\(folder)/dialects/own.json5:1: "))
    let good = #"""
      {
        name: "own", version: 1, about: "x", written_from: ["x"], covers: "x", leaves_out: "x", form: "pattern", applies: { app: ["own"] },
        patterns: [{ name: "given", text: "given {ip:ip4} {mac}", event: { kind: "lease", action: "assign" } }],
        examples: [{ input: "<30>Nov 23 09:03:07 h own: given 10.0.0.1 08:00:2b:02:3f:4e",
          events: [{ kind: "lease", action: "assign", ip: "10.0.0.1", mac: "08:00:2b:02:3f:4e" }] }],
      }
      """#
    #expect(check(good) == "")
    let bad = good.split(separator: "ip: \"10.0.0.1\"", maxSplits: 1).joined(separator: "ip: \"10.0.0.2\"")
    #expect(
      check(bad).hasPrefix("\(folder)/dialects/own.json5:") && check(bad).contains("expected ip \"10.0.0.2\", found \"10.0.0.1\""),
      "\(check(bad))")
  }
}
