#define OPENSSL_SUPPRESS_DEPRECATED
#include "include/CSHA256.h"
#include <openssl/sha.h>
#include <string.h>

enum { block_bytes = SHA256_CBLOCK };

#if defined(__x86_64__)
#include <immintrin.h>

#define sha_instructions __attribute__((target("sha,avx")))
#define in_place static inline __attribute__((always_inline)) sha_instructions

// FIPS 180-4 section 4.2.2.
static const uint32_t constants[64] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
    0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
    0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
    0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
    0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
    0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

// A hash as the instructions want it, and the last sixteen words of its block's schedule.
struct lane {
  __m128i abef, cdgh, words[4];
};

in_place void load(struct lane *l, const SHA_LONG h[8]) {
  __m128i badc = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)h), 0xb1);
  __m128i hgfe = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(h + 4)), 0x1b);
  l->abef = _mm_alignr_epi8(badc, hgfe, 8);
  l->cdgh = _mm_blend_epi16(hgfe, badc, 0xf0);
}

in_place void store(const struct lane *l, SHA_LONG h[8]) {
  __m128i feba = _mm_shuffle_epi32(l->abef, 0x1b);
  __m128i dchg = _mm_shuffle_epi32(l->cdgh, 0xb1);
  _mm_storeu_si128((__m128i *)h, _mm_blend_epi16(feba, dchg, 0xf0));
  _mm_storeu_si128((__m128i *)(h + 4), _mm_alignr_epi8(dchg, feba, 8));
}

// The four words of the schedule from word 4 * i on.
in_place __m128i schedule(struct lane *l, int i, const uint8_t *block) {
  __m128i *w = l->words;
  if (i < 4) {
    const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    return w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(block + 16 * i)), big_endian);
  }
  __m128i next = _mm_sha256msg1_epu32(w[i & 3], w[(i + 1) & 3]);
  next = _mm_add_epi32(next, _mm_alignr_epi8(w[(i + 3) & 3], w[(i + 2) & 3], 4));
  return w[i & 3] = _mm_sha256msg2_epu32(next, w[(i + 3) & 3]);
}

// Takes so many blocks into each of two hashes.
sha_instructions static void compress(SHA_LONG a[8], const uint8_t *a_block, SHA_LONG b[8], const uint8_t *b_block, size_t blocks) {
  struct lane x, y;
  load(&x, a);
  load(&y, b);
  for (; blocks > 0; blocks--, a_block += block_bytes, b_block += block_bytes) {
    __m128i x_abef = x.abef, x_cdgh = x.cdgh, y_abef = y.abef, y_cdgh = y.cdgh;
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) {
      __m128i k = _mm_load_si128((const __m128i *)(constants + 4 * i));
      __m128i u = _mm_add_epi32(schedule(&x, i, a_block), k), v = _mm_add_epi32(schedule(&y, i, b_block), k);
      x.cdgh = _mm_sha256rnds2_epu32(x.cdgh, x.abef, u);
      y.cdgh = _mm_sha256rnds2_epu32(y.cdgh, y.abef, v);
      x.abef = _mm_sha256rnds2_epu32(x.abef, x.cdgh, _mm_shuffle_epi32(u, 0x0e));
      y.abef = _mm_sha256rnds2_epu32(y.abef, y.cdgh, _mm_shuffle_epi32(v, 0x0e));
    }
    x.abef = _mm_add_epi32(x.abef, x_abef);
    x.cdgh = _mm_add_epi32(x.cdgh, x_cdgh);
    y.abef = _mm_add_epi32(y.abef, y_abef);
    y.cdgh = _mm_add_epi32(y.cdgh, y_cdgh);
  }
  store(&x, a);
  store(&y, b);
}

int sha256_works_on_both(void) { return __builtin_cpu_supports("sha") && __builtin_cpu_supports("avx"); }

// The next block: out of the text where none is begun, else the one that is begun, filled up.
static const uint8_t *next_block(SHA256_CTX *c, const uint8_t **text, size_t *count) {
  const uint8_t *block = *text;
  size_t taken = block_bytes - c->num;
  if (c->num > 0) {
    memcpy((uint8_t *)c->data + c->num, *text, taken);
    block = (const uint8_t *)c->data;
    c->num = 0;
  }
  *text += taken;
  *count -= taken;
  return block;
}

// Notes that bytes were taken, as SHA256_Update does.
static void add_length(SHA256_CTX *c, size_t bytes) {
  uint64_t bits = ((uint64_t)c->Nh << 32 | c->Nl) + ((uint64_t)bytes << 3);
  c->Nl = (SHA_LONG)bits;
  c->Nh = (SHA_LONG)(bits >> 32);
}

void sha256_update_both(SHA256_CTX *a, const void *a_text, size_t a_count, SHA256_CTX *b, const void *b_text, size_t b_count) {
  const uint8_t *p = a_text, *q = b_text;
  size_t m = a_count, n = b_count;
  if (sha256_works_on_both() && a->num + m >= block_bytes && b->num + n >= block_bytes) {
    const uint8_t *a_block = next_block(a, &p, &m), *b_block = next_block(b, &q, &n);
    compress(a->h, a_block, b->h, b_block, 1);
    size_t bytes = (m < n ? m : n) & ~(size_t)(block_bytes - 1);
    compress(a->h, p, b->h, q, bytes / block_bytes);
    p += bytes, m -= bytes, q += bytes, n -= bytes;
    add_length(a, a_count - m);
    add_length(b, b_count - n);
  }
  SHA256_Update(a, p, m);
  SHA256_Update(b, q, n);
}

#else

int sha256_works_on_both(void) { return 0; }

void sha256_update_both(SHA256_CTX *a, const void *a_text, size_t a_count, SHA256_CTX *b, const void *b_text, size_t b_count) {
  SHA256_Update(a, a_text, a_count);
  SHA256_Update(b, b_text, b_count);
}

#endif
