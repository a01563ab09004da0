/* lows.c - the lowest sequence number still alive, as a safe lower bound: live messages are counted by blocks of numbers, and the bound is the
 * first number of the first block that has any. One old dead letter holds it back, and costs four bytes a block, no more. */
#include "queue/core/state.h"

#define BLOCK_BITS 12

static int append_block(struct core *c)
{
    if (c->low_count == c->low_cap && core_grow(c, (void **)&c->lows, &c->low_cap, CORE_NONE, sizeof *c->lows) != 0)
        return -1;
    c->lows[c->low_count++] = 0;
    return 0;
}

/* A copy of an old message, met late in recovery, may lie before everything seen so far. */
static int extend_down(struct core *c, uint64_t block)
{
    uint64_t missing = c->low_base - block;
    uint32_t count = c->low_count;
    for (uint64_t i = 0; i < missing; i++)
        if (append_block(c) != 0) {
            c->low_count = count;
            return -1;
        }
    memmove(c->lows + missing, c->lows, count * sizeof *c->lows);
    memset(c->lows, 0, missing * sizeof *c->lows);
    c->low_base = block;
    return 0;
}

int lows_add(struct core *c, uint64_t seq)
{
    uint64_t block = seq >> BLOCK_BITS;
    if (c->low_count == 0)
        c->low_base = block;
    if (block < c->low_base && extend_down(c, block) != 0)
        return -1;
    while (block - c->low_base >= c->low_count)
        if (append_block(c) != 0)
            return -1;
    c->lows[block - c->low_base]++;
    return 0;
}

/* The first block is never empty: the empty ones before the next live message go with it. */
void lows_remove(struct core *c, uint64_t seq)
{
    uint64_t block = seq >> BLOCK_BITS;
    assert(block - c->low_base < c->low_count && c->lows[block - c->low_base] > 0);
    if (--c->lows[block - c->low_base] > 0 || block != c->low_base)
        return;
    uint32_t empty = 0;
    while (empty < c->low_count && c->lows[empty] == 0)
        empty++;
    c->low_count -= empty;
    c->low_base += empty;
    memmove(c->lows, c->lows + empty, c->low_count * sizeof *c->lows);
}

uint64_t lows_first(const struct core *c) { return c->low_count == 0 ? c->number + 1 : c->low_base << BLOCK_BITS; }
