/* look.c - reading the core: nothing in here changes it. */
#include "queue/core/state.h"

static void fill(const struct core *c, uint32_t slot, struct core_info *info)
{
    const struct message *m = message_at(c, slot);
    const struct receipt *r = receipt_of(c, m);
    uint32_t origin = message_origin(c, m);
    *info = (struct core_info){.slot = slot,
                               .queue = message_queue(c, m)->number,
                               .receive_count = r ? r->count : m->receive_count,
                               .body_len = m->body_len,
                               .priority = message_priority(m),
                               .state = (enum core_state)m->state,
                               .seq = m->seq,
                               .group = m->group,
                               .location = m->location,
                               .id = m->id,
                               .accepted_ms = m->accepted_ms,
                               .due_ms = due_of(c, m),
                               .first_ms = r ? r->first_ms : 0,
                               .reason = origin_reason(c, origin),
                               .source = origin_source(c, origin)};
}

bool core_find(const struct core *c, const struct id *id, struct core_info *info)
{
    uint32_t slot = ids_find_live(c, id);
    if (slot != CORE_NONE)
        fill(c, slot, info);
    return slot != CORE_NONE;
}

bool core_slot(const struct core *c, uint32_t slot, uint64_t seq, struct core_info *info)
{
    if (slot >= c->message_used || !(c->messages[slot].flags & FLAG_USED) || c->messages[slot].seq != seq ||
        message_is_doomed(c, &c->messages[slot]))
        return false;
    fill(c, slot, info);
    return true;
}

bool core_next(const struct core *c, uint32_t *slot, struct core_info *info)
{
    while (*slot < c->message_used && (!(c->messages[*slot].flags & FLAG_USED) || message_is_doomed(c, &c->messages[*slot])))
        ++*slot;
    if (*slot >= c->message_used)
        return false;
    fill(c, *slot, info);
    return true;
}

/* -- Queues ------------------------------------------------------------------------------------------------------------------------ */
uint32_t core_queue_by_name(const struct core *c, struct slice name)
{
    const struct queue *q = queue_by_name(c, name);
    return q ? q->number : CORE_NONE;
}

uint32_t core_queue_from(const struct core *c, struct slice name, bool behind)
{
    return core_queue_at(c, queue_position(c, name, behind));
}

uint32_t core_queue_at(const struct core *c, uint32_t position)
{
    return position < c->queues.count ? c->queues.at[c->queues.by_name[position]]->number : CORE_NONE;
}

uint32_t core_queue_nameless(const struct core *c)
{
    for (uint32_t place = 0; place < QUEUE_PLACES; place++)
        if (c->queues.at[place] && !c->queues.at[place]->doomed && !c->queues.at[place]->defined)
            return c->queues.at[place]->number;
    return CORE_NONE;
}

bool core_next_kept(const struct core *c, uint64_t *at, uint64_t *location, uint32_t *body_len)
{
    for (uint64_t each = LIMIT_MOVE_TASKS + 1; *at < c->queues.count * each;) {
        const struct queue *q = c->queues.at[c->queues.by_name[*at / each]];
        uint64_t part = (*at)++ % each;
        *location = part == 0 ? q->location : part <= q->task_count ? q->tasks[part - 1].location : 0;
        *body_len = part == 0 ? q->document_bytes : 0;
        if (*location != 0)
            return true;
    }
    return false;
}

struct peek {
    struct core_info *info;
    size_t count, max;
    const struct queue *queue;
};

static void peek_list(const struct core *c, struct peek *p, const struct list *l)
{
    for (uint32_t slot = l->head; slot != CORE_NONE && p->count < p->max; slot = message_at(c, slot)->next)
        if (message_queue(c, message_at(c, slot)) == p->queue)
            fill(c, slot, &p->info[p->count++]);
}

static void peek_tenants(const struct core *c, struct peek *p, const struct list *tenants)
{
    for (uint32_t t = tenants->head; t != CORE_NONE && p->count < p->max; t = c->clients.tenants[t].next)
        for (uint32_t n = LIMIT_PRIORITIES; n-- > 0;)
            peek_list(c, p, &c->clients.tenants[t].aside[n]);
}

static void peek_ready(const struct core *c, struct peek *p)
{
    const struct queue *q = p->queue;
    bool standard = q->attributes.kind == CORE_STANDARD;
    peek_list(c, p, &q->alone);
    for (uint32_t i = 0; i < q->ready_count; i++)
        peek_list(c, p, &q->ready[standard ? q->ready_count - 1 - i : i]);
    for (uint32_t n = LIMIT_PRIORITIES; standard && n-- > 0;)
        peek_tenants(c, p, &q->fair.waiting[n]);
    if (standard) {
        peek_tenants(c, p, &q->fair.noisy);
        peek_tenants(c, p, &q->fair.full);
    }
}

size_t core_peek(const struct core *c, uint32_t queue, uint32_t states, struct core_info *info, size_t max)
{
    struct peek p = {info, 0, max, queue_at(c, queue)};
    if (!p.queue)
        return 0;
    if (states & 1u << CORE_READY)
        peek_ready(c, &p);
    if (states & 1u << CORE_BLOCKED)
        peek_list(c, &p, &p.queue->blocked);
    if (states & 1u << CORE_DELAYED)
        peek_list(c, &p, &p.queue->delayed);
    if (!(states & 1u << CORE_LEASED))
        return p.count;
    peek_list(c, &p, &p.queue->leased);
    for (uint32_t n = 0; n < c->worker_count && p.queue->attributes.kind == CORE_JOBS; n++)
        peek_list(c, &p, &c->workers[c->active[n]].leases);
    return p.count;
}

static void older(const struct core *c, uint32_t slot, int64_t *oldest_ms)
{
    if (slot != CORE_NONE && message_at(c, slot)->accepted_ms < *oldest_ms)
        *oldest_ms = message_at(c, slot)->accepted_ms;
}

static int64_t oldest_of(const struct core *c, const struct queue *q)
{
    int64_t oldest_ms = INT64_MAX;
    older(c, q->alone.head, &oldest_ms);
    for (uint32_t i = 0; i < q->ready_count; i++)
        older(c, q->ready[i].head, &oldest_ms);
    for (uint32_t t = q->fair.noisy.head; t != CORE_NONE; t = c->clients.tenants[t].next)
        for (uint32_t n = 0; n < LIMIT_PRIORITIES; n++)
            older(c, c->clients.tenants[t].aside[n].head, &oldest_ms);
    if (oldest_ms == INT64_MAX)
        older(c, q->delayed.head, &oldest_ms);
    return oldest_ms;
}

bool core_queue_stats(const struct core *c, uint32_t queue, const struct core_queue_attributes **attributes,
                      struct core_queue_stats *stats)
{
    const struct queue *q = queue_at(c, queue);
    if (!q)
        return false;
    *attributes = &q->attributes;
    *stats = (struct core_queue_stats){.bytes = q->bytes,
                                       .entered_total = q->entered_total,
                                       .left_total = q->left_total,
                                       .oldest_accepted_ms = oldest_of(c, q),
                                       .noisy = fair_noisy(c, q),
                                       .receivers = q->receives.count,
                                       .version = q->version,
                                       .location = q->location,
                                       .document_bytes = q->document_bytes,
                                       .created_ms = q->created_ms,
                                       .changed_ms = q->changed_ms,
                                       .secret = q->secret};
    memcpy(stats->count, q->count, sizeof stats->count);
    return true;
}

void core_stats(const struct core *c, struct core_stats *stats)
{
    *stats = c->totals;
    stats->messages = c->message_count;
    stats->leases = c->lease_count;
    stats->calls = c->call_count;
    stats->workers = c->worker_count;
    stats->waiters = c->waiter_count;
    stats->keys = c->key_count;
    stats->bytes_memory = c->memory_bytes;
}
