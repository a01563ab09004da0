/* plan.c - from a seed to a world. A third of all rates is zero, so that calm worlds and worlds with one kind of fault come up as well
 * as storms: what a storm hides, a quiet world shows. */
#include "tests/sim/plan.h"

#include <string.h>

/* SplitMix64. */
uint64_t rng_next(struct rng *r)
{
    uint64_t x = r->state += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

uint32_t rng_below(struct rng *r, uint32_t n) { return (uint32_t)((rng_next(r) >> 32) * n >> 32); }

int64_t rng_between(struct rng *r, int64_t low, int64_t high) { return low + rng_below(r, (uint32_t)(high - low + 1)); }

bool rng_chance(struct rng *r, uint32_t per_mille) { return per_mille > 0 && rng_below(r, 1000) < per_mille; }

static uint32_t rate(struct rng *r, uint32_t most) { return rng_below(r, 3) == 0 ? 0 : 1 + rng_below(r, most); }

static void plan_queues(struct plan *p, struct rng *r)
{
    struct core_queue_attributes *a = p->queues;
    static const char *const names[SIM_QUEUES] = {"leat-jobs", "leat-jobs-dead", "other", ""};
    for (uint32_t q = 0; q < SIM_QUEUES; q++) {
        memcpy(a[q].name, names[q], strlen(names[q]) + 1);
        a[q].visibility_ms = rng_between(r, 200, 4000);
        a[q].retention_ms = 4000000;
        a[q].max_messages = UINT32_MAX;
        a[q].max_bytes = UINT64_MAX;
        a[q].kind = q == SIM_QUEUE_DEAD ? CORE_STANDARD : CORE_JOBS;
    }
    memcpy(a[SIM_QUEUE_JOBS].dead_letter, names[SIM_QUEUE_DEAD], strlen(names[SIM_QUEUE_DEAD]) + 1);
    a[SIM_QUEUE_JOBS].max_receive_count = (uint32_t)rng_between(r, 2, 6);
    a[SIM_QUEUE_OTHER].delay_ms = rng_chance(r, 200) ? rng_between(r, 1, 500) : 0;
    if (rng_chance(r, 150))
        a[SIM_QUEUE_JOBS].retention_ms = rng_between(r, 2000, 9000);
    if (rng_chance(r, 150))
        a[SIM_QUEUE_DEAD].retention_ms = rng_between(r, 3000, 30000);
    if (rng_chance(r, 100))
        a[SIM_QUEUE_JOBS].max_messages = 20;
    if (rng_chance(r, 100))
        a[SIM_QUEUE_JOBS].max_bytes = 800;
}

static void plan_jobs(struct plan *p, struct rng *r)
{
    p->burst = rng_below(r, 256) == 0;
    p->jobs = p->burst ? 5000 : 40 + rng_below(r, 240);
    p->clients = 1 + rng_below(r, SIM_CLIENTS);
    p->groups = 1 + rng_below(r, SIM_GROUPS);
    p->batch = 1 + rng_below(r, 16);
    p->faults_ms = rng_between(r, 3000, 15000);
    p->hot = rate(r, 800);
    p->grouped = rng_chance(r, 100) ? 0 : 500 + rng_below(r, 500);
    p->waited = rate(r, 600);
    p->delayed = rate(r, 300);
    p->keyed = rate(r, 400);
    p->other = rate(r, 300);
    p->nowhere = rate(r, 20);
    p->cancel = rate(r, 60);
    p->watch = rate(r, 60);
    p->call = rate(r, 200);
    p->split = rate(r, 500);
}

static void plan_faults(struct plan *p, struct rng *r)
{
    p->net_drop = rate(r, 100);
    p->net_double = rate(r, 100);
    p->net_ms = rng_between(r, 1, 20);
    p->net_late_ms = rng_chance(r, 500) ? rng_between(r, 100, 1000) : 0;
    p->sync_ms = rng_between(r, 1, 10);
    p->sync_late_ms = rng_chance(r, 300) ? rng_between(r, 100, 1500) : 0;
    p->broker_crash = rate(r, 300);
    p->torn_records = rng_chance(r, 500);
    p->worker_crash = rate(r, 60);
    p->worker_slow = rate(r, 80);
    p->worker_break = rate(r, 30);
    p->worker_leave = rate(r, 30);
    p->give_back = rate(r, 80);
    p->extend = rate(r, 300);
    p->poison = rate(r, 30);
    p->stopped = rate(r, 20);
    p->client_restart = rate(r, 10);
    p->admin_ms = rng_chance(r, 600) ? rng_between(r, 200, 3000) : 0;
    p->redrive = rate(r, 400);
    p->purge = rate(r, 60);
    p->disk_full = rate(r, 300);
    p->change = rate(r, 300);
    p->compact_ms = rng_chance(r, 700) ? rng_between(r, 20, 1500) : 0;
    p->memory_fails = rng_chance(r, 60);
}

void plan_make(struct plan *p, struct rng *r)
{
    static const uint32_t each[] = {1, 8, 8, 64, 64, 64, 64, 64};
    memset(p, 0, sizeof *p);
    plan_jobs(p, r);
    plan_faults(p, r);
    plan_queues(p, r);
    p->workers = 1 + rng_below(r, SIM_WORKERS);
    p->credit = 1 + rng_below(r, p->burst ? 200 : 12);
    p->check_each = p->burst ? 512 : each[rng_below(r, sizeof each / sizeof each[0])];
    p->max_messages = rng_chance(r, 50) && !p->burst ? 30 : 100000;
    p->max_keys = rng_chance(r, 150) ? 1 + rng_below(r, 8) : 1000;
    p->batch_max = 1 + rng_below(r, 32);
    p->slices = 1u << rng_below(r, 7);
    p->key_window_ms = rng_between(r, 500, 20000);
    p->worker_silence_ms = rng_between(r, 800, 2500);
    p->first_number = rng_chance(r, 500) ? 4096 - rng_below(r, 500) : 0;
    if (p->burst)
        p->poison = 0;
}
