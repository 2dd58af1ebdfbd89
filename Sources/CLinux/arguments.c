#include "include/arguments.h"

static int count;
static char **words;

// glibc gives a constructor what it gives main.
__attribute__((constructor)) static void keep(int argc, char **argv) {
  count = argc;
  words = argv;
}

int linux_argument_count(void) { return count; }

const char *linux_argument(int index) { return words[index]; }
