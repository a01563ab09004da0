/* index.h - a hash table of items by whatever they are looked up by: open addressing with linear probing; the items lie elsewhere and are
 * known by number. Private to queue/core.
 *
 * Looking up is a walk over those whose home is near:
 *
 *     for (struct index_walk w = index_walk(&c->xs, hash); (x = index_next(&w)) != CORE_NONE;)
 *         if (... x is the one ...) */
#ifndef LEAT_QUEUE_CORE_INDEX_H
#define LEAT_QUEUE_CORE_INDEX_H

#include "queue/core/core.h"

struct index {
    uint32_t *at, cap, count; /* cap: a power of two, or 0 */
    uint64_t (*hash)(const struct core *c, uint32_t item);
};

struct index_walk {
    const struct index *index;
    uint32_t i;
};

int index_reserve(struct core *c, struct index *x);                /* 0: the next index_add() will not fail; or -1 */
int index_add(struct core *c, struct index *x, uint32_t item);     /* 0, or -1 without memory */
void index_remove(struct core *c, struct index *x, uint32_t item); /* must be there */
static inline struct index_walk index_walk(const struct index *x, uint64_t hash)
{
    return (struct index_walk){x, x->cap > 0 ? (uint32_t)hash & (x->cap - 1) : 0};
}
static inline uint32_t index_next(struct index_walk *w)
{
    if (w->index->cap == 0)
        return CORE_NONE;
    uint32_t item = w->index->at[w->i];
    w->i = (w->i + 1) & (w->index->cap - 1);
    return item;
}

#endif
