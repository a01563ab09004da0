/* mail_records.c - every record that the core makes must have a reason, and say what is true. */
#include <string.h>

#include "tests/sim/mail.h"

static struct letter *letter_of(struct mail_world *w, const struct core_record *r)
{
    uint32_t i = mail_letter(&r->id);
    if (i != MAIL_NONE && i < w->model.letter_count)
        return &w->model.letters[i];
    mail_fail(w, "record %llu speaks of a letter that nobody has written", (unsigned long long)r->number);
    return NULL;
}

static void bad(struct mail_world *w, const struct core_record *r, const char *what)
{
    mail_fail(w, "record %llu, letter %u: %s", (unsigned long long)r->number, mail_letter(&r->id), what);
}

/* -- POST -------------------------------------------------------------------------------------------------------------------------- */
static void judge_new(struct mail_world *w, const struct core_record *r, const struct letter *l)
{
    const struct core_event *e = w->event;
    uint32_t q = mail_queue_numbered(w, e->queue);
    if (e->kind != CORE_POST || !id_equal(&e->id, &r->id) || q == MAIL_NONE || r->queue != e->queue || l->alive) {
        bad(w, r, "posted, and nobody asked for it");
        return;
    }
    bool fifo = mail_kind(q) == CORE_FIFO;
    int64_t delay_ms = fifo || l->own_delay_ms < 0 ? w->model.queues[q].a.delay_ms : l->own_delay_ms;
    int64_t due_ms = delay_ms > 0 ? w->now_ms + delay_ms : 0;
    if (r->seq != r->number || r->group != e->group || r->accepted_ms != w->now_ms || r->due_ms != due_ms ||
        r->receive_count != 0 || r->more.priority != l->priority || r->more.leased || r->reason.len > 0 ||
        r->more.source.len > 0 || r->has_key != fifo || !slice_equal(r->body, e->body))
        bad(w, r, "its record is not what was sent");
    if (r->number <= w->fresh_seq)
        bad(w, r, "a number is used again");
    if (fifo && mail_known_key(w, q, l->key, l->group))
        bad(w, r, "its key was known");
    if (fifo && (r->body_hash != r->seq || r->key_expires_ms != w->now_ms + LIMIT_DEDUPLICATION_MS))
        bad(w, r, "its key is not what it should be");
}

static void judge_copy(struct mail_world *w, const struct core_record *r, const struct letter *l)
{
    bool flying = l->alive && mail_in_flight(w, l);
    if (w->event->kind != CORE_MOVE_BODY || !l->alive || r->seq != l->seq)
        bad(w, r, "a copy that nobody asked for");
    else if (r->queue != w->model.queues[l->queue].number || r->receive_count != l->count || r->more.first_ms != l->first_ms ||
             r->accepted_ms != l->accepted_ms || (flying && !r->more.leased) || (r->more.leased && !l->leased) ||
             (flying && r->due_ms != l->due_ms) || r->more.priority != l->priority ||
             (r->more.source.len > 0) != (l->source != MAIL_NONE) || (l->first_ms > 0 && r->more.before != l->before))
        bad(w, r, "its copy is not what it is");
}

static void judge_post(struct mail_world *w, const struct core_record *r, struct letter *l)
{
    if (w->event->kind == CORE_MOVE_BODY)
        judge_copy(w, r, l);
    else
        judge_new(w, r, l);
}

/* -- LEASE, EXTEND, RELEASE, DONE ---------------------------------------------------------------------------------------------------- */
static bool older_waits(const struct mail_world *w, const struct letter *l)
{
    for (uint32_t i = 0; i < w->model.letter_count; i++) {
        const struct letter *o = &w->model.letters[i];
        if (o->alive && o->queue == l->queue && o->group == l->group && o->seq < l->seq && o->lease_step != w->result->steps)
            return true;
    }
    return false;
}

static bool higher_waits(const struct mail_world *w, const struct letter *l)
{
    for (uint32_t i = 0; i < w->model.letter_count; i++) {
        const struct letter *o = &w->model.letters[i];
        if (o->alive && o->queue == l->queue && o->group == 0 && o->priority > l->priority &&
            o->lease_step != w->result->steps && mail_deliverable(w, o))
            return true;
    }
    return false;
}

/* As long as one of those who may be given it has asked for. */
static bool due_is_asked_for(const struct mail_world *w, const struct core_record *r, const struct letter *l)
{
    const struct core_queue_attributes *a = &w->model.queues[l->queue].a;
    int64_t most_ms = a->max_lease_ms > 0 ? a->max_lease_ms : LIMIT_VISIBILITY_MS;
    for (uint32_t i = 0; i < w->receive_count; i++) {
        const struct mail_receive *k = &w->receives[i];
        int64_t asked_ms = k->visibility_ms >= 0 ? k->visibility_ms : a->visibility_ms;
        if (k->open && k->queue == l->queue && r->due_ms == w->now_ms + (asked_ms < most_ms ? asked_ms : most_ms))
            return true;
    }
    return false;
}

/* Many of its group are in flight; and no other one is noisy for what it has done before. */
static bool is_noisy(const struct mail_world *w, const struct letter *l)
{
    uint32_t mine = l->group > 0 ? mail_inflight_count(w, l->queue, l->group) : 0;
    bool sent = false;
    for (uint32_t i = 0; i < w->model.letter_count && mine >= 30; i++) {
        const struct letter *o = &w->model.letters[i];
        sent = sent || (o->queue == l->queue && o->group == l->group && o->accepted_ms + 240000 > w->now_ms);
    }
    return sent && mine * 10 > mail_inflight_count(w, l->queue, 0);
}

static bool is_surely_quiet(const struct mail_world *w, const struct letter *l)
{
    uint32_t received = 0;
    for (uint32_t i = 0; i < w->model.letter_count && l->group > 0; i++)
        received += w->model.letters[i].group == l->group && w->model.letters[i].first_ms > 0;
    return received < 30;
}

static bool quiet_waits(const struct mail_world *w, const struct letter *l)
{
    for (uint32_t i = 0; i < w->model.letter_count; i++) {
        const struct letter *o = &w->model.letters[i];
        if (o->alive && o->queue == l->queue && o->group != l->group && o->lease_step != w->result->steps &&
            mail_deliverable(w, o) && is_surely_quiet(w, o))
            return true;
    }
    return false;
}

static void judge_lease(struct mail_world *w, const struct core_record *r, struct letter *l)
{
    const struct core_queue_attributes *a = &w->model.queues[l->queue].a;
    bool again = w->event->kind == CORE_RECEIVE && w->event->has_key && l->alive && mail_in_flight(w, l);
    if (!l->alive || r->seq != l->seq || !due_is_asked_for(w, r, l)) {
        bad(w, r, "leased, and not there, or for another time");
    } else if (again) {
        w->receives[w->event->tag].again = true;
        w->receives[w->event->tag].max = LIMIT_RECEIVE_MESSAGES;
        if (r->receive_count != l->count || !r->more.has_attempt)
            bad(w, r, "given again under another lease");
    } else if (r->receive_count != l->count + 1) {
        bad(w, r, "its receive count leaps");
    } else if (mail_in_flight(w, l) || mail_hidden(w, l) || l->number > w->model.committed || mail_expired(w, l) ||
               mail_worn(w, l) || a->paused) {
        bad(w, r, "leased, though it is in flight, hidden, not on disk, too old, worn out, or its queue is paused");
    } else if (mail_kind(l->queue) == CORE_FIFO && older_waits(w, l)) {
        bad(w, r, "leased before an older one of its group");
    } else if (mail_kind(l->queue) == CORE_STANDARD && higher_waits(w, l)) {
        bad(w, r, "leased before one of a higher priority");
    } else if (mail_kind(l->queue) == CORE_STANDARD && !w->plan.memory_fails && is_noisy(w, l) && quiet_waits(w, l)) {
        bad(w, r, "of a noisy group, and leased before one of a quiet group");
    } else if (a->max_inflight > 0 && mail_inflight_count(w, l->queue, 0) >= a->max_inflight) {
        bad(w, r, "leased, though too many are in flight");
    } else if (a->max_per_group > 0 && l->group > 0 && !w->plan.memory_fails && mail_kind(l->queue) == CORE_STANDARD &&
               mail_inflight_count(w, l->queue, l->group) >= a->max_per_group) {
        bad(w, r, "leased, though too many of its group are in flight");
    }
    l->lease_step = w->result->steps;
    l->lease_step_receive = MAIL_NONE;
    for (uint32_t i = 0; i < MAIL_ATTEMPTS && r->more.has_attempt && !again; i++) /* of which it is, its answer tells */
        w->attempts[i].spoilt = w->attempts[i].spoilt || w->attempts[i].queue == l->queue;
    for (uint32_t i = 0; i < w->receive_count; i++) /* one of those that wait; whatever ends it may make its answer empty */
        w->receives[i].taken = w->receives[i].taken || (w->receives[i].open && w->receives[i].queue == l->queue);
}

static void judge_extend(struct mail_world *w, const struct core_record *r, struct letter *l)
{
    const struct core_event *e = w->event;
    if (e->kind != CORE_VISIBILITY || e->seq != l->seq || e->lease != l->count || !mail_in_flight(w, l) ||
        r->due_ms != w->now_ms + e->delay_ms || r->receive_count != l->count)
        bad(w, r, "kept for longer, and nobody asked for it");
}

static void judge_release(struct mail_world *w, const struct core_record *r, struct letter *l)
{
    const struct core_event *e = w->event;
    bool asked = e->kind == CORE_VISIBILITY && e->seq == l->seq && e->lease == l->count && e->delay_ms == 0;
    if ((!asked && e->kind != CORE_CLIENT_GONE) || !l->alive || !mail_in_flight(w, l) || r->receive_count != l->count)
        bad(w, r, "made visible, and nobody asked for it");
}

static void judge_done(struct mail_world *w, const struct core_record *r, struct letter *l)
{
    const struct core_event *e = w->event;
    bool asked = e->kind == CORE_DELETE && e->seq == l->seq && e->lease == l->count && l->first_ms > 0 &&
                 w->model.queues[l->queue].number == e->queue && (mail_kind(l->queue) == CORE_STANDARD || mail_in_flight(w, l));
    if (!l->alive || r->seq != l->seq || (!asked && !mail_expired(w, l)))
        bad(w, r, "gone without a reason");
    if (l->number > w->model.committed)
        bad(w, r, "gone before it was accepted");
}

/* -- TRANSFER ---------------------------------------------------------------------------------------------------------------------- */
static bool tasked(const struct mail_world *w, const struct letter *l, uint32_t to)
{
    for (uint32_t i = 0; i < MAIL_TASKS; i++) {
        const struct mail_task *t = &w->model.tasks[i];
        if (!t->there || t->queue != l->queue || t->task.status != CORE_TASK_RUNNING)
            continue;
        uint32_t destination = t->destination[0] ? mail_queue_named(t->destination) : l->source;
        return destination == to && t->task.moved < t->task.total;
    }
    return false;
}

static void judge_transfer(struct mail_world *w, const struct core_record *r, struct letter *l)
{
    uint32_t to = mail_queue_numbered(w, r->queue);
    bool waits = l->alive && r->seq == l->seq && !mail_in_flight(w, l) && !mail_hidden(w, l) && l->number <= w->model.committed;
    bool fifo = to != MAIL_NONE && mail_kind(to) == CORE_FIFO, dead = r->receive_count > 0;
    if (!waits || to == MAIL_NONE || r->more.renumbered != (fifo || !dead))
        bad(w, r, "moved, and not there, or nowhere to go");
    else if (dead && (!mail_worn(w, l) || to != mail_dead_letters(w, l->queue) || r->receive_count != l->count ||
                      r->reason.len == 0 || r->accepted_ms != (fifo ? w->now_ms : l->accepted_ms)))
        bad(w, r, "dead without a reason");
    else if (!dead && (!tasked(w, l, to) || r->accepted_ms != w->now_ms))
        bad(w, r, "moved, and no task asked for it");
    if (r->more.renumbered && r->number <= w->fresh_seq)
        bad(w, r, "a number is used again");
    if (fifo && older_waits(w, l) && l->group > 0)
        bad(w, r, "moved before an older one of its group");
    w->result->dead += dead;
}

/* -- Queues ------------------------------------------------------------------------------------------------------------------------ */
static void judge_queue(struct mail_world *w, const struct core_record *r)
{
    const struct core_event *e = w->event;
    uint32_t q = mail_queue_numbered(w, r->queue);
    bool fresh = q == MAIL_NONE && e->kind == CORE_QUEUE_CREATE;
    bool right = r->kind == CORE_REC_DEFINE
                     ? fresh || (q != MAIL_NONE &&
                                 (e->kind == CORE_QUEUE_CHANGE || e->kind == CORE_QUEUE_SET || e->kind == CORE_MOVE_DEFINITION))
                 : r->kind == CORE_REC_PURGE  ? q != MAIL_NONE && e->kind == CORE_QUEUE_PURGE && e->queue == r->queue
                 : r->kind == CORE_REC_REMOVE ? q != MAIL_NONE && e->kind == CORE_QUEUE_REMOVE && e->queue == r->queue
                                              : q != MAIL_NONE;
    if (!right)
        mail_fail(w, "record %llu of kind %d: nobody asked for it", (unsigned long long)r->number, (int)r->kind);
    if (r->kind == CORE_REC_PURGE && mail_queue_numbered(w, r->more.target) != MAIL_NONE)
        mail_fail(w, "a purged queue takes the number of another one");
    if (fresh && w->model.queues[mail_queue_named(e->attributes->name)].made)
        mail_fail(w, "queue %s is made twice", e->attributes->name);
}

void mail_judge_record(struct mail_world *w, const struct core_record *r)
{
    static void (*const arms[CORE_REC_COUNT])(struct mail_world *, const struct core_record *, struct letter *) = {
        [CORE_REC_POST] = judge_post,       [CORE_REC_LEASE] = judge_lease, [CORE_REC_EXTEND] = judge_extend,
        [CORE_REC_RELEASE] = judge_release, [CORE_REC_DONE] = judge_done,   [CORE_REC_TRANSFER] = judge_transfer};
    if (r->number != w->model.number + 1 || r->now_ms != w->now_ms)
        mail_fail(w, "record %llu follows record %llu", (unsigned long long)r->number, (unsigned long long)w->model.number);
    if (r->kind == CORE_REC_DEFINE || r->kind == CORE_REC_PURGE || r->kind == CORE_REC_REMOVE || r->kind == CORE_REC_TASK) {
        judge_queue(w, r);
        return;
    }
    struct letter *l = letter_of(w, r);
    if (l && arms[r->kind])
        arms[r->kind](w, r, l);
    else if (l)
        bad(w, r, "a record of a kind that has no place here");
}
