/* msg_queue.h - what clients ask of queues and their messages (REQUESTS), and what the broker answers (RESPONSES).
 *
 * Jobs travel by SEND (msg.h), which is made for nothing but speed. Everything else that a queue can do goes through this pair of kinds:
 * a frame of REQUESTS is a batch of requests of any verbs to any queues, carried out in their order; each gets its own response, by
 * its number, when what it says is on disk. docs/PROTOCOL.md ("Queues and their messages") says what each verb does.
 *
 * Names of queues are bytes to the broker; it compares them and no more. Times are milliseconds: durations, or points on the
 * broker's time line, which is the wall clock's unless that was set back. Slices that come out of a read point into the frame. */
#ifndef LEAT_COMMON_MSG_QUEUE_H
#define LEAT_COMMON_MSG_QUEUE_H

#include "common/limits.h"
#include "common/msg.h"

#define QUEUE_DEFAULT (-1) /* a duration that is left to the queue's attribute */

/* Row: verb, fields of its argument. */
#define QUEUE_VERB_TABLE(X)                                                                                                    \
    X(SEND, 8)        /* a message into the queue */                                                                           \
    X(RECEIVE, 4)     /* up to 10 messages, now or when some come */                                                           \
    X(DELETE, 1)      /* a received message is done */                                                                         \
    X(VISIBILITY, 2)  /* a received message becomes visible again after so long from now */                                    \
    X(CREATE, 2)      /* the queue, if there is none of its name */                                                            \
    X(DESCRIBE, 0)    /* its attributes, document and counts */                                                                \
    X(CHANGE, 3)      /* its attributes and document */                                                                        \
    X(REMOVE, 1)      /* the queue with all its messages */                                                                    \
    X(LIST, 3)        /* queues whose names begin with the given one */                                                        \
    X(PURGE, 1)       /* all its messages */                                                                                   \
    X(MOVE_START, 3)  /* a task that moves its messages to where they came from, or elsewhere */                               \
    X(MOVE_CANCEL, 1) /* ends such a task */                                                                                   \
    X(MOVE_LIST, 0)   /* the queue's tasks, youngest first */                                                                  \
    X(PEEK, 3)        /* a look at its messages */                                                                             \
    X(FIND, 1)        /* where is the message with this id? (of any queue: the name is not looked at) */                       \
    X(STOP, 1)        /* an earlier RECEIVE of the same client shall wait no longer */

enum queue_verb {
#define X(verb, fields) QUEUE_VERB_##verb,
    QUEUE_VERB_TABLE(X)
#undef X
        QUEUE_VERB_COUNT
};

const char *queue_verb_name(enum queue_verb verb);

/* What became of a request. The second column: may the same request succeed later? */
#define QUEUE_RESULT_TABLE(X)                                                                                                  \
    X(OK, false)                                                                                                               \
    X(INVALID, false)          /* an argument out of its range, or of a form that the broker does not know */                  \
    X(NO_QUEUE, false)         /* there is no queue of that name */                                                            \
    X(EXISTS, false)           /* CREATE: there is one; the response describes it */                                           \
    X(DELETED_RECENTLY, true)  /* CREATE: one of that name was removed less than 60 s ago */                                   \
    X(TOO_MANY, true)          /* CREATE: LIMIT_QUEUES; RECEIVE: LIMIT_RECEIVES */                                             \
    X(CONFLICT, true)          /* CHANGE: of another version by now. Both: purged or removed meanwhile: ask again */           \
    X(BUILT_IN, false)         /* CHANGE, REMOVE: of leat's own queues only document and pause can be changed */               \
    X(WORKERS_ONLY, false)     /* SEND, RECEIVE: of a queue of jobs */                                                         \
    X(FULL, true)              /* the queue's own bounds, or the broker's memory */                                            \
    X(DISK_FULL, true)         /* nothing that takes room is accepted */                                                       \
    X(TOO_LARGE, false)        /* SEND: longer than the queue's max_message_bytes, which the response names */                 \
    X(NO_GROUP, false)         /* SEND: a FIFO queue wants one */                                                              \
    X(NO_DEDUPLICATION, false) /* SEND: a FIFO queue wants a key, and content's only if it deduplicates by content */          \
    X(OVER_LIMIT, true)        /* RECEIVE: too many messages of a standard queue are in flight */                              \
    X(BAD_HANDLE, false)       /* DELETE, VISIBILITY: not one that this queue ever gave out */                                 \
    X(EXPIRED, false)          /* DELETE, VISIBILITY: the handle's receive is over (FIFO) */                                   \
    X(NOT_IN_FLIGHT, false)    /* VISIBILITY: the message is visible */                                                        \
    X(NO_MESSAGE, false)       /* VISIBILITY, FIND: there is no such message (any more) */                                     \
    X(TOO_LONG, false)         /* VISIBILITY: longer since its receive than the queue's max_lease_ms */                        \
    X(IN_PROGRESS, true)       /* PURGE: one less than 60 s ago; MOVE_START: a task of this queue is running */                \
    X(NO_TASK, false)          /* MOVE_CANCEL: no such task is running */                                                      \
    X(NO_SOURCE, false)        /* MOVE_START: no queue has this one as its dead-letter queue */                                \
    X(NO_DESTINATION, false)   /* MOVE_START: the destination does not exist */                                                \
    X(OTHER_KIND, false)       /* MOVE_START, CREATE, CHANGE: destination or dead-letter queue of another kind */

enum queue_result {
#define X(result, retry) QUEUE_##result,
    QUEUE_RESULT_TABLE(X)
#undef X
        QUEUE_RESULT_COUNT
};

const char *queue_result_name(enum queue_result result);
bool queue_result_may_retry(enum queue_result result);

/* -- Attributes -------------------------------------------------------------------------------------------------------------- */
enum queue_kind { QUEUE_STANDARD, QUEUE_FIFO, QUEUE_OF_JOBS /* workers take from it; made by the broker alone */, QUEUE_KINDS };

/* All of a queue's settings; a CREATE or CHANGE carries them all. Ranges in brackets; who breaks one gets QUEUE_INVALID. */
struct queue_attributes {
    enum queue_kind kind;  /* never changes */
    int64_t visibility_ms; /* [0, LIMIT_VISIBILITY_MS] for who receives without a time of his own */
    int64_t
        delay_ms; /* [0, LIMIT_SCHEDULE_MS] for messages without one; FIFO: for all, and changes reach those that are there */
    int64_t retention_ms; /* [LIMIT_RETENTION_MIN_MS, LIMIT_RETENTION_MAX_MS] */
    int64_t wait_ms;      /* [0, LIMIT_RECEIVE_WAIT_MS] for who receives without a time of his own */
    int64_t max_lease_ms; /* [0, LIMIT_LEASE_MS] a receive's visibility, all extensions included; 0: LIMIT_VISIBILITY_MS */
    uint32_t max_message_bytes; /* [1024, LIMIT_BODY_BYTES], against the size that the sender counts */
    uint32_t max_receive_count; /* [0, LIMIT_RECEIVE_COUNT]; 0: no dead letters */
    struct slice dead_letter;   /* name of the dead-letter queue; empty: none. While no queue has that name, messages stay */
    bool content_deduplication; /* FIFO: a content's key will do */
    bool deduplicate_by_group;  /* FIFO: keys of different groups are different (DeduplicationScope=messageGroup) */
    bool throughput_by_group; /* FIFO: kept, and without effect: nobody is throttled (FifoThroughputLimit=perMessageGroupId) */
    uint32_t max_inflight;    /* [0, LIMIT_INFLIGHT]; 0: LIMIT_INFLIGHT */
    uint32_t max_per_group;   /* standard: messages of one group in flight at once; 0: any number */
    bool paused;              /* nothing is handed out, sends go on */
    uint64_t max_messages;    /* sends beyond are refused; 0: no bound of its own */
    uint64_t max_bytes;       /* of bodies; the same */
};

/* -- Requests ------------------------------------------------------------------------------------------------------------------ */
#define QUEUE_CONTENT_KEY 1u /* SEND: the key is made of the content, since the sender gave none */

struct queue_send {
    struct id id;     /* the sender makes it; a second SEND with it is answered as the first */
    uint64_t group;   /* hash of the message group id; 0: none. FIFO: order. Standard: tenant, for fairness and max_per_group */
    uint32_t flags;   /* QUEUE_CONTENT_KEY */
    int64_t delay_ms; /* [0, LIMIT_SCHEDULE_MS] or QUEUE_DEFAULT; FIFO: QUEUE_DEFAULT or 0, which mean the same */
    uint32_t priority; /* [0, LIMIT_PRIORITIES - 1], higher goes first; standard only */
    struct slice key;  /* FIFO: the first 16 bytes of the SHA-256 of the deduplication id; else empty */
    uint64_t size;     /* as SQS counts it: held against max_message_bytes */
    struct slice body; /* [1, LIMIT_MESSAGE_BYTES]; the broker does not look into it (envelope.h) */
};

struct queue_receive {
    uint32_t max;          /* [1, LIMIT_RECEIVE_MESSAGES] */
    int64_t visibility_ms; /* [0, LIMIT_LEASE_MS] or QUEUE_DEFAULT */
    int64_t wait_ms;       /* [0, LIMIT_RECEIVE_WAIT_MS] or QUEUE_DEFAULT */
    struct slice attempt;  /* FIFO: the first 16 bytes of the SHA-256 of the ReceiveRequestAttemptId; else empty */
};

enum queue_message_state { QUEUE_READY, QUEUE_INFLIGHT, QUEUE_DELAYED, QUEUE_MESSAGE_STATES };

struct queue_request {
    enum queue_verb verb;
    struct slice queue; /* at most LIMIT_QUEUE_PATH_BYTES; LIST: the prefix */
    union {
        struct queue_send send;
        struct queue_receive receive;
        struct {
            struct slice handle;   /* [1, LIMIT_HANDLE_BYTES] */
            int64_t visibility_ms; /* VISIBILITY: [0, LIMIT_LEASE_MS]; 0: visible now */
        } handle;                  /* DELETE, VISIBILITY */
        struct {
            uint64_t version; /* CHANGE: only if the definition has this version; 0: whatever it has */
            struct queue_attributes attributes;
            struct slice document; /* at most LIMIT_QUEUE_DOCUMENT_BYTES; the front's own: tags, policies, whatever it wants */
        } define;                  /* CREATE, CHANGE */
        struct {
            struct slice after;       /* only names behind this one; empty: from the start */
            struct slice dead_letter; /* only queues with this dead-letter queue; empty: all */
            uint32_t max;             /* [1, LIMIT_QUEUES_LISTED] */
        } list;
        struct id
            token; /* REMOVE, PURGE: made by the asker; said again with the same token, it is answered as before. FIND: the
                            message's id. MOVE_CANCEL: the task's */
        struct {
            struct id task;           /* made by the asker; the task's handle */
            struct slice destination; /* name of a queue; empty: each message goes back to where it came from */
            uint32_t rate;            /* [0, LIMIT_MOVE_RATE] messages a second; 0: as fast as it goes */
        } move;                       /* MOVE_START */
        struct {
            enum queue_message_state state;
            uint32_t max;        /* [1, LIMIT_PEEK] */
            uint32_t body_bytes; /* longer bodies are left out */
        } peek;
        uint64_t request; /* STOP: number of the RECEIVE */
    };
};

size_t msg_begin_requests(struct buf *b); /* returns the mark for msg_end */
/* Encodes one entry. The verb and the queue's length must be right (asserted); the reader judges everything else. */
void msg_add_request(struct buf *b, uint64_t number, const struct queue_request *request);
int msg_read_requests(struct msg *m); /* 0 or -1 */
/* False at the end and on damage. An entry of the right form whose values are out of range comes with *valid false: its verb and number can
 * be answered, the rest is not to be used. */
bool msg_next_request(struct msg *m, uint64_t *number, struct queue_request *request, bool *valid);

/* -- Responses ----------------------------------------------------------------------------------------------------------------- */
struct queue_response {
    uint64_t request;
    enum queue_result result;
    struct slice body; /* one encoded value: nil, or what the verb's reader below reads */
};

size_t msg_begin_responses(struct buf *b);
/* One entry: begin, then exactly one value (nil, or a queue_put_*), nothing to close. */
void msg_begin_response(struct buf *b, uint64_t request, enum queue_result result);
void msg_add_response(struct buf *b, uint64_t request, enum queue_result result); /* one with nil */
int msg_read_responses(struct msg *m);
bool msg_next_response(struct msg *m, struct queue_response *response);

/* SEND, OK: the message's number, which is its SQS sequence number: it rises within a queue and over restarts; and its id, which is another
 * one's where a FIFO queue knew the key. */
void queue_put_sent(struct buf *b, uint64_t seq, const struct id *id);
int queue_read_sent(const struct queue_response *r, uint64_t *seq, struct id *id); /* 0 or -1, like all of the readers */

/* SEND, TOO_LARGE: max_message_bytes. PURGE, OK: how many went. MOVE_CANCEL, OK: how many were moved. */
int queue_read_number(const struct queue_response *r, uint64_t *number);

/* Readers of a response that is a list: begin sets it up, next reads one entry until it returns false; walk.reader.failed tells damage. */
struct queue_walk {
    struct mp_reader reader;
    uint32_t left;
};

/* RECEIVE, OK: none to LIMIT_RECEIVE_MESSAGES messages. */
struct queue_received {
    struct id id;
    struct slice handle;
    uint64_t seq;
    uint32_t receive_count; /* this receive included */
    int64_t sent_ms, first_received_ms;
    struct slice source; /* the queue that it was a dead letter of; else empty */
    struct slice reason; /* why it is one; else empty */
    struct slice body;
};
void queue_put_received(struct buf *b, const struct queue_received *message); /* between mp_open and mp_close_array */
int queue_walk_received(const struct queue_response *r, struct queue_walk *walk);
bool queue_next_received(struct queue_walk *walk, struct queue_received *message);

/* DESCRIBE, CREATE (OK, EXISTS), CHANGE: one of these; LIST: many, without their documents. */
struct queue_description {
    struct slice name;
    uint64_t version;
    int64_t created_ms, changed_ms;
    struct queue_attributes attributes;
    struct slice document;
    uint64_t ready, inflight, delayed;  /* ready: all that is visible, those that wait behind others of their group included */
    uint64_t bytes;                     /* of bodies */
    uint64_t noisy;                     /* ready ones of groups that a fair queue holds back behind the quiet */
    uint64_t receivers;                 /* that wait */
    int64_t oldest_ms;                  /* age of the message next in line; 0 if there is none */
    uint64_t entered_total, left_total; /* messages, since the broker started or the queue was purged: for rates */
};
void queue_put_description(struct buf *b, const struct queue_description *d);
int queue_read_description(const struct queue_response *r, struct queue_description *d);
/* LIST: [[description], more]. */
int queue_walk_list(const struct queue_response *r, struct queue_walk *walk, bool *more);
bool queue_next_description(struct queue_walk *walk, struct queue_description *d);

/* MOVE_LIST. */
enum queue_move_status {
    QUEUE_MOVE_RUNNING,
    QUEUE_MOVE_COMPLETED,
    QUEUE_MOVE_CANCELLED,
    QUEUE_MOVE_FAILED,
    QUEUE_MOVE_STATUSES
};
struct queue_move {
    struct id task;
    enum queue_move_status status;
    struct slice destination; /* empty: where each came from */
    uint32_t rate;
    uint64_t moved, total; /* total: to move, as counted at the start */
    int64_t started_ms;
    struct slice reason; /* FAILED: AWS's name for it */
};
void queue_put_move(struct buf *b, const struct queue_move *move);
int queue_walk_moves(const struct queue_response *r, struct queue_walk *walk);
bool queue_next_move(struct queue_walk *walk, struct queue_move *move);

/* PEEK: many; FIND: one. */
struct queue_seen {
    struct slice queue;
    struct id id;
    uint64_t seq;
    enum queue_message_state state;
    uint32_t receive_count;
    int64_t sent_ms, first_received_ms; /* first_received_ms 0: never */
    int64_t due_ms;                     /* delayed, in flight: when it becomes visible; else 0 */
    uint64_t group;
    uint32_t priority;
    struct slice source, reason; /* as for RECEIVE */
    uint32_t body_len;
    struct slice body; /* empty where it was left out */
};
void queue_put_seen(struct buf *b, const struct queue_seen *seen);
int queue_walk_seen(const struct queue_response *r, struct queue_walk *walk);
bool queue_next_seen(struct queue_walk *walk, struct queue_seen *seen);
int queue_read_seen(const struct queue_response *r, struct queue_seen *seen);

#endif
