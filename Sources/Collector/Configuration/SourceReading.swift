public import Dialects
public import Record

extension SourceReading {
  /// How messages of a device are read, as its entry in the configuration says.
  /// - Parameters:
  ///   - device: nil for a sender that has no entry.
  ///   - zone: the log's; it holds where the entry names none.
  ///   - dialects: among which the entry's names are looked up.
  public init(_ device: Configuration.Device?, zone: Zone, dialects: DialectSet) {
    self.init(
      zone: device?.zone ?? zone, name: device?.name,
      dialects: device?.dialects.map { names in names.compactMap { dialects.index(of: $0) } },
      leaseSeconds: device?.leaseSeconds, trustsDeviceClock: device?.trustsDeviceClock ?? false)
  }
}
