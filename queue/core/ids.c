/* ids.c - index of live messages by id: buckets of chains through the records, doubled while the load is over two. */
#include "queue/core/state.h"

static uint32_t bucket_of(const struct id *id, uint32_t buckets)
{
    uint64_t half[2];
    memcpy(half, id->bytes, sizeof half);
    return (uint32_t)core_mix(half[0] ^ half[1]) & (buckets - 1);
}

/* Without memory the chains just grow longer. */
static void rehash(struct core *c)
{
    uint32_t count = c->id_bucket_count * 2;
    uint32_t *buckets = core_buckets(c, count);
    if (!buckets)
        return;
    for (uint32_t b = 0; b < c->id_bucket_count; b++)
        for (uint32_t slot = c->id_buckets[b], next; slot != CORE_NONE; slot = next) {
            struct message *m = message_at(c, slot);
            uint32_t to = bucket_of(&m->id, count);
            next = m->id_next;
            m->id_next = buckets[to];
            buckets[to] = slot;
        }
    core_resize(c, c->id_buckets, c->id_bucket_count * sizeof *buckets, 0);
    c->id_buckets = buckets;
    c->id_bucket_count = count;
}

void ids_add(struct core *c, uint32_t slot)
{
    if (c->message_count > 2u * c->id_bucket_count)
        rehash(c);
    struct message *m = message_at(c, slot);
    uint32_t b = bucket_of(&m->id, c->id_bucket_count);
    m->id_next = c->id_buckets[b];
    c->id_buckets[b] = slot;
}

void ids_remove(struct core *c, uint32_t slot)
{
    struct message *m = message_at(c, slot);
    uint32_t *link = &c->id_buckets[bucket_of(&m->id, c->id_bucket_count)];
    while (*link != slot) {
        assert(*link != CORE_NONE);
        link = &message_at(c, *link)->id_next;
    }
    *link = m->id_next;
}

uint32_t ids_find_live(const struct core *c, const struct id *id)
{
    uint32_t slot = ids_find(c, id);
    return slot == CORE_NONE || message_is_doomed(c, message_at(c, slot)) ? CORE_NONE : slot;
}

uint32_t ids_find(const struct core *c, const struct id *id)
{
    uint32_t slot = c->id_buckets[bucket_of(id, c->id_bucket_count)];
    while (slot != CORE_NONE && memcmp(message_at(c, slot)->id.bytes, id->bytes, ID_BYTES) != 0)
        slot = message_at(c, slot)->id_next;
    return slot;
}
