/* look.c - reading the core: nothing in here changes it. */
#include "queue/core/state.h"

static void fill(const struct core *c, uint32_t slot, struct core_info *info)
{
    const struct message *m = message_at(c, slot);
    *info = (struct core_info){.slot = slot,
                               .queue = m->queue,
                               .receive_count = m->receive_count,
                               .body_len = m->body_len,
                               .state = (enum core_state)m->state,
                               .seq = m->seq,
                               .group = m->group,
                               .location = m->location,
                               .id = m->id,
                               .accepted_ms = m->accepted_ms,
                               .due_ms = due_of(c, m),
                               .reason = reasons_text(c, m)};
}

bool core_find(const struct core *c, const struct id *id, struct core_info *info)
{
    uint32_t slot = ids_find(c, id);
    if (slot != CORE_NONE)
        fill(c, slot, info);
    return slot != CORE_NONE;
}

bool core_slot(const struct core *c, uint32_t slot, uint64_t seq, struct core_info *info)
{
    if (slot >= c->message_used || !(c->messages[slot].flags & FLAG_USED) || c->messages[slot].seq != seq)
        return false;
    fill(c, slot, info);
    return true;
}

bool core_next(const struct core *c, uint32_t *slot, struct core_info *info)
{
    while (*slot < c->message_used && !(c->messages[*slot].flags & FLAG_USED))
        ++*slot;
    if (*slot >= c->message_used)
        return false;
    fill(c, *slot, info);
    return true;
}

uint32_t core_queue_by_name(const struct core *c, struct slice name)
{
    for (uint32_t i = 0; i < c->queue_end; i++)
        if (c->queues[i] && slice_equal(slice_text(c->queues[i]->attributes.name), name))
            return i;
    return CORE_NONE;
}

struct peek {
    struct core_info *info;
    size_t count, max;
    uint32_t queue;
};

static void peek_list(const struct core *c, struct peek *p, const struct list *l)
{
    for (uint32_t slot = l->head; slot != CORE_NONE && p->count < p->max; slot = message_at(c, slot)->next)
        if (message_at(c, slot)->queue == p->queue)
            fill(c, slot, &p->info[p->count++]);
}

size_t core_peek(const struct core *c, uint32_t queue, struct core_info *info, size_t max)
{
    const struct queue *q = queue_at(c, queue);
    struct peek p = {info, 0, max, queue};
    if (!q)
        return 0;
    peek_list(c, &p, &q->alone);
    for (uint32_t s = 0; s < c->config.slices; s++)
        peek_list(c, &p, &q->ready[s]);
    peek_list(c, &p, &q->blocked);
    peek_list(c, &p, &q->delayed);
    for (uint32_t n = 0; n < c->worker_count; n++)
        peek_list(c, &p, &c->workers[c->active[n]].leases);
    return p.count;
}

static void older(const struct core *c, const struct list *l, int64_t *oldest_ms)
{
    if (l->head != CORE_NONE && message_at(c, l->head)->accepted_ms < *oldest_ms)
        *oldest_ms = message_at(c, l->head)->accepted_ms;
}

bool core_queue_stats(const struct core *c, uint32_t queue, const struct core_queue_attributes **attributes,
                      struct core_queue_stats *stats)
{
    const struct queue *q = queue_at(c, queue);
    if (!q)
        return false;
    *attributes = &q->attributes;
    memcpy(stats->count, q->count, sizeof stats->count);
    stats->bytes = q->bytes;
    stats->oldest_accepted_ms = INT64_MAX;
    older(c, &q->alone, &stats->oldest_accepted_ms);
    for (uint32_t s = 0; s < c->config.slices; s++)
        older(c, &q->ready[s], &stats->oldest_accepted_ms);
    if (stats->oldest_accepted_ms == INT64_MAX)
        older(c, &q->delayed, &stats->oldest_accepted_ms);
    return true;
}

void core_stats(const struct core *c, struct core_stats *stats)
{
    *stats = c->totals;
    stats->messages = c->message_count;
    stats->leases = c->seq_count;
    stats->calls = c->call_count;
    stats->workers = c->worker_count;
    stats->waiters = c->waiter_count;
    stats->keys = c->key_count;
    stats->bytes_memory = c->memory_bytes;
}
