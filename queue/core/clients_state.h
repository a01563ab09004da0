/* clients_state.h - what the core keeps of clients that receive, private to queue/core (clients.h says what it does).
 *
 *     post.c       a message comes in                          receipts.c   what is known of received messages; origins of dead letters
 *     receive.c    RECEIVE: take, lease, answer                names.c      names of the queues that dead letters come from
 *     receives.c   the pool of receives, and who waits         attempts.c   receives that can be repeated
 *     settle.c     DELETE, VISIBILITY, leases that end         fifo.c       groups of FIFO queues
 *     transfer.c   from queue to queue                         fair.c       tenants of standard queues
 *     tasks.c      move tasks                                  redelay.c    a FIFO queue's delay has changed */
#ifndef LEAT_QUEUE_CORE_CLIENTS_STATE_H
#define LEAT_QUEUE_CORE_CLIENTS_STATE_H

#include "queue/core/heap.h"
#include "queue/core/queue.h"

#define RECEIVE_ROOM (2 * (WAITERS_MAX + 4)) /* effects that one more message may need, and the answer */
#define ATTEMPTS_MAX 65536u
#define TENANTS_MAX (1u << 20)
#define TENANTS_IDLE_MAX 65536u
#define SOURCES_MAX 65536u
#define NOISY_LEAST 30u /* messages in flight, or processed lately: fewer are nobody's noise */
#define NOISY_SHARE 10u /* a tenth */
#define QUIET_AFTER_MS (5ll * 60 * 1000)
#define ASIDE_EACH_STEP 4096u /* messages taken aside at once */

/* Of a message that was received by a client, is a dead letter of a FIFO queue, or was scheduled. */
struct receipt {
    int64_t first_ms, received_ms; /* 0: never */
    int64_t kept_ms;               /* retention counts from here; 0: from when it was accepted */
    uint32_t count;                /* of receives; the number of the last lease */
    uint32_t before;               /* of these, those before it came into its queue */
    uint32_t origin;               /* FIFO */
    uint32_t attempt;              /* CORE_NONE: none; links the free ones */
};

struct given {
    uint32_t slot, lease;
    uint64_t seq;
    bool shown; /* for no time at all */
};

/* A RECEIVE, until it is answered. */
struct receive {
    bool used;
    bool committing; /* something was taken; the answer waits for the disk */
    bool refused;    /* its queue is gone */
    bool has_attempt;
    unsigned char attempt[16];
    uint32_t place; /* of the queue */
    uint32_t client, max, count;
    uint64_t tag;
    int64_t visibility_ms, until_ms;
    uint32_t prev, next; /* in the queue's list; next alone links the free ones */
    uint32_t due_at;
    struct given given[LIMIT_RECEIVE_MESSAGES];
};

struct attempt {
    bool used, spoilt; /* spoilt: a message was deleted, extended, made visible, received again */
    unsigned char key[16];
    int64_t expires_ms;
    uint32_t older, newer; /* older alone links the free ones */
    uint32_t count;
    struct given given[LIMIT_RECEIVE_MESSAGES];
};

/* A group of a FIFO queue that has messages. */
struct group {
    uint64_t hash;
    uint32_t head, tail; /* oldest, youngest message; head alone links the free ones */
    uint32_t prev, next; /* in the queue's line */
    uint16_t place;
    bool in_line;
};

/* A group of a standard queue that is received from. */
struct tenant {
    uint64_t hash;
    struct list aside[LIMIT_PRIORITIES]; /* its READY messages, as far as they were taken aside */
    uint32_t aside_count, inflight;
    uint32_t prev, next; /* in one of the queue's lists, or among the idle; next alone links the free ones */
    int64_t sent_ms;
    struct window busy, done; /* ms of processing; messages */
    uint32_t queue;           /* number */
    bool noisy;
    uint8_t level; /* WAITING: the highest priority among its messages aside */
    enum tenant_list { TENANT_NOWHERE, TENANT_WAITING, TENANT_NOISY, TENANT_FULL, TENANT_IDLE } list;
};

struct source {
    char name[LIMIT_QUEUE_PATH_BYTES + 1];
    bool used, seen; /* seen: by the walk that looks for those nobody needs */
};

struct clients {
    struct receipt *receipts;
    uint32_t receipt_cap, receipt_used, receipt_free;

    struct receive *receives;
    uint32_t receive_cap, receive_used, receive_free, receive_count, receives_waiting;
    struct heap waits;          /* those that wait, by until_ms */
    struct index receive_index; /* by client and tag */

    struct attempt *attempts;
    uint32_t attempt_cap, attempt_used, attempt_free, attempt_oldest, attempt_newest;
    struct index attempt_index;

    struct group *groups;
    uint32_t group_cap, group_used, group_free;
    struct index group_index;

    struct tenant *tenants;
    uint32_t tenant_cap, tenant_used, tenant_free;
    struct list idle; /* tenants without messages in flight or aside, the longest idle first */
    struct index tenant_index;
    uint32_t asides; /* messages that may still be taken aside in this step */

    struct source *sources;
    uint32_t source_cap, source_used;
    struct index source_index;
};

/* clients.c */
int clients_init(struct core *c); /* 0 or -1 */
void clients_finish(struct core *c);
void clients_run(struct core *c); /* part of every step */

/* post.c: an answer now, or when the last record so far is on disk (reserve first). */
void answer_now(struct core *c, const struct core_event *e, enum core_answer answer, uint64_t value);
void answer_later(struct core *c, const struct core_event *e, enum core_answer answer, uint64_t value, const struct id *id);
/* The record of a message of a queue that is not of jobs, all that is known of it included. */
struct core_record *post_record(struct core *c, uint32_t slot, struct slice body);

/* receipts.c */
struct receipt *receipt_of(const struct core *c, const struct message *m); /* NULL: none */
struct receipt *receipt_need(struct core *c, uint32_t slot);               /* NULL: no memory */
int receipt_indexed(struct core *c, uint32_t slot);        /* it is being received: makes it findable by seq. 0 or -1 */
void receipt_drop(struct core *c, uint32_t slot);          /* if it has one */
void receipt_give_back(struct core *c, struct message *m); /* whatever its queue is */
/* Where a dead letter comes from and why, in one number: 0 is none. Kept in the message (standard) or its receipt (FIFO). */
uint32_t origin_of(uint32_t source, uint32_t reason);
uint32_t message_origin(const struct core *c, const struct message *m);
void message_set_origin(struct core *c, uint32_t slot, uint32_t origin);
const char *origin_reason(const struct core *c, uint32_t origin);
const char *origin_source(const struct core *c, uint32_t origin);

/* names.c */
uint32_t sources_intern(struct core *c, struct slice name); /* 0: none, or no memory */
uint32_t sources_of_queue(struct core *c, struct queue *q);
const char *sources_at(const struct core *c, uint32_t index);

/* message lists: what else must know that a message of a queue that is not of jobs changes its state */
void client_message_enters(struct core *c, uint32_t slot); /* state is the new one; it is in no list yet */
void client_message_leaves(struct core *c, uint32_t slot); /* state is still the old one; it is in no list any more */
void client_message_entered(struct core *c, uint32_t slot);
void queue_wake(struct core *c,
                struct queue *q); /* there is something to give, or there may be: serve it at the end of this step */

/* receives.c */
uint32_t receive_new(struct core *c, const struct core_event *e); /* CORE_NONE: too many, or no memory */
void receive_end(struct core *c, uint32_t r);
int receive_wait(struct core *c, uint32_t r, int64_t until_ms); /* 0 or -1 */
void receive_leave(struct core *c, uint32_t r);                 /* waits no longer */
uint32_t receive_find(const struct core *c, uint32_t client, uint64_t tag);
void receive_answer(struct core *c, uint32_t r, enum core_answer answer); /* with what is still its own; and ends it */
void receives_move(struct core *c, struct queue *from, struct queue *to);
void receives_refuse(struct core *c, struct queue *q); /* its queue is removed */
void receives_client_gone(struct core *c, uint32_t client);
void receives_due(struct core *c); /* part of every step */

/* receive.c */
void queues_serve(struct core *c); /* part of every step */

/* settle.c */
void client_lease_over(struct core *c, uint32_t slot); /* READY again; without a record: its LEASE says when */
void client_release(struct core *c, uint32_t slot);    /* READY again before its time, with a record */
bool message_is_given(const struct core *c, const struct message *m, uint32_t lease); /* leased under this number */

/* transfer.c */
/* Into another queue, READY there, with a TRANSFER record. 0, or -1 without memory: nothing has changed. */
int message_transfer(struct core *c, uint32_t slot, struct queue *to, uint32_t receive_count, uint32_t source, uint32_t reason);
/* The same; its receives are forgotten, and it counts as accepted now. */
int message_transfer_redriven(struct core *c, uint32_t slot, struct queue *to, uint32_t reason);
int message_transfer_by_task(struct core *c, uint32_t slot, struct queue *to);   /* a running one of its queue */
int transfer_replay(struct core *c, uint32_t slot, const struct core_record *r); /* MOVE, TRANSFER */
int message_bury(struct core *c, uint32_t slot); /* (lease.c) to the dead-letter queue: received too often. 0 or -1 */

/* attempts.c */
uint32_t attempt_find(struct core *c, const unsigned char key[16]); /* CORE_NONE: none, or spoilt, or too old */
void attempt_note(struct core *c, const unsigned char key[16], uint32_t slot, int64_t received_ms);
void attempt_spoil(struct core *c, const struct message *m);
bool attempt_key(const struct core *c, const struct message *m, unsigned char key[16]); /* of the receive that it is in */

/* fifo.c */
int fifo_reserve(struct core *c, const struct queue *q, uint64_t hash); /* 0 or -1: a message of this group may join */
void fifo_join(struct core *c, uint32_t slot);
void fifo_leave(struct core *c, uint32_t slot);
void fifo_changed(struct core *c, uint32_t slot);                 /* its state: has its group something to give now? */
uint32_t fifo_first(const struct core *c, const struct queue *q); /* message to give next; CORE_NONE */

/* fair.c */
uint32_t fair_first(struct core *c, struct queue *q); /* message to give next; CORE_NONE: none, or (c->more) not found yet */
void fair_ready(struct core *c, uint32_t slot);       /* sets FLAG_ASIDE if it belongs there */
struct list *fair_list(struct core *c, const struct message *m); /* where it lies aside */
void fair_aside(struct core *c, uint32_t slot, bool in);         /* it is there, or was */
void fair_leased(struct core *c, uint32_t slot, bool in);
void fair_sent(struct core *c, const struct queue *q, uint64_t hash);
void fair_processed(struct core *c, uint32_t slot);
void fair_limit_changed(struct core *c, struct queue *q);         /* max_per_group is another one */
uint32_t fair_any(const struct core *c, const struct queue *q);   /* a message that is aside; CORE_NONE */
uint64_t fair_noisy(const struct core *c, const struct queue *q); /* messages aside of noisy tenants */

/* tasks.c */
void tasks_run(struct core *c); /* part of every step */
int64_t tasks_deadline(const struct core *c);
void tasks_end(struct core *c, struct queue *q); /* with their queue: frees records and memory */
int task_replay(struct core *c, const struct core_record *r, uint64_t location);
void task_replay_moved(struct core *c, const struct core_record *r); /* TRANSFER, of whatever message */
void tasks_restored(struct core *c);                                 /* at the end of recovery */

/* redelay.c */
void redelay_start(struct core *c, struct queue *q);
void redelay_run(struct core *c); /* part of every step */

#endif
