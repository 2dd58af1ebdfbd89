import Glibc
import Synchronization

/// Does something with each of some things, as many at once as there are processors.
/// - Returns: what came of them, in their order.
func inParallel<Item: Sendable, Result: Sendable>(_ items: [Item], _ body: @escaping @Sendable (Item) -> Result) -> [Result] {
  let workers = min(items.count, max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))))
  guard workers > 1 else { return items.map(body) }
  let work = ParallelWork(items, body)
  var threads: [pthread_t] = []
  for _ in 1..<workers {
    var thread = pthread_t()
    let started = pthread_create(
      &thread, nil,
      { argument in
        if let argument { Unmanaged<Runnable>.fromOpaque(argument).takeRetainedValue().run() }
        return nil
      }, Unmanaged.passRetained(work as Runnable).toOpaque())
    // Without another thread this one does all of it.
    guard started == 0 else {
      Unmanaged.passUnretained(work as Runnable).release()
      break
    }
    threads.append(thread)
  }
  work.run()
  for thread in threads { pthread_join(thread, nil) }
  return work.results
}

private class Runnable: @unchecked Sendable { func run() {} }

/// The next thing is whoever's comes first.
private final class ParallelWork<Item: Sendable, Result: Sendable>: Runnable, @unchecked Sendable {
  private let items: [Item]
  private let body: @Sendable (Item) -> Result
  private let next = Atomic(0)
  private let found: Mutex<[Result?]>

  init(_ items: [Item], _ body: @escaping @Sendable (Item) -> Result) {
    self.items = items
    self.body = body
    found = Mutex(Array(repeating: nil, count: items.count))
  }

  override func run() {
    while case let i = next.add(1, ordering: .relaxed).oldValue, i < items.count {
      let result = body(items[i])
      found.withLock { $0[i] = result }
    }
  }

  var results: [Result] { found.withLock { $0.compactMap { $0 } } }
}
