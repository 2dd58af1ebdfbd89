extension Configuration {
  /// The keys whose change a running daemon cannot take over: files and sockets that it
  /// holds open. `self` is the new configuration.
  /// - Returns: key paths; empty where everything can be taken over.
  public func changesNeedingRestart(from old: Configuration) -> [String] {
    var paths: [String] = []
    func compare(_ path: String, _ same: Bool) { if !same { paths.append(path) } }
    compare("archive", archive == old.archive)
    compare("keys", keys == old.keys)
    compare("index", index == old.index)
    compare("socket", socket == old.socket)
    compare("commit_interval", commitInterval.microseconds == old.commitInterval.microseconds)
    compare("retention", retention.microseconds == old.retention.microseconds)
    compare("sources", sources == old.sources)
    compare("metrics.listen", metrics?.address == old.metrics?.address && metrics?.port == old.metrics?.port)
    return paths
  }
}
