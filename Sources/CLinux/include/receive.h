#pragma once
#include <stddef.h>
#include <stdint.h>

/// One received datagram.
typedef struct {
  /// Bytes it had; more than its slot has where it was cut.
  uint32_t length;
  uint16_t port;
  /// The kernel's receive time, nanoseconds since 1970; 0 where it gave none.
  int64_t nanoseconds;
  /// The peer; IPv4 in its mapped place (::ffff:a.b.c.d).
  uint8_t address[16];
} linux_datagram;

/// Binds a UDP socket with kernel receive times and drop counts. `address` as above; an IPv6 wildcard takes IPv4 too.
/// `granted`: the receive buffer in bytes, forced beyond net.core.rmem_max where the process may. Reads wait at most
/// `wait_milliseconds`. Gives the descriptor, or -1 and errno.
int linux_udp_listen(const uint8_t address[16], uint16_t port, int buffer_bytes, int wait_milliseconds, int *granted);

/// The port a socket is bound to, where 0 was asked for.
uint16_t linux_bound_port(int fd);

/// What receiving works with; nearly all of it stays as it is from call to call.
typedef struct linux_receiver linux_receiver;

/// Room for `count` datagrams of a call: the i-th goes to `slots + i * slot_bytes`. NULL without memory.
linux_receiver *linux_receiver_make(uint8_t *slots, size_t slot_bytes, unsigned count);
void linux_receiver_free(linux_receiver *receiver);

/// Reads as many datagrams as are there and have room; with `wait` it waits for the first. `dropped` is the socket's count of
/// losses since it was made (32 bits, wraps). Gives how many, or -1 and errno.
int linux_receive(linux_receiver *receiver, int fd, int wait, linux_datagram *out, uint32_t *dropped);
