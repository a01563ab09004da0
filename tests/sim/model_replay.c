/* model_replay.c - a crash: what is left of the mirror, and whether the records that survived keep what was promised. */
#include <string.h>

#include "tests/sim/world.h"

void model_crash(struct world *w)
{
    struct model *m = &w->model;
    memset(m->workers, 0, sizeof m->workers);
    memset(m->calls, 0, sizeof m->calls);
    memset(m->leavers, 0, sizeof m->leavers);
    m->calls_open = m->debt_count = 0;
    m->disk_full = false;
    m->idle_ticks = 0;
}

static void forget_all(struct world *w)
{
    struct model *m = &w->model;
    for (uint32_t i = 0; i < w->job_count; i++) {
        w->jobs[i].message = (struct message){.before = CORE_NONE, .after = CORE_NONE};
        w->jobs[i].recent = false;
    }
    for (uint32_t g = 0; g <= SIM_GROUPS; g++)
        m->groups[g] = CORE_NONE;
    memset(m->keys, 0, sizeof m->keys);
    memset(m->made, 0, sizeof m->made);
    memset(m->queues, 0, sizeof m->queues);
    memset(m->defined_at, 0, sizeof m->defined_at);
    m->live = m->working = m->live_bytes = m->number = 0;
    m->now_ms = 0;
}

static void replay_message(struct world *w, const struct core_record *r, uint64_t place)
{
    struct job *j = model_job(w, &r->id);
    struct message *m = j ? &j->message : NULL;
    if (!j)
        return;
    bool there = m->live && m->seq == r->seq;
    bool sent = r->kind == CORE_REC_SEND || r->kind == CORE_REC_POST;
    if (sent && there)
        m->location = place;
    else if (sent && m->live)
        world_fail(w, "job %u is in the journal twice", job_of(&r->id));
    else if (sent)
        model_enter(w, j, r, place);
    else if (r->kind == CORE_REC_DONE && there)
        model_leave(w, j);
    else if (r->kind == CORE_REC_RELEASE && there)
        m->count = r->receive_count;
    else if (r->kind == CORE_REC_TRANSFER && there)
        model_to_queue(w, j, r);
    m->durable = m->live;
}

static void replay_records(struct world *w)
{
    struct model *m = &w->model;
    for (uint64_t place = w->disk.first; place < w->disk.end && !w->failed; place++) {
        const struct disk_record *d = disk_at(&w->disk, place);
        const struct core_record *r = &d->record;
        m->number = r->number > m->number ? r->number : m->number;
        m->now_ms = r->now_ms > m->now_ms ? r->now_ms : m->now_ms;
        if (d->lost)
            continue;
        if (r->kind == CORE_REC_DEFINE)
            model_learn_queue(w, r, place);
        else if (r->kind != CORE_REC_MARK && r->kind != CORE_REC_KEY)
            replay_message(w, r, place);
        if (r->has_key)
            model_learn_key(w, r);
    }
}

static void check_job(struct world *w, struct job *j, uint32_t job)
{
    const struct message *m = &j->message;
    uint64_t durable = w->model.durable_number;
    if (!m->live) {
        if (j->promised)
            model_unknown(w, job);
        return;
    }
    if (j->cancel_confirmed)
        world_fail(w, "job %u was cancelled, and is back", job);
    else if (j->promised && j->seq != m->seq)
        world_fail(w, "job %u was accepted as %llu, and is %llu now", job, (unsigned long long)j->seq,
                   (unsigned long long)m->seq);
    else if (j->release_number > 0 && j->release_number <= durable && m->count < j->release_count)
        world_fail(w, "job %u was received %u times, and %u are left", job, j->release_count, m->count);
    else if (j->move_number > 0 && j->move_number <= durable && m->queue != j->move_queue)
        world_fail(w, "job %u was moved to queue %u, and is in %u again", job, j->move_queue, m->queue);
    j->end = END_NONE;
    if (j->exempt && j->exempt_number > w->model.number) /* that record is lost: it is back in its group's order */
        j->exempt = false;
    j->release_number = j->release_number > durable ? 0 : j->release_number;
    j->move_number = j->move_number > durable ? 0 : j->move_number;
}

static void check_keys(struct world *w, const struct model_key *old)
{
    for (uint32_t k = 0; k < SIM_KEYS; k++) {
        struct model_key *now = &w->model.keys[k];
        if (!old[k].promised || old[k].expires_ms <= broker_now(w) || old[k].expires_ms <= w->model.latest_ms)
            continue;
        if (!now->known || now->job != old[k].job || now->hash != old[k].hash || now->expires_ms != old[k].expires_ms)
            world_fail(w, "key %u of job %u is forgotten before its time", k, old[k].job);
        now->promised = true;
    }
}

void model_replay(struct world *w)
{
    struct model *m = &w->model;
    struct model_key old[SIM_KEYS];
    memcpy(old, m->keys, sizeof old);
    forget_all(w);
    replay_records(w);
    m->committed = m->number;
    if (core_number(w->broker.core) < m->durable_number)
        world_fail(w, "record numbers begin again at %llu, and %llu was on disk",
                   (unsigned long long)core_number(w->broker.core), (unsigned long long)m->durable_number);
    if (w->broker.newest_ms != m->now_ms || broker_now(w) < m->now_ms)
        world_fail(w, "broker time goes back: %lld, the journal ends at %lld", (long long)broker_now(w), (long long)m->now_ms);
    for (uint32_t i = 0; i < w->job_count && !w->failed; i++)
        check_job(w, &w->jobs[i], i);
    if (!w->failed)
        check_keys(w, old);
}
