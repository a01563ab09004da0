/* plan.h - what kind of world a seed makes: how many of each, how fast, how faulty. Rates are per mille. */
#ifndef LEAT_TESTS_SIM_PLAN_H
#define LEAT_TESTS_SIM_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "queue/core/core.h"

#define SIM_JOBS_MAX 6144u
#define SIM_CLIENTS 5u
#define SIM_WORKERS 6u
#define SIM_GROUPS 64u
#define SIM_HOT_GROUPS 3u
#define SIM_KEYS 24u
#define SIM_BODY_BYTES 40u

#define SIM_QUEUE_JOBS 0u  /* jobs, dead letters go to SIM_QUEUE_DEAD */
#define SIM_QUEUE_DEAD 1u  /* no worker takes from it */
#define SIM_QUEUE_OTHER 2u /* jobs, no dead-letter queue, no limit of receives */
#define SIM_QUEUE_NONE 3u  /* never made: sends to it are refused */
#define SIM_QUEUES 4u

#define SIM_GIVE_UP_MS 4000    /* a client sends no job again that it began to send so long ago, but in the calm */
#define SIM_KEEP_MS 8000       /* the store keeps outcomes at least so long: longer than anybody sends again */
#define SIM_HOLD_MS 6000       /* a worker applies no job that it was given so long ago: its outcome may be swept already */
#define SIM_CALM_MAX_MS 900000 /* after the last fault everything must be settled within this time */

struct plan {
    uint32_t jobs, clients, workers, groups, batch, credit;
    int64_t faults_ms;                                             /* jobs come and things break so long; then all is calm */
    uint32_t hot, grouped, waited, delayed, keyed, other, nowhere; /* kinds of jobs */
    uint32_t net_drop, net_double;
    int64_t net_ms, net_late_ms; /* usual and rare delay of a frame */
    int64_t sync_ms, sync_late_ms;
    uint32_t broker_crash; /* per 100,000 steps */
    bool torn_records;     /* a crash may cut a group between two records, not only lose it */
    uint32_t worker_crash, worker_slow, worker_break, worker_leave, give_back, extend, poison, stopped;
    uint32_t cancel, watch, call, client_restart, split;
    int64_t admin_ms, compact_ms; /* between two doings, 0: never */
    uint32_t redrive, purge, disk_full, change;
    bool memory_fails;
    bool burst;          /* thousands of jobs at once, more than the effects of one step can say */
    uint32_t check_each; /* the whole structure is compared after so many steps */
    uint32_t max_messages, max_keys, batch_max, slices;
    int64_t key_window_ms, worker_silence_ms;
    uint64_t first_number; /* so many records are behind us: the index of what is alive works in blocks of 4096 */
    struct core_queue_attributes queues[SIM_QUEUES]; /* those with a name are made */
};

struct rng {
    uint64_t state;
};

uint64_t rng_next(struct rng *r);
uint32_t rng_below(struct rng *r, uint32_t n); /* 0 .. n-1; 0 for n = 0 */
int64_t rng_between(struct rng *r, int64_t low, int64_t high);
bool rng_chance(struct rng *r, uint32_t per_mille);

void plan_make(struct plan *p, struct rng *r);

#endif
