/* index.c - see index.h. */
#include "queue/core/state.h"

#define FIRST_CAP 64u

static uint32_t home(const struct core *c, const struct index *x, uint32_t item)
{
    return (uint32_t)x->hash(c, item) & (x->cap - 1);
}

static void place(const struct core *c, struct index *x, uint32_t item)
{
    uint32_t i = home(c, x, item);
    while (x->at[i] != CORE_NONE)
        i = (i + 1) & (x->cap - 1);
    x->at[i] = item;
}

static int grow(struct core *c, struct index *x)
{
    struct index grown = *x;
    grown.cap = x->cap ? x->cap * 2 : FIRST_CAP;
    grown.at = core_buckets(c, grown.cap);
    if (!grown.at)
        return -1;
    for (uint32_t i = 0; i < x->cap; i++)
        if (x->at[i] != CORE_NONE)
            place(c, &grown, x->at[i]);
    if (x->at)
        core_resize(c, x->at, x->cap * sizeof *x->at, 0);
    *x = grown;
    return 0;
}

int index_reserve(struct core *c, struct index *x) { return x->count >= x->cap / 2 ? grow(c, x) : 0; }

int index_add(struct core *c, struct index *x, uint32_t item)
{
    if (index_reserve(c, x) != 0)
        return -1;
    place(c, x, item);
    x->count++;
    return 0;
}

/* Backward shift, so that no probe sequence has a hole. */
void index_remove(struct core *c, struct index *x, uint32_t item)
{
    uint32_t mask = x->cap - 1, hole = home(c, x, item);
    while (x->at[hole] != item) {
        assert(x->at[hole] != CORE_NONE);
        hole = (hole + 1) & mask;
    }
    for (uint32_t i = (hole + 1) & mask; x->at[i] != CORE_NONE; i = (i + 1) & mask)
        if (((i - home(c, x, x->at[i])) & mask) >= ((i - hole) & mask)) {
            x->at[hole] = x->at[i];
            hole = i;
        }
    x->at[hole] = CORE_NONE;
    x->count--;
}
