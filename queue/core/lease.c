/* lease.c - a delivered message comes to its end, comes back, or has come back too often. */
#include "queue/core/state.h"

/* Texts are put together by hand: stdio has no place in the core. */
struct text {
    char bytes[LIMIT_REASON_BYTES + 1];
    size_t len;
};

static void text_add(struct text *t, const char *s)
{
    while (*s && t->len < LIMIT_REASON_BYTES)
        t->bytes[t->len++] = *s++;
}

static void text_number(struct text *t, uint64_t n)
{
    char digits[21];
    size_t at = sizeof digits - 1;
    digits[at] = '\0';
    do
        digits[--at] = (char)('0' + n % 10);
    while (n /= 10);
    text_add(t, digits + at);
}

uint32_t message_place(struct core *c, uint32_t slot, uint32_t queue, uint32_t receive_count, struct slice reason)
{
    struct message *m = message_at(c, slot);
    struct queue *from = c->queues[m->queue];
    assert(m->state != CORE_COMMITTING && queue_at(c, queue));
    uint32_t next = group_leave(c, slot);
    list_remove(c, message_list(c, m), slot);
    from->count[m->state]--;
    from->bytes -= m->body_len;
    m->queue = (uint16_t)queue;
    m->receive_count = (uint16_t)receive_count;
    message_enter(c, slot, CORE_READY);
    group_join(c, slot);
    if (!c->queues[queue]->attributes.jobs)
        m->group_link = reasons_intern(c, reason);
    message_settle(c, slot);
    return next;
}

void message_to_queue(struct core *c, uint32_t slot, uint32_t queue, uint32_t receive_count, struct slice reason)
{
    struct message *m = message_at(c, slot);
    due_clear(c, slot);
    uint32_t follower = message_follower(c, slot);
    message_place(c, slot, queue, receive_count, reason);
    struct core_record *r = core_record(c, CORE_REC_MOVE);
    r->seq = m->seq;
    r->id = m->id;
    r->queue = queue;
    r->receive_count = receive_count;
    r->reason = slice_text(reasons_text(c, m));
    message_hold(c, follower);
}

void dead_letter(struct core *c, uint32_t slot, const char *reason)
{
    struct message *m = message_at(c, slot);
    const char *kept = reasons_at(c, reasons_intern(c, slice_text(reason)));
    message_to_queue(c, slot, c->queues[m->queue]->attributes.dead_letter, m->receive_count, slice_text(kept));
    waiters_dead(c, slot, kept); /* behind the MOVE record, which they wait for */
    c->totals.dead_total++;
}

/* Out of the lease's indexes; the caller moves it to where it goes. */
static uint32_t end_lease(struct core *c, uint32_t slot)
{
    struct message *m = message_at(c, slot);
    assert(m->state == CORE_LEASED);
    seqs_remove(c, slot);
    due_clear(c, slot);
    return m->worker;
}

void lease_release(struct core *c, uint32_t slot, const char *why)
{
    struct message *m = message_at(c, slot);
    const struct core_queue_attributes *a = &c->queues[m->queue]->attributes;
    uint32_t worker = end_lease(c, slot);
    if (a->max_receive_count > 0 && m->receive_count >= a->max_receive_count && queue_at(c, a->dead_letter)) {
        struct text t = {.len = 0};
        text_add(&t, "received ");
        text_number(&t, m->receive_count);
        text_add(&t, " times without success; the last time: ");
        text_add(&t, why);
        t.bytes[t.len] = '\0';
        message_move(c, slot, CORE_READY, false);
        dead_letter(c, slot, t.bytes);
    } else {
        struct core_record *r = core_record(c, CORE_REC_RELEASE);
        r->seq = m->seq;
        r->id = m->id;
        r->receive_count = m->receive_count;
        message_move(c, slot, CORE_READY, false);
        c->totals.redelivered_total++;
    }
    worker_settled(c, worker);
}

void lease_expired(struct core *c, uint32_t slot)
{
    struct text t = {.len = 0};
    text_add(&t, "the visibility timeout of ");
    text_number(&t, (uint64_t)c->queues[message_at(c, slot)->queue]->attributes.visibility_ms);
    text_add(&t, " ms passed");
    t.bytes[t.len] = '\0';
    lease_release(c, slot, t.bytes);
}

static bool expired_in(const struct core *c, const struct message *m, const struct queue *q)
{
    int64_t retention_ms = q->attributes.retention_ms;
    return retention_ms > 0 && core_later(m->accepted_ms, retention_ms) <= c->now_ms;
}

bool message_expired(const struct core *c, const struct message *m) { return expired_in(c, m, c->queues[m->queue]); }

/* A dead-letter queue that would not keep it either is passed by: queues that name each other must not play ball for ever. */
void message_expire(struct core *c, uint32_t slot)
{
    const struct message *m = message_at(c, slot);
    const struct core_queue_attributes *a = &c->queues[m->queue]->attributes;
    const struct queue *dead = queue_at(c, a->dead_letter);
    struct text t = {.len = 0};
    c->totals.expired_total++;
    if (!a->jobs || !dead || expired_in(c, m, dead)) {
        message_end(c, slot, "expired");
        return;
    }
    text_add(&t, "the retention of ");
    text_number(&t, (uint64_t)a->retention_ms);
    text_add(&t, " ms passed");
    t.bytes[t.len] = '\0';
    dead_letter(c, slot, t.bytes);
}

/* The message that a worker means, if the lease is still its own. */
static uint32_t leased(const struct core *c, const struct core_event *e)
{
    uint32_t slot = seqs_find(c, e->seq);
    if (slot == CORE_NONE)
        return CORE_NONE;
    const struct message *m = message_at(c, slot);
    return m->worker == e->worker && m->receive_count == e->lease ? slot : CORE_NONE;
}

void on_done(struct core *c, struct core_event *e)
{
    uint32_t slot = leased(c, e);
    if (slot == CORE_NONE)
        return;
    waiters_result(c, slot, e->body);
    message_end(c, slot, NULL);
    c->totals.done_total++;
    worker_settled(c, e->worker);
}

void lease_give_back(struct core *c, uint32_t slot, int64_t delay_ms)
{
    uint32_t worker = end_lease(c, slot);
    bool delayed = delay_ms > 0 && due_set(c, slot, core_later(c->now_ms, delay_ms)) == 0;
    message_at(c, slot)->receive_count--;
    message_move(c, slot, delayed ? CORE_DELAYED : CORE_READY, true);
    worker_settled(c, worker);
}

void on_give_back(struct core *c, struct core_event *e)
{
    uint32_t slot = leased(c, e);
    if (slot != CORE_NONE)
        lease_give_back(c, slot, e->delay_ms);
}

void on_extend(struct core *c, struct core_event *e)
{
    uint32_t slot = leased(c, e);
    if (slot != CORE_NONE && e->delay_ms >= 0)
        due_set(c, slot, core_later(c->now_ms, e->delay_ms));
}
