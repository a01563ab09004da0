/* bench_run.c - the clockwork of a load test. */
#include "cli/bench_run.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "cli/bench_report.h"

#define SECOND_US INT64_C(1000000)
#define DRAIN_US (5 * SECOND_US) /* what has not been answered so long after the end is reported as unanswered */

static volatile sig_atomic_t stops;
static struct sigaction old_interrupt, old_terminate;

static void on_stop(int number)
{
    (void)number;
    if (stops < 2)
        stops++;
}

void bench_run_begin(struct bench_run *r, uint32_t peak, int64_t now_us)
{
    struct sigaction action = {.sa_handler = on_stop};
    stops = 0;
    sigaction(SIGINT, &action, &old_interrupt);
    sigaction(SIGTERM, &action, &old_terminate);
    r->peak = peak;
    r->live = !r->s->quiet && isatty(STDERR_FILENO);
    r->start_us = now_us;
    r->second_us = now_us + SECOND_US;
    r->target = bench_profile_users(r->s->profile, peak, 0, r->s->duration_ms);
    bench_tally_start(r->tally, r->s->duration_ms, now_us);
    bench_pace_start(&r->pace, (uint64_t)r->s->rate, peak, now_us);
    if (r->s->rate > 0)
        prctl(PR_SET_TIMERSLACK, 1ul); /* by default the kernel wakes up to 50 us late: that would count as latency */
}

void bench_run_end(struct bench_run *r, uint64_t under_way)
{
    r->tally->unanswered = under_way;
    if (r->live)
        bench_report_clear();
    sigaction(SIGINT, &old_interrupt, NULL);
    sigaction(SIGTERM, &old_terminate, NULL);
}

static void stop(struct bench_run *r, uint32_t users, int64_t now_us)
{
    bench_tally_stop(r->tally, users, now_us);
    r->draining = true;
    r->drain_us = now_us + DRAIN_US;
    r->target = 0;
}

bool bench_run_turn(struct bench_run *r, uint32_t users, uint64_t under_way, int64_t now_us)
{
    if (r->draining)
        return under_way > 0 && now_us < r->drain_us && stops < 2;
    int64_t elapsed_us = now_us - r->start_us;
    if (elapsed_us >= r->s->duration_ms * 1000 || stops > 0) {
        stop(r, users, now_us);
        return under_way > 0;
    }
    if (now_us >= r->second_us) {
        struct bench_sample second = bench_tally_second(r->tally, users, now_us);
        r->second_us += (1 + (now_us - r->second_us) / SECOND_US) * SECOND_US;
        if (r->live)
            bench_report_live(&second);
    }
    r->target = bench_profile_users(r->s->profile, r->peak, elapsed_us / 1000, r->s->duration_ms);
    return true;
}

void bench_run_wait(int fd, int64_t until_us, int64_t now_us)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int64_t us = until_us > now_us ? until_us - now_us : 0;
    ppoll(&p, 1, &(struct timespec){.tv_sec = us / SECOND_US, .tv_nsec = us % SECOND_US * 1000}, NULL);
}
