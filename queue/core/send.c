/* send.c - a message comes in, is committed, is cancelled, has its body moved. */
#include "queue/core/state.h"

static void answer(struct core *c, const struct core_event *e, enum core_send_result result, const struct id *id)
{
    struct core_effect *effect = core_emit(c, CORE_EFFECT_SENT);
    effect->client = e->client;
    effect->tag = e->tag;
    effect->send_result = result;
    effect->id = *id;
    if (result == CORE_DUPLICATE)
        c->totals.duplicate_total++;
    else
        c->totals.refused_total++;
}

/* A message that is known already. While it is not on disk yet, the answer waits as the first one's does. */
static void answer_duplicate(struct core *c, const struct core_event *e, const struct id *first)
{
    uint32_t slot = ids_find(c, first);
    if (slot != CORE_NONE && e->wait)
        waiters_add(c, slot, e->client);
    if (slot == CORE_NONE || message_at(c, slot)->state != CORE_COMMITTING) {
        answer(c, e, CORE_DUPLICATE, first);
    } else if (pending_reserve(c, 1) != 0) {
        answer(c, e, CORE_FULL, first);
    } else {
        c->totals.duplicate_total++;
        pending_add(c, &(struct pending){.number = c->number,
                                         .tag = e->tag,
                                         .client = e->client,
                                         .slot = CORE_NONE,
                                         .result = CORE_DUPLICATE,
                                         .id = *first});
    }
}

static bool answer_known(struct core *c, const struct core_event *e)
{
    const struct key *key = e->has_key ? keys_find(c, e->key) : NULL;
    if (ids_find(c, &e->id) != CORE_NONE || recent_has(c, &e->id))
        answer_duplicate(c, e, &e->id);
    else if (key && key->body_hash == e->body_hash)
        answer_duplicate(c, e, &key->id);
    else if (key)
        answer(c, e, CORE_MISMATCH, &key->id);
    else
        return false;
    return true;
}

/* All that a new message needs, taken before anything is changed for good; a failure gives everything back. */
static uint32_t take_room(struct core *c, const struct core_event *e, int64_t due_ms)
{
    uint32_t slot = pending_reserve(c, 1) == 0 ? message_new(c) : CORE_NONE;
    if (slot == CORE_NONE)
        return CORE_NONE;
    if (due_ms == 0 || due_set(c, slot, due_ms) == 0) {
        if (lows_add(c, c->number + 1) == 0) {
            if (!e->has_key ||
                keys_add(c, e->key, &e->id, e->body_hash, core_later(c->now_ms, c->config.key_window_ms), c->number + 1) == 0)
                return slot;
            lows_remove(c, c->number + 1);
        }
        due_clear(c, slot);
    }
    struct message *m = message_at(c, slot);
    m->flags = 0;
    m->next = c->message_free;
    c->message_free = slot;
    c->message_count--;
    return CORE_NONE;
}

static void put_record(struct core *c, uint32_t slot, const struct core_event *e)
{
    const struct message *m = message_at(c, slot);
    struct core_record *r = core_record(c, CORE_REC_SEND);
    c->out->at[c->out->count - 1].slot = slot;
    r->seq = m->seq;
    r->queue = m->queue;
    r->receive_count = m->state == CORE_LEASED ? m->receive_count - 1u : m->receive_count; /* this receive has not ended */
    r->id = m->id;
    r->group = m->group;
    r->accepted_ms = m->accepted_ms;
    r->due_ms = m->state == CORE_LEASED ? 0 : due_of(c, m);
    r->body = e->body;
    if (!c->queues[m->queue]->attributes.jobs)
        r->reason = slice_text(reasons_text(c, m));
}

static void accept(struct core *c, const struct core_event *e, uint32_t slot)
{
    struct message *m = message_at(c, slot);
    m->id = e->id;
    m->group = e->group;
    m->seq = c->number + 1;
    m->accepted_ms = c->now_ms;
    m->body_len = (uint32_t)e->body.len;
    m->queue = (uint16_t)e->queue;
    message_enter(c, slot, CORE_COMMITTING);
    ids_add(c, slot);
    group_join(c, slot);
    put_record(c, slot, e);
    struct core_record *r = &c->out->at[c->out->count - 1].record;
    assert(r->number == m->seq);
    if (e->has_key) {
        r->has_key = true;
        memcpy(r->key, e->key, sizeof r->key);
        r->body_hash = e->body_hash;
        r->key_expires_ms = core_later(c->now_ms, c->config.key_window_ms);
    }
    if (e->wait)
        waiters_add(c, slot, e->client);
    pending_add(c,
                &(struct pending){
                    .number = m->seq, .tag = e->tag, .client = e->client, .slot = slot, .result = CORE_ACCEPTED, .id = e->id});
    c->totals.accepted_total++;
}

void on_send(struct core *c, struct core_event *e)
{
    struct queue *q = queue_at(c, e->queue);
    if (!q) {
        answer(c, e, CORE_NO_QUEUE, &e->id);
        return;
    }
    if (answer_known(c, e))
        return;
    if (c->disk_full) {
        answer(c, e, CORE_DISK_FULL, &e->id);
        return;
    }
    uint64_t messages = 0;
    for (int s = 0; s < CORE_STATE_COUNT; s++)
        messages += q->count[s];
    int64_t delay_ms = e->delay_ms > 0 ? e->delay_ms : q->attributes.delay_ms;
    bool full =
        messages >= q->attributes.max_messages || e->body.len > UINT32_MAX || q->bytes + e->body.len > q->attributes.max_bytes;
    uint32_t slot = full ? CORE_NONE : take_room(c, e, delay_ms > 0 ? core_later(c->now_ms, delay_ms) : 0);
    if (slot == CORE_NONE)
        answer(c, e, CORE_FULL, &e->id);
    else
        accept(c, e, slot);
}

void on_committed(struct core *c, struct core_event *e)
{
    uint64_t number = e->number < c->number ? e->number : c->number;
    if (number > c->committed)
        c->committed = number;
}

void on_cancel(struct core *c, struct core_event *e)
{
    uint32_t slot = ids_find(c, &e->id);
    enum core_state state = slot == CORE_NONE ? CORE_STATE_COUNT : (enum core_state)message_at(c, slot)->state;
    if (slot != CORE_NONE && state != CORE_LEASED && state != CORE_COMMITTING && pending_reserve(c, WAITERS_MAX + 2) == 0) {
        message_end(c, slot, "cancelled");
        pending_add(c, &(struct pending){.number = c->number,
                                         .tag = e->tag,
                                         .client = e->client,
                                         .slot = CORE_NONE,
                                         .kind = PENDING_CANCELLED,
                                         .id = e->id});
        return;
    }
    struct core_effect *effect = core_emit(c, CORE_EFFECT_CANCELLED);
    effect->client = e->client;
    effect->tag = e->tag;
    effect->id = e->id;
    effect->state = state;
}

void on_watch(struct core *c, struct core_event *e)
{
    uint32_t slot = ids_find(c, &e->id);
    if (slot != CORE_NONE)
        waiters_add(c, slot, e->client);
}

void on_move_body(struct core *c, struct core_event *e)
{
    if (e->slot >= c->message_used || !(c->messages[e->slot].flags & FLAG_USED) || c->messages[e->slot].seq != e->seq ||
        c->messages[e->slot].state == CORE_COMMITTING)
        return;
    struct message *m = message_at(c, e->slot);
    struct core_effect *freed = core_emit(c, CORE_EFFECT_FREED);
    freed->location = m->location;
    freed->body_len = m->body_len;
    put_record(c, e->slot, e);
}

void core_locate(struct core *c, uint32_t slot, uint64_t location) { message_at(c, slot)->location = location; }
