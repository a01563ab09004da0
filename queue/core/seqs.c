/* seqs.c - slots by sequence number: open addressing with linear probing. Holds the leased messages, and all of them during recovery. */
#include "queue/core/state.h"

static uint32_t home(const struct core *c, uint64_t seq) { return (uint32_t)core_mix(seq) & (c->seq_cap - 1); }
static uint32_t after(const struct core *c, uint32_t i) { return (i + 1) & (c->seq_cap - 1); }

static void place(struct core *c, uint32_t slot)
{
    uint32_t i = home(c, message_at(c, slot)->seq);
    while (c->seqs[i] != CORE_NONE)
        i = after(c, i);
    c->seqs[i] = slot;
}

static int grow(struct core *c)
{
    uint32_t cap = c->seq_cap ? c->seq_cap * 2 : 1024, old_cap = c->seq_cap;
    uint32_t *old = c->seqs, *seqs = core_buckets(c, cap);
    if (!seqs)
        return -1;
    c->seqs = seqs;
    c->seq_cap = cap;
    for (uint32_t i = 0; i < old_cap; i++)
        if (old[i] != CORE_NONE)
            place(c, old[i]);
    if (old)
        core_resize(c, old, old_cap * sizeof *old, 0);
    return 0;
}

int seqs_add(struct core *c, uint32_t slot)
{
    if (c->seq_count >= c->seq_cap / 2 && grow(c) != 0)
        return -1;
    place(c, slot);
    c->seq_count++;
    return 0;
}

static uint32_t find(const struct core *c, uint64_t seq)
{
    if (c->seq_cap == 0)
        return CORE_NONE;
    uint32_t i = home(c, seq);
    while (c->seqs[i] != CORE_NONE && message_at(c, c->seqs[i])->seq != seq)
        i = after(c, i);
    return c->seqs[i] == CORE_NONE ? CORE_NONE : i;
}

uint32_t seqs_find(const struct core *c, uint64_t seq)
{
    uint32_t i = find(c, seq);
    return i == CORE_NONE ? CORE_NONE : c->seqs[i];
}

/* Backward shift, so that no probe sequence has a hole. */
void seqs_remove(struct core *c, uint32_t slot)
{
    uint32_t hole = find(c, message_at(c, slot)->seq);
    assert(hole != CORE_NONE);
    for (uint32_t i = after(c, hole); c->seqs[i] != CORE_NONE; i = after(c, i)) {
        uint32_t distance = (i - home(c, message_at(c, c->seqs[i])->seq)) & (c->seq_cap - 1);
        if (distance >= ((i - hole) & (c->seq_cap - 1))) {
            c->seqs[hole] = c->seqs[i];
            hole = i;
        }
    }
    c->seqs[hole] = CORE_NONE;
    c->seq_count--;
}

void seqs_clear(struct core *c)
{
    if (c->seqs)
        core_resize(c, c->seqs, c->seq_cap * sizeof *c->seqs, 0);
    c->seqs = NULL;
    c->seq_cap = c->seq_count = 0;
}
