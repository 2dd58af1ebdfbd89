#define _GNU_SOURCE
#include "include/poll.h"
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define MOST 512

int linux_epoll(void) { return epoll_create1(EPOLL_CLOEXEC); }

int linux_epoll_watch(int epoll, int fd, uint64_t token, int write, int again) {
  struct epoll_event e = {.events = EPOLLIN | EPOLLRDHUP | (write ? EPOLLOUT : 0), .data.u64 = token};
  return epoll_ctl(epoll, again ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &e);
}

int linux_epoll_wait(int epoll, uint64_t *tokens, int most, int milliseconds) {
  struct epoll_event events[MOST];
  int n = epoll_wait(epoll, events, most < MOST ? most : MOST, milliseconds);
  for (int i = 0; i < n; i++) tokens[i] = events[i].data.u64;
  return n;
}

int linux_tcp_accept(int fd, uint8_t address[16], uint16_t *port) {
  struct sockaddr_in6 peer;
  socklen_t size = sizeof peer;
  int got = accept4(fd, (struct sockaddr *)&peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (got < 0) return -1;
  if (peer.sin6_family == AF_INET6) {
    memcpy(address, &peer.sin6_addr, 16);
    *port = ntohs(peer.sin6_port);
  } else {
    const struct sockaddr_in *p = (const struct sockaddr_in *)&peer;
    memset(address, 0, 10);
    memset(address + 10, 0xff, 2);
    memcpy(address + 12, &p->sin_addr, 4);
    *port = ntohs(p->sin_port);
  }
  int on = 1, idle = 60, between = 20, tries = 4;
  setsockopt(got, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt(got, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
  setsockopt(got, IPPROTO_TCP, TCP_KEEPINTVL, &between, sizeof between);
  setsockopt(got, IPPROTO_TCP, TCP_KEEPCNT, &tries, sizeof tries);
  return got;
}

long linux_receive_now(int fd, void *bytes, unsigned long count) { return recv(fd, bytes, count, MSG_DONTWAIT); }

int linux_set_nonblocking(int fd) {
  int flags = fcntl(fd, F_GETFL);
  return flags < 0 ? -1 : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}
