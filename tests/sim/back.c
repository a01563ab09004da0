/* back.c - the broker's side towards workers: connections and places, frames into events, effects into frames. */
#include <assert.h>
#include <string.h>

#include "tests/sim/world.h"

static uint32_t index_of(const struct world *w, uint32_t worker)
{
    for (uint32_t i = 0; i < SIM_INDEXES; i++)
        if (w->broker.peers[i].used && w->broker.peers[i].worker == worker)
            return i;
    return CORE_NONE;
}

static void step(struct world *w, enum core_event_kind kind, uint32_t index)
{
    struct core_event e = broker_event(w, kind);
    e.worker = index;
    broker_step(w, &e);
}

static void come_or_go(struct world *w, enum core_event_kind kind, uint32_t index, bool healed)
{
    struct core_event e = broker_event(w, kind);
    e.worker = index;
    e.healed = healed;
    broker_step(w, &e);
}

static void drop(struct world *w, uint32_t index, bool healed)
{
    w->broker.peers[index].used = false;
    come_or_go(w, CORE_WORKER_GONE, index, healed);
}

void back_gone(struct world *w, uint32_t worker)
{
    uint32_t index = index_of(w, worker);
    if (index != CORE_NONE)
        drop(w, index, false);
}

static void answer(struct world *w, uint32_t index, enum frame_kind kind) { net_to_worker(w, index, frame_new(w, kind, 1)); }

/* A worker that comes again while its last connection is still in the books: in its old place (the core ends the old leases by
 * itself), or told to be gone and put somewhere else. */
static void on_join(struct world *w, uint32_t worker, const struct frame *f)
{
    uint32_t index = index_of(w, worker);
    if (index != CORE_NONE && w->broker.peers[index].conn == f->conn)
        return;
    if (index != CORE_NONE && rng_below(&w->random, 2) == 0)
        drop(w, index, f->at[0].healed), index = CORE_NONE;
    for (uint32_t i = rng_below(&w->random, SIM_INDEXES); index == CORE_NONE; i = (i + 1) % SIM_INDEXES)
        if (!w->broker.peers[i].used)
            index = i;
    w->broker.peers[index] = (struct peer){true, worker, f->conn, broker_now(w)};
    come_or_go(w, CORE_WORKER_JOIN, index, f->at[0].healed);
    answer(w, index, FRAME_WELCOME);
}

/* The acknowledgement of one message is booked for another one. */
static void mistake(struct world *w, struct core_event *e)
{
    for (uint32_t i = 0; i < w->job_count; i++) {
        const struct message *m = &w->jobs[i].message;
        if (!m->live || !m->leased || m->seq == e->seq)
            continue;
        e->id = w->jobs[i].id;
        e->worker = m->worker;
        e->seq = m->seq;
        e->lease = m->lease;
        return;
    }
}

static void on_disposition(struct world *w, uint32_t index, const struct frame *f)
{
    static const enum core_event_kind kinds[] = {
        [FRAME_DONE] = CORE_DONE, [FRAME_GIVE_BACK] = CORE_GIVE_BACK, [FRAME_EXTEND] = CORE_EXTEND};
    for (uint32_t i = 0; i < f->count; i++) {
        const struct entry *entry = &f->at[i];
        struct core_event e = broker_event(w, kinds[f->kind]);
        e.id = w->jobs[entry->job].id; /* for the trace: the core goes by seq and lease */
        e.worker = index;
        e.seq = entry->seq;
        e.lease = entry->lease;
        e.delay_ms = entry->delay_ms;
        e.body = (struct slice){(const unsigned char *)&entry->value, sizeof entry->value};
        if (w->mutation == SIM_FOREIGN_DONE && f->kind == FRAME_DONE)
            mistake(w, &e);
        broker_step(w, &e);
    }
}

static void on_credit(struct world *w, uint32_t index, const struct frame *f)
{
    struct core_event e = broker_event(w, CORE_WORKER_CREDIT);
    e.worker = index;
    e.messages = f->at[0].messages;
    e.calls = f->at[0].calls;
    if (w->mutation != SIM_FORGET_CREDIT || rng_below(&w->random, 4) > 0)
        broker_step(w, &e);
}

static void on_answer(struct world *w, uint32_t index, const struct frame *f)
{
    struct core_event e = broker_event(w, CORE_CALL_DONE);
    e.worker = index;
    e.call = f->at[0].call;
    e.body = (struct slice){(const unsigned char *)&f->at[0].value, sizeof f->at[0].value};
    broker_step(w, &e);
}

static void on_beat(struct world *w, uint32_t index, const struct frame *f)
{
    (void)f;
    step(w, CORE_WORKER_HEARD, index);
}

static void on_leave(struct world *w, uint32_t index, const struct frame *f)
{
    (void)f;
    step(w, CORE_WORKER_LEAVE, index);
}

static void who_are_you(struct world *w, uint32_t worker, uint32_t conn)
{
    uint32_t frame = frame_new(w, FRAME_WHO, 1);
    frame_at(w, frame)->conn = conn;
    worker_receive(w, worker, frame_at(w, frame));
    frame_free(w, frame);
}

void back_receive(struct world *w, uint32_t worker, struct frame *f)
{
    static void (*const arms[])(struct world *, uint32_t, const struct frame *) = {
        [FRAME_CREDIT] = on_credit,         [FRAME_BEAT] = on_beat,          [FRAME_DONE] = on_disposition,
        [FRAME_GIVE_BACK] = on_disposition, [FRAME_EXTEND] = on_disposition, [FRAME_LEAVE] = on_leave,
        [FRAME_ANSWER] = on_answer};
    if (f->kind == FRAME_JOIN) {
        on_join(w, worker, f);
        return;
    }
    uint32_t index = index_of(w, worker);
    if (index != CORE_NONE && broker_now(w) - w->broker.peers[index].heard_ms >= w->plan.worker_silence_ms) {
        back_gone(w, worker); /* the core has given it up by itself */
        index = CORE_NONE;
    }
    if (index == CORE_NONE || w->broker.peers[index].conn != f->conn) {
        who_are_you(w, worker, f->conn);
        return;
    }
    w->broker.peers[index].heard_ms = broker_now(w);
    if (f->kind != FRAME_CREDIT && f->kind != FRAME_BEAT)
        step(w, CORE_WORKER_HEARD, index);
    arms[f->kind](w, index, f);
}

/* A second worker gets the same job. */
static void hand_out_twice(struct world *w, uint32_t index, uint32_t frame)
{
    for (uint32_t i = 0; i < SIM_INDEXES; i++)
        if (i != index && w->broker.peers[i].used) {
            uint32_t copy = frame_new(w, FRAME_JOB, 1);
            *frame_at(w, copy) = *frame_at(w, frame);
            net_to_worker(w, i, copy);
            return;
        }
}

void back_effect(struct world *w, const struct core_effect *e)
{
    static const enum frame_kind kinds[] = {
        [CORE_EFFECT_DELIVER] = FRAME_JOB, [CORE_EFFECT_CALL] = FRAME_CALLED, [CORE_EFFECT_LEFT] = FRAME_LEFT};
    if (e->worker >= SIM_INDEXES || !w->broker.peers[e->worker].used)
        return; /* the checker has its say on that */
    uint32_t frame = frame_new(w, kinds[e->kind], 1);
    struct entry *entry = &frame_at(w, frame)->at[0];
    entry->job = e->kind == CORE_EFFECT_DELIVER ? job_of(&e->id) : 0;
    entry->seq = e->seq;
    entry->lease = e->lease;
    entry->value = w->result->steps;
    entry->call = e->call;
    entry->low_seq = w->mutation == SIM_SWEEP_ALIVE ? core_number(w->broker.core) + 1 : w->broker.low_published;
    if (w->mutation == SIM_DELIVER_TWICE && e->kind == CORE_EFFECT_DELIVER && rng_chance(&w->random, 100))
        hand_out_twice(w, e->worker, frame);
    net_to_worker(w, e->worker, frame);
}
