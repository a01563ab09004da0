/* peers.h - those around the broker: clients that send jobs, workers that apply them, the store they apply them to. */
#ifndef LEAT_TESTS_SIM_PEERS_H
#define LEAT_TESTS_SIM_PEERS_H

#include "queue/core/core.h"
#include "tests/sim/plan.h"

struct world;
struct frame;
struct entry;

#define SIM_HELD_MAX 1024u /* jobs in one worker: more than its credit, for it may join again before it is through */

/* -- Clients ----------------------------------------------------------------------------------------------------------------- */
struct client {
    uint32_t handle;   /* the broker's name for it; a new one whenever it starts anew */
    uint32_t next;     /* its next job in the plan's order: client, client + clients, ... */
    uint64_t epoch;    /* of its timers */
    uint64_t instance; /* broker life that it knows */
};

/* A job as its client sees it. */
enum job_phase { JOB_UNSENT, JOB_SENT, JOB_WAITING, JOB_SETTLED };

void clients_start(struct world *w);
void client_receive(struct world *w, uint32_t client, const struct frame *f);

/* -- Workers ----------------------------------------------------------------------------------------------------------------- */
struct held {
    uint32_t job, lease, conn; /* conn: the connection that it came by */
    uint64_t seq, value;
    int64_t arrived_ms;
};

struct worker {
    bool up, joined, leaving, stopped;
    bool healed;                        /* its last life ended for another's fault */
    uint64_t epoch;                     /* of its timers: one life of the process */
    uint32_t conn;                      /* its present connection; frames of others are lost */
    int64_t to_broker_ms, to_worker_ms; /* arrival of the last frame on it: frames keep their order */
    int64_t stopped_until_ms;
    uint32_t credit_owed;
    uint32_t held_count, batch_count; /* the first batch_count of held are being applied */
    struct held held[SIM_HELD_MAX];
};

void workers_start(struct world *w);
void worker_receive(struct world *w, uint32_t worker, const struct frame *f);
void worker_connect(struct world *w, uint32_t worker); /* a new connection, with a JOIN on it */

/* -- The store --------------------------------------------------------------------------------------------------------------- */
struct outcome {
    bool present;
    uint32_t applied; /* how often the job took effect */
    uint64_t value, seq;
    int64_t finished_ms;
};

/* One transaction for one job: the recorded outcome if there is one (it counts as new again), else the job takes effect and gets one. */
uint64_t store_apply(struct world *w, uint32_t job, uint64_t seq);
/* Forgets outcomes below the number that the broker published, once they are old enough. */
void store_sweep(struct world *w, uint64_t low_seq);

#endif
