#pragma once
#include <stddef.h>
/// Place of the first such bytes (memmem), -1 where there are none.
ptrdiff_t linux_find(const void *bytes, size_t count, const void *wanted, size_t wanted_count);
