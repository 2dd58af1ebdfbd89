#define _GNU_SOURCE
#include "channel.h"
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int address(struct sockaddr_un *to, const char *path) {
  size_t n = strlen(path);
  if (n == 0 || n >= sizeof to->sun_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  memset(to, 0, sizeof *to);
  to->sun_family = AF_UNIX;
  memcpy(to->sun_path, path, n);
  return 0;
}

static int failed(int fd) {
  int e = errno;
  close(fd);
  errno = e;
  return -1;
}

int linux_unix_connect(const char *path) {
  struct sockaddr_un to;
  if (address(&to, path)) return -1;
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  int r;
  do r = connect(fd, (struct sockaddr *)&to, sizeof to);
  while (r < 0 && errno == EINTR);
  return r < 0 ? failed(fd) : fd;
}

int linux_unix_listen(const char *path, mode_t mode) {
  struct sockaddr_un at;
  if (address(&at, path)) return -1;
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  /* Nobody can connect before listen(), so the mode is in force before the first caller. */
  if (bind(fd, (struct sockaddr *)&at, sizeof at)) return failed(fd);
  if (chmod(path, mode) || listen(fd, 64)) return failed(fd);
  return fd;
}

ssize_t linux_send_descriptor(int socket, const void *bytes, size_t count, int descriptor) {
  struct iovec part = {(void *)bytes, count};
  union {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr aligned;
  } control;
  struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};
  if (descriptor >= 0) {
    memset(&control, 0, sizeof control);
    m.msg_control = control.bytes;
    m.msg_controllen = sizeof control.bytes;
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(c), &descriptor, sizeof(int));
  }
  ssize_t n;
  do n = sendmsg(socket, &m, MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  return n;
}

ssize_t linux_receive_descriptor(int socket, void *bytes, size_t count, int *descriptor) {
  *descriptor = -1;
  struct iovec part = {bytes, count};
  /* Room for a few, so that what a hostile peer adds is seen and closed; the kernel closes what does not fit. */
  union {
    char bytes[CMSG_SPACE(8 * sizeof(int))];
    struct cmsghdr aligned;
  } control;
  struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  ssize_t n;
  do n = recvmsg(socket, &m, MSG_CMSG_CLOEXEC);
  while (n < 0 && errno == EINTR);
  if (n < 0) return n;
  for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
    size_t fds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < fds; i++) {
      int fd;
      memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
      if (*descriptor < 0) *descriptor = fd;
      else close(fd);
    }
  }
  return n;
}

int linux_peer(int socket, uid_t *uid, gid_t *gid, pid_t *pid) {
  struct ucred peer;
  socklen_t n = sizeof peer;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &n)) return -1;
  *uid = peer.uid;
  *gid = peer.gid;
  *pid = peer.pid;
  return 0;
}

int linux_peer_groups(int socket, gid_t *groups, int most) {
  socklen_t n = (socklen_t)(most * (int)sizeof(gid_t));
  if (getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups, &n)) return -1;
  return (int)(n / sizeof(gid_t));
}

int linux_accept(int fd) { return accept4(fd, NULL, NULL, SOCK_CLOEXEC); }
