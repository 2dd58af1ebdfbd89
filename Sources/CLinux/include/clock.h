#pragma once
#include <stdint.h>

/// What the kernel says of its clock: whether something keeps it synchronised, and the error it admits in microseconds.
int linux_clock_is_synchronised(int64_t *error_microseconds);
