#pragma once
#include <stddef.h>
#include <stdint.h>

/// libcrypto's SHA256_CTX.
struct SHA256state_st;

/// Takes a text into each of two running hashes. Where the processor has instructions for SHA-256 (x86), both are worked out
/// at once: each of these instructions waits for the one before, and the second hash fills that time. It costs a tenth of
/// the first. Everything but whole blocks in common, and all of it elsewhere, is libcrypto's work.
void sha256_update_both(
    struct SHA256state_st *a, const void *a_text, size_t a_count, struct SHA256state_st *b, const void *b_text, size_t b_count);

/// Whether this processor can.
int sha256_works_on_both(void);
