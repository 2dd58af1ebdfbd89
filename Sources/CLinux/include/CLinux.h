#pragma once
#include <stddef.h>
#include <stdint.h>
#include "channel.h"
/// accept4 with SOCK_NONBLOCK and SOCK_CLOEXEC.
int linux_accept(int fd);
