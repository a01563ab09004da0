/* deliver.c - who gets what.
 *
 * Suspects first: a message that was received before goes alone to a worker that holds nothing. While suspects wait, up to half of the
 * busy workers are reserved for them, that is, get nothing until they are idle. Then shares: each worker with credit gets at most
 * its part of what is ready, from its own slices of the key space first (so that two workers seldom meet on a page of the store), then
 * from anywhere. */
#include "queue/core/state.h"

static bool lease(struct core *c, uint32_t slot, uint32_t worker)
{
    struct message *m = message_at(c, slot);
    struct worker *w = &c->workers[worker];
    const struct core_queue_attributes *a = &message_queue(c, m)->attributes;
    if (seqs_add(c, slot) != 0)
        return false;
    if (due_set(c, slot, core_later(c->now_ms, a->visibility_ms)) != 0) {
        seqs_remove(c, slot);
        return false;
    }
    w->suspect = m->receive_count > 0;
    w->messages--;
    m->worker = (uint16_t)worker;
    message_move(c, slot, CORE_LEASED, false);
    if (m->receive_count < UINT16_MAX)
        m->receive_count++;
    struct core_effect *e = core_emit(c, CORE_EFFECT_DELIVER);
    e->worker = worker;
    e->slot = slot;
    e->seq = m->seq;
    e->lease = m->receive_count;
    e->id = m->id;
    e->group = m->group;
    e->location = m->location;
    e->body_len = m->body_len;
    return true;
}

/* The first of a list that has not outlived its retention; those that have are dealt with. */
static uint32_t first_of(struct core *c, struct list *l)
{
    while (l->head != CORE_NONE && message_expired(c, message_at(c, l->head))) {
        if (core_room(c) < 2 * END_ROOM) {
            c->more = true;
            return CORE_NONE;
        }
        message_expire(c, l->head);
    }
    return l->head;
}

static bool may_take(const struct worker *w) { return w->used && !w->leaving && w->messages > 0 && !w->suspect; }

static uint32_t eligible(const struct core *c)
{
    uint32_t count = 0;
    for (uint32_t n = 0; n < c->worker_count; n++) {
        const struct worker *w = &c->workers[c->active[n]];
        count += may_take(w) && !w->reserved;
    }
    return count;
}

/* The idle take them first; what is left waits for the busy ones, of which *free more may be reserved. */
static void give_suspects(struct core *c, struct queue *q, uint32_t *free)
{
    for (uint32_t n = 0; n < c->worker_count && q->alone.count > 0; n++) {
        const struct worker *w = &c->workers[c->active[n]];
        if (!may_take(w) || w->leases.count > 0)
            continue;
        uint32_t slot = first_of(c, &q->alone);
        if (core_room(c) < END_ROOM)
            c->more = true;
        else if (slot != CORE_NONE)
            lease(c, slot, c->active[n]);
    }
    uint32_t left = q->alone.count;
    for (uint32_t n = 0; n < c->worker_count && left > 0 && *free > 0; n++) {
        struct worker *w = &c->workers[c->active[n]];
        if (may_take(w) && !w->reserved && w->leases.count > 0) {
            w->reserved = true;
            left--, --*free;
        }
    }
}

static uint64_t ready_count(const struct core *c, const struct queue *q)
{
    uint64_t count = 0;
    for (uint32_t s = 0; s < c->config.slices; s++)
        count += q->ready[s].count;
    return count;
}

/* Up to share messages to one worker, from `slices` ready lists behind `from`. Returns how many. */
static uint32_t give(struct core *c, struct queue *q, uint32_t worker, uint32_t share, uint32_t from, uint32_t slices)
{
    uint32_t given = 0;
    for (uint32_t i = 0; i < slices && given < share; i++) {
        struct list *l = &q->ready[(from + i) % c->config.slices];
        uint32_t slot;
        while (given < share && (slot = first_of(c, l)) != CORE_NONE) {
            if (core_room(c) < END_ROOM) {
                c->more = true;
                return given;
            }
            if (!lease(c, slot, worker))
                return given;
            given++;
        }
    }
    return given;
}

static uint32_t share_of(const struct core *c, const struct worker *w, uint64_t ready, uint32_t workers)
{
    uint64_t share = (ready + workers - 1) / workers;
    if (share > c->config.batch_max)
        share = c->config.batch_max;
    return share < w->messages ? (uint32_t)share : w->messages;
}

/* Own slices in a first round over all workers, then the rest: stealing comes after everybody has had a look at his own. */
static void give_shares(struct core *c, struct queue *q)
{
    uint32_t workers = eligible(c), shares[WORKERS_MAX], slices = c->config.slices;
    uint64_t ready = ready_count(c, q);
    if (workers == 0 || ready == 0)
        return;
    for (int round = 0; round < 2; round++)
        for (uint32_t n = 0; n < c->worker_count; n++) {
            uint32_t rank = (c->worker_turn + n) % c->worker_count;
            const struct worker *w = &c->workers[c->active[rank]];
            if (round == 0)
                shares[rank] = may_take(w) && !w->reserved ? share_of(c, w, ready, workers) : 0;
            if (shares[rank] == 0)
                continue;
            uint32_t from = rank * slices / c->worker_count, to = (rank + 1) * slices / c->worker_count;
            shares[rank] -= give(c, q, c->active[rank], shares[rank], from, round == 0 ? to - from : slices);
        }
    c->worker_turn++;
}

void deliver(struct core *c)
{
    uint32_t free = (c->worker_count + 1) / 2;
    for (uint32_t n = 0; n < c->worker_count; n++)
        c->workers[c->active[n]].reserved = false;
    for (uint32_t i = 0; i < c->queues.jobs.count && c->worker_count > 0; i++) {
        struct queue *q = c->queues.at[c->queues.jobs.at[i]];
        if (q->attributes.paused || q->count[CORE_READY] == 0)
            continue;
        give_suspects(c, q, &free);
        give_shares(c, q);
    }
}
