/* xorshift.h - a small seeded generator for tests, the same numbers in every run. The seed must not be 0. */
#ifndef LEAT_TESTS_LIB_XORSHIFT_H
#define LEAT_TESTS_LIB_XORSHIFT_H

#include <stddef.h>
#include <stdint.h>

static inline uint64_t xorshift(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* 0..below-1 */
static inline size_t xorshift_below(uint64_t *state, size_t below) { return (size_t)(xorshift(state) >> 11) % below; }

static inline void xorshift_bytes(uint64_t *state, unsigned char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        bytes[i] = (unsigned char)(xorshift(state) >> 32);
}

#endif
