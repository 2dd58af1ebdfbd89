#pragma once
#include <stddef.h>
#include <stdint.h>
/// accept4 with SOCK_NONBLOCK and SOCK_CLOEXEC.
int linux_accept(int fd);
/// Place of the first such bytes (memmem), -1 where there are none.
ptrdiff_t linux_find(const void *bytes, size_t count, const void *wanted, size_t wanted_count);
