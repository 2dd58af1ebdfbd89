#define _GNU_SOURCE
#include "CLinux.h"
#include <sys/socket.h>

int linux_accept(int fd) { return accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC); }
