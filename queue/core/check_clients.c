/* check_clients.c - the invariants of what clients need: receipts, groups of FIFO queues, tenants, receives. For tests. */
#include "queue/core/state.h"

static uint64_t check_tenants(const struct core *c, const struct list *l, const struct queue *q, enum tenant_list list)
{
    uint64_t messages = 0;
    uint32_t before = CORE_NONE, count = 0;
    for (uint32_t i = l->head; i != CORE_NONE; before = i, i = c->clients.tenants[i].next, count++) {
        const struct tenant *t = &c->clients.tenants[i];
        uint64_t aside = 0;
        assert(t->prev == before && t->list == list && t->queue == q->number && t->aside_count > 0);
        for (uint32_t p = 0; p < LIMIT_PRIORITIES; p++)
            aside += check_list(c, &t->aside[p], CORE_READY, q);
        assert(aside == t->aside_count);
        messages += aside;
    }
    assert(l->tail == before && l->count == count);
    return messages;
}

static void check_line(const struct core *c, const struct queue *q)
{
    uint32_t before = CORE_NONE, count = 0;
    for (uint32_t g = q->line.head; g != CORE_NONE; before = g, g = c->clients.groups[g].next, count++) {
        assert(c->clients.groups[g].in_line && c->clients.groups[g].prev == before && c->clients.groups[g].place == q->place);
        assert(message_at(c, c->clients.groups[g].head)->state == CORE_READY);
    }
    assert(q->line.tail == before && q->line.count == count);
}

static void check_receives(const struct core *c, const struct queue *q)
{
    uint32_t before = CORE_NONE, count = 0;
    for (uint32_t r = q->receives.head; r != CORE_NONE; before = r, r = c->clients.receives[r].next, count++) {
        const struct receive *k = &c->clients.receives[r];
        assert(k->used && !k->committing && k->prev == before && k->place == q->place);
        assert(k->due_at < c->clients.waits.count && c->clients.waits.at[k->due_at].item == r);
    }
    assert(q->receives.tail == before && q->receives.count == count);
}

uint64_t check_clients_of(const struct core *c, const struct queue *q)
{
    uint64_t aside = check_tenants(c, &q->fair.noisy, q, TENANT_NOISY) + check_tenants(c, &q->fair.full, q, TENANT_FULL);
    for (uint32_t p = 0; p < LIMIT_PRIORITIES; p++)
        aside += check_tenants(c, &q->fair.waiting[p], q, TENANT_WAITING);
    check_line(c, q);
    check_receives(c, q);
    return aside;
}

/* Of a FIFO queue: in its chain, in the order of numbers. */
static void check_chain(const struct core *c, const struct message *m, uint32_t slot)
{
    if (m->group_link != CORE_NONE) {
        const struct message *older = message_at(c, m->group_link);
        assert(older->group_next == slot && older->seq < m->seq && older->group == m->group && older->queue == m->queue);
    }
    if (m->group_next != CORE_NONE)
        assert(message_at(c, m->group_next)->group_link == slot);
}

void check_client_message(const struct core *c, uint32_t slot)
{
    const struct message *m = message_at(c, slot);
    const struct receipt *r = receipt_of(c, m);
    const struct queue *q = message_queue(c, m);
    if (q->attributes.kind == CORE_JOBS)
        return;
    assert(!r || r->first_ms == 0 || (r->count > 0 && seqs_find(c, m->seq) == slot));
    assert(!(m->flags & FLAG_ASIDE) || (q->attributes.kind == CORE_STANDARD && m->state == CORE_READY && m->group != 0));
    assert(m->state != CORE_LEASED || (r && r->received_ms > 0));
    if (q->attributes.kind == CORE_FIFO)
        check_chain(c, m, slot);
}

static void check_groups(const struct core *c)
{
    const struct index *x = &c->clients.group_index;
    uint32_t count = 0;
    for (uint32_t i = 0; i < x->cap; i++) {
        if (x->at[i] == CORE_NONE)
            continue;
        const struct group *g = &c->clients.groups[x->at[i]];
        const struct message *head = message_at(c, g->head);
        assert(head->group_link == CORE_NONE && head->group == g->hash && head->queue == g->place);
        assert(message_at(c, g->tail)->group_next == CORE_NONE);
        assert(g->in_line == (head->state == CORE_READY));
        count++;
    }
    assert(count == x->count);
}

void check_clients(const struct core *c)
{
    uint32_t used = 0;
    for (uint32_t r = 0; r < c->clients.receive_used; r++)
        used += c->clients.receives[r].used;
    assert(used == c->clients.receive_count && used == c->clients.receive_index.count);
    check_groups(c);
    /* Who waits is served: nothing that could be given stays where somebody waits for it. */
    for (uint32_t i = 0; i < c->queues.count; i++) {
        const struct queue *q = c->queues.at[c->queues.by_name[i]];
        bool gives = q->attributes.kind == CORE_FIFO ? q->line.count > 0 : q->count[CORE_READY] > 0;
        bool held = q->attributes.paused || q->to_serve || q->fair.full.count > 0 || q->attributes.kind == CORE_JOBS;
        uint64_t most = q->attributes.max_inflight > 0 ? q->attributes.max_inflight : LIMIT_INFLIGHT;
        assert(!gives || held || q->receives.count == 0 || q->count[CORE_LEASED] >= most);
    }
}
