/* recent.c - the ids that ended last, in a ring with a hash index: a message that is sent again just after it ended is recognized. Older ones
 * are recognized by their recorded outcome. */
#include "queue/core/state.h"

#define BUCKETS (RECENT_IDS / 2)

static uint32_t bucket_of(const struct id *id)
{
    uint64_t half[2];
    memcpy(half, id->bytes, sizeof half);
    return (uint32_t)core_mix(half[0] ^ half[1]) & (BUCKETS - 1);
}

static uint32_t find(const struct core *c, const struct id *id)
{
    uint32_t i = c->recent_buckets[bucket_of(id)];
    while (i != CORE_NONE && memcmp(c->recent[i].bytes, id->bytes, ID_BYTES) != 0)
        i = c->recent_next[i];
    return i;
}

static void forget(struct core *c, uint32_t at)
{
    uint32_t *link = &c->recent_buckets[bucket_of(&c->recent[at])];
    while (*link != at) {
        assert(*link != CORE_NONE);
        link = &c->recent_next[*link];
    }
    *link = c->recent_next[at];
}

void recent_add(struct core *c, const struct id *id)
{
    uint32_t at = c->recent_at;
    if (find(c, id) != CORE_NONE)
        return;
    if (c->recent_count == RECENT_IDS)
        forget(c, at);
    else
        c->recent_count++;
    uint32_t b = bucket_of(id);
    c->recent[at] = *id;
    c->recent_next[at] = c->recent_buckets[b];
    c->recent_buckets[b] = at;
    c->recent_at = (at + 1) % RECENT_IDS;
}

bool recent_has(const struct core *c, const struct id *id) { return find(c, id) != CORE_NONE; }
