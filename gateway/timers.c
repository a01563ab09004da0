/* timers.c - the wheel: a timer lies in the slot of the first tick at which it is due. */
#include "gateway/timers.h"

#include <assert.h>
#include <string.h>

#define SLOT_OF(tick) ((uint64_t)(tick) & (TIMERS_SLOTS - 1))

static_assert((TIMERS_SLOTS & (TIMERS_SLOTS - 1)) == 0 && TIMERS_SLOTS % 64 == 0, "slots are found by masking");

void timers_init(struct timers *s, int64_t now_ms)
{
    memset(s, 0, sizeof *s);
    s->tick = now_ms / TIMERS_TICK_MS;
}

static void insert(struct timers *s, struct timer *t)
{
    int64_t tick = (t->due_ms + TIMERS_TICK_MS - 1) / TIMERS_TICK_MS;
    if (tick < s->tick)
        tick = s->tick;
    if (tick > s->tick + (int64_t)TIMERS_SLOTS - 1)
        tick = s->tick + (int64_t)TIMERS_SLOTS - 1;
    uint64_t at = SLOT_OF(tick);
    t->next = s->slot[at];
    t->link = &s->slot[at];
    if (t->next)
        t->next->link = &t->next;
    s->slot[at] = t;
    s->used[at / 64] |= 1ull << (at % 64);
    s->count++;
}

void timer_clear(struct timers *s, struct timer *t)
{
    if (!t->link)
        return;
    assert(*t->link == t && s->count > 0);
    *t->link = t->next;
    if (t->next)
        t->next->link = t->link;
    else if ((uintptr_t)t->link - (uintptr_t)s->slot < sizeof s->slot) {
        uint64_t at = (uint64_t)(t->link - s->slot); /* it was the only one of its slot */
        s->used[at / 64] &= ~(1ull << (at % 64));
    }
    t->link = NULL;
    t->next = NULL;
    s->count--;
}

void timer_set(struct timers *s, struct timer *t, int64_t due_ms)
{
    timer_clear(s, t);
    t->due_ms = due_ms;
    insert(s, t);
}

struct timer *timers_take(struct timers *s, int64_t now_ms)
{
    int64_t now_tick = now_ms / TIMERS_TICK_MS;
    if (s->count == 0 && now_tick > s->tick)
        s->tick = now_tick;
    while (s->tick <= now_tick && s->count > 0) {
        struct timer *t = s->slot[SLOT_OF(s->tick)];
        if (t) {
            timer_clear(s, t);
            if (t->due_ms <= now_ms)
                return t;
            insert(s, t); /* beyond the horizon when it was set: it lands in a later slot now */
            assert(s->slot[SLOT_OF(s->tick)] != t);
        } else if (s->tick < now_tick) {
            s->tick++;
        } else {
            break;
        }
    }
    return NULL;
}

int64_t timers_deadline(const struct timers *s)
{
    if (s->count == 0)
        return INT64_MAX;
    uint64_t start = SLOT_OF(s->tick), words = TIMERS_SLOTS / 64;
    uint64_t low = (1ull << (start % 64)) - 1; /* bits of the first word that come last in the round */
    for (uint64_t i = 0; i <= words; i++) {
        uint64_t word = (start / 64 + i) % words;
        uint64_t bits = s->used[word] & (i == 0 ? ~low : i == words ? low : UINT64_MAX);
        if (bits) {
            uint64_t at = word * 64 + (uint64_t)__builtin_ctzll(bits);
            return (s->tick + (int64_t)SLOT_OF(at - start)) * TIMERS_TICK_MS;
        }
    }
    assert(!"a timer that is set has its bit");
    return s->tick * TIMERS_TICK_MS;
}
