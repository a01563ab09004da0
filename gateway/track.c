/* track.c - what became of a job. The broker knows it while the job is there; afterwards the store has its outcome.
 *
 *   watch ─▶ state ─┬─ queued, delayed, running, dead, cancelled: settled
 *                   ├─ ended, with the outcome: settled
 *                   └─ unknown ─▶ lookup in the store ─▶ outcome, or no such job: settled
 */
#include <string.h>

#include "gateway/gateway.h"
#include "gateway/problem.h"

#define BATCH_TEXT_BYTES (16u * 1024u * 1024u) /* all answers of one batch; what does not fit is to be fetched singly */

struct slice gateway_text(const struct pending_job *job) { return buf_part(&job->request->texts, job->text_at, job->text_len); }

void track_unavailable(struct err *e, bool unsure)
{
    if (unsure)
        err_set(
            e, ERR_UNAVAILABLE,
            "the queue has not answered in time: it is not known whether the job was accepted; with an Idempotency-Key it is "
            "safe to repeat");
    else
        err_set(e, ERR_UNAVAILABLE, "the queue cannot be reached at the moment; nothing was changed");
}

/* -- Texts ----------------------------------------------------------------------------------------------------- */
static void begin_text(struct pending_job *job) { job->text_at = job->request->texts.len; }

static void put_problem(struct pending_job *job, const struct err *e, bool with_id)
{
    begin_text(job);
    problem_put(&job->request->texts, e, with_id ? &job->id : NULL);
    job->text_len = job->request->texts.len - job->text_at;
    job->http_status = (unsigned)err_http_status(e->code);
}

/* Ends the text that began with begin_text(). Where it is too much, it is cut off again and the reader sent to GET /jobs/{id}. */
static void end_text(struct gateway *g, struct pending_job *job)
{
    struct pending_request *p = job->request;
    struct err e;
    job->text_len = p->texts.len - job->text_at;
    bool fits = !p->batch || p->texts.len <= BATCH_TEXT_BYTES;
    if (fits && !buf_failed(&p->texts) && limit_charge(&g->limit, &p->charged, p->texts.cap))
        return;
    p->texts.len = job->text_at;
    p->texts.failed = false;
    err_set(&e, ERR_UNAVAILABLE, "the job has ended, but its answer does not fit into this one: GET it by its id");
    put_problem(job, &e, true);
    job->omitted = true;
}

/* -- Settling -------------------------------------------------------------------------------------------------- */
void track_settle(struct gateway *g, struct pending_job *job, enum job_status status)
{
    struct pending_request *p = job->request;
    if (pending_settle(job, status))
        p->kind->finish(g, p);
}

void track_refuse(struct gateway *g, struct pending_job *job, const struct err *e)
{
    put_problem(job, e, false);
    track_settle(g, job, JOB_REFUSED);
}

static void settle_failed(struct gateway *g, struct pending_job *job, enum job_status status, const struct outcome *o)
{
    begin_text(job);
    job->http_status = problem_put_outcome(&job->request->texts, o->code, &o->value, &job->id);
    end_text(g, job);
    track_settle(g, job, status);
}

static void settle_dead(struct gateway *g, struct pending_job *job, struct slice reason)
{
    struct err e;
    err_set(&e, ERR_DEAD, "%.*s", (int)(reason.len > LIMIT_REASON_BYTES ? LIMIT_REASON_BYTES : reason.len),
            (const char *)reason.ptr);
    put_problem(job, &e, true);
    track_settle(g, job, JOB_DEAD);
}

static void settle_outcome(struct gateway *g, struct pending_job *job, struct slice body)
{
    struct outcome o;
    struct err e;
    if (outcome_decode(body, &o) != 0) {
        err_set(&e, ERR_INTERNAL, "the job has ended, but its recorded outcome cannot be read");
        track_refuse(g, job, &e);
        return;
    }
    switch (o.state) {
    case OUTCOME_SUCCEEDED:
        begin_text(job);
        if (json_from_value(&o.value, &job->request->texts) != 0)
            job->request->texts.failed = true;
        end_text(g, job);
        track_settle(g, job, JOB_SUCCEEDED);
        break;
    case OUTCOME_FAILED:
        settle_failed(g, job, JOB_FAILED, &o);
        break;
    case OUTCOME_DEAD:
        o.code = slice_text(err_name(ERR_DEAD));
        settle_failed(g, job, JOB_DEAD, &o);
        break;
    case OUTCOME_CANCELLED:
        track_settle(g, job, JOB_CANCELLED);
        break;
    }
}

/* -- Asking ---------------------------------------------------------------------------------------------------- */
static void refuse_unreachable(struct gateway *g, struct pending_job *job)
{
    struct err e;
    track_unavailable(&e, false);
    track_refuse(g, job, &e);
}

void track_watch(struct gateway *g, struct pending_job *job, int64_t wait_ms)
{
    if (wait_ms > 0)
        pending_watch(g->pending, job, &job->id);
    if (queue_client_watch(g->queue, &job->id, wait_ms, pending_tag(job)) != 0)
        refuse_unreachable(g, job);
}

void track_cancel(struct gateway *g, struct pending_job *job)
{
    if (queue_client_cancel(g->queue, &job->id, pending_tag(job)) != 0)
        refuse_unreachable(g, job);
}

static void look_up(struct gateway *g, struct pending_job *job)
{
    unsigned char encoded[2 + ID_BYTES] = {0xc4, ID_BYTES}; /* a msgpack bin of 16 bytes */
    memcpy(encoded + 2, job->id.bytes, ID_BYTES);
    struct op op = {.code = OP_LOOKUP, .table = slice_text(""), .payload = value_of(slice_of(encoded, sizeof encoded))};
    buf_reset(&g->body);
    op_encode(&g->body, &op);
    if (buf_failed(&g->body) ||
        queue_client_call(g->queue, buf_slice(&g->body), NULL, GATEWAY_ANSWER_MS, pending_tag(job)) != 0)
        refuse_unreachable(g, job);
    else if (g->now_ms >= job->request->wait_until_ms)
        pending_set_due(g->pending, job->request, g->now_ms + GATEWAY_ANSWER_MS);
}

/* -- Answers --------------------------------------------------------------------------------------------------- */
void track_state(struct gateway *g, struct pending_job *job, const struct msg_state_reply *state)
{
    static const enum job_status statuses[] = {
        [MSG_QUEUED] = JOB_QUEUED, [MSG_DELAYED] = JOB_DELAYED, [MSG_RUNNING] = JOB_RUNNING, [MSG_CANCELLED] = JOB_CANCELLED};
    if (job->settled)
        return;
    job->counted = state->state != MSG_UNKNOWN;
    job->receive_count = state->receive_count;
    switch (state->state) {
    case MSG_UNKNOWN:
        look_up(g, job);
        break;
    case MSG_ENDED:
        settle_outcome(g, job, state->body);
        break;
    case MSG_DEAD:
        settle_dead(g, job, state->body);
        break;
    case MSG_QUEUED:
    case MSG_DELAYED:
    case MSG_RUNNING:
    case MSG_CANCELLED:
        track_settle(g, job, statuses[state->state]);
        break;
    case MSG_STATE_COUNT:
        break;
    }
}

static bool is_not_found(struct slice body)
{
    struct outcome o;
    return outcome_decode(body, &o) == 0 && o.state == OUTCOME_FAILED &&
           slice_equal(o.code, slice_text(err_name(ERR_NOT_FOUND)));
}

void track_reply(struct gateway *g, struct pending_job *job, enum msg_call_status status, struct slice body)
{
    struct err e;
    if (job->settled)
        return;
    if (status != MSG_CALL_OK) {
        err_set(&e, ERR_UNAVAILABLE,
                status == MSG_CALL_NO_WORKER ? "no worker is connected that could look the job up"
                                             : "the worker that looked the job up did not answer");
        track_refuse(g, job, &e);
    } else if (is_not_found(body)) {
        track_settle(g, job, JOB_UNKNOWN);
    } else {
        settle_outcome(g, job, body);
    }
}

void track_result(struct gateway *g, const struct id *id, struct slice outcome)
{
    for (struct pending_job *job; (job = pending_by_id(g->pending, id)) != NULL;) {
        job->awaited = false;
        settle_outcome(g, job, outcome); /* settled, it is not found again */
    }
}
