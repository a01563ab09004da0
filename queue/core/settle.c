/* settle.c - what becomes of received messages: deleted, kept longer, visible again. */
#include "queue/core/state.h"

bool message_is_given(const struct core *c, const struct message *m, uint32_t lease)
{
    const struct receipt *r = receipt_of(c, m);
    return m->state == CORE_LEASED && r && r->count == lease;
}

void client_lease_over(struct core *c, uint32_t slot)
{
    due_clear(c, slot);
    message_move(c, slot, CORE_READY, false);
}

void client_release(struct core *c, uint32_t slot)
{
    const struct message *m = message_at(c, slot);
    struct core_record *r = core_record(c, CORE_REC_RELEASE);
    r->seq = m->seq;
    r->id = m->id;
    r->receive_count = receipt_of(c, m)->count;
    client_lease_over(c, slot);
}

/* The message that a handle names, CORE_NONE if it is gone. */
static uint32_t received(const struct core *c, const struct queue *q, const struct core_event *e)
{
    uint32_t slot = seqs_find(c, e->seq);
    return slot != CORE_NONE && message_at(c, slot)->queue == q->place && receipt_of(c, message_at(c, slot)) ? slot : CORE_NONE;
}

/* NULL if it is answered already. */
static struct queue *queue_of(struct core *c, const struct core_event *e)
{
    struct queue *q = queue_at(c, e->queue);
    enum core_answer answer = !q                                ? CORE_NO_SUCH_QUEUE
                              : q->attributes.kind == CORE_JOBS ? CORE_WORKERS_ONLY
                              : c->exhausted                    ? CORE_EXHAUSTED
                              : pending_reserve(c, 1) != 0      ? CORE_QUEUE_FULL
                                                                : CORE_OK;
    if (answer == CORE_OK)
        return q;
    answer_now(c, e, answer, 0);
    return NULL;
}

/* What is gone is deleted, and so is, as far as anybody can tell, what a standard queue has given to somebody else since. */
void on_delete(struct core *c, struct core_event *e)
{
    const struct queue *q = queue_of(c, e);
    if (!q)
        return;
    uint32_t slot = received(c, q, e);
    const struct message *m = slot == CORE_NONE ? NULL : message_at(c, slot);
    bool given = m && message_is_given(c, m, e->lease);
    if (m && !given && q->attributes.kind == CORE_FIFO) {
        answer_now(c, e, CORE_EXPIRED, 0);
        return;
    }
    if (m && receipt_of(c, m)->count == e->lease) {
        if (given && q->attributes.kind == CORE_STANDARD)
            fair_processed(c, slot);
        message_end(c, slot, NULL);
        c->totals.done_total++;
    }
    answer_later(c, e, CORE_OK, 0, NULL);
}

static enum core_answer judge(const struct core *c, const struct queue *q, uint32_t slot, const struct core_event *e)
{
    bool fifo = q->attributes.kind == CORE_FIFO;
    if (slot == CORE_NONE)
        return CORE_NO_MESSAGE;
    if (!message_is_given(c, message_at(c, slot), e->lease))
        return fifo ? CORE_EXPIRED : CORE_NOT_IN_FLIGHT;
    int64_t longest_ms = q->attributes.max_lease_ms > 0 ? q->attributes.max_lease_ms : LIMIT_VISIBILITY_MS;
    int64_t received_ms = receipt_of(c, message_at(c, slot))->received_ms;
    return core_later(c->now_ms, e->delay_ms) > core_later(received_ms, longest_ms) ? CORE_TOO_LONG : CORE_OK;
}

static void extend(struct core *c, uint32_t slot, int64_t due_ms)
{
    const struct message *m = message_at(c, slot);
    (void)due_set(c, slot, due_ms); /* it is in the heap: this needs no memory */
    struct core_record *r = core_record(c, CORE_REC_EXTEND);
    r->seq = m->seq;
    r->id = m->id;
    r->receive_count = receipt_of(c, m)->count;
    r->due_ms = due_ms;
}

void on_visibility(struct core *c, struct core_event *e)
{
    const struct queue *q = queue_of(c, e);
    if (!q)
        return;
    uint32_t slot = received(c, q, e);
    enum core_answer answer = judge(c, q, slot, e);
    if (answer != CORE_OK) {
        answer_now(c, e, answer, 0);
        return;
    }
    attempt_spoil(c, message_at(c, slot));
    if (e->delay_ms > 0)
        extend(c, slot, core_later(c->now_ms, e->delay_ms));
    else
        client_release(c, slot);
    answer_later(c, e, CORE_OK, 0, NULL);
}
