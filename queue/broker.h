/* broker.h - the shell around the core, private to queue/: its state, and what its files offer each other.
 *
 *     server.c    the loop: poll -> frames -> events -> core_step -> effects -> journal, frames out
 *     front.c     frames of clients (gateways, the command line) into events
 *     requests.c  REQUESTS of clients into events, or answers at once      responses.c  answers of the core into RESPONSES
 *     describe.c  queues, their attributes and messages, as values of the wire
 *     handles.c   receipt handles
 *     back.c      frames of workers into events
 *     effects.c   effects of the core into journal records and frames
 *     peers.c     who is connected, and what waits to be sent to each
 *     batches.c   results of one SEND frame, collected until the last of them is known
 *     bodies.c    bodies of calls between CALL and its answer
 *     watches.c   who waits for the end of a message, and until when
 *     admin.c     verbs of ADMIN
 *     shown.c     which queues figures name
 *     catalog.c   the tables' key schemas, kept on disk for gateways that start before any worker
 *
 * One thread; the only one beside it is the journal's writer. */
#ifndef LEAT_QUEUE_BROKER_H
#define LEAT_QUEUE_BROKER_H

#include "common/err.h"
#include "common/msg.h"
#include "common/msg_queue.h"
#include "common/net.h"
#include "common/stats.h"
#include "queue/core/core.h"
#include "queue/journal.h"

#define BROKER_CLIENTS_MAX 1000u                   /* gateways and command lines at once; a handle has 10 bits for the index */
#define BROKER_WORKERS_MAX 1000u                   /* below the core's 1024 */
#define BROKER_OUTBOX_BYTES (128u * 1024u * 1024u) /* waiting for one peer; a peer that reads so slowly is dropped */
#define BROKER_CALL_BYTES (96u * 1024u * 1024u)    /* bodies of all calls: all at one worker stay below its outbox's bound */
#define BROKER_FRAMES_PER_TURN 512                 /* frames taken from one socket before effects go out */
#define BROKER_CLIENT_SILENCE_MS 5000
#define BROKER_WORKER_SILENCE_MS 3000
#define BROKER_WORKER_LOST_MS                                                                                                  \
    1500 /* a worker without a connection: its guard needs about half a second to heal and join anew */
#define BROKER_WATCHES_MAX 100000u
#define BROKER_WAIT_MAX_MS (10 * 60 * 1000) /* a watch that asks for longer is answered then */

#define QUEUE_JOBS 0u /* its number, for ever: it is never purged as a whole */
#define QUEUE_DEAD_PRESET 1u
#define QUEUE_JOBS_NAME "leat-jobs"
#define QUEUE_DEAD_NAME "leat-jobs-dead"

/* What waits to be sent to one peer: closed frames in order, and the open one of each batched kind. */
struct open_frame {
    struct buf buf;
    size_t mark;
    uint32_t count;
};

struct outbox {
    struct buf *frames; /* ring of cap closed frames */
    size_t head, count, cap, bytes;
    struct open_frame first, second; /* client: RESULTS, REPLIES; worker: JOBS, CALLS */
    struct open_frame third;         /* client: RESPONSES */
};

struct peer {
    bool used;
    uint32_t handle; /* client: generation << 10 | index; worker: index */
    struct net_peer address;
    int64_t heard_ms; /* monotonic */
    int64_t lost_ms;  /* workers: since when there is no connection to it; 0: there is one */
    struct outbox out;
    bool dirty; /* in the list of peers with something to send */
    char name[LIMIT_PEER_NAME_BYTES + 1];
    char role[16];                        /* clients */
    uint64_t incarnation, pid, guard_pid; /* workers */
    struct msg_beat beat, gone;           /* workers: totals of this incarnation, and of those before it under this name */
    uint64_t in_flight, delivered;
};

struct peers {
    struct peer *at;
    uint32_t capacity, used;
    uint32_t generation;
    uint32_t *dirty; /* indexes, capacity of them */
    uint32_t dirty_count;
};

/* shown.c: the queues that figures name, leat's own first, and what the others have together. */
struct shown {
    uint32_t number[LIMIT_QUEUES_SHOWN + 2], count;
    uint32_t total, rest_count;   /* all queues; those that are not named */
    struct core_queue_stats rest; /* counts, bytes, and the oldest */
    int64_t chosen_ms;
};

struct batches;
struct bodies;
struct watches;

struct broker {
    struct core *core;
    struct journal *journal;
    struct core_effects *effects;
    zsock_t *front, *back;
    struct peers clients, workers;
    struct batches *batches;
    struct bodies *bodies;
    struct watches *watches;
    struct shown shown;
    struct buf catalog;
    const char *catalog_file;
    struct buf scratch;
    uint64_t instance;             /* of this run; clients notice a restart by it */
    int64_t time_base_ms;          /* broker time = base + monotonic */
    int64_t mono_ms, now_ms;       /* of this turn: monotonic and broker time */
    uint64_t low_flushed, low_seq; /* core_low_seq when the group in flight was closed; when the last one was synced */
    uint64_t failed_total, succeeded_total;
    struct msg_beat departed; /* totals of workers that are gone */
    bool has_room, exhausted;
    uint32_t given_left; /* messages that still belong into the response at hand */
    bool compacting;     /* the journal has more to tidy up at once */
    uint64_t acks_dropped;
};

/* server.c: one event through the core, its effects carried out before it returns. */
void broker_step(struct broker *b, struct core_event *event);
struct core_event broker_event(const struct broker *b, enum core_event_kind kind); /* with the turn's time, no indexes */

/* server.c: tells the core when what needs a record has no place for it any more, or has again. */
void broker_look_at_reserve(struct broker *b);
bool broker_is_built_in(struct slice name); /* leat's own queues */

/* requests.c */
void front_requests(struct broker *b, struct peer *client, struct msg *m);

/* responses.c */
void responses_answer(struct broker *b, const struct core_effect *e);
void responses_received(struct broker *b, const struct core_effect *e);
void responses_given(struct broker *b, const struct core_effect *e);
/* The client's open frame, behind the head of a new entry: the caller appends exactly one value, then calls response_end(). */
struct buf *response_begin(struct peer *client, uint64_t request, enum queue_result result);
void response_end(struct broker *b, struct peer *client);
void response_put(struct broker *b, struct peer *client, uint64_t request, enum queue_result result); /* one without a body */

/* describe.c */
void describe_attributes(const struct queue_attributes *from, struct slice name, struct core_queue_attributes *to);
void describe_queue(struct broker *b, struct buf *out, uint32_t queue, bool document); /* must exist */
bool describe_is_dead(const struct core_info *info);                                   /* a dead letter */
void describe_message(struct broker *b, struct buf *out, const struct core_info *info, uint32_t body_bytes);
const struct core_queue_attributes *describe_lookup(const struct broker *b, uint32_t queue,
                                                    struct core_queue_stats *stats); /* NULL */

/* handles.c */
#define HANDLE_BYTES 21
void handle_make(unsigned char out[HANDLE_BYTES], const unsigned char secret[16], uint64_t seq, uint32_t lease);
bool handle_read(struct slice handle, const unsigned char secret[16], uint64_t *seq, uint32_t *lease); /* false: not ours */

/* front.c, back.c: one frame from a peer. Damaged or unexpected frames are logged, counted and dropped. */
void front_frame(struct broker *b, const struct net_peer *from, struct slice frame);
void back_frame(struct broker *b, const struct net_peer *from, struct slice frame);

/* effects.c */
void effects_carry_out(struct broker *b, const struct core_effects *effects);
/* The end of a call for the client that asked for it. */
void effects_reply(struct broker *b, uint32_t client, const struct msg_reply *reply);

/* peers.c. Handles name a peer for the core; a handle of a peer that has gone finds nothing. */
int peers_init(struct peers *p, uint32_t capacity);
void peers_finish(struct peers *p);
struct peer *peers_by_address(struct peers *p, const struct net_peer *address); /* NULL if unknown */
struct peer *peers_by_handle(struct peers *p, uint32_t handle);
struct peer *peers_by_index(struct peers *p, uint32_t index);
struct peer *peers_by_name(struct peers *p, struct slice name);
struct peer *peers_add(struct peers *p, const struct net_peer *address, int64_t now_ms); /* NULL: full */
void peers_remove(struct peers *p, struct peer *peer);
void peers_touch(struct peers *p, struct peer *peer); /* it has something to send: look at it in this turn's flush */
/* Takes over the frame's bytes (b is empty afterwards) behind what waits already. */
void outbox_push(struct peers *p, struct peer *peer, struct buf *frame);
/* Sends what it can; NET_GONE when the peer is unknown to the socket or reads too slowly. */
enum net_result outbox_flush(struct peer *peer, zsock_t *socket);
/* Behind each entry of an open frame: closes the frame when it is as large as a frame should be. */
void outbox_entry_added(struct peers *p, struct peer *peer, struct open_frame *frame);
void outbox_close_frame(struct peers *p, struct peer *peer, struct open_frame *frame);
/* Nothing can be sent to it any more, and nothing that comes is from it; it keeps its place until it is removed. */
void peers_lose(struct peers *p, struct peer *peer, int64_t now_ms);

/* batches.c: the tag of a SEND event is made by batches_tag(). */
struct batches *batches_create(void);
void batches_destroy(struct batches **s);
/* A new batch of at most LIMIT_BATCH_ENTRIES for a client; CORE_NONE without memory. */
uint32_t batches_open(struct batches *s, uint32_t client, uint64_t number);
uint64_t batches_tag(uint32_t batch, uint32_t entry);
uint32_t batches_of_tag(uint64_t tag);
void batches_seal(struct batches *s, uint32_t batch, uint32_t count); /* no more entries come */
/* Notes the result of an entry. */
void batches_result(struct batches *s, uint64_t tag, enum msg_result result, const struct id *known);
/* True when sealed and every result is there: the SENT frame is then appended to out, *client set, and the batch freed. */
bool batches_take(struct batches *s, uint32_t batch, struct buf *out, uint32_t *client);

/* bodies.c */
struct call_body {
    uint64_t call; /* the core's number */
    uint32_t flags;
    bool has_id;
    struct id id;
    struct buf body;
};
struct bodies *bodies_create(void);
void bodies_destroy(struct bodies **s);
bool bodies_room(const struct bodies *s, size_t more);                         /* is there room for a body of so many bytes? */
int bodies_add(struct bodies *s, uint64_t call, const struct msg_call *entry); /* copies; 0 or -1 */
const struct call_body *bodies_find(const struct bodies *s, uint64_t call);
void bodies_drop(struct bodies *s, uint64_t call);

/* watches.c */
struct watches *watches_create(void);
void watches_destroy(struct watches **s);
int watches_add(struct watches *s, const struct id *id, uint32_t client, uint64_t request, int64_t due_ms); /* 0, -1: full */
/* Takes out one watch of that client on that id; false if there is none. */
bool watches_take(struct watches *s, const struct id *id, uint32_t client, uint64_t *request);
/* Takes out one watch that is due at now_ms. */
bool watches_due(struct watches *s, int64_t now_ms, struct id *id, uint32_t *client, uint64_t *request);
int64_t watches_deadline(const struct watches *s); /* a lower bound of the next due time; INT64_MAX when empty */
void watches_forget(struct watches *s, uint32_t client);

/* front.c: answers a watch or cancel with what the core knows of the message. */
void front_state(struct broker *b, uint32_t client, uint64_t request, const struct id *id);
void front_put_state(struct broker *b, uint32_t client, const struct msg_state_reply *reply);
void front_client_gone(struct broker *b, struct peer *client);
/* Sends the SENT frame of a batch whose results are all there. */
void broker_finish_batch(struct broker *b, uint32_t batch);
/* back.c. Gone: its leases end; healed: uncounted. Lost: the connection broke; until its guard joins anew, and says why, or the time
 * for that is over, it keeps its leases and gets nothing. */
void back_worker_gone(struct broker *b, struct peer *worker, bool healed);
void back_worker_lost(struct broker *b, struct peer *worker);

/* shown.c: valid until the next call. */
const struct shown *shown_queues(struct broker *b);

/* admin.c: repeats a PURGE or REDRIVE until it changes nothing more or `want` are through; returns how many went. */
uint64_t admin_drain(struct broker *b, struct core_event *event, uint64_t want);
/* admin.c: appends the answer value of a verb; returns its error code. */
enum err_code admin_verb(struct broker *b, struct slice verb, struct slice argument, struct buf *out);

/* catalog.c: load at start (a missing file is an empty catalog); replace on disk and in memory, and tell all clients. */
int catalog_load(struct broker *b, struct err *e);
void catalog_update(struct broker *b, struct slice catalog);

#endif
