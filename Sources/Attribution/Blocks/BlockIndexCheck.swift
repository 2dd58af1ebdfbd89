import Dialects
import Record

/// What must hold of any bytes that are read as a day's file in the index of blocks, or as a record for it: for the fuzzer.
public enum BlockIndexCheck {
  /// - Returns: nil, or what does not hold.
  public static func fault(_ bytes: Span<UInt8>) -> String? {
    var at = 0
    while let (part, next) = try? BlockIndexFile.part(bytes, at: at) {
      guard next > at, next <= bytes.count else { return "parts follow each other inside the bytes" }
      if case .entry(let entry, let filter) = part {
        let written = BlockIndexFile.bytes(entry, filter: bytes.extracting(filter).array)
        guard written.span.equals(bytes.extracting(at..<next)) else { return "an entry is written as it was read" }
      }
      at = next
    }
    var summary = BlockSummary()
    summary.add(bytes)
    var rereader = Rereader(
      Rereading(dialects: .builtIn, devices: [:], files: [:], imports: [:], anybody: SourceReading(zone: .utc)), inOrder: true)
    if let again = rereader.read(bytes), (try? RecordReading(again.span)) == nil { return "a record that was read again is one" }
    let filter = summary.filter()
    let keys = summary.keys
    return keys.allSatisfy { BlockFilter.mayHold($0, filter.span) } ? nil : "a filter holds its keys"
  }
}
