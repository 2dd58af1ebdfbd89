import Archive
import Dialects
import Evidence
import Glibc
import Record

extension Configuration {
  /// Reads and checks a configuration and the dialects that it names.
  /// - Throws: everything that is wrong, not only the first.
  public static func load(path: String) throws(ConfigurationErrors) -> Configuration { try load(path: path, examples: false) }

  /// - Parameter examples: whether the dialects must also pass their own examples, as in `muhur check-config`.
  public static func load(path: String, examples: Bool) throws(ConfigurationErrors) -> Configuration {
    let bytes: [UInt8]
    do throws(ConfigurationFault) { bytes = try contents(of: path) } catch {
      throw ConfigurationErrors(faults: [error], exitCode: 4)
    }
    let reader = ConfigurationReader(bytes.span, file: path)
    reader.checkDialects(examples: examples)
    if examples {
      reader.checkCertificates()
      reader.checkFiles()
    }
    reader.checkAccess()
    return try reader.finish()
  }

  private static func contents(of path: String) throws(ConfigurationFault) -> [UInt8] {
    func failed() -> ConfigurationFault { ConfigurationFault(file: path, what: "cannot be read: \(String(cString: strerror(errno)))") }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw failed() }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 1 << 14)
    // One byte more than the reader takes, so that it says what is too much.
    while bytes.count <= JSON5.maximumBytes {
      let n = read(descriptor, &part, part.count)
      if n < 0, errno == EINTR { continue }
      guard n >= 0 else { throw failed() }
      if n == 0 { break }
      bytes += part[0..<n]
    }
    return bytes
  }
}

/// Reads one file, section by section, and gathers what is wrong.
final class ConfigurationReader {
  let faults: ConfigurationFaults
  private var configuration: Configuration
  /// The names in `devices[].dialects`, for comparing with the dialects that there are.
  private var dialectNames: [JSON5Node] = []
  private var accessEntries: [JSON5Node] = []
  /// The keys of `access` that the file leaves out.
  private var accessDefaults = ["query", "administer"]
  /// Entries of `sources` with files that TLS needs.
  var tlsSources: [(node: JSON5Node, files: Configuration.Source.TLS)] = []
  private var isReadable = true
  /// The values that name a file the daemon needs to seal.
  private var sealFiles: [JSON5Node] = []
  private var keysNode: JSON5Node?
  private var archiveNode: JSON5Node?

  init(_ bytes: Span<UInt8>, file: String) {
    faults = ConfigurationFaults(file: file)
    configuration = Configuration(archive: "")
    do throws(JSON5Error) {
      let root = try JSON5.read(bytes)
      read(root)
    } catch {
      isReadable = false
      faults.add(error)
    }
  }

  /// - Throws: what is wrong, in the order of the file.
  func finish() throws(ConfigurationErrors) -> Configuration {
    guard faults.errors.isEmpty else { throw ConfigurationErrors(faults: faults.sortedErrors) }
    configuration.warnings = faults.warnings
    return configuration
  }

  private static let keys = [
    "archive", "keys", "index", "socket", "dialects", "commit_interval", "retention", "binding_timeout", "clock_tolerance", "sources",
    "devices",
    "static", "seal", "timestamp", "access", "publish", "metrics",
  ]

  private func read(_ root: JSON5Node) {
    guard let file = ConfigurationSection(root, faults, keys: Self.keys) else { return }
    file.read("archive", required: "the folder that `muhur init` made", into: &configuration.archive, ConfigurationValue.path)
    file.read("keys", into: &configuration.keys, ConfigurationValue.path)
    file.read("index", into: &configuration.index, ConfigurationValue.path)
    file.read("socket", into: &configuration.socket, ConfigurationValue.socketPath)
    if let folders = file.list("dialects", ConfigurationValue.path) { configuration.dialectFolders = folders }
    file.read("commit_interval", into: &configuration.commitInterval) { node throws(JSON5Error) in
      try ConfigurationValue.period(node, from: "10ms", to: "60s", milliseconds: true)
    }
    file.read("retention", into: &configuration.retention) { node throws(JSON5Error) in
      try ConfigurationValue.period(node, from: "1d", to: "36500d")
    }
    if configuration.retention.microseconds < 730 * Timestamp.day, let node = root["retention"] {
      faults.warn(node, "shorter than the two years (730d) that the law asks for (5651, access records of a collective user: 2 years)")
    }
    file.read("binding_timeout", into: &configuration.bindingTimeout) { node throws(JSON5Error) in
      try ConfigurationValue.period(node, from: "1s", to: "365d")
    }
    file.read("clock_tolerance", into: &configuration.clockTolerance) { node throws(JSON5Error) in
      try ConfigurationValue.period(node, from: "0s", to: "1d")
    }
    readSources(file)
    readDevices(file)
    readStatic(file)
    readSeal(file)
    readTimestamp(file)
    readAccess(file)
    readPublish(file)
    readMetrics(file)
    archiveNode = file["archive"]
    keysNode = file["keys"]
    refuseWhatLiesInTheArchive(file)
  }

  /// An archive holds the log and nothing else: what lies beside it in there is `extra` to an auditor, and a copy of it
  /// would carry the keys away.
  private func refuseWhatLiesInTheArchive(_ file: ConfigurationSection) {
    guard !configuration.archive.isEmpty else { return }
    func refuse(_ path: String, _ node: JSON5Node?) {
      guard let node, FilePlace.lies(path, in: configuration.archive) else { return }
      faults.add(node.error("lies in the archive, which holds the log alone; name a place outside of \(configuration.archive)"))
    }
    refuse(configuration.keys, file["keys"] ?? file["archive"])
    refuse(configuration.index, file["index"] ?? file["archive"])
    refuse(configuration.socket, file["socket"] ?? file["archive"])
    for node in file.nodes("publish") {
      if let place = node["path"], case .string(let path) = place.value { refuse(path, place) }
    }
  }

  // MARK: - Sections

  private func readSources(_ file: ConfigurationSection) {
    var found: [(node: JSON5Node, source: Configuration.Source)] = []
    let given = file.sections("sources", types: Configuration.Source.types, now: Configuration.Source.keys) { type, section in
      let known = faults.errors.count
      // What is wrong in an entry leaves a default there, which may be another's right value: they are not compared.
      if let source = source(type, section), faults.errors.count == known {
        found.append((section["listen"] ?? section["path"] ?? section["interface"] ?? section.node, source))
      }
    }
    guard given else { return }
    for (i, one) in found.enumerated() where found[0..<i].contains(where: { $0.source.takesTheSame(as: one.source) }) {
      faults.add(
        one.node.error(
          one.source.device == nil
            ? "another source listens here already; an address and port can be taken once"
            : "another source has these already; each of their messages would be recorded twice"))
    }
    configuration.sources = found.map(\.source)
    if let node = file["sources"], case .array(let nodes) = node.value, nodes.isEmpty {
      faults.warn(node, "no source: nothing is received; leave `sources` out for UDP on [::]:514")
    }
  }

  private func readDevices(_ file: ConfigurationSection) {
    let keys = ["name", "from", "site", "timezone", "charset", "dialects", "clock", "lease_time", "silent_after"]
    var found: [(node: JSON5Node, device: Configuration.Device)] = []
    for node in file.nodes("devices") {
      guard let section = ConfigurationSection(node, faults, keys: keys) else { continue }
      var name: String?
      var from: IPPrefix?
      section.read("name", required: "how records call the device", into: &name, ConfigurationValue.name)
      section.read("from", required: "the address or block it sends from", into: &from, ConfigurationValue.prefix)
      let device = readDevice(section, name: name, from: from).flatMap { $0.from == nil ? nil : $0 }
      if let name, let other = found.first(where: { $0.device.name == name }) {
        faults.add((section["name"] ?? node).error("\(other.node.path) has this name already"))
      }
      if let from, let other = found.first(where: { $0.device.from?.contains(all: from) == true }), let all = other.device.from {
        let what = "never matches: \(other.node.path) takes all of it (\(all)), and the first that matches counts"
        faults.warn(section["from"] ?? node, what)
      }
      if let device { found.append((node, device)) }
    }
    configuration.devices = found.map(\.device)
  }

  /// nil where name or block are wrong; what else is wrong is said all the same.
  /// - Parameter from: nil where the section is a source that is its own device.
  func readDevice(_ section: ConfigurationSection, name: String?, from: IPPrefix?) -> Configuration.Device? {
    var site = RecordLine.defaultSite
    var zone: Zone?
    var charset = Charset.windows1254
    var trustsDeviceClock = false
    var leaseSeconds: Int?
    var silentAfterMicroseconds: Int64?
    section.read("site", into: &site, ConfigurationValue.name)
    section.read("timezone", into: &zone, ConfigurationValue.zone)
    section.read("charset", into: &charset, ConfigurationValue.charset)
    let dialects = section.list("dialects", ConfigurationValue.text)
    dialectNames += Self.elements(section["dialects"])
    section.read("clock", into: &trustsDeviceClock) { node throws(JSON5Error) in
      try ConfigurationValue.choice(node, ["receive", "device"]) == "device"
    }
    section.read("lease_time", into: &leaseSeconds) { node throws(JSON5Error) in
      Int(try ConfigurationValue.period(node, from: "1s", to: "36500d").microseconds / Timestamp.second)
    }
    section.read("silent_after", into: &silentAfterMicroseconds) { node throws(JSON5Error) in
      try ConfigurationValue.period(node, from: "1s", to: "365d").microseconds
    }
    guard let name else { return nil }
    return Configuration.Device(
      name: name, from: from, site: site, zone: zone, charset: charset, dialects: dialects, trustsDeviceClock: trustsDeviceClock,
      leaseSeconds: leaseSeconds, silentAfterMicroseconds: silentAfterMicroseconds)
  }

  private func readStatic(_ file: ConfigurationSection) {
    var found: [(node: JSON5Node, address: Configuration.StaticAddress)] = []
    for node in file.nodes("static") {
      guard let section = ConfigurationSection(node, faults, keys: ["ip", "mac", "hostname", "site", "since"]) else { continue }
      var ip: IPAddress?
      var mac: MACAddress?
      var hostname: String?
      var site = RecordLine.defaultSite
      var since: Configuration.StaticAddress.Since?
      section.read("ip", required: "the address that is declared", into: &ip, ConfigurationValue.address)
      section.read("mac", required: "the device that has it", into: &mac, ConfigurationValue.mac)
      section.read("hostname", into: &hostname, ConfigurationValue.label)
      section.read("site", into: &site, ConfigurationValue.name)
      section.read("since", into: &since, ConfigurationValue.since)
      guard let ip, let mac else { continue }
      if let other = found.first(where: { $0.address.ip == ip && $0.address.site == site && $0.address.since == since }) {
        let what = "\(other.node.path) declares this address already; where it changed hands, give each its own `since`"
        faults.add((section["ip"] ?? node).error(what))
      }
      found.append((node, Configuration.StaticAddress(ip: ip, mac: mac, hostname: hostname, site: site, since: since)))
    }
    configuration.staticAddresses = found.map(\.address)
  }

  private func readSeal(_ file: ConfigurationSection) {
    guard let section = file.section("seal", keys: ["interval", "certificate", "key", "pkcs12", "password_file"]) else { return }
    section.read("interval", into: &configuration.seal.interval) { node throws(JSON5Error) in
      try ConfigurationValue.period(node, from: "1s", to: "1d")
    }
    section.read("certificate", into: &configuration.seal.certificate, ConfigurationValue.path)
    section.read("key", into: &configuration.seal.key, ConfigurationValue.keyPlace)
    section.read("pkcs12", into: &configuration.seal.pkcs12, ConfigurationValue.path)
    section.read("password_file", into: &configuration.seal.passwordFile, ConfigurationValue.path)
    if let key = section["key"], configuration.seal.key?.hasPrefix("pkcs11:") == true, section["password_file"] == nil {
      faults.add(key.error("needs `password_file` beside it: the token's PIN"))
    }
    sealFiles = ["certificate", "key", "pkcs12", "password_file"].compactMap { section[$0] }
    if let pkcs12 = section["pkcs12"], section["key"] != nil || section["certificate"] != nil {
      faults.add(pkcs12.error("holds key and certificate; leave `key` and `certificate` out"))
    } else if let key = section["key"], section["certificate"] == nil {
      faults.add(key.error("needs `certificate` beside it"))
    } else if let certificate = section["certificate"], section["key"] == nil {
      faults.add(certificate.error("needs `key` beside it"))
    } else if let password = section["password_file"], section["key"] == nil, section["pkcs12"] == nil {
      faults.add(password.error("there is no `key` and no `pkcs12` that it could open"))
    }
  }

  private func readTimestamp(_ file: ConfigurationSection) {
    guard let section = file.section("timestamp", keys: ["every", "authorities"]) else { return }
    section.read("every", into: &configuration.timestamp.every) { node throws(JSON5Error) in
      let every = try ConfigurationValue.choice(node, Configuration.TimeStamping.Every.allCases.map(\.rawValue))
      return Configuration.TimeStamping.Every(rawValue: every) ?? .seal
    }
    var found: [(node: JSON5Node, authority: Configuration.Authority)] = []
    let remote = ["name", "type", "url", "password_file", "trust", "policy", "proxy"]
    let given = section.sections(
      "authorities", types: ["local", "kamusm", "rfc3161"],
      now: ["local": ["name", "type"], "kamusm": remote + ["user"], "rfc3161": remote + ["basic_user"]]
    ) { kind, authority in
      var name = kind
      authority.read("name", into: &name, ConfigurationValue.authorityName)
      if let other = found.first(where: { $0.authority.name == name }) {
        faults.add((authority["name"] ?? authority.node).error("\(other.node.path) has this name already"))
      }
      let service = kind == "local" ? .local : readRemote(authority, isKamuSM: kind == "kamusm")
      found.append((authority.node, Configuration.Authority(name: name, service: service ?? .local)))
    }
    guard given else { return }
    configuration.timestamp.authorities = found.map(\.authority)
    if let node = section["authorities"], case .array(let nodes) = node.value, nodes.isEmpty {
      faults.warn(node, "no authority: no seal is time-stamped, so nothing is proven; leave it out for the local one")
    }
  }

  /// nil where something is wrong with it.
  private func readRemote(_ section: ConfigurationSection, isKamuSM: Bool) -> Configuration.Authority.Service? {
    var url: WebAddress?
    var passwordFile: String?
    var trust: String?
    var policy: String?
    var proxy: WebAddress?
    section.read("url", required: "where the authority is asked", into: &url, ConfigurationValue.webAddress)
    section.read("password_file", into: &passwordFile, ConfigurationValue.path)
    section.read(
      "trust", required: "the PEM file of the certificates to which its tokens must chain", into: &trust, ConfigurationValue.path)
    section.read("policy", into: &policy, ConfigurationValue.objectIdentifier)
    section.read("proxy", into: &proxy, ConfigurationValue.webAddress)
    if let proxy, proxy.isTLS, let node = section["proxy"] { faults.add(node.error("a proxy is reached by http://, also for https")) }
    let service: Configuration.Authority.Service?
    if isKamuSM {
      var user: Int?
      section.read("user", required: "the customer's number at Kamu SM", into: &user, ConfigurationValue.customerNumber)
      if section["password_file"] == nil { faults.add(section.node.error("needs `password_file`: the customer's password at Kamu SM")) }
      service = url.flatMap { url in
        trust.flatMap { trust in
          user.map { .kamuSM(.init(url: url, passwordFile: passwordFile, trust: trust, policy: policy, proxy: proxy), user: $0) }
        }
      }
    } else {
      var user: String?
      section.read("basic_user", into: &user, ConfigurationValue.basicUser)
      if let node = section["basic_user"], section["password_file"] == nil { faults.add(node.error("needs `password_file` beside it")) }
      if let node = section["password_file"], section["basic_user"] == nil { faults.add(node.error("needs `basic_user` beside it")) }
      if user != nil, url?.isTLS == false, let node = section["url"] {
        faults.warn(node, "the password is sent in the clear; use https where the authority offers it")
      }
      service = url.flatMap { url in
        trust.map { .rfc3161(.init(url: url, passwordFile: passwordFile, trust: $0, policy: policy, proxy: proxy), user: user) }
      }
    }
    for (key, file) in [("trust", trust), ("password_file", passwordFile)] {
      // A warning only: the daemon collects all the same, and status says why tokens do not come.
      if let file, Glibc.access(file, R_OK) != 0, let node = section[key] {
        faults.warn(node, "\(file) cannot be read: \(String(cString: strerror(errno))); without it no token comes")
      }
    }
    return service
  }

  private func readAccess(_ file: ConfigurationSection) {
    guard let section = file.section("access", keys: ["query", "administer", "require_case"]) else { return }
    if let entries = section.list("query", ConfigurationValue.accessEntry) { configuration.access.query = entries }
    if let entries = section.list("administer", ConfigurationValue.accessEntry) { configuration.access.administer = entries }
    section.read("require_case", into: &configuration.access.requiresCase) { node throws(JSON5Error) in try node.bool() }
    accessEntries = Self.elements(section["query"]) + Self.elements(section["administer"])
    accessDefaults.removeAll { section[$0] != nil }
  }

  private func readPublish(_ file: ConfigurationSection) {
    var publishers: [Configuration.Publisher] = []
    let keys = ["file": ["type", "path"], "syslog": ["type", "to"], "mail": ["type", "to", "sendmail"]]
    _ = file.sections("publish", types: ["file", "syslog", "mail"], now: keys) { type, section in
      switch type {
      case "file":
        var path: String?
        section.read("path", required: "the file to which head lines are added", into: &path, ConfigurationValue.path)
        if let path { publishers.append(.file(path: path)) }
      case "syslog":
        var server: Configuration.Publisher.SyslogServer?
        section.read("to", required: "the syslog server, as in \"udp://10.20.0.9:514\"", into: &server, ConfigurationValue.syslogServer)
        if let server { publishers.append(.syslog(server)) }
      default:
        var to: String?
        var sendmail = "/usr/sbin/sendmail"
        section.read("to", required: "the address that head lines are mailed to", into: &to, ConfigurationValue.mailAddress)
        section.read("sendmail", into: &sendmail, ConfigurationValue.path)
        if Glibc.access(sendmail, X_OK) != 0 {
          faults.warn(
            section["sendmail"] ?? section.node, "\(sendmail) is not there or cannot be run; a mail program brings it (msmtp-mta, postfix)")
        }
        if let to { publishers.append(.mail(to: to, sendmail: sendmail)) }
      }
    }
    configuration.publish = publishers
  }

  private func readMetrics(_ file: ConfigurationSection) {
    guard let section = file.section("metrics", keys: ["listen"]) else { return }
    var listen: (address: IPAddress, port: UInt16) = (IPAddress(v4: 0x7f00_0001), 9514)
    section.read("listen", into: &listen, ConfigurationValue.listen)
    configuration.metrics = listen
  }

  /// The name of a dialect outside `devices`.
  func checkLater(dialect node: JSON5Node?) { if let node { dialectNames.append(node) } }

  private static func elements(_ node: JSON5Node?) -> [JSON5Node] { if case .array(let nodes)? = node?.value { nodes } else { [] } }

  // MARK: - What lies outside the file

  /// Reads the dialects, and sees whether the devices' exist.
  func checkDialects(examples: Bool) {
    guard isReadable else { return }
    do throws(DialectError) {
      let dialects = try DialectSet.load(folders: configuration.dialectFolders)
      checkDialects(known: dialects.dialects.map(\.name))
      guard examples else { return }
      for error in dialects.checkExamples() {
        faults.add(ConfigurationFault(file: error.file, line: error.line, path: error.path, what: error.what))
      }
    } catch {
      faults.add(ConfigurationFault(file: error.file, line: error.line, path: error.path, what: error.what))
    }
  }

  func checkDialects(known: [String]) {
    for node in dialectNames {
      guard case .string(let name) = node.value, !known.contains(name) else { continue }
      let folders = configuration.dialectFolders.joined(separator: " nor in ")
      faults.add(
        node.error("no dialect of this name is built in" + (folders.isEmpty ? "" : " or lies in \(folders)") + Suggestion.text(name, known))
      )
    }
  }

  /// Warns of groups and users that do not exist: they let nobody in, which is safe and hardly meant.
  func checkAccess() {
    guard isReadable else { return }
    for node in accessEntries {
      guard case .string(let entry) = node.value, let what = Self.missing(entry) else { continue }
      faults.warn(node, what)
    }
    for key in accessDefaults {
      let entries = key == "query" ? configuration.access.query : configuration.access.administer
      for what in entries.compactMap(Self.missing) {
        faults.warn(ConfigurationFault(file: faults.file, path: "access.\(key)", what: "not set, and of the default \(what)"))
      }
    }
  }

  /// What the daemon would not start without. What this user may not see is left to it.
  func checkFiles() {
    guard isReadable, faults.errors.isEmpty else { return }
    for node in sealFiles {
      guard case .string(let path) = node.value, path.hasPrefix("/"), Glibc.access(path, R_OK) != 0 else { continue }
      let code = errno
      let what = "\(path) cannot be read: \(String(cString: strerror(code))); muhurd does not start without it"
      if code == EACCES { faults.warn(node, what) } else { faults.add(node.error(what)) }
    }
    if let node = archiveNode, Glibc.access(ArchiveFolder(configuration.archive).path(Layout.log), F_OK) != 0, errno == ENOENT {
      faults.warn(node, "no log is there yet; `muhur init` makes it")
    } else if sealFiles.isEmpty, let node = keysNode, Glibc.access(configuration.keys, F_OK) != 0, errno == ENOENT {
      faults.warn(node, "no such folder; `muhur init` makes the keys with the log")
    }
  }

  private static func missing(_ entry: String) -> String? {
    if entry.hasPrefix("group:"), getgrnam(String(entry.dropFirst(6))) == nil {
      return "group \(entry.dropFirst(6)) does not exist here; it lets nobody in"
    }
    if entry.hasPrefix("user:"), getpwnam(String(entry.dropFirst(5))) == nil {
      return "user \(entry.dropFirst(5)) does not exist here; it lets nobody in"
    }
    return nil
  }
}

extension IPPrefix {
  /// Whether every address of the other block is in this one.
  fileprivate func contains(all other: IPPrefix) -> Bool { length <= other.length && contains(other.address) }
}
