/* due.c - a binary heap of due times: delays that end, leases that run out. Each record knows its place. */
#include "queue/core/state.h"

static void put(struct core *c, uint32_t at, struct due due)
{
    c->dues[at] = due;
    message_at(c, due.slot)->due_at = at;
}

static void sift_up(struct core *c, uint32_t at)
{
    struct due due = c->dues[at];
    while (at > 0 && c->dues[(at - 1) / 2].ms > due.ms) {
        put(c, at, c->dues[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    put(c, at, due);
}

static void sift_down(struct core *c, uint32_t at)
{
    struct due due = c->dues[at];
    for (uint32_t child; (child = 2 * at + 1) < c->due_count; at = child) {
        if (child + 1 < c->due_count && c->dues[child + 1].ms < c->dues[child].ms)
            child++;
        if (c->dues[child].ms >= due.ms)
            break;
        put(c, at, c->dues[child]);
    }
    put(c, at, due);
}

int due_set(struct core *c, uint32_t slot, int64_t ms)
{
    uint32_t at = message_at(c, slot)->due_at;
    if (at == CORE_NONE) {
        if (c->due_count == c->due_cap && core_grow(c, (void **)&c->dues, &c->due_cap, CORE_NONE, sizeof *c->dues) != 0)
            return -1;
        at = c->due_count++;
    }
    put(c, at, (struct due){ms, slot});
    sift_up(c, at);
    sift_down(c, message_at(c, slot)->due_at);
    return 0;
}

void due_clear(struct core *c, uint32_t slot)
{
    uint32_t at = message_at(c, slot)->due_at;
    if (at == CORE_NONE)
        return;
    assert(at < c->due_count && c->dues[at].slot == slot);
    struct due last = c->dues[--c->due_count];
    message_at(c, slot)->due_at = CORE_NONE;
    if (last.slot == slot)
        return;
    put(c, at, last);
    sift_up(c, at);
    sift_down(c, message_at(c, last.slot)->due_at);
}

void dues_run(struct core *c)
{
    while (c->due_count > 0 && c->dues[0].ms <= c->now_ms) {
        if (core_room(c) < END_ROOM) {
            c->more = true;
            return;
        }
        uint32_t slot = c->dues[0].slot;
        if (message_at(c, slot)->state == CORE_LEASED) {
            lease_expired(c, slot);
            continue;
        }
        due_clear(c, slot);
        if (message_at(c, slot)->state == CORE_DELAYED)
            message_settle(c, slot);
    }
}
