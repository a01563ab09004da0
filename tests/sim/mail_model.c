/* mail_model.c - the reference: what the records mean, in the plainest words. */
#include <string.h>

#include "tests/sim/mail.h"

/* -- Questions --------------------------------------------------------------------------------------------------------------------- */
uint32_t mail_queue_numbered(const struct mail_world *w, uint32_t number)
{
    for (uint32_t q = 0; q < MAIL_QUEUES; q++)
        if (w->model.queues[q].made && w->model.queues[q].number == number)
            return q;
    return MAIL_NONE;
}

uint32_t mail_queue_named(const char *name)
{
    for (uint32_t q = 0; q < MAIL_QUEUES; q++)
        if (strcmp(mail_name(q), name) == 0)
            return q;
    return MAIL_NONE;
}

bool mail_in_flight(const struct mail_world *w, const struct letter *l) { return l->leased && l->due_ms > w->now_ms; }

bool mail_hidden(const struct mail_world *w, const struct letter *l)
{
    if (l->leased)
        return false;
    if (mail_kind(l->queue) == CORE_FIFO && l->count == 0 && l->source == MAIL_NONE)
        return l->accepted_ms + w->model.queues[l->queue].a.delay_ms > w->now_ms;
    return l->due_ms > w->now_ms;
}

bool mail_expired(const struct mail_world *w, const struct letter *l)
{
    return (l->kept_ms > 0 ? l->kept_ms : l->accepted_ms) + w->model.queues[l->queue].a.retention_ms <= w->now_ms;
}

uint32_t mail_dead_letters(const struct mail_world *w, uint32_t queue)
{
    uint32_t to = mail_queue_named(w->model.queues[queue].a.dead_letter);
    return to != MAIL_NONE && to != queue && w->model.queues[to].made && mail_kind(to) == mail_kind(queue) ? to : MAIL_NONE;
}

bool mail_worn(const struct mail_world *w, const struct letter *l)
{
    uint32_t most = w->model.queues[l->queue].a.max_receive_count;
    return most > 0 && l->count - l->before >= most && l->first_ms > 0 && mail_dead_letters(w, l->queue) != MAIL_NONE;
}

uint32_t mail_inflight_count(const struct mail_world *w, uint32_t queue, uint32_t group)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < w->model.letter_count; i++) {
        const struct letter *l = &w->model.letters[i];
        count += l->alive && l->queue == queue && mail_in_flight(w, l) && (group == 0 || l->group == group);
    }
    return count;
}

static bool may_go(const struct mail_world *w, const struct letter *l)
{
    return l->number <= w->model.committed && !mail_in_flight(w, l) && !mail_hidden(w, l);
}

bool mail_deliverable(const struct mail_world *w, const struct letter *l)
{
    const struct core_queue_attributes *a = &w->model.queues[l->queue].a;
    if (!l->alive || !may_go(w, l) || mail_expired(w, l) || mail_worn(w, l) || a->paused)
        return false;
    if (mail_kind(l->queue) == CORE_STANDARD)
        return a->max_per_group == 0 || l->group == 0 || mail_inflight_count(w, l->queue, l->group) < a->max_per_group;
    for (uint32_t i = 0; i < w->model.letter_count; i++) {
        const struct letter *o = &w->model.letters[i];
        if (o->alive && o->queue == l->queue && o->group == l->group && o->seq < l->seq && !may_go(w, o))
            return false;
    }
    return true;
}

const struct mail_key *mail_known_key(const struct mail_world *w, uint32_t queue, uint32_t key, uint32_t group)
{
    const struct mail_queue *q = &w->model.queues[queue];
    const struct mail_key *k = &q->keys[key][q->a.deduplicate_by_group ? group : 0];
    return k->known && k->expires_ms > w->now_ms ? k : NULL;
}

/* -- Records ----------------------------------------------------------------------------------------------------------------------- */
static void apply_post(struct mail_world *w, const struct core_record *r, uint64_t place, bool now)
{
    struct mail_model *m = &w->model;
    uint32_t i = mail_letter(&r->id), q = mail_queue_numbered(w, r->queue);
    struct letter *l = &m->letters[i];
    bool scheduled = r->due_ms - r->accepted_ms > LIMIT_DELAY_MS;
    l->alive = true;
    l->leased = false;
    l->queue = q;
    l->count = l->before = 0;
    l->seq = l->number = r->number;
    l->place = place;
    l->accepted_ms = r->accepted_ms;
    l->due_ms = r->due_ms;
    l->kept_ms = scheduled ? r->due_ms : 0;
    l->first_ms = l->received_ms = 0;
    l->source = MAIL_NONE;
    l->reasoned = false;
    l->told_count = now ? 0 : l->told_count; /* it may have been there before, and forgotten */
    if (r->has_key)
        m->queues[q].keys[l->key][m->queues[q].a.deduplicate_by_group ? l->group : 0] =
            (struct mail_key){true, i, r->number, r->key_expires_ms};
}

static void apply_transfer(struct mail_world *w, struct letter *l, const struct paper *p, bool now)
{
    const struct core_record *r = &p->r;
    uint32_t from = l->queue;
    l->queue = mail_queue_numbered(w, r->queue);
    l->leased = false;
    l->due_ms = 0;
    l->count = l->before = r->receive_count;
    l->accepted_ms = r->accepted_ms;
    l->seq = r->more.renumbered ? r->number : l->seq;
    l->source = mail_queue_named(p->source);
    l->reasoned = r->reason.len > 0;
    if (r->receive_count > 0)
        return;
    l->first_ms = l->received_ms = l->kept_ms = 0;
    l->told_count = now ? 0 : l->told_count;
    for (uint32_t t = 0; t < MAIL_TASKS; t++)
        if (w->model.tasks[t].there && w->model.tasks[t].queue == from && w->model.tasks[t].task.status == CORE_TASK_RUNNING)
            w->model.tasks[t].task.moved++;
}

static void apply_to_letter(struct mail_world *w, const struct paper *p, bool now)
{
    const struct core_record *r = &p->r;
    struct letter *l = NULL;
    for (uint32_t i = 0; i < w->model.letter_count && !l; i++)
        if (w->model.letters[i].alive && w->model.letters[i].seq == r->seq)
            l = &w->model.letters[i];
    if (!l)
        return;
    if (l->lease_number > w->model.committed && r->kind != CORE_REC_EXTEND)
        w->model.queues[l->queue].lost_number = r->number;
    if (r->kind == CORE_REC_TRANSFER) {
        apply_transfer(w, l, p, now);
    } else if (r->kind == CORE_REC_DONE) {
        l->alive = false;
        l->end_number = r->number;
    } else if (r->kind == CORE_REC_RELEASE) {
        l->leased = false;
        l->due_ms = 0;
    } else {
        l->due_ms = r->due_ms;
        l->leased = true;
    }
    if (r->kind != CORE_REC_LEASE)
        return;
    if (l->count != r->receive_count) /* otherwise a repeated attempt */
        l->lease_number = r->number;
    l->count = r->receive_count;
    l->received_ms = r->now_ms;
    l->first_ms = l->first_ms > 0 ? l->first_ms : r->now_ms;
}

static void end_all(struct mail_world *w, uint32_t queue, uint64_t number)
{
    for (uint32_t i = 0; i < w->model.letter_count; i++)
        if (w->model.letters[i].alive && w->model.letters[i].queue == queue) {
            w->model.letters[i].alive = false;
            w->model.letters[i].end_number = number;
        }
}

static void apply_define(struct mail_world *w, const struct core_record *r, uint64_t place)
{
    struct mail_queue *q = &w->model.queues[mail_queue_named(r->attributes.name)];
    q->made_number = q->made ? q->made_number : r->number;
    q->made = q->ever_made = true;
    q->number = r->queue;
    q->a = r->attributes;
    q->place = place;
}

/* That it has ended lately is remembered for as long as the record is there, or the broker lives. */
static void apply_end_of_queue(struct mail_world *w, const struct core_record *r, uint64_t place)
{
    uint32_t q = mail_queue_numbered(w, r->queue);
    int64_t ended_ms = place > w->disk.first ? r->now_ms : 0;
    end_all(w, q, r->number);
    memset(w->model.queues[q].keys, 0, sizeof w->model.queues[q].keys);
    if (r->kind == CORE_REC_PURGE) {
        w->model.queues[q].number = r->more.target;
        w->model.queues[q].purged_ms = ended_ms;
        return;
    }
    w->model.queues[q].made = false;
    w->model.queues[q].removed_number = r->number;
    w->model.queues[q].removed_ms = ended_ms;
    w->model.queues[q].purged_ms = 0;
    for (uint32_t t = 0; t < MAIL_TASKS; t++)
        if (w->model.tasks[t].queue == q)
            w->model.tasks[t].there = false;
}

static void apply_task(struct mail_world *w, const struct paper *p)
{
    struct mail_task *t = &w->model.tasks[p->r.id.bytes[1] % MAIL_TASKS];
    t->there = true;
    t->queue = mail_queue_numbered(w, p->r.queue);
    t->task = p->r.more.task;
    memcpy(t->destination, p->source, sizeof t->destination);
}

void mail_apply(struct mail_world *w, const struct paper *p, uint64_t place, bool now)
{
    if (w->model.number < p->r.number) /* a carried key keeps its own */
        w->model.number = p->r.number;
    if (p->copy)
        return;
    switch (p->r.kind) {
    case CORE_REC_POST:
        apply_post(w, &p->r, place, now);
        break;
    case CORE_REC_DEFINE:
        apply_define(w, &p->r, place);
        break;
    case CORE_REC_PURGE:
    case CORE_REC_REMOVE:
        apply_end_of_queue(w, &p->r, place);
        break;
    case CORE_REC_TASK:
        apply_task(w, p);
        break;
    case CORE_REC_MARK:
        break;
    default:
        apply_to_letter(w, p, now);
    }
}

/* What clients know, and what they were told, stays. Lost records of a mutation are applied, too: the reference knows what should be there. */
void mail_remember(struct mail_world *w)
{
    struct mail_model *m = &w->model;
    m->number = 0;
    for (uint32_t i = 0; i < m->letter_count; i++) {
        m->letters[i].alive = m->letters[i].leased = false;
        m->letters[i].end_number = 0;
    }
    for (uint32_t q = 0; q < MAIL_QUEUES; q++) {
        uint64_t made = m->queues[q].made_promised, removed = m->queues[q].removed_promised;
        m->queues[q] = (struct mail_queue){.made_promised = made, .removed_promised = removed};
    }
    memset(m->tasks, 0, sizeof m->tasks);
    for (uint64_t place = 1; place <= w->disk.end; place++)
        mail_apply(w, &w->disk.at[place - 1], place, false);
    m->committed = m->number;
}
