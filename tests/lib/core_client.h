/* core_client.h - verbs for stories about clients that receive: on top of core_world.h, whose journal, clock and checks hold here, too.
 *
 * Queues have names, messages have names (their ids), clients and receives have small numbers. A receive's number is the tag under which it
 * is answered. What was given is remembered by the message's name: the last receive of it. */
#ifndef LEAT_TESTS_LIB_CORE_CLIENT_H
#define LEAT_TESTS_LIB_CORE_CLIENT_H

#include "tests/lib/core_world.h"

#define MINUTE_MS 60000ll
#define DAY_MS (24 * HOUR_MS)

/* What a client asks; the fields left out are zero, but that -1 stands for the queue's own: see the macros. */
struct parcel {
    const char *name, *queue;
    uint64_t group;
    const char *key; /* FIFO; NULL: the message's name */
    bool no_key, content;
    int64_t delay_ms;
    uint32_t priority, client;
    uint64_t size;
    const char *body;
};

struct wish {
    const char *queue;
    uint32_t max, client;
    uint64_t tag;
    int64_t wait_ms, visibility_ms;
    const char *attempt;
};

/* A message as it was given. */
struct given_to {
    uint64_t seq;
    uint32_t lease;
};

struct core_queue_attributes standard_queue(const char *name);
struct core_queue_attributes fifo_queue(const char *name);
uint32_t queue_number(const struct world *w, const char *name);
const struct core_queue_attributes *queue_now(const struct world *w, const char *name,
                                              struct core_queue_stats *s); /* must be there */

/* The macros below have presets that a call may give anew. */
#pragma GCC diagnostic ignored "-Woverride-init"
#ifdef __clang__
#pragma clang diagnostic ignored "-Winitializer-overrides"
#endif

/* -- Verbs; their answers come with commit(), those that change nothing at once: settle() commits if nothing was seen yet ---------------- */
void settle(struct world *w);
void create(struct world *w, const struct core_queue_attributes *a); /* and commits; must succeed */
void create_asked(struct world *w, const struct core_queue_attributes *a);
void change(struct world *w, uint64_t version, const struct core_queue_attributes *a);
void remove_queue(struct world *w, const char *queue, char token);
void purge_queue(struct world *w, const char *queue, char token);
void post_parcel(struct world *w, const struct parcel *p);
#define post(w, q, ...) post_parcel(w, &(struct parcel){.delay_ms = -1, .queue = (q), .name = __VA_ARGS__})
#define posted(w, q, ...) (post_parcel(w, &(struct parcel){.delay_ms = -1, .queue = (q), .name = __VA_ARGS__}), settle(w))
void receive_wish(struct world *w, const struct wish *r);
#define receive(w, q, ...)                                                                                                     \
    receive_wish(w, &(struct wish){.queue = (q), .wait_ms = 0, .visibility_ms = -1, .tag = 77, .max = __VA_ARGS__})
#define received(w, q, ...)                                                                                                    \
    (receive_wish(w, &(struct wish){.queue = (q), .wait_ms = 0, .visibility_ms = -1, .tag = 77, .max = __VA_ARGS__}), settle(w))
void stop(struct world *w, uint32_t client, uint64_t tag);
void delete_given(struct world *w, const char *queue, struct given_to g);
void keep_given(struct world *w, const char *queue, struct given_to g, int64_t visibility_ms);
void deleted(struct world *w, const char *queue, const char *name);                     /* as given last; commits; must be OK */
void kept(struct world *w, const char *queue, const char *name, int64_t visibility_ms); /* the same */
struct given_to given_last(const struct world *w, const char *name);
void task_start(struct world *w, const char *queue, char task, const char *destination, uint32_t rate);
void task_cancel(struct world *w, const char *queue, char task);

/* -- What was seen --------------------------------------------------------------------------------------------------------------------- */
const struct core_effect *expect_answer(struct world *w, enum core_answer answer);    /* the next visible effect */
void expect_received(struct world *w, uint32_t client, uint64_t tag, uint32_t count); /* RECEIVED, OK; then expect_given() */
void expect_refused(struct world *w, uint64_t tag, enum core_answer answer);
void expect_given(struct world *w, const char *name);
/* Receives up to 10 of a queue, commits, and expects exactly these, in this order: names with blanks between, "" for none. */
void expect_gives(struct world *w, const char *queue, const char *names);

/* -- Recovery: a world made anew from the journal, with the same messages in the same states; the caller destroys it ---------------------- */
struct world *recovered(const struct world *w);
void check_client_recovery(const struct world *w);

#endif
