extension Configuration {
  /// The keys whose change a running daemon cannot take over: files and sockets that it holds open, and the key it
  /// signs with. `self` is the new configuration.
  /// - Returns: key paths; empty where everything can be taken over.
  public func changesNeedingRestart(from old: Configuration) -> [String] {
    var paths: [String] = []
    func compare(_ path: String, _ same: Bool) { if !same { paths.append(path) } }
    compare("archive", archive == old.archive)
    compare("keys", keys == old.keys)
    compare("index", index == old.index)
    compare("socket", socket == old.socket)
    compare("commit_interval", commitInterval.microseconds == old.commitInterval.microseconds)
    compare("sources", sources == old.sources)
    compare("seal.certificate", seal.certificate == old.seal.certificate)
    compare("seal.key", seal.key == old.seal.key)
    compare("seal.pkcs12", seal.pkcs12 == old.seal.pkcs12)
    compare("seal.password_file", seal.passwordFile == old.seal.passwordFile)
    compare("metrics.listen", metrics?.address == old.metrics?.address && metrics?.port == old.metrics?.port)
    return paths
  }
}
