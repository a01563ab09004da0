/* model.h - the checker: what the core has promised, what it may say next, and what it must look like.
 *
 * It keeps a plain mirror of the core (no lists, no heap: one struct message in each job), which is made anew from the surviving records
 * after a crash, and a ledger of promises that outlives crashes. Every step is framed:
 *
 *     model_before(event) -> core_step() -> model_stepped() -> model_effect(each effect) -> model_after() [-> model_compare()]
 *
 * The first thing that does not fit is reported with world_fail(). */
#ifndef LEAT_TESTS_SIM_MODEL_H
#define LEAT_TESTS_SIM_MODEL_H

#include "queue/core/core.h"
#include "tests/sim/plan.h"

struct world;
struct job;

#define SIM_INDEXES 16u /* places for workers in the broker */
#define SIM_HANDLES 64u /* names for clients in one life of the broker */
#define SIM_CALLS 256u
#define SIM_WAITERS 6u /* the core tells no more of one end */

enum end { END_NONE, END_DONE, END_CANCELLED, END_PURGED, END_EXPIRED };

struct message {
    bool live, durable, leased;
    bool finished; /* in this step: gone or dead-lettered */
    bool noted;    /* in the step's list */
    uint32_t queue, count, worker, lease;
    uint64_t delivery, loosened;         /* the steps that leased it and that ended the lease */
    uint64_t seq, location, accepted_at; /* accepted_at: place of its first SEND record */
    uint64_t left_at;                    /* where its body lay before it was copied */
    int64_t due_ms, accepted_ms;         /* due_ms: of a delay or of the lease; 0 none */
    uint64_t waiters, told;              /* handles, one bit each; told: in this step */
    uint32_t before, after;              /* in the group's list of live messages */
};

struct model_worker {
    bool joined, leaving, left, suspect;
    uint32_t credit, calls, leases, calls_out;
    uint32_t given[SIM_QUEUES];  /* in this step, from each queue */
    int64_t heard_ms, silent_ms; /* silent_ms: when it was given up for its silence */
};

struct model_call {
    bool open, lost; /* lost: its worker went in this step */
    uint32_t client, worker, attempts;
    uint64_t number, tag;
    int64_t due_ms;
};

struct model_key {
    bool known, promised;
    uint32_t job;
    uint64_t hash;
    int64_t expires_ms;
};

/* The last message that left its group's order unfinished (cancelled, purged, expired, dead): those behind it wait for its record. */
struct model_leaver {
    uint64_t seq, number;
};

/* Clients that are to be told DEAD when record `number` is on disk. */
struct model_debt {
    uint32_t job;
    uint64_t number, clients;
};

struct model {
    bool made[SIM_QUEUES];
    struct core_queue_attributes queues[SIM_QUEUES];
    uint64_t defined_at[SIM_QUEUES]; /* place of the definition */
    struct model_worker workers[SIM_INDEXES];
    struct model_call calls[SIM_CALLS];
    struct model_key keys[SIM_KEYS];
    uint32_t groups[SIM_GROUPS + 1];                  /* first live message of each; [0]: those without a group */
    uint64_t applied_seq[SIM_QUEUES][SIM_GROUPS + 1]; /* last one that took effect in order */
    struct model_leaver leavers[SIM_QUEUES][SIM_GROUPS + 1];
    uint64_t number, committed, durable_number;     /* last record; last one the core knows to be on disk; highest one ever */
    uint64_t live, working, calls_open, live_bytes; /* counts; working: live in a queue that workers take from */
    bool disk_full;
    struct model_debt debts[SIM_JOBS_MAX];
    uint32_t debt_count;
    /* the step that is under way */
    int64_t now_ms, latest_ms; /* latest_ms: of all lives; a wall clock that was set back can take some of it back */
    const struct core_event *event;
    uint32_t noted[CORE_EFFECTS_MAX], noted_count;
    uint32_t target;        /* the job whose lease a worker speaks of, or CORE_NONE */
    uint32_t freed, let_go; /* FREED effects, and what asks for one */
    uint32_t moved;
    bool answered; /* the SEND: at once, or by a record */
    uint32_t idle_ticks;
};

void model_before(struct world *w, const struct core_event *e);
void model_stepped(struct world *w);
void model_effect(struct world *w, const struct core_effect *e);
void model_after(struct world *w);
void model_compare(struct world *w); /* the mirror and the whole core; O(n) */

/* The broker is gone: all that lives in memory only is forgotten. */
void model_crash(struct world *w);
/* The mirror as the surviving records have it, and whether they keep all promises. */
void model_replay(struct world *w);
/* The broker says that it knows nothing of a job: may that be? */
void model_unknown(struct world *w, uint32_t job);
/* A job frame that was sent in step `delivery` arrives at the worker in place `index`: does somebody else have that lease? */
void model_arrival(struct world *w, uint32_t index, uint32_t job, uint64_t delivery);
/* Nothing is under way any more: was every promise kept? */
void model_end(struct world *w);
/* What a SEND must be answered: the result, and the job whose id the answer names. maybe_full: it may be refused for want of room, too. */
enum core_send_result model_expect(struct world *w, const struct core_event *e, uint32_t *known, bool *maybe_full);

/* -- Parts of it: model_records.c, model_calls.c, model_answers.c, model_mirror.c ------------------------------------------------- */
void model_record(struct world *w, const struct core_effect *e);
void model_call(struct world *w, const struct core_effect *e);
void model_call_reply(struct world *w, const struct core_effect *e);
void model_calls_after(struct world *w);
void model_calls_lost(struct world *w, uint32_t index); /* their worker is gone */
void model_sent(struct world *w, const struct core_effect *e);
void model_told(struct world *w, const struct core_effect *e);
void model_cancelled(struct world *w, const struct core_effect *e);
void model_deliver(struct world *w, const struct core_effect *e);

struct job *model_job(struct world *w, const struct id *id); /* NULL, and a failure, if there is none */
void model_enter(struct world *w, struct job *j, const struct core_record *r, uint64_t location);
void model_leave(struct world *w, struct job *j);
void model_to_queue(struct world *w, struct job *j, const struct core_record *r);
void model_unlease(struct world *w, struct job *j);
void model_learn_key(struct world *w, const struct core_record *r);
void model_learn_queue(struct world *w, const struct core_record *r, uint64_t place);
void model_note(struct world *w, struct job *j);                    /* something was said of its end in this step */
bool model_works(const struct world *w, uint32_t queue);            /* workers take from it */
uint32_t model_dead_letters(const struct world *w, uint32_t queue); /* index of its dead-letter queue; SIM_QUEUES: none */
bool model_committing(const struct world *w, const struct job *j);
bool model_outlived(const struct world *w, const struct job *j, uint32_t queue); /* that queue's retention has passed */
bool model_busy(const struct world *w);                          /* the core has more to say at this very moment */
void model_owe(struct world *w, struct job *j, uint64_t number); /* those who wait for the job are to be told that it is dead */
void model_add_waiter(struct job *j, uint32_t client);

#endif
