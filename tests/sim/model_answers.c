/* model_answers.c - what clients are told, and what workers are given: the promises. */
#include <string.h>

#include "tests/sim/world.h"

/* -- Sends --------------------------------------------------------------------------------------------------------------------- */
static bool queue_full(const struct world *w, const struct core_event *e)
{
    const struct core_queue_attributes *a;
    struct core_queue_stats stats;
    uint64_t messages = 0;
    core_queue_stats(w->broker.core, e->queue, &a, &stats);
    for (int s = 0; s < CORE_STATE_COUNT; s++)
        messages += stats.count[s];
    return messages >= a->max_messages || stats.bytes + e->body.len > a->max_bytes || w->model.live >= w->plan.max_messages;
}

/* No room for one more key that is in force. One that has expired gives its place to itself. */
static bool keys_full(const struct world *w, int64_t now_ms)
{
    uint32_t count = 0;
    for (uint32_t k = 0; k < SIM_KEYS; k++)
        count += w->model.keys[k].known && w->model.keys[k].expires_ms > now_ms;
    return count >= w->plan.max_keys;
}

enum core_send_result model_expect(struct world *w, const struct core_event *e, uint32_t *known, bool *maybe_full)
{
    const struct job *j = &w->jobs[job_of(&e->id)];
    const struct model_key *k = j->key != CORE_NONE ? &w->model.keys[j->key] : NULL;
    int64_t now_ms = e->now_ms > w->model.now_ms ? e->now_ms : w->model.now_ms;
    *maybe_full = w->plan.memory_fails;
    if (e->queue >= SIM_QUEUES || !w->model.made[e->queue])
        return CORE_NO_QUEUE;
    if (j->message.live || j->recent)
        return CORE_DUPLICATE;
    if (k && k->known && k->expires_ms > now_ms) {
        *known = k->job;
        return k->hash == e->body_hash ? CORE_DUPLICATE : CORE_MISMATCH;
    }
    if (w->model.disk_full)
        return CORE_DISK_FULL;
    return queue_full(w, e) || (k && keys_full(w, now_ms)) ? CORE_FULL : CORE_ACCEPTED;
}

static bool on_disk(struct world *w, struct job *j)
{
    struct message *m = &j->message;
    m->durable = m->durable || m->accepted_at < w->disk.synced;
    return m->durable;
}

static void promise(struct world *w, struct job *j, uint32_t job)
{
    if (!j->message.live)
        return;
    if (!on_disk(w, j))
        world_fail(w, "job %u: its client is told that it is accepted, and it is not on disk", job);
    j->promised = true;
    j->seq = j->message.seq;
    if (j->key != CORE_NONE && w->model.keys[j->key].job == job)
        w->model.keys[j->key].promised = true;
}

void model_sent(struct world *w, const struct core_effect *e)
{
    uint32_t entry;
    struct batch *b = front_batch(w, e->tag, &entry);
    if (!b || b->done[entry] || b->handle != e->client) {
        world_fail(w, "client %d is answered what it did not ask", (int)e->client);
        return;
    }
    uint32_t job = b->reply.at[entry].job;
    bool full = e->send_result == CORE_FULL && b->maybe_full[entry];
    b->done[entry] = true;
    if (e->send_result != b->expected[entry] && !full)
        world_fail(w, "job %u: SENT %d, expected %d", job, (int)e->send_result, (int)b->expected[entry]);
    else if (!id_equal(&e->id, &w->jobs[b->known[entry]].id) && e->send_result != CORE_FULL)
        world_fail(w, "job %u: SENT names another id than job %u's", job, b->known[entry]);
    else if (e->send_result == CORE_ACCEPTED && !w->jobs[job].message.live)
        world_fail(w, "job %u: accepted, but it is not there", job);
    if (e->send_result == CORE_ACCEPTED || e->send_result == CORE_DUPLICATE)
        promise(w, &w->jobs[b->known[entry]], b->known[entry]);
    if (w->model.event->kind == CORE_SEND && e->tag == w->model.event->tag)
        w->model.answered = true;
}

/* -- Ends ---------------------------------------------------------------------------------------------------------------------- */
static void told_result(struct world *w, struct job *j, const struct core_effect *e, uint64_t bit)
{
    struct message *m = &j->message;
    if (!(m->waiters & bit) || m->told & bit)
        world_fail(w, "job %u: client %d is told of its end and did not ask", job_of(&e->id), (int)e->client);
    else if (w->model.target != job_of(&e->id) || !slice_equal(e->body, w->model.event->body))
        world_fail(w, "job %u: a result that is not its own", job_of(&e->id));
    m->told |= bit;
    model_note(w, j);
}

/* Death is told when its record is on disk; without memory to wait for that, at once. */
static void told_dead(struct world *w, const struct core_effect *e, uint64_t bit)
{
    struct model *m = &w->model;
    for (uint32_t i = 0; i < m->debt_count; i++) {
        struct model_debt *d = &m->debts[i];
        if (d->job != job_of(&e->id) || !(d->clients & bit) || (d->number > m->committed && !w->plan.memory_fails))
            continue;
        d->clients &= ~bit;
        if (!e->reason || (e->reason[0] == '\0' && !w->plan.memory_fails))
            world_fail(w, "job %u: dead without a reason", d->job);
        return;
    }
    world_fail(w, "job %u: client %d is told that it is dead, and did not ask, or that is not on disk", job_of(&e->id),
               (int)e->client);
}

void model_told(struct world *w, const struct core_effect *e)
{
    struct job *j = model_job(w, &e->id);
    uint64_t bit = e->client < SIM_HANDLES ? 1ull << e->client : 0;
    if (j && e->kind == CORE_EFFECT_RESULT)
        told_result(w, j, e, bit);
    else if (j)
        told_dead(w, e, bit);
}

void model_cancelled(struct world *w, const struct core_effect *e)
{
    struct job *j = model_job(w, &e->id);
    if (!j)
        return;
    if (!e->cancelled) {
        bool may = j->message.live && !j->message.leased && !model_committing(w, j) && !w->plan.memory_fails;
        if (may || w->model.event->kind != CORE_CANCEL)
            world_fail(w, "job %u: it was there, and was not cancelled", job_of(&e->id));
        return;
    }
    if (j->message.live || j->end != END_CANCELLED || j->end_place >= w->disk.synced)
        world_fail(w, "job %u: called cancelled before that is on disk", job_of(&e->id));
    j->cancel_confirmed = true;
}

void model_unknown(struct world *w, uint32_t job)
{
    const struct job *j = &w->jobs[job];
    if (j->message.live || (j->promised && (j->end == END_NONE || (j->end == END_DONE && j->outcome.applied == 0))))
        world_fail(w, "job %u was accepted, and the broker does not know it", job);
}

/* -- Deliveries ---------------------------------------------------------------------------------------------------------------- */
static void check_worker(struct world *w, const struct job *j, const struct core_effect *e)
{
    const struct model_worker *k = &w->model.workers[e->worker];
    if (!k->joined || k->leaving || k->credit == 0)
        world_fail(w, "job %u is handed to worker %u, which is not there, leaving, or without credit", job_of(&e->id),
                   e->worker);
    else if (k->suspect)
        world_fail(w, "job %u is handed to worker %u, which has one that was received before", job_of(&e->id), e->worker);
    else if (j->message.count > 0 && k->leases > 0)
        world_fail(w, "job %u was received before, and worker %u holds others", job_of(&e->id), e->worker);
}

/* Nobody of its group may be out, and no older one may be left behind. Who was moved back from the dead has lost its place. */
static void check_group(struct world *w, const struct job *j)
{
    const struct model_leaver *leaver = &w->model.leavers[j->message.queue][j->group];
    if (j->group == 0)
        return;
    if (!j->exempt && leaver->seq < j->message.seq && leaver->number > w->model.committed && !w->plan.memory_fails)
        world_fail(w, "job %u is handed out, and a crash would bring back number %llu, which is older in its group",
                   job_of(&j->id), (unsigned long long)leaver->seq);
    for (uint32_t i = w->model.groups[j->group]; i != CORE_NONE; i = w->jobs[i].message.after) {
        const struct job *other = &w->jobs[i];
        if (other == j || other->message.queue != j->message.queue)
            continue;
        if (other->message.leased)
            world_fail(w, "jobs %u and %u of one group are out at the same time", i, job_of(&j->id));
        else if (!j->exempt && !other->exempt && other->message.seq < j->message.seq)
            world_fail(w, "job %u is handed out before job %u, which is older in its group", job_of(&j->id), i);
    }
}

static void check_message(struct world *w, struct job *j, const struct core_effect *e)
{
    const struct message *m = &j->message;
    const struct disk_record *r = e->location < w->disk.end ? disk_at(&w->disk, e->location) : NULL;
    uint32_t job = job_of(&e->id);
    bool moved_now =
        w->model.event->kind == CORE_MOVE_BODY && e->location == m->left_at; /* the old place is good in that step */
    if (!m->live || m->seq != e->seq || e->lease != m->count + 1)
        world_fail(w, "job %u: delivered as %llu/%u, known as %llu/%u", job, (unsigned long long)e->seq, e->lease,
                   (unsigned long long)m->seq, m->count);
    else if (m->leased)
        world_fail(w, "job %u: delivered twice", job);
    else if (!on_disk(w, j))
        world_fail(w, "job %u: delivered before it is on disk", job);
    else if (m->due_ms > w->model.now_ms || !model_works(w, m->queue) || model_outlived(w, j, m->queue))
        world_fail(w, "job %u: delivered before its time, after its time, or from a queue without workers", job);
    else if ((e->location != m->location && !moved_now) || e->group != w->group_numbers[j->group] ||
             e->body_len != j->body_len || !r || (r->record.kind != CORE_REC_SEND && r->record.kind != CORE_REC_POST) ||
             !slice_equal(r->record.body, (struct slice){j->body, j->body_len}))
        world_fail(w, "job %u: delivered with another body", job);
    else if (j->cancel_confirmed)
        world_fail(w, "job %u: delivered after it was cancelled", job);
}

void model_deliver(struct world *w, const struct core_effect *e)
{
    struct job *j = model_job(w, &e->id);
    if (!j || e->worker >= SIM_INDEXES) {
        world_fail(w, "a delivery to worker %u", e->worker);
        return;
    }
    check_message(w, j, e);
    check_worker(w, j, e);
    check_group(w, j);
    if (w->failed)
        return;
    struct message *m = &j->message;
    struct model_worker *k = &w->model.workers[e->worker];
    k->suspect = m->count > 0;
    k->credit--;
    k->leases++;
    if (++k->given[m->queue] > w->plan.batch_max)
        world_fail(w, "worker %u is handed more than %u messages at once", e->worker, w->plan.batch_max);
    m->leased = true;
    m->worker = e->worker;
    m->lease = e->lease;
    m->delivery = w->result->steps;
    m->count++;
    m->due_ms = w->model.now_ms + w->model.queues[m->queue].visibility_ms;
}

/* A late frame may speak of a lease that is over; but a lease that holds is held by one. */
void model_arrival(struct world *w, uint32_t index, uint32_t job, uint64_t delivery)
{
    const struct message *m = &w->jobs[job].message;
    if (m->live && m->leased && m->delivery == delivery && m->worker != index)
        world_fail(w, "job %u: workers %u and %u hold the same lease", job, m->worker, index);
}
