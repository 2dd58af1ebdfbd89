#pragma once
/// How many words the program was called with, its own name included.
int linux_argument_count(void);
/// One of them, from 0.
const char *linux_argument(int index);
