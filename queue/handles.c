/* handles.c - receipt handles: which message, which of its receives, and a seal that only who knows the queue's secret can make.
 *
 *     u8 1 | u64 seq | u32 lease | u64 SipHash-2-4 of what stands before it, keyed with the secret */
#include <string.h>

#include "queue/broker.h"

#define VERSION 1
#define SEALED_BYTES (HANDLE_BYTES - 8)

static_assert(HANDLE_BYTES <= LIMIT_HANDLE_BYTES, "a handle fits the wire");

static uint64_t rotate(uint64_t x, int bits) { return x << bits | x >> (64 - bits); }

static void mix(uint64_t v[4])
{
    v[0] += v[1], v[1] = rotate(v[1], 13) ^ v[0], v[0] = rotate(v[0], 32);
    v[2] += v[3], v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3], v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1], v[1] = rotate(v[1], 17) ^ v[2], v[2] = rotate(v[2], 32);
}

static uint64_t word(const unsigned char *bytes, size_t len)
{
    uint64_t x = 0;
    for (size_t i = 0; i < len; i++)
        x |= (uint64_t)bytes[i] << 8 * i;
    return x;
}

static uint64_t seal(const unsigned char secret[16], const unsigned char *bytes, size_t len)
{
    uint64_t k0 = word(secret, 8), k1 = word(secret + 8, 8);
    uint64_t v[4] = {k0 ^ 0x736f6d6570736575u, k1 ^ 0x646f72616e646f6du, k0 ^ 0x6c7967656e657261u, k1 ^ 0x7465646279746573u};
    for (size_t at = 0;; at += 8) {
        bool last = len - at < 8;
        uint64_t m = word(bytes + at, last ? len - at : 8) | (last ? (uint64_t)len << 56 : 0);
        v[3] ^= m;
        mix(v), mix(v);
        v[0] ^= m;
        if (last)
            break;
    }
    v[2] ^= 0xff;
    mix(v), mix(v), mix(v), mix(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static void put(unsigned char *p, uint64_t x, size_t len)
{
    for (size_t i = 0; i < len; i++)
        p[i] = (unsigned char)(x >> 8 * i);
}

void handle_make(unsigned char out[HANDLE_BYTES], const unsigned char secret[16], uint64_t seq, uint32_t lease)
{
    out[0] = VERSION;
    put(out + 1, seq, 8);
    put(out + 9, lease, 4);
    put(out + SEALED_BYTES, seal(secret, out, SEALED_BYTES), 8);
}

bool handle_read(struct slice handle, const unsigned char secret[16], uint64_t *seq, uint32_t *lease)
{
    if (handle.len != HANDLE_BYTES || handle.ptr[0] != VERSION ||
        word(handle.ptr + SEALED_BYTES, 8) != seal(secret, handle.ptr, SEALED_BYTES))
        return false;
    *seq = word(handle.ptr + 1, 8);
    *lease = (uint32_t)word(handle.ptr + 9, 4);
    return true;
}
