#pragma once
/// Whether an open file lies on a share of another machine (CIFS, NFS). 0 also where that cannot be found out.
int linux_is_on_share(int fd);
