/* heap.h - a binary heap of due times of items that know their places. Private to queue/core. */
#ifndef LEAT_QUEUE_CORE_HEAP_H
#define LEAT_QUEUE_CORE_HEAP_H

#include "queue/core/core.h"

struct due {
    int64_t ms;
    uint32_t item;
};

struct heap {
    struct due *at;
    uint32_t cap, count;
    uint32_t *(*place)(struct core *c, uint32_t item); /* where an item keeps its place; CORE_NONE: it is in none */
};

int heap_set(struct core *c, struct heap *h, uint32_t item,
             int64_t ms);                                       /* 0; -1: no memory (only when it was not in the heap) */
void heap_clear(struct core *c, struct heap *h, uint32_t item); /* if it is in it */
static inline int64_t heap_first(const struct heap *h) { return h->count > 0 ? h->at[0].ms : INT64_MAX; }

#endif
