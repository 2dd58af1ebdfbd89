#include "include/clock.h"
#include <string.h>
#include <sys/timex.h>

int linux_clock_is_synchronised(int64_t *error_microseconds) {
  struct timex t;
  memset(&t, 0, sizeof t);
  int state = adjtimex(&t);
  *error_microseconds = t.maxerror;
  return state >= 0 && state != TIME_ERROR && !(t.status & STA_UNSYNC);
}
