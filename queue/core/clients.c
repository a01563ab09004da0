/* clients.c - the tables of what clients need, and their part of every step. */
#include "queue/core/state.h"

static uint32_t *wait_place(struct core *c, uint32_t r) { return &c->clients.receives[r].due_at; }

static uint64_t receive_hash(const struct core *c, uint32_t r)
{
    return core_mix(c->clients.receives[r].tag + core_mix(c->clients.receives[r].client));
}

static uint64_t attempt_hash(const struct core *c, uint32_t a)
{
    uint64_t half;
    memcpy(&half, c->clients.attempts[a].key, sizeof half);
    return core_mix(half);
}

static uint64_t group_hash(const struct core *c, uint32_t g)
{
    return core_mix(c->clients.groups[g].hash + c->clients.groups[g].place);
}

static uint64_t tenant_hash(const struct core *c, uint32_t t)
{
    return core_mix(c->clients.tenants[t].hash + c->clients.tenants[t].queue);
}

static uint64_t source_hash(const struct core *c, uint32_t s) { return core_text_hash(slice_text(c->clients.sources[s].name)); }

int clients_init(struct core *c)
{
    struct clients *k = &c->clients;
    k->receipt_free = k->receive_free = k->attempt_free = k->group_free = k->tenant_free = CORE_NONE;
    k->attempt_oldest = k->attempt_newest = CORE_NONE;
    k->idle = LIST_EMPTY;
    k->waits.place = wait_place;
    k->receive_index.hash = receive_hash;
    k->attempt_index.hash = attempt_hash;
    k->group_index.hash = group_hash;
    k->tenant_index.hash = tenant_hash;
    k->source_index.hash = source_hash;
    return 0;
}

void clients_finish(struct core *c)
{
    struct clients *k = &c->clients;
    void *owned[] = {k->receipts,         k->receives,       k->attempts,        k->groups,
                     k->tenants,          k->sources,        k->waits.at,        k->receive_index.at,
                     k->attempt_index.at, k->group_index.at, k->tenant_index.at, k->source_index.at};
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++)
        if (owned[i])
            core_resize(c, owned[i], 0, 0);
}

void clients_run(struct core *c)
{
    tasks_run(c);
    redelay_run(c);
    receives_due(c);
    queues_serve(c);
    doom_clear(c);
}

/* -- What else must know that a message changes its state ---------------------------------------------------------------------------- */
void queue_wake(struct core *c, struct queue *q)
{
    if (q->receives.count == 0 || q->to_serve || q->doomed)
        return;
    q->to_serve = true;
    c->queues.to_serve.at[c->queues.to_serve.count++] = q->place;
}

void client_message_enters(struct core *c, uint32_t slot)
{
    const struct message *m = message_at(c, slot);
    const struct queue *q = message_queue(c, m);
    if (q->attributes.kind != CORE_STANDARD || m->group == 0)
        return;
    if (m->state == CORE_READY && !q->doomed)
        fair_ready(c, slot);
    if (m->state == CORE_LEASED)
        fair_leased(c, slot, true);
}

void client_message_entered(struct core *c, uint32_t slot)
{
    const struct message *m = message_at(c, slot);
    struct queue *q = message_queue(c, m);
    if (m->flags & FLAG_ASIDE)
        fair_aside(c, slot, true);
    if (q->attributes.kind == CORE_FIFO)
        fifo_changed(c, slot);
    if (m->state == CORE_READY)
        queue_wake(c, q);
}

/* One that leaves what is in flight may make room for another. */
void client_message_leaves(struct core *c, uint32_t slot)
{
    struct message *m = message_at(c, slot);
    struct queue *q = message_queue(c, m);
    if (m->flags & FLAG_ASIDE) {
        fair_aside(c, slot, false);
        m->flags &= (uint8_t)~FLAG_ASIDE;
    }
    if (m->state != CORE_LEASED)
        return;
    if (q->attributes.kind == CORE_STANDARD && m->group != 0)
        fair_leased(c, slot, false);
    queue_wake(c, q);
}
