/* seqs.c - slots by sequence number: jobs that are leased, messages that a client has received, and all of them during recovery. */
#include "queue/core/state.h"

uint64_t seqs_hash(const struct core *c, uint32_t slot) { return core_mix(message_at(c, slot)->seq); }

int seqs_add(struct core *c, uint32_t slot) { return index_add(c, &c->seqs, slot); }

void seqs_remove(struct core *c, uint32_t slot) { index_remove(c, &c->seqs, slot); }

uint32_t seqs_find(const struct core *c, uint64_t seq)
{
    uint32_t slot;
    for (struct index_walk w = index_walk(&c->seqs, core_mix(seq)); (slot = index_next(&w)) != CORE_NONE;)
        if (message_at(c, slot)->seq == seq)
            return slot;
    return CORE_NONE;
}

void seqs_clear(struct core *c)
{
    if (c->seqs.at)
        core_resize(c, c->seqs.at, c->seqs.cap * sizeof *c->seqs.at, 0);
    c->seqs.at = NULL;
    c->seqs.cap = c->seqs.count = 0;
}
