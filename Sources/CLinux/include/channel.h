#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// Connects to a Unix socket (SOCK_STREAM, close-on-exec). -1 and errno; a path that does not fit is ENAMETOOLONG.
int linux_unix_connect(const char *path);
/// Listens on a Unix socket that it makes, with that mode; the name must be free. -1 and errno.
int linux_unix_listen(const char *path, mode_t mode);
/// send without SIGPIPE; with `descriptor` >= 0 it goes along (SCM_RIGHTS).
ssize_t linux_send_descriptor(int socket, const void *bytes, size_t count, int descriptor);
/// recv; `*descriptor` is the one that came along (close-on-exec), else -1. Any further ones are closed.
ssize_t linux_receive_descriptor(int socket, void *bytes, size_t count, int *descriptor);
/// SO_PEERCRED: who connected. 0, or -1 and errno.
int linux_peer(int socket, uid_t *uid, gid_t *gid, pid_t *pid);
/// SO_PEERGROUPS: the peer's supplementary groups; their number (at most `most`), or -1 and errno.
int linux_peer_groups(int socket, gid_t *groups, int most);
/// accept4 with SOCK_CLOEXEC. -1 and errno.
int linux_accept(int fd);
