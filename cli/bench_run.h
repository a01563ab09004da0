/* bench_run.h - the course of one load test, whoever sends the requests: when to send, how many users, when it is over.
 *
 *     begin ──▶ SENDING ──duration is over, or Ctrl-C──▶ DRAINING ──nothing is under way, or time is up, or Ctrl-C again──▶ over
 *
 * The sender calls bench_run_turn() at least every BENCH_TURN_MS, and keeps to run->target and, with --rate, to run->pace: its lanes
 * are the users, or the places of messages under way; those from target on are left out. */
#ifndef LEAT_CLI_BENCH_RUN_H
#define LEAT_CLI_BENCH_RUN_H

#include "cli/bench_jobs.h"
#include "cli/bench_settings.h"
#include "cli/bench_tally.h"

#define BENCH_TURN_MS 20

struct bench_run {
    const struct bench_settings *s;
    struct bench_jobs *jobs;
    struct bench_tally *tally;
    uint32_t target; /* users that should be sending now; 0: none, what is under way ends */
    struct bench_pace pace;
    /* private */
    uint32_t peak;
    bool live, draining;
    int64_t start_us, second_us, drain_us;
};

/* peak: the users (or messages under way) at the top of the profile. Catches SIGINT and SIGTERM from here to the end. */
void bench_run_begin(struct bench_run *r, uint32_t peak, int64_t now_us);
/* False: it is over. users: at work now; under_way: requests without an answer. Draws the live line when a second is over. */
bool bench_run_turn(struct bench_run *r, uint32_t users, uint64_t under_way, int64_t now_us);
void bench_run_end(struct bench_run *r, uint64_t under_way); /* restores the signals */

/* Until fd is readable or until_us has come (monotonic), to the microsecond. */
void bench_run_wait(int fd, int64_t until_us, int64_t now_us);

/* The senders. Each drives r from begin to end. 0, or -1 with the reason when nothing could be sent at all. */
int bench_http_run(struct bench_run *r, struct err *e);
int bench_native_run(struct bench_run *r, struct err *e);

#endif
