// Sixteen bytes of a text at once. Swift has vectors, but not the one instruction that tells which of their lanes are
// set; without it, looking for a byte costs as much as looking at each.
#pragma once
#include <stdint.h>

typedef uint8_t vector_bytes __attribute__((ext_vector_type(16)));
typedef char vector_lanes __attribute__((ext_vector_type(16)));

/// A bit for each lane that is set, the first lane's the least significant.
static inline __attribute__((always_inline)) uint32_t vector_mask(vector_lanes lanes) {
#ifdef __SSE2__
  typedef char sse __attribute__((vector_size(16)));
  return (uint32_t)__builtin_ia32_pmovmskb128((sse)lanes);
#else
  uint32_t mask = 0;
  for (int i = 0; i < 16; i++) mask |= (uint32_t)(lanes[i] & 1) << i;
  return mask;
#endif
}

/// Which bytes are one of four.
static inline __attribute__((always_inline)) uint32_t vector_any(
    vector_bytes text, vector_bytes a, vector_bytes b, vector_bytes c, vector_bytes d) {
  return vector_mask((text == a) | (text == b) | (text == c) | (text == d));
}

/// Which bytes a JSON string must escape: `"`, `\` and what is below a space.
static inline __attribute__((always_inline)) uint32_t vector_escaped(vector_bytes text) {
  return vector_mask((text == (vector_bytes)'"') | (text == (vector_bytes)'\\') | (text < (vector_bytes)0x20));
}
