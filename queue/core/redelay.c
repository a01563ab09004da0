/* redelay.c - the delay of a FIFO queue has changed, and holds for the messages that are there, too: a walk over all messages, a part of it
 * in each step. Those that were received before, or came as dead letters, stay as they are. */
#include "queue/core/state.h"

#define LOOK_EACH_STEP 16384u
#define CHANGE_EACH_STEP 1024u

void redelay_start(struct core *c, struct queue *q)
{
    q->redelay = 0;
    places_add(&c->queues.redelayed, q);
}

/* True if it was changed. Without memory for a longer delay it is looked at again when somebody would receive it. */
static bool redelay(struct core *c, const struct queue *q, uint32_t slot)
{
    struct message *m = message_at(c, slot);
    if (!(m->flags & FLAG_USED) || m->queue != q->place || m->receive_count > 0 || message_origin(c, m))
        return false;
    int64_t due_ms = core_later(m->accepted_ms, q->attributes.delay_ms);
    if (due_ms <= c->now_ms)
        due_clear(c, slot);
    else if (due_set(c, slot, due_ms) != 0)
        return false;
    message_follow(c, slot);
    return true;
}

void redelay_run(struct core *c)
{
    uint32_t looks = LOOK_EACH_STEP, changes = CHANGE_EACH_STEP;
    for (uint32_t i = c->queues.redelayed.count; i-- > 0;) {
        struct queue *q = c->queues.at[c->queues.redelayed.at[i]];
        for (; q->redelay < c->message_used; q->redelay++) {
            if (looks-- == 0 || changes == 0) {
                c->more = true;
                return;
            }
            changes -= redelay(c, q, q->redelay);
        }
        q->redelay = CORE_NONE;
        places_remove(&c->queues.redelayed, q);
    }
}
