/* bench_pace.h - when which request is to be sent, for a load test with a fixed rate. Pure.
 *
 * The plan is made before the first answer comes: turn n is due at start + n / rate, whatever the server does, and belongs to lane
 * n % lanes (a user, or a place among the messages under way). So each lane has its own even beat, and all of them together the
 * rate. A lane that is busy when its turn comes is late: the request goes out as soon as the lane is free, and its latency runs from
 * the planned time, so that a stall of the server is measured by everybody who would have met it. */
#ifndef LEAT_CLI_BENCH_PACE_H
#define LEAT_CLI_BENCH_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define BENCH_RATE_MAX 1000000 /* a second: turns are told apart by the microsecond */

struct bench_pace {
    int64_t start_us;
    uint64_t rate, lanes; /* rate 0: no plan, requests follow each other */
    uint64_t next;        /* the first turn that bench_pace_take() has not given away */
};

/* rate at most BENCH_RATE_MAX, lanes at least 1. */
void bench_pace_start(struct bench_pace *p, uint64_t rate, uint64_t lanes, int64_t now_us);

int64_t bench_pace_at_us(const struct bench_pace *p, uint64_t turn); /* when it is planned */
int64_t bench_pace_due_us(const struct bench_pace *p);               /* when the next one is due; INT64_MAX without a plan */

/* If the next turn is due: true, its lane, and on to the one after it. */
bool bench_pace_take(struct bench_pace *p, int64_t now_us, uint64_t *lane);

/* The first turn of this lane that is not over yet: where a lane begins that was not there before. */
uint64_t bench_pace_turn(const struct bench_pace *p, uint64_t lane, int64_t now_us);

/* How many turns were due by now: of all lanes from the next one on, and of one lane from its turn on. */
uint64_t bench_pace_missed(const struct bench_pace *p, int64_t now_us);
uint64_t bench_pace_missed_by(const struct bench_pace *p, uint64_t turn, int64_t now_us);

#endif
