/* queues.c - queues are made and changed, purged, redriven, and swept for what has outlived its retention. */
#include "queue/core/state.h"

static struct queue *new_queue(struct core *c)
{
    struct queue *q = core_resize(c, NULL, 0, sizeof *q);
    struct list none = {CORE_NONE, CORE_NONE, 0};
    if (!q)
        return NULL;
    memset(q, 0, sizeof *q);
    for (size_t i = 0; i < sizeof q->ready / sizeof q->ready[0]; i++)
        q->ready[i] = none;
    q->alone = q->delayed = q->blocked = none;
    return q;
}

static bool is_empty(const struct queue *q)
{
    uint64_t count = 0;
    for (int s = 0; s < CORE_STATE_COUNT; s++)
        count += q->count[s];
    return count == 0;
}

/* Whether groups bind the order cannot change under living messages. */
static int set_attributes(struct core *c, uint32_t queue, const struct core_queue_attributes *a)
{
    if (queue >= LIMIT_QUEUES)
        return -1;
    struct queue *q = c->queues[queue] ? c->queues[queue] : new_queue(c);
    if (!q)
        return -1;
    bool jobs = c->queues[queue] && !is_empty(q) ? q->attributes.jobs : a->jobs;
    c->queues[queue] = q;
    if (queue >= c->queue_end)
        c->queue_end = queue + 1;
    q->attributes = *a;
    q->attributes.name[LIMIT_QUEUE_NAME_BYTES] = '\0';
    q->attributes.jobs = jobs;
    if (a->dead_letter == queue)
        q->attributes.dead_letter = CORE_NONE;
    return 0;
}

int queue_replay(struct core *c, const struct core_record *r) { return set_attributes(c, r->queue, &r->attributes); }

void on_queue_set(struct core *c, struct core_event *e)
{
    if (!e->attributes || set_attributes(c, e->queue, e->attributes) != 0)
        return;
    struct core_record *r = core_record(c, CORE_REC_QUEUE);
    r->queue = e->queue;
    r->attributes = c->queues[e->queue]->attributes;
}

static void purge_list(struct core *c, struct list *l)
{
    while (l->head != CORE_NONE && core_room(c) >= 2 * END_ROOM)
        message_end(c, l->head, "purged");
}

/* The blocked first: the end of an older one would only move them. */
void on_purge(struct core *c, struct core_event *e)
{
    struct queue *q = queue_at(c, e->queue);
    if (!q)
        return;
    purge_list(c, &q->blocked);
    purge_list(c, &q->delayed);
    purge_list(c, &q->alone);
    for (uint32_t s = 0; s < c->config.slices; s++)
        purge_list(c, &q->ready[s]);
}

void on_redrive(struct core *c, struct core_event *e)
{
    struct queue *q = queue_at(c, e->queue);
    uint32_t left = e->messages > 0 ? e->messages : CORE_NONE;
    if (!q || !queue_at(c, e->target) || e->queue == e->target)
        return;
    for (uint32_t i = 0; i <= c->config.slices; i++) {
        struct list *l = i == 0 ? &q->alone : &q->ready[i - 1];
        for (; left > 0 && l->head != CORE_NONE && core_room(c) >= 2 * END_ROOM; left--)
            message_to_queue(c, l->head, e->target, 0, slice_text("redriven"));
    }
}

static void sweep_list(struct core *c, struct list *l)
{
    while (l->head != CORE_NONE && message_expired(c, message_at(c, l->head))) {
        if (core_room(c) < 2 * END_ROOM) {
            c->more = true;
            c->sweep_ms = c->now_ms;
            return;
        }
        message_expire(c, l->head);
    }
}

void queues_sweep(struct core *c)
{
    keys_expire(c, 4);
    if (c->message_count == 0 || c->now_ms < c->sweep_ms)
        return;
    c->sweep_ms = c->now_ms + SWEEP_EACH_MS;
    for (uint32_t i = 0; i < c->queue_end; i++) {
        struct queue *q = c->queues[i];
        if (!q || q->count[CORE_READY] == 0)
            continue;
        sweep_list(c, &q->alone);
        for (uint32_t s = 0; s < c->config.slices; s++)
            sweep_list(c, &q->ready[s]);
    }
}
