/* model.c - the frame around each step: what the event changes by itself, who must have heard of what, what must be gone now. */
#include "tests/sim/model.h"

#include <string.h>

#include "tests/sim/world.h"

/* -- Before --------------------------------------------------------------------------------------------------------------------- */
static void worker_gone(struct world *w, uint32_t index)
{
    model_calls_lost(w, index);
    w->model.workers[index].joined = false;
}

/* What the last life held is as if it had never been handed out. */
static void healed(struct world *w, uint32_t index)
{
    for (uint32_t i = 0; i < w->job_count; i++) {
        struct message *m = &w->jobs[i].message;
        if (!m->live || !m->leased || m->worker != index)
            continue;
        model_unlease(w, &w->jobs[i]);
        m->count--;
    }
}

static void on_worker(struct world *w, const struct core_event *e)
{
    struct model_worker *k = &w->model.workers[e->worker];
    if (e->healed && k->joined)
        healed(w, e->worker);
    if (e->kind == CORE_WORKER_JOIN) {
        worker_gone(w, e->worker);
        *k = (struct model_worker){.joined = true, .leases = k->leases, .heard_ms = w->model.now_ms};
    } else if (e->kind == CORE_WORKER_GONE) {
        worker_gone(w, e->worker);
    } else if (e->kind == CORE_WORKER_LEAVE && k->joined) {
        k->leaving = true;
        k->credit = k->calls = 0;
    } else if ((e->kind == CORE_WORKER_HEARD || e->kind == CORE_WORKER_CREDIT) && k->joined) {
        k->heard_ms = w->model.now_ms;
        k->credit += k->leaving ? 0 : e->messages;
        k->calls += k->leaving ? 0 : e->calls;
    }
}

static void on_lease(struct world *w, const struct core_event *e)
{
    for (uint32_t i = 0; i < w->job_count; i++) {
        const struct message *m = &w->jobs[i].message;
        if (m->live && m->leased && m->seq == e->seq && m->worker == e->worker && m->lease == e->lease)
            w->model.target = i;
    }
    if (w->model.target == CORE_NONE)
        return;
    struct message *m = &w->jobs[w->model.target].message;
    if (e->kind == CORE_EXTEND) {
        m->due_ms = w->model.now_ms + e->delay_ms;
    } else if (e->kind == CORE_GIVE_BACK) {
        model_unlease(w, &w->jobs[w->model.target]);
        m->count--;
        m->due_ms = e->delay_ms > 0 ? w->model.now_ms + e->delay_ms : 0;
    }
}

static void on_client_gone(struct world *w, const struct core_event *e)
{
    for (uint32_t i = 0; i < w->job_count; i++)
        w->jobs[i].message.waiters &= ~(1ull << e->client);
    for (uint32_t i = 0; i < w->model.debt_count; i++)
        w->model.debts[i].clients &= ~(1ull << e->client);
    for (uint32_t i = 0; i < SIM_CALLS; i++)
        if (w->model.calls[i].open && w->model.calls[i].client == e->client)
            w->model.calls[i].client = CORE_NONE;
}

static void on_question(struct world *w, const struct core_event *e)
{
    struct job *j = model_job(w, &e->id);
    uint32_t known = job_of(&e->id);
    bool maybe_full;
    if (!j)
        return;
    if (e->kind == CORE_SEND && (!e->wait || model_expect(w, e, &known, &maybe_full) != CORE_DUPLICATE))
        return;
    if (w->jobs[known].message.live)
        model_add_waiter(&w->jobs[known], e->client);
}

static void fall_silent(struct world *w)
{
    for (uint32_t i = 0; i < SIM_INDEXES; i++) {
        struct model_worker *k = &w->model.workers[i];
        if (!k->joined || k->heard_ms + w->plan.worker_silence_ms > w->model.now_ms)
            continue;
        k->silent_ms = w->model.now_ms;
        worker_gone(w, i);
    }
}

void model_before(struct world *w, const struct core_event *e)
{
    struct model *m = &w->model;
    m->now_ms = e->now_ms > m->now_ms ? e->now_ms : m->now_ms;
    m->latest_ms = m->now_ms > m->latest_ms ? m->now_ms : m->latest_ms;
    m->event = e;
    m->noted_count = m->freed = m->let_go = m->moved = 0;
    m->target = CORE_NONE;
    m->answered = false;
    for (uint32_t i = 0; i < SIM_INDEXES; i++)
        memset(m->workers[i].given, 0, sizeof m->workers[i].given);
    if (e->kind == CORE_COMMITTED) {
        m->committed = e->number > m->committed ? e->number : m->committed;
        m->durable_number = m->committed > m->durable_number ? m->committed : m->durable_number;
    } else if (e->kind >= CORE_WORKER_JOIN && e->kind <= CORE_WORKER_GONE) {
        on_worker(w, e);
    } else if (e->kind == CORE_DONE || e->kind == CORE_GIVE_BACK || e->kind == CORE_EXTEND) {
        on_lease(w, e);
    } else if (e->kind == CORE_WATCH || e->kind == CORE_SEND) {
        on_question(w, e);
    } else if (e->kind == CORE_CLIENT_GONE) {
        on_client_gone(w, e);
    } else if (e->kind == CORE_DISK) {
        m->disk_full = e->full;
    }
    fall_silent(w);
}

/* -- Effects --------------------------------------------------------------------------------------------------------------------- */
static void on_left(struct world *w, const struct core_effect *e)
{
    struct model_worker *k = e->worker < SIM_INDEXES ? &w->model.workers[e->worker] : NULL;
    bool there = k && (k->joined || k->silent_ms == w->model.now_ms); /* its last lease may end just as it falls silent */
    if (!there || !k->leaving || k->left || k->leases > 0 || k->calls_out > 0)
        world_fail(w, "worker %u: LEFT, but it is not leaving, holds something, or was told before", e->worker);
    else
        k->left = true;
}

static void on_freed(struct world *w, const struct core_effect *e)
{
    const struct disk_record *r = e->location < w->disk.end ? disk_at(&w->disk, e->location) : NULL;
    if (!r || !core_record_stays(r->record.kind) || r->record.body.len != e->body_len)
        world_fail(w, "FREED: there is no body of %u bytes at place %llu", e->body_len, (unsigned long long)e->location);
    w->model.freed++;
}

void model_effect(struct world *w, const struct core_effect *e)
{
    static void (*const arms[CORE_EFFECT_KIND_COUNT])(struct world *, const struct core_effect *) = {
        [CORE_EFFECT_JOURNAL] = model_record,  [CORE_EFFECT_SENT] = model_sent,
        [CORE_EFFECT_DELIVER] = model_deliver, [CORE_EFFECT_RESULT] = model_told,
        [CORE_EFFECT_DEAD] = model_told,       [CORE_EFFECT_CANCELLED] = model_cancelled,
        [CORE_EFFECT_CALL] = model_call,       [CORE_EFFECT_LEFT] = on_left,
        [CORE_EFFECT_FREED] = on_freed,        [CORE_EFFECT_CALL_REPLY] = model_call_reply};
    if (!w->failed)
        arms[e->kind](w, e);
}

/* -- After ------------------------------------------------------------------------------------------------------------------------ */
static void check_told(struct world *w)
{
    for (uint32_t n = 0; n < w->model.noted_count; n++) {
        struct message *m = &w->jobs[w->model.noted[n]].message;
        bool all = w->plan.memory_fails ? (m->told & ~m->waiters) == 0 : m->told == m->waiters;
        if (!m->finished || !all)
            world_fail(w, "job %u: its end (%d) is told to %llx, and %llx asked", w->model.noted[n], (int)m->finished,
                       (unsigned long long)m->told, (unsigned long long)m->waiters);
        m->waiters = m->told = 0;
        m->noted = m->finished = false;
    }
}

static void check_debts(struct world *w)
{
    struct model *m = &w->model;
    for (uint32_t i = 0; i < m->debt_count;) {
        bool forgiven = w->plan.memory_fails && m->debts[i].number <= m->committed; /* who could not be remembered */
        if (m->debts[i].clients == 0 || forgiven) {
            m->debts[i] = m->debts[--m->debt_count];
            continue;
        }
        if (m->debts[i].number <= m->committed && !model_busy(w))
            world_fail(w, "job %u: its end is on disk, and %llx are not told", m->debts[i].job,
                       (unsigned long long)m->debts[i].clients);
        i++;
    }
}

/* What a purge or a redrive had to take: not what came back or in within this very step. */
static uint64_t count_left(const struct world *w, uint32_t queue)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < w->job_count; i++) {
        const struct job *j = &w->jobs[i];
        const struct message *m = &j->message;
        bool was_there = !m->leased && !m->finished && m->loosened != w->result->steps && !model_committing(w, j);
        count += m->live && m->queue == queue && was_there;
    }
    return count;
}

static void check_event(struct world *w)
{
    const struct core_event *e = w->model.event;
    uint32_t target = w->model.target;
    if (e->kind == CORE_SEND && !w->model.answered) {
        uint32_t entry;
        const struct batch *b = front_batch(w, e->tag, &entry);
        const struct job *first = b ? &w->jobs[b->known[entry]] : NULL;
        if (!first || b->expected[entry] != CORE_DUPLICATE || !first->message.live || !model_committing(w, first))
            world_fail(w, "job %u: sent, and neither refused nor recorded", job_of(&e->id));
    }
    if (e->kind == CORE_DONE && target != CORE_NONE && w->jobs[target].message.live)
        world_fail(w, "job %u: done, and still there", target);
    if (world_step_was_full(w))
        return;
    if (e->kind == CORE_PURGE && e->queue < SIM_QUEUES && w->model.made[e->queue] && count_left(w, e->queue) > 0)
        world_fail(w, "queue %u was purged, and %llu messages are left", e->queue, (unsigned long long)count_left(w, e->queue));
    if (e->kind == CORE_REDRIVE && e->messages > 0 && w->model.moved > e->messages)
        world_fail(w, "%u messages redriven, %u asked for", w->model.moved, e->messages);
    if (e->kind == CORE_REDRIVE && e->messages == 0 && w->model.made[e->target] && count_left(w, e->queue) > 0)
        world_fail(w, "all were to be redriven, and %llu are left", (unsigned long long)count_left(w, e->queue));
}

void model_after(struct world *w)
{
    if (w->failed)
        return;
    check_event(w);
    check_told(w);
    check_debts(w);
    model_calls_after(w);
    if (w->model.freed != w->model.let_go)
        world_fail(w, "%u bodies freed, %u let go", w->model.freed, w->model.let_go);
}
