/* sqs.h - SQS's API: one set of actions behind both of its protocols. Private to gateway/.
 *
 *     X-Amz-Target: AmazonSQS.*  JSON ─▶ json_to_value ─┐                                                ┌─▶ json_from_value ─▶
 *                                                       ├─▶ M ─▶ action ─▶ queue requests ─▶ responses ─▶ M
 *     Action=...  form, query string ─▶ sqs_form_read ──┘                                                └─▶ sqs_xml_answer ──▶
 *
 * An action checks what it was given, asks the broker (msg_queue.h) one thing or several, and answers when the last response is there. Between
 * the two it lives in a pending request, whose texts begin with a copy of what it was given. */
#ifndef LEAT_GATEWAY_SQS_H
#define LEAT_GATEWAY_SQS_H

#include "gateway/gateway.h"
#include "common/sqs_attributes.h"
#include "common/sqs_error.h"
#include "common/sqs_verdict.h"

/* Row: action, has it results, its function, the permission that the owner can give to others (NULL: his alone). */
#define SQS_ACTIONS(X)                                                                                                         \
    X(CreateQueue, true, create_queue, NULL)                                                                                   \
    X(GetQueueUrl, true, get_queue_url, "getqueueurl")                                                                         \
    X(ListQueues, true, list_queues, NULL)                                                                                     \
    X(DeleteQueue, false, delete_queue, NULL)                                                                                  \
    X(PurgeQueue, false, purge_queue, "purgequeue")                                                                            \
    X(GetQueueAttributes, true, get_queue_attributes, "getqueueattributes")                                                    \
    X(SetQueueAttributes, false, set_queue_attributes, NULL)                                                                   \
    X(TagQueue, false, tag_queue, NULL)                                                                                        \
    X(UntagQueue, false, untag_queue, NULL)                                                                                    \
    X(ListQueueTags, true, list_queue_tags, NULL)                                                                              \
    X(AddPermission, false, add_permission, NULL)                                                                              \
    X(RemovePermission, false, remove_permission, NULL)                                                                        \
    X(ListDeadLetterSourceQueues, true, list_sources, "listdeadlettersourcequeues")                                            \
    X(StartMessageMoveTask, true, start_move, NULL)                                                                            \
    X(CancelMessageMoveTask, true, cancel_move, NULL)                                                                          \
    X(ListMessageMoveTasks, true, list_moves, NULL)                                                                            \
    X(SendMessage, true, send_message, "sendmessage")                                                                          \
    X(SendMessageBatch, true, send_batch, "sendmessage")                                                                       \
    X(ReceiveMessage, true, receive_message, "receivemessage")                                                                 \
    X(DeleteMessage, false, delete_message, "deletemessage")                                                                   \
    X(DeleteMessageBatch, true, delete_batch, "deletemessage")                                                                 \
    X(ChangeMessageVisibility, false, change_visibility, "changemessagevisibility")                                            \
    X(ChangeMessageVisibilityBatch, true, change_batch, "changemessagevisibility")

/* A request that has come. */
struct sqs_request {
    struct gateway *g;
    struct http_request *r;
    const struct sqs_action *action;
    bool json;
    struct value in;          /* what it was given: an M, in g->value */
    struct sqs_place place;   /* region: of the signature */
    struct sqs_caller caller; /* whose signature it is; empty while none is checked */
    struct slice queue;       /* the name in QueueUrl, or in the path; empty: none was given */
    struct sqs_error e;
};

/* Serves one action: 0 when it waits or has answered; -1 with q->e, which is answered then. */
typedef int sqs_serve(struct sqs_request *q);
struct sqs_action {
    const char *name;
    bool results;
    sqs_serve *serve;
    const char *permission;
};
#define X(name, results, serve, permission) sqs_serve sqs_##serve;
SQS_ACTIONS(X)
#undef X

/* Region and caller as the request names them; nothing is verified. */
void sqs_identify(struct sqs_request *q);
/* Serves q, and answers what its action refuses. */
void sqs_serve_now(struct sqs_request *q);
/* sqs_access.c: serves q if its caller may do that, for which the queue's policy may have to be asked for first. As sqs_serve. */
int sqs_serve_allowed(struct sqs_request *q);

/* -- While it waits: p->sqs ------------------------------------------------------------------------------------------------- */
/* A response to one of its jobs. Ends the request, or asks on. */
typedef void sqs_step(struct gateway *g, struct pending_job *job, const struct queue_response *response);

/* Opens it with `jobs` questions, which must be asked at once, and a copy of q->in. NULL after refusing (q->r is answered). */
struct pending_request *sqs_open(struct sqs_request *q, uint32_t jobs, int64_t due_ms, sqs_step *step);
/* Asks about queue `name` of the request's region. A request that cannot be asked ends with 503: -1, and p is gone. */
int sqs_ask(struct gateway *g, struct pending_job *job, struct slice name, struct queue_request *request);
int sqs_ask_path(struct gateway *g, struct pending_job *job, struct slice path, struct queue_request *request);

struct value sqs_in(const struct pending_request *p); /* the copy of what it was given */
struct sqs_place sqs_place_of(const struct gateway *g, const struct pending_request *p);
struct slice sqs_queue_of(const struct pending_request *p); /* the name; valid while p is open */

/* End it. result: encoded M, or empty. */
void sqs_finish(struct gateway *g, struct pending_request *p, struct slice result);
void sqs_finish_error(struct gateway *g, struct pending_request *p, const struct sqs_error *e);
void sqs_finish_result(struct gateway *g, struct pending_request *p, enum queue_result result); /* sqs_fail_result() */
/* Answers at once, without having waited. */
void sqs_answer(struct sqs_request *q, struct slice result);

/* Appends http://HOST/ACCOUNT/NAME. */
void sqs_put_url(struct buf *out, const struct http_request *r, const struct sqs_place *place, struct slice name);
/* Needs a queue: -1 with the error if none was given. */
int sqs_need_queue(struct sqs_request *q);

/* -- Dead letters (sqs_dead_letter.c) ------------------------------------------------------------------------------------------ */
/* Goes on with next, at once where the request gives no RedrivePolicy; else when the queue that it names has been found good: its only job asks.
 * Ends the request otherwise. */
typedef void sqs_next(struct gateway *g, struct pending_request *p);
void sqs_with_dead_letter(struct gateway *g, struct pending_request *p, sqs_next *next);

/* -- Batches (sqs_batch.c) ---------------------------------------------------------------------------------------------------- */
/* The entries of a batch: 1 to 10, with ids that are valid and distinct. 0 or -1. */
int sqs_batch_check(struct sqs_request *q, struct value *entries);
/* sqs_open() with a job for each of them. Until its result is noted, a job's text is its entry. */
struct pending_request *sqs_batch_open(struct sqs_request *q, const struct value *entries, sqs_step *step);
struct value sqs_batch_entry(const struct pending_job *job); /* only before its result */
/* Notes what became of entry job->position: an encoded M of its members without Id, or an error; the last one ends the request, and one that says that there is
 * no such queue. */
void sqs_batch_done(struct gateway *g, struct pending_job *job, struct slice members);
void sqs_batch_failed(struct gateway *g, struct pending_job *job, const struct sqs_error *e);

#endif
