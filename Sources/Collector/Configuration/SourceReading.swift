import Attribution
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

extension Rereading {
  /// How what was received before is read today.
  init(_ configuration: Configuration, zone: Zone, dialects: DialectSet) {
    func reading(_ device: Configuration.Device?) -> SourceReading { SourceReading(device, zone: zone, dialects: dialects) }
    var devices: [String: SourceReading] = [:]
    var files: [String: SourceReading] = [:]
    var imports: [String: SourceReading] = [:]
    for case .file(let followed) in configuration.sources {
      let own = reading(followed.device)
      if imports[followed.device.name] == nil { imports[followed.device.name] = own }
      // The entries of other formats depend on no dialect.
      if followed.format?.reader == nil, files[followed.device.name] == nil { files[followed.device.name] = own }
    }
    for device in configuration.devices.reversed() {
      devices[device.name] = reading(device)
      imports[device.name] = reading(device)
    }
    for name in imports.keys { imports[name]?.trustsDeviceClock = true }
    // What is on its way to the writer is read as before.
    let until = Clock.microseconds() + 10 * Timestamp.second
    self.init(
      dialects: dialects, devices: devices, files: files, imports: imports, anybody: configuration.devices.isEmpty ? reading(nil) : nil,
      until: until)
  }
}
