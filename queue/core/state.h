/* state.h - what the core is made of, private to queue/core.
 *
 *     core.c      create, destroy, step (a table of arms), deadline        queues.c    the table of queues: numbers, names, purge, redrive
 *     message.c   the pool of records, the lists, ends of a message        send.c      send, commit, cancel
 *     ids.c       index of live messages by id                             lease.c     done, give back, extend, release, dead letters
 *     groups.c    order within a group of jobs                             deliver.c   which worker gets what
 *     due.c       what time brings: delays, leases                         workers.c   join, credit, silence, leave
 *     seqs.c      slots by sequence number: the received ones              calls.c     the call lane
 *     lows.c      the lowest sequence number still alive                   waiters.c   who wants to know the end of a message
 *     recent.c    ids that ended lately                                    keys.c      the idempotency window
 *     pending.c   answers that wait for a commit                           reasons.c   why messages are dead
 *     replay.c    recovery                                                 look.c, check.c   reading, and checking, the whole
 *     heap.c, index.c   due times and hash tables of anything              sweep.c     retention
 *
 * What clients receive from: see clients_state.h.
 *
 * A slot is the index of a message's record in the pool; CORE_NONE is no slot. A queue's place is its index in the table of queues;
 * its number is what the outside knows. */
#ifndef LEAT_QUEUE_CORE_STATE_H
#define LEAT_QUEUE_CORE_STATE_H

#include <assert.h>
#include <string.h>

#include "queue/core/clients_state.h"

#define WORKERS_MAX 1024u
#define WORKER_OUTSTANDING_MAX 512u /* credit and leases of one worker: bounds the effects of its end */
#define WAITERS_MAX 6u              /* clients told of one message's end, for the same reason */
#define RECENT_IDS 262144u
#define RECENT_BUCKETS (RECENT_IDS * 2) /* most are empty: one look tells that an id is none of them */
#define CALLS_MAX 65536u
#define CALL_SLOT_BITS 17
#define CALL_NO_WORKER_MS 1000     /* a call is not kept longer while nobody is there to answer it */
#define REASONS_MAX 1024u          /* distinct texts; their variety is small by construction */
#define SWEEP_EACH_MS 1000         /* retention is looked after so often */
#define SWEEP_SLOTS 65536          /* so many messages at once */
#define END_ROOM (WAITERS_MAX + 4) /* effects of one message's end */

static_assert(CORE_RECORDS_ENOUGH + WORKER_OUTSTANDING_MAX + 64 <= CORE_RECORDS_MAX,
              "the end of a worker, when there are almost enough records already, or that of a queue");
static_assert(WORKER_OUTSTANDING_MAX * (WAITERS_MAX + 1) + END_ROOM <= CORE_EFFECTS_MAX, "the end of a worker fits one step");

enum message_flag {
    FLAG_USED = 1,
    FLAG_HEAD = 2,   /* the oldest of its group */
    FLAG_WAITED = 4, /* somebody wants to know its end */
    FLAG_HELD = 8,   /* the end of one before it in its group is not on disk yet */
    FLAG_PRIORITY = 16 | 32,
    FLAG_ASIDE = 64, /* READY, in a list of its tenant */
    FLAG_GIVEN = 128 /* recovery: the last that was said of it is that it was received */
};
#define PRIORITY_SHIFT 4
static_assert(LIMIT_PRIORITIES <= 4, "a priority fits its flags");

/* One message. The index entries beside it: id buckets 2 to 4 bytes (load 1 to 2), group buckets the same, due heap 16 bytes for the
 * delayed and leased only, lows 1/1024 byte a record number. */
struct message {
    struct id id;
    uint64_t group;
    uint64_t seq;
    uint64_t location;
    int64_t accepted_ms;
    uint32_t body_len;
    uint32_t prev, next; /* of the list that is its state; next alone links the free records */
    uint32_t id_next;    /* next in the id's bucket */
    uint32_t group_next; /* jobs, FIFO: the next younger of its group */
    uint32_t
        group_link; /* jobs: head: the youngest, others: the next older; FIFO: the next older; standard: origin (receipts.c) */
    union {
        uint32_t group_chain; /* jobs: heads: next head in the bucket */
        uint32_t receipt;     /* others: what is known of its receives, CORE_NONE: nothing */
    };
    uint32_t due_at; /* place in the heap of due times, CORE_NONE: in none */
    uint16_t receive_count;
    uint16_t queue;  /* place */
    uint16_t worker; /* LEASED */
    uint8_t state;
    uint8_t flags;
};
static_assert(sizeof(struct message) + 2 * 4 <= 100, "a queued job costs at most 100 bytes");

struct worker {
    bool used, leaving, reserved; /* reserved: gets nothing until it is idle, then a suspect */
    bool suspect;                 /* holds a message that was received before */
    uint32_t messages, calls;     /* credit */
    struct list leases;
    uint32_t calls_out; /* calls handed out */
    int64_t heard_ms;
};

struct call {
    bool used;
    uint8_t attempts;
    uint32_t worker;             /* CORE_NONE: waiting */
    uint32_t client, prev, next; /* in the waiting list; next alone links the free ones */
    uint64_t number, tag;
    int64_t arrived_ms, due_ms;
};

struct key {
    unsigned char key[16];
    struct id id;
    uint64_t body_hash; /* of a FIFO queue's key: the message's seq */
    int64_t expires_ms;
    uint32_t chain, older, newer;
    uint32_t window;
};

/* Idempotency keys of jobs and deduplication keys of FIFO queues live for different times: each kind in a list of its own is in the order
 * in which its keys expire. */
enum key_window { KEY_JOBS, KEY_FIFO, KEY_WINDOWS };

struct waiter {
    uint32_t slot, client, chain;
};

/* An answer that waits until record `number` is on disk. */
struct pending {
    uint64_t number, tag;
    uint32_t client, slot; /* slot: the message that this commit accepts, or CORE_NONE */
    enum pending_kind { PENDING_SENT, PENDING_CANCELLED, PENDING_DEAD, PENDING_HELD, PENDING_ANSWER, PENDING_RECEIVED } kind;
    union {
        enum core_send_result result;
        struct {
            uint16_t answer, about; /* PENDING_ANSWER */
        };
    };
    struct id id;
    union {
        const char *reason; /* PENDING_DEAD; never moves */
        uint64_t value;     /* PENDING_ANSWER */
    };
};

struct reason {
    char text[LIMIT_REASON_BYTES + 1];
};

struct core {
    struct core_config config;
    uint64_t number;   /* of the last record */
    int64_t now_ms;    /* of the last event */
    int64_t newest_ms; /* highest time in replayed records */
    bool disk_full, exhausted;
    bool more;                    /* the last step had more to say than effects */
    uint32_t records;             /* of this step */
    bool replaying;               /* between the first core_replay() and core_replayed() */
    int64_t sweep_ms, silence_ms; /* next looks */
    uint32_t sweep_slot;          /* where the next one begins */
    struct core_effects *out;

    struct message *messages;
    uint32_t message_cap, message_used, message_free, message_count; /* used: high-water mark */
    uint32_t *id_buckets, id_bucket_count;
    uint32_t *group_buckets, group_bucket_count, group_heads;
    struct heap dues;
    struct index seqs; /* leased jobs, messages that a client has received; during recovery all */
    uint64_t lease_count;
    uint32_t *lows, low_cap, low_count;
    uint64_t low_base; /* block number of lows[0] */
    struct list committing;

    struct id *recent;
    uint32_t *recent_next, *recent_buckets, recent_at, recent_count;

    struct key *keys;
    uint32_t key_cap, key_used, key_free, key_count, key_oldest[KEY_WINDOWS], key_newest[KEY_WINDOWS];
    int64_t key_sweep_ms; /* no walk over all keys before */
    uint32_t *key_buckets, key_bucket_count;

    struct waiter *waiters;
    uint32_t waiter_cap, waiter_used, waiter_free, waiter_count;
    uint32_t *waiter_buckets, waiter_bucket_count;

    struct pending *pending;
    uint32_t pending_cap, pending_head, pending_count;
    uint64_t committed;

    struct reason *reasons;
    uint32_t reason_count;

    struct queues queues;
    struct clients clients;
    struct worker *workers;
    uint32_t *active; /* indexes of the workers in use, worker_count of them; a worker's rank is its place */
    uint32_t worker_count, worker_turn, call_turn;

    struct call *calls;
    uint32_t call_cap, call_used, call_free, call_count;
    struct list calls_waiting;
    uint64_t call_counter;
    int64_t call_due_ms; /* no call is due before */
    int64_t lonely_ms;   /* when the last worker went */

    struct core_stats totals;
    uint64_t memory_bytes;
};

/* core.c */
void *core_resize(struct core *c, void *old, size_t old_bytes, size_t bytes); /* NULL: no memory, old is unchanged */
/* Grows *array from *cap to at least one more element, by half, up to max elements; 0 or -1. */
int core_grow(struct core *c, void **array, uint32_t *cap, uint32_t max, size_t element);
/* Table of n buckets, all CORE_NONE; NULL without memory. */
uint32_t *core_buckets(struct core *c, uint32_t n);
/* For effects; a step with many records has no more, for the shell keeps a place on the disk for so many only. */
static inline size_t core_room(const struct core *c)
{
    return c->records < CORE_RECORDS_ENOUGH ? CORE_EFFECTS_MAX - c->out->count : 0;
}
struct core_effect *core_emit(struct core *c, enum core_effect_kind kind); /* asserts that there is room */
/* The next record, in an effect of its own; number, now_ms and kind are set. */
struct core_record *core_record(struct core *c, enum core_record_kind kind);
/* Delays come from outside: a sum that does not fit is never. */
static inline int64_t core_later(int64_t ms, int64_t delay_ms)
{
    int64_t sum;
    return __builtin_add_overflow(ms, delay_ms, &sum) ? INT64_MAX : sum;
}
static inline uint64_t core_mix(uint64_t x) /* finalizer of SplitMix64: full avalanche for bucket numbers */
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

uint64_t core_text_hash(struct slice text); /* core.c */

/* message.c */
static inline struct message *message_at(const struct core *c, uint32_t slot)
{
    assert(slot < c->message_used);
    return &c->messages[slot];
}
uint32_t message_new(struct core *c); /* CORE_NONE: full */
void message_move(struct core *c, uint32_t slot, enum core_state state, bool front);
void message_enter(struct core *c, uint32_t slot, enum core_state state); /* a new record into its first list */
/* What the event sends, in the queue that is set already: COMMITTING, and the next record is its own. */
void message_begin(struct core *c, uint32_t slot, const struct core_event *e);
/* The message is gone: out of every list and index; its id is remembered as recent. No effects. Returns the next of its group. */
uint32_t message_remove(struct core *c, uint32_t slot);
/* The message that follows one that has left its group (or CORE_NONE): settled at once, or when the last record so far is on disk. */
void message_follow(struct core *c, uint32_t slot);
void message_hold(struct core *c, uint32_t slot);
void message_let_go(struct core *c, uint32_t slot, uint64_t seq);
uint32_t message_follower(const struct core *c, uint32_t slot); /* the next younger of its group, CORE_NONE: none */
/* Committed or no longer held back: READY, DELAYED or BLOCKED, as its group and due time want it. */
void message_settle(struct core *c, uint32_t slot);
/* Ends a live message with a DONE record and FREED; waiters get DEAD with the reason. */
void message_end(struct core *c, uint32_t slot, const char *reason);
void list_append(struct core *c, struct list *l, uint32_t slot, bool front);
void list_remove(struct core *c, struct list *l, uint32_t slot);
uint32_t message_slice(const struct core *c, const struct message *m);
struct list *message_list(struct core *c, const struct message *m);
void message_leave(struct core *c, uint32_t slot); /* its list, for message_enter() elsewhere */
static inline struct queue *message_queue(const struct core *c, const struct message *m)
{
    assert(c->queues.at[m->queue]);
    return c->queues.at[m->queue];
}
static inline uint32_t message_priority(const struct message *m) { return (m->flags & FLAG_PRIORITY) >> PRIORITY_SHIFT; }
static inline bool message_is_doomed(const struct core *c, const struct message *m) { return message_queue(c, m)->doomed; }
void message_free(struct core *c, uint32_t slot);                /* one that is in no list and no index any more, or not yet */
void message_free_body(struct core *c, const struct message *m); /* a FREED effect */

/* ids.c */
void ids_add(struct core *c, uint32_t slot);
void ids_remove(struct core *c, uint32_t slot);
uint32_t ids_find(const struct core *c, const struct id *id); /* those of doomed queues, too: they must not come again */
uint32_t ids_find_live(const struct core *c, const struct id *id);

/* groups.c */
bool group_ordered(const struct core *c, const struct message *m); /* does the order of a group bind it where it is */
void group_join(struct core *c, uint32_t slot);
/* Leaves its group; returns the message that is now the oldest and has to be settled (it may be COMMITTING), or CORE_NONE. */
uint32_t group_leave(struct core *c, uint32_t slot);

/* due.c */
uint32_t *due_place(struct core *c, uint32_t slot);
static inline int due_set(struct core *c, uint32_t slot, int64_t ms) { return heap_set(c, &c->dues, slot, ms); }
static inline void due_clear(struct core *c, uint32_t slot) { heap_clear(c, &c->dues, slot); }
static inline int64_t due_of(const struct core *c, const struct message *m)
{
    return m->due_at == CORE_NONE ? 0 : c->dues.at[m->due_at].ms;
}

/* seqs.c */
uint64_t seqs_hash(const struct core *c, uint32_t slot);
int seqs_add(struct core *c, uint32_t slot);
void seqs_remove(struct core *c, uint32_t slot);
uint32_t seqs_find(const struct core *c, uint64_t seq);
void seqs_clear(struct core *c);

/* lows.c */
int lows_add(struct core *c, uint64_t seq); /* 0 or -1: no memory */
void lows_remove(struct core *c, uint64_t seq);
uint64_t lows_first(const struct core *c);

/* recent.c */
void recent_add(struct core *c, const struct id *id);
bool recent_has(const struct core *c, const struct id *id);

/* keys.c */
const struct key *keys_find(const struct core *c, const unsigned char key[16]);
int keys_add(struct core *c, enum key_window window, const unsigned char key[16], const struct id *id, uint64_t body_hash,
             int64_t expires_ms);
void keys_expire(struct core *c, uint32_t max);

/* waiters.c */
void waiters_add(struct core *c, uint32_t slot, uint32_t client); /* forgets to when memory or WAITERS_MAX is used up */
void waiters_result(struct core *c, uint32_t slot, struct slice outcome);
void waiters_dead(struct core *c, uint32_t slot, const char *reason); /* told when the last record so far is on disk */
void waiters_forget(struct core *c, uint32_t client);

/* pending.c */
int pending_reserve(struct core *c, uint32_t more); /* room for so many more, at most 16; 0 or -1 */
void pending_add(struct core *c, const struct pending *p);
void pending_release(struct core *c); /* all whose record is committed, as far as effects have room */
void pending_forget(struct core *c, uint32_t client);
bool pending_holds(const struct core *c, uint32_t slot, uint64_t seq); /* O(answers that wait) */

/* reasons.c */
uint32_t reasons_intern(struct core *c, struct slice text); /* texts never move: effects may point to them */
const char *reasons_at(const struct core *c, uint32_t index);

/* lease.c */
void lease_release(struct core *c, uint32_t slot, const char *why);
void lease_give_back(struct core *c, uint32_t slot, int64_t delay_ms); /* this receive is not counted */
void lease_expired(struct core *c, uint32_t slot);
void dead_letter(struct core *c, uint32_t slot, const char *reason);

/* replay.c */
int replay_origin(struct core *c, uint32_t slot, struct slice source, struct slice reason); /* 0 or -1 */

/* workers.c */
void workers_rank(struct core *c);
void workers_silent(struct core *c);
void worker_settled(struct core *c, uint32_t worker); /* something it held is gone: LEFT if it is leaving and holds nothing */

/* Releases all it holds; why NULL: as if it had never been handed out. */
void worker_end(struct core *c, uint32_t worker, const char *why);

/* calls.c */
void calls_deliver(struct core *c);
void calls_worker_gone(struct core *c, uint32_t worker);
void calls_lonely(struct core *c); /* the last worker is gone */
void calls_client_gone(struct core *c, uint32_t client);
void calls_due(struct core *c);

/* deliver.c, sweep.c, due.c: parts of every step */
void deliver(struct core *c);
void sweep_run(struct core *c);
bool message_expired(const struct core *c, const struct message *m);
void message_expire(struct core *c, uint32_t slot);
void dues_run(struct core *c);

/* check.c, check_clients.c */
uint64_t check_list(const struct core *c, const struct list *l, enum core_state state, const struct queue *q);
uint64_t check_clients_of(const struct core *c, const struct queue *q); /* returns how many messages are aside */
void check_client_message(const struct core *c, uint32_t slot);
void check_clients(const struct core *c);

/* Arms of the step table. */
void on_send(struct core *c, struct core_event *e);
void on_committed(struct core *c, struct core_event *e);
void on_cancel(struct core *c, struct core_event *e);
void on_watch(struct core *c, struct core_event *e);
void on_move_body(struct core *c, struct core_event *e);
void on_disk(struct core *c, struct core_event *e);
void on_worker_join(struct core *c, struct core_event *e);
void on_worker_credit(struct core *c, struct core_event *e);
void on_worker_heard(struct core *c, struct core_event *e);
void on_worker_leave(struct core *c, struct core_event *e);
void on_worker_gone(struct core *c, struct core_event *e);
void on_done(struct core *c, struct core_event *e);
void on_give_back(struct core *c, struct core_event *e);
void on_extend(struct core *c, struct core_event *e);
void on_client_gone(struct core *c, struct core_event *e);
void on_call(struct core *c, struct core_event *e);
void on_call_done(struct core *c, struct core_event *e);
void on_queue_set(struct core *c, struct core_event *e);
void on_purge(struct core *c, struct core_event *e);
void on_redrive(struct core *c, struct core_event *e);
void on_post(struct core *c, struct core_event *e);
void on_receive(struct core *c, struct core_event *e);
void on_stop(struct core *c, struct core_event *e);
void on_delete(struct core *c, struct core_event *e);
void on_visibility(struct core *c, struct core_event *e);
void on_queue_create(struct core *c, struct core_event *e);
void on_queue_change(struct core *c, struct core_event *e);
void on_queue_remove(struct core *c, struct core_event *e);
void on_queue_purge(struct core *c, struct core_event *e);
void on_task_start(struct core *c, struct core_event *e);
void on_task_cancel(struct core *c, struct core_event *e);
void on_move_definition(struct core *c, struct core_event *e);
void on_move_task(struct core *c, struct core_event *e);

#endif
