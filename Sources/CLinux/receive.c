#define _GNU_SOURCE
#include "include/listen.h"
#include "include/receive.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH 128

static int is_mapped(const uint8_t a[16]) {
  static const uint8_t prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return memcmp(a, prefix, sizeof prefix) == 0;
}

// Binds; closes and gives -1 where that fails.
static int bound(int fd, int v4, const uint8_t address[16], uint16_t port) {
  int r;
  if (v4) {
    struct sockaddr_in s = {.sin_family = AF_INET, .sin_port = htons(port)};
    memcpy(&s.sin_addr, address + 12, 4);
    r = bind(fd, (struct sockaddr *)&s, sizeof s);
  } else {
    struct sockaddr_in6 s = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    memcpy(&s.sin6_addr, address, 16);
    r = bind(fd, (struct sockaddr *)&s, sizeof s);
  }
  if (r == 0) return fd;
  int code = errno;
  close(fd);
  errno = code;
  return -1;
}

int linux_tcp_listen(const uint8_t address[16], uint16_t port, int backlog) {
  int v4 = is_mapped(address), on = 1, off = 0;
  int fd = socket(v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (!v4) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  fd = bound(fd, v4, address, port);
  if (fd < 0 || listen(fd, backlog) == 0) return fd;
  int code = errno;
  close(fd);
  errno = code;
  return -1;
}

int linux_udp_listen(const uint8_t address[16], uint16_t port, int buffer_bytes, int wait_milliseconds, int *granted) {
  int v4 = is_mapped(address);
  int fd = socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  int on = 1, off = 0;
  setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
  if (!v4) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer_bytes, sizeof buffer_bytes) != 0)
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof buffer_bytes);
  socklen_t size = sizeof *granted;
  getsockopt(fd, SOL_SOCKET, SO_RCVBUF, granted, &size);
  struct timeval wait = {wait_milliseconds / 1000, wait_milliseconds % 1000 * 1000};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  return bound(fd, v4, address, port);
}

uint16_t linux_bound_port(int fd) {
  struct sockaddr_in6 s;
  socklen_t size = sizeof s;
  if (getsockname(fd, (struct sockaddr *)&s, &size) != 0) return 0;
  return ntohs(s.sin6_family == AF_INET6 ? s.sin6_port : ((struct sockaddr_in *)&s)->sin_port);
}

int linux_receive(int fd, uint8_t *buffer, size_t slot, unsigned n, linux_datagram *out, uint32_t *dropped) {
  struct mmsghdr m[BATCH];
  struct iovec v[BATCH];
  struct sockaddr_in6 peer[BATCH];
  char control[BATCH][CMSG_SPACE(sizeof(struct timespec)) + CMSG_SPACE(sizeof(uint32_t))] __attribute__((aligned(8)));
  if (n > BATCH) n = BATCH;
  for (unsigned i = 0; i < n; i++) {
    v[i] = (struct iovec){buffer + i * slot, slot};
    m[i].msg_hdr = (struct msghdr){.msg_name = &peer[i], .msg_namelen = sizeof peer[i], .msg_iov = &v[i], .msg_iovlen = 1,
                                   .msg_control = control[i], .msg_controllen = sizeof control[i]};
  }
  int r = recvmmsg(fd, m, n, MSG_WAITFORONE | MSG_TRUNC, NULL);
  for (int i = 0; i < r; i++) {
    linux_datagram *d = &out[i];
    d->original = m[i].msg_len;
    d->length = m[i].msg_len < slot ? m[i].msg_len : (uint32_t)slot;
    d->nanoseconds = 0;
    if (peer[i].sin6_family == AF_INET6) {
      memcpy(d->address, &peer[i].sin6_addr, 16);
      d->port = ntohs(peer[i].sin6_port);
    } else {
      const struct sockaddr_in *p = (const struct sockaddr_in *)&peer[i];
      memset(d->address, 0, 10);
      memset(d->address + 10, 0xff, 2);
      memcpy(d->address + 12, &p->sin_addr, 4);
      d->port = ntohs(p->sin_port);
    }
    for (struct cmsghdr *h = CMSG_FIRSTHDR(&m[i].msg_hdr); h; h = CMSG_NXTHDR(&m[i].msg_hdr, h)) {
      if (h->cmsg_level != SOL_SOCKET) continue;
      if (h->cmsg_type == SCM_TIMESTAMPNS) {
        struct timespec t;
        memcpy(&t, CMSG_DATA(h), sizeof t);
        d->nanoseconds = t.tv_sec * 1000000000LL + t.tv_nsec;
      } else if (h->cmsg_type == SO_RXQ_OVFL) {
        memcpy(dropped, CMSG_DATA(h), sizeof *dropped);
      }
    }
  }
  return r;
}
