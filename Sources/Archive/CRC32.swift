internal import CDeflate

/// The checksum of gzip and zip (ITU-T V.42): finds accidents, proves nothing.
public enum CRC32 {
  public static func of(_ bytes: Span<UInt8>) -> UInt32 { bytes.withUnsafeBytes { libdeflate_crc32(0, $0.baseAddress, $0.count) } }
}
