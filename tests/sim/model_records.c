/* model_records.c - every record that the core makes must have a reason, and say what is true. */
#include <string.h>

#include "tests/sim/world.h"

static bool release_due(const struct world *w, const struct message *m)
{
    const struct core_event *e = w->model.event;
    bool anew = e->kind == CORE_WORKER_JOIN && e->worker == m->worker;
    return m->due_ms <= w->model.now_ms || anew || !w->model.workers[m->worker].joined;
}

static bool has_dead_letters(const struct world *w, uint32_t queue) { return model_dead_letters(w, queue) < SIM_QUEUES; }

static void new_message(struct world *w, struct job *j, const struct core_record *r)
{
    const struct core_event *e = w->model.event;
    int64_t delay_ms = e->delay_ms > 0 ? e->delay_ms : w->model.queues[r->queue].delay_ms;
    int64_t due_ms = delay_ms > 0 ? w->model.now_ms + delay_ms : 0;
    if (e->kind != CORE_SEND || !id_equal(&e->id, &r->id) || j->message.live)
        world_fail(w, "job %u: a SEND record that nobody asked for", job_of(&r->id));
    else if (r->number <= w->model.durable_number)
        world_fail(w, "record number %llu is used again", (unsigned long long)r->number);
    else if (r->queue != e->queue || r->group != e->group || r->receive_count != 0 || r->accepted_ms != w->model.now_ms ||
             r->due_ms != due_ms || r->reason.len != 0 || !slice_equal(r->body, e->body))
        world_fail(w, "job %u: its SEND record is not what was sent", job_of(&r->id));
    else if (r->has_key != e->has_key ||
             (e->has_key && (memcmp(r->key, e->key, sizeof r->key) != 0 || r->body_hash != e->body_hash ||
                             r->key_expires_ms != w->model.now_ms + w->plan.key_window_ms)))
        world_fail(w, "job %u: its SEND record has another key", job_of(&r->id));
    if (w->failed)
        return;
    model_enter(w, j, r, w->disk.end - 1);
    j->promised = j->cancel_confirmed = j->recent = false;
    j->end = END_NONE;
    j->release_number = j->move_number = 0;
    if (e->wait)
        model_add_waiter(j, e->client);
    if (r->has_key)
        model_learn_key(w, r);
    w->model.answered = true;
    w->result->accepted++;
}

static void copied(struct world *w, struct job *j, const struct core_record *r)
{
    struct message *m = &j->message;
    bool dead = m->live && !model_works(w, m->queue);
    int64_t due_ms = m->leased || r->due_ms == 0 ? 0 : m->due_ms; /* one that has just come due may be written down or not */
    bool hidden = !m->leased && m->due_ms > w->model.now_ms;
    if (w->model.event->kind != CORE_MOVE_BODY || !m->live || r->seq != m->seq || (r->kind == CORE_REC_POST) != dead)
        world_fail(w, "job %u: a copy that nobody asked for", job_of(&r->id));
    else if (r->queue != m->queue || r->receive_count != m->count - m->leased || r->accepted_ms != m->accepted_ms ||
             r->due_ms != due_ms || (hidden && r->due_ms == 0) || r->group != w->group_numbers[j->group] || r->has_key ||
             !slice_equal(r->body, w->model.event->body) || (r->reason.len > 0) != (dead && j->dead))
        world_fail(w, "job %u: its copy is not what it is", job_of(&r->id));
    m->left_at = m->location;
    m->location = w->disk.end - 1;
    w->model.let_go++;
}

static void on_send(struct world *w, struct job *j, const struct core_record *r)
{
    if (r->seq == r->number)
        new_message(w, j, r);
    else
        copied(w, j, r);
}

static enum end end_of(const struct world *w, const struct job *j)
{
    const struct core_event *e = w->model.event;
    const struct message *m = &j->message;
    if (w->model.target == (uint32_t)(j - w->jobs) && e->kind == CORE_DONE)
        return END_DONE;
    if (m->leased || model_committing(w, j))
        return END_NONE;
    if (e->kind == CORE_CANCEL && id_equal(&e->id, &j->id))
        return END_CANCELLED;
    if (e->kind == CORE_PURGE && e->queue == m->queue)
        return END_PURGED;
    const struct core_queue_attributes *a = &w->model.queues[m->queue]; /* a dead-letter queue takes it only if it keeps it */
    bool to_die =
        a->kind == CORE_JOBS && has_dead_letters(w, m->queue) && !model_outlived(w, j, model_dead_letters(w, m->queue));
    return model_outlived(w, j, m->queue) && !to_die ? END_EXPIRED : END_NONE;
}

static void note_leaver(struct world *w, const struct job *j, const struct core_record *r)
{
    if (j->group != 0 && !j->exempt && w->model.queues[j->message.queue].kind == CORE_JOBS)
        w->model.leavers[j->message.queue][j->group] = (struct model_leaver){j->message.seq, r->number};
}

static void on_done(struct world *w, struct job *j, const struct core_record *r)
{
    enum end end = j->message.live && j->message.seq == r->seq ? end_of(w, j) : END_NONE;
    if (end == END_NONE) {
        world_fail(w, "job %u: gone without a reason", job_of(&r->id));
        return;
    }
    j->end = end;
    if (end != END_DONE)
        note_leaver(w, j, r);
    if (!j->exempt)
        j->exempt_number = r->number;
    j->exempt = j->exempt || end != END_DONE;
    j->end_place = w->disk.end - 1;
    j->message.finished = true;
    if (end != END_DONE)
        model_owe(w, j, r->number);
    model_note(w, j);
    model_leave(w, j);
    w->model.let_go++;
}

static void on_release(struct world *w, struct job *j, const struct core_record *r)
{
    const struct message *m = &j->message;
    uint32_t most = m->live ? w->model.queues[m->queue].max_receive_count : 0;
    if (!m->live || !m->leased || m->seq != r->seq || !release_due(w, m))
        world_fail(w, "job %u: released without a reason", job_of(&r->id));
    else if (r->receive_count != m->count)
        world_fail(w, "job %u: received %u times, its record says %u", job_of(&r->id), m->count, r->receive_count);
    else if (most > 0 && m->count >= most && has_dead_letters(w, m->queue))
        world_fail(w, "job %u: received %u times and still not dead", job_of(&r->id), m->count);
    model_unlease(w, j);
    j->release_number = r->number;
    j->release_count = r->receive_count;
    w->result->redelivered++;
}

/* A message may die of too many receives or of age. */
static bool may_die(const struct world *w, const struct job *j, const struct core_record *r)
{
    const struct message *m = &j->message;
    const struct core_queue_attributes *a = &w->model.queues[m->queue];
    bool used_up = m->leased && release_due(w, m) && a->max_receive_count > 0 && m->count >= a->max_receive_count;
    bool old = !m->leased && !model_committing(w, j) && a->kind == CORE_JOBS && model_outlived(w, j, m->queue);
    bool reason = r->reason.len > 0 || w->plan.memory_fails;
    return r->queue == model_dead_letters(w, m->queue) && r->accepted_ms == m->accepted_ms && r->receive_count == m->count &&
           reason && (used_up || old);
}

static void on_move(struct world *w, struct job *j, const struct core_record *r)
{
    const struct core_event *e = w->model.event;
    struct message *m = &j->message;
    bool redriven = e->kind == CORE_REDRIVE && m->queue == e->queue && r->queue == e->target && !m->leased;
    if (!m->live || m->seq != r->seq) {
        world_fail(w, "job %u: moved, but it is not there", job_of(&r->id));
        return;
    }
    if (redriven && r->receive_count == 0 && r->accepted_ms == w->model.now_ms) {
        w->model.moved++;
    } else if (may_die(w, j, r)) {
        m->finished = true;
        w->result->dead++;
        model_owe(w, j, r->number);
        model_note(w, j);
    } else {
        world_fail(w, "job %u: moved to queue %u without a reason", job_of(&r->id), r->queue);
    }
    note_leaver(w, j, r);
    model_unlease(w, j);
    model_to_queue(w, j, r);
    if (!j->exempt)
        j->exempt_number = r->number;
    j->exempt = true;
    j->move_number = r->number;
    j->move_queue = r->queue;
    j->release_number = 0;
}

static void define(struct world *w, const struct core_record *r)
{
    const struct core_event *e = w->model.event;
    uint64_t before = r->queue < SIM_QUEUES ? w->model.defined_at[r->queue] : 0;
    bool copy = e->kind == CORE_MOVE_DEFINITION && before != 0 && e->number == before;
    if ((e->kind != CORE_QUEUE_SET && !copy) || r->queue != e->queue)
        world_fail(w, "a DEFINE record that nobody asked for");
    w->model.let_go += before != 0;
    model_learn_queue(w, r, w->disk.end - 1);
}

void model_record(struct world *w, const struct core_effect *e)
{
    const struct core_record *r = &e->record;
    if (r->number != w->model.number + 1 || r->now_ms != w->model.now_ms)
        world_fail(w, "record %llu of %lld ms follows record %llu at %lld ms", (unsigned long long)r->number,
                   (long long)r->now_ms, (unsigned long long)w->model.number, (long long)w->model.now_ms);
    w->model.number = r->number;
    if (r->kind == CORE_REC_DEFINE) {
        define(w, r);
        return;
    }
    struct job *j = model_job(w, &r->id);
    if (!j)
        return;
    static void (*const arms[CORE_REC_COUNT])(struct world *, struct job *,
                                              const struct core_record *) = {[CORE_REC_SEND] = on_send,
                                                                             [CORE_REC_DONE] = on_done,
                                                                             [CORE_REC_RELEASE] = on_release,
                                                                             [CORE_REC_POST] = on_send,
                                                                             [CORE_REC_TRANSFER] = on_move};
    if (r->kind < CORE_REC_COUNT && arms[r->kind])
        arms[r->kind](w, j, r);
    else
        world_fail(w, "a record of kind %d", (int)r->kind);
}
