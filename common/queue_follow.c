/* queue_follow.c - the outcome of awaited messages after the session that promised it is gone.
 *
 * A broker that restarted still has the message, but no longer knows who waits: WATCH tells it. One that it does not know has
 * ended meanwhile, so the store holds the outcome, which a worker looks up. What neither knows is asked for again every second,
 * until it is found or the owner gives up (queue_client_unwait). */
#include <string.h>

#include "common/limits.h"
#include "common/op.h"
#include "common/queue_client_parts.h"

#define REST_MS 1000
#define LOOKUP_TIMEOUT_MS 5000

static void rest(struct queue_client *c, struct wait *w)
{
    w->state = WAIT_RESTING;
    w->due_ms = c->link.now_ms + REST_MS;
    if (w->due_ms < c->rested_ms)
        c->rested_ms = w->due_ms;
}

/* The request is on its way, or could not be made and is tried again after a rest. */
static void ask(struct queue_client *c, struct wait *w, enum wait_state state, struct request *r)
{
    if (!r) {
        rest(c, w);
        return;
    }
    r->internal = true;
    r->id = w->id;
    w->state = state;
    w->request = r->number;
    c->eager = true;
}

void follow_watch(struct queue_client *c, struct wait *w)
{
    ask(c, w, WAIT_WATCHING, client_ask_watch(c, &w->id, LIMIT_WAIT_MS));
}

static void look_up(struct queue_client *c, struct wait *w)
{
    struct buf payload = {0}, body = {0};
    mp_put_bin(&payload, w->id.bytes, ID_BYTES);
    op_encode(&body, &(struct op){.code = OP_LOOKUP, .payload = value_of(buf_slice(&payload))});
    ask(c, w, WAIT_LOOKING, buf_failed(&body) ? NULL : client_ask_call(c, buf_slice(&body), NULL, LOOKUP_TIMEOUT_MS));
    buf_finish(&payload);
    buf_finish(&body);
}

/* Those that are WATCHING or LOOKING have a request that is sent again by itself. */
void follow_all(struct queue_client *c)
{
    for (struct wait *w = c->waits.oldest; w; w = w->newer)
        if (w->state == WAIT_HELD)
            follow_watch(c, w);
}

void follow_rested(struct queue_client *c)
{
    if (c->link.now_ms < c->rested_ms)
        return;
    c->rested_ms = INT64_MAX;
    for (struct wait *w = c->waits.oldest; w; w = w->newer) {
        if (w->state != WAIT_RESTING)
            continue;
        if (w->due_ms <= c->link.now_ms)
            follow_watch(c, w);
        else if (w->due_ms < c->rested_ms)
            c->rested_ms = w->due_ms;
    }
}

static struct wait *asked_by(struct queue_client *c, const struct id *id, uint64_t request)
{
    struct wait *w = waits_find(&c->waits, id);
    return w && w->request == request ? w : NULL;
}

/* The broker tells why a message will not be worked on; the owner gets it in the form of an outcome. */
static void deliver_end(struct queue_client *c, const struct id *id, enum outcome_state state, const char *code,
                        struct slice reason)
{
    struct buf value = {0}, outcome = {0};
    mp_put_map(&value, 1);
    mp_put_text(&value, "message");
    if (utf8_valid(reason))
        mp_put_slice(&value, reason);
    else
        mp_put_text(&value, code);
    outcome_encode(&outcome, &(struct outcome){.state = state, .code = slice_text(code), .value = value_of(buf_slice(&value))});
    if (!buf_failed(&outcome) && !buf_failed(&value))
        client_deliver(c, id, buf_slice(&outcome));
    else
        rest(c, waits_find(&c->waits, id));
    buf_finish(&value);
    buf_finish(&outcome);
}

void follow_state(struct queue_client *c, const struct id *id, uint64_t request, const struct msg_state_reply *state)
{
    struct wait *w = asked_by(c, id, request);
    if (!w)
        return;
    if (state->state == MSG_ENDED && state->body.len > 0)
        client_deliver(c, id, state->body);
    else if (state->state == MSG_ENDED || state->state == MSG_UNKNOWN)
        look_up(c, w);
    else if (state->state == MSG_DEAD)
        deliver_end(c, id, OUTCOME_DEAD, err_name(ERR_DEAD), state->body);
    else if (state->state == MSG_CANCELLED)
        deliver_end(c, id, OUTCOME_CANCELLED, OUTCOME_CODE_CANCELLED, state->body);
    else
        rest(c, w);
}

static bool is_found(struct slice body)
{
    struct outcome outcome;
    if (outcome_decode(body, &outcome) != 0)
        return false;
    return outcome.state != OUTCOME_FAILED || !slice_equal(outcome.code, slice_text(err_name(ERR_NOT_FOUND)));
}

void follow_reply(struct queue_client *c, const struct id *id, uint64_t request, enum msg_call_status status, struct slice body)
{
    struct wait *w = asked_by(c, id, request);
    if (!w)
        return;
    if (status == MSG_CALL_OK && is_found(body))
        client_deliver(c, id, body);
    else
        rest(c, w);
}
