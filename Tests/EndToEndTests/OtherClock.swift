import Glibc
import Record

/// A clock for a program under test: a preloaded library through which it sees the time so many seconds away, that of
/// received datagrams too. The number of seconds stands in a file and may change while the program runs.
final class OtherClock {
  private let folder: String

  /// In the environment of the program.
  var environment: [String] { ["LD_PRELOAD=\(folder)/clock.so", "TEST_CLOCK=\(folder)/clock"] }

  /// - Parameter folder: where the library is built.
  /// - Returns: nil where there is no C compiler.
  init?(_ folder: String) throws {
    self.folder = folder
    RealDaemon.write(Self.source, to: folder + "/clock.c")
    set(seconds: 0)
    let code = try Process(
      "/usr/bin/cc", ["-shared", "-fPIC", "-O1", "-o", folder + "/clock.so", folder + "/clock.c", "-ldl"], output: "/dev/null",
      errors: "/dev/null"
    ).end()
    guard code == 0 else { return nil }
  }

  func set(seconds: Int) {
    let bytes = withUnsafeBytes(of: Int64(seconds)) { Array($0) }
    let file = open(folder + "/clock", O_WRONLY | O_CREAT, 0o600)
    _ = bytes.withUnsafeBytes { pwrite(file, $0.baseAddress, $0.count, 0) }
    close(file)
  }

  func set(days: Int) { set(seconds: days * 86_400) }

  private static let source = """
    #define _GNU_SOURCE
    #include <dlfcn.h>
    #include <fcntl.h>
    #include <stdint.h>
    #include <stdlib.h>
    #include <string.h>
    #include <sys/mman.h>
    #include <sys/socket.h>
    #include <sys/syscall.h>
    #include <sys/time.h>
    #include <time.h>
    #include <unistd.h>

    static int64_t away(void) {
      static volatile int64_t *shared;
      if (!shared) {
        const char *path = getenv("TEST_CLOCK");
        int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        if (file < 0) return 0;
        void *memory = mmap(NULL, 8, PROT_READ, MAP_SHARED, file, 0);
        close(file);
        if (memory == MAP_FAILED) return 0;
        shared = memory;
      }
      return *shared;
    }

    int clock_gettime(clockid_t id, struct timespec *t) {
      int result = syscall(SYS_clock_gettime, id, t);
      if (result == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) t->tv_sec += away();
      return result;
    }

    time_t time(time_t *out) {
      struct timespec t;
      clock_gettime(CLOCK_REALTIME, &t);
      if (out) *out = t.tv_sec;
      return t.tv_sec;
    }

    int gettimeofday(struct timeval *out, void *zone) {
      struct timespec t;
      clock_gettime(CLOCK_REALTIME, &t);
      out->tv_sec = t.tv_sec;
      out->tv_usec = t.tv_nsec / 1000;
      return 0;
    }

    static void shift(struct msghdr *message) {
      for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
          struct timespec t;
          memcpy(&t, CMSG_DATA(c), sizeof t);
          t.tv_sec += away();
          memcpy(CMSG_DATA(c), &t, sizeof t);
        }
    }

    int recvmmsg(int fd, struct mmsghdr *messages, unsigned int count, int flags, struct timespec *wait) {
      static int (*real)(int, struct mmsghdr *, unsigned int, int, struct timespec *);
      if (!real) real = dlsym(RTLD_NEXT, "recvmmsg");
      int n = real(fd, messages, count, flags, wait);
      for (int i = 0; i < n; i++) shift(&messages[i].msg_hdr);
      return n;
    }

    """
}
