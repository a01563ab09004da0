/* arena.h - memory of one operation: syntax trees, path steps, computed values; all freed at once by arena_reset().
 *
 * Blocks are kept from one operation to the next, so that the usual operation allocates nothing. The bytes handed out are
 * bounded: a request that would need more is refused by the caller. */
#ifndef LEAT_WORKER_TABLE_ARENA_H
#define LEAT_WORKER_TABLE_ARENA_H

#include "common/buf.h"

struct arena_block;

struct arena {
    struct arena_block *first, *current; /* owned chain; current is where the next bytes come from */
    size_t used;                         /* bytes handed out since the reset */
    size_t max;                          /* bytes that one operation may have */
    bool failed;                         /* the system had no memory */
    bool full;                           /* max was reached */
};

void arena_init(struct arena *a, size_t max_bytes); /* no allocation */
void arena_finish(struct arena *a);
void arena_reset(struct arena *a); /* everything handed out becomes invalid; keeps one block */

/* A place to go back to: what was handed out since becomes invalid, and does not count any more. Going back to a place goes for all
 * that were marked after it. */
struct arena_mark {
    struct arena_block *block; /* NULL: nothing was handed out yet */
    size_t block_used, used;
};
struct arena_mark arena_mark(const struct arena *a);
void arena_rewind(struct arena *a, struct arena_mark mark);

/* Zeroed bytes aligned for any type; NULL with failed or full set. */
void *arena_alloc(struct arena *a, size_t bytes);
/* As above for count things of a size, checked for overflow. */
void *arena_array(struct arena *a, size_t count, size_t size);
/* A copy of bytes; .ptr is NULL on failure (never on an empty slice). */
struct slice arena_copy(struct arena *a, struct slice bytes);

#endif
