#define _GNU_SOURCE
#include "include/thread.h"
#include <sys/prctl.h>
#include <sys/resource.h>

int linux_set_thread_name(const char *name) { return prctl(PR_SET_NAME, name, 0, 0, 0); }

int linux_set_thread_nice(int nice) { return setpriority(PRIO_PROCESS, 0, nice); }
