#define _GNU_SOURCE
#include "include/listen.h"
#include "include/receive.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

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

// Room for the kernel's receive time, which it puts first, and its count of losses.
#define CONTROL_BYTES (CMSG_SPACE(sizeof(struct timespec)) + CMSG_SPACE(sizeof(uint32_t)))

// One datagram's place.
struct place {
  struct iovec slot;
  struct sockaddr_in6 peer;
  char control[CONTROL_BYTES] __attribute__((aligned(8)));
};

struct linux_receiver {
  unsigned count;
  struct mmsghdr *messages;
  struct place *places;
};

// What the kernel overwrites in a header.
static void renew(struct msghdr *m) {
  m->msg_namelen = sizeof(struct sockaddr_in6);
  m->msg_controllen = CONTROL_BYTES;
}

linux_receiver *linux_receiver_make(uint8_t *slots, size_t slot_bytes, unsigned count) {
  linux_receiver *r = calloc(1, sizeof *r);
  if (!r) return NULL;
  r->count = count;
  r->messages = calloc(count, sizeof *r->messages);
  r->places = calloc(count, sizeof *r->places);
  if (!r->messages || !r->places) {
    linux_receiver_free(r);
    return NULL;
  }
  for (unsigned i = 0; i < count; i++) {
    struct place *p = &r->places[i];
    struct msghdr *m = &r->messages[i].msg_hdr;
    p->slot = (struct iovec){slots + i * slot_bytes, slot_bytes};
    *m = (struct msghdr){.msg_name = &p->peer, .msg_iov = &p->slot, .msg_iovlen = 1, .msg_control = p->control};
    renew(m);
  }
  return r;
}

void linux_receiver_free(linux_receiver *receiver) {
  free(receiver->messages);
  free(receiver->places);
  free(receiver);
}

static int64_t nanoseconds(const struct msghdr *m) {
  const struct cmsghdr *h = CMSG_FIRSTHDR(m);
  if (!h || h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_TIMESTAMPNS) return 0;
  struct timespec t;
  memcpy(&t, CMSG_DATA(h), sizeof t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void take_drops(struct msghdr *m, uint32_t *dropped) {
  for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h; h = CMSG_NXTHDR(m, h)) {
    if (h->cmsg_level == SOL_SOCKET && h->cmsg_type == SO_RXQ_OVFL) memcpy(dropped, CMSG_DATA(h), sizeof *dropped);
  }
}

int linux_receive(linux_receiver *receiver, int fd, int wait, linux_datagram *out, uint32_t *dropped) {
  int flags = (wait ? MSG_WAITFORONE : MSG_DONTWAIT) | MSG_TRUNC;
  int r = recvmmsg(fd, receiver->messages, receiver->count, flags, NULL);
  // The count grows with the messages: the last one's is what holds.
  if (r > 0) take_drops(&receiver->messages[r - 1].msg_hdr, dropped);
  for (int i = 0; i < r; i++) {
    struct msghdr *m = &receiver->messages[i].msg_hdr;
    const struct place *p = &receiver->places[i];
    linux_datagram *d = &out[i];
    d->length = receiver->messages[i].msg_len;
    d->nanoseconds = nanoseconds(m);
    if (p->peer.sin6_family == AF_INET6) {
      memcpy(d->address, &p->peer.sin6_addr, 16);
      d->port = ntohs(p->peer.sin6_port);
    } else {
      const struct sockaddr_in *v4 = (const struct sockaddr_in *)&p->peer;
      memset(d->address, 0, 10);
      memset(d->address + 10, 0xff, 2);
      memcpy(d->address + 12, &v4->sin_addr, 4);
      d->port = ntohs(v4->sin_port);
    }
    renew(m);
  }
  return r;
}
