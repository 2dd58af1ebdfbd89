#pragma once
#include <stddef.h>
#include <stdint.h>

/// One received datagram.
typedef struct {
  /// Bytes in its slot.
  uint32_t length;
  /// Bytes it had; more than `length` where it was cut.
  uint32_t original;
  /// The kernel's receive time, nanoseconds since 1970; 0 where it gave none.
  int64_t nanoseconds;
  /// The peer; IPv4 in its mapped place (::ffff:a.b.c.d).
  uint8_t address[16];
  uint16_t port;
} linux_datagram;

/// Binds a UDP socket with kernel receive times and drop counts. `address` as above; an IPv6 wildcard takes IPv4 too.
/// `granted`: the receive buffer in bytes, forced beyond net.core.rmem_max where the process may. Reads wait at most
/// `wait_milliseconds`. Gives the descriptor, or -1 and errno.
int linux_udp_listen(const uint8_t address[16], uint16_t port, int buffer_bytes, int wait_milliseconds, int *granted);

/// The port a socket is bound to, where 0 was asked for.
uint16_t linux_bound_port(int fd);

/// Reads up to n (at most 128) datagrams, the i-th at buffer + i * slot, waiting for the first only. `dropped` is the
/// socket's count of losses since it was made (32 bits, wraps). Gives how many, or -1 and errno.
int linux_receive(int fd, uint8_t *buffer, size_t slot, unsigned n, linux_datagram *out, uint32_t *dropped);
