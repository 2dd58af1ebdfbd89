#define _GNU_SOURCE
#include "include/find.h"
#include <string.h>

ptrdiff_t linux_find(const void *bytes, size_t count, const void *wanted, size_t wanted_count) {
  const char *found = memmem(bytes, count, wanted, wanted_count);
  return found ? found - (const char *)bytes : -1;
}
