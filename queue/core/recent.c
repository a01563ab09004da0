/* recent.c - the ids that ended last, in a ring with a hash index: a message that is sent again just after it ended is recognized. Older ones
 * are recognized by their recorded outcome. */
#include "queue/core/state.h"

#define PRINT_BITS 13 /* of the hash, beside a place: ids that differ are told apart without reading them */
#define PLACE(link) ((link) & (RECENT_IDS - 1))

static_assert(RECENT_IDS <= 1u << (31 - PRINT_BITS), "place and print leave a bit, so that no link is CORE_NONE");

static uint64_t hash_of(const struct id *id)
{
    uint64_t half[2];
    memcpy(half, id->bytes, sizeof half);
    return core_mix(half[0] ^ half[1]);
}

static uint32_t bucket_of(uint64_t hash) { return (uint32_t)hash & (RECENT_BUCKETS - 1); }
static uint32_t link_of(uint64_t hash, uint32_t place) { return (uint32_t)(hash >> (64 - PRINT_BITS)) * RECENT_IDS | place; }

static bool find(const struct core *c, const struct id *id, uint64_t hash)
{
    uint32_t print = link_of(hash, 0), link = c->recent_buckets[bucket_of(hash)];
    while (link != CORE_NONE && (link - PLACE(link) != print || memcmp(c->recent[PLACE(link)].bytes, id->bytes, ID_BYTES) != 0))
        link = c->recent_next[PLACE(link)];
    return link != CORE_NONE;
}

static void forget(struct core *c, uint32_t at)
{
    uint32_t *link = &c->recent_buckets[bucket_of(hash_of(&c->recent[at]))];
    while (PLACE(*link) != at) {
        assert(*link != CORE_NONE);
        link = &c->recent_next[PLACE(*link)];
    }
    *link = c->recent_next[at];
}

void recent_add(struct core *c, const struct id *id)
{
    uint32_t at = c->recent_at;
    uint64_t hash = hash_of(id);
    if (find(c, id, hash))
        return;
    if (c->recent_count == RECENT_IDS)
        forget(c, at);
    else
        c->recent_count++;
    uint32_t *bucket = &c->recent_buckets[bucket_of(hash)];
    c->recent[at] = *id;
    c->recent_next[at] = *bucket;
    *bucket = link_of(hash, at);
    c->recent_at = (at + 1) % RECENT_IDS;
}

bool recent_has(const struct core *c, const struct id *id) { return find(c, id, hash_of(id)); }
