/* calls.c - see calls.h. The encoded call stays in its pending request, so that it can be sent again. */
#include "gateway/calls.h"

#include "gateway/gateway.h"

#define FIRST_PAUSE_MS 20
#define PAUSE_MAX_MS 320
#define GRACE_MS 1000 /* the queue client itself ends a call at its deadline; this is for an answer that got lost */

static void end(struct gateway *g, struct pending_request *p, const struct outcome *outcome)
{
    struct pending_call call = p->call;
    struct http_request *r = gateway_close(g, p);
    if (outcome)
        call.owner->answered(g, r, call.what, outcome);
    else
        call.owner->failed(g, r, call.what, call.reached);
}

/* Later, if there is time. */
static void pause_or_end(struct gateway *g, struct pending_request *p)
{
    int64_t pause_ms = (int64_t)FIRST_PAUSE_MS << (p->call.tries < 4 ? p->call.tries : 4);
    if (pause_ms > PAUSE_MAX_MS)
        pause_ms = PAUSE_MAX_MS;
    p->call.tries++;
    p->call.waits = true;
    if (g->now_ms + pause_ms < p->call.until_ms)
        pending_set_due(g->pending, p, g->now_ms + pause_ms);
    else
        end(g, p, NULL);
}

static void attempt(struct gateway *g, struct pending_request *p)
{
    const struct pending_call *call = &p->call;
    g->metrics.calls_retried += call->waits;
    p->call.waits = false;
    if (queue_client_call(g->queue, buf_slice(&p->texts), call->has_id ? &call->id : NULL, call->until_ms - g->now_ms,
                          pending_tag(p->jobs[0])) == 0)
        pending_set_due(g->pending, p, call->until_ms + GRACE_MS);
    else
        pause_or_end(g, p); /* the queue client's memory is used up */
}

static void on_late(void *self, struct pending_request *p, int64_t now_ms)
{
    if (p->call.waits && now_ms < p->call.until_ms)
        attempt(self, p);
    else
        end(self, p, NULL);
}

static void on_reply(void *self, struct pending_job *job, enum msg_call_status status, struct slice body)
{
    struct pending_request *p = job->request;
    struct outcome outcome;
    if (status != MSG_CALL_OK) {
        p->call.reached |= status == MSG_CALL_WORKER_LOST || status == MSG_CALL_TIMEOUT;
        pause_or_end(self, p);
        return;
    }
    p->call.reached = true;
    end(self, p, outcome_decode(body, &outcome) == 0 ? &outcome : NULL);
}

static const struct pending_kind kind = {.late = on_late, .reply = on_reply};

void calls_send(struct gateway *g, struct http_request *r, const struct calls_owner *owner, const void *what,
                const struct op *op, bool writes)
{
    int64_t until_ms = g->now_ms + g->call_timeout_ms;
    struct pending_request *p = gateway_open(g, r, &kind, 1, until_ms);
    if (!p)
        return;
    p->call = (struct pending_call){.owner = owner, .what = what, .has_id = writes, .until_ms = until_ms};
    if (writes) {
        uint8_t slice;
        op_group(op, schemas_find(&g->schemas, op->table), g->salt++, &slice);
        p->call.id = id_make(&g->ids, g->wall_ms, slice);
    }
    g->metrics.calls++;
    op_encode(&p->texts, op);
    if (buf_failed(&p->texts) || !limit_charge(&g->limit, &p->charged, p->texts.cap))
        end(g, p, NULL);
    else
        attempt(g, p);
}
