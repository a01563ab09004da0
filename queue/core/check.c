/* check.c - every invariant of the structure, for tests: lists and counts, indexes, heaps, groups. What clients need: check_clients.c. */
#include "queue/core/state.h"

uint64_t check_list(const struct core *c, const struct list *l, enum core_state state, const struct queue *q)
{
    uint32_t before = CORE_NONE, count = 0;
    for (uint32_t slot = l->head; slot != CORE_NONE; before = slot, slot = message_at(c, slot)->next, count++) {
        const struct message *m = message_at(c, slot);
        assert(m->flags & FLAG_USED);
        assert(m->prev == before);
        assert(m->state == state);
        assert(!q || message_queue(c, m) == q);
    }
    assert(l->tail == before && l->count == count);
    return count;
}

static uint64_t check_queue(const struct core *c, const struct queue *q)
{
    uint64_t ready = check_list(c, &q->alone, CORE_READY, q) + check_clients_of(c, q);
    for (uint32_t i = 0; i < q->ready_count; i++)
        ready += check_list(c, &q->ready[i], CORE_READY, q);
    uint64_t leased = check_list(c, &q->leased, CORE_LEASED, q);
    assert(ready == q->count[CORE_READY]);
    assert(q->attributes.kind == CORE_JOBS || leased == q->count[CORE_LEASED]);
    assert(check_list(c, &q->delayed, CORE_DELAYED, q) == q->count[CORE_DELAYED]);
    assert(check_list(c, &q->blocked, CORE_BLOCKED, q) == q->count[CORE_BLOCKED]);
    assert(q->attributes.kind == CORE_JOBS || (q->alone.count == 0 && q->blocked.count == 0));
    return ready + leased + q->count[CORE_DELAYED] + q->count[CORE_BLOCKED];
}

static void check_group(const struct core *c, const struct message *m, uint32_t slot)
{
    bool head = m->flags & FLAG_HEAD;
    if (!group_ordered(c, m)) {
        assert(!head && m->state != CORE_BLOCKED);
        return;
    }
    assert(head || m->state == CORE_BLOCKED || m->state == CORE_COMMITTING);
    assert(!head || (m->state == CORE_BLOCKED) <= (bool)(m->flags & FLAG_HELD)); /* blocked only while it is held */
    assert(!(m->flags & FLAG_HELD) || m->state == CORE_BLOCKED || m->state == CORE_COMMITTING);
    if (m->group_next != CORE_NONE) {
        const struct message *next = message_at(c, m->group_next);
        assert(next->group == m->group && next->queue == m->queue && !(next->flags & FLAG_HEAD));
        assert(next->group_link == slot);
    }
    if (head)
        assert(message_at(c, m->group_link)->group_next == CORE_NONE);
    else
        assert(message_at(c, m->group_link)->group_next == slot);
}

static void check_message(const struct core *c, uint32_t slot)
{
    const struct message *m = message_at(c, slot);
    const struct queue *q = message_queue(c, m);
    bool jobs = q->attributes.kind == CORE_JOBS;
    assert(ids_find(c, &m->id) == slot);
    assert(m->due_at == CORE_NONE || (m->due_at < c->dues.count && c->dues.at[m->due_at].item == slot));
    assert(m->state != CORE_DELAYED || m->due_at != CORE_NONE || q->doomed);
    assert(m->state != CORE_READY || m->due_at == CORE_NONE || q->doomed);
    if (m->state == CORE_LEASED) {
        assert(m->receive_count > 0 && (m->due_at != CORE_NONE || q->doomed) && seqs_find(c, m->seq) == slot);
        assert(!jobs || c->workers[m->worker].used);
    }
    check_group(c, m, slot);
    check_client_message(c, slot);
    assert(lows_first(c) <= m->seq);
}

static uint64_t check_workers(const struct core *c)
{
    uint64_t leases = 0, count = 0;
    for (uint32_t i = 0; i < WORKERS_MAX; i++) {
        const struct worker *w = &c->workers[i];
        if (!w->used)
            continue;
        count++;
        leases += check_list(c, &w->leases, CORE_LEASED, NULL);
        assert(w->leases.count + w->messages <= WORKER_OUTSTANDING_MAX);
        assert(!w->suspect || w->leases.count == 1);
    }
    assert(count == c->worker_count);
    return leases;
}

static uint64_t check_queues(const struct core *c)
{
    uint64_t count = 0;
    uint32_t named = 0;
    for (uint32_t place = 0; place < QUEUE_PLACES; place++) {
        const struct queue *q = c->queues.at[place];
        if (!q)
            continue;
        assert(q->place == place && (q->number & (QUEUE_PLACES - 1)) == place);
        assert(q->doomed || (queue_at(c, q->number) == q && q->defined == (q->attributes.name[0] != '\0')));
        assert(q->doomed || !q->defined || queue_by_name(c, slice_text(q->attributes.name)) == q);
        named += !q->doomed && q->defined;
        count += check_queue(c, q);
    }
    assert(named == c->queues.count);
    for (uint32_t i = 1; i < c->queues.count; i++)
        assert(strcmp(c->queues.at[c->queues.by_name[i - 1]]->attributes.name,
                      c->queues.at[c->queues.by_name[i]]->attributes.name) < 0);
    return count;
}

static void check_heap(const struct heap *h)
{
    for (uint32_t i = 1; i < h->count; i++)
        assert(h->at[(i - 1) / 2].ms <= h->at[i].ms);
}

void core_check(const struct core *c)
{
    uint64_t count = check_list(c, &c->committing, CORE_COMMITTING, NULL), leases = check_workers(c), live = 0, leased = leases;
    uint64_t numbered = leases;
    count += check_queues(c);
    for (uint32_t slot = 0; slot < c->message_used; slot++)
        if (c->messages[slot].flags & FLAG_USED) {
            const struct receipt *r = receipt_of(c, &c->messages[slot]);
            check_message(c, slot);
            live++;
            leased +=
                c->messages[slot].state == CORE_LEASED && message_queue(c, &c->messages[slot])->attributes.kind != CORE_JOBS;
            numbered += r && r->first_ms > 0;
        }
    assert(live == c->message_count && count + leases == live);
    assert(leased == c->lease_count && numbered == c->seqs.count);
    check_heap(&c->dues);
    check_heap(&c->clients.waits);
    check_clients(c);
}
