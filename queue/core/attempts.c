/* attempts.c - receives of FIFO queues that can be repeated for five minutes: which messages they were given, and under which leases.
 *
 * A message's receipt names its attempt, but attempts are forgotten, and their places used again: what counts is that the attempt knows the
 * message under its present lease. */
#include "queue/core/state.h"

static struct attempt *at(const struct core *c, uint32_t a) { return &c->clients.attempts[a]; }

static uint32_t find(const struct core *c, const unsigned char key[16])
{
    uint64_t half;
    uint32_t a;
    memcpy(&half, key, sizeof half);
    for (struct index_walk w = index_walk(&c->clients.attempt_index, core_mix(half)); (a = index_next(&w)) != CORE_NONE;)
        if (memcmp(at(c, a)->key, key, sizeof at(c, a)->key) == 0)
            return a;
    return CORE_NONE;
}

static void drop(struct core *c, uint32_t a)
{
    struct clients *k = &c->clients;
    struct attempt *t = at(c, a);
    index_remove(c, &k->attempt_index, a);
    if (t->older != CORE_NONE)
        at(c, t->older)->newer = t->newer;
    else
        k->attempt_oldest = t->newer;
    if (t->newer != CORE_NONE)
        at(c, t->newer)->older = t->older;
    else
        k->attempt_newest = t->older;
    t->used = false;
    t->count = 0;
    t->older = k->attempt_free;
    k->attempt_free = a;
}

static uint32_t free_entry(struct core *c)
{
    struct clients *k = &c->clients;
    while (k->attempt_oldest != CORE_NONE && at(c, k->attempt_oldest)->expires_ms <= c->now_ms)
        drop(c, k->attempt_oldest);
    if (k->attempt_free == CORE_NONE && k->attempt_used == k->attempt_cap &&
        core_grow(c, (void **)&k->attempts, &k->attempt_cap, ATTEMPTS_MAX, sizeof *k->attempts) != 0) {
        if (k->attempt_oldest == CORE_NONE)
            return CORE_NONE;
        drop(c, k->attempt_oldest); /* before its time: there are too many */
    }
    uint32_t a = k->attempt_free;
    if (a == CORE_NONE)
        return k->attempt_used++;
    k->attempt_free = at(c, a)->older;
    return a;
}

static uint32_t make(struct core *c, const unsigned char key[16], int64_t expires_ms)
{
    struct clients *k = &c->clients;
    uint32_t a = free_entry(c);
    if (a == CORE_NONE)
        return CORE_NONE;
    *at(c, a) = (struct attempt){.used = true, .expires_ms = expires_ms, .older = k->attempt_newest, .newer = CORE_NONE};
    memcpy(at(c, a)->key, key, sizeof at(c, a)->key);
    if (index_add(c, &k->attempt_index, a) != 0) {
        at(c, a)->used = false;
        at(c, a)->older = k->attempt_free;
        k->attempt_free = a;
        return CORE_NONE;
    }
    if (k->attempt_newest != CORE_NONE)
        at(c, k->attempt_newest)->newer = a;
    else
        k->attempt_oldest = a;
    k->attempt_newest = a;
    return a;
}

static bool knows(const struct attempt *a, uint32_t slot, uint64_t seq, uint32_t lease)
{
    for (uint32_t i = 0; a->used && i < a->count; i++)
        if (a->given[i].slot == slot && a->given[i].seq == seq && a->given[i].lease == lease)
            return true;
    return false;
}

/* Messages of one receive come one after the other, at one time. */
void attempt_note(struct core *c, const unsigned char key[16], uint32_t slot, int64_t received_ms)
{
    const struct message *m = message_at(c, slot);
    struct receipt *r = receipt_of(c, m);
    int64_t expires_ms = core_later(received_ms, LIMIT_DEDUPLICATION_MS);
    uint32_t a = find(c, key);
    if (a != CORE_NONE && (at(c, a)->expires_ms != expires_ms || at(c, a)->count == LIMIT_RECEIVE_MESSAGES)) {
        drop(c, a);
        a = CORE_NONE;
    }
    if (a == CORE_NONE)
        a = make(c, key, expires_ms);
    if (a == CORE_NONE)
        return; /* without memory it cannot be repeated */
    at(c, a)->given[at(c, a)->count++] = (struct given){slot, r->count, m->seq, false};
    r->attempt = a;
}

static uint32_t attempt_of(const struct core *c, const struct message *m)
{
    const struct receipt *r = receipt_of(c, m);
    bool known =
        r && r->attempt < c->clients.attempt_used && knows(at(c, r->attempt), (uint32_t)(m - c->messages), m->seq, r->count);
    return known ? r->attempt : CORE_NONE;
}

void attempt_spoil(struct core *c, const struct message *m)
{
    uint32_t a = attempt_of(c, m);
    if (a != CORE_NONE)
        at(c, a)->spoilt = true;
}

bool attempt_key(const struct core *c, const struct message *m, unsigned char key[16])
{
    uint32_t a = m->state == CORE_LEASED ? attempt_of(c, m) : CORE_NONE;
    if (a == CORE_NONE || at(c, a)->spoilt)
        return false;
    memcpy(key, at(c, a)->key, 16);
    return true;
}

uint32_t attempt_find(struct core *c, const unsigned char key[16])
{
    uint32_t a = find(c, key);
    if (a == CORE_NONE)
        return CORE_NONE;
    const struct attempt *t = at(c, a);
    bool whole = !t->spoilt && t->expires_ms > c->now_ms && t->count > 0;
    for (uint32_t i = 0; whole && i < t->count; i++) {
        const struct given *g = &t->given[i];
        const struct message *m = g->slot < c->message_used ? &c->messages[g->slot] : NULL;
        whole = m && m->flags & FLAG_USED && m->seq == g->seq && !message_is_doomed(c, m) && message_is_given(c, m, g->lease);
    }
    if (whole)
        return a;
    drop(c, a);
    return CORE_NONE;
}
