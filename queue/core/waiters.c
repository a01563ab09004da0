/* waiters.c - who wants to know the end of a message: (slot, client) pairs, hashed by slot. A message without any costs one flag. */
#include "queue/core/state.h"

static uint32_t bucket_of(uint32_t slot, uint32_t buckets) { return (uint32_t)core_mix(slot) & (buckets - 1); }

static void rehash(struct core *c)
{
    uint32_t count = c->waiter_bucket_count * 2;
    uint32_t *buckets = core_buckets(c, count);
    if (!buckets)
        return;
    for (uint32_t b = 0; b < c->waiter_bucket_count; b++)
        for (uint32_t w = c->waiter_buckets[b], next; w != CORE_NONE; w = next) {
            uint32_t to = bucket_of(c->waiters[w].slot, count);
            next = c->waiters[w].chain;
            c->waiters[w].chain = buckets[to];
            buckets[to] = w;
        }
    core_resize(c, c->waiter_buckets, c->waiter_bucket_count * sizeof *buckets, 0);
    c->waiter_buckets = buckets;
    c->waiter_bucket_count = count;
}

void waiters_add(struct core *c, uint32_t slot, uint32_t client)
{
    uint32_t present = 0;
    for (uint32_t w = c->waiter_buckets[bucket_of(slot, c->waiter_bucket_count)]; w != CORE_NONE; w = c->waiters[w].chain)
        if (c->waiters[w].slot == slot && (c->waiters[w].client == client || ++present == WAITERS_MAX))
            return;
    uint32_t w = c->waiter_free;
    if (w != CORE_NONE)
        c->waiter_free = c->waiters[w].chain;
    else if (c->waiter_used < c->waiter_cap ||
             core_grow(c, (void **)&c->waiters, &c->waiter_cap, CORE_NONE, sizeof *c->waiters) == 0)
        w = c->waiter_used++;
    else
        return;
    if (++c->waiter_count > c->waiter_bucket_count)
        rehash(c);
    uint32_t b = bucket_of(slot, c->waiter_bucket_count);
    c->waiters[w] = (struct waiter){slot, client, c->waiter_buckets[b]};
    c->waiter_buckets[b] = w;
    message_at(c, slot)->flags |= FLAG_WAITED;
}

static void take_out(struct core *c, uint32_t *link)
{
    uint32_t w = *link;
    *link = c->waiters[w].chain;
    c->waiters[w].chain = c->waiter_free;
    c->waiter_free = w;
    c->waiter_count--;
}

/* The client of one waiter of the message, who then waits no more; CORE_NONE when there is none left. */
static uint32_t take_one(struct core *c, uint32_t slot)
{
    struct message *m = message_at(c, slot);
    if (!(m->flags & FLAG_WAITED))
        return CORE_NONE;
    for (uint32_t *link = &c->waiter_buckets[bucket_of(slot, c->waiter_bucket_count)]; *link != CORE_NONE;
         link = &c->waiters[*link].chain)
        if (c->waiters[*link].slot == slot) {
            uint32_t client = c->waiters[*link].client;
            take_out(c, link);
            return client;
        }
    m->flags &= (uint8_t)~FLAG_WAITED;
    return CORE_NONE;
}

void waiters_result(struct core *c, uint32_t slot, struct slice outcome)
{
    for (uint32_t client; (client = take_one(c, slot)) != CORE_NONE;) {
        struct core_effect *e = core_emit(c, CORE_EFFECT_RESULT);
        e->client = client;
        e->id = message_at(c, slot)->id;
        e->body = outcome;
    }
}

/* Unlike a result, which the store has recorded, this end is true only when its record is on disk. Without memory to wait for that
 * it is told at once: better early than never. */
void waiters_dead(struct core *c, uint32_t slot, const char *reason)
{
    for (uint32_t client; (client = take_one(c, slot)) != CORE_NONE;) {
        struct pending p = {.number = c->number,
                            .client = client,
                            .slot = CORE_NONE,
                            .kind = PENDING_DEAD,
                            .id = message_at(c, slot)->id,
                            .reason = reason};
        if (pending_reserve(c, 1) == 0) {
            pending_add(c, &p);
            continue;
        }
        struct core_effect *e = core_emit(c, CORE_EFFECT_DEAD);
        e->client = client;
        e->id = p.id;
        e->reason = reason;
    }
}

/* A message whose waiters all left keeps its flag: the next look finds nobody. */
void waiters_forget(struct core *c, uint32_t client)
{
    for (uint32_t b = 0; c->waiter_count > 0 && b < c->waiter_bucket_count; b++)
        for (uint32_t *link = &c->waiter_buckets[b]; *link != CORE_NONE;) {
            if (c->waiters[*link].client == client)
                take_out(c, link);
            else
                link = &c->waiters[*link].chain;
        }
}
