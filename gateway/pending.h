/* pending.h - requests that wait for the queue: each with its jobs, its deadline, and handles that outlive it. Pure.
 *
 * A job's tag goes to the queue client and comes back with its answer. A tag is a number, not a pointer: an answer that comes after its
 * request has been given up finds nothing. Jobs whose outcome is waited for can be found by id, too; several may wait for one id.
 *
 *     pending_open -> per job: set its id, send with pending_tag, [pending_watch], pending_settle -> pending_close
 */
#ifndef LEAT_GATEWAY_PENDING_H
#define LEAT_GATEWAY_PENDING_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/id.h"
#include "common/msg.h"
#include "gateway/timers.h"

/* What is known of a job. Everything behind RUNNING is final for the request that asks. */
enum job_status {
    JOB_SENDING, /* handed to the queue client, not answered yet */
    JOB_QUEUED,  /* accepted: durable */
    JOB_DELAYED,
    JOB_RUNNING,
    JOB_SUCCEEDED,
    JOB_FAILED,
    JOB_DEAD,
    JOB_CANCELLED,
    JOB_UNKNOWN, /* no such job */
    JOB_REFUSED, /* never became one, or cannot be told: text is the problem */
    JOB_STATUS_COUNT
};

struct pending_request;
struct gateway;
struct sqs_action;
struct queue_response;

struct pending_job {
    struct pending_request *request; /* NULL: free */
    struct pending_job *next;        /* of the same bucket, or of the free list */
    uint32_t slot, generation;
    uint32_t position; /* in the request */
    struct id id, sent_id;
    bool watched;  /* found by id */
    bool settled;  /* nothing more is expected for it */
    bool replayed; /* an earlier job of the same idempotency key */
    bool counted;  /* receive_count is known */
    bool awaited;  /* sent under sent_id with the wish for its result, which has not come */
    bool omitted;  /* it has ended, but its answer did not fit: text is a problem that says so */
    enum job_status status;
    uint32_t receive_count;
    unsigned http_status;     /* of FAILED, DEAD, REFUSED */
    size_t text_at, text_len; /* in request->texts: the result (SUCCEEDED) or the problem, as JSON */
};

/* What a kind of request does when its jobs are settled, and when its time is over before. */
struct pending_kind {
    void (*finish)(void *self, struct pending_request *p);
    void (*late)(void *self, struct pending_request *p, int64_t now_ms);
    /* A call of its ended. NULL: its calls look jobs up (track.c). */
    void (*reply)(void *self, struct pending_job *job, enum msg_call_status status, struct slice body);
    /* A queue has answered what was asked under its tag. */
    void (*response)(void *self, struct pending_job *job, const struct queue_response *response);
};

/* A request that waits for one call (calls.h). */
struct pending_call {
    const struct calls_owner *owner;
    const void *what; /* the owner's */
    struct id id;     /* of a write: the same for every try */
    bool has_id;
    bool waits;   /* for its next try */
    bool reached; /* a worker may have had it */
    uint32_t tries;
    int64_t until_ms;
};

/* A request of SQS's API (sqs.h). */
struct pending_sqs {
    const struct sqs_action *action;
    bool json;
    void (*step)(struct gateway *g, struct pending_job *job, const struct queue_response *response);
    void (*next)(struct gateway *g, struct pending_request *p); /* when the dead-letter queue has been found good */
    size_t in_bytes, region_bytes, queue_bytes;                 /* what the texts begin with */
    uint32_t tries;
};

struct pending_request {
    struct timer timer;
    const struct pending_kind *kind;
    void *owner; /* the HTTP request */
    struct pending_request *next_free;
    struct pending_job **jobs;               /* count of them */
    uint32_t count, capacity, open, sending; /* open: not settled; sending: not accepted either */
    int64_t begun_ms, wait_until_ms;         /* wait_until_ms == begun_ms: does not wait for outcomes */
    bool from_header, batch;                 /* the wish to wait came as a header; the body was a batch */
    struct pending_call call;
    struct pending_sqs sqs;
    struct buf texts; /* answers of jobs; of a call: itself, encoded */
    size_t charged;   /* for texts, of the gateway's memory */
};

struct pending;

/* jobs_max bounds the jobs of all requests together. NULL: out of memory. */
struct pending *pending_create(uint32_t jobs_max, int64_t now_ms);
void pending_destroy(struct pending **p);

/* A request with `jobs` jobs, all SENDING, that is late at due_ms. NULL: the bound or memory is used up. */
struct pending_request *pending_open(struct pending *p, const struct pending_kind *kind, void *owner, uint32_t jobs,
                                     int64_t now_ms, int64_t due_ms);
void pending_close(struct pending *p, struct pending_request *r); /* its tags find nothing from now on */
void pending_set_due(struct pending *p, struct pending_request *r, int64_t due_ms);

void *pending_tag(const struct pending_job *job);
struct pending_job *pending_by_tag(struct pending *p, void *tag); /* NULL: given up */

/* Lets pending_by_id() find the job; a second call with another id moves it there. */
void pending_watch(struct pending *p, struct pending_job *job, const struct id *id);
/* The first job watched under id that is not settled, or NULL. */
struct pending_job *pending_by_id(struct pending *p, const struct id *id);

/* The queue has it: SENDING becomes QUEUED. True if it was the last of its request that was SENDING. */
bool pending_accepted(struct pending_job *job);
/* Nothing more is expected for it. Settling one that is settled already changes nothing. True if it was the request's last open one. */
bool pending_settle(struct pending_job *job, enum job_status status);

/* Takes out one request that is late at now_ms: its timer is off then; NULL when none is. */
struct pending_request *pending_late(struct pending *p, int64_t now_ms);
int64_t pending_deadline(const struct pending *p);
uint32_t pending_jobs(const struct pending *p); /* jobs of all requests */

#endif
