/* front.c - the broker's side towards clients: frames into events, effects into frames. A SEND frame is answered by one SENT frame when the
 * last of its entries has its result. */
#include <assert.h>
#include <string.h>

#include "tests/sim/world.h"

#define ENTRY_BITS 5

struct batch *front_batch(struct world *w, uint64_t tag, uint32_t *entry)
{
    uint64_t index = tag >> ENTRY_BITS;
    *entry = tag & ((1u << ENTRY_BITS) - 1);
    struct batch *b = index < SIM_BATCHES ? &w->broker.batches[index] : NULL;
    return b && b->used && *entry < b->count ? b : NULL;
}

static uint32_t batch_open(struct world *w, uint32_t handle, const struct frame *f)
{
    struct broker *b = &w->broker;
    for (uint32_t n = 0; n < SIM_BATCHES; n++) {
        uint32_t i = (b->batch_hint + n) % SIM_BATCHES;
        if (b->batches[i].used)
            continue;
        b->batch_hint = i + 1;
        memset(&b->batches[i], 0, sizeof b->batches[i]);
        b->batches[i].used = true;
        b->batches[i].handle = handle;
        b->batches[i].count = f->count;
        b->batches[i].reply.kind = FRAME_SENT;
        b->batches[i].reply.count = f->count;
        return i;
    }
    return CORE_NONE;
}

static void on_send(struct world *w, uint32_t handle, const struct frame *f)
{
    uint32_t index = batch_open(w, handle, f);
    for (uint32_t i = 0; index != CORE_NONE && i < f->count; i++) {
        const struct job *j = &w->jobs[f->at[i].job];
        struct core_event e = broker_event(w, CORE_SEND);
        e.client = handle;
        e.tag = (uint64_t)index << ENTRY_BITS | i;
        e.queue = j->queue;
        e.id = j->id;
        e.group = w->group_numbers[j->group];
        e.delay_ms = j->delay_ms;
        e.wait = j->wait;
        e.body = (struct slice){j->body, j->body_len};
        e.has_key = j->key != CORE_NONE;
        if (e.has_key)
            memcpy(e.key, &j->key, sizeof j->key);
        e.body_hash = j->body_hash;
        struct batch *b = &w->broker.batches[index];
        b->reply.at[i].job = f->at[i].job;
        b->known[i] = f->at[i].job;
        b->expected[i] = model_expect(w, &e, &b->known[i], &b->maybe_full[i]);
        broker_step(w, &e);
    }
}

/* What the broker does not know has ended: its client looks into the store. */
static void on_watch(struct world *w, uint32_t handle, const struct frame *f)
{
    const struct job *j = &w->jobs[f->at[0].job];
    struct core_info info;
    bool known = core_find(w->broker.core, &j->id, &info);
    if (known && info.queue != SIM_QUEUE_DEAD) {
        struct core_event e = broker_event(w, CORE_WATCH);
        e.client = handle;
        e.id = j->id;
        broker_step(w, &e);
        return;
    }
    if (!known)
        model_unknown(w, f->at[0].job);
    uint32_t reply = frame_new(w, known ? FRAME_DEAD : FRAME_UNKNOWN, 1);
    frame_at(w, reply)->at[0].job = f->at[0].job;
    net_to_client(w, handle, reply);
}

static void on_cancel(struct world *w, uint32_t handle, const struct frame *f)
{
    struct core_event e = broker_event(w, CORE_CANCEL);
    e.client = handle;
    e.tag = f->at[0].job;
    e.id = w->jobs[f->at[0].job].id;
    broker_step(w, &e);
}

static void on_call(struct world *w, uint32_t handle, const struct frame *f)
{
    struct core_event e = broker_event(w, CORE_CALL);
    e.client = handle;
    e.tag = f->at[0].value;
    e.delay_ms = f->at[0].delay_ms;
    broker_step(w, &e);
}

void front_receive(struct world *w, uint32_t client, struct frame *f)
{
    static void (*const arms[])(struct world *, uint32_t, const struct frame *) = {
        [FRAME_SEND] = on_send, [FRAME_WATCH] = on_watch, [FRAME_CANCEL] = on_cancel, [FRAME_CALL] = on_call};
    assert(f->kind <= FRAME_CALL);
    arms[f->kind](w, w->clients[client].handle, f);
}

/* The client's process ended; its next one has another handle. */
void front_client_gone(struct world *w, uint32_t client)
{
    struct core_event e = broker_event(w, CORE_CLIENT_GONE);
    e.client = w->clients[client].handle;
    broker_step(w, &e);
    for (uint32_t i = 0; i < SIM_BATCHES; i++)
        if (w->broker.batches[i].handle == e.client)
            w->broker.batches[i].used = false;
}

static void do_sent(struct world *w, const struct core_effect *e)
{
    uint32_t entry;
    struct batch *b = front_batch(w, e->tag, &entry);
    if (!b)
        return;
    b->reply.at[entry].result = e->send_result;
    if (++b->answered < b->count)
        return;
    uint32_t frame = frame_new(w, FRAME_SENT, b->count);
    memcpy(frame_at(w, frame)->at, b->reply.at, b->count * sizeof b->reply.at[0]);
    net_to_client(w, b->handle, frame);
    b->used = false;
}

static void do_end(struct world *w, const struct core_effect *e)
{
    uint32_t frame = frame_new(w, e->kind == CORE_EFFECT_RESULT ? FRAME_RESULT : FRAME_DEAD, 1);
    struct entry *entry = &frame_at(w, frame)->at[0];
    entry->job = job_of(&e->id);
    if (e->body.len == sizeof entry->value)
        memcpy(&entry->value, e->body.ptr, sizeof entry->value);
    net_to_client(w, e->client, frame);
}

void front_effect(struct world *w, const struct core_effect *e)
{
    if (e->kind == CORE_EFFECT_SENT)
        do_sent(w, e);
    else if (e->kind == CORE_EFFECT_RESULT || e->kind == CORE_EFFECT_DEAD)
        do_end(w, e);
}
