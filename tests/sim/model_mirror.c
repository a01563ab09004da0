/* model_mirror.c - the mirror of the core: messages enter, move and leave. Nothing is checked here. */
#include <string.h>

#include "tests/sim/world.h"

struct job *model_job(struct world *w, const struct id *id)
{
    uint32_t i = job_of(id);
    if (i < w->job_count && id_equal(&w->jobs[i].id, id))
        return &w->jobs[i];
    world_fail(w, "an id that nobody made");
    return NULL;
}

/* By number, not by definition: in the journal a definition may stand behind the messages. */
bool model_works(const struct world *w, uint32_t queue)
{
    return queue < SIM_QUEUES && w->plan.queues[queue].name[0] && w->plan.queues[queue].kind == CORE_JOBS;
}

uint32_t model_dead_letters(const struct world *w, uint32_t queue)
{
    const char *name = w->model.queues[queue].dead_letter;
    for (uint32_t q = 0; name[0] && q < SIM_QUEUES; q++)
        if (w->model.made[q] && strcmp(w->model.queues[q].name, name) == 0)
            return q;
    return SIM_QUEUES;
}

static void link_group(struct world *w, struct job *j)
{
    uint32_t i = (uint32_t)(j - w->jobs), *first = &w->model.groups[j->group];
    j->message.before = CORE_NONE;
    j->message.after = *first;
    if (*first != CORE_NONE)
        w->jobs[*first].message.before = i;
    *first = i;
}

static void unlink_group(struct world *w, struct job *j)
{
    if (j->message.before != CORE_NONE)
        w->jobs[j->message.before].message.after = j->message.after;
    else
        w->model.groups[j->group] = j->message.after;
    if (j->message.after != CORE_NONE)
        w->jobs[j->message.after].message.before = j->message.before;
}

void model_enter(struct world *w, struct job *j, const struct core_record *r, uint64_t location)
{
    j->message = (struct message){.live = true,
                                  .queue = r->queue,
                                  .count = r->receive_count,
                                  .seq = r->seq,
                                  .location = location,
                                  .accepted_at = location,
                                  .accepted_ms = r->accepted_ms,
                                  .due_ms = r->due_ms};
    j->dead = !model_works(w, r->queue) && r->reason.len > 0;
    link_group(w, j);
    w->model.live++;
    w->model.live_bytes += j->body_len;
    w->model.working += model_works(w, r->queue);
}

void model_leave(struct world *w, struct job *j)
{
    model_unlease(w, j);
    unlink_group(w, j);
    w->model.live--;
    w->model.live_bytes -= j->body_len;
    w->model.working -= model_works(w, j->message.queue);
    j->message.live = false;
    j->recent = true;
}

void model_to_queue(struct world *w, struct job *j, const struct core_record *r)
{
    w->model.working -= model_works(w, j->message.queue);
    w->model.working += model_works(w, r->queue);
    j->message.queue = r->queue;
    j->message.count = r->receive_count;
    j->message.due_ms = 0;
    j->message.accepted_ms = r->accepted_ms;
    j->dead = !model_works(w, r->queue) && r->reason.len > 0;
}

void model_unlease(struct world *w, struct job *j)
{
    struct message *m = &j->message;
    if (!m->leased)
        return;
    m->leased = false;
    m->loosened = w->result->steps;
    m->due_ms = 0;
    struct model_worker *k = &w->model.workers[m->worker];
    if (k->leases > 0 && --k->leases == 0)
        k->suspect = false;
}

void model_learn_key(struct world *w, const struct core_record *r)
{
    uint32_t key;
    memcpy(&key, r->key, sizeof key);
    if (key >= SIM_KEYS)
        return;
    struct model_key *k = &w->model.keys[key];
    bool same = k->known && k->job == job_of(&r->id) && k->expires_ms == r->key_expires_ms;
    *k = (struct model_key){
        .known = true,
        .promised = same && k->promised,
        .job = job_of(&r->id),
        .hash = r->body_hash,
        .expires_ms = r->key_expires_ms,
    };
}

void model_learn_queue(struct world *w, const struct core_record *r, uint64_t place)
{
    if (r->queue >= SIM_QUEUES)
        return;
    w->model.made[r->queue] = true;
    w->model.queues[r->queue] = r->attributes;
    w->model.defined_at[r->queue] = place;
}

void model_note(struct world *w, struct job *j)
{
    if (j->message.noted || w->model.noted_count == CORE_EFFECTS_MAX)
        return;
    j->message.noted = true;
    w->model.noted[w->model.noted_count++] = (uint32_t)(j - w->jobs);
}

void model_owe(struct world *w, struct job *j, uint64_t number)
{
    struct model *m = &w->model;
    if (j->message.waiters == 0)
        return;
    if (m->debt_count == SIM_JOBS_MAX)
        world_fail(w, "too many clients wait for a commit");
    else
        m->debts[m->debt_count++] = (struct model_debt){(uint32_t)(j - w->jobs), number, j->message.waiters};
    j->message.waiters = 0;
}

bool model_committing(const struct world *w, const struct job *j)
{
    return j->message.seq > w->model.committed && !j->message.durable;
}

bool model_outlived(const struct world *w, const struct job *j, uint32_t queue)
{
    int64_t retention_ms = w->model.queues[queue].retention_ms;
    return retention_ms > 0 && j->message.accepted_ms + retention_ms <= w->model.now_ms;
}

bool model_busy(const struct world *w) { return core_deadline(w->broker.core) <= w->model.now_ms; }

void model_add_waiter(struct job *j, uint32_t client)
{
    if (client < SIM_HANDLES && __builtin_popcountll(j->message.waiters) < (int)SIM_WAITERS)
        j->message.waiters |= 1ull << client;
}
