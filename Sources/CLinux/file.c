#include "file.h"
#include <sys/vfs.h>

int linux_is_on_share(int fd) {
  struct statfs system;
  if (fstatfs(fd, &system) != 0) return 0;
  switch ((unsigned)system.f_type) {
  case 0xff534d42u:  // CIFS, as statfs(2) names it
  case 0xfe534d42u:  // SMB2
  case 0x517bu:      // SMB
  case 0x6969u:      // NFS
    return 1;
  default:
    return 0;
  }
}
