#pragma once
#include <stdint.h>

/// An epoll instance (close-on-exec). -1 and errno.
int linux_epoll(void);
/// Watches a descriptor until it is closed, level-triggered: that something can be read or has ended, and with `write`
/// also that something can be written. `again` changes what is watched already. 0, or -1 and errno.
int linux_epoll_watch(int epoll, int fd, uint64_t token, int write, int again);
/// The tokens of at most `most` (up to 512) descriptors of which something is to be had; waits so long for the first.
/// Gives how many, or -1 and errno.
int linux_epoll_wait(int epoll, uint64_t *tokens, int most, int milliseconds);
/// The next waiting connection of a listening TCP socket: non-blocking, close-on-exec, asked by the kernel after a
/// minute's silence whether it still lives (RFC 9293 section 3.8.4). `address` as in linux_udp_listen. -1 and errno.
int linux_tcp_accept(int fd, uint8_t address[16], uint16_t *port);
/// recv without waiting. -1 and errno.
long linux_receive_now(int fd, void *bytes, unsigned long count);
/// 0, or -1 and errno.
int linux_set_nonblocking(int fd);
