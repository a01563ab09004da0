/* queue_client_parts.h - the client's state, and what its files offer each other; private to common/queue_*.c.
 *
 *     queue_client.c   the handle, the turn: receive, time-outs, keep-alive, and what is said again in a new session
 *     queue_submit.c   requests of the owner into the list of requests, and out of it again
 *     queue_flush.c    unsent requests into frames
 *     queue_answers.c  frames of the broker into callbacks
 *     queue_ask.c      requests to queues, and their responses
 *     queue_follow.c   what became of awaited messages whose RESULTS the broker does not owe us any more
 *
 * A callback may submit, forget, unwait and flush. Therefore nothing is held over a callback that those could free: a request
 * is removed before its callback, a wait is found again after it. Requests of kind SEND are freed by answering alone. */
#ifndef LEAT_COMMON_QUEUE_CLIENT_PARTS_H
#define LEAT_COMMON_QUEUE_CLIENT_PARTS_H

#include "common/queue_client.h"
#include "common/queue_link.h"
#include "common/queue_requests.h"
#include "common/queue_waits.h"

#define QUEUE_CLIENT_OPEN_MAX 8 /* queues whose SEND of this turn still takes entries */

struct queue_client {
    struct queue_link link;
    struct queue_client_events events;
    void *self;
    char role[LIMIT_PEER_NAME_BYTES + 1], name[LIMIT_PEER_NAME_BYTES + 1];
    struct requests requests;
    struct waits waits;
    struct request *open[QUEUE_CLIENT_OPEN_MAX];
    uint32_t open_count;
    size_t outstanding;        /* the owner's messages and requests without an answer */
    bool eager;                /* something must go out without waiting for the owner's flush */
    int64_t due_ms;            /* no request is due before */
    int64_t rested_ms;         /* no RESTING wait is due before */
    struct buf frame, numbers; /* scratch */
};

/* queue_submit.c */
void client_close_batch(struct queue_client *c, const struct request *r); /* takes no more entries */
void client_due(struct queue_client *c, struct request *r, int64_t due_ms);
/* Requests that stand alone; NULL without memory or room. The caller sets tag or internal and id. */
struct request *client_ask_watch(struct queue_client *c, const struct id *id, int64_t wait_ms);
struct request *client_ask_call(struct queue_client *c, struct slice body, const struct id *id, int64_t timeout_ms);

/* queue_flush.c */
void client_send_unsent(struct queue_client *c);
bool client_send_again(struct queue_client *c, struct request *r); /* one batch by itself; false: not now */

/* queue_answers.c */
void client_frame(struct queue_client *c, struct msg *m);
/* Hands the outcome of an awaited message to the owner, once; nothing if nobody waits. */
void client_deliver(struct queue_client *c, const struct id *id, struct slice outcome);
void client_call_over(struct queue_client *c, struct request *r, enum msg_call_status status, struct slice body);

/* queue_ask.c */
void ask_responses(struct queue_client *c, struct msg *m);
void ask_forget(struct queue_client *c, struct request *r); /* the owner's RECEIVE: stopped, and what it gets given back */
void ask_again(struct queue_client *c);                     /* a new session begins: waits are shortened by what has passed */

/* queue_client.c */
void client_open_session(struct queue_client *c);

/* queue_follow.c */
void follow_all(struct queue_client *c);                   /* every HELD message: a new session has begun */
void follow_watch(struct queue_client *c, struct wait *w); /* ask the broker */
void follow_rested(struct queue_client *c);                /* ask again where it is time */
void follow_state(struct queue_client *c, const struct id *id, uint64_t request, const struct msg_state_reply *state);
void follow_reply(struct queue_client *c, const struct id *id, uint64_t request, enum msg_call_status status,
                  struct slice body);

#endif
