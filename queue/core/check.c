/* check.c - every invariant of the structure, for tests: lists and counts, indexes, the heap, groups. */
#include "queue/core/state.h"

static uint64_t check_list(const struct core *c, const struct list *l, enum core_state state, const struct queue *q)
{
    uint32_t before = CORE_NONE, count = 0;
    for (uint32_t slot = l->head; slot != CORE_NONE; before = slot, slot = message_at(c, slot)->next, count++) {
        const struct message *m = message_at(c, slot);
        assert(m->flags & FLAG_USED);
        assert(m->prev == before);
        assert(m->state == state);
        assert(!q || c->queues[m->queue] == q);
    }
    assert(l->tail == before && l->count == count);
    return count;
}

static uint64_t check_queue(const struct core *c, const struct queue *q)
{
    uint64_t ready = check_list(c, &q->alone, CORE_READY, q);
    for (uint32_t s = 0; s < c->config.slices; s++)
        ready += check_list(c, &q->ready[s], CORE_READY, q);
    assert(ready == q->count[CORE_READY]);
    assert(check_list(c, &q->delayed, CORE_DELAYED, q) == q->count[CORE_DELAYED]);
    assert(check_list(c, &q->blocked, CORE_BLOCKED, q) == q->count[CORE_BLOCKED]);
    return ready + q->count[CORE_DELAYED] + q->count[CORE_BLOCKED];
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
    assert(c->queues[m->queue]);
    assert(ids_find(c, &m->id) == slot);
    assert(m->due_at == CORE_NONE || (m->due_at < c->due_count && c->dues[m->due_at].slot == slot));
    assert(m->state != CORE_DELAYED || m->due_at != CORE_NONE);
    assert(m->state != CORE_READY || m->due_at == CORE_NONE);
    if (m->state == CORE_LEASED) {
        assert(m->receive_count > 0 && m->due_at != CORE_NONE);
        assert(c->workers[m->worker].used && seqs_find(c, m->seq) == slot);
    }
    check_group(c, m, slot);
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

void core_check(const struct core *c)
{
    uint64_t count = check_list(c, &c->committing, CORE_COMMITTING, NULL), leases = check_workers(c), live = 0;
    for (uint32_t i = 0; i < LIMIT_QUEUES; i++)
        if (c->queues[i])
            count += check_queue(c, c->queues[i]);
    assert(leases == c->seq_count);
    for (uint32_t slot = 0; slot < c->message_used; slot++)
        if (c->messages[slot].flags & FLAG_USED) {
            check_message(c, slot);
            live++;
        }
    assert(live == c->message_count && count + leases == live);
    for (uint32_t i = 1; i < c->due_count; i++)
        assert(c->dues[(i - 1) / 2].ms <= c->dues[i].ms);
}
