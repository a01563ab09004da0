/* bench_pace.c - turns are numbered, their times computed: nothing adds up, so nothing drifts. */
#include "cli/bench_pace.h"

#include <assert.h>

#define US_PER_S INT64_C(1000000)

void bench_pace_start(struct bench_pace *p, uint64_t rate, uint64_t lanes, int64_t now_us)
{
    assert(rate <= BENCH_RATE_MAX && lanes > 0);
    *p = (struct bench_pace){.start_us = now_us, .rate = rate, .lanes = lanes};
}

int64_t bench_pace_at_us(const struct bench_pace *p, uint64_t turn)
{
    assert(p->rate > 0);
    return p->start_us + (int64_t)(turn * (uint64_t)US_PER_S / p->rate);
}

int64_t bench_pace_due_us(const struct bench_pace *p) { return p->rate > 0 ? bench_pace_at_us(p, p->next) : INT64_MAX; }

bool bench_pace_take(struct bench_pace *p, int64_t now_us, uint64_t *lane)
{
    if (bench_pace_due_us(p) > now_us)
        return false;
    *lane = p->next++ % p->lanes;
    return true;
}

/* How many turns, from 0 on, are due before that moment. */
static uint64_t turns_before(const struct bench_pace *p, int64_t us)
{
    int64_t elapsed_us = us - p->start_us;
    if (p->rate == 0 || elapsed_us <= 0)
        return 0;
    return ((uint64_t)elapsed_us * p->rate + (uint64_t)US_PER_S - 1) / (uint64_t)US_PER_S;
}

uint64_t bench_pace_turn(const struct bench_pace *p, uint64_t lane, int64_t now_us)
{
    assert(lane < p->lanes);
    uint64_t over = turns_before(p, now_us);
    return over <= lane ? lane : lane + (over - lane + p->lanes - 1) / p->lanes * p->lanes;
}

uint64_t bench_pace_missed_by(const struct bench_pace *p, uint64_t turn, int64_t now_us)
{
    uint64_t due = turns_before(p, now_us + 1);
    return due <= turn ? 0 : (due - turn - 1) / p->lanes + 1;
}

uint64_t bench_pace_missed(const struct bench_pace *p, int64_t now_us)
{
    uint64_t due = turns_before(p, now_us + 1);
    return due <= p->next ? 0 : due - p->next;
}
