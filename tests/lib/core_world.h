/* core_world.h - tells stories about the broker's core: one core, a virtual clock, an allocator that counts and can fail, a journal kept
 * in memory, and short verbs for what clients and workers do.
 *
 * Protocol of use: world_create() -> verbs, each of which is one step (pass() as many as come due) -> expect_...() look at the visible
 * effects of the last verb, strictly in their order -> world_destroy(), which also checks that no memory is left.
 *
 * Messages have names of up to 15 characters; "name/200" lies in slice 200 of the group space. Queue JOBS hands out, queue DEAD takes
 * its dead letters. After every step core_check() runs, and the world checks for itself that records are numbered without a gap,
 * that nothing is told or handed out before its record is on disk, that no group has two messages in flight, that bodies are freed
 * exactly when their message is gone, and that the core knows how much memory it has. Nothing here reads a clock or waits. */
#ifndef LEAT_TESTS_LIB_CORE_WORLD_H
#define LEAT_TESTS_LIB_CORE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "queue/core/core.h"

enum { JOBS, DEAD, OTHER };
#define HOUR_MS (3600ll * 1000)
#define VISIBILITY_MS 30000

struct world_memory {
    uint64_t calls;   /* allocations asked for so far */
    uint64_t fail_at; /* this one fails; 0: none */
    bool fail_all;    /* from now on all fail */
    int64_t blocks, bytes;
};

struct world_record {
    struct core_record record; /* its slices point to the story's texts or into the core */
    uint64_t location;
};

struct world_body {
    uint32_t len;
    bool live;
};

/* A message as it was handed out. */
struct held {
    uint32_t worker, slot, lease;
    uint64_t seq;
    struct id id;
};

struct world {
    struct core *core; /* NULL when the allocator failed in core_create() */
    struct core_config config;
    struct world_memory memory;
    int64_t now_ms;
    uint64_t committed;
    bool quick; /* no checks that walk over all messages: for the long parts of a story */
    struct core_effects *out;
    struct core_effect *seen; /* visible effects of the last verb: all but JOURNAL and FREED */
    size_t seen_count, seen_cap, seen_at;
    struct world_record *journal;
    size_t journal_count, journal_cap;
    struct world_body *bodies; /* the body at location n + 1 */
    size_t body_count, body_cap;
    struct held *given; /* every delivery, in order */
    size_t given_count, given_cap;
    uint64_t asked, answered, calls, replies; /* SENDs and CANCELs, their answers; calls, their replies */
};

/* What a client sends; the fields left out are zero. */
struct letter {
    const char *name;
    uint64_t group;
    int64_t delay_ms;
    const char *key, *body; /* body: what the key's hash is of, too */
    bool wait;
    uint32_t queue, client;
    uint64_t tag;
};

struct core_config world_config(struct world_memory *memory); /* what world_create() takes */
struct core_queue_attributes world_attributes(uint32_t queue);
struct world *world_create(void);
/* With another configuration (NULL: the usual one), whose memory is replaced, and an allocation that fails (0: none). */
struct world *world_create_with(const struct core_config *config, uint64_t fail_at);
void world_destroy(struct world **w);
struct id name_id(const char *name);

/* -- Verbs -------------------------------------------------------------------------------------------------------------------------------- */
void event(struct world *w, struct core_event *e); /* now_ms is set here */
void put_letter(struct world *w, const struct letter *l);
#define put(w, ...) put_letter(w, &(struct letter){.name = __VA_ARGS__})              /* SEND */
#define add(w, ...) (put_letter(w, &(struct letter){.name = __VA_ARGS__}), commit(w)) /* SEND, and all is on disk */
void add_many(struct world *w, uint32_t count, const struct letter *l);               /* named l->name + number */
void commit(struct world *w);
void commit_to(struct world *w, uint64_t number);
void tick(struct world *w, int64_t ms); /* the clock jumps, one TICK */
/* Time passes from deadline to deadline, each with a TICK; nothing may happen but at a deadline. */
void pass(struct world *w, int64_t ms);
void join(struct world *w, uint32_t worker);
void credit(struct world *w, uint32_t worker, uint32_t messages);
void call_credit(struct world *w, uint32_t worker, uint32_t calls);
void heard(struct world *w, uint32_t worker);
void leave(struct world *w, uint32_t worker);
void gone(struct world *w, uint32_t worker);
void gone_to_heal(struct world *w, uint32_t worker); /* by no fault of its own */
void join_healed(struct world *w, uint32_t worker);
struct held held(const struct world *w, const char *name); /* its last delivery */
void done_with(struct world *w, const struct held *h, const char *outcome);
void done(struct world *w, const char *name); /* by whom it was handed to last, with the outcome "ok" */
void done_all(struct world *w);               /* of the last verb's deliveries */
void give_back(struct world *w, const char *name, int64_t delay_ms);
void extend(struct world *w, const char *name, int64_t delay_ms);
void watch(struct world *w, uint32_t client, const char *name);
void cancel(struct world *w, uint32_t client, const char *name);
void client_gone(struct world *w, uint32_t client);
uint64_t call(struct world *w, uint32_t client, uint64_t tag, int64_t timeout_ms);
void call_done(struct world *w, uint32_t worker, uint64_t call, const char *answer);
void queue_set(struct world *w, uint32_t queue, const struct core_queue_attributes *a);
void purge(struct world *w, uint32_t queue);
void redrive(struct world *w, uint32_t from, uint32_t to, uint32_t max);
void disk(struct world *w, bool full);
void move_body(struct world *w, const char *name);

/* -- What was seen: each takes the next visible effect of the last verb --------------------------------------------------------------------- */
void expect_sent(struct world *w, uint32_t client, const char *name, enum core_send_result result);
void expect_delivered(struct world *w, uint32_t worker, const char *name);
void expect_result(struct world *w, uint32_t client, const char *name, const char *outcome);
void expect_dead(struct world *w, uint32_t client, const char *name, const char *part_of_reason);
void expect_cancelled(struct world *w, uint32_t client, const char *name);
void expect_not_cancelled(struct world *w, uint32_t client, const char *name, enum core_state state);
void expect_call(struct world *w, uint32_t worker, uint64_t call);
void expect_reply(struct world *w, uint32_t client, uint64_t tag, enum core_call_result result);
void expect_left(struct world *w, uint32_t worker);
void expect_nothing(struct world *w);                              /* no visible effect is left */
size_t seen(const struct world *w, enum core_effect_kind kind);    /* how many, of all that the last verb brought */
const struct core_record *last_record(const struct world *w);      /* of the journal */
size_t records(const struct world *w, enum core_record_kind kind); /* in the journal */

/* -- What is: looks at the core ------------------------------------------------------------------------------------------------------------- */
struct core_info info_of(const struct world *w, const char *name); /* the message must be there */
void expect_state(const struct world *w, const char *name, enum core_state state);
void expect_unknown(const struct world *w, const char *name);
void expect_counts(const struct world *w, uint32_t queue, const uint64_t counts[CORE_STATE_COUNT]);
#define COUNTS(...) ((const uint64_t[CORE_STATE_COUNT]){__VA_ARGS__}) /* committing, delayed, ready, blocked, leased */
uint64_t queue_total(const struct world *w, uint32_t queue);
struct core_stats stats_of(const struct world *w);

/* -- Recovery --------------------------------------------------------------------------------------------------------------------------------- */
/* A world whose core was made from the journal's records behind the first `dropped` ones, at the same time, queues' definitions first. */
struct world *world_recover(const struct world *w, size_t dropped);
/* Compares: the same messages with the same figures; what was leased is ready again. */
void expect_same_messages(const struct world *before, const struct world *after);
/* One worker takes and ends all that is in JOBS: each group in the order of acceptance. */
void drain(struct world *w);
/* All three for the whole journal; what a story ends with. */
void check_recovery(const struct world *w);

#endif
