#define _GNU_SOURCE
#include "include/send.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static int send_all(int fd, const void *bytes, size_t count) {
  for (size_t sent = 0; sent < count;) {
    ssize_t n = send(fd, (const char *)bytes + sent, count - sent, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n < 0 ? errno : EPIPE;
    sent += (size_t)n;
  }
  return 0;
}

int linux_send_to(const char *host, uint16_t port, int tcp, const void *bytes, size_t count, int seconds) {
  struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = tcp ? SOCK_STREAM : SOCK_DGRAM}, *list = NULL;
  char service[8];
  snprintf(service, sizeof service, "%u", (unsigned)port);
  int code = getaddrinfo(host, service, &hints, &list);
  if (code == EAI_SYSTEM) return errno;
  if (code) return code < 0 ? code : -code;
  int result = ECONNREFUSED;
  for (struct addrinfo *a = list; a; a = a->ai_next) {
    int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
    if (fd < 0) {
      result = errno;
      continue;
    }
    // SO_SNDTIMEO also ends a connect (socket(7)).
    struct timeval wait = {.tv_sec = seconds};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    result = connect(fd, a->ai_addr, a->ai_addrlen) ? (errno == EINPROGRESS ? ETIMEDOUT : errno) : send_all(fd, bytes, count);
    if (!result && tcp) {
      // Until the peer has closed too, a reset could still throw away what was sent.
      char rest[256];
      shutdown(fd, SHUT_WR);
      while (recv(fd, rest, sizeof rest, 0) > 0) {}
    }
    close(fd);
    if (!result) break;
  }
  freeaddrinfo(list);
  return result;
}
