import Glibc
import Synchronization
import Testing

@testable import Collector

/// A receiver on a port of loopback, and what it hands on to a thread in the writer's place.
final class Receiving<Receiver: RunningSource, Message: Sendable>: Sendable {
  let receiver: Receiver
  /// While it is set nobody takes what is handed on.
  let isPaused = Atomic(false)
  private let read: @Sendable (Batch.Message, Batch) -> Message
  private let free = Handover<Batch>(capacity: 4, newestFirst: true)
  private let out = Handover<WriterWork>(capacity: 4)
  private let taken = Mutex<[Message]>([])
  private let hasStopped = Atomic(false)
  private let threads = Mutex<[Thread.Handle]>([])

  /// - Parameter read: what the test wants to know of a message.
  init(_ receiver: Receiver, _ read: @escaping @Sendable (Batch.Message, Batch) -> Message) {
    self.receiver = receiver
    self.read = read
    for _ in 0..<4 { free.give(Batch()) }
    let (free, out) = (free, out)
    let receiving = Thread.start("receiver", joinable: true) { receiver.run(free: free, out: out) }
    let taking = Thread.start("taker", joinable: true) { self.takeAll() }
    threads.withLock { $0 = [receiving, taking] }
  }

  /// What has been handed on, once there are so many messages or some seconds have gone.
  func messages(_ count: Int) -> [Message] {
    for _ in 0..<2000 {
      let all = taken.withLock { $0 }
      if all.count >= count { return all }
      usleep(10_000)
    }
    return taken.withLock { $0 }
  }

  private func takeAll() {
    while true {
      if isPaused.load(ordering: .relaxed) {
        usleep(1000)
        continue
      }
      let isLast = hasStopped.load(ordering: .relaxed)
      guard let work = out.take(milliseconds: 10) else {
        if isLast { return }
        continue
      }
      // What the writer would perform is to forget connections.
      guard case .messages(let batch) = work else { continue }
      let found = batch.messages.map { read($0, batch) }
      taken.withLock { $0 += found }
      batch.removeAll()
      free.give(batch)
    }
  }

  /// Stops it, and gives all that it has handed on.
  func stop() -> [Message] {
    receiver.stop()
    let threads = threads.withLock { $0 }
    threads[0].join()
    hasStopped.store(true, ordering: .relaxed)
    threads[1].join()
    return taken.withLock { $0 }
  }
}
