/* id.c - makes, prints and reads UUIDv7. Layout, in bytes:
 *
 *   0..5 milliseconds since 1970 | 6 version 7 + counter high | 7 counter low | 8 variant + random | 9..14 random | 15 slice
 *
 * The 12-bit counter starts each millisecond at a random number below its middle, so that two makers rarely meet and at
 * least 2,048 ids fit; when it is full, the time is carried forward by one. A wall clock that steps back is not followed. */
#include "common/id.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#define COUNTER_MAX 0xfffu
#define COUNTER_START_MASK 0x7ffu

static uint64_t rotate(uint64_t x, int bits) { return (x << bits) | (x >> (64 - bits)); }

/* xoroshiro128++ */
static uint64_t next_random(struct id_maker *m)
{
    uint64_t a = m->random[0], b = m->random[1];
    uint64_t result = rotate(a + b, 17) + a;
    b ^= a;
    m->random[0] = rotate(a, 49) ^ b ^ (b << 21);
    m->random[1] = rotate(b, 28);
    return result;
}

int id_maker_init(struct id_maker *m)
{
    *m = (struct id_maker){0};
    while (!(m->random[0] | m->random[1])) { /* the all-zero state would stay zero for ever */
        ssize_t got = getrandom(m->random, sizeof m->random, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got != (ssize_t)sizeof m->random) /* the kernel never splits requests this small */
            return -1;
    }
    return 0;
}

static void advance(struct id_maker *m, int64_t wall_ms, uint64_t random)
{
    if (wall_ms > m->last_ms) {
        m->last_ms = wall_ms;
        m->counter = (uint32_t)random & COUNTER_START_MASK;
    } else if (m->counter < COUNTER_MAX) {
        m->counter++;
    } else {
        m->last_ms++;
        m->counter = 0;
    }
}

struct id id_make(struct id_maker *m, int64_t wall_ms, uint8_t slice)
{
    assert(m->random[0] | m->random[1]);
    advance(m, wall_ms, next_random(m));
    assert(m->counter <= COUNTER_MAX);
    struct id id;
    for (int i = 0; i < 6; i++)
        id.bytes[i] = (unsigned char)(m->last_ms >> (40 - 8 * i));
    id.bytes[6] = (unsigned char)(0x70 | m->counter >> 8);
    id.bytes[7] = (unsigned char)m->counter;
    uint64_t random = next_random(m);
    for (int i = 8; i < 15; i++)
        id.bytes[i] = (unsigned char)(random >> (8 * (i - 8)));
    id.bytes[8] = (unsigned char)(0x80 | (id.bytes[8] & 0x3f));
    id.bytes[15] = slice;
    return id;
}

/* A dash stands before bytes 4, 6, 8 and 10. */
static bool dash_before(int i) { return i == 4 || i == 6 || i == 8 || i == 10; }

void id_format(const struct id *id, char text[static ID_TEXT_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    char *out = text;
    for (int i = 0; i < ID_BYTES; i++) {
        if (dash_before(i))
            *out++ = '-';
        *out++ = digits[id->bytes[i] >> 4];
        *out++ = digits[id->bytes[i] & 15];
    }
    *out++ = '\0';
    assert(out == text + ID_TEXT_BYTES);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

int id_parse(const char *text, size_t len, struct id *id)
{
    if (len != ID_TEXT_BYTES - 1)
        return -1;
    struct id read;
    for (int i = 0; i < ID_BYTES; i++) {
        if (dash_before(i) && *text++ != '-')
            return -1;
        int high = hex_digit(text[0]), low = hex_digit(text[1]);
        if (high < 0 || low < 0)
            return -1;
        read.bytes[i] = (unsigned char)(high << 4 | low);
        text += 2;
    }
    *id = read;
    return 0;
}

bool id_equal(const struct id *a, const struct id *b) { return memcmp(a->bytes, b->bytes, ID_BYTES) == 0; }
