#pragma once
#include <isa-l/igzip_lib.h>
#include <string.h>

// The level whose speed and density fit a log under load, and the room it works in.
enum { isal_level = 2, isal_room_bytes = ISAL_DEF_LVL2_DEFAULT };

// Compresses a whole text to a raw deflate stream. Returns its length, 0 where it does not fit.
static inline unsigned isal_pack(const unsigned char *text, unsigned count, unsigned char *out, unsigned room, unsigned char *work) {
  struct isal_zstream stream;
  isal_deflate_stateless_init(&stream);
  stream.level = isal_level;
  stream.level_buf = work;
  stream.level_buf_size = isal_room_bytes;
  stream.next_in = (unsigned char *)text;
  stream.avail_in = count;
  stream.next_out = out;
  stream.avail_out = room;
  stream.end_of_stream = 1;
  stream.flush = NO_FLUSH;
  return isal_deflate_stateless(&stream) == COMP_OK ? stream.total_out : 0;
}
