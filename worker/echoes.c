/* echoes.c - the clock of echoes that take their time; see echoes.h. */
#include "worker/echoes.h"

#include <assert.h>

#include "common/op.h"

void echoes_init(struct echoes *e, int64_t delay_ms)
{
    assert(delay_ms > 0);
    *e = (struct echoes){.delay_ms = delay_ms};
}

void echoes_reset(struct echoes *e) { *e = (struct echoes){.delay_ms = e->delay_ms}; }

void echoes_look(struct echoes *e, int64_t now_ms)
{
    e->now_ms = now_ms;
    e->selected = false;
}

/* The next one begins when the last one was over; but who had nothing to do, or was held up for long, does not catch up. */
static void begin(struct echoes *e)
{
    bool at_once = e->last_ms != 0 && e->now_ms - e->last_ms < e->delay_ms;
    e->ends_ms = (at_once ? e->last_ms : e->now_ms) + e->delay_ms;
}

static bool over(struct echoes *e, size_t place)
{
    if (place < e->over)
        return true;
    if (e->ends_ms == 0)
        begin(e);
    if (e->now_ms < e->ends_ms)
        return false;
    if (e->over++ == 0)
        e->first_ms = e->ends_ms;
    e->last_ms = e->ends_ms;
    e->ends_ms = 0;
    return true;
}

bool echoes_stop(void *self, size_t count, struct slice body)
{
    struct echoes *e = self;
    struct op op;
    bool echo = op_decode(body, &op) == 0 && op.code == OP_ECHO;
    if (count == 0)
        e->selected = echo;
    if (echo != e->selected)
        return true;
    return echo && !over(e, count);
}

bool echoes_hold(const struct echoes *e, size_t count)
{
    return e->selected && count > 0 && e->ends_ms != 0 && e->now_ms < e->first_ms + ECHO_HOLD_MS;
}

void echoes_ended(struct echoes *e, size_t count)
{
    if (!e->selected)
        return;
    assert(count <= e->over);
    e->over -= count;
    e->first_ms = e->over > 0 ? e->now_ms : 0;
}

int64_t echoes_deadline(const struct echoes *e)
{
    int64_t hold_ms = e->over > 0 ? e->first_ms + ECHO_HOLD_MS : INT64_MAX;
    return e->ends_ms != 0 && e->ends_ms < hold_ms ? e->ends_ms : hold_ms;
}
