/* post.c - a message comes into a queue that clients receive from; answers to clients; the record of such a message. */
#include "queue/core/state.h"

#define SCHEDULED_MS LIMIT_DELAY_MS /* beyond this delay, retention does not count while the message is delayed */

void answer_now(struct core *c, const struct core_event *e, enum core_answer answer, uint64_t value)
{
    struct core_effect *effect = core_emit(c, CORE_EFFECT_ANSWER);
    effect->client = e->client;
    effect->tag = e->tag;
    effect->id = e->id;
    effect->about = e->kind;
    effect->answer = answer;
    effect->value = value;
}

void answer_later(struct core *c, const struct core_event *e, enum core_answer answer, uint64_t value, const struct id *id)
{
    pending_add(c, &(struct pending){.number = c->number,
                                     .tag = e->tag,
                                     .client = e->client,
                                     .slot = CORE_NONE,
                                     .kind = PENDING_ANSWER,
                                     .answer = (uint16_t)answer,
                                     .about = (uint16_t)e->kind,
                                     .id = id ? *id : e->id,
                                     .value = value});
}

/* -- The record -------------------------------------------------------------------------------------------------------------------- */
static void put_receipt(struct core *c, const struct message *m, struct core_record *r)
{
    const struct receipt *receipt = receipt_of(c, m);
    if (!receipt)
        return;
    r->receive_count = receipt->count;
    r->more.first_ms = receipt->first_ms;
    r->more.received_ms = receipt->received_ms;
    r->more.kept_ms = receipt->kept_ms;
    r->more.before = receipt->before;
    r->more.has_attempt = attempt_key(c, m, r->more.attempt);
}

struct core_record *post_record(struct core *c, uint32_t slot, struct slice body)
{
    const struct message *m = message_at(c, slot);
    uint32_t origin = message_origin(c, m);
    struct core_record *r = core_record(c, CORE_REC_POST);
    c->out->at[c->out->count - 1].slot = slot;
    r->seq = m->seq;
    r->queue = message_queue(c, m)->number;
    r->receive_count = m->receive_count;
    r->id = m->id;
    r->group = m->group;
    r->accepted_ms = m->accepted_ms;
    r->due_ms = due_of(c, m);
    r->body = body;
    r->reason = slice_text(origin_reason(c, origin));
    r->more.source = slice_text(origin_source(c, origin));
    r->more.priority = message_priority(m);
    r->more.leased = m->state == CORE_LEASED;
    put_receipt(c, m, r);
    return r;
}

/* -- POST -------------------------------------------------------------------------------------------------------------------------- */
/* The queue's secret is in it, not its number, which may have been another queue's, or its own before a purge; and the purge, so that
 * the keys of before are forgotten. */
static void own_key(const struct queue *q, const struct core_event *e, unsigned char out[16])
{
    uint64_t half[2], secret[2];
    memcpy(half, e->key, sizeof half);
    memcpy(secret, q->secret, sizeof secret);
    half[0] ^= core_mix(secret[0] + q->purge_number);
    half[1] ^= core_mix(secret[1]);
    if (q->attributes.deduplicate_by_group)
        half[1] ^= core_mix(e->group);
    memcpy(out, half, sizeof half);
}

static enum core_answer judge(const struct core *c, const struct queue *q, const struct core_event *e)
{
    const struct core_queue_attributes *a = &q->attributes;
    bool fifo = a->kind == CORE_FIFO;
    if (a->kind == CORE_JOBS)
        return CORE_WORKERS_ONLY;
    if (a->max_message_bytes > 0 && e->size > a->max_message_bytes)
        return CORE_TOO_LARGE;
    if (fifo && e->group == 0)
        return CORE_NO_GROUP;
    if (fifo && (!e->has_key || (e->content_key && !a->content_deduplication)))
        return CORE_NO_DEDUPLICATION;
    if (fifo && (e->delay_ms > 0 || e->messages > 0))
        return CORE_NOT_ALLOWED;
    if (c->disk_full || c->exhausted)
        return CORE_EXHAUSTED;
    return queue_is_full(q, e->body.len) ? CORE_QUEUE_FULL : CORE_OK;
}

/* True if it is answered: by its key in a FIFO queue, or by its id. */
static bool answer_known(struct core *c, const struct core_event *e, const unsigned char *own)
{
    const struct key *key = own ? keys_find(c, own) : NULL;
    uint32_t slot = key ? CORE_NONE : ids_find(c, &e->id);
    if (key)
        answer_later(c, e, CORE_OK, key->body_hash, &key->id);
    else if (slot != CORE_NONE)
        answer_later(c, e, CORE_OK, message_at(c, slot)->seq, NULL);
    else if (recent_has(c, &e->id))
        answer_later(c, e, CORE_OK, 0, NULL);
    else
        return false;
    c->totals.duplicate_total++;
    return true;
}

static void give_room_back(struct core *c, uint32_t slot)
{
    due_clear(c, slot);
    receipt_drop(c, slot);
    message_free(c, slot);
}

/* All that a new message needs, taken before anything is changed for good; a failure gives everything back. */
static uint32_t take_room(struct core *c, const struct queue *q, const struct core_event *e, int64_t delay_ms,
                          const unsigned char *own)
{
    uint32_t slot = message_new(c);
    if (slot == CORE_NONE)
        return CORE_NONE;
    message_at(c, slot)->queue = q->place;
    int64_t due_ms = core_later(c->now_ms, delay_ms);
    struct receipt *r = delay_ms > SCHEDULED_MS ? receipt_need(c, slot) : NULL;
    bool ready = (delay_ms <= SCHEDULED_MS || r) && (delay_ms == 0 || due_set(c, slot, due_ms) == 0) &&
                 (q->attributes.kind != CORE_FIFO || fifo_reserve(c, q, e->group) == 0) && lows_add(c, c->number + 1) == 0;
    if (ready && own && keys_add(c, KEY_FIFO, own, &e->id, c->number + 1, core_later(c->now_ms, LIMIT_DEDUPLICATION_MS)) != 0) {
        lows_remove(c, c->number + 1);
        ready = false;
    }
    if (!ready) {
        give_room_back(c, slot);
        return CORE_NONE;
    }
    if (r)
        r->kept_ms = due_ms;
    return slot;
}

static void accept(struct core *c, struct queue *q, const struct core_event *e, uint32_t slot, const unsigned char *own)
{
    struct message *m = message_at(c, slot);
    m->flags |= (uint8_t)(e->messages << PRIORITY_SHIFT);
    message_begin(c, slot, e);
    if (q->attributes.kind == CORE_STANDARD && m->group != 0)
        fair_sent(c, q, m->group);
    struct core_record *r = post_record(c, slot, e->body);
    assert(r->number == m->seq);
    if (own) {
        r->has_key = true;
        memcpy(r->key, own, sizeof r->key);
        r->body_hash = m->seq;
        r->key_expires_ms = core_later(c->now_ms, LIMIT_DEDUPLICATION_MS);
    }
    pending_add(c, &(struct pending){.number = m->seq,
                                     .tag = e->tag,
                                     .client = e->client,
                                     .slot = slot,
                                     .kind = PENDING_ANSWER,
                                     .answer = CORE_OK,
                                     .about = CORE_POST,
                                     .id = e->id,
                                     .value = m->seq});
    c->totals.accepted_total++;
}

void on_post(struct core *c, struct core_event *e)
{
    struct queue *q = queue_at(c, e->queue);
    enum core_answer answer = q ? judge(c, q, e) : CORE_NO_SUCH_QUEUE;
    if (answer != CORE_OK && answer != CORE_QUEUE_FULL && answer != CORE_EXHAUSTED) {
        answer_now(c, e, answer, answer == CORE_TOO_LARGE ? q->attributes.max_message_bytes : 0);
        return;
    }
    unsigned char key[16], *own = q->attributes.kind == CORE_FIFO ? key : NULL;
    if (own)
        own_key(q, e, own);
    if (pending_reserve(c, 1) != 0)
        answer = CORE_QUEUE_FULL;
    else if (answer_known(c, e, own))
        return;
    int64_t delay_ms = e->delay_ms >= 0 && !own ? e->delay_ms : q->attributes.delay_ms;
    uint32_t slot = answer == CORE_OK ? take_room(c, q, e, delay_ms, own) : CORE_NONE;
    if (slot != CORE_NONE) {
        accept(c, q, e, slot, own);
        return;
    }
    c->totals.refused_total++;
    answer_now(c, e, answer == CORE_OK ? CORE_QUEUE_FULL : answer, 0);
}
