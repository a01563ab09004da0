/* timers.h - many deadlines at once: a wheel of intrusive timers. Pure: the time comes in, nothing is allocated.
 *
 * A timer is a member of the struct that it belongs to; zeroed, it is not set. Setting, clearing and taking cost O(1). Timers fire up to
 * TIMERS_TICK_MS late, never early. A due time beyond the wheel's horizon is looked at again when the wheel comes round. */
#ifndef LEAT_GATEWAY_TIMERS_H
#define LEAT_GATEWAY_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TIMERS_TICK_MS 16
#define TIMERS_SLOTS 4096u /* a power of two; horizon 65 s: longer than every time-out that is set often */

struct timer {
    struct timer *next, **link; /* link: what points here; NULL: not set */
    int64_t due_ms;
};

struct timers {
    struct timer *slot[TIMERS_SLOTS];
    uint64_t used[TIMERS_SLOTS / 64]; /* one bit a slot that is not empty */
    int64_t tick;                     /* the slot to look at next, counted from time 0 */
    size_t count;
};

void timers_init(struct timers *s, int64_t now_ms);
void timer_set(struct timers *s, struct timer *t, int64_t due_ms); /* moves it if it is set already */
void timer_clear(struct timers *s, struct timer *t);               /* harmless if it is not set */
static inline bool timer_is_set(const struct timer *t) { return t->link != NULL; }

/* Takes out one timer that is due at now_ms; NULL when none is. */
struct timer *timers_take(struct timers *s, int64_t now_ms);
/* When timers_take() should be called next; INT64_MAX when no timer is set. */
int64_t timers_deadline(const struct timers *s);

#endif
