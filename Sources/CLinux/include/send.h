#pragma once
#include <stddef.h>
#include <stdint.h>

/// Sends bytes to a host by UDP (one datagram) or TCP (a connection of its own), waiting at most so many seconds for each
/// step. 0; errno where it failed; a negative code of getaddrinfo (gai_strerror) where the name is not known.
int linux_send_to(const char *host, uint16_t port, int tcp, const void *bytes, size_t count, int seconds);
