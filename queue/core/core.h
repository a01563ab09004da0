/* core.h - the broker as a pure state machine: core_step(event) -> effects, core_deadline(). No clock, no I/O, no randomness.
 * What queues offer to clients who receive by themselves is told in clients.h, which belongs to this page.
 *
 * The shell (queue/server.c) turns frames into events and carries out the effects; the simulation (tests/sim) does the same with a
 * virtual clock, a faulty network and a faulty disk. `nm -u` over this folder's objects is checked by make lint.
 *
 * Time. now_ms is the broker's own time line: it never goes back while the broker runs, and over a restart not behind the last record
 * (the shell starts it at the later of the wall clock and the last time in the journal, and moves it with the monotonic clock). All times
 * that are persisted are on it.
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
#include "queue/core/clients.h"

struct core;

#define CORE_EFFECTS_MAX 4096u   /* effects of one step; a step with more to say sets its deadline to now */
#define CORE_RECORDS_MAX 1088u   /* records of one step: the shell keeps a place for so many before it asks for one */
#define CORE_RECORDS_ENOUGH 512u /* with so many a step ends as soon as it can */
#define CORE_NONE UINT32_MAX     /* no queue, client, worker, slot */

/* The allocator is an input, too, so that tests can fail the n-th allocation. */
struct core_memory {
    void *(*resize)(void *self, void *old, size_t bytes); /* realloc semantics; bytes 0 frees and returns NULL */
    void *self;
};

struct core_config {
    uint32_t max_messages;     /* over all queues; at most 2^31. Recovery may go over it; then sends are refused */
    uint32_t max_keys;         /* idempotency keys remembered at once */
    uint32_t batch_max;        /* messages handed out to a worker at once */
    uint32_t slices;           /* ready lists a queue, power of two, at most 64 */
    int64_t key_window_ms;     /* how long an idempotency key is remembered after it was accepted */
    int64_t worker_silence_ms; /* a worker that was not heard of for so long is gone */
    struct core_memory memory;
};

/* JOBS: workers take from it, and expired messages are dead-lettered, not deleted. STANDARD, FIFO: clients receive from it. */
enum core_queue_kind { CORE_STANDARD, CORE_FIFO, CORE_JOBS };

/* Attributes of a queue. A queue is known by its number, which it gets when it is made and again when it is purged, so that nothing of
 * before can be taken for something of after; a number is used again only when no record speaks of it any more. Others refer to it by
 * name: a dead-letter queue that is not there (or of the wrong kind) takes nothing, and max_receive_count then has no effect. */
struct core_queue_attributes {
    char name[LIMIT_QUEUE_PATH_BYTES + 1];
    char dead_letter[LIMIT_QUEUE_PATH_BYTES + 1]; /* empty: none */
    int64_t visibility_ms, delay_ms, retention_ms;
    int64_t wait_ms, max_lease_ms; /* of receives; max_lease_ms 0: LIMIT_VISIBILITY_MS */
    uint32_t max_receive_count;    /* 0: no limit */
    uint32_t max_message_bytes;    /* as senders count; 0: no limit */
    uint32_t max_inflight;         /* 0: LIMIT_INFLIGHT. Not for jobs */
    uint32_t max_per_group;        /* STANDARD: messages of one group in flight; 0: any number */
    uint64_t max_messages;         /* sends beyond are refused (CORE_FULL); 0: no limit */
    uint64_t max_bytes;            /* the same */
    enum core_queue_kind kind;
    bool paused; /* nothing is handed out */
    bool content_deduplication, deduplicate_by_group, throughput_by_group;
};

enum core_state { CORE_COMMITTING, CORE_DELAYED, CORE_READY, CORE_BLOCKED, CORE_LEASED, CORE_STATE_COUNT };

/* -- Records: what is persisted. The journal encodes them; core_replay() takes them back. -------------------------------------------- */
enum core_record_kind {
    CORE_REC_SEND =
        1,         /* a message with its body; also a moved copy (compaction), then with its present queue, count and reason */
    CORE_REC_DONE, /* seq is gone (done, cancelled, expired, purged) */
    CORE_REC_RELEASE, /* seq has been received receive_count times and is visible again at due_ms */
    CORE_REC_MOVE,    /* seq is now in `queue` (dead-letter, redrive): receive_count, due_ms, reason */
    CORE_REC_QUEUE,   /* as DEFINE, by brokers that knew the shell's own queues only */
    CORE_REC_KEY,     /* an idempotency key carried over from an old segment */
    CORE_REC_MARK,    /* snapshot at the head of a segment: record number and time so far; changes nothing else */
    /* clients.h */
    CORE_REC_POST,   /* a message of a queue that is not of jobs, or a copy of one with all that is known of it */
    CORE_REC_LEASE,  /* seq was received for the receive_count-th time at now_ms and is visible again at due_ms */
    CORE_REC_EXTEND, /* seq, received receive_count times, is visible again at due_ms instead */
    CORE_REC_TRANSFER, /* seq is now in `queue`, ready: receive_count, accepted_ms, source, reason; renumbered: its seq is now number */
    CORE_REC_DEFINE, /* queue: its attributes, more.created_ms, secret; its document is the body. The definition's version is number */
    CORE_REC_PURGE,  /* everything in queue is gone; it is number more.target now. id: token */
    CORE_REC_REMOVE, /* queue is gone with all that was in it. id: token; source: its name */
    CORE_REC_TASK,   /* a move task of queue, as it is now: id, source = destination, reason, more.task */
    CORE_REC_COUNT
};

/* What the first seven kinds do not have. */
struct core_record_more {
    struct slice source;           /* POST, TRANSFER: the queue that it is a dead letter of */
    int64_t first_ms, received_ms; /* POST: of the first and the last receive, 0: none */
    int64_t kept_ms;               /* POST: retention counts from here */
    uint32_t before;               /* POST: of its receives, those in other queues */
    uint32_t priority;             /* POST */
    bool leased;                   /* POST: in flight until due_ms */
    bool renumbered;               /* TRANSFER */
    uint32_t task_queue;           /* TRANSFER: the queue whose task has moved it, CORE_NONE: none has */
    bool has_attempt;              /* POST, LEASE: attempt is set */
    unsigned char attempt[16];
    uint32_t target;          /* PURGE */
    int64_t created_ms;       /* DEFINE; changed at now_ms, but in copies: */
    int64_t changed_ms;       /* DEFINE */
    uint64_t version;         /* DEFINE: as number, but in copies */
    uint64_t purge_number;    /* DEFINE: of the queue's last PURGE, 0: none */
    unsigned char secret[16]; /* DEFINE */
    struct core_task task;    /* TASK */
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
    struct slice body;                       /* SEND, POST, DEFINE; empty: TASK */
    struct slice reason;                     /* MOVE, TRANSFER, TASK, or a copy of a dead letter */
    struct core_queue_attributes attributes; /* QUEUE, DEFINE */
    struct core_record_more more;
};
/* These kinds lie where they were written until they are said again or freed; compaction carries them over. */
static inline bool core_record_stays(enum core_record_kind kind)
{
    return kind == CORE_REC_SEND || kind == CORE_REC_POST || kind == CORE_REC_DEFINE || kind == CORE_REC_TASK;
}

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
    CORE_CALL,          /* client, tag, delay_ms = timeout */
    CORE_CALL_DONE,     /* worker, call: the shell passes the body on by itself on CORE_EFFECT_CALL_REPLY */
    CORE_QUEUE_SET,     /* queue (< LIMIT_QUEUES; new or known), attributes, secret: the shell's own queues, and tests' */
    CORE_PURGE, /* queue: every message not LEASED or COMMITTING is removed, as many as one step's effects hold: repeat it */
    CORE_REDRIVE, /* queue, target, messages = at most so many (0: all): READY ones move to target with receive count 0; as PURGE */
    CORE_DISK, /* full: from now on sends are refused with CORE_DISK_FULL, or accepted again; exhausted: whatever needs a record is */
    CORE_MOVE_BODY, /* slot, seq: compaction wants this live message re-appended: emits its record again */
    /* clients.h; each has client and tag, and is answered by ANSWER (RECEIVE: by RECEIVED) */
    CORE_POST,            /* queue, id, group, delay_ms or -1, messages = priority, has_key/key, content_key, size, body */
    CORE_RECEIVE,         /* queue, messages = max, delay_ms = visibility or -1, wait_ms or -1, has_key/key = attempt */
    CORE_STOP,            /* number = tag of a RECEIVE of this client: it waits no longer */
    CORE_DELETE,          /* queue, seq, lease */
    CORE_VISIBILITY,      /* queue, seq, lease, delay_ms */
    CORE_QUEUE_CREATE,    /* attributes, body = document, key = secret */
    CORE_QUEUE_CHANGE,    /* queue, number = version or 0, attributes, body = document */
    CORE_QUEUE_REMOVE,    /* queue (or CORE_NONE: body = name), id = token */
    CORE_QUEUE_PURGE,     /* queue, id = token; not for jobs */
    CORE_TASK_START,      /* queue, id = task, body = destination's name, messages = rate */
    CORE_TASK_CANCEL,     /* queue, id = task */
    CORE_MOVE_DEFINITION, /* queue, number = location, body = document: as MOVE_BODY, for a DEFINE; no answer */
    CORE_MOVE_TASK,       /* id, number = location: the same for a TASK */
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
    bool has_key, wait, full, healed, exhausted, content_key;
    unsigned char key[16];
    uint64_t body_hash, size;
    int64_t wait_ms;
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
    CORE_EFFECT_ANSWER,     /* client, tag, about = the event's kind, answer, value, id (clients.h) */
    CORE_EFFECT_RECEIVED,   /* client, tag, answer, queue, value = so many GIVEN follow, all of them in this step */
    CORE_EFFECT_GIVEN,      /* client, tag, slot, seq, lease: what else there is to know tells core_slot() */
    CORE_EFFECT_KIND_COUNT
};

struct core_effect {
    enum core_effect_kind kind;
    uint32_t client, worker, slot, lease, body_len, queue;
    uint64_t tag, seq, call, group, location, value;
    enum core_event_kind about;
    enum core_answer answer;
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

/* Where a record that stays was written; must follow its JOURNAL effect before the next step. */
void core_locate(struct core *c, const struct core_effect *journal, uint64_t location);

/* -- Recovery: before the first step. Records in journal order, each with the location of its body. ------------------------------------- */
/* 0, or -1 for a record that cannot be (damage the checksums did not see) or no memory. A queue's definition may come behind its messages. */
int core_replay(struct core *c, const struct core_record *record, uint64_t location);
/* Ends recovery: jobs that were leased are READY again, what clients had received is in flight until its time, all is committed. Returns the
 * highest broker time seen. Queues whose definition is lost (salvage) have no name: the shell gives them one with CORE_QUEUE_SET. */
int64_t core_replayed(struct core *c); /* -1: no memory */

/* -- Looking (no change) -------------------------------------------------------------------------------------------------------------- */
struct core_info {
    uint32_t slot, queue, receive_count, body_len, priority;
    enum core_state state;
    uint64_t seq, group, location;
    struct id id;
    int64_t accepted_ms, due_ms, first_ms; /* first_ms: of the first receive by a client; 0: none */
    const char *reason, *source;           /* dead letters; else "" */
};
bool core_find(const struct core *c, const struct id *id, struct core_info *info);
bool core_slot(const struct core *c, uint32_t slot, uint64_t seq, struct core_info *info); /* false if seq is not in slot now */
/* Walks all live messages in slot order: the first one at or behind *slot, which is moved to it; false at the end. */
bool core_next(const struct core *c, uint32_t *slot, struct core_info *info);
uint32_t core_queue_by_name(const struct core *c, struct slice name); /* number or CORE_NONE */
/* The number of the first queue whose name is not below `name` (above it, if `behind`), in the order of names; CORE_NONE: there is none. */
uint32_t core_queue_from(const struct core *c, struct slice name, bool behind);
/* Fills info with up to max messages of a queue that are in one of the states (bits 1 << core_state), in ready order (READY, then
 * BLOCKED, DELAYED, LEASED); returns how many. */
size_t core_peek(const struct core *c, uint32_t queue, uint32_t states, struct core_info *info, size_t max);

struct core_queue_stats {
    uint64_t count[CORE_STATE_COUNT];
    uint64_t bytes;                     /* of bodies */
    int64_t oldest_accepted_ms;         /* of the message next in line; INT64_MAX when empty */
    uint64_t entered_total, left_total; /* messages, since the process started or the queue was purged */
    uint64_t noisy, receivers;          /* READY ones that are held back for quiet groups; RECEIVEs that wait */
    uint64_t version, location;         /* of the definition; document_bytes at location */
    uint32_t document_bytes;
    int64_t created_ms, changed_ms;
    const unsigned char *secret; /* 16 bytes */
};
bool core_queue_stats(const struct core *c, uint32_t queue, const struct core_queue_attributes **attributes,
                      struct core_queue_stats *stats);
/* Each position from 0 on has a queue, in the order of names; CORE_NONE behind the last. A change of queues changes positions. */
uint32_t core_queue_at(const struct core *c, uint32_t position);
/* Walks all records that stay beside those of messages: the definitions and tasks of queues. *at begins at 0; false at the end. */
bool core_next_kept(const struct core *c, uint64_t *at, uint64_t *location, uint32_t *body_len);
/* A queue whose definition recovery did not find; CORE_NONE: there is none. */
uint32_t core_queue_nameless(const struct core *c);
size_t core_tasks(const struct core *c, uint32_t queue, struct core_task_info *out, size_t max); /* youngest first */

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

/* Checks every invariant of the structure (lists, counts, heap, tables); aborts with a message by assert. For tests: O(n). */
void core_check(const struct core *c);

#endif
