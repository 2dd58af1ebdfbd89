#define _GNU_SOURCE
#include "CLinux.h"
#include <string.h>
#include <sys/socket.h>

int linux_accept(int fd) { return accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC); }

ptrdiff_t linux_find(const void *bytes, size_t count, const void *wanted, size_t wanted_count) {
  const char *found = memmem(bytes, count, wanted, wanted_count);
  return found ? found - (const char *)bytes : -1;
}
