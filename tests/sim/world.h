/* world.h - what all parts of the simulation share: the clock, the timers, the frames in flight, the jobs, and who is there.
 *
 * Private to tests/sim. Everything happens in world_run(): the next timer or the core's deadline, whichever is first. */
#ifndef LEAT_TESTS_SIM_WORLD_H
#define LEAT_TESTS_SIM_WORLD_H

#include "tests/sim/disk.h"
#include "tests/sim/model.h"
#include "tests/sim/peers.h"
#include "tests/sim/plan.h"
#include "tests/sim/sim.h"

#define SIM_ENTRIES 16u
#define SIM_BATCHES 1024u

struct timer {
    int64_t at_ms;
    uint64_t order; /* equal times: first in, first out */
    void (*fire)(struct world *w, const struct timer *t);
    uint32_t who, frame;
    uint64_t epoch; /* the fire function drops it when its owner has begun another life since */
};

enum frame_kind {
    FRAME_SEND, /* client -> broker */
    FRAME_WATCH,
    FRAME_CANCEL,
    FRAME_CALL,
    FRAME_SENT, /* broker -> client */
    FRAME_RESULT,
    FRAME_DEAD,
    FRAME_UNKNOWN,
    FRAME_JOIN, /* worker -> broker */
    FRAME_CREDIT,
    FRAME_BEAT,
    FRAME_DONE,
    FRAME_GIVE_BACK,
    FRAME_EXTEND,
    FRAME_LEAVE,
    FRAME_ANSWER,
    FRAME_WELCOME, /* broker -> worker */
    FRAME_JOB,
    FRAME_CALLED,
    FRAME_LEFT,
    FRAME_WHO
};

struct entry {
    uint32_t job, lease, messages, calls;
    enum core_send_result result;
    uint64_t seq, value, call, low_seq;
    int64_t delay_ms;
    bool healed;
};

struct frame {
    enum frame_kind kind;
    uint32_t count, conn, handle, next_free;
    uint64_t instance; /* the broker's life, on what it sends */
    struct entry at[SIM_ENTRIES];
};

/* A job: as planned, as its client sees it, as the broker has it (message), as the store has it (outcome), and what was promised. */
struct job {
    struct id id;
    uint32_t client, queue, group, key, body_len; /* group: index, 0 none; key: index or CORE_NONE */
    uint64_t body_hash;
    int64_t delay_ms;
    unsigned char body[SIM_BODY_BYTES];
    bool wait, poison;

    enum job_phase phase;
    uint32_t tries;
    int64_t begun_ms, said_ms; /* first sent; last time something was said about it */

    struct message message;
    struct outcome outcome;

    bool promised;          /* somebody was told that it is accepted */
    bool recent;            /* the core must remember that it ended */
    uint64_t exempt_number; /* the record that made it exempt */
    bool exempt;            /* left its group's order: dead-lettered, cancelled, purged or expired once */
    bool dead;              /* a dead letter, with a reason */
    bool cancel_confirmed;  /* its client was told that it is cancelled */
    enum end end;
    uint64_t seq;                                    /* the number it was promised under */
    uint64_t release_number, move_number, end_place; /* last records about it */
    uint32_t release_count, move_queue;              /* what they said */
};

struct batch {
    bool used;
    uint32_t handle, count, answered;
    struct frame reply;
    enum core_send_result expected[SIM_ENTRIES];
    uint32_t known[SIM_ENTRIES];
    bool done[SIM_ENTRIES], maybe_full[SIM_ENTRIES];
};

struct peer {
    bool used;
    uint32_t worker, conn;
    int64_t heard_ms;
};

/* The broker's shell. */
struct broker {
    bool up, open, crashing, flush_asked, disk_full, acks_dropped; /* open: recovery is through, and the queues are made */
    struct core *core;
    uint64_t epoch;    /* its life */
    int64_t base_ms;   /* broker time - world time */
    int64_t newest_ms; /* highest time of the last life's records */
    uint64_t low_flushed, low_published;
    uint32_t handles; /* given to clients in this life */
    struct peer peers[SIM_INDEXES];
    struct batch batches[SIM_BATCHES];
    uint32_t batch_hint;
    /* compaction: records before compact_until were copied; they may go when what was appended before compact_after is on disk */
    uint64_t compact_until, compact_after, keys_until; /* keys_until: those before are copied already */
    bool compacting;
};

struct world {
    struct plan plan;
    struct rng random;
    enum sim_mutation mutation;
    FILE *trace;
    int64_t now_ms;
    bool calm, failed;
    struct sim_result *result;

    struct timer *timers;
    uint32_t timer_count, timer_cap;
    uint64_t timer_order;
    struct frame **frames; /* each stays where it is */
    uint32_t frame_used, frame_cap, frame_free;

    struct job *jobs;
    uint32_t job_count, unsettled;
    uint64_t group_numbers[SIM_GROUPS + 1];
    struct client clients[SIM_CLIENTS];
    struct worker workers[SIM_WORKERS];
    uint32_t conns;
    struct broker broker;
    struct disk disk;
    struct model model;
    struct core_effects effects;
};

/* -- world.c ------------------------------------------------------------------------------------------------------------------ */
void world_fail(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
void world_say(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3))); /* a line of the trace */
void world_hash(struct world *w, uint64_t value);
/* A fault may happen: never in the calm. */
bool world_fault(struct world *w, uint32_t per_mille);
/* The last step had no room left for effects or records, and may have had more to say. */
bool world_step_was_full(const struct world *w);
void world_after(struct world *w, int64_t delay_ms, void (*fire)(struct world *, const struct timer *), uint32_t who,
                 uint32_t frame, uint64_t epoch);
uint32_t frame_new(struct world *w, enum frame_kind kind, uint32_t count); /* index; entries are zero */
void frame_free(struct world *w, uint32_t frame);
static inline struct frame *frame_at(struct world *w, uint32_t frame) { return w->frames[frame]; }
static inline uint32_t job_of(const struct id *id)
{
    return (uint32_t)id->bytes[0] | (uint32_t)id->bytes[1] << 8 | (uint32_t)id->bytes[2] << 16;
}

/* -- network.c: takes over the frame ------------------------------------------------------------------------------------------ */
void net_from_client(struct world *w, uint32_t client, uint32_t frame);
void net_to_client(struct world *w, uint32_t handle, uint32_t frame);
void net_from_worker(struct world *w, uint32_t worker, uint32_t frame);
void net_to_worker(struct world *w, uint32_t index, uint32_t frame);

/* -- broker.c, recovery.c ---------------------------------------------------------------------------------------------------- */
void broker_start(struct world *w); /* also after a crash */
void broker_crash(struct world *w);
void broker_tick(struct world *w);
static inline int64_t broker_now(const struct world *w) { return w->now_ms + w->broker.base_ms; }
struct core_event broker_event(const struct world *w, enum core_event_kind kind);
void broker_step(struct world *w, struct core_event *e); /* does nothing while the broker is down or about to crash */
void broker_flush(struct world *w);
void broker_edge(struct world *w); /* between two things that belong together: a crash is likelier here */
uint64_t broker_append(struct world *w, const struct core_record *r);
void broker_head(struct world *w); /* a new segment begins */

/* -- front.c, back.c: frames into events and effects into frames -------------------------------------------------------------- */
void front_receive(struct world *w, uint32_t client, struct frame *f);
void front_effect(struct world *w, const struct core_effect *e);
void front_client_gone(struct world *w, uint32_t client);
struct batch *front_batch(struct world *w, uint64_t tag, uint32_t *entry); /* whom a SENT is for; NULL: nobody */
void back_receive(struct world *w, uint32_t worker, struct frame *f);
void back_effect(struct world *w, const struct core_effect *e);
void back_gone(struct world *w, uint32_t worker); /* the connection of a worker broke */

/* -- compact.c, admin.c: what an operator and the journal do now and then ----------------------------------------------------- */
void compact_start(struct world *w);
void compact_step(struct world *w); /* after a sync */
void admin_start(struct world *w);
void admin_calm(struct world *w); /* undoes its faults */

#endif
