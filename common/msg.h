/* msg.h - the wire messages between clients (gateway, cli), the broker and workers; docs/PROTOCOL.md is their manual.
 *
 * A wire message is one ZeroMQ frame: one msgpack array [kind, fields...]. Batched kinds hold an array of entries as their last
 * field, so that a writer can append entries until it flushes, and a reader walks them without allocating.
 * Writers: msg_begin_*() then msg_add_*() per entry then msg_end(); or a single msg_put_*() for kinds without entries.
 * Readers: msg_open() checks the whole frame (well-formed, depth, the kind's arity) and reads the kind; then the kind's
 * msg_read_*() fixed part; then msg_next_*() per entry, which return false at the end or on damage (check m->reader.failed). */
#ifndef LEAT_COMMON_MSG_H
#define LEAT_COMMON_MSG_H

#include "common/buf.h"
#include "common/id.h"
#include "common/mp.h"

#define MSG_VERSION 1u

/* Row: symbol, direction, number of fields after the kind. */
#define MSG_TABLE(X)                                                                                                           \
    /* client -> broker, on the client endpoint */                                                                             \
    X(HELLO, "client>", 3)  /* version, role str, name str */                                                                  \
    X(SEND, "client>", 3)   /* batch uint, queue str, [send entry] */                                                          \
    X(CALL, "client>", 1)   /* [call entry] */                                                                                 \
    X(WATCH, "client>", 3)  /* request uint, id bin16, wait_ms uint: a message's state, or its outcome when it ends */         \
    X(CANCEL, "client>", 2) /* request uint, id bin16 */                                                                       \
    X(ADMIN, "client>", 3)  /* request uint, verb str, argument any value */                                                   \
    X(PING, "any>", 0)      /* keep-alive of an idle client */                                                                 \
    /* broker -> client */                                                                                                     \
    X(WELCOME, ">any", 3)        /* version, instance uint (a new one each start), catalog bin */                              \
    X(SENT, ">client", 2)        /* batch uint, [result uint]; an empty array: all accepted */                                 \
    X(RESULTS, ">client", 1)     /* [[id bin16, outcome bin]] for messages sent with MSG_WAIT or watched */                    \
    X(REPLIES, ">client", 1)     /* [[call uint, status uint, body bin]] */                                                    \
    X(STATE, ">client", 4)       /* request uint, enum msg_state, receive count uint, body bin (outcome or reason) */          \
    X(ADMIN_REPLY, ">client", 3) /* request uint, err code uint, value */                                                      \
    X(CATALOG, ">client", 1)     /* catalog bin */                                                                             \
    X(PONG, ">any", 1)           /* instance uint */                                                                           \
    X(WHO, ">any", 0)            /* the broker does not know this peer: say HELLO again and send again */                      \
    /* worker -> broker, on the worker endpoint */                                                                             \
    X(JOIN, "worker>", 7)    /* version, name str, incarnation, child pid, guard pid, healed: uint, catalog bin */             \
    X(CREDIT, "worker>", 2)  /* messages uint, calls uint: how many more it can take */                                        \
    X(DONE, "worker>", 1)    /* [done entry] */                                                                                \
    X(ANSWERS, "worker>", 1) /* [[call uint, status uint, body bin]] */                                                        \
    X(BEAT, "worker>", 4)    /* commits uint, recoveries uint, applied uint, failed uint: totals since start */                \
    X(LEAVE, "worker>", 0)   /* deliver nothing more; what is outstanding is done or given back first */                       \
    X(TABLES, "worker>", 1)  /* catalog bin, after it changed */                                                               \
    /* broker -> worker */                                                                                                     \
    X(JOBS, ">worker", 2)  /* low seq uint (see worker/README.md on sweeping), [job entry] */                                  \
    X(CALLS, ">worker", 1) /* [[call uint, flags uint, id bin, body bin]] */                                                   \
    X(LEFT, ">worker", 0)  /* answer to LEAVE: nothing is outstanding */                                                       \
    /* client -> broker and back: queues and their messages (msg_queue.h) */                                                   \
    X(REQUESTS, "client>", 1)  /* [[request uint, verb uint, queue str, argument]] */                                          \
    X(RESPONSES, ">client", 1) /* [[request uint, result uint, body]] */

enum msg_kind {
#define X(symbol, direction, fields) MSG_##symbol,
    MSG_TABLE(X)
#undef X
        MSG_KIND_COUNT
};

const char *msg_kind_name(enum msg_kind kind);

struct msg {
    enum msg_kind kind;
    struct mp_reader reader; /* behind the kind */
    uint32_t left;           /* entries not yet read */
};

/* 0, or -1 for anything that is no message of ours. The slice must outlive m. */
int msg_open(struct slice frame, struct msg *m);

/* -- SEND ------------------------------------------------------------------------------------------------------------------ */
#define MSG_WAIT 1u   /* send entry: answer with RESULTS when the message ends */
#define MSG_WRITES 2u /* call entry: it writes; its id makes a second run harmless */

struct msg_send {
    struct id id;
    uint64_t group; /* 0: no order */
    uint32_t flags;
    int64_t delay_ms;   /* 0: none (or the queue's own); bounded by LIMIT_DELAY_MS */
    struct slice key;   /* idempotency key digest: empty or 16 bytes */
    uint64_t body_hash; /* compared when the key is known already */
    struct slice body;  /* 1..LIMIT_BODY_BYTES */
};

/* What became of one sent message. */
enum msg_result {
    MSG_ACCEPTED = 0,  /* durable */
    MSG_DUPLICATE = 1, /* durable, and known before: same id or same idempotency key and body */
    MSG_MISMATCH = 2,  /* idempotency key known with another body */
    MSG_FULL = 3,      /* the queue or the broker's memory is full: try later */
    MSG_DISK_FULL = 4,
    MSG_NO_QUEUE = 5,
    MSG_INVALID = 6,
    MSG_RESULT_COUNT
};

size_t msg_begin_send(struct buf *b, uint64_t batch, struct slice queue); /* returns the mark for msg_end */
void msg_add_send(struct buf *b, const struct msg_send *entry);
void msg_end(struct buf *b, size_t mark, uint32_t count);               /* closes the entries of any batched kind */
int msg_read_send(struct msg *m, uint64_t *batch, struct slice *queue); /* 0 or -1 */
bool msg_next_send(struct msg *m, struct msg_send *entry);

/* SENT: result of entry i. A DUPLICATE or MISMATCH by key is followed by the first message's id, so an entry of the array is
 * either a uint or [uint, id bin16]. */
size_t msg_begin_sent(struct buf *b, uint64_t batch);
void msg_add_sent(struct buf *b, enum msg_result result, const struct id *known /* NULL: none */);
int msg_read_sent(struct msg *m, uint64_t *batch);
bool msg_next_sent(struct msg *m, enum msg_result *result, struct id *known /* zeroed if none */);

/* -- CALL, CALLS ----------------------------------------------------------------------------------------------------------- */
struct msg_call {
    uint64_t call; /* the sender's number */
    uint32_t flags;
    int64_t timeout_ms; /* CALL only */
    struct slice id;    /* empty, or 16 bytes for a write */
    struct slice body;  /* an operation (op.h) */
};
size_t msg_begin_call(struct buf *b);
void msg_add_call(struct buf *b, const struct msg_call *entry);
int msg_read_call(struct msg *m);
bool msg_next_call(struct msg *m, struct msg_call *entry);
size_t msg_begin_calls(struct buf *b);
void msg_add_calls(struct buf *b, const struct msg_call *entry);
int msg_read_calls(struct msg *m);
bool msg_next_calls(struct msg *m, struct msg_call *entry);

/* REPLIES and ANSWERS: status of a call. */
enum msg_call_status {
    MSG_CALL_OK = 0 /* body: an outcome */,
    MSG_CALL_NO_WORKER = 1,
    MSG_CALL_WORKER_LOST = 2,
    MSG_CALL_TIMEOUT = 3,
    MSG_CALL_BUSY = 4
};
struct msg_reply {
    uint64_t call;
    enum msg_call_status status;
    struct slice body;
};
size_t msg_begin_replies(struct buf *b, enum msg_kind kind /* MSG_REPLIES or MSG_ANSWERS */);
void msg_add_reply(struct buf *b, const struct msg_reply *entry);
int msg_read_replies(struct msg *m);
bool msg_next_reply(struct msg *m, struct msg_reply *entry);

/* -- RESULTS --------------------------------------------------------------------------------------------------------------- */
size_t msg_begin_results(struct buf *b);
void msg_add_result(struct buf *b, const struct id *id, struct slice outcome);
int msg_read_results(struct msg *m);
bool msg_next_result(struct msg *m, struct id *id, struct slice *outcome);

/* -- WATCH, CANCEL, STATE -------------------------------------------------------------------------------------------------- */
/* State of a message as the broker knows it. ENDED comes with the outcome; UNKNOWN: not (or no longer) at the broker, the store
 * may hold its outcome. CANCEL answers CANCELLED, or the state that forbids it. */
enum msg_state { MSG_UNKNOWN, MSG_QUEUED, MSG_DELAYED, MSG_RUNNING, MSG_DEAD, MSG_ENDED, MSG_CANCELLED, MSG_STATE_COUNT };
void msg_put_watch(struct buf *b, uint64_t request, const struct id *id, int64_t wait_ms);
int msg_read_watch(struct msg *m, uint64_t *request, struct id *id, int64_t *wait_ms);
void msg_put_cancel(struct buf *b, uint64_t request, const struct id *id);
int msg_read_cancel(struct msg *m, uint64_t *request, struct id *id);
struct msg_state_reply {
    uint64_t request;
    enum msg_state state;
    uint32_t receive_count;
    struct slice body; /* ENDED: outcome; DEAD: reason text; else empty */
};
void msg_put_state(struct buf *b, const struct msg_state_reply *s);
int msg_read_state(struct msg *m, struct msg_state_reply *s);

/* -- ADMIN: verbs and their arguments are listed in docs/PROTOCOL.md ("queues", "peek", "purge", "redrive", "stats", "dead") - */
void msg_put_admin(struct buf *b, uint64_t request, const char *verb, struct slice argument /* encoded value */);
int msg_read_admin(struct msg *m, uint64_t *request, struct slice *verb, struct slice *argument);
void msg_put_admin_reply(struct buf *b, uint64_t request, unsigned err_code, struct slice value);
int msg_read_admin_reply(struct msg *m, uint64_t *request, unsigned *err_code, struct slice *value);

/* -- Handshake ------------------------------------------------------------------------------------------------------------- */
void msg_put_hello(struct buf *b, const char *role, const char *name);
int msg_read_hello(struct msg *m, uint64_t *version, struct slice *role, struct slice *name);
void msg_put_welcome(struct buf *b, uint64_t instance, struct slice catalog);
int msg_read_welcome(struct msg *m, uint64_t *version, uint64_t *instance, struct slice *catalog);
void msg_put_catalog(struct buf *b, enum msg_kind kind /* MSG_CATALOG or MSG_TABLES */, struct slice catalog);
int msg_read_catalog(struct msg *m, struct slice *catalog);
void msg_put_pong(struct buf *b, uint64_t instance);
int msg_read_pong(struct msg *m, uint64_t *instance);
void msg_put_bare(struct buf *b, enum msg_kind kind); /* PING, WHO, LEAVE, LEFT */

struct msg_join {
    uint64_t version;
    struct slice name;    /* stable over restarts of the child: the guard's */
    uint64_t incarnation; /* new for each child */
    uint64_t pid, guard_pid;
    bool healed; /* the incarnation before died of another worker's death: its jobs are blameless */
    struct slice catalog;
};
void msg_put_join(struct buf *b, const struct msg_join *join);
int msg_read_join(struct msg *m, struct msg_join *join);
void msg_put_credit(struct buf *b, uint32_t messages, uint32_t calls);
int msg_read_credit(struct msg *m, uint32_t *messages, uint32_t *calls);
struct msg_beat {
    uint64_t commits, recoveries, applied, failed;
};
void msg_put_beat(struct buf *b, const struct msg_beat *beat);
int msg_read_beat(struct msg *m, struct msg_beat *beat);

/* -- JOBS, DONE ------------------------------------------------------------------------------------------------------------ */
struct msg_job {
    uint64_t seq;   /* the message's sequence number at the broker */
    uint32_t lease; /* receive count of this delivery: with seq, the receipt handle */
    struct id id;
    uint64_t group;
    struct slice body;
};
size_t msg_begin_jobs(struct buf *b, uint64_t low_seq);
void msg_add_job(struct buf *b, const struct msg_job *entry);
int msg_read_jobs(struct msg *m, uint64_t *low_seq);
bool msg_next_job(struct msg *m, struct msg_job *entry);

enum msg_disposition {
    MSG_DONE_OK = 0,    /* the outcome is recorded: forget the message, tell who waits */
    MSG_DONE_RETRY = 1, /* not applied: make it visible again after retry_ms, without counting this receive */
    MSG_DISPOSITION_COUNT
};
struct msg_done {
    uint64_t seq;
    uint32_t lease;
    enum msg_disposition disposition;
    int64_t retry_ms;
    struct slice outcome; /* OK: the outcome (op.h) */
};
size_t msg_begin_done(struct buf *b);
void msg_add_done(struct buf *b, const struct msg_done *entry);
int msg_read_done(struct msg *m);
bool msg_next_done(struct msg *m, struct msg_done *entry);

#endif
