import Record

/// A receiver's batch at hand: messages go in, and a full batch goes to the writer. Where no batch is free the thread waits,
/// and with it the receiver. Owned by one receiver's thread.
struct BatchFilling {
  private let source: any MessageSource
  private let free: Handover<Batch>
  private let out: Handover<WriterWork>
  private var batch: Batch?

  init(of source: any MessageSource, free: Handover<Batch>, out: Handover<WriterWork>) {
    self.source = source
    self.free = free
    self.out = out
  }

  /// Takes a message; a batch takes any message of at most `RecordLimits.messageBytes` once it is empty.
  mutating func append(
    _ message: UnsafeRawBufferPointer, original: Int, microseconds: Int64, address: IPAddress, port: UInt16, connection: UInt32 = 0
  ) {
    while true {
      let batch = open()
      if batch.append(message, original: original, microseconds: microseconds, address: address, port: port, connection: connection) {
        return
      }
      give()
    }
  }

  /// The batch at hand, for a receiver that has many messages; where it is full, `give` it and go on with the next.
  mutating func open() -> Batch {
    if let batch { return batch }
    let empty = free.take()
    empty.source = source
    batch = empty
    return empty
  }

  /// Hands on what has gathered.
  mutating func give() {
    if let batch { out.give(.messages(batch)) }
    batch = nil
  }
}
