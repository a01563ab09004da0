/* core.h - the broker as a pure state machine: core_step(event) -> effects, core_deadline(). No clock, no I/O, no randomness.
 *
 * The shell (queue/server.c) turns frames into events and carries out the effects; the simulation (tests/sim) does the same with a
 * virtual clock, a faulty network and a faulty disk. `nm -u` over this folder's objects is checked by make lint.
 *
 * Time. now_ms is the broker's own time line: it never goes back, not over restarts either (the shell starts it at the later of the
 * wall clock and the last time in the journal, and moves it with the monotonic clock). All times that are persisted are on it.
 *
 * Durability. A step that changes durable state emits CORE_EFFECT_JOURNAL with a record. Records are numbered 1, 2, 3 ... (the
 * number of a message's SEND record is its sequence number, seq). The shell appends them in order and reports CORE_COMMITTED with the
 * number up to which everything is on disk. What depends on a record (ACCEPTED replies, the delivery of the message) is emitted only
 * by that event or later ones. Records of acks and releases are awaited by nobody: a job redelivered after a crash is recognized
 * by its recorded outcome.
 *
 * Life of a message (state = the list it is in, one move function):
 *
 *   SEND ─▶ COMMITTING ─committed─▶ DELAYED ─due─▶ READY ─credit─▶ LEASED ─done─▶ gone
 *                          └──────────────────────▶ ▲  │            │
 *                                     BLOCKED ──────┘  │            ├─ lease over, worker gone, given back ─▶ READY (or DELAYED)
 *                     (an older one of its group       └─ cancel ─▶ gone
 *                      is not gone yet)                             └─ receive count used up ─▶ READY in the dead-letter queue
 *
 * Groups. Messages of one group (queue, 64-bit group number, 0 = none) are handed out one after the other in the order in which
 * they were accepted: only the oldest one of a group is READY, DELAYED or LEASED, the younger are BLOCKED; a dead-lettered message
 * leaves its group. (A hash collision of two groups costs parallelism, never order.)
 *
 * Delivery. Workers announce credit. A worker gets min(credit, its fair share of what is ready, batch_max) messages at once:
 * first from the ready lists of its own slices of the group space, then from others (idle workers steal). A message that has been
 * received before is handed out alone, to a worker that holds nothing else, and that worker gets nothing more until it is done.
 * Calls go first, are not journaled, and each has a time-out.
 *
 * Memory. One fixed record of at most 100 bytes a message, its index entries included (static assert); pools that grow by doubling
 * up to the configured maximum; everything is refused, nothing dropped, when they are full. */
#ifndef LEAT_QUEUE_CORE_CORE_H
#define LEAT_QUEUE_CORE_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/id.h"
#include "common/limits.h"

struct core;

#define CORE_EFFECTS_MAX 4096u /* effects of one step; a step with more to say sets its deadline to now */
#define CORE_NONE UINT32_MAX   /* no queue, client, worker, slot */

/* The allocator is an input, too, so that tests can fail the n-th allocation. */
struct core_memory {
    void *(*resize)(void *self, void *old, size_t bytes); /* realloc semantics; bytes 0 frees and returns NULL */
    void *self;
};

struct core_config {
    uint32_t max_messages;     /* over all queues; at most 2^31 */
    uint32_t max_keys;         /* idempotency keys remembered at once */
    uint32_t batch_max;        /* messages handed out to a worker at once */
    uint32_t slices;           /* ready lists a queue, power of two, at most 64 */
    int64_t key_window_ms;     /* how long an idempotency key is remembered after it was accepted */
    int64_t worker_silence_ms; /* a worker that was not heard of for so long is gone */
    struct core_memory memory;
};

/* Attributes of a queue. dead_letter: index of another queue, or CORE_NONE: then max_receive_count has no effect. */
struct core_queue_attributes {
    char name[LIMIT_QUEUE_NAME_BYTES + 1];
    int64_t visibility_ms, delay_ms, retention_ms;
    uint32_t max_receive_count; /* 0: no limit */
    uint32_t dead_letter;
    uint64_t max_messages, max_bytes; /* sends beyond are refused (CORE_FULL) */
    bool jobs; /* expired messages of a job queue are dead-lettered, not deleted; workers take from job queues only */
};

enum core_state { CORE_COMMITTING, CORE_DELAYED, CORE_READY, CORE_BLOCKED, CORE_LEASED, CORE_STATE_COUNT };

/* -- Records: what is persisted. The journal encodes them; core_replay() takes them back. -------------------------------------------- */
enum core_record_kind {
    CORE_REC_SEND =
        1,         /* a message with its body; also a moved copy (compaction), then with its present queue, count and reason */
    CORE_REC_DONE, /* seq is gone (done, cancelled, expired, purged) */
    CORE_REC_RELEASE, /* seq has been received receive_count times and is visible again at due_ms */
    CORE_REC_MOVE,    /* seq is now in `queue` (dead-letter, redrive): receive_count, due_ms, reason */
    CORE_REC_QUEUE,   /* attributes of queue index `queue` (created or changed) */
    CORE_REC_KEY,     /* an idempotency key carried over from an old segment */
    CORE_REC_MARK,    /* snapshot at the head of a segment: record number and time so far; changes nothing else */
    CORE_REC_COUNT
};

struct core_record {
    enum core_record_kind kind;
    uint64_t number; /* of this record; replay keeps the highest */
    int64_t now_ms;  /* broker time when it was made */
    uint64_t seq;    /* the message meant (SEND: equal to number, but for moved copies) */
    uint32_t queue;
    uint32_t receive_count;
    struct id id;
    uint64_t group;
    int64_t accepted_ms, due_ms; /* due_ms 0: visible at once */
    bool has_key;                /* SEND, KEY: key, body_hash and key_expires_ms are set */
    unsigned char key[16];
    uint64_t body_hash;
    int64_t key_expires_ms;
    struct slice body;                       /* SEND */
    struct slice reason;                     /* MOVE, or a moved SEND of a dead letter */
    struct core_queue_attributes attributes; /* QUEUE */
};

/* -- Events ------------------------------------------------------------------------------------------------------------------------------ */
enum core_event_kind {
    CORE_SEND,      /* client, tag, queue, id, group, delay_ms, has_key/key/body_hash, body, wait */
    CORE_COMMITTED, /* number */
    CORE_TICK,      /* time has passed; also the answer to a deadline */
    CORE_WORKER_JOIN, /* worker (shell's index, < 1024; a second JOIN of the same index is a new incarnation: old leases end), healed */
    CORE_WORKER_CREDIT, /* worker, messages, calls: added to its credit */
    CORE_WORKER_HEARD,  /* worker: it is alive */
    CORE_WORKER_LEAVE,  /* worker: hand out nothing more; LEFT follows when nothing is outstanding */
    CORE_WORKER_GONE,   /* worker, healed: leases end now; healed: by no fault of its work, so the receives are not counted */
    CORE_DONE,          /* worker, seq, lease, body (outcome): forget the message, tell who waits. A stale lease is ignored */
    CORE_GIVE_BACK,     /* worker, seq, lease, delay_ms: visible again after delay_ms, this receive is not counted */
    CORE_EXTEND,        /* worker, seq, lease, delay_ms: new visibility timeout from now */
    CORE_WATCH,         /* client, id: a RESULT when it ends (only for messages that core_find() finds) */
    CORE_CANCEL,        /* client, tag, id: removes a message that is not LEASED; CANCELLED effect, committed */
    CORE_CLIENT_GONE,   /* client: its waiters and calls are forgotten */
    CORE_CALL,          /* client, tag, delay_ms = timeout, writes */
    CORE_CALL_DONE,     /* worker, call: the shell passes the body on by itself on CORE_EFFECT_CALL_REPLY */
    CORE_QUEUE_SET,     /* queue (index < LIMIT_QUEUES; new or known), attributes */
    CORE_PURGE, /* queue: every message not LEASED or COMMITTING is removed, as many as one step's effects hold: repeat it */
    CORE_REDRIVE, /* queue, target, messages = at most so many (0: all): READY ones move to target with receive count 0; as PURGE */
    CORE_DISK,      /* full: from now on sends are refused with CORE_DISK_FULL, or accepted again */
    CORE_MOVE_BODY, /* slot, seq: compaction wants this live message re-appended: emits its SEND record again */
    CORE_EVENT_COUNT
};

struct core_event {
    enum core_event_kind kind;
    int64_t now_ms;
    uint32_t client, worker, queue, target, slot;
    uint64_t tag, number, seq, call, group;
    uint32_t lease, messages, calls;
    int64_t delay_ms;
    struct id id;
    bool has_key, wait, writes, full, healed;
    unsigned char key[16];
    uint64_t body_hash;
    struct slice body;
    const struct core_queue_attributes *attributes;
};

/* -- Effects ----------------------------------------------------------------------------------------------------------------------------- */
enum core_send_result { CORE_ACCEPTED, CORE_DUPLICATE, CORE_MISMATCH, CORE_FULL, CORE_DISK_FULL, CORE_NO_QUEUE };
enum core_call_result { CORE_CALL_ANSWERED, CORE_CALL_NO_WORKER, CORE_CALL_WORKER_LOST, CORE_CALL_TIMEOUT, CORE_CALL_BUSY };

enum core_effect_kind {
    CORE_EFFECT_JOURNAL,    /* record (body points into the event); slot: tell core_locate() where the body lies (SEND) */
    CORE_EFFECT_SENT,       /* client, tag, send_result, id (of the first message for duplicates and mismatches) */
    CORE_EFFECT_DELIVER,    /* worker, slot, seq, lease, id, group, location, body_len */
    CORE_EFFECT_RESULT,     /* client, id, body (outcome; of the event) */
    CORE_EFFECT_DEAD,       /* client, id, reason: a waiter's message was dead-lettered */
    CORE_EFFECT_CANCELLED,  /* client, tag, id, cancelled or (state) why not */
    CORE_EFFECT_CALL,       /* worker, call: hand it out (the shell holds its body under `call`) */
    CORE_EFFECT_CALL_REPLY, /* client, tag, call, call_result: the shell drops the body */
    CORE_EFFECT_LEFT,       /* worker: nothing is outstanding */
    CORE_EFFECT_FREED,      /* location, body_len: this body is not needed any more (the journal counts live bytes) */
    CORE_EFFECT_KIND_COUNT
};

struct core_effect {
    enum core_effect_kind kind;
    uint32_t client, worker, slot, lease, body_len;
    uint64_t tag, seq, call, group, location;
    enum core_send_result send_result;
    enum core_call_result call_result;
    enum core_state state;
    bool cancelled;
    struct id id;
    struct slice body;
    const char *reason;        /* static or in the core until the next step */
    struct core_record record; /* JOURNAL */
};

struct core_effects {
    struct core_effect at[CORE_EFFECTS_MAX];
    size_t count;
};

/* NULL when memory runs out or the configuration is out of range. Fixed tables are allocated here, pools grow in core_step. */
struct core *core_create(const struct core_config *config);
void core_destroy(struct core **c);

/* One event. The effects are complete before it returns; what they point to stays valid until the next step or the event's owner
 * lets go of it. Never blocks; never fails (what cannot be done is refused by an effect). CORE_CALL returns the call's number in
 * event->call before its effects. */
void core_step(struct core *c, struct core_event *event, struct core_effects *out);

/* When the next CORE_TICK is due (broker ms), INT64_MAX if never. O(1). */
int64_t core_deadline(const struct core *c);

/* Where the body of the message in slot lies; must follow a JOURNAL effect of kind SEND before the next step. */
void core_locate(struct core *c, uint32_t slot, uint64_t location);

/* -- Recovery: before the first step. Records in journal order, each with the location of its body. ------------------------------------- */
/* 0, or -1 for a record that cannot be (damage the checksums did not see) or no memory. */
int core_replay(struct core *c, const struct core_record *record, uint64_t location);
/* Ends recovery: what was leased is READY again, all committed. Returns the highest broker time seen. */
int64_t core_replayed(struct core *c);

/* -- Looking (no change) -------------------------------------------------------------------------------------------------------------- */
struct core_info {
    uint32_t slot, queue, receive_count, body_len;
    enum core_state state;
    uint64_t seq, group, location;
    struct id id;
    int64_t accepted_ms, due_ms;
    const char *reason; /* dead letters; else "" */
};
bool core_find(const struct core *c, const struct id *id, struct core_info *info);
bool core_slot(const struct core *c, uint32_t slot, uint64_t seq, struct core_info *info); /* false if seq is not in slot now */
/* Walks all live messages in slot order: the first one at or behind *slot, which is moved to it; false at the end. */
bool core_next(const struct core *c, uint32_t *slot, struct core_info *info);
uint32_t core_queue_by_name(const struct core *c, struct slice name); /* index or CORE_NONE */
/* Fills info with up to max messages of a queue in ready order (READY, then BLOCKED, DELAYED, LEASED); returns how many. */
size_t core_peek(const struct core *c, uint32_t queue, struct core_info *info, size_t max);

struct core_queue_stats {
    uint64_t count[CORE_STATE_COUNT];
    uint64_t bytes;             /* of bodies */
    int64_t oldest_accepted_ms; /* of the message next in line; INT64_MAX when empty */
};
bool core_queue_stats(const struct core *c, uint32_t queue, const struct core_queue_attributes **attributes,
                      struct core_queue_stats *stats);

struct core_stats {
    uint64_t messages, leases, calls, workers, waiters, keys;
    uint64_t accepted_total, duplicate_total, refused_total, done_total, redelivered_total, dead_total, expired_total;
    uint64_t bytes_memory; /* allocated by the core */
};
void core_stats(const struct core *c, struct core_stats *stats);

/* Highest record number so far, and the lowest seq that may still be delivered (dead letters included): outcomes of jobs below it can
 * be swept. Callers publish the value that was current at the last commit. O(1) amortized. */
uint64_t core_number(const struct core *c);
uint64_t core_low_seq(const struct core *c);

/* Keys of the idempotency window whose records are numbered up to `number`, as KEY records for carrying over: they count as recorded
 * at the present number from then on. Returns how many were written. */
size_t core_keys_before(struct core *c, uint64_t number, struct core_record *out, size_t max);

/* Checks every invariant of the structure (lists, counts, heap, tables); aborts with a message by assert. For tests: O(n). */
void core_check(const struct core *c);

#endif
