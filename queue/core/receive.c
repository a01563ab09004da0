/* receive.c - RECEIVE: what is given, and who is served when something comes. */
#include "queue/core/state.h"

#define UNSURE_MS                                                                                                              \
    100 /* a search that is not over at the end of the step goes on for so long, though the client would not wait */

static uint32_t inflight_max(const struct queue *q)
{
    return q->attributes.max_inflight > 0 ? q->attributes.max_inflight : LIMIT_INFLIGHT;
}

/* -- One message ------------------------------------------------------------------------------------------------------------------- */
static int64_t visible_at(const struct core *c, const struct queue *q, const struct receive *k)
{
    int64_t longest_ms = q->attributes.max_lease_ms > 0 ? q->attributes.max_lease_ms : LIMIT_VISIBILITY_MS;
    int64_t visibility_ms = k->visibility_ms >= 0 ? k->visibility_ms : q->attributes.visibility_ms;
    return c->now_ms + (visibility_ms < longest_ms ? visibility_ms : longest_ms);
}

static void put_lease(struct core *c, const struct message *m, const struct receive *k, int64_t due_ms)
{
    struct core_record *r = core_record(c, CORE_REC_LEASE);
    r->seq = m->seq;
    r->id = m->id;
    r->receive_count = receipt_of(c, m)->count;
    r->due_ms = due_ms;
    r->more.has_attempt = k->has_attempt;
    memcpy(r->more.attempt, k->attempt, sizeof r->more.attempt);
}

/* 0, or -1 without memory. */
static int lease(struct core *c, uint32_t slot, struct receive *k)
{
    struct message *m = message_at(c, slot);
    int64_t due_ms = visible_at(c, message_queue(c, m), k);
    struct receipt *r = receipt_need(c, slot);
    if (!r || receipt_indexed(c, slot) != 0)
        return -1;
    if (due_set(c, slot, due_ms) != 0) {
        if (r->first_ms == 0)
            seqs_remove(c, slot);
        return -1;
    }
    r->count++;
    r->received_ms = c->now_ms;
    r->first_ms = r->first_ms > 0 ? r->first_ms : c->now_ms;
    r->attempt = CORE_NONE;
    m->receive_count = (uint16_t)(r->count < UINT16_MAX ? r->count : UINT16_MAX);
    k->given[k->count++] = (struct given){slot, r->count, m->seq, due_ms <= c->now_ms};
    message_move(c, slot, CORE_LEASED, false);
    put_lease(c, m, k, due_ms);
    if (k->has_attempt)
        attempt_note(c, k->attempt, slot, c->now_ms);
    return 0;
}

static bool is_worn_out(const struct core *c, const struct queue *q, const struct message *m)
{
    const struct receipt *r = receipt_of(c, m);
    uint32_t most = q->attributes.max_receive_count;
    return most > 0 && r && r->count - r->before >= most && queue_dead_letters(c, q);
}

/* Its queue's delay has become longer, and nobody has received it yet. */
static bool is_hidden(const struct core *c, const struct queue *q, const struct message *m)
{
    return q->attributes.kind == CORE_FIFO && m->receive_count == 0 && !message_origin(c, m) &&
           core_later(m->accepted_ms, q->attributes.delay_ms) > c->now_ms;
}

/* -- As many as are wanted --------------------------------------------------------------------------------------------------------- */
static uint32_t next_message(struct core *c, struct queue *q, uint32_t follows)
{
    if (q->attributes.kind != CORE_FIFO)
        return fair_first(c, q);
    return follows != CORE_NONE && message_at(c, follows)->state == CORE_READY ? follows : fifo_first(c, q);
}

/* True if the message is out of the way: dealt with in another manner than by giving it. */
static bool put_aside(struct core *c, struct queue *q, uint32_t slot)
{
    const struct message *m = message_at(c, slot);
    if (message_expired(c, m))
        message_expire(c, slot);
    else if (is_worn_out(c, q, m))
        return message_bury(c, slot) == 0;
    else if (is_hidden(c, q, m) && due_set(c, slot, m->accepted_ms + q->attributes.delay_ms) == 0)
        message_move(c, slot, CORE_DELAYED, false);
    else
        return false;
    return true;
}

/* False: there may be more that it could have, once the next step has room or there is memory again. */
static bool take(struct core *c, struct queue *q, struct receive *k)
{
    uint32_t follows = CORE_NONE;
    bool more = c->more;
    while (!q->attributes.paused && k->count < k->max && q->count[CORE_LEASED] < inflight_max(q)) {
        if (core_room(c) < RECEIVE_ROOM) {
            c->more = true;
            return false;
        }
        c->more = false;
        uint32_t slot = next_message(c, q, follows);
        bool found = slot != CORE_NONE || !c->more;
        c->more = c->more || more;
        if (slot == CORE_NONE)
            return found;
        follows = q->attributes.kind == CORE_FIFO ? message_at(c, slot)->group_next : CORE_NONE;
        if (!put_aside(c, q, slot) && lease(c, slot, k) != 0)
            return false;
    }
    return true;
}

static void commit(struct core *c, uint32_t r)
{
    c->clients.receives[r].committing = true;
    pending_add(
        c,
        &(struct pending){
            .number = c->number, .client = CORE_NONE, .slot = r, .tag = c->clients.receives[r].tag, .kind = PENDING_RECEIVED});
}

/* -- Repeated attempts ------------------------------------------------------------------------------------------------------------- */
/* The queue's secret tells it from others'. Its number would not do: a purge changes it under the receives that wait. */
static void own_attempt(const struct queue *q, const struct core_event *e, unsigned char out[16])
{
    uint64_t half[2], secret;
    memcpy(half, e->key, sizeof half);
    memcpy(&secret, q->secret, sizeof secret);
    half[0] ^= core_mix(secret);
    memcpy(out, half, sizeof half);
}

/* The same messages under the same handles, and their time begins anew. */
static void give_again(struct core *c, const struct queue *q, struct receive *k, uint32_t attempt)
{
    const struct attempt *a = &c->clients.attempts[attempt];
    int64_t due_ms = visible_at(c, q, k);
    for (uint32_t i = 0; i < a->count && i < LIMIT_RECEIVE_MESSAGES; i++) {
        k->given[k->count] = a->given[i];
        k->given[k->count++].shown = due_ms <= c->now_ms;
        receipt_of(c, message_at(c, a->given[i].slot))->received_ms = c->now_ms;
        if (due_set(c, a->given[i].slot, due_ms) != 0)
            continue; /* it is in the heap: it cannot fail */
        put_lease(c, message_at(c, a->given[i].slot), k, due_ms);
    }
}

/* -- Events ------------------------------------------------------------------------------------------------------------------------ */
static enum core_answer judge(struct core *c, const struct queue *q, const struct core_event *e)
{
    if (!q)
        return CORE_NO_SUCH_QUEUE;
    if (q->attributes.kind == CORE_JOBS)
        return CORE_WORKERS_ONLY;
    if (c->exhausted)
        return CORE_EXHAUSTED;
    if (e->messages == 0)
        return CORE_NOT_ALLOWED;
    return pending_reserve(c, 1) != 0 ? CORE_QUEUE_FULL : CORE_OK;
}

static void refuse(struct core *c, const struct core_event *e, enum core_answer answer)
{
    struct core_effect *effect = core_emit(c, CORE_EFFECT_RECEIVED);
    effect->client = e->client;
    effect->tag = e->tag;
    effect->queue = e->queue;
    effect->answer = answer;
}

static void wait_or_answer(struct core *c, struct queue *q, uint32_t r, int64_t wait_ms, bool sure)
{
    bool full = q->count[CORE_LEASED] >= inflight_max(q);
    if (wait_ms == 0 && !sure)
        wait_ms = UNSURE_MS;
    if (wait_ms > 0 && receive_wait(c, r, core_later(c->now_ms, wait_ms)) == 0) {
        if (!sure)
            queue_wake(c, q);
        return;
    }
    receive_answer(c, r, full && q->attributes.kind == CORE_STANDARD ? CORE_OVER_LIMIT : CORE_OK);
}

void on_receive(struct core *c, struct core_event *e)
{
    struct queue *q = queue_at(c, e->queue);
    if (receive_find(c, e->client, e->tag) != CORE_NONE)
        return; /* said again: its answer is on its way */
    enum core_answer answer = judge(c, q, e);
    uint32_t r = answer == CORE_OK ? receive_new(c, e) : CORE_NONE;
    if (r == CORE_NONE) {
        refuse(c, e, answer == CORE_OK ? CORE_TOO_MANY : answer);
        return;
    }
    struct receive *k = &c->clients.receives[r];
    k->has_attempt = e->has_key && q->attributes.kind == CORE_FIFO;
    if (k->has_attempt)
        own_attempt(q, e, k->attempt);
    uint32_t attempt = k->has_attempt ? attempt_find(c, k->attempt) : CORE_NONE;
    bool sure = true;
    if (attempt != CORE_NONE)
        give_again(c, q, k, attempt);
    else
        sure = take(c, q, k);
    if (k->count > 0)
        commit(c, r);
    else
        wait_or_answer(c, q, r, e->wait_ms >= 0 ? e->wait_ms : q->attributes.wait_ms, sure);
}

/* True if it has to be looked at again in the next step. */
static bool serve(struct core *c, struct queue *q)
{
    while (q->receives.head != CORE_NONE) {
        uint32_t r = q->receives.head;
        struct receive *k = &c->clients.receives[r];
        if (c->exhausted || pending_reserve(c, 1) != 0)
            return true;
        bool sure = take(c, q, k);
        if (k->count == 0)
            return !sure;
        receive_leave(c, r);
        commit(c, r);
    }
    return false;
}

void queues_serve(struct core *c)
{
    struct places *s = &c->queues.to_serve;
    for (uint32_t i = 0; i < s->count;) { /* what is buried on the way may wake other queues: they come behind */
        struct queue *q = c->queues.at[s->at[i]];
        if (serve(c, q)) {
            i++;
            continue;
        }
        q->to_serve = false;
        s->at[i] = s->at[--s->count];
    }
}
