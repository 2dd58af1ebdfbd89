import Glibc

/// Things on their way from one thread to another, at most `capacity`; who gives waits while it is full. Waiting on a full
/// hand-over is no loss: the kernel's buffer or the tail on disk holds what comes meanwhile, and counts what it cannot.
///
/// `@unchecked`: `waiting` is touched only with `mutex` held.
final class Handover<Item: Sendable>: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var waiting: [Item] = []
  private let capacity: Int
  private let newestFirst: Bool

  /// - Parameter newestFirst: what was given last is taken first: of empty batches the one that the processor's cache still
  ///   holds, and those that are never needed take no memory.
  init(capacity: Int, newestFirst: Bool = false) {
    self.capacity = capacity
    self.newestFirst = newestFirst
    waiting.reserveCapacity(capacity)
    pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    // A stepped wall clock must not stretch a wait.
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(changed, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(changed)
    pthread_mutex_destroy(mutex)
    changed.deallocate()
    mutex.deallocate()
  }

  /// Waits for room.
  @available(*, noasync, message: "blocks its thread")
  func give(_ item: Item) {
    pthread_mutex_lock(mutex)
    while waiting.count >= capacity { pthread_cond_wait(changed, mutex) }
    waiting.append(item)
    pthread_cond_broadcast(changed)
    pthread_mutex_unlock(mutex)
  }

  /// Does not wait.
  /// - Returns: false where it is full.
  @discardableResult func offer(_ item: Item) -> Bool {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    guard waiting.count < capacity else { return false }
    waiting.append(item)
    pthread_cond_broadcast(changed)
    return true
  }

  /// The next thing, however long it takes to come.
  @available(*, noasync, message: "blocks its thread")
  func take() -> Item {
    while true { if let item = take(milliseconds: 1000) { return item } }
  }

  /// The next thing, or nil when none came in time.
  @available(*, noasync, message: "blocks its thread")
  func take(milliseconds: Int) -> Item? {
    var deadline = timespec()
    clock_gettime(CLOCK_MONOTONIC, &deadline)
    deadline.tv_nsec += milliseconds % 1000 * 1_000_000
    deadline.tv_sec += milliseconds / 1000 + deadline.tv_nsec / 1_000_000_000
    deadline.tv_nsec %= 1_000_000_000
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while waiting.isEmpty {
      if pthread_cond_timedwait(changed, mutex, &deadline) == ETIMEDOUT { break }
    }
    guard !waiting.isEmpty else { return nil }
    let item = newestFirst ? waiting.removeLast() : waiting.removeFirst()
    pthread_cond_broadcast(changed)
    return item
  }
}
