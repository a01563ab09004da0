/* gateway.h - the state of a gateway process, and what the files of its APIs offer each other. Private to gateway/.
 *
 *     server.c     the loop: HTTP library, queue client, time-outs
 *     manager.c    the operation API: submits jobs, singly or as a batch
 *     jobs.c       the state of jobs: look, wait, cancel, list the dead
 *     track.c     what became of a job: the queue's states and outcomes, and the store's record behind them
 *     admin.c      health, readiness, metrics
 *     aws.c        the AWS protocols: which service, and the envelope of its answers (aws.h)
 *     dynamodb.c   DynamoDB's API on top of it
 *     sqs.c        SQS's API on top of it (sqs.h)
 *     queues.c     queues and their messages without SQS: list, peek, find, pause
 *     calls.c      requests that wait for one call to a worker (calls.h)
 *
 * One thread. Every request that waits for the queue is a struct pending_request; callbacks of the queue client find it by tag or id. */
#ifndef LEAT_GATEWAY_GATEWAY_H
#define LEAT_GATEWAY_GATEWAY_H

#include "common/id.h"
#include "common/json.h"
#include "common/limits.h"
#include "common/msg.h"
#include "common/op.h"
#include "common/queue_client.h"
#include "gateway/aws_error.h"
#include "gateway/http.h"
#include "gateway/limit.h"
#include "gateway/metrics.h"
#include "gateway/pending.h"
#include "gateway/schemas.h"
#include "gateway/shape_read.h"

#define GATEWAY_QUEUE "leat-jobs"
#define GATEWAY_ANSWER_MS 5000 /* how long the queue may take to say what became of a request */
#define GATEWAY_JSON "application/json"

struct gateway {
    struct http_server *http;
    struct queue_client *queue;
    struct pending *pending;
    struct json_parser *json;
    struct shape_reader *shapes;
    struct aws_error error; /* scratch: of the request that is served now */
    struct limit limit;
    struct schemas schemas;
    struct metrics metrics;
    struct id_maker ids;
    struct buf value, body;         /* scratch: a decoded request, an encoded operation */
    struct buf path;                /* scratch: the broker's name of a queue */
    struct buf home;                /* scratch: "REGION:ACCOUNT" of the request that is served now, as its ARNs spell them */
    const char *account;            /* in URLs and ARNs */
    struct buf coded;               /* scratch: a decompressed request, a compressed answer */
    const char *const *credentials; /* "KEY[@ACCOUNT]:SECRET" each */
    size_t credential_count;
    int64_t call_timeout_ms; /* how long a call may be tried */
    int64_t now_ms;          /* monotonic, of this turn */
    int64_t wall_ms;         /* for ids */
    uint64_t salt;           /* spreads jobs without a key over the slices */
    bool link_up;
    struct buf stats; /* the broker's last figures (a value), empty before the first */
    int64_t stats_ms, stats_asked_ms;
    uint32_t stats_number; /* which of our questions an answer belongs to */
    bool stats_waits;      /* the last question is not answered yet */
    bool stopping;
};

/* -- The functions of the routes ---------------------------------------------------------------------------------------------- */
void manager_post(struct gateway *g, struct http_request *r);
void jobs_one(struct gateway *g, struct http_request *r);
void jobs_list(struct gateway *g, struct http_request *r);
void admin_health(struct gateway *g, struct http_request *r);
void admin_ready(struct gateway *g, struct http_request *r);
void admin_metrics(struct gateway *g, struct http_request *r);
/* queues.c */
void queues_list(struct gateway *g, struct http_request *r);
void queues_peek(struct gateway *g, struct http_request *r);
void queues_find(struct gateway *g, struct http_request *r);
void queues_pause(struct gateway *g, struct http_request *r);
void queues_resume(struct gateway *g, struct http_request *r);

/* manager.c: refuses by the headers alone what no body could make right; false then. */
bool manager_begin(struct gateway *g, struct http_request *r);
/* What became of a job that was sent. */
void manager_sent(struct gateway *g, struct pending_job *job, enum msg_result result, const struct id *known);

/* sqs_send.c: what became of a job that was sent as a message of leat-jobs. */
void sqs_job_sent(struct gateway *g, struct pending_job *job, enum msg_result result);

/* jobs.c: the answer of a listing. */
void jobs_listed(struct gateway *g, struct pending_job *job, unsigned err_code, struct slice value);

/* admin.c: asks the broker for its figures when they are old. */
void admin_turn(struct gateway *g);
int64_t admin_deadline(const struct gateway *g);
/* True if the tag is of a question for figures, whose answer this is. */
bool admin_answer(struct gateway *g, void *tag, unsigned err_code, struct slice value);

/* -- track.c: from the queue's words to settled jobs --------------------------------------------------------------------------- */
/* Asks for the state of job->id; wait_ms > 0: for its end. Settles the job by itself if the queue takes no more requests. */
void track_watch(struct gateway *g, struct pending_job *job, int64_t wait_ms);
void track_cancel(struct gateway *g, struct pending_job *job);
void track_state(struct gateway *g, struct pending_job *job, const struct msg_state_reply *state);
void track_reply(struct gateway *g, struct pending_job *job, enum msg_call_status status, struct slice body);
void track_result(struct gateway *g, const struct id *id, struct slice outcome);
/* Settles a job with an error as its text; finishes the request if it was the last. */
void track_refuse(struct gateway *g, struct pending_job *job, const struct err *e);
void track_settle(struct gateway *g, struct pending_job *job, enum job_status status);
/* The error of a queue that does not answer; `unsure`: the request may have been carried out. */
void track_unavailable(struct err *e, bool unsure);

/* -- Requests that wait ---------------------------------------------------------------------------------------------------------- */
/* Opens a pending request for r, or answers r with 503 and returns NULL. */
struct pending_request *gateway_open(struct gateway *g, struct http_request *r, const struct pending_kind *kind, uint32_t jobs,
                                     int64_t due_ms);
/* Ends it; its HTTP request is to be answered by the caller, who gets it back. */
struct http_request *gateway_close(struct gateway *g, struct pending_request *p);
/* The text of a job in its request, as JSON. */
struct slice gateway_text(const struct pending_job *job);

#endif
