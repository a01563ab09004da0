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

/* Without memory to move it (FIFO), it stays where it is. */
void dead_letter(struct core *c, uint32_t slot, const char *reason)
{
    struct message *m = message_at(c, slot);
    struct queue *from = message_queue(c, m);
    uint32_t why = reasons_intern(c, slice_text(reason));
    if (message_transfer(c, slot, queue_dead_letters(c, from), m->receive_count, sources_of_queue(c, from), why) != 0)
        return;
    waiters_dead(c, slot, reasons_at(c, why)); /* behind the record, which they wait for */
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
    const struct queue *q = message_queue(c, m);
    const struct core_queue_attributes *a = &q->attributes;
    uint32_t worker = end_lease(c, slot);
    bool worn_out = a->max_receive_count > 0 && m->receive_count >= a->max_receive_count;
    if (worn_out && !c->exhausted && queue_dead_letters(c, q)) { /* without a place for the record, it comes next time */
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
    text_number(&t, (uint64_t)message_queue(c, message_at(c, slot))->attributes.visibility_ms);
    text_add(&t, " ms passed");
    t.bytes[t.len] = '\0';
    lease_release(c, slot, t.bytes);
}

static bool expired_in(const struct core *c, const struct message *m, const struct queue *q)
{
    int64_t retention_ms = q->attributes.retention_ms;
    const struct receipt *r = receipt_of(c, m);
    int64_t kept_ms = r && r->kept_ms > 0 ? r->kept_ms : m->accepted_ms;
    return retention_ms > 0 && core_later(kept_ms, retention_ms) <= c->now_ms;
}

/* With no place on the disk to say so, a job that is too old is worked on all the same. */
bool message_expired(const struct core *c, const struct message *m)
{
    const struct queue *q = message_queue(c, m);
    return (q->attributes.kind != CORE_JOBS || !c->exhausted) && expired_in(c, m, q);
}

/* A dead-letter queue that would not keep it either is passed by: queues that name each other must not play ball for ever. */
void message_expire(struct core *c, uint32_t slot)
{
    const struct message *m = message_at(c, slot);
    const struct queue *q = message_queue(c, m), *dead = queue_dead_letters(c, q);
    struct text t = {.len = 0};
    c->totals.expired_total++;
    if (q->attributes.kind != CORE_JOBS || !dead || expired_in(c, m, dead)) {
        message_end(c, slot, "expired");
        return;
    }
    text_add(&t, "the retention of ");
    text_number(&t, (uint64_t)q->attributes.retention_ms);
    text_add(&t, " ms passed");
    t.bytes[t.len] = '\0';
    dead_letter(c, slot, t.bytes);
}

/* Clients give no reasons; the count is all that there is to say. */
int message_bury(struct core *c, uint32_t slot)
{
    const struct receipt *r = receipt_of(c, message_at(c, slot));
    struct queue *from = message_queue(c, message_at(c, slot));
    struct text t = {.len = 0};
    assert(r);
    text_add(&t, "received ");
    text_number(&t, r->count);
    text_add(&t, " times without being deleted");
    t.bytes[t.len] = '\0';
    if (message_transfer(c, slot, queue_dead_letters(c, from), r->count, sources_of_queue(c, from),
                         reasons_intern(c, slice_text(t.bytes))) != 0)
        return -1;
    c->totals.dead_total++;
    return 0;
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
