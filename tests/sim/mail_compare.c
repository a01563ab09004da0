/* mail_compare.c - the reference beside the whole core: every letter, every queue, every task. */
#include <string.h>

#include "tests/sim/mail.h"

#define UNSURE_MS 100 /* a search that one step has no room for may go on so long */

static bool busy(const struct mail_world *w) { return core_deadline(w->core) <= w->now_ms; }

static void compare_letter(struct mail_world *w, uint32_t i)
{
    const struct letter *l = &w->model.letters[i];
    struct core_info info;
    struct id id = mail_id(i);
    bool there = core_find(w->core, &id, &info);
    if (there != l->alive) {
        mail_fail(w, "letter %u: alive %d, and in the core %d", i, (int)l->alive, (int)there);
        return;
    }
    if (!there)
        return;
    uint32_t q = mail_queue_numbered(w, info.queue), source = mail_queue_named(info.source);
    if (q != l->queue || info.seq != l->seq || info.receive_count != l->count || info.accepted_ms != l->accepted_ms ||
        info.first_ms != l->first_ms || info.priority != l->priority || source != l->source ||
        (info.reason[0] != '\0') != l->reasoned)
        mail_fail(
            w, "letter %u: queue %u seq %llu count %u first %lld accepted %lld source %u; the core: %u %llu %u %lld %lld %u", i,
            l->queue, (unsigned long long)l->seq, l->count, (long long)l->first_ms, (long long)l->accepted_ms, l->source, q,
            (unsigned long long)info.seq, info.receive_count, (long long)info.first_ms, (long long)info.accepted_ms, source);
    enum core_state state = l->number > w->model.committed && l->first_ms == 0 && l->source == MAIL_NONE ? CORE_COMMITTING
                            : mail_in_flight(w, l)                                                       ? CORE_LEASED
                            : mail_hidden(w, l)                                                          ? CORE_DELAYED
                                                                                                         : CORE_READY;
    if (!busy(w) && !w->plan.memory_fails && info.state != state)
        mail_fail(w, "letter %u is in state %d, and should be in %d", i, (int)info.state, (int)state);
    if (info.state == CORE_LEASED && state == CORE_LEASED && info.due_ms != l->due_ms)
        mail_fail(w, "letter %u is in flight until %lld, and should until %lld", i, (long long)info.due_ms,
                  (long long)l->due_ms);
}

static void compare_queue(struct mail_world *w, uint32_t q)
{
    const struct mail_queue *m = &w->model.queues[q];
    const struct core_queue_attributes *a;
    struct core_queue_stats s;
    uint32_t number = core_queue_by_name(w->core, slice_text(mail_name(q)));
    if ((number != CORE_NONE) != m->made || (m->made && number != m->number)) {
        mail_fail(w, "queue %s has number %u, and should have %u (made %d)", mail_name(q), number, m->number, (int)m->made);
        return;
    }
    if (!m->made)
        return;
    core_queue_stats(w->core, number, &a, &s);
    uint64_t alive = 0, counted = 0;
    for (uint32_t i = 0; i < w->model.letter_count; i++)
        alive += w->model.letters[i].alive && w->model.letters[i].queue == q;
    for (int state = 0; state < CORE_STATE_COUNT; state++)
        counted += s.count[state];
    if (counted != alive || memcmp(a, &m->a, sizeof *a) != 0)
        mail_fail(w, "queue %s: %llu letters counted, %llu are there; or its attributes are others", mail_name(q),
                  (unsigned long long)counted, (unsigned long long)alive);
}

static void compare_tasks(struct mail_world *w, uint32_t q)
{
    struct core_task_info t[LIMIT_MOVE_TASKS];
    size_t count = w->model.queues[q].made ? core_tasks(w->core, w->model.queues[q].number, t, LIMIT_MOVE_TASKS) : 0;
    for (size_t i = 0; i < count && !w->failed; i++) {
        if (i > 0 && t[i].task.started_ms > t[i - 1].task.started_ms)
            mail_fail(w, "tasks of %s are not in the order of their starts", mail_name(q));
        const struct mail_task *m = &w->model.tasks[t[i].id.bytes[1] % MAIL_TASKS];
        if (!m->there || m->queue != q || m->task.status != t[i].task.status || m->task.moved != t[i].task.moved ||
            m->task.total != t[i].task.total || m->task.rate != t[i].task.rate)
            mail_fail(w, "task %u of %s: status %d, moved %llu; the core: %d, %llu", t[i].id.bytes[1], mail_name(q),
                      (int)m->task.status, (unsigned long long)m->task.moved, (int)t[i].task.status,
                      (unsigned long long)t[i].task.moved);
    }
}

/* Whoever waits is served as soon as there is something; what is too old goes within a second. */
static void compare_progress(struct mail_world *w)
{
    for (uint32_t i = 0; i < w->receive_count && !w->failed; i++) {
        const struct mail_receive *r = &w->receives[i];
        if (r->open && !r->taken && !r->stopped && !r->gone && r->until_ms > w->now_ms && w->model.queues[r->queue].made &&
            mail_any_deliverable(w, r->queue))
            mail_fail(w, "receive %u waits, and there is something in %s", i, mail_name(r->queue));
        if (r->open && !r->taken && !r->gone && r->until_ms + UNSURE_MS <= w->now_ms)
            mail_fail(w, "receive %u waits since its end at %lld", i, (long long)r->until_ms);
    }
    for (uint32_t i = 0; i < w->model.letter_count && !w->failed; i++) {
        struct letter *l = &w->model.letters[i];
        bool old = l->alive && l->number <= w->model.committed && mail_expired(w, l);
        if (old && l->old_ms > 0 && l->old_ms + 1000 < w->now_ms)
            mail_fail(w, "letter %u is too old since %lld, and still there", i, (long long)l->old_ms);
        l->old_ms = !old ? 0 : l->old_ms > 0 ? l->old_ms : w->now_ms;
    }
}

void mail_compare(struct mail_world *w)
{
    if (w->failed)
        return;
    core_check(w->core);
    if (core_number(w->core) != w->model.number)
        mail_fail(w, "the last record is %llu, and should be %llu", (unsigned long long)core_number(w->core),
                  (unsigned long long)w->model.number);
    for (uint32_t i = 0; i < w->model.letter_count && !w->failed; i++)
        compare_letter(w, i);
    if (!busy(w) && !w->plan.memory_fails && !w->exhausted)
        compare_progress(w);
    for (uint32_t q = 0; q < MAIL_QUEUES && !w->failed; q++) {
        compare_queue(w, q);
        compare_tasks(w, q);
    }
}
