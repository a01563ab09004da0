/* mail.h - the second simulated world: clients that send to standard and FIFO queues and receive from them; private to tests/sim/mail*.c,
 * but for mail_run().
 *
 *     mail.c           one seed, one run: plan, clock, crashes, the end           mail_model.c   the reference: what records mean
 *     mail_deeds.c     what is done next; sends; the calm                         mail_records.c every record has a reason
 *     mail_receives.c  what receivers do                                          mail_answers.c what clients are told
 *     mail_queues.c    what operators do                                          mail_compare.c the reference beside the core
 *     mail_disk.c      the journal: syncs, torn tails, compaction
 *
 * The reference knows no lists, heaps or indexes: a letter is a struct, and every question is answered by looking at all of them. After a
 * crash it is made anew from the whole history of records up to the one that survived, while the core has the compacted journal: so copies
 * that say too little show as differences. */
#ifndef LEAT_TESTS_SIM_MAIL_H
#define LEAT_TESTS_SIM_MAIL_H

#include "queue/core/core.h"
#include "tests/sim/plan.h"
#include "tests/sim/sim.h"

#define MAIL_QUEUES 6u
#define MAIL_LETTERS 512u
#define MAIL_ASKS 4096u
#define MAIL_RECEIVES 4096u
#define MAIL_CLIENTS 3u
#define MAIL_GROUPS 6u
#define MAIL_KEYS 12u
#define MAIL_ATTEMPTS 4u
#define MAIL_TASKS 64u
#define MAIL_BODY_BYTES 24u
#define MAIL_NONE UINT32_MAX

/* -- The journal ---------------------------------------------------------------------------------------------------------------- */
struct paper {
    uint64_t highest;     /* number of any record up to this one: carried keys keep their old ones */
    struct core_record r; /* its slices point into the three below */
    char reason[LIMIT_REASON_BYTES + 1], source[LIMIT_QUEUE_PATH_BYTES + 1];
    unsigned char body[MAIL_BODY_BYTES];
    bool copy; /* of compaction: says nothing new */
    bool lost; /* a mutation has not written it */
};

struct mail_disk {
    struct paper *at; /* every record that was ever kept; place = index + 1 */
    uint64_t cap, end, first, synced,
        flight;                            /* first: of the compacted journal; flight: end of the group that is being synced */
    uint64_t compact_until, compact_after; /* 0: not compacting */
};

/* -- The reference -------------------------------------------------------------------------------------------------------------- */
struct letter {
    bool alive, leased, promised, deleted; /* promised, deleted: its sender, its receiver was told so */
    bool reasoned;                         /* its last TRANSFER says why */
    uint32_t queue, group, key, priority, count, before, lease_step_receive, source;
    uint64_t seq, number, place, lease_number, end_number; /* number: of its POST */
    uint64_t lease_step;                                   /* in which it was leased last */
    int64_t accepted_ms, due_ms, first_ms, received_ms, kept_ms, own_delay_ms;
    int64_t old_ms;      /* since when it was seen to be too old, 0: it is not */
    uint32_t told_count; /* highest receive count that somebody was told */
};

struct mail_task {
    bool there;
    uint32_t queue;
    struct core_task task;
    char destination[LIMIT_QUEUE_PATH_BYTES + 1];
};

struct mail_key {
    bool known;
    uint32_t letter;
    uint64_t seq;
    int64_t expires_ms;
};

struct mail_queue {
    bool made, ever_made;
    uint32_t number;
    struct core_queue_attributes a;
    uint64_t place; /* of its definition */
    int64_t removed_ms, purged_ms;
    struct mail_key keys[MAIL_KEYS][MAIL_GROUPS + 1]; /* [.][0]: the queue's */
    uint64_t lost_number;                 /* of the last record that took a letter from a receive that was not answered yet */
    uint64_t made_number, removed_number; /* of the last records that said so */
    uint64_t made_promised, removed_promised; /* the same, as far as somebody was told */
};

struct mail_model {
    struct letter letters[MAIL_LETTERS];
    uint32_t letter_count;
    struct mail_queue queues[MAIL_QUEUES];
    struct mail_task tasks[MAIL_TASKS];
    uint64_t number, committed;
};

/* A question of a client, by its tag; and a receive, likewise. */
struct mail_ask {
    bool open;
    enum core_event_kind kind;
    enum core_answer expected, or_else; /* or_else: likewise right */
    bool maybe_full;                    /* memory, or a bound that the reference does not count */
    uint64_t number;                    /* must be on disk before the answer */
    uint32_t letter;                    /* POST: of which the answer speaks; DELETE */
    uint64_t value;
    uint32_t queue, client;
    bool ends;    /* DELETE: the letter ends with it */
    bool refused; /* it was answered that there is no room for it */
};

struct mail_receive {
    bool open, taken, stopped, gone, again;
    bool looks; /* it may have asked for no time: others may have received what it is shown */
    uint32_t queue, client, max, attempt;
    int64_t until_ms, visibility_ms;
    uint64_t step, since; /* in which it was asked, and the last record then */
};

struct mail_attempt {
    uint32_t queue, count;
    uint32_t letters[LIMIT_RECEIVE_MESSAGES], leases[LIMIT_RECEIVE_MESSAGES];
    uint64_t seqs[LIMIT_RECEIVE_MESSAGES];
    int64_t at_ms;
    bool spoilt;
};

/* -- The world ------------------------------------------------------------------------------------------------------------------ */
struct mail_plan {
    uint32_t deeds, crash, tear, sync, compact, changes, removals, purges, tasks, cancels, stale, visibility, waits, stops,
        leaves, disk, copies;
    uint32_t grouped, hot, delayed, scheduled, attempts,
        again; /* hot: of the grouped those of one group, of all those of one queue */
    int64_t step_ms, jump_ms;
    bool memory_fails;
    uint32_t check_each, max_messages, max_keys;
};

struct mail_world {
    struct mail_plan plan;
    struct rng random;
    enum sim_mutation mutation;
    FILE *trace;
    struct sim_result *result;
    struct core *core;
    struct core_effects *effects;
    struct mail_disk disk;
    struct mail_model model;
    int64_t now_ms;
    bool open, calm, failed, crashing;
    struct mail_ask asks[MAIL_ASKS];
    struct mail_receive receives[MAIL_RECEIVES];
    uint32_t ask_count, receive_count;
    struct mail_attempt attempts[MAIL_ATTEMPTS];
    const struct core_event *event;
    uint32_t given_left, given_receive; /* GIVEN effects that still belong to a receive */
    uint64_t fresh_seq;                 /* highest number that anybody was told */
    bool disk_full, exhausted;
};

void mail_fail(struct mail_world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
void mail_say(struct mail_world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool mail_chance(struct mail_world *w, uint32_t per_mille); /* never in the calm */
struct core_event mail_event(const struct mail_world *w, enum core_event_kind kind);
void mail_step(struct mail_world *w, struct core_event *e);
void mail_catch_up(struct mail_world *w); /* ticks until the core has nothing to do at this moment */
struct id mail_id(uint32_t letter);
uint32_t mail_letter(const struct id *id); /* MAIL_NONE: nobody's */
const char *mail_name(uint32_t queue);
enum core_queue_kind mail_kind(uint32_t queue); /* by name, for ever */

/* mail_deeds.c */
void mail_deed(struct mail_world *w);
void mail_drain(struct mail_world *w); /* the calm: everything is received and deleted */
uint32_t mail_pick(struct mail_world *w, uint32_t n);
uint32_t mail_some_queue(struct mail_world *w); /* to send to, to receive from: in noisy worlds mostly the one */
/* A question with a tag of its own; NULL when the run has asked enough. */
struct mail_ask *mail_ask(struct mail_world *w, struct core_event *e, uint32_t queue, enum core_answer expected);
void mail_put(struct mail_world *w, struct core_event *e, struct mail_ask *a); /* the step, and when its answer is due */

/* mail_receives.c */
void mail_receive_now(struct mail_world *w, uint32_t queue, uint32_t max, int64_t wait_ms, int64_t visibility_ms,
                      uint32_t attempt);
void mail_delete(struct mail_world *w, uint32_t letter, uint32_t lease);
void mail_deed_receive(struct mail_world *w);
void mail_deed_stop(struct mail_world *w);
void mail_deed_leave(struct mail_world *w);
void mail_deed_delete(struct mail_world *w);
void mail_deed_visibility(struct mail_world *w);

/* mail_queues.c */
void mail_create(struct mail_world *w, uint32_t queue);
void mail_deed_create(struct mail_world *w);
void mail_deed_change(struct mail_world *w);
void mail_deed_purge(struct mail_world *w);
void mail_deed_remove(struct mail_world *w);
void mail_deed_task(struct mail_world *w);
void mail_deed_cancel_task(struct mail_world *w);

/* mail_disk.c */
void mail_append(struct mail_world *w, const struct core_effect *e);
void mail_sync(struct mail_world *w);
void mail_cut(struct mail_world *w); /* a crash */
void mail_compact(struct mail_world *w);
int mail_replay(struct mail_world *w);

/* mail_model.c */
void mail_apply(struct mail_world *w, const struct paper *p, uint64_t place, bool now);
void mail_remember(struct mail_world *w);                                  /* the reference anew, from history */
uint32_t mail_queue_numbered(const struct mail_world *w, uint32_t number); /* MAIL_NONE */
uint32_t mail_queue_named(const char *name);
bool mail_in_flight(const struct mail_world *w, const struct letter *l);
bool mail_hidden(const struct mail_world *w, const struct letter *l);
bool mail_expired(const struct mail_world *w, const struct letter *l);
uint32_t mail_dead_letters(const struct mail_world *w, uint32_t queue); /* MAIL_NONE */
bool mail_worn(const struct mail_world *w, const struct letter *l);
uint32_t mail_inflight_count(const struct mail_world *w, uint32_t queue, uint32_t group /* 0: all */);
bool mail_deliverable(const struct mail_world *w, const struct letter *l); /* now, to a new receive */
const struct mail_key *mail_known_key(const struct mail_world *w, uint32_t queue, uint32_t key, uint32_t group); /* NULL */

/* mail_records.c, mail_answers.c, mail_compare.c */
void mail_judge_record(struct mail_world *w, const struct core_record *r);
void mail_judge_answer(struct mail_world *w, const struct core_effect *e);
void mail_judge_received(struct mail_world *w, const struct core_effect *e);
void mail_judge_given(struct mail_world *w, const struct core_effect *e);
bool mail_any_deliverable(const struct mail_world *w, uint32_t queue);
void mail_judge_promises(struct mail_world *w); /* after a recovery */
void mail_compare(struct mail_world *w);

/* One seed in this world. mutation: one of those for it, or SIM_NONE. */
void mail_run(const struct sim_options *options, struct sim_result *result);

#endif
