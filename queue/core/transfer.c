/* transfer.c - from queue to queue: dead letters, and back.
 *
 * A message that moves into a FIFO queue takes the number of the record that says so, so that the order of numbers is the order of
 * arrival there, now and after a recovery. One that begins anew takes it, too: its receives are counted from the beginning, and what was said
 * of it before must not be taken for what is said of it now. Jobs keep their numbers: their outcomes are known by them. */
#include "queue/core/state.h"

static void renumber(struct core *c, uint32_t slot, uint64_t seq)
{
    struct message *m = message_at(c, slot);
    const struct receipt *r = receipt_of(c, m);
    bool known = c->replaying || (r && r->first_ms > 0);
    if (known)
        seqs_remove(c, slot);
    lows_remove(c, m->seq);
    m->seq = seq;
    if (known)
        (void)seqs_add(c, slot); /* there is room: it has just left */
}

/* Out of the one queue and into the other, READY. Returns the next of the group of jobs that it leaves. */
static uint32_t place(struct core *c, uint32_t slot, struct queue *to)
{
    struct message *m = message_at(c, slot);
    bool from_jobs = message_queue(c, m)->attributes.kind == CORE_JOBS;
    message_leave(c, slot);
    uint32_t next = group_leave(c, slot);
    m->queue = to->place;
    if (from_jobs != (to->attributes.kind == CORE_JOBS))
        m->group_chain = CORE_NONE; /* as a link of the one kind, it means nothing to the other */
    m->group_link = 0;
    message_enter(c, slot, c->replaying ? CORE_DELAYED : CORE_READY);
    group_join(c, slot);
    return next;
}

/* Its receives are forgotten; it is as if it had just come. */
static void start_anew(struct core *c, uint32_t slot, int64_t now_ms)
{
    struct message *m = message_at(c, slot);
    const struct receipt *r = receipt_of(c, m);
    if (r && r->first_ms > 0 && !c->replaying)
        seqs_remove(c, slot);
    receipt_drop(c, slot);
    m->receive_count = 0;
    m->accepted_ms = now_ms;
}

static bool is_renumbered(const struct queue *to, bool anew)
{
    return to->attributes.kind == CORE_FIFO || (anew && to->attributes.kind == CORE_STANDARD);
}

/* What the move needs is there, and the delay of its new queue is set for a message that begins anew; a dead letter has none. */
static int prepare(struct core *c, uint32_t slot, struct queue *to, bool anew)
{
    const struct message *m = message_at(c, slot);
    bool fifo = to->attributes.kind == CORE_FIFO;
    if (fifo && (fifo_reserve(c, to, m->group) != 0 || !receipt_need(c, slot)))
        return -1;
    if (is_renumbered(to, anew) && lows_add(c, c->number + 1) != 0)
        return -1;
    if (!fifo || !anew || to->attributes.delay_ms == 0) {
        due_clear(c, slot);
        return 0;
    }
    if (due_set(c, slot, core_later(c->now_ms, to->attributes.delay_ms)) == 0)
        return 0;
    lows_remove(c, c->number + 1);
    return -1;
}

enum way { DIES, REDRIVEN, BY_TASK }; /* all but the dead begin anew */

static int transfer(struct core *c, uint32_t slot, struct queue *to, uint32_t receive_count, uint32_t origin, enum way way)
{
    struct message *m = message_at(c, slot);
    bool anew = way != DIES;
    bool fifo = to->attributes.kind == CORE_FIFO;
    assert(m->state != CORE_COMMITTING && m->state != CORE_LEASED && message_queue(c, m) != to);
    if (prepare(c, slot, to, anew) != 0)
        return -1;
    uint32_t follower = message_follower(c, slot);
    struct core_record *r = core_record(c, CORE_REC_TRANSFER);
    r->seq = m->seq;
    r->more.task_queue = way == BY_TASK ? message_queue(c, m)->number : CORE_NONE;
    if (anew)
        start_anew(c, slot, c->now_ms);
    r->more.renumbered = is_renumbered(to, anew);
    if (r->more.renumbered)
        renumber(c, slot, r->number);
    if (fifo)
        m->accepted_ms = c->now_ms;
    place(c, slot, to);
    message_set_origin(c, slot, origin);
    if (receipt_of(c, m))
        receipt_of(c, m)->before = receive_count;
    message_settle(c, slot);
    if (to->attributes.kind != CORE_JOBS)
        origin = message_origin(c, m);
    r->id = m->id;
    r->queue = to->number;
    r->receive_count = receive_count;
    r->accepted_ms = m->accepted_ms;
    r->reason = slice_text(origin_reason(c, origin));
    r->more.source = slice_text(origin_source(c, origin));
    message_hold(c, follower);
    return 0;
}

int message_transfer(struct core *c, uint32_t slot, struct queue *to, uint32_t receive_count, uint32_t source, uint32_t reason)
{
    return transfer(c, slot, to, receive_count, origin_of(source, reason), DIES);
}

int message_transfer_redriven(struct core *c, uint32_t slot, struct queue *to, uint32_t reason)
{
    return transfer(c, slot, to, 0, origin_of(0, reason), REDRIVEN);
}

int message_transfer_by_task(struct core *c, uint32_t slot, struct queue *to) { return transfer(c, slot, to, 0, 0, BY_TASK); }

int transfer_replay(struct core *c, uint32_t slot, const struct core_record *r)
{
    struct message *m = message_at(c, slot);
    struct queue *to = queue_for_replay(c, r->queue);
    bool old = r->kind == CORE_REC_MOVE;
    if (!to || (r->more.renumbered && lows_add(c, r->number) != 0))
        return -1;
    due_clear(c, slot);
    m->flags &= (uint8_t)~FLAG_GIVEN;
    if (r->receive_count == 0)
        start_anew(c, slot, old ? m->accepted_ms : r->accepted_ms);
    if (!old)
        m->accepted_ms = r->accepted_ms;
    if (r->more.renumbered)
        renumber(c, slot, r->number);
    place(c, slot, to);
    m->receive_count = (uint16_t)(r->receive_count < UINT16_MAX ? r->receive_count : UINT16_MAX);
    if (receipt_of(c, m))
        receipt_of(c, m)->before = r->receive_count;
    return replay_origin(c, slot, r->more.source, r->reason);
}
