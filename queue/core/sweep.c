/* sweep.c - retention: once a second a part of all messages is looked at, wherever they are, so that a pool of any size is looked through
 * within minutes and nothing depends on how many queues there are. What is too old is never given out either way: whoever takes a message
 * looks first. */
#include "queue/core/state.h"

/* A job that is not READY has others before it, or is being worked on. */
static bool may_expire(const struct core *c, const struct message *m)
{
    if (!(m->flags & FLAG_USED) || m->state == CORE_COMMITTING)
        return false;
    const struct queue *q = message_queue(c, m);
    return !q->doomed && (q->attributes.kind != CORE_JOBS || m->state == CORE_READY) && message_expired(c, m);
}

/* Stays at the slot where effects had no more room. */
static bool look_through(struct core *c, uint32_t looks)
{
    for (; looks > 0; looks--, c->sweep_slot++) {
        if (c->sweep_slot >= c->message_used)
            c->sweep_slot = 0;
        if (!may_expire(c, &c->messages[c->sweep_slot]))
            continue;
        if (core_room(c) < 2 * END_ROOM)
            return false;
        message_expire(c, c->sweep_slot);
    }
    return true;
}

void sweep_run(struct core *c)
{
    keys_expire(c, 4);
    if (c->message_count == 0 || c->now_ms < c->sweep_ms)
        return;
    if (look_through(c, c->message_used < SWEEP_SLOTS ? c->message_used : SWEEP_SLOTS)) {
        c->sweep_ms = c->now_ms + SWEEP_EACH_MS;
    } else {
        c->sweep_ms = c->now_ms;
        c->more = true;
    }
}
