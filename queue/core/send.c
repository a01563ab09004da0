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
                keys_add(c, KEY_JOBS, e->key, &e->id, e->body_hash, core_later(c->now_ms, c->config.key_window_ms)) == 0)
                return slot;
            lows_remove(c, c->number + 1);
        }
        due_clear(c, slot);
    }
    message_free(c, slot);
    return CORE_NONE;
}

/* A job's record: as it is sent, or as compaction wants it again. */
static void put_record(struct core *c, uint32_t slot, const struct core_event *e)
{
    const struct message *m = message_at(c, slot);
    struct core_record *r = core_record(c, CORE_REC_SEND);
    c->out->at[c->out->count - 1].slot = slot;
    r->seq = m->seq;
    r->queue = message_queue(c, m)->number;
    r->receive_count = m->state == CORE_LEASED ? m->receive_count - 1u : m->receive_count; /* this receive has not ended */
    r->id = m->id;
    r->group = m->group;
    r->accepted_ms = m->accepted_ms;
    r->due_ms = m->state == CORE_LEASED ? 0 : due_of(c, m);
    r->body = e->body;
}

static void accept(struct core *c, const struct core_event *e, uint32_t slot)
{
    struct message *m = message_at(c, slot);
    m->queue = queue_at(c, e->queue)->place;
    message_begin(c, slot, e);
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
    if (!q || q->attributes.kind == CORE_FIFO) {
        answer(c, e, CORE_NO_QUEUE, &e->id);
        return;
    }
    if (answer_known(c, e))
        return;
    if (c->disk_full) {
        answer(c, e, CORE_DISK_FULL, &e->id);
        return;
    }
    int64_t delay_ms = e->delay_ms > 0 ? e->delay_ms : q->attributes.delay_ms;
    uint32_t slot =
        queue_is_full(q, e->body.len) ? CORE_NONE : take_room(c, e, delay_ms > 0 ? core_later(c->now_ms, delay_ms) : 0);
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
    uint32_t slot = ids_find_live(c, &e->id);
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
    uint32_t slot = ids_find_live(c, &e->id);
    if (slot != CORE_NONE)
        waiters_add(c, slot, e->client);
}

void on_move_body(struct core *c, struct core_event *e)
{
    struct message *m = e->slot < c->message_used ? &c->messages[e->slot] : NULL;
    if (!m || !(m->flags & FLAG_USED) || m->seq != e->seq || m->state == CORE_COMMITTING || message_is_doomed(c, m))
        return;
    message_free_body(c, m);
    if (message_queue(c, m)->attributes.kind == CORE_JOBS)
        put_record(c, e->slot, e);
    else
        post_record(c, e->slot, e->body);
}
