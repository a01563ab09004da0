/* id.h - ids of jobs and messages: UUIDv7 (RFC 9562), 16 bytes, whose last byte is the slice of the key space.
 *
 * The time prefix keeps ids of one moment together; the slice lets the store put a job's outcome beside its items'
 * part of the key space (see worker/README.md), and lets a lookup find it by the id alone. */
#ifndef LEAT_COMMON_ID_H
#define LEAT_COMMON_ID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ID_BYTES 16
#define ID_TEXT_BYTES 37 /* 36 characters and a NUL */

struct id {
    unsigned char bytes[ID_BYTES];
};

/* Makes ids for one process. Not thread-safe; one per thread. */
struct id_maker {
    uint64_t random[2]; /* xoroshiro state, seeded from getrandom */
    int64_t last_ms;
    uint32_t counter; /* keeps ids of one millisecond in order (12 bits + carry, RFC 9562 method 1) */
};

int id_maker_init(struct id_maker *m);                                 /* 0, or -1 if the kernel gives no randomness */
struct id id_make(struct id_maker *m, int64_t wall_ms, uint8_t slice); /* strictly increasing in bytes[0..7] */
void id_format(const struct id *id, char text[static ID_TEXT_BYTES]);  /* lower-case, with dashes */
int id_parse(const char *text, size_t len, struct id *id);             /* 36 characters, any case; 0 or -1 */
bool id_equal(const struct id *a, const struct id *b);
static inline uint8_t id_slice(const struct id *id) { return id->bytes[ID_BYTES - 1]; }

#endif
