#pragma once
/// Names the calling thread, as ps and top show it (at most 15 bytes).
int linux_set_thread_name(const char *name);
/// The calling thread's nice value; threads have their own in Linux.
int linux_set_thread_nice(int nice);
