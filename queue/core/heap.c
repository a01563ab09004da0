/* heap.c - see heap.h. */
#include "queue/core/state.h"

static void put(struct core *c, struct heap *h, uint32_t at, struct due due)
{
    h->at[at] = due;
    *h->place(c, due.item) = at;
}

static void sift_up(struct core *c, struct heap *h, uint32_t at)
{
    struct due due = h->at[at];
    while (at > 0 && h->at[(at - 1) / 2].ms > due.ms) {
        put(c, h, at, h->at[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    put(c, h, at, due);
}

static void sift_down(struct core *c, struct heap *h, uint32_t at)
{
    struct due due = h->at[at];
    for (uint32_t child; (child = 2 * at + 1) < h->count; at = child) {
        if (child + 1 < h->count && h->at[child + 1].ms < h->at[child].ms)
            child++;
        if (h->at[child].ms >= due.ms)
            break;
        put(c, h, at, h->at[child]);
    }
    put(c, h, at, due);
}

int heap_set(struct core *c, struct heap *h, uint32_t item, int64_t ms)
{
    uint32_t at = *h->place(c, item);
    if (at == CORE_NONE) {
        if (h->count == h->cap && core_grow(c, (void **)&h->at, &h->cap, CORE_NONE, sizeof *h->at) != 0)
            return -1;
        at = h->count++;
    }
    put(c, h, at, (struct due){ms, item});
    sift_up(c, h, at);
    sift_down(c, h, *h->place(c, item));
    return 0;
}

void heap_clear(struct core *c, struct heap *h, uint32_t item)
{
    uint32_t at = *h->place(c, item);
    if (at == CORE_NONE)
        return;
    assert(at < h->count && h->at[at].item == item);
    struct due last = h->at[--h->count];
    *h->place(c, item) = CORE_NONE;
    if (last.item == item)
        return;
    put(c, h, at, last);
    sift_up(c, h, at);
    sift_down(c, h, *h->place(c, last.item));
}
