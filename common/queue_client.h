/* queue_client.h - all that gateway, cli and worker know of the queue: submit, watch, call, ask; take jobs and finish them.
 *
 * Both clients are single-threaded and never block: the owner polls fd() (edge-triggered: call process() after every wake-up
 * and after every flush), calls process(now_ms) at the latest at deadline(), and gets everything through callbacks. They
 * reconnect, say HELLO again and send again by themselves: a message submitted is answered exactly once, however often the
 * broker restarts, because it is known by its id. now_ms is monotonic (clock.h). Today the queue is leat-queue over ZeroMQ. */
#ifndef LEAT_COMMON_QUEUE_CLIENT_H
#define LEAT_COMMON_QUEUE_CLIENT_H

#include "common/err.h"
#include "common/msg.h"
#include "common/msg_queue.h"

/* -- For gateways and the command line ------------------------------------------------------------------------------------- */
struct queue_client;

/* Every callback must be set, but that `response` may be NULL for who never asks. A callback may submit, ask, forget, unwait and flush,
 * but not process or destroy. */
struct queue_client_events {
    /* One submitted message is accepted or refused. `known` is set for duplicates by idempotency key. */
    void (*sent)(void *self, void *tag, enum msg_result result, const struct id *known);
    /* A message submitted with MSG_WAIT has ended; after its sent(), and once, whatever became of the broker meanwhile. The
     * outcome is encoded (op.h), valid during the call. */
    void (*result)(void *self, const struct id *id, struct slice outcome);
    void (*reply)(void *self, void *tag, enum msg_call_status status, struct slice body); /* of a call */
    /* Of a watch or cancel. A watched message that has ended while it was watched comes with its outcome. */
    void (*state)(void *self, void *tag, const struct msg_state_reply *state);
    void (*admin)(void *self, void *tag, unsigned err_code, struct slice value);
    void (*catalog)(void *self, struct slice catalog); /* the tables' key schemas, whenever they change */
    void (*link)(void *self, bool up);                 /* the broker answers; or has not for a second */
    /* Of queue_client_ask(): once for each. The body points into the frame: valid during the call. */
    void (*response)(void *self, void *tag, const struct queue_response *response);
};

/* Connects in the background. name is logged by the broker. NULL with the reason in e. */
struct queue_client *queue_client_create(const char *endpoint, const char *role, const char *name,
                                         const struct queue_client_events *events, void *self, int64_t now_ms, struct err *e);
void queue_client_destroy(struct queue_client **c); /* outstanding tags get no callback */

int queue_client_fd(struct queue_client *c); /* the same for the client's whole life; becomes readable, nothing else */
int64_t queue_client_deadline(const struct queue_client *c); /* monotonic ms of the next time-out or beat; INT64_MAX: none */
void queue_client_process(struct queue_client *c, int64_t now_ms);
/* Sends what was queued since the last flush, as one wire message per kind and queue. Call at the end of a loop turn. */
void queue_client_flush(struct queue_client *c, int64_t now_ms);
bool queue_client_up(const struct queue_client *c);
size_t queue_client_outstanding(const struct queue_client *c); /* submitted and not yet answered: the owner's back-pressure */

/* Queue a request; bytes are copied. 0, or -1 when memory or the bound on outstanding bytes (LIMIT_OUTSTANDING_BYTES) is used
 * up, or when the request itself breaks a limit. tag comes back in the callback and is not looked into. timeout_ms is cut to
 * LIMIT_CALL_MS; without an answer by then, even from a broker that is gone, the call is replied to with MSG_CALL_TIMEOUT. A
 * purge or redrive that was under way when the broker went may be carried out twice. */
int queue_client_send(struct queue_client *c, const char *queue, const struct msg_send *message, void *tag);
int queue_client_call(struct queue_client *c, struct slice body, const struct id *id /* NULL for reads */, int64_t timeout_ms,
                      void *tag);
int queue_client_watch(struct queue_client *c, const struct id *id, int64_t wait_ms, void *tag);
int queue_client_cancel(struct queue_client *c, const struct id *id, void *tag);
int queue_client_admin(struct queue_client *c, const char *verb, struct slice argument, void *tag);
/* Anything that can be asked of a queue (msg_queue.h); what is asked between two flushes travels together and is carried out in that
 * order. There is no time-out: while the broker is away the request waits, and is asked again when it is back. That does no harm,
 * since messages, removals, purges and tasks carry ids, and the rest says the same twice; a RECEIVE whose answer was on its way when
 * the broker went leaves its messages invisible until their time is over, unless it has an attempt. Its wait goes on counting
 * while the broker is away: asked again, it waits for the rest of it. -1 also when a value is out of its range. */
int queue_client_ask(struct queue_client *c, const struct queue_request *request, void *tag);
/* Forgets a tag that the owner gives up on: it gets no callback. O(outstanding). A message is sent all the same, and its result
 * still comes unless it is unwaited, too. A RECEIVE is stopped, and what it was given meanwhile is made visible again. */
void queue_client_forget(struct queue_client *c, void *tag);
/* The owner does not wait for the result of this message (sent with MSG_WAIT) any more. Without it, the client asks for the
 * outcome over restarts of the broker until somebody knows it. O(1). */
void queue_client_unwait(struct queue_client *c, const struct id *id);

/* -- For workers ----------------------------------------------------------------------------------------------------------- */
struct queue_worker;

/* Every callback must be set. A callback may give credit, done, answers and flush, but not process or destroy. */
struct queue_worker_events {
    /* One wire message of jobs; walk it with msg_next_job(). Valid during the call. */
    void (*jobs)(void *self, uint64_t low_seq, struct msg *jobs);
    void (*calls)(void *self, struct msg *calls); /* msg_next_calls() */
    /* Up: the broker knows this worker and nothing is delivered: give credit. Down: forget what was delivered and not yet done
     * (a DONE for it goes nowhere) and count all credit as 0. A broker that restarted shows as down, then up. */
    void (*link)(void *self, bool up);
    void (*left)(void *self); /* after queue_worker_leave(): nothing is outstanding */
};

/* join is copied. NULL with the reason in e. */
struct queue_worker *queue_worker_create(const char *endpoint, const struct msg_join *join,
                                         const struct queue_worker_events *events, void *self, int64_t now_ms, struct err *e);
void queue_worker_destroy(struct queue_worker **w);
int queue_worker_fd(struct queue_worker *w);
int64_t queue_worker_deadline(const struct queue_worker *w);
void queue_worker_process(struct queue_worker *w, int64_t now_ms);
/* So many more than before; every delivery uses one up. Ends with the link: what was given before link(false) is void, what is
 * given after it counts from the next link(true) on. */
void queue_worker_credit(struct queue_worker *w, uint32_t messages, uint32_t calls);
void queue_worker_done(struct queue_worker *w, const struct msg_done *done); /* collected until flush; gives no credit */
void queue_worker_answer(struct queue_worker *w, const struct msg_reply *answer);
void queue_worker_tables(struct queue_worker *w, struct slice catalog);
void queue_worker_flush(struct queue_worker *w, int64_t now_ms, const struct msg_beat *beat); /* a beat goes out each 200 ms */
void queue_worker_leave(struct queue_worker *w); /* left() follows, at once if the link is down */

#endif
