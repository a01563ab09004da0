/* due.c - what time brings: delays that end, leases that run out, in one heap. Each message knows its place. */
#include "queue/core/state.h"

uint32_t *due_place(struct core *c, uint32_t slot) { return &message_at(c, slot)->due_at; }

static void is_due(struct core *c, uint32_t slot)
{
    const struct message *m = message_at(c, slot);
    bool leased = m->state == CORE_LEASED && !message_is_doomed(c, m);
    if (leased && message_queue(c, m)->attributes.kind == CORE_JOBS) {
        lease_expired(c, slot);
        return;
    }
    due_clear(c, slot);
    if (leased)
        client_lease_over(c, slot);
    else if (m->state == CORE_DELAYED)
        message_settle(c, slot);
}

void dues_run(struct core *c)
{
    while (heap_first(&c->dues) <= c->now_ms) {
        if (core_room(c) < END_ROOM) {
            c->more = true;
            return;
        }
        is_due(c, c->dues.at[0].item);
    }
}
