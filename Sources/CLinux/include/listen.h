#pragma once
#include <stdint.h>
/// Listens on TCP. `address` as in linux_udp_listen. The descriptor, or -1 and errno.
int linux_tcp_listen(const uint8_t address[16], uint16_t port, int backlog);
