import CLinux
import Glibc

/// A thread of the daemon's own. Receivers, writer and keeper block in the kernel, so they are no tasks.
enum Thread {
  private final class Body {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  /// A started thread, to be waited for.
  struct Handle: Sendable {
    fileprivate let thread: pthread_t
    func join() { pthread_join(thread, nil) }
  }

  @discardableResult
  static func start(_ name: String, nice: Int32 = 0, joinable: Bool = false, _ run: @escaping @Sendable () -> Void) -> Handle {
    let body = Unmanaged.passRetained(
      Body {
        linux_set_thread_name(name)
        // In Linux a thread has a priority of its own, and 0 names the calling one.
        if nice != 0 { linux_set_thread_nice(nice) }
        run()
      })
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setstacksize(&attributes, 1 << 20)
    if !joinable { pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED)) }
    var thread = pthread_t()
    let result = pthread_create(
      &thread, &attributes,
      { argument in
        guard let argument else { return nil }
        Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
        return nil
      }, body.toOpaque())
    pthread_attr_destroy(&attributes)
    precondition(result == 0, "no thread: \(String(cString: strerror(result)))")
    return Handle(thread: thread)
  }
}
